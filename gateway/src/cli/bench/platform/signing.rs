//! Who signs, and the signatures that callers hand in: made before, as those of requests are.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sillok_contract::{
    access::OFFICE,
    digest::Digest,
    id::{MspId, SignerId},
    signature::{Presented, Signature, Statement, Subject},
};

use crate::{
    cli::{
        Failure,
        bench::{
            drive::{Refused, Work},
            requests::refused,
        },
    },
    client::Client,
    clock,
    events::Effect,
    ledger::{consortium::Consortium, signer::Signer},
    service::{SignatureSubmission, arrival},
};

/// How many people sign.
const SIGNERS: usize = 8;

/// Registered signers, and the numbers of their documents.
#[derive(Clone)]
pub(in crate::cli::bench) struct Signers {
    all: Arc<Vec<Signer>>,
    audience: String,
    mark: String,
    next: Arc<AtomicU64>,
}

impl Signers {
    /// Registers them. The office must be registered.
    pub(in crate::cli::bench) async fn register(
        consortium: &Consortium,
        audience: &str,
        mark: &str,
    ) -> Result<Self, Failure> {
        let mut all = Vec::with_capacity(SIGNERS);
        for number in 0..SIGNERS {
            let id = SignerId::new(format!("S{number}.{mark}"))?;
            all.push(Signer::register(consortium, MspId::new(OFFICE)?, id, None).await?);
        }
        let (audience, mark) = (audience.to_owned(), mark.to_owned());
        Ok(Self { all: Arc::new(all), audience, mark, next: Arc::default() })
    }

    /// A client of a gateway for each of them.
    pub(super) fn clients(&self, client: &Client) -> Result<Vec<Client>, Failure> {
        self.all.iter().map(|signer| Ok(client.with_access(signer.access()?))).collect()
    }

    /// One of them signs a document that nobody has signed before.
    pub(super) fn sign(&self, which: usize) -> (Digest, SignatureSubmission) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let hash = Digest::of(format!("document {number} of {}", self.mark).as_bytes());
        let iat = clock::now().div_euclid(1_000_000);
        let statement = Statement { hash, subject: Subject::Hash(hash), purpose: None, iat };
        let signed = self.all[which % self.all.len()].presents(&statement, &self.audience);
        let (digest, presented) = signed.expect("the key is the certificate's");
        (digest, SignatureSubmission { signature: presented.jws, approval: presented.approval })
    }

    /// The same, as a gateway takes it in: what it writes.
    pub(super) fn arrival(&self, which: usize) -> Effect {
        let (_, sent) = self.sign(which);
        let signature = Signature::parse(&sent.signature).expect("it was just made");
        let presented = Presented { jws: sent.signature, approval: sent.approval };
        let signer = &self.all[which % self.all.len()].id;
        arrival(presented, &signature, signer, format!("signer/{signer}"), clock::now())
    }
}

/// Signatures to a gateway.
pub(super) struct Signing {
    pub(super) signers: Signers,
    /// How each signer calls the gateway; until it is known there is none.
    pub(super) clients: Vec<Client>,
}

impl Signing {
    pub(super) fn new(signers: &Signers) -> Self {
        Self { signers: signers.clone(), clients: Vec::new() }
    }
}

impl Work for Signing {
    type Ready = SignatureSubmission;
    type Done = Digest;

    fn ready(&self, caller: usize) -> SignatureSubmission {
        self.signers.sign(caller).1
    }

    async fn perform(&self, caller: usize, sent: SignatureSubmission) -> Result<Digest, Refused> {
        match self.clients[caller % self.clients.len()].submit_signature(&sent).await {
            Ok(status) => Ok(Digest::try_from(status.signature).expect("a gateway's ids are digests")),
            Err(error) => Err(refused(error, None)),
        }
    }
}
