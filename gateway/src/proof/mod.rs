//! Proofs: a file with which anyone can check, alone and offline, that both offices recorded an entry.
//!
//! The form is canonical JSON (RFC 8785), bytes in base64url without padding:
//!
//! | member | what |
//! |---|---|
//! | `version` | 1 |
//! | `entry` | the entry's bytes: the leaf |
//! | `request` | the compact JWS that its educator, or officer, signed |
//! | `certificate` | their certificate, DER |
//! | `index`, `path` | the leaf's place in its batch and the inclusion proof (RFC 9162, section 2.1.3) |
//! | `header` | the batch header's bytes, which hold the Merkle root |
//! | `receipt` | what both offices endorsed, the header in its write set, and their signatures |
//! | `digest` | SHA-256 of the same JSON without this member |
//!
//! Several proofs in one file ([`Proofs`]) share their receipts, which are by far the longest part: of the proofs of one
//! batch each would repeat the batch's. Canonical JSON again:
//!
//! | member | what |
//! |---|---|
//! | `proofs` | each proof as above, but without `digest`, and `receipt` is SHA-256 of the receipt's canonical JSON |
//! | `receipts` | the receipts, each once, in the order in which the proofs name them first |
//!
//! The digest protects nobody from a forger, the signatures do; it shows damage also in what no signature covers, such
//! as the block's number.

mod error;
mod shared;
mod verified;

use serde::{Deserialize, Serialize};
use sillok_contract::{certificate::Certificate, digest::sha256, merkle};

pub use error::ProofError;
pub use shared::Proofs;
pub use verified::Verified;

use crate::ledger::{Receipt, receipt::Roots};
use shared::Shared;
use verified::Recorded;

/// The version of the form.
pub const VERSION: u32 = 1;
/// The longest proof file that is read, in bytes.
pub const MAX_PROOF: usize = 16 * 1024 * 1024;

/// The proof of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    body: Body<Shared>,
}

/// All but the digest; the receipt, or what names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<R> {
    version: u32,
    #[serde(with = "crate::base64url")]
    entry: Vec<u8>,
    request: String,
    #[serde(with = "crate::base64url")]
    certificate: Vec<u8>,
    index: u32,
    path: Vec<Hash>,
    #[serde(with = "crate::base64url")]
    header: Vec<u8>,
    receipt: R,
}

impl<R> Body<R> {
    /// The same with another receipt, or name of one.
    fn with<S>(self, receipt: S) -> Body<S> {
        let Self { version, entry, request, certificate, index, path, header, receipt: _ } = self;
        Body { version, entry, request, certificate, index, path, header, receipt }
    }
}

/// The file: flat, so that an unknown member is refused.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<R> {
    version: u32,
    #[serde(with = "crate::base64url")]
    entry: Vec<u8>,
    request: String,
    #[serde(with = "crate::base64url")]
    certificate: Vec<u8>,
    index: u32,
    path: Vec<Hash>,
    #[serde(with = "crate::base64url")]
    header: Vec<u8>,
    receipt: R,
    digest: Hash,
}

/// 32 bytes, in JSON base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Hash([u8; 32]);

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::base64url::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = crate::base64url::deserialize(deserializer)?;
        bytes.try_into().map(Self).map_err(|_| serde::de::Error::custom("a hash has 32 bytes"))
    }
}

impl From<Body<Shared>> for File<Shared> {
    fn from(body: Body<Shared>) -> Self {
        let digest = Hash(sha256(&[&canonical(&body)]));
        let Body { version, entry, request, certificate, index, path, header, receipt } = body;
        Self { version, entry, request, certificate, index, path, header, receipt, digest }
    }
}

impl From<File<Receipt>> for Body<Shared> {
    fn from(file: File<Receipt>) -> Self {
        let File { version, entry, request, certificate, index, path, header, receipt, digest: _ } = file;
        let receipt = Shared::new(receipt);
        Self { version, entry, request, certificate, index, path, header, receipt }
    }
}

/// What a proof is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The entry's bytes.
    pub entry: Vec<u8>,
    /// The compact JWS that the entry rests on.
    pub request: String,
    /// The certificate of who signed it.
    pub certificate: Certificate,
    /// Which leaf of the batch it is, from 0.
    pub index: u32,
    /// The leaf hashes of the whole batch.
    pub leaves: Vec<[u8; 32]>,
    /// The batch header's bytes.
    pub header: Vec<u8>,
    /// The receipt of the transaction that recorded the batch.
    pub receipt: Receipt,
}

impl Proof {
    /// Puts a proof together. Whether it is true shows when it is verified.
    pub fn assemble(parts: Parts) -> Self {
        let Parts { entry, request, certificate, index, leaves, header, receipt } = parts;
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        let path = merkle::path(&leaves, place).into_iter().map(Hash).collect();
        let (certificate, receipt) = (certificate.der().to_vec(), Shared::new(receipt));
        Self { body: Body { version: VERSION, entry, request, certificate, index, path, header, receipt } }
    }

    /// Reads a proof file: exactly the bytes that [`Proof::to_json`] writes, and undamaged.
    pub fn parse(json: &[u8]) -> Result<Self, ProofError> {
        if json.len() > MAX_PROOF {
            return Err(ProofError::TooLarge);
        }
        let file: File<Receipt> =
            serde_json::from_slice(json).map_err(|error| ProofError::Malformed(error.to_string()))?;
        if file.version != VERSION {
            return Err(ProofError::Version(file.version));
        }
        let told = file.digest;
        let proof = Self { body: Body::from(file) };
        if sha256(&[&canonical(&proof.body)]) != told.0 {
            return Err(ProofError::Damaged);
        }
        match proof.to_json().as_bytes() == json {
            true => Ok(proof),
            false => Err(ProofError::NotCanonical),
        }
    }

    /// The proof file: canonical JSON.
    pub fn to_json(&self) -> String {
        let json = canonical(&File::from(self.body.clone()));
        String::from_utf8(json).expect("JSON is UTF-8")
    }

    /// Checks the proof against the offices' root certificates, with nothing else at hand. Gives what it proves.
    pub fn verify(&self, roots: &Roots) -> Result<Verified, ProofError> {
        verified::verify(&self.body, &mut Recorded::by(roots))
    }

    /// Its digest where the receipt is named and not repeated, as [`Proofs`] has it: SHA-256 of that canonical JSON.
    pub fn digest(&self) -> [u8; 32] {
        sha256(&[&canonical(&self.named())])
    }

    /// The proof with its receipt's name.
    fn named(&self) -> Body<Hash> {
        self.body.clone().with(self.body.receipt.name())
    }
}

fn canonical(value: &impl Serialize) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("a proof has only text, numbers and lists")
}
