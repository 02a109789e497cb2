//! Whether requests are signed by whom their entries name.

use std::collections::HashMap;

use sillok_contract::{certificate::Certificate, entry::Entry, id::EducatorId, request::SignedRequest};

/// One whose certificate is registered on the ledger.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Who it is, as entries name them.
    pub id: EducatorId,
    /// Their certificate.
    pub certificate: Certificate,
}

/// Signers by the SHA-256 of their certificate's DER.
pub type Signers = HashMap<[u8; 32], Signer>;

/// Verifies requests, each once.
pub struct Verifier<'a> {
    signers: &'a Signers,
    verified: HashMap<[u8; 32], Option<&'a EducatorId>>,
}

impl<'a> Verifier<'a> {
    /// By these signers. Whether they stood at the time was the ledger's to judge, and is not asked again.
    pub fn new(signers: &'a Signers) -> Self {
        Self { signers, verified: HashMap::new() }
    }

    /// Whether the request's signature is that of the one whom the entry names.
    pub fn is_signed(&mut self, entry: &Entry, request: &SignedRequest) -> bool {
        let signers = self.signers;
        let signer = self.verified.entry(request.digest).or_insert_with(|| {
            let signer = signers.get(&request.thumbprint)?;
            request.verify_with(&signer.certificate).is_ok().then_some(&signer.id)
        });
        *signer == Some(&entry.educator)
    }
}
