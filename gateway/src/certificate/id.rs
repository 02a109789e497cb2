//! The id of a certificate.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sillok_contract::id;

use crate::keys::{KeyError, random};

const URN: &str = "urn:uuid:";

/// A certificate's id: a random UUID (RFC 9562, section 5.4). The ledger knows the certificate by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CertificateId([u8; 16]);

impl CertificateId {
    /// A new one.
    pub fn draw() -> Result<Self, KeyError> {
        let mut bytes = random::<16>()?;
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Ok(Self(bytes))
    }

    /// As a credential has it: `urn:uuid:` and the id.
    pub fn urn(self) -> String {
        format!("{URN}{self}")
    }

    /// As the ledger names it.
    pub fn named(self) -> id::CertificateId {
        id::CertificateId::new(self.to_string()).expect("a UUID is an identifier")
    }

    /// From what a credential has.
    pub fn of_urn(urn: &str) -> Option<Self> {
        urn.strip_prefix(URN)?.parse().ok()
    }
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = hex::encode(self.0);
        let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..16]);
        write!(f, "{a}-{b}-{c}-{}-{}", &digits[16..20], &digits[20..])
    }
}

impl fmt::Debug for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateId({self})")
    }
}

/// A text that is no certificate's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a certificate's id is a random UUID in lower-case digits, such as 6f9619ff-8b86-4011-b42d-00c04fc964ff"
)]
pub struct NotAnId;

impl FromStr for CertificateId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text.replace('-', ""), &mut bytes).map_err(|_| NotAnId)?;
        let is_random = bytes[6] & 0xf0 == 0x40 && bytes[8] & 0xc0 == 0x80;
        Some(Self(bytes)).filter(|id| is_random && id.to_string() == text).ok_or(NotAnId)
    }
}

impl TryFrom<String> for CertificateId {
    type Error = NotAnId;
    fn try_from(text: String) -> Result<Self, NotAnId> {
        text.parse()
    }
}

impl From<CertificateId> for String {
    fn from(id: CertificateId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn an_id_has_one_form() {
        let id = CertificateId::draw().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(CertificateId::of_urn(&id.urn()), Some(id));
        let text = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
        assert_eq!(text.parse::<CertificateId>().unwrap().to_string(), text);
        for other in [
            "",
            "6F9619FF-8B86-4011-B42D-00C04FC964FF",
            "6f9619ff8b864011b42d00c04fc964ff",
            "6f9619ff-8b86-1011-b42d-00c04fc964ff",
            "6f9619ff-8b86-4011-042d-00c04fc964ff",
            "urn:uuid:6f9619ff-8b86-4011-b42d-00c04fc964ff",
        ] {
            assert!(other.parse::<CertificateId>().is_err(), "{other}");
        }
    }
}
