//! What of signatures and documents is a caller's to see and to do.

use std::fmt;

use sillok_contract::id::SignerId;

use crate::{
    problem::{Kind, Problem},
    service::Caller,
};

impl Caller {
    /// Refuses whoever is no signer, and tells them what it is that a signer does here.
    pub(super) fn check_signs(&self, what: &str) -> Result<(), Problem> {
        match self {
            Self::Signer { .. } => Ok(()),
            Self::Educator { .. } | Self::Officer { .. } | Self::Learner { .. } => {
                let detail = format!("a registered signer {what}, with their own key");
                Err(Problem::new(Kind::Forbidden, "access.signers_only", detail))
            }
        }
    }

    /// Refuses another signer than the caller themselves; the offices see all.
    pub(super) fn check_signer(&self, asked: &SignerId) -> Result<(), Problem> {
        match self {
            Self::Officer { .. } => return Ok(()),
            Self::Signer { id } if id == asked => return Ok(()),
            _ => {}
        }
        let detail = format!("what the signer {asked} signed is for them and the offices");
        Err(Problem::new(Kind::Forbidden, "access.other_signer", detail))
    }
}

/// As events name who did something.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Educator { id, .. } => write!(f, "educator/{id}"),
            Self::Officer { msp } => write!(f, "office/{msp}"),
            Self::Learner { id } => write!(f, "learner/{id}"),
            Self::Signer { id } => write!(f, "signer/{id}"),
        }
    }
}
