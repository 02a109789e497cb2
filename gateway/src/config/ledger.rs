//! `[ledger]`

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ledger::fabric;

/// The ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ledger {
    /// "embedded" (in this process, on a file under `data`: for trying, developing and testing) or "fabric".
    #[schema(value_type = String)]
    pub engine: LedgerEngine,
    /// How Hyperledger Fabric is reached, where it is the engine.
    #[schema(value_type = Object)]
    pub fabric: fabric::Settings,
}

/// Which ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LedgerEngine {
    /// In this process, with development certificates.
    #[default]
    Embedded,
    /// Hyperledger Fabric.
    Fabric,
}
