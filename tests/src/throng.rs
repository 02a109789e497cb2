//! Many signatures: handed in by several at once, each until it is taken in, whatever is killed meanwhile.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sillok_contract::digest::Digest;
use sillok_gateway::{ledger::signer::Signer, service::SignatureSubmission};
use tokio::task::JoinSet;

use crate::{
    call::Caller,
    clients::Clients,
    patience::{PATIENCE, Patience},
    refusal::Failed,
    signing::signed,
    world::World,
};

/// How many hand in at once.
const AT_ONCE: usize = 16;

/// A signature that was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handed {
    /// SHA-256 of the document.
    pub hash: Digest,
    /// The signature's id.
    pub digest: Digest,
}

/// Signatures being handed in.
pub struct Throng {
    handed: Arc<AtomicUsize>,
    senders: JoinSet<Vec<Handed>>,
}

impl Throng {
    /// These signers sign so many documents of their own, in turn, and hand them in.
    pub fn start(world: &World, signers: &[Signer], count: usize) -> Self {
        let handed = Arc::<AtomicUsize>::default();
        let mut senders = JoinSet::new();
        for first in 0..AT_ONCE {
            let signer = signers[first % signers.len()].clone();
            let numbers = (first..count).step_by(AT_ONCE);
            let papers: Vec<_> =
                numbers.map(|number| Digest::of(format!("{number} of {}", world.tag).as_bytes())).collect();
            let mut sender = Sender { signer, clients: world.clients.clone(), caller: None };
            let handed = handed.clone();
            senders.spawn(async move {
                let mut all = Vec::with_capacity(papers.len());
                for hash in papers {
                    all.push(sender.hands_in(hash).await);
                    handed.fetch_add(1, Ordering::Relaxed);
                }
                all
            });
        }
        Self { handed, senders }
    }

    /// Waits until so many were taken in. A sender that failed fails the caller.
    pub async fn reaches(&mut self, count: usize) {
        let patience = Patience::new(PATIENCE * 4, "the signatures are taken in");
        while self.handed.load(Ordering::Relaxed) < count {
            assert!(!self.senders.is_empty(), "all were handed in, and fewer than {count}");
            patience.pause().await;
        }
    }

    /// Waits until all were taken in; which.
    pub async fn finish(mut self) -> Vec<Handed> {
        let mut all = Vec::new();
        while let Some(ended) = self.senders.join_next().await {
            all.extend(ended.unwrap());
        }
        all
    }
}

/// One who hands in.
struct Sender {
    signer: Signer,
    clients: Clients,
    /// The gateway that answered last.
    caller: Option<Caller>,
}

impl Sender {
    async fn hands_in(&mut self, hash: Digest) -> Handed {
        let sent = signed(&self.signer, hash);
        let patience = Patience::new(PATIENCE, "the signature is taken in");
        loop {
            if let Some(digest) = self.attempt(&sent).await {
                return Handed { hash, digest };
            }
            patience.pause().await;
        }
    }

    /// Once. Where there was no answer, the gateway may be another by now.
    async fn attempt(&mut self, sent: &SignatureSubmission) -> Option<Digest> {
        if self.caller.is_none() {
            self.caller = self.clients.caller(self.signer.access().unwrap());
        }
        match self.caller.as_ref()?.submit_signature(sent).await {
            Ok(status) => Some(Digest::try_from(status.signature).unwrap()),
            Err(Failed::Refused(refusal)) if !refusal.retry => panic!("refused: {refusal:?}"),
            Err(_) => {
                self.caller = None;
                None
            }
        }
    }
}
