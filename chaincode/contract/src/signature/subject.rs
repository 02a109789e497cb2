//! What a signed document is to Sillok.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Code, Refusal, digest::Digest, id::DocumentId};

const DOCUMENT: &str = "urn:sillok:document:";
const SIGNATURE: &str = "urn:sillok:signature:";
const HASH: &str = "urn:sillok:hash:";

/// What a signature is about, as a URI.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// `urn:sillok:document:ID`: a document that several parties sign.
    Document(DocumentId),
    /// `urn:sillok:signature:DIGEST`: another signature, by [`super::Signature::digest`]: a counter-signature. The hash
    /// that is signed is the one of its compact JWS as it was recorded.
    Signature(Digest),
    /// `urn:sillok:hash:HASH`: any document, by the hash that is signed.
    Hash(Digest),
}

impl TryFrom<String> for Subject {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        let digest = |hex: &str| {
            let digest = Digest::try_from(hex.to_owned());
            digest.map_err(|why| Refusal::new(Code::SignatureMalformed, why))
        };
        if let Some(id) = text.strip_prefix(DOCUMENT) {
            return DocumentId::new(id).map(Self::Document);
        }
        if let Some(hex) = text.strip_prefix(SIGNATURE) {
            return digest(hex).map(Self::Signature);
        }
        match text.strip_prefix(HASH) {
            Some(hex) => digest(hex).map(Self::Hash),
            None => Err(Refusal::new(
                Code::SignatureMalformed,
                format!("what is signed is named {DOCUMENT}ID, {SIGNATURE}DIGEST or {HASH}HASH"),
            )),
        }
    }
}

impl std::str::FromStr for Subject {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::try_from(text.to_owned())
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(id) => write!(f, "{DOCUMENT}{id}"),
            Self::Signature(digest) => write!(f, "{SIGNATURE}{digest}"),
            Self::Hash(hash) => write!(f, "{HASH}{hash}"),
        }
    }
}
