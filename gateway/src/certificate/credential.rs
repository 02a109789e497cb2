//! The credential: what an office says of a learner's record, in the data model of W3C Verifiable Credentials 2.0.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sillok_contract::{
    certificate::Certificate,
    entry::EntryId,
    id::{LearnerId, MspId, SchoolId},
};

use super::{CertificateError, CertificateId, Confirmation, Second};
use crate::{
    keys::{Jwk, PublicKey},
    proof::{Proof, Verified},
};

/// W3C's own terms, and that ours, such as `record`, mean what this page says.
const CONTEXT: [&str; 2] =
    ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/undefined-terms/v2"];
const TYPES: [&str; 2] = ["VerifiableCredential", "SchoolRecordCertificate"];
const EVIDENCE: &str = "SillokEntry";
const STATUS: &str = "SillokLedgerStatus";

/// A learner's record, as an office certifies it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Credential {
    #[serde(rename = "@context")]
    context: Vec<String>,
    #[serde(rename = "type")]
    types: Vec<String>,
    id: String,
    /// The office that certifies.
    pub issuer: Issuer,
    /// From when on it is good.
    pub valid_from: Second,
    /// Until when.
    pub valid_until: Second,
    /// Whose record, and the record.
    pub credential_subject: Subject,
    /// The entries that the record rests on, in the order of the learner's trail.
    pub evidence: Vec<Evidence>,
    /// Where its status stands.
    pub credential_status: Status,
    /// The wallet's key: who may countersign.
    pub cnf: Confirmation,
}

/// An office.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The office's root certificate, by its SHA-256 (RFC 6920): `ni:///sha-256;` and base64url of the digest of the DER.
    pub id: String,
    /// The office's MSP.
    pub name: MspId,
}

/// A learner with their record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The wallet's key, by its thumbprint (RFC 9278).
    id: String,
    /// The learner's id: a pseudonym.
    pub learner: LearnerId,
    /// 16 random bytes, base64url: nobody guesses the record from the digest on the ledger.
    pub salt: String,
    /// The rows, by table: each an object of all its columns, as it was last recorded.
    pub record: Record,
}

/// Rows by table.
pub type Record = BTreeMap<String, Vec<Map<String, Value>>>;

/// An entry on the ledger, and its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    #[serde(rename = "type")]
    kind: String,
    /// The entry's id.
    pub entry: EntryId,
    /// Which of the learner's entries it is, from 1.
    pub number: u64,
    /// Where it was executed.
    pub school: SchoolId,
    /// The school's batch.
    pub sequence: u64,
    /// Its place in the batch, from 0.
    pub index: u32,
    /// The transaction that recorded the batch.
    pub transaction: String,
    /// The digest of its proof ([`Proof::digest`]), base64url.
    pub proof: String,
}

/// How to ask whether it is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The address that answers, where the office has a public one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(rename = "type")]
    kind: String,
}

/// What a credential is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Its id.
    pub id: CertificateId,
    /// The office.
    pub issuer: Issuer,
    /// From when on and until when it is good.
    pub valid: (Second, Second),
    /// Whose record.
    pub learner: LearnerId,
    /// The key of their wallet.
    pub wallet: PublicKey,
    /// Random.
    pub salt: [u8; 16],
    /// The rows.
    pub record: Record,
    /// The entries they rest on.
    pub evidence: Vec<Evidence>,
    /// Where the status can be asked, if the office has a public address.
    pub status_address: Option<String>,
}

impl Credential {
    /// Puts one together.
    pub fn new(parts: Parts) -> Self {
        let jwk = Jwk::of(&parts.wallet);
        let (valid_from, valid_until) = parts.valid;
        Self {
            context: CONTEXT.map(str::to_owned).into(),
            types: TYPES.map(str::to_owned).into(),
            id: parts.id.urn(),
            issuer: parts.issuer,
            valid_from,
            valid_until,
            credential_subject: Subject {
                id: jwk.uri(),
                learner: parts.learner,
                salt: URL_SAFE_NO_PAD.encode(parts.salt),
                record: parts.record,
            },
            evidence: parts.evidence,
            credential_status: Status { id: parts.status_address, kind: STATUS.to_owned() },
            cnf: Confirmation { jwk },
        }
    }

    /// Reads one: exactly the bytes that [`Credential::to_json`] writes.
    pub fn parse(json: &[u8]) -> Result<Self, CertificateError> {
        let malformed = |why: String| CertificateError::Credential(why);
        let credential: Self = serde_json::from_slice(json).map_err(|error| malformed(error.to_string()))?;
        if credential.to_json() != json {
            return Err(malformed("it is not canonical JSON (RFC 8785)".to_owned()));
        }
        credential.check().map_err(|why| malformed(why.to_owned()))?;
        Ok(credential)
    }

    /// Canonical JSON (RFC 8785): the JWT's payload.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).expect("a credential has only text, numbers, lists and rows")
    }

    /// Its id.
    pub fn id(&self) -> CertificateId {
        CertificateId::of_urn(&self.id).expect("checked when it was read or made")
    }

    fn check(&self) -> Result<(), &'static str> {
        let holder = self.cnf.jwk.key().map_err(|_| "cnf holds no P-256 key")?;
        let salt = URL_SAFE_NO_PAD.decode(&self.credential_subject.salt).unwrap_or_default();
        let rules = [
            (self.context == CONTEXT, "its @context is another"),
            (self.types == TYPES, "its type is not SchoolRecordCertificate"),
            (CertificateId::of_urn(&self.id).is_some(), "its id is not a random UUID's URN"),
            (self.valid_from < self.valid_until, "it ends before it begins"),
            (self.credential_subject.id == Jwk::of(&holder).uri(), "its subject is not the key in cnf"),
            (salt.len() == 16, "its salt is not 16 bytes"),
            (self.credential_status.kind == STATUS, "its status is of another type"),
            (
                self.evidence.iter().all(|evidence| evidence.kind == EVIDENCE),
                "its evidence is of another type",
            ),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, why)| Err(why))
    }
}

impl Issuer {
    /// The office with this root certificate.
    pub fn new(name: MspId, root: &Certificate) -> Self {
        let digest = URL_SAFE_NO_PAD.encode(root.thumbprint());
        Self { id: format!("ni:///sha-256;{digest}"), name }
    }
}

impl Evidence {
    /// The entry that this proof proves.
    pub fn new(verified: &Verified, proof: &Proof) -> Self {
        Self {
            kind: EVIDENCE.to_owned(),
            entry: verified.id,
            number: verified.number,
            school: verified.entry.school.clone(),
            sequence: verified.sequence,
            index: verified.index,
            transaction: verified.transaction.clone(),
            proof: URL_SAFE_NO_PAD.encode(proof.digest()),
        }
    }
}
