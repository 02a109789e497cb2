//! The monitor: rules over the events, and what they raise.
//!
//! A rule is pure: what it is shown goes in, alerts come out. It opens nothing and has no clock: times are those of what
//! happened (when an entry was executed, when a signature was handed in), so a ledger that was away for a night makes no
//! burst of the morning; and none is later than `now`, so that no wrong clock elsewhere blinds a rule. What a rule
//! remembers is bounded, whatever comes.
//!
//! | rule | raises | when |
//! |---|---|---|
//! | `failing` | `signature.failing` | many signatures of one signer, or from one source, do not verify |
//! | `revoked` | `key.revoked_used` | a signature under a revoked certificate is handed in |
//! | `changes` | `changes.burst` | an educator or a school overwrites, deletes or writes more than ordinary days have |
//! | `hours` | `hours.unusual` | somebody works outside of ordinary time, and of their own |
//! | `reads` | `reads.many` | an educator reads many different learners |
//! | `drift` | `drift.many` | many alerts say that the database is not what the ledger says |
//! | `lag` | `consumer.lag` | a group of consumers is behind |
//! | `dead_letters` | `event.put_aside` | a group of consumers could not handle an event |
//!
//! Each episode is raised once, however many events it has. One monitor has to see all events: counts of a part tell
//! nothing. Several that each see all of them raise the same alerts with the same fingerprints, which are stored once.

mod alert;
mod changes;
mod dead;
mod drift;
mod failing;
mod handler;
mod hours;
mod kept;
mod lag;
mod reads;
mod revoked;
mod seen;
mod settings;
#[cfg(test)]
mod tests;
mod window;

pub use alert::{BURST, DEAD, DRIFT, FAILING, HOURS, KINDS, LAG, READS, REVOKED};
pub use handler::{Raise, Watcher};
pub use seen::TOPICS;
pub use settings::{
    ChangeSettings, DeadLetterSettings, DriftSettings, FailingSettings, HoursSettings, LagSettings,
    ReadSettings, RevokedSettings, Settings,
};

pub use crate::events::data::{
    Action, DeadLetterTold, EntriesRecorded, Failure, RecordedEntry, SignatureVerified,
};

use crate::{
    events::{Event, Group, Lag},
    records::{Alert, NewAlert},
};
use kept::Kept;
use seen::{Seen, What};
use window::Limit;

/// In the unit of all times, microseconds.
const SECOND: i64 = 1_000_000;

/// How many of the last events are known again.
const KNOWN: usize = 4_096;

/// All rules, and what they remember.
pub struct Monitor {
    failing: failing::Failing,
    revoked: revoked::Revoked,
    changes: changes::Bursts,
    hours: hours::Hours,
    reads: reads::Reads,
    drift: drift::Drift,
    lag: lag::Behind,
    dead: dead::Dead,
    /// What came of the last events.
    known: Kept<Option<Vec<NewAlert>>>,
}

impl Monitor {
    /// With these rules, remembering nothing.
    pub fn new(settings: &Settings) -> Self {
        Self {
            failing: failing::Failing::new(settings),
            revoked: revoked::Revoked::new(settings),
            changes: changes::Bursts::new(settings),
            hours: hours::Hours::new(settings),
            reads: reads::Reads::new(settings),
            drift: drift::Drift::new(settings),
            lag: lag::Behind::new(settings),
            dead: dead::Dead::new(settings),
            known: Kept::new(KNOWN),
        }
    }

    /// What is to be raised after this event. An event that comes again soon, because its alerts could not be stored,
    /// counts once and gives the same alerts. Refuses one whose data is not of its topic's form.
    pub fn see(&mut self, event: &Event, now: i64) -> serde_json::Result<Vec<NewAlert>> {
        Ok(Seen::of(event)?.map_or_else(Vec::new, |seen| self.look(&seen, now)))
    }

    fn look(&mut self, seen: &Seen, now: i64) -> Vec<NewAlert> {
        if let Some(alerts) = self.known.of(&seen.id) {
            return alerts.clone();
        }
        let alerts = self.judge(seen, now);
        *self.known.of(&seen.id) = Some(alerts.clone());
        alerts
    }

    fn judge(&mut self, Seen { id, at, what }: &Seen, now: i64) -> Vec<NewAlert> {
        match what {
            What::Verified(verified) => {
                let mut alerts = self.failing.see(id, verified, now);
                alerts.extend(self.revoked.see(id, verified, now));
                alerts.extend(self.hours.signature(id, verified, now));
                alerts
            }
            What::Recorded(recorded) => {
                let mut alerts = self.changes.see(id, recorded, now);
                alerts.extend(self.hours.entries(id, recorded, now));
                alerts.extend(self.reads.see(id, recorded, now));
                alerts
            }
            What::Alerted(alert) => self.drift.see(id, alert, now).into_iter().collect(),
            What::PutAside(letter) => self.dead.see(id, letter, (*at).min(now)).into_iter().collect(),
        }
    }

    /// Remembers what alerts tell that were raised before it began: whose hours are whose. What a window held is lost with
    /// the process that held it, so of an episode that falls together with a restart only what comes after counts.
    pub fn recall(&mut self, alerts: &[Alert]) {
        alerts.iter().for_each(|alert| self.hours.recall(&alert.finding));
    }

    /// What is to be raised after it was measured how far a group is behind.
    pub fn measured(&mut self, group: &Group, lags: &[Lag], now: i64) -> Vec<NewAlert> {
        lags.iter().filter_map(|lag| self.lag.see(group, lag, now)).collect()
    }
}

impl Settings {
    fn limit(&self, window_s: u32, most: u64) -> Limit {
        Limit { span: i64::from(window_s) * SECOND, most, again: i64::from(self.again_s) * SECOND }
    }
}
