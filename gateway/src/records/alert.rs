//! Alerts: what was found in the database that did not come through the gateway.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What was found, and where. It holds no row's data but the columns of its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// What it is: `write.unrecorded` (a protected row was changed and no entry says so), `write.differs` (an entry says
    /// otherwise), `entry.unfounded` (an entry of a change that was not made), `outbox.altered` (Sillok's own tables were
    /// changed as no gateway does), `watch.gap` (writes between two places were not seen), `watch.altered` (what the watch
    /// rests on was changed); or what an audit calls it.
    pub kind: String,
    /// The table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The row's key, by column; absent where it is about many rows.
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
        }
    }
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
