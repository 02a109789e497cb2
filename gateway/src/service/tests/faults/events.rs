//! The part of the database that events and signatures are in, with the same faults.

use async_trait::async_trait;
use tokio::sync::watch;

use super::FaultyRecords;
use crate::{
    events::{Effect, Group},
    records::{
        Ask, Behind, Cursor, DeadLetter, Discarded, Events, Held, LetterCount, LettersWanted, NewDeadLetter,
        Result, SignatureList, StoredEvent, StoredSignature, Way,
    },
};

#[async_trait]
impl Events for FaultyRecords {
    async fn commit_all(&self, effects: &[Effect]) -> Result<Vec<bool>> {
        self.around("commit_all", self.real.commit_all(effects)).await
    }

    fn told(&self) -> watch::Receiver<()> {
        self.real.told()
    }

    async fn signature(&self, id: &[u8; 32]) -> Result<Option<StoredSignature>> {
        self.around("signature", self.real.signature(id)).await
    }

    async fn signatures(&self, list: &SignatureList) -> Result<Vec<StoredSignature>> {
        self.around("signatures", self.real.signatures(list)).await
    }

    async fn hold(&self, ask: &Ask) -> Result<Vec<Held>> {
        self.around("hold", self.real.hold(ask)).await
    }

    async fn leave(&self, group: &Group, member: &str) -> Result<()> {
        self.around("leave", self.real.leave(group, member)).await
    }

    async fn events(&self, after: &[(Way, Cursor)], most: u32) -> Result<Vec<StoredEvent>> {
        self.around("events", self.real.events(after, most)).await
    }

    async fn advance(&self, group: &Group, done: &[Held]) -> Result<()> {
        self.around("advance", self.real.advance(group, done)).await
    }

    async fn behind(&self) -> Result<Vec<Behind>> {
        self.around("behind", self.real.behind()).await
    }

    async fn prune(&self, before: i64, now: i64, only: Option<&Group>, most: u32) -> Result<u64> {
        self.around("prune", self.real.prune(before, now, only, most)).await
    }

    async fn forget(&self, group: &Group) -> Result<()> {
        self.around("forget", self.real.forget(group)).await
    }

    async fn bury(&self, letter: &NewDeadLetter) -> Result<()> {
        self.around("bury", self.real.bury(letter)).await
    }

    async fn dead_letters(&self, wanted: &LettersWanted) -> Result<Vec<DeadLetter>> {
        self.around("dead_letters", self.real.dead_letters(wanted)).await
    }

    async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>> {
        self.around("dead_letter", self.real.dead_letter(id)).await
    }

    async fn count_letters(&self) -> Result<Vec<LetterCount>> {
        self.around("count_letters", self.real.count_letters()).await
    }

    async fn revive(&self, id: i64) -> Result<bool> {
        self.around("revive", self.real.revive(id)).await
    }

    async fn revived(&self, group: &Group, ttl_ms: u64, limit: u32) -> Result<Vec<DeadLetter>> {
        self.around("revived", self.real.revived(group, ttl_ms, limit)).await
    }

    async fn discard(&self, id: i64, decided: Option<&Discarded>) -> Result<bool> {
        self.around("discard", self.real.discard(id, decided)).await
    }
}
