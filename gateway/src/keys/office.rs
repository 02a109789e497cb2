//! What an office signs: documents, as compact JWS (ES256), that carry the signer's certificate.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sillok_contract::certificate::Certificate;

use super::{KeyError, PrivateKey, PublicKey, jws};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    x5c: [String; 1],
}

/// What an office signs documents with: the identity under which its gateway calls the ledger. `Debug` shows nothing of
/// the key.
#[derive(Clone, Debug)]
pub struct OfficeSigner {
    certificate: Certificate,
    key: PrivateKey,
}

impl OfficeSigner {
    /// Certificate and key; they must be a pair.
    pub fn new(certificate: Certificate, key: PrivateKey) -> Result<Self, KeyError> {
        match PublicKey::of_certificate(&certificate)? == *key.public_key() {
            true => Ok(Self { certificate, key }),
            false => Err(KeyError::NotAPair),
        }
    }

    /// Whose signature it is.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Signs a document of this type.
    pub fn sign(&self, typ: &str, payload: &[u8]) -> String {
        let x5c = [STANDARD.encode(self.certificate.der())];
        let header = Header { typ: typ.to_owned(), alg: "ES256".to_owned(), x5c };
        jws::sign_bytes(&header, payload, &self.key).expect("text has a JSON form")
    }
}

/// Why a document counts as nobody's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfficeSignatureError {
    /// It is not a compact JWS of this form.
    #[error("it is not a compact JWS of type {0} (ES256) with the signer's certificate in x5c")]
    Malformed(String),
    /// The certificate's key did not make the signature.
    #[error("the signature is not that of the certificate that comes with it")]
    Signature,
    /// The certificate is no office's.
    #[error("no office's root certificate issued the signer's certificate")]
    NoOffice,
}

/// A signed document. Whether the certificate is an office's is still to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficeDocument {
    /// Whose signature it is.
    pub certificate: Certificate,
    /// What is signed.
    pub payload: Vec<u8>,
}

impl OfficeDocument {
    /// Reads a document of this type and checks its signature with the certificate that comes with it.
    pub fn verify(document: &str, typ: &str) -> Result<Self, OfficeSignatureError> {
        let malformed = || OfficeSignatureError::Malformed(typ.to_owned());
        let jws = jws::Unverified::<Header, Vec<u8>>::parse_bytes(document).ok_or_else(malformed)?;
        if jws.header.typ != typ || jws.header.alg != "ES256" {
            return Err(malformed());
        }
        let der = STANDARD.decode(&jws.header.x5c[0]).map_err(|_| malformed())?;
        let certificate = Certificate::from_der(&der).map_err(|_| malformed())?;
        let key = PublicKey::of_certificate(&certificate).map_err(|_| malformed())?;
        jws.verify(&key).map_err(|_| OfficeSignatureError::Signature)?;
        Ok(Self { certificate, payload: jws.payload })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::{
        clock::now,
        keys::{Authority, Validity},
    };

    #[test]
    fn what_is_signed_is_read_back_and_nothing_else() {
        let office = Authority::generate("ca", "Office", Validity::days(now(), 1)).unwrap();
        let [one, other] =
            ["a", "b"].map(|name| office.issue(name, "client", Validity::days(now(), 1)).unwrap());
        let signer = OfficeSigner::new(one.certificate.clone(), one.key.clone()).unwrap();
        let signed = signer.sign("x+jws", b"{\"a\":1}");
        let read = OfficeDocument::verify(&signed, "x+jws").unwrap();
        assert_eq!((read.certificate, read.payload), (one.certificate.clone(), b"{\"a\":1}".to_vec()));
        let malformed = |typ: &str| OfficeSignatureError::Malformed(typ.to_owned());
        assert_eq!(OfficeDocument::verify(&signed, "y+jws").unwrap_err(), malformed("y+jws"));
        let another = signer.sign("x+jws", b"{\"a\":2}");
        let swapped = format!(
            "{}.{}",
            &signed[..signed.rfind('.').unwrap()],
            &another[another.rfind('.').unwrap() + 1..]
        );
        assert_eq!(OfficeDocument::verify(&swapped, "x+jws").unwrap_err(), OfficeSignatureError::Signature);
        assert!(OfficeSigner::new(one.certificate, other.key).is_err());
    }
}
