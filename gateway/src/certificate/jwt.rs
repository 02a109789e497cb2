//! The credential, signed: a JWT as VC-JOSE-COSE has it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sillok_contract::{
    certificate::{Certificate, Role},
    digest::sha256,
};

use super::{CertificateError, Credential, Issuer};
use crate::{
    keys::{KeyError, PrivateKey, PublicKey, jws},
    ledger::receipt::Roots,
};

/// `typ` and `cty` (VC-JOSE-COSE, section 3.1.1).
const TYPE: &str = "vc+jwt";
const CONTENT_TYPE: &str = "vc";
/// The longest JWT that is read, in bytes.
pub const MAX_JWT: usize = 4 * 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    cty: String,
    typ: String,
    /// The officer's certificate: a root issued it, so it is the whole chain but the root.
    x5c: [String; 1],
}

/// A credential that an officer signed. Whether the signature holds
/// [`SignedCredential::check_signature`] tells.
#[derive(Clone)]
pub struct SignedCredential {
    /// What is signed.
    pub credential: Credential,
    /// The officer's certificate, as the header has it.
    pub officer: Certificate,
    jwt: String,
    token: jws::Unverified<Header, Vec<u8>>,
}

impl SignedCredential {
    /// Signs a credential with an officer's key; key and certificate must be a pair.
    pub fn sign(
        credential: &Credential,
        officer: &Certificate,
        key: &PrivateKey,
    ) -> Result<String, KeyError> {
        if PublicKey::of_certificate(officer)? != *key.public_key() {
            return Err(KeyError::NotAPair);
        }
        let x5c = [STANDARD.encode(officer.der())];
        let header =
            Header { alg: "ES256".to_owned(), cty: CONTENT_TYPE.to_owned(), typ: TYPE.to_owned(), x5c };
        Ok(jws::sign_bytes(&header, &credential.to_json(), key).expect("text has a JSON form"))
    }

    /// Reads a JWT.
    pub fn parse(jwt: &str) -> Result<Self, CertificateError> {
        if jwt.len() > MAX_JWT {
            return Err(CertificateError::TooLarge);
        }
        let malformed = |why: &str| CertificateError::Jwt(why.to_owned());
        let token = jws::Unverified::<Header, Vec<u8>>::parse_bytes(jwt)
            .ok_or_else(|| malformed("it is not header.payload.signature with alg, cty, typ and x5c"))?;
        let Header { alg, cty, typ, x5c: [x5c] } = &token.header;
        if (alg.as_str(), cty.as_str(), typ.as_str()) != ("ES256", CONTENT_TYPE, TYPE) {
            return Err(malformed("alg is ES256, cty is vc and typ is vc+jwt"));
        }
        let der = STANDARD.decode(x5c).map_err(|_| malformed("x5c is not base64"))?;
        let officer = Certificate::from_der(&der).map_err(|refusal| malformed(&refusal.message))?;
        let credential = Credential::parse(&token.payload)?;
        Ok(Self { credential, officer, jwt: jwt.to_owned(), token })
    }

    /// The JWT's text.
    pub fn jwt(&self) -> &str {
        &self.jwt
    }

    /// What the ledger holds of it: SHA-256 of the JWT. It covers the signature, so a twin of it has another.
    pub fn digest(&self) -> [u8; 32] {
        sha256(&[self.jwt.as_bytes()])
    }

    /// The officer's key made the signature.
    pub fn check_signature(&self) -> Result<(), CertificateError> {
        let key = PublicKey::of_certificate(&self.officer).map_err(|_| CertificateError::Signature)?;
        self.token.verify(&key).map_err(|_| CertificateError::Signature)
    }

    /// The officer is one of the office's people, and that office is the issuer; both certificates were good then.
    pub fn check_issuer(&self, roots: &Roots) -> Result<(), CertificateError> {
        let (office, root) = roots.issuer_of(&self.officer).ok_or(CertificateError::NoOffice)?;
        let named = &self.credential.issuer;
        if named.name.as_str() != office || *named != Issuer::new(named.name.clone(), root) {
            return Err(CertificateError::OtherOffice {
                named: named.name.to_string(),
                office: office.to_owned(),
            });
        }
        if !matches!(self.officer.role(), Ok(Role::Client | Role::Admin)) {
            return Err(CertificateError::NotAnOfficer);
        }
        let since = self.credential.valid_from.micros();
        let valid = self.officer.valid_at(since).and_then(|()| root.valid_at(since));
        valid.map_err(CertificateError::OfficerTime)
    }
}
