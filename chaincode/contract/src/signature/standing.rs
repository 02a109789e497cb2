//! What the ledger holds that signatures are held against, read in two round trips: whose certificates they are, then
//! all the rest.

use std::collections::HashMap;

use super::{Place, Signature, SignatureRecord, Subject, read, record::Given};
use crate::{
    Code, Ledger, Refusal,
    access::{OFFICE, SUPPORT},
    certificate::Certificate,
    digest::Digest,
    document::Documents,
    id::{MspId, SignerId},
    key,
    refusal::blame,
    registry::{Office, Signer},
    snapshot::{Snapshot, damaged},
};

/// Signers, authorities, documents and signatures: as they stood before the transaction, and as those before in it have
/// left them.
pub(super) struct Standing {
    /// By the thumbprints of their certificates.
    signers: HashMap<[u8; 32], Signer>,
    authorities: HashMap<MspId, Certificate>,
    signatures: HashMap<(Digest, SignerId), SignatureRecord>,
    /// Signatures that counter-signatures name.
    places: HashMap<Digest, Place>,
    pub(super) documents: Documents,
}

/// The keys of the signers whose certificates the signatures bring along.
pub(super) fn owners(ledger: &mut dyn Ledger, given: &[Given]) -> Result<Vec<String>, Refusal> {
    let key = |given: &Given| key::certificate(&hex::encode(given.signature.certificate.thumbprint()));
    let snapshot = Snapshot::read(ledger, given.iter().map(key))?;
    let owner = |(index, given): (usize, &Given)| {
        let owner = snapshot.text(&key(given)).filter(|owner| owner.starts_with(&key::signer("")));
        owner.ok_or_else(|| {
            blame(index)(Refusal::new(
                Code::SignerUnknown,
                "the signature's certificate is of no registered signer; have it registered first",
            ))
        })
    };
    given.iter().enumerate().map(owner).collect()
}

impl Standing {
    /// Reads what these signatures need. `owners` are the keys of their signers, in the same order.
    pub(super) fn read(ledger: &mut dyn Ledger, given: &[Given], owners: &[String]) -> Result<Self, Refusal> {
        let signatures = || given.iter().map(|given| &given.signature);
        let subjects = || signatures().map(|signature| &signature.statement.subject);
        let mut keys: Vec<_> = [OFFICE, SUPPORT].map(key::office).into();
        keys.extend(owners.iter().cloned());
        keys.extend(signatures().zip(owners).map(|(signature, owner)| signature_key(signature, owner)));
        keys.extend(subjects().filter_map(subject_key));
        let snapshot = Snapshot::read(ledger, keys)?;
        let mut standing = Self {
            signers: HashMap::new(),
            authorities: HashMap::new(),
            signatures: HashMap::new(),
            places: HashMap::new(),
            documents: Documents::read(&snapshot, subjects())?,
        };
        for (signature, owner) in signatures().zip(owners) {
            standing.add(signature, owner, &snapshot)?;
        }
        Ok(standing)
    }

    fn add(&mut self, signature: &Signature, owner: &str, snapshot: &Snapshot) -> Result<(), Refusal> {
        let signer: Signer = snapshot.document(owner)?.ok_or_else(|| damaged(owner))?;
        if !self.authorities.contains_key(&signer.office) {
            let office: Option<Office> = snapshot.document(&key::office(&signer.office))?;
            let office = office.ok_or_else(|| damaged(owner))?;
            self.authorities.insert(signer.office.clone(), office.authority()?);
        }
        if let Some(record) = snapshot.document(&signature_key(signature, owner))? {
            self.signatures.insert((signature.statement.hash, signer.id.clone()), record);
        }
        if let Subject::Signature(digest) = signature.statement.subject
            && let Some(place) = snapshot.document(&key::signature_place(digest))?
        {
            self.places.insert(digest, place);
        }
        self.signers.insert(signature.certificate.thumbprint(), signer);
        Ok(())
    }

    /// Who is registered with the signature's certificate.
    pub(super) fn signer(&self, signature: &Signature) -> Signer {
        self.signers[&signature.certificate.thumbprint()].clone()
    }

    /// The authority of the signer's office.
    pub(super) fn authority(&self, signer: &Signer) -> &Certificate {
        &self.authorities[&signer.office]
    }

    /// The one signature that the signer has made of that document, if they have.
    pub(super) fn signature_of(&self, hash: Digest, signer: &SignerId) -> Option<&SignatureRecord> {
        self.signatures.get(&(hash, signer.clone()))
    }

    /// Whether the signature may be about what it says it is about; a document is moved by it.
    pub(super) fn apply(&mut self, record: &SignatureRecord) -> Result<(), Refusal> {
        match &record.subject {
            Subject::Hash(_) => Ok(()),
            Subject::Document(id) => self.documents.sign(id, record),
            Subject::Signature(digest) => match self.places.get(digest) {
                None => Err(read::not_found()),
                Some(place) if place.jws == record.hash => Ok(()),
                Some(_) => Err(Refusal::new(
                    Code::SignatureSubject,
                    "hashV is not of the compact JWS of the signature that the URI names, as it was recorded",
                )),
            },
        }
    }

    /// For the signatures that come after it.
    pub(super) fn remember(&mut self, record: SignatureRecord) {
        let place = Place::of(&record);
        self.places.insert(record.digest, place);
        self.signatures.insert((record.hash, record.signer.clone()), record);
    }
}

fn signature_key(signature: &Signature, owner: &str) -> String {
    let signer = owner.strip_prefix(&key::signer("")).unwrap_or(owner);
    key::signature(signature.statement.hash, signer)
}

fn subject_key(subject: &Subject) -> Option<String> {
    match subject {
        Subject::Document(id) => Some(key::document(id)),
        Subject::Signature(digest) => Some(key::signature_place(digest)),
        Subject::Hash(_) => None,
    }
}
