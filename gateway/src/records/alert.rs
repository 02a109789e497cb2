//! Alerts: what was found in the database that did not come through the gateway, and what the monitor saw in the events.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Result, execution::corrupt};

/// What was found, and where. It holds no row's data but the columns of its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// What it is: `write.unrecorded` (a protected row was changed and no entry says so), `write.differs` (an entry says
    /// otherwise), `entry.unfounded` (an entry of a change that was not made), `outbox.altered` (Sillok's own tables were
    /// changed as no gateway does), `watch.gap` (writes between two places were not seen), `watch.altered` (what the watch
    /// rests on was changed); what an audit calls it; or what the monitor saw: `signature.failing`, `key.revoked_used`,
    /// `changes.burst`, `hours.unusual`, `reads.many`, `drift.many`, `consumer.lag`,
    /// `event.put_aside`.
    pub kind: String,
    /// The table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The row's key, by column; absent where it is about many rows. Of the monitor's: whom it is about, by what they are,
    /// such as `educator` and `school`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub key: Option<Map<String, Value>>,
    /// What was done: `INSERT`, `UPDATE`, `DELETE` or `TRUNCATE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// How many rows it is about; 0 where that cannot be told.
    pub rows: u64,
    /// When it was committed, microseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<i64>,
    /// The transaction in PostgreSQL. Its server log tells who that was, where `log_line_prefix` holds `%x` and `%u`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xid: Option<u32>,
    /// Where in PostgreSQL's write-ahead log the transaction ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lsn: Option<String>,
    /// A sentence that says more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What it rests on, where that is events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// What a finding rests on: events, counted within a span of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// How much was counted: signatures, rows, learners, alerts or events, as `detail` says.
    pub count: u64,
    /// The first of it, microseconds since the Unix epoch.
    pub from: i64,
    /// The last of it.
    pub until: i64,
    /// The ids of the last events of it.
    pub events: Vec<String>,
}

impl Finding {
    /// Of this kind, about nothing yet.
    pub fn new(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            table: None,
            key: None,
            operation: None,
            rows: 0,
            committed_at: None,
            xid: None,
            lsn: None,
            detail: None,
            evidence: None,
        }
    }
}

/// A finding's key and evidence, as the databases hold them.
pub(super) fn json(finding: &Finding) -> Result<(Option<String>, Option<String>)> {
    let key = finding.key.as_ref().map(serde_json::to_string).transpose();
    let evidence = finding.evidence.as_ref().map(serde_json::to_string).transpose();
    Ok((key.map_err(|_| corrupt("a key"))?, evidence.map_err(|_| corrupt("evidence"))?))
}

/// The finding with its key and evidence, as the databases hold them.
pub(super) fn with_json(finding: Finding, key: Option<String>, evidence: Option<String>) -> Result<Finding> {
    let key = key.map(|key| serde_json::from_str(&key)).transpose();
    let evidence = evidence.map(|evidence| serde_json::from_str(&evidence)).transpose();
    Ok(Finding {
        key: key.map_err(|_| corrupt("an alert's key"))?,
        evidence: evidence.map_err(|_| corrupt("an alert's evidence"))?,
        ..finding
    })
}

/// A finding that is to be raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAlert {
    /// What tells it from others: raised again, nothing happens.
    pub fingerprint: String,
    /// What was found.
    pub finding: Finding,
}

/// A finding that was raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Its number: greater than those of the alerts before it. Give it back to go on after this alert.
    pub id: i64,
    /// When it was raised, microseconds since the Unix epoch.
    pub seen_at: i64,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// What to do about it.
    #[serde(default)]
    pub advice: String,
}

impl Alert {
    /// The finding, with what to do about its kind.
    pub fn new(id: i64, seen_at: i64, finding: Finding) -> Self {
        let advice = advice(&finding.kind).to_owned();
        Self { id, seen_at, finding, advice }
    }
}

/// What to do about a finding of this kind.
fn advice(kind: &str) -> &'static str {
    match kind {
        "signature.failing" => {
            "Look at the codes. Ask the signer whether it was they; if not, block the source, and revoke the key if it may be lost."
        }
        "key.revoked_used" => {
            "Nothing of it is recorded. Find out who holds the key, starting from the source, and block that."
        }
        "changes.burst" => {
            "Ask who signed whether it was they, and why. If not, revoke their key; the learners' histories show what to put right."
        }
        "hours.unusual" => {
            "Ask them whether it was they. If not, revoke their key, and look at what it signed since."
        }
        "reads.many" => {
            "Ask them for what they needed it. Each learner sees in their own trail that they were read."
        }
        "drift.many" => {
            "Stop whoever writes past the gateway: change the database's passwords, then audit, and restore what differs."
        }
        "consumer.lag" => {
            "See whether a process of the group runs and what it logs, and look at the dead letters; start more of them if it is only slow."
        }
        "event.put_aside" => {
            "Read the reason; when its cause is mended, have the dead letter handled once more."
        }
        _ if kind.starts_with("ledger.") => {
            "The ledger contradicts itself: compare this peer's with the other office's before anything is restored."
        }
        _ if kind.starts_with("outbox.") => {
            "Find out who changed Sillok's tables in the database, then mend them: sillok audit --mend."
        }
        _ if kind.starts_with("watch.") => {
            "Set the watch up again, and audit what was written meanwhile: sillok audit."
        }
        _ => {
            "Find out in the database's log who wrote it, verify the learner, and restore what differs: sillok restore."
        }
    }
}

/// What the watch tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// These were raised, and are stored.
    Alerts(Vec<Alert>),
    /// Whether this gateway is the one that watches.
    Watching(bool),
    /// How many bytes of the write-ahead log the database keeps for the watch.
    Retained(u64),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor;

    #[test]
    fn each_kind_of_the_monitor_has_an_advice_of_its_own() {
        let mut told = monitor::KINDS.map(advice).to_vec();
        told.push(advice("write.unrecorded"));
        let count = told.len();
        told.sort_unstable();
        told.dedup();
        assert_eq!(told.len(), count);
    }
}
