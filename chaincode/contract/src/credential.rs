//! Certificates of learners' records: their states, and which acts moved them. What they certify stands elsewhere; here
//! is no personal data.
//!
//! ```text
//! requested ──▶ refused
//!     └───────▶ issued ──▶ countersigned
//!                 └───────────┴──▶ revoked
//! ```

mod moves;
mod read;

use serde::{Deserialize, Serialize};

pub(crate) use moves::{countersign, issue, refuse, request, revoke};
pub use read::{CredentialStatus, EVENT};
pub(crate) use read::{get, list, list_waiting, status};

use crate::{
    act::{RevocationReason, Step},
    digest::Digest,
    id::{CertificateId, LearnerId, OfficerId},
};

/// A certificate on the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Its id.
    pub id: CertificateId,
    /// Whose record it certifies; who asked for it.
    pub learner: LearnerId,
    /// Where it stands. Whether it has expired follows from the time: [`Credential::state_at`].
    pub state: State,
    /// When it was asked for.
    pub requested: Step,
    /// How it was refused, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// How it was issued, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<Issued>,
    /// When the learner agreed to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countersigned: Option<Step>,
    /// How it was revoked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
}

/// Where a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The learner asked for it.
    Requested,
    /// An office refused it.
    Refused,
    /// An office signed it; the learner has not agreed to it yet.
    Issued,
    /// Office and learner have signed it.
    Countersigned,
    /// An office revoked it.
    Revoked,
    /// It was issued, and its time is over. Never stored.
    Expired,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Who refused.
    pub by: OfficerId,
    /// SHA-256 of the signed report that says why.
    pub digest: Digest,
    /// When.
    #[serde(flatten)]
    pub step: Step,
}

/// An issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Who signed for the office.
    pub by: OfficerId,
    /// SHA-256 of the compact JWT of the verifiable credential.
    pub digest: Digest,
    /// From this time on it is worth nothing, in microseconds since the Unix epoch.
    pub expires_at: i64,
    /// When.
    #[serde(flatten)]
    pub step: Step,
}

/// A revocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// Who revoked.
    pub by: OfficerId,
    /// Why.
    pub reason: RevocationReason,
    /// When.
    #[serde(flatten)]
    pub step: Step,
}

impl Credential {
    /// Where it stands at a time, in microseconds since the Unix epoch.
    pub fn state_at(&self, time: i64) -> State {
        match (&self.state, &self.issued) {
            (State::Issued | State::Countersigned, Some(issued)) if time >= issued.expires_at => {
                State::Expired
            }
            (state, _) => *state,
        }
    }
}
