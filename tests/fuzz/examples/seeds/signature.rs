//! Signatures of one signer: of a consent, a part in a contract of several parties, and a counter-signature.

use sillok_contract::{
    digest::Digest,
    id::{DocumentId, SignerId},
    signature::{Commitment, Signature, Statement, Subject},
};
use sillok_gateway::keys::{Authority, DocumentSigner, Validity};

use crate::{NOW, Result, write};

/// The seeds of `signature`, and the certificate that they are held against.
pub(crate) fn write_all() -> Result {
    let validity = Validity::days(NOW, 30);
    let office = Authority::generate("Office CA", "OfficeMSP", validity)?;
    let issued = office.issue_signer(&SignerId::new("ahn")?, validity)?;
    write("fixed/signer.pem", issued.certificate.to_pem())?;
    let signer = DocumentSigner::new(issued.certificate, office.certificate().clone(), issued.key)?;
    let of = |document: &[u8], subject: fn(Digest) -> Subject, purpose| {
        let hash = Digest::of(document);
        signer.sign(&Statement { hash, subject: subject(hash), purpose, iat: NOW / 1_000_000 })
    };
    let consent = of(b"a consent", Subject::Hash, Some(Commitment::ProofOfApproval));
    let part = |_| Subject::Document(DocumentId::new("D1").expect("it is an id"));
    let contract = of(b"a contract", part, Some(Commitment::ProofOfOrigin));
    let digest = Signature::parse(&consent)?.digest;
    let (hash, subject) = (Digest::of(consent.as_bytes()), Subject::Signature(digest));
    let counter = signer.sign(&Statement { hash, subject, purpose: None, iat: NOW / 1_000_000 });
    for (name, jws) in [("consent", consent), ("contract", contract), ("counter", counter)] {
        write(&format!("seeds/signature/{name}"), jws)?;
    }
    Ok(())
}
