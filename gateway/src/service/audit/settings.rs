//! `[service.audit]`

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The audit that the gateway makes by itself, in the background: all learners, over and over. What it finds is an
/// alert, once, as what the watch sees; and is counted in the metrics `sillok_audit_…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// How many seconds lie between the end of one audit and the beginning of the next; 0: none is made. Of several
    /// gateways on one database, let one do it.
    pub every_s: u64,
    /// How long it pauses between two steps of its work, in milliseconds: after 32 batches, after the rows of 50
    /// learners, and after each who is looked at alone.
    pub pause_ms: u64,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self { every_s: 0, pause_ms: 100 }
    }
}
