//! Whether a certificate is to be believed: every link of the chain, each with its own name, and one word in the end.

use serde::{Deserialize, Serialize};
use sillok_contract::{
    credential::State,
    id::{LearnerId, MspId},
};
use utoipa::ToSchema;

use super::{
    CertificateError, CertificateFile, CertificateId, Credential, Second, SignedCredential, record, standing,
};
use crate::{
    ledger::{Receipt, receipt::Roots},
    verdict::{Check, Checks, Wrong, broken},
};

/// How many seconds the verifier's clock may be behind the office's.
const SKEW: i64 = 60 * 1_000_000;

/// The one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Genuine, countersigned and in force, as both offices said when they were asked just now.
    Valid,
    /// Something does not hold: it is forged, damaged, or not the one that the ledger knows.
    Refuted,
    /// Genuine, and withdrawn.
    Revoked,
    /// Genuine, and its time is over.
    Expired,
    /// Genuine, and its time is still to come.
    NotYetValid,
    /// Genuine, and the learner has not agreed to it.
    NotCountersigned,
    /// Genuine as far as it goes by itself; whether it is in force could not be learned. It is not to be relied on.
    CannotTell,
}

impl Outcome {
    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Refuted => "refuted",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::NotCountersigned => "not_countersigned",
            Self::CannotTell => "cannot_tell",
        }
    }
}

/// A link of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// File, JWT and credential are of their forms.
    Form,
    /// The officer's key signed the JWT.
    Signature,
    /// The officer is one of the issuing office, whose root issued the certificate.
    Issuer,
    /// Each proof holds, and is of the entry that the credential names, about its learner.
    Evidence,
    /// Each row is the last image that the proofs hold of it.
    Record,
    /// The ledger took this very JWT, from this officer.
    Issued,
    /// The wallet's key countersigned this very JWT, and the ledger took that.
    Countersigned,
    /// Its time has begun and is not over.
    Time,
    /// Both offices answered just now that it is in force.
    Status,
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// The one word.
    pub outcome: Outcome,
    /// Each link that was looked at; where one breaks, those that rest on it are not.
    pub checks: Vec<Check<Link>>,
    /// What the certificate says, where it is genuine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Summary>,
    /// When the offices answered, by the asker's clock, in microseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<i64>,
}

/// Whose certificate it is, by whom and from when until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// Its id.
    #[schema(value_type = String)]
    pub id: CertificateId,
    /// The office.
    #[schema(value_type = String)]
    pub office: MspId,
    /// The officer's certificate: SHA-256 of its DER, hexadecimal.
    pub officer: String,
    /// The learner.
    #[schema(value_type = String)]
    pub learner: LearnerId,
    /// How many rows it certifies.
    pub rows: u64,
    /// From when on it is good.
    #[schema(value_type = String)]
    pub valid_from: Second,
    /// Until when.
    #[schema(value_type = String)]
    pub valid_until: Second,
}

/// What is known of the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Both offices' answer, and the nonce they were asked with.
    Answered {
        /// The answer.
        receipt: Receipt,
        /// The asker's own.
        nonce: String,
    },
    /// Nobody was asked, or there was no answer.
    Unanswered {
        /// Stable.
        code: String,
        /// Why.
        detail: String,
    },
}

impl Verdict {
    /// Judges a certificate's file against the offices' root certificates, with nothing else at hand than what they
    /// answered. `now` is microseconds since the Unix epoch.
    pub fn of(file: &[u8], roots: &Roots, asked: &Asked, now: i64) -> Self {
        let mut checks = Checks::default();
        let genuine = checks.genuine(file, roots);
        let Some(genuine) = genuine else {
            return Self {
                outcome: Outcome::Refuted,
                checks: checks.told(),
                certificate: None,
                asked_at: None,
            };
        };
        let time = checks.time(&genuine.signed.credential, now);
        let status = checks.status(&genuine, asked, roots);
        let outcome = match (time, status) {
            (_, Status::Refuted) => Outcome::Refuted,
            (_, Status::State(State::Revoked)) => Outcome::Revoked,
            (Some(outcome), _) => outcome,
            (None, Status::Unknown) => Outcome::CannotTell,
            (None, Status::State(State::Expired)) => Outcome::Expired,
            (None, Status::State(State::Countersigned)) if genuine.countersigned => Outcome::Valid,
            (None, Status::State(_)) => Outcome::NotCountersigned,
        };
        let asked_at = matches!(asked, Asked::Answered { .. }).then_some(now);
        let certificate = Some(genuine.summary());
        Self { outcome, checks: checks.told(), certificate, asked_at }
    }

    /// The first link that does not hold.
    pub fn broken(&self) -> Option<&Check<Link>> {
        broken(&self.checks)
    }
}

/// A certificate whose every link holds that needs nobody to be asked.
struct Genuine {
    signed: SignedCredential,
    office: MspId,
    countersigned: bool,
}

impl Genuine {
    fn summary(&self) -> Summary {
        let Credential { valid_from, valid_until, credential_subject, .. } = &self.signed.credential;
        Summary {
            id: self.signed.credential.id(),
            office: self.office.clone(),
            officer: hex::encode(self.signed.officer.thumbprint()),
            learner: credential_subject.learner.clone(),
            rows: credential_subject.record.values().map(|rows| rows.len() as u64).sum(),
            valid_from: *valid_from,
            valid_until: *valid_until,
        }
    }
}

/// What the offices said.
enum Status {
    /// Nothing that can be relied on.
    Unknown,
    /// Another certificate than this one stands under its id, or none.
    Refuted,
    /// This.
    State(State),
}

impl Checks<Link> {
    fn genuine(&mut self, file: &[u8], roots: &Roots) -> Option<Genuine> {
        let read = CertificateFile::parse(file).and_then(|file| file.read().map(|signed| (file, signed)));
        let (file, signed) = self.look(Link::Form, read)?;
        self.look(Link::Signature, signed.check_signature())?;
        self.look(Link::Issuer, signed.check_issuer(roots))?;
        let credential = &signed.credential;
        let entries = self.look(Link::Evidence, record::check_evidence(credential, &file.proofs, roots))?;
        self.look(Link::Record, record::check_record(&credential.credential_subject.record, &entries))?;
        self.look(Link::Issued, standing::check_issued(&signed, &file.issued, roots))?;
        if let Some(countersigned) = &file.countersigned {
            let found = standing::check_countersigned(&signed, countersigned, roots);
            self.look(Link::Countersigned, found)?;
        }
        let office = credential.issuer.name.clone();
        let countersigned = file.countersigned.is_some();
        Some(Genuine { signed, office, countersigned })
    }

    /// The outcome that its time makes, if it is not the time for it.
    fn time(&mut self, credential: &Credential, now: i64) -> Option<Outcome> {
        let (from, until) = (credential.valid_from, credential.valid_until);
        let outcome = match () {
            () if now.saturating_add(SKEW) < from.micros() => Some(Outcome::NotYetValid),
            () if now >= until.micros() => Some(Outcome::Expired),
            () => None,
        };
        let found = outcome.map(|outcome| match outcome {
            Outcome::Expired => {
                wrong("certificate.expired", format!("it was good until {until}; ask for a new one"))
            }
            _ => wrong("certificate.not_yet_valid", format!("it is good from {from} on")),
        });
        self.found(Link::Time, found);
        outcome
    }

    fn status(&mut self, genuine: &Genuine, asked: &Asked, roots: &Roots) -> Status {
        let (receipt, nonce) = match asked {
            Asked::Answered { receipt, nonce } => (receipt, nonce),
            Asked::Unanswered { code, detail } => {
                self.found(Link::Status, Some(wrong(code, detail.clone())));
                return Status::Unknown;
            }
        };
        let told = standing::told(genuine.signed.credential.id(), receipt, nonce, roots);
        let told = match told {
            Ok(told) if told.digest.map(|digest| digest.0) == Some(genuine.signed.digest()) => told.state,
            Ok(_) => {
                self.found(Link::Status, Some(CertificateError::OtherDigest.into()));
                return Status::Refuted;
            }
            // An answer that does not hold tells nothing: not that it is in force, and not that it is not.
            Err(error) => {
                self.found(Link::Status, Some(error.into()));
                return Status::Unknown;
            }
        };
        self.found(Link::Status, wrong_with(told, genuine.countersigned));
        Status::State(told)
    }
}

/// Why a certificate in this state is not in force.
fn wrong_with(state: State, countersigned: bool) -> Option<Wrong> {
    let (code, detail) = match state {
        State::Countersigned if countersigned => return None,
        State::Countersigned => (
            "certificate.old_file",
            "the ledger has the learner's countersignature and this file has not; take the file anew",
        ),
        State::Revoked => ("certificate.revoked", "the office has withdrawn it"),
        State::Expired => ("certificate.expired", "its time is over"),
        _ => ("certificate.not_countersigned", "the learner has not countersigned it"),
    };
    Some(wrong(code, detail))
}

fn wrong(code: &str, detail: impl Into<String>) -> Wrong {
    Wrong { code: code.to_owned(), detail: detail.into() }
}
