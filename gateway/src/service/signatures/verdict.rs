//! What holding a signature against who stands gave, check by check.

use serde::{Deserialize, Serialize};
use sillok_contract::signature::{Case, Check};
use utoipa::ToSchema;

/// Whether a signature holds, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignatureVerdict {
    /// Whether every check holds.
    pub holds: bool,
    /// Each check, in the order in which the ledger makes them.
    pub checks: Vec<SignatureCheck>,
}

/// One check, made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignatureCheck {
    /// Which.
    #[schema(value_type = String)]
    pub check: Check,
    /// Whether it holds.
    pub holds: bool,
    /// A stable code for why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why not, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl SignatureVerdict {
    /// Makes every check.
    pub fn of(case: &Case<'_>) -> Self {
        let made = |check: Check| match check.of(case) {
            Ok(()) => SignatureCheck { check, holds: true, code: None, why: None },
            Err(refusal) => SignatureCheck {
                check,
                holds: false,
                code: Some(refusal.code.as_str().to_owned()),
                why: Some(refusal.message),
            },
        };
        let checks: Vec<_> = Check::ALL.into_iter().map(made).collect();
        Self { holds: checks.iter().all(|check| check.holds), checks }
    }

    /// Code and reason of the first check that does not hold.
    pub fn failure(&self) -> Option<(&str, &str)> {
        let failed = self.checks.iter().find(|check| !check.holds)?;
        Some((failed.code.as_deref()?, failed.why.as_deref()?))
    }
}
