//! Learners with their wallets.

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture};
use sillok_contract::id::LearnerId;
use sillok_gateway::{
    ledger::{Receipt, receipt::Roots},
    service::{LearnerEntries, LearnerEntry},
    wallet::{Attestation, Complete, Nonce, Wallet, WalletError},
};
use sillok_proto::gateway::{
    self as message, GetTrailRequest, ListLearnerEntriesRequest, StreamLearnerEntriesRequest,
};

use crate::{
    call::{Answer, Caller, Face, entry},
    patience::{PATIENCE, Patience, until},
    refusal::{Failed, Refusal},
    school::now,
    world::World,
};

/// How many entries a pupil asks for at once: few, so that a scenario has several pages.
const PAGE: u32 = 3;

/// A learner and their wallet.
pub struct Pupil {
    /// Their wallet.
    pub wallet: Wallet,
    roots: Roots,
}

impl Pupil {
    /// A learner whose new wallet's key is registered from now on, and known to the gateway.
    pub async fn new(world: &World, learner: &LearnerId) -> Self {
        let roots = Roots::read_dir(&world.consortium().roots().unwrap()).unwrap();
        let wallet = Wallet::new(learner.clone(), roots.clone()).unwrap();
        let pupil = Self { wallet, roots };
        pupil.register_key(world).await;
        pupil
    }

    /// The support office registers the wallet's key; returns once the gateway takes it.
    pub async fn register_key(&self, world: &World) {
        let support = world.consortium().administrator("SupportMSP").unwrap();
        let key = self.wallet.public_key().of_wallet(now());
        support.register_wallet_key(self.wallet.learner(), &key).await.unwrap();
        let caller = self.caller(world);
        until("the gateway knows the wallet's key", async || {
            match caller.learner_entries(self.wallet.learner(), 0, 1).await {
                Ok(_) => Some(()),
                Err(Failed::Refused(refusal)) if refusal.code.starts_with("access.") => None,
                Err(failed) => panic!("{failed:?}"),
            }
        })
        .await;
    }

    /// The gateway as the learner sees it.
    pub fn caller(&self, world: &World) -> Caller {
        world.as_seen_by_holder(self.wallet.access())
    }

    /// What the gateway refuses the learner with, once it has heard of what changed.
    pub async fn refused(&self, world: &World) -> Refusal {
        let (caller, learner) = (self.caller(world), self.wallet.learner());
        until("the gateway hears of the change", async || {
            caller.learner_entries(learner, 0, 1).await.err().map(Failed::refused)
        })
        .await
    }

    /// Has the offices attest how many entries there are; gives the number.
    pub async fn attest(&mut self, world: &World) -> u64 {
        let nonce = Nonce::draw().unwrap();
        let caller = self.caller(world);
        let receipt = caller.trail(self.wallet.learner(), &nonce.to_string()).await;
        let receipt = receipt.map_err(Failed::refused).unwrap();
        self.wallet.attest(Attestation { nonce, receipt }).unwrap()
    }

    /// Takes all there is, as far as `shown` lets the gateway show it, and verifies the wallet.
    pub async fn sync_seeing(
        &mut self,
        world: &World,
        shown: impl Fn(u64) -> bool,
    ) -> Result<Complete, WalletError> {
        let caller = self.caller(world);
        let count = self.attest(world).await;
        let patience = Patience::new(PATIENCE, "the gateway gives what the offices attest");
        while self.wallet.count() < count && shown(self.wallet.count() + 1) {
            let page = caller.learner_entries(self.wallet.learner(), self.wallet.count(), PAGE).await;
            let page = page.map_err(Failed::refused).unwrap();
            if page.entries.is_empty() {
                patience.pause().await;
            }
            for LearnerEntry { number, entry } in page.entries {
                if number <= count && shown(number) {
                    let proof = caller.proof(entry.entry).await.map_err(Failed::refused).unwrap();
                    self.wallet.add(&proof)?;
                }
            }
        }
        self.wallet.verify(&self.roots)
    }

    /// Takes all there is, and verifies that it is all.
    pub async fn sync(&mut self, world: &World) -> Complete {
        self.sync_seeing(world, |_| true).await.unwrap()
    }
}

impl Caller {
    /// What both offices attest of a learner's trail.
    pub async fn trail(&self, learner: &LearnerId, nonce: &str) -> Answer<Receipt> {
        match self.face {
            Face::Rest => Ok(self.rest.trail(learner, nonce).await?),
            Face::Grpc => {
                let wanted = GetTrailRequest { learner: learner.to_string(), nonce: nonce.to_owned() };
                let reply = self.grpc.clone().get_trail(self.with_token("GetTrail", wanted)).await?;
                Ok(serde_json::from_str(&reply.into_inner().json).unwrap())
            }
        }
    }

    /// A page of a learner's entries.
    pub async fn learner_entries(
        &self,
        learner: &LearnerId,
        after: u64,
        limit: u32,
    ) -> Answer<LearnerEntries> {
        match self.face {
            Face::Rest => Ok(self.rest.learner_entries(learner, after, limit).await?),
            Face::Grpc => {
                let wanted = ListLearnerEntriesRequest { learner: learner.to_string(), after, limit };
                let call = self.with_token("ListLearnerEntries", wanted);
                let reply = self.grpc.clone().list_learner_entries(call).await?.into_inner();
                let learner = LearnerId::new(reply.learner).unwrap();
                let entries = reply.entries.into_iter().map(numbered).collect();
                Ok(LearnerEntries { learner, count: reply.count, entries })
            }
        }
    }

    /// The next entries of a learner after a number, so many, as they are recorded.
    pub async fn followed(&self, learner: &LearnerId, after: u64, many: usize) -> Vec<LearnerEntry> {
        let followed = async {
            match self.face {
                Face::Rest => self.followed_by_rest(learner, after, many).await,
                Face::Grpc => {
                    let wanted = StreamLearnerEntriesRequest { learner: learner.to_string(), after };
                    let call = self.with_token("StreamLearnerEntries", wanted);
                    let stream = self.grpc.clone().stream_learner_entries(call).await.unwrap().into_inner();
                    stream.take(many).map(|entry| numbered(entry.unwrap())).collect().await
                }
            }
        };
        tokio::time::timeout(PATIENCE, followed).await.expect("the stream goes on")
    }

    /// Opens a stream of a learner's entries. What it gives waits for its end: the code of the problem that it ends with.
    pub async fn opens_stream(&self, learner: &LearnerId) -> BoxFuture<'static, String> {
        match self.face {
            Face::Rest => {
                let path = format!("v1/learners/{learner}/entries/stream");
                let response = self.rest.get(&path).await.unwrap().error_for_status().unwrap();
                async { problem_of(&response.text().await.unwrap()) }.boxed()
            }
            Face::Grpc => {
                let wanted = StreamLearnerEntriesRequest { learner: learner.to_string(), after: 0 };
                let call = self.with_token("StreamLearnerEntries", wanted);
                let stream = self.grpc.clone().stream_learner_entries(call).await.unwrap().into_inner();
                let problem = async {
                    let mut problems = std::pin::pin!(stream.filter_map(async |item| item.err()));
                    Failed::from(problems.next().await.expect("the stream ends with a problem")).refused()
                };
                problem.map(|problem| problem.code).boxed()
            }
        }
    }

    async fn followed_by_rest(&self, learner: &LearnerId, after: u64, many: usize) -> Vec<LearnerEntry> {
        let path = format!("v1/learners/{learner}/entries/stream?after={after}");
        let mut response = self.rest.get(&path).await.unwrap().error_for_status().unwrap();
        let mut text = String::new();
        loop {
            let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
            let data = whole.lines().filter_map(|line| line.strip_prefix("data: "));
            let entries: Vec<_> = data.map(|data| serde_json::from_str(data).unwrap()).take(many).collect();
            if entries.len() == many {
                return entries;
            }
            let chunk = response.chunk().await.unwrap().expect("the stream goes on");
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

/// The code of the event `problem` among a stream's events.
fn problem_of(events: &str) -> String {
    let (_, problem) = events.split_once("event: problem\n").expect("the stream ends with a problem");
    let data = problem.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let problem: serde_json::Value = serde_json::from_str(data).unwrap();
    problem["code"].as_str().unwrap().to_owned()
}

fn numbered(numbered: message::LearnerEntry) -> LearnerEntry {
    LearnerEntry { number: numbered.number, entry: entry(numbered.entry.unwrap()) }
}
