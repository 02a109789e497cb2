//! Signers: they hand signatures of documents in through either gateway, again where they had no answer; and somebody who
//! forges theirs.

use rand::{RngExt as _, rngs::StdRng};
use sillok_contract::digest::Digest;
use sillok_gateway::{
    ledger::signer::Signer,
    records::SignatureState,
    service::{SignatureStatus, SignatureSubmission},
};
use sillok_tests::{
    call::{Caller, Face},
    check::signatures::{never_recorded, recorded_once},
    patience::until,
    signing::{forged, signed},
    throng::Handed,
    world::World,
};

use super::{Shared, asking::Asking};

/// How many are handed in one after the other, at most.
const AT_A_TIME: u64 = 8;
/// One of so many is forged.
const FORGED: u64 = 16;

/// Somebody who signs, and who forges another's signatures now and then.
pub(super) struct Signing {
    shared: Shared,
    signer: Signer,
    other: Signer,
    own: Asking,
    random: StdRng,
    genuine: Vec<(Digest, SignatureSubmission)>,
    forged: Vec<(Digest, SignatureSubmission)>,
}

impl Signing {
    pub(super) fn new(shared: &Shared, who: u64, signer: Signer, other: Signer) -> Self {
        let face = if who.is_multiple_of(2) { Face::Rest } else { Face::Grpc };
        let access = signer.access().unwrap();
        Self {
            shared: shared.clone(),
            signer,
            other,
            own: shared.asking(600 + who, |addresses| Caller::new(face, addresses, access.clone())),
            random: shared.random(700 + who),
            genuine: Vec::new(),
            forged: Vec::new(),
        }
    }

    pub(super) async fn run(mut self) -> Self {
        while !self.shared.is_over() {
            self.shared.pause(&mut self.random).await;
            for _ in 0..self.random.random_range(1..=AT_A_TIME) {
                self.signs().await;
            }
        }
        self
    }

    async fn signs(&mut self) {
        let hash = Digest::of(&self.random.random::<[u8; 32]>());
        let forges = self.random.random_range(0..FORGED) == 0;
        let sent = match forges {
            true => forged(&self.signer, &self.other, hash),
            false => signed(&self.signer, hash),
        };
        // Whatever the answer is: it may have been taken in.
        self.own.ask(async |caller| caller.submit_signature(&sent).await).await.done();
        let kept = if forges { &mut self.forged } else { &mut self.genuine };
        kept.push((hash, sent));
    }

    /// G1, G2: handed in once more, each comes to be recorded, once, and no forged one. One that was verified by a clock that
    /// was wrong is verified anew.
    pub(super) async fn finish(mut self, world: &World) {
        let mut recorded = Vec::new();
        for (hash, sent) in std::mem::take(&mut self.genuine) {
            let status = self.rests(&sent, SignatureState::Recorded).await;
            recorded.push(Handed { hash, digest: Digest::try_from(status.signature).unwrap() });
        }
        recorded_once(world, &recorded).await;
        let mut hashes = Vec::new();
        for (hash, sent) in std::mem::take(&mut self.forged) {
            self.rests(&sent, SignatureState::Invalid).await;
            hashes.push(hash);
        }
        never_recorded(world, &hashes).await;
        let codes: Vec<_> = self.own.codes.iter().map(|(code, count)| format!("{code} {count}")).collect();
        let (genuine, forged, codes) = (recorded.len(), hashes.len(), codes.join(", "));
        self.shared.journal.note(format!(
            "{}: {genuine} signatures recorded once, {forged} forged ones never; told: {codes}",
            self.signer.id
        ));
    }

    async fn rests(&mut self, sent: &SignatureSubmission, expected: SignatureState) -> SignatureStatus {
        until(&format!("G1: a signature is {expected}"), async || {
            let status = self.own.ask(async |caller| caller.submit_signature(sent).await).await.done()?;
            let ended = status.state == expected;
            assert!(
                ended || status.state != SignatureState::Recorded && status.state != SignatureState::Refused,
                "G2: {status:?} is to be {expected}"
            );
            ended.then_some(status)
        })
        .await
    }
}
