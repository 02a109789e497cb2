//! Events and signatures, stored.

mod cursors;
mod effect;
mod letters;
mod signatures;

use async_trait::async_trait;
use tokio::sync::watch;

pub(super) use self::effect::tell;
use super::Sqlite;
use crate::{
    events::{Effect, Group},
    records::{
        Ask, Behind, Cursor, DeadLetter, Discarded, Events, Held, LetterCount, LettersWanted, NewDeadLetter,
        Result, SignatureList, StoredEvent, StoredSignature, Way,
    },
};

/// Milliseconds since the Unix epoch, by SQLite's clock.
const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

#[async_trait]
impl Events for Sqlite {
    async fn commit_all(&self, effects: &[Effect]) -> Result<Vec<bool>> {
        let effects = effects.to_vec();
        let done = self.writer.run(move |c| effect::commit(c, &effects)).await?;
        self.told.send_replace(());
        Ok(done)
    }

    fn told(&self) -> watch::Receiver<()> {
        self.told.subscribe()
    }

    async fn signature(&self, id: &[u8; 32]) -> Result<Option<StoredSignature>> {
        let id = *id;
        self.readers.run(move |c| signatures::one(c, &id)).await
    }

    async fn signatures(&self, list: &SignatureList) -> Result<Vec<StoredSignature>> {
        let list = list.clone();
        self.readers.run(move |c| signatures::list(c, &list)).await
    }

    async fn hold(&self, ask: &Ask) -> Result<Vec<Held>> {
        let ask = ask.clone();
        self.writer.run(move |c| cursors::hold(c, &ask)).await
    }

    async fn leave(&self, group: &Group, member: &str) -> Result<()> {
        let (group, member) = (group.clone(), member.to_owned());
        self.writer.run(move |c| cursors::leave(c, &group, &member)).await
    }

    async fn events(&self, after: &[(Way, Cursor)], most: u32) -> Result<Vec<StoredEvent>> {
        let after = after.to_vec();
        self.readers.run(move |c| cursors::events(c, &after, most)).await
    }

    async fn advance(&self, group: &Group, done: &[Held]) -> Result<()> {
        let (group, done) = (group.clone(), done.to_vec());
        self.writer.run(move |c| cursors::advance(c, &group, &done)).await
    }

    async fn behind(&self) -> Result<Vec<Behind>> {
        self.readers.run(|c| cursors::behind(c)).await
    }

    async fn prune(&self, before: i64, now: i64, only: Option<&Group>, most: u32) -> Result<u64> {
        let only = only.cloned();
        self.writer.run(move |c| cursors::prune(c, before, now, only.as_ref(), most)).await
    }

    async fn forget(&self, group: &Group) -> Result<()> {
        let group = group.clone();
        self.writer.run(move |c| cursors::forget(c, &group)).await
    }

    async fn bury(&self, letter: &NewDeadLetter) -> Result<()> {
        let letter = letter.clone();
        self.writer.run(move |c| letters::bury(c, &letter)).await?;
        self.told.send_replace(());
        Ok(())
    }

    async fn dead_letters(&self, wanted: &LettersWanted) -> Result<Vec<DeadLetter>> {
        let wanted = wanted.clone();
        self.readers.run(move |c| letters::list(c, &wanted)).await
    }

    async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>> {
        self.readers.run(move |c| letters::one(c, id)).await
    }

    async fn count_letters(&self) -> Result<Vec<LetterCount>> {
        self.readers.run(move |c| letters::count(c)).await
    }

    async fn revive(&self, id: i64) -> Result<bool> {
        self.writer.run(move |c| letters::revive(c, id)).await
    }

    async fn revived(&self, group: &Group, ttl_ms: u64, limit: u32) -> Result<Vec<DeadLetter>> {
        let group = group.clone();
        self.writer.run(move |c| letters::revived(c, &group, ttl_ms, limit)).await
    }

    async fn discard(&self, id: i64, decided: Option<&Discarded>) -> Result<bool> {
        let decided = decided.cloned();
        let was_there = self.writer.run(move |c| letters::discard(c, id, decided.as_ref())).await?;
        self.told.send_replace(());
        Ok(was_there)
    }
}
