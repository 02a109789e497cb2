//! Signed acts: what a learner, an officer or a signer decides, as a compact JWS (RFC 7515) that the ledger keeps.
//!
//! The gateway submits them and cannot make them. Each moves a state machine (a certificate's, an objection's, a body's,
//! a document's) or claims what nobody has claimed, and so counts once; the same act again is answered with its first
//! transaction. An approval ([`SignatureApprove`]) is an act that counts beside the signature that it approves, and
//! nowhere else.

mod header;
mod payload;
mod record;
mod signer;

use header::Header;
pub use header::Kid;
use serde::{Deserialize, Serialize};

pub use payload::{
    Act, CertificateCountersign, CertificateIssue, CertificateRefuse, CertificateRequest, CertificateRevoke,
    DocumentDecline, DocumentOpen, DocumentWithdraw, Erase, Grounds, ObjectionDismiss, ObjectionFile,
    ObjectionUphold, Party, Place, RevocationReason, SignatureApprove, WorkClaim,
};
pub use record::{ActRecord, Acted, EVENT};
pub(crate) use record::{get_act, record};

use crate::{
    Code, Refusal,
    digest::Digest,
    id::{LearnerId, OfficerId, SignerId},
    jws::{self, MAX_IAT, Signed},
    registry::ApprovalKey,
};

/// The `typ` of an act's header.
pub const TYPE: &str = "sillok-act+jws";
/// The longest act, in bytes of its compact form.
pub const MAX_ACT: usize = 64 * 1024;
/// The longest `jti` and `aud`, in bytes.
pub const MAX_TEXT: usize = 256;
const SECOND: i64 = 1_000_000;
/// How far an act's `iat` may lie ahead of the transaction's time, in microseconds: clocks differ.
pub const MAX_AHEAD: i64 = 300 * SECOND;
/// How far an act's `iat` may lie behind the transaction's time, in microseconds.
pub const MAX_BEHIND: i64 = 86_400 * SECOND;

/// Whom the header names as the signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A learner, by `kid`: the key in force of their wallet signs.
    Learner(LearnerId),
    /// An officer, by `x5t#S256`: the SHA-256 of their certificate's DER.
    Officer([u8; 32]),
    /// A signer who has their certificate's key, likewise.
    Signer([u8; 32]),
    /// A signer whose certificate's key the office holds, by `kid`, which is `signer/ID`: their own key signs, with which
    /// they also approve each use of the other.
    Approver(SignerId),
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// Makes it single: 1 to 256 visible ASCII characters.
    pub jti: String,
    /// When it was signed, in seconds since the Unix epoch.
    pub iat: i64,
    /// The gateway it is for: 1 to 256 visible ASCII characters.
    pub aud: String,
    /// What is done.
    #[serde(flatten)]
    pub act: Act,
}

/// An act whose form has been checked, not yet its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedAct {
    /// SHA-256 of what is signed. It stays the same when somebody without the key turns an ECDSA signature (r, s) into
    /// its twin (r, -s), which also verifies.
    pub digest: Digest,
    /// Whom the header names.
    pub named: Named,
    /// What is signed.
    pub payload: Payload,
    jws: String,
    signed: Signed,
}

/// When and in which transaction the ledger took an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The act: see [`SignedAct::digest`].
    pub act: Digest,
    /// The transaction's time, in microseconds since the Unix epoch.
    pub at: i64,
    /// The transaction.
    pub transaction: String,
}

/// Who did an act, verified.
pub(crate) enum By {
    Learner(LearnerId),
    Officer(OfficerId),
    Signer(SignerId),
}

impl SignedAct {
    /// Reads a compact JWS. Refuses every other `typ` and `alg`, any further header, base64url that is not canonical,
    /// members that are unknown, missing or repeated, what is over the limits, and a signer whose act it cannot be.
    pub fn parse(jws: &str) -> Result<Self, Refusal> {
        if jws.len() > MAX_ACT {
            return Err(Refusal::new(Code::ActTooLarge, format!("an act has at most {MAX_ACT} bytes")));
        }
        let (header, payload, signed) = Signed::parse::<Header, Payload>(
            jws,
            "{typ, alg, kid or x5t#S256}",
            "{jti, iat, aud, act, and that act's members}",
        )
        .map_err(malformed)?;
        let (name, payload) = (header.check()?, payload.check()?);
        let named = name.of(&payload.act)?;
        let digest = Digest::of(signed.input.as_bytes());
        Ok(Self { digest, named, payload, jws: jws.to_owned(), signed })
    }

    /// The compact JWS.
    pub fn as_str(&self) -> &str {
        &self.jws
    }

    /// When it was signed, in microseconds since the Unix epoch.
    pub fn signed_at(&self) -> i64 {
        self.payload.iat * SECOND
    }

    /// The last moment of the second that it is dated to. Whoever began to stand within that second may have signed it;
    /// whoever ceased to within it may have done so too late.
    pub fn signed_at_latest(&self) -> i64 {
        self.signed_at().saturating_add(SECOND - 1)
    }

    /// Refuses a signature that is not that of a signer's own key of approval, with `code`.
    pub(crate) fn verify_with(&self, key: &ApprovalKey, code: Code) -> Result<(), Refusal> {
        key.verify(self.signed.input.as_bytes(), &self.signed.signature, code)
    }

    fn check_time(&self, now: i64) -> Result<(), Refusal> {
        let refuse = |why: &str| Err(Refusal::new(Code::ActTime, format!("the act was signed {why}")));
        if self.signed_at() > now.saturating_add(MAX_AHEAD) {
            return refuse("more than 5 minutes after the transaction's time");
        }
        if self.signed_at() < now.saturating_sub(MAX_BEHIND) {
            return refuse("more than a day before the transaction's time; sign it anew");
        }
        Ok(())
    }
}

impl Payload {
    /// The JWS signing input for this payload and signer: what ES256 signs.
    pub fn signing_input(&self, named: &Named) -> String {
        jws::signing_input(&Header::of(named), self)
    }

    fn check(self) -> Result<Self, Refusal> {
        for (name, text) in [("jti", &self.jti), ("aud", &self.aud)] {
            if text.is_empty() || text.len() > MAX_TEXT || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(malformed(format!("{name} has 1 to {MAX_TEXT} visible ASCII characters")));
            }
        }
        match (0..=MAX_IAT).contains(&self.iat) {
            true => Ok(self),
            false => Err(malformed("iat is the time in seconds since the Unix epoch")),
        }
    }
}

fn malformed(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::ActMalformed, format!("the act is malformed: {why}"))
}
