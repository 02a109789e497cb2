//! A signer signs a document: the JWS of [`sillok_contract::signature`], by a key at hand or by one that somebody holds.

use sillok_contract::{certificate::Certificate, request::compact, signature::Statement};

use super::{KeyError, PrivateKey, PublicKey};

/// Signs documents. `Debug` shows nothing of the key.
#[derive(Clone, Debug)]
pub struct DocumentSigner {
    certificate: Certificate,
    authority: Certificate,
    key: PrivateKey,
}

impl DocumentSigner {
    /// For who has this certificate, which the authority issued, and its key.
    pub fn new(certificate: Certificate, authority: Certificate, key: PrivateKey) -> Result<Self, KeyError> {
        if PublicKey::of_certificate(&certificate)? != *key.public_key() {
            return Err(KeyError::NotAPair);
        }
        let issued = certificate.issued_by(&authority);
        issued.map_err(|refusal| KeyError::NotACertificate(refusal.message))?;
        Ok(Self { certificate, authority, key })
    }

    /// The signer's certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The compact JWS. Keep it until it is recorded: sent again it is the same signature; another of the same document is
    /// refused.
    pub fn sign(&self, statement: &Statement) -> String {
        let unsigned = Unsigned::new(statement, &self.certificate, &self.authority);
        let signature = self.key.sign_fixed(unsigned.as_bytes());
        unsigned.signed(&signature)
    }
}

/// A signature in the making, for a key that is not at hand: what it has to sign, and what comes of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned(String);

impl Unsigned {
    /// Of a statement, for the key of this certificate.
    pub fn new(statement: &Statement, certificate: &Certificate, authority: &Certificate) -> Self {
        Self(statement.signing_input(certificate, authority))
    }

    /// What ES256 signs.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The compact JWS with this signature: r and s, 32 bytes each.
    pub fn signed(self, signature: &[u8; 64]) -> String {
        compact(&self.0, signature)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use sillok_contract::{
        act::{Named, SignedAct},
        digest::Digest,
        id::SignerId,
        signature::{Commitment, Signature, Subject},
    };

    use super::*;
    use crate::keys::{ActSigner, Authority, Validity};

    const NOW: i64 = 1_790_000_000_000_000;

    fn office() -> Authority {
        Authority::generate("Office CA", "OfficeMSP", Validity::days(NOW, 10)).unwrap()
    }

    fn statement() -> Statement {
        let hash = Digest::of(b"a consent");
        let purpose = Some(Commitment::ProofOfApproval);
        Statement { hash, subject: Subject::Hash(hash), purpose, iat: NOW / 1_000_000 }
    }

    #[test]
    fn what_is_signed_is_what_the_contract_reads_and_verifies() {
        let office = office();
        let issued = office.issue_signer(&SignerId::new("ahn").unwrap(), Validity::days(NOW, 1)).unwrap();
        assert!(!issued.certificate.has_role() && issued.certificate.is_signer());
        let authority = office.certificate().clone();
        let signer = DocumentSigner::new(issued.certificate.clone(), authority.clone(), issued.key).unwrap();
        let read = Signature::parse(&signer.sign(&statement())).unwrap();
        assert_eq!((&read.statement, &read.certificate), (&statement(), signer.certificate()));
        assert_eq!(read.authority, authority);
        read.verify().unwrap();
    }

    #[test]
    fn a_key_signs_under_its_own_certificate_alone() {
        let (office, other) = (office(), office());
        let validity = Validity::days(NOW, 1);
        let [ahn, bae] =
            ["ahn", "bae"].map(|id| office.issue_signer(&SignerId::new(id).unwrap(), validity).unwrap());
        let code = |certificate: &Certificate, authority: &Authority, key: &PrivateKey| {
            let signer =
                DocumentSigner::new(certificate.clone(), authority.certificate().clone(), key.clone());
            signer.err().map(|error| error.code())
        };
        assert_eq!(code(&ahn.certificate, &office, &ahn.key), None);
        assert_eq!(code(&ahn.certificate, &office, &bae.key), Some("key.not_a_pair"));
        assert_eq!(code(&ahn.certificate, &other, &ahn.key), Some("key.certificate_malformed"));
        assert!(ActSigner::of_signer(&ahn.certificate, "gateway", bae.key).is_err());
    }

    #[test]
    fn who_approves_is_named_by_their_id() {
        let id = SignerId::new("cha").unwrap();
        let signer = ActSigner::of_approver(id.clone(), "gateway", PrivateKey::generate().unwrap());
        let act = SignedAct::parse(&signer.sign(statement().approval(), NOW).unwrap()).unwrap();
        assert_eq!((act.named, act.payload.act), (Named::Approver(id), statement().approval().into()));
    }
}
