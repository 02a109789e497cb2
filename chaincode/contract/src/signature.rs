//! Signatures of documents: a JAdES baseline signature (ETSI TS 119 182-1), as a compact JWS over a document's hash.
//!
//! The document stays where it is: header `sigD` names it and holds its SHA-256, by the mechanism ObjectIdByURIHash, and
//! the payload is empty: `HEADER..SIGNATURE`. The header has exactly these members:
//!
//! | member | value |
//! |---|---|
//! | `alg` | `ES256` |
//! | `x5c` | the signer's certificate and that of their office's authority, base64 of the DER |
//! | `x5t#S256` | SHA-256 of the signer's certificate |
//! | `iat` | when it was signed, in seconds since the Unix epoch |
//! | `b64` | `false`: without it `hashV` would be of the document's base64url form (clause 5.2.8.3.3) |
//! | `crit` | `["b64", "sigD"]` |
//! | `sigD` | `mId` `http://uri.etsi.org/19182/ObjectIdByURIHash`, `pars` \[URI\], `hashM` `S256`, `hashV` \[base64url\] |
//! | `srCms` | may be absent; \[{`commId`: {`id`: URI}}\]: the one thing that it commits to, a [`Commitment`] |
//!
//! The URI is a [`Subject`]. The ledger holds who signed which hash when; the JWS itself is not on it.

mod approval;
mod check;
mod commitment;
mod header;
mod read;
mod record;
mod standing;
mod subject;

use serde::{Deserialize, Serialize};

pub use check::{Case, Check};
pub use commitment::Commitment;
pub use read::{Approved, Place, SignatureRecord};
pub(crate) use read::{find, get, list};
pub(crate) use record::record;
pub use record::{EVENT, MAX_SIGNATURES, Presented, RecordedSignature, RecordedSignatures, TRANSIENT};
pub use subject::Subject;

use crate::{
    Code, Refusal,
    act::SignatureApprove,
    certificate::Certificate,
    digest::Digest,
    jws::{self, MAX_IAT, Signed},
};
use header::Header;

/// The longest signature, in bytes of its compact form.
pub const MAX_SIGNATURE: usize = 64 * 1024;
const SECOND: i64 = 1_000_000;
/// How far a signature's `iat` may lie ahead of the transaction's time, in microseconds: clocks differ.
pub const MAX_AHEAD: i64 = 300 * SECOND;
/// How far a signature's `iat` may lie behind the transaction's time, in microseconds: services may have been away.
pub const MAX_BEHIND: i64 = 7 * 86_400 * SECOND;

/// What somebody signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// SHA-256 of the document's bytes.
    pub hash: Digest,
    /// What the document is to Sillok.
    pub subject: Subject,
    /// What the signer commits to by it, if they say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Commitment>,
    /// When it is signed, in seconds since the Unix epoch, by the signer's clock.
    pub iat: i64,
}

/// A signature whose form has been checked, not yet whether it is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// SHA-256 of what is signed: what it is named by. It stays the same when somebody without the key turns an ECDSA
    /// signature (r, s) into its twin (r, -s), which also verifies.
    pub digest: Digest,
    /// What is signed.
    pub statement: Statement,
    /// The certificate that the header names and brings along.
    pub certificate: Certificate,
    /// What the header says is the certificate of its authority.
    pub authority: Certificate,
    jws: String,
    signed: Signed,
}

impl Statement {
    /// The JWS signing input for this statement and a signer: what ES256 signs.
    pub fn signing_input(&self, certificate: &Certificate, authority: &Certificate) -> String {
        jws::detached_input(&Header::of(self, certificate, authority))
    }

    /// The act by which a person approves that an office's key of theirs signs this.
    pub fn approval(&self) -> SignatureApprove {
        SignatureApprove { digest: self.hash, subject: self.subject.clone(), purpose: self.purpose }
    }

    fn check(self) -> Result<Self, Refusal> {
        if !(0..=MAX_IAT).contains(&self.iat) {
            return Err(malformed("iat is the time in seconds since the Unix epoch"));
        }
        match self.subject {
            Subject::Hash(hash) if hash != self.hash => {
                Err(malformed("the hash in the document's URI is not the one in hashV"))
            }
            _ => Ok(self),
        }
    }
}

impl Signature {
    /// Reads a compact JWS. Refuses every other form than the one above: any further header, base64 that is not
    /// canonical, members that are unknown, missing or repeated, certificates that cannot be read, what is over the
    /// limit.
    pub fn parse(jws: &str) -> Result<Self, Refusal> {
        if jws.len() > MAX_SIGNATURE {
            return Err(Refusal::new(
                Code::SignatureTooLarge,
                format!("a signature has at most {MAX_SIGNATURE} bytes"),
            ));
        }
        let (header, signed) =
            Signed::parse_detached::<Header>(jws, "{alg, x5c, x5t#S256, iat, b64, crit, sigD, srCms?}")
                .map_err(malformed)?;
        let (statement, certificate, authority) = header.check()?;
        let digest = Digest::of(signed.input.as_bytes());
        Ok(Self {
            digest,
            statement: statement.check()?,
            certificate,
            authority,
            jws: jws.to_owned(),
            signed,
        })
    }

    /// The compact JWS.
    pub fn as_str(&self) -> &str {
        &self.jws
    }

    /// SHA-256 of the compact JWS: what a counter-signature signs.
    pub fn hash(&self) -> Digest {
        Digest::of(self.jws.as_bytes())
    }

    /// When it was signed, in microseconds since the Unix epoch.
    pub fn signed_at(&self) -> i64 {
        self.statement.iat * SECOND
    }

    /// The last moment of the second that it is dated to. Whoever began to stand within that second may have signed it;
    /// whoever ceased to within it may have done so too late.
    pub fn signed_at_latest(&self) -> i64 {
        self.signed_at().saturating_add(SECOND - 1)
    }

    /// Refuses a signature that is not that of the key of the certificate that it brings along.
    pub fn verify(&self) -> Result<(), Refusal> {
        self.signed.verify(&self.certificate, Code::SignatureInvalid)
    }
}

fn malformed(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::SignatureMalformed, format!("the signature is malformed: {why}"))
}
