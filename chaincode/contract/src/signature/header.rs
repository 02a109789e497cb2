//! The header of a signature, which holds all that is signed.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::{Commitment, Statement, Subject, malformed};
use crate::{Refusal, certificate::Certificate, digest::Digest, jws};

/// How `sigD` names a document: its URI and its hash (clause 5.2.8.3.3).
const MECHANISM: &str = "http://uri.etsi.org/19182/ObjectIdByURIHash";
/// SHA-256, as `hashM` names it.
const HASH: &str = "S256";
/// What a reader has to understand (RFC 7515, section 4.1.11; RFC 7797, section 6; clause 5.1.9).
const CRITICAL: [&str; 2] = ["b64", "sigD"];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    alg: String,
    x5c: [String; 2],
    #[serde(rename = "x5t#S256")]
    thumbprint: String,
    iat: i64,
    b64: bool,
    crit: [String; 2],
    #[serde(rename = "sigD")]
    detached: Detached,
    #[serde(rename = "srCms", default, skip_serializing_if = "Option::is_none")]
    commitments: Option<[Commits; 1]>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Detached {
    #[serde(rename = "mId")]
    mechanism: String,
    pars: [Subject; 1],
    #[serde(rename = "hashM")]
    hash: String,
    #[serde(rename = "hashV")]
    hashes: [String; 1],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Commits {
    #[serde(rename = "commId")]
    to: ObjectId,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectId {
    id: String,
}

impl Header {
    pub(super) fn of(statement: &Statement, certificate: &Certificate, authority: &Certificate) -> Self {
        Self {
            alg: jws::ALGORITHM.to_owned(),
            x5c: [certificate, authority].map(|certificate| BASE64_STANDARD.encode(certificate.der())),
            thumbprint: jws::encode(&certificate.thumbprint()),
            iat: statement.iat,
            b64: false,
            crit: CRITICAL.map(str::to_owned),
            detached: Detached {
                mechanism: MECHANISM.to_owned(),
                pars: [statement.subject.clone()],
                hash: HASH.to_owned(),
                hashes: [jws::encode(&statement.hash.0)],
            },
            commitments: statement
                .purpose
                .map(|purpose| [Commits { to: ObjectId { id: purpose.uri().to_owned() } }]),
        }
    }

    /// What it states, and the certificates of who does and of their authority.
    pub(super) fn check(self) -> Result<(Statement, Certificate, Certificate), Refusal> {
        self.check_words()?;
        let [hash] = &self.detached.hashes;
        let hash = jws::decode(hash)
            .ok()
            .and_then(|hash| hash.try_into().ok())
            .ok_or_else(|| malformed("hashV has a SHA-256 in base64url without padding"))?;
        let purpose = self.commitments.map(|[commits]| Commitment::of_uri(&commits.to.id)).transpose()?;
        let [certificate, authority] = self.x5c;
        let (certificate, authority) = (read(&certificate)?, read(&authority)?);
        if jws::thumbprint(&self.thumbprint).map_err(malformed)? != certificate.thumbprint() {
            return Err(malformed("x5t#S256 is not of the first certificate in x5c"));
        }
        let [subject] = self.detached.pars;
        Ok((Statement { hash: Digest(hash), subject, purpose, iat: self.iat }, certificate, authority))
    }

    /// The members that have one value alone.
    fn check_words(&self) -> Result<(), Refusal> {
        match () {
            () if self.alg != jws::ALGORITHM => Err(malformed("alg is ES256")),
            () if self.b64 => Err(malformed("b64 is false: hashV is of the document as it is")),
            () if self.crit != CRITICAL => Err(malformed("crit is [\"b64\", \"sigD\"]")),
            () if self.detached.mechanism != MECHANISM => Err(malformed(format!("mId is {MECHANISM}"))),
            () if self.detached.hash != HASH => Err(malformed(format!("hashM is {HASH}"))),
            () => Ok(()),
        }
    }
}

fn read(certificate: &str) -> Result<Certificate, Refusal> {
    let der = BASE64_STANDARD
        .decode(certificate)
        .map_err(|error| malformed(format!("x5c has certificates in base64: {error}")))?;
    Certificate::from_der(&der)
}
