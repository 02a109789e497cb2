//! `[monitor]`: one section a rule.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::events::Group;

/// The rules over the events. In every rule 0 turns a limit off. The defaults are silent over an ordinary school year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// As which group this monitor reads events. It has to see all of them, since counts of a part tell nothing: of several
    /// monitors give each a group of its own. What two of them find is told once.
    #[schema(value_type = String)]
    pub group: Group,
    /// How many people, sources or schools a rule remembers at most; beyond, those that were seen longest ago are
    /// forgotten. A rule needs at most some 5 kB for one, and `reads` 16 bytes more for each learner of its limit.
    pub remembered: usize,
    /// What goes on is told once; and once more after so many seconds if it still goes on.
    pub again_s: u32,
    /// Failed verifications.
    pub failing: FailingSettings,
    /// A revoked key, used.
    pub revoked: RevokedSettings,
    /// Bursts of changes.
    pub changes: ChangeSettings,
    /// Use outside of a person's hours.
    pub hours: HoursSettings,
    /// One person who reads many learners.
    pub reads: ReadSettings,
    /// Alerts about the database, gathered.
    pub drift: DriftSettings,
    /// Consumers that are behind.
    pub lag: LagSettings,
    /// Events that were put aside.
    pub dead_letters: DeadLetterSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            group: Group::new("monitor").expect("letters alone are well formed"),
            remembered: 20_000,
            again_s: 86_400,
            failing: FailingSettings::default(),
            revoked: RevokedSettings::default(),
            changes: ChangeSettings::default(),
            hours: HoursSettings::default(),
            reads: ReadSettings::default(),
            drift: DriftSettings::default(),
            lag: LagSettings::default(),
            dead_letters: DeadLetterSettings::default(),
        }
    }
}

/// Failed verifications of signatures, by who is said to have signed and by who handed them in: `signature.failing`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FailingSettings {
    /// Within so many seconds,
    pub window_s: u32,
    /// so many that name one signer are told,
    pub signer: u64,
    /// and so many that one source handed in. A whole school may be one source.
    pub source: u64,
}

impl Default for FailingSettings {
    fn default() -> Self {
        Self { window_s: 600, signer: 5, source: 20 }
    }
}

/// A signature under a certificate that is revoked, handed in after it was: `key.revoked_used`. One is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RevokedSettings {
    /// Uses of one certificate that lie no further apart than so many seconds are told once; 0 turns the rule off.
    pub window_s: u32,
}

impl Default for RevokedSettings {
    fn default() -> Self {
        Self { window_s: 3_600 }
    }
}

/// Bursts of changes: `changes.burst`. New rows come in bursts by themselves, when a year begins and when marks are due; so
/// what may overwrite or delete has limits of its own: those of an educator are above what one row of each learner of a school of
/// ordinary size comes to, which is what whoever confirms a term's marks writes. What is adopted is not counted: it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChangeSettings {
    /// Within so many seconds,
    pub window_s: u32,
    /// so many rows that one educator overwrites or deletes are told,
    pub educator_overwrites: u64,
    /// or so many of one school;
    pub school_overwrites: u64,
    /// so many rows that one educator writes at all,
    pub educator_writes: u64,
    /// or so many of one school.
    pub school_writes: u64,
}

impl Default for ChangeSettings {
    fn default() -> Self {
        Self {
            window_s: 600,
            educator_overwrites: 600,
            school_overwrites: 3_000,
            educator_writes: 5_000,
            school_writes: 20_000,
        }
    }
}

/// Use outside of a person's hours: `hours.unusual`. Hours that are ordinary for everybody are configured; whoever works
/// outside of them is told of on their first days, and then these hours are learned as theirs. So a teacher's evening raises
/// nothing, a night does, and a night watch's tenth does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HoursSettings {
    /// The hour at which ordinary time begins, 0 to 24. From 0 to 24 turns the rule off.
    pub from_hour: u8,
    /// The hour at which it ends, after `from_hour`.
    pub to_hour: u8,
    /// Whether Saturday and Sunday have ordinary time, too.
    pub weekend: bool,
    /// How many minutes the office's time is ahead of UTC.
    pub offset_minutes: i16,
    /// On so many earlier days a person has to have worked within an hour of it for an hour to be theirs, 1 to 14; 0: no
    /// hours are learned.
    pub learn_days: u8,
    /// Hours that were not used for so many days are forgotten.
    pub remember_days: u16,
}

impl Default for HoursSettings {
    fn default() -> Self {
        Self {
            from_hour: 6,
            to_hour: 23,
            weekend: true,
            offset_minutes: 9 * 60,
            learn_days: 3,
            remember_days: 60,
        }
    }
}

/// One educator who reads many learners: `reads.many`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReadSettings {
    /// Within so many seconds,
    pub window_s: u32,
    /// so many different learners are told. A teacher of one subject has some 200 to 300; whoever prints a whole school's
    /// reports reads all of them.
    pub learners: u32,
}

impl Default for ReadSettings {
    fn default() -> Self {
        Self { window_s: 3_600, learners: 500 }
    }
}

/// Alerts that the database is not what the ledger says, gathered: `drift.many`. Each stands in the list of alerts by
/// itself; many at once are more than an accident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DriftSettings {
    /// Within so many seconds,
    pub window_s: u32,
    /// so many are told together.
    pub alerts: u64,
}

impl Default for DriftSettings {
    fn default() -> Self {
        Self { window_s: 600, alerts: 10 }
    }
}

/// Groups of consumers that are behind: `consumer.lag`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LagSettings {
    /// A group is behind when the oldest event that it has not confirmed is older than so many seconds,
    pub older_s: u32,
    /// or when there are so many of them. A peak that is worked off takes no more than some minutes.
    pub events: u64,
}

impl Default for LagSettings {
    fn default() -> Self {
        Self { older_s: 300, events: 100_000 }
    }
}

/// Events that a group of consumers could not handle and put aside: `event.put_aside`. One is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeadLetterSettings {
    /// Those of one group that lie no further apart than so many seconds are told once; 0 turns the rule off.
    pub window_s: u32,
}

impl Default for DeadLetterSettings {
    fn default() -> Self {
        Self { window_s: 3_600 }
    }
}

impl Settings {
    /// Refuses what cannot work; names the field, below the section, and says why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        const DAY: u64 = 86_400;
        let hours = &self.hours;
        let ranges = [
            ("remembered", self.remembered as u64, 2, 1_000_000),
            // A limit's span would be told twice.
            ("again_s", self.again_s.into(), DAY, 365 * DAY),
            ("failing.window_s", self.failing.window_s.into(), 1, DAY),
            ("revoked.window_s", self.revoked.window_s.into(), 0, DAY),
            ("changes.window_s", self.changes.window_s.into(), 1, DAY),
            ("hours.to_hour", hours.to_hour.into(), 1, 24),
            ("hours.from_hour", hours.from_hour.into(), 0, u64::from(hours.to_hour.saturating_sub(1))),
            ("hours.offset_minutes", hours.offset_minutes.unsigned_abs().into(), 0, 14 * 60),
            ("hours.learn_days", hours.learn_days.into(), 0, 14),
            ("hours.remember_days", hours.remember_days.into(), 1, 3_650),
            ("reads.window_s", self.reads.window_s.into(), 1, DAY),
            ("reads.learners", self.reads.learners.into(), 0, 100_000),
            ("dead_letters.window_s", self.dead_letters.window_s.into(), 0, DAY),
            ("drift.window_s", self.drift.window_s.into(), 1, DAY),
        ];
        match ranges.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value)) {
            Some((key, _, least, most)) => Err((key, format!("must be {least} to {most}"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work_and_what_cannot_is_named() {
        assert_eq!(Settings::default().check(), Ok(()));
        let mut settings = Settings::default();
        settings.hours.from_hour = 23;
        assert_eq!(settings.check(), Err(("hours.from_hour", "must be 0 to 22".to_owned())));
        settings.hours.from_hour = 0;
        settings.remembered = 1;
        assert_eq!(settings.check(), Err(("remembered", "must be 2 to 1000000".to_owned())));
    }
}
