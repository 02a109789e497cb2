//! What the rules raise.

use serde_json::{Map, Value};

use super::window::{Limit, Sum};
use crate::records::{Evidence, Finding, NewAlert};

/// Many signatures of a signer, or of a source, do not verify.
pub const FAILING: &str = "signature.failing";
/// A revoked key was used.
pub const REVOKED: &str = "key.revoked_used";
/// More was changed than an ordinary day has.
pub const BURST: &str = "changes.burst";
/// Somebody was at work outside of their hours.
pub const HOURS: &str = "hours.unusual";
/// Somebody reads more learners than an ordinary day has.
pub const READS: &str = "reads.many";
/// Many alerts about the database.
pub const DRIFT: &str = "drift.many";
/// A group of consumers is behind.
pub const LAG: &str = "consumer.lag";
/// A group of consumers put an event aside.
pub const DEAD: &str = "event.put_aside";

/// Every kind that the monitor raises.
pub const KINDS: [&str; 8] = [FAILING, REVOKED, BURST, HOURS, READS, DRIFT, LAG, DEAD];

/// Whom it is about, by what they are.
pub(super) type About<'a> = &'a [(&'static str, &'a str)];

/// What a rule found.
pub(super) struct Raised<'a> {
    pub(super) kind: &'static str,
    pub(super) about: About<'a>,
    /// What of them it is about, where a rule looks at several things; else empty.
    pub(super) matter: &'static str,
    /// How many rows were written.
    pub(super) rows: u64,
    /// A sentence: what was seen.
    pub(super) detail: String,
}

impl Raised<'_> {
    /// As an alert. Monitors that see the same events give it the same fingerprint, so it is stored once: it names the
    /// span that the episode began in, and no two episodes begin within one.
    pub(super) fn resting_on(self, sum: Sum, limit: Limit) -> NewAlert {
        let mut fingerprint = format!("monitor:{}:{}", self.kind, self.matter);
        for (_, name) in self.about {
            fingerprint.push(':');
            fingerprint.push_str(name);
        }
        fingerprint.push_str(&format!(":{}", sum.until.div_euclid(limit.span.max(1))));
        let key: Map<_, _> =
            self.about.iter().map(|(what, name)| ((*what).to_owned(), Value::from(*name))).collect();
        let Sum { count, from, until, events, .. } = sum;
        let finding = Finding {
            key: Some(key),
            rows: self.rows,
            detail: Some(self.detail),
            evidence: Some(Evidence { count, from, until, events }),
            ..Finding::new(self.kind)
        };
        NewAlert { fingerprint, finding }
    }
}

/// A span of time, for people.
pub(super) fn span(micros: i64) -> String {
    let seconds = micros / super::SECOND;
    match seconds {
        _ if seconds % 3_600 == 0 => counted(seconds / 3_600, "hour"),
        _ if seconds % 60 == 0 => counted(seconds / 60, "minute"),
        _ => counted(seconds, "second"),
    }
}

fn counted(number: i64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// How many were of which kind: "a.b 3, c.d 1".
pub(super) fn by_kind(sum: &Sum) -> String {
    sum.notes.iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", ")
}
