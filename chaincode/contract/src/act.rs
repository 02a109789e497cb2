//! Signed acts: what a learner or an officer decides, as a compact JWS (RFC 7515) that the ledger keeps.
//!
//! The gateway submits them and cannot make them. Each moves a state machine (a certificate's, an objection's, a body's)
//! and so counts once; the same act again is answered with its first transaction.

mod payload;
mod record;
mod signer;

use serde::{Deserialize, Serialize};

pub use payload::{
    Act, CertificateCountersign, CertificateIssue, CertificateRefuse, CertificateRequest, CertificateRevoke,
    Erase, Grounds, ObjectionDismiss, ObjectionFile, ObjectionUphold, Party, Place, RevocationReason,
};
pub use record::{ActRecord, Acted, EVENT};
pub(crate) use record::{get_act, record};

use crate::{
    Code, Refusal,
    digest::Digest,
    id::{LearnerId, OfficerId},
    jws::{self, Signed},
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
/// The latest `iat`: the last second of the year 9999.
const MAX_IAT: i64 = 253_402_300_799;

/// Whom the header names as the signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A learner, by `kid`: the key in force of their wallet signs.
    Learner(LearnerId),
    /// An officer, by `x5t#S256`: the SHA-256 of their certificate's DER.
    Officer([u8; 32]),
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<LearnerId>,
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    thumbprint: Option<String>,
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
        let (named, payload) = (header.check()?, payload.check()?);
        let digest = Digest::of(signed.input.as_bytes());
        match (payload.act.party(), &named) {
            (Party::Learner, Named::Learner(_)) | (Party::Officer, Named::Officer(_)) => {
                Ok(Self { digest, named, payload, jws: jws.to_owned(), signed })
            }
            (party, _) => {
                Err(Refusal::new(Code::ActSigner, format!("{} is for {party} to sign", payload.act.name())))
            }
        }
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
        let (kid, thumbprint) = match named {
            Named::Learner(learner) => (Some(learner.clone()), None),
            Named::Officer(thumbprint) => (None, Some(jws::encode(thumbprint))),
        };
        let header = Header { typ: TYPE.to_owned(), alg: jws::ALGORITHM.to_owned(), kid, thumbprint };
        jws::signing_input(&header, self)
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

impl Header {
    fn check(self) -> Result<Named, Refusal> {
        if self.typ != TYPE {
            return Err(malformed(format!("typ is {TYPE}")));
        }
        if self.alg != jws::ALGORITHM {
            return Err(malformed("alg is ES256"));
        }
        match (self.kid, self.thumbprint) {
            (Some(learner), None) => Ok(Named::Learner(learner)),
            (None, Some(thumbprint)) => jws::thumbprint(&thumbprint).map(Named::Officer).map_err(malformed),
            _ => Err(malformed("the header names a learner by kid, or an officer's certificate by x5t#S256")),
        }
    }
}

fn malformed(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::ActMalformed, format!("the act is malformed: {why}"))
}
