//! The portable file: the credential with all that shows it to be true.

use serde::{Deserialize, Serialize};

use super::{CertificateError, SignedCredential};
use crate::{ledger::Receipt, proof::Proofs};

/// The version of the form.
const VERSION: u32 = 2;
/// The longest file that is read, in bytes.
pub const MAX_FILE: usize = 64 * 1024 * 1024;

/// A certificate, complete in itself but for its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFile {
    /// The credential: the JWT that an officer signed.
    pub credential: String,
    /// The proofs, in the order of the credential's evidence.
    pub proofs: Proofs,
    /// The transaction in which the ledger took the certificate as issued.
    pub issued: Receipt,
    /// The learner's countersignature, and the transaction that recorded it.
    pub countersigned: Option<Countersigned>,
}

/// That the learner agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Countersigned {
    /// What the learner signed: a compact JWS with the wallet's key.
    pub act: String,
    /// The transaction in which the ledger took it.
    pub receipt: Receipt,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    credential: String,
    proofs: Proofs,
    issued: Receipt,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    countersigned: Option<Countersigned>,
}

impl CertificateFile {
    /// Reads one: exactly the bytes that [`CertificateFile::to_json`] writes. Whether it is true shows when it is judged.
    pub fn parse(json: &[u8]) -> Result<Self, CertificateError> {
        if json.len() > MAX_FILE {
            return Err(CertificateError::TooLarge);
        }
        let malformed = |why: String| CertificateError::File(why);
        let content: Content = serde_json::from_slice(json).map_err(|error| malformed(error.to_string()))?;
        let Content { version, credential, proofs, issued, countersigned } = content;
        if version != VERSION {
            return Err(malformed(format!("it is of version {version}, this program reads {VERSION}")));
        }
        let file = Self { credential, proofs, issued, countersigned };
        match file.to_json().as_bytes() == json {
            true => Ok(file),
            false => Err(malformed("it is not canonical JSON (RFC 8785)".to_owned())),
        }
    }

    /// Canonical JSON (RFC 8785).
    pub fn to_json(&self) -> String {
        let Self { credential, proofs, issued, countersigned } = self.clone();
        let content = Content { version: VERSION, credential, proofs, issued, countersigned };
        let json =
            serde_json_canonicalizer::to_vec(&content).expect("a file has only text, numbers and lists");
        String::from_utf8(json).expect("JSON is UTF-8")
    }

    /// The credential, read.
    pub fn read(&self) -> Result<SignedCredential, CertificateError> {
        SignedCredential::parse(&self.credential)
    }
}
