//! Events and signatures, stored.

mod cursors;
mod effect;
mod letters;
mod order;
mod signatures;

use async_trait::async_trait;
use deadpool_postgres::Client;
use tokio::sync::watch;

pub(super) use self::{effect::tell, order::renew};
use super::{
    Postgres, TRIES,
    connection::{connect, writing},
    failure::{Done, of_commit},
};
use crate::{
    events::{Effect, Group},
    records::{
        Ask, Behind, Cursor, DeadLetter, Discarded, Events, Held, LetterCount, LettersWanted, NewDeadLetter,
        Result, SignatureList, StoredEvent, StoredSignature, Way,
    },
};

/// Milliseconds since the Unix epoch, by PostgreSQL's clock.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

impl Postgres {
    /// A connection beside requests and recording: neither waits for those who handle events.
    async fn teller(&self) -> Done<Client> {
        connect(&self.telling).await
    }
}

/// Does this in a transaction that writes; anew where PostgreSQL gave it up for another.
macro_rules! telling {
    ($self:ident, |$transaction:ident| $inner:expr) => {{
        let mut tries = 1..TRIES;
        loop {
            let mut client = $self.teller().await?;
            let tried: Done<_> = async {
                let $transaction = writing(&mut client).await?;
                let done = $inner.await?;
                $transaction.commit().await.map_err(of_commit)?;
                Ok(done)
            }
            .await;
            match tried {
                Err(failure) if failure.again && tries.next().is_some() => {}
                done => break Ok(done?),
            }
        }
    }};
}

#[async_trait]
impl Events for Postgres {
    async fn commit_all(&self, effects: &[Effect]) -> Result<Vec<bool>> {
        let done: Result<_> = telling!(self, |transaction| effect::commit(&transaction, effects));
        let done = done?;
        self.told.send_replace(());
        Ok(done)
    }

    fn told(&self) -> watch::Receiver<()> {
        self.told.subscribe()
    }

    async fn signature(&self, id: &[u8; 32]) -> Result<Option<StoredSignature>> {
        Ok(signatures::one(&self.client().await?, id).await?)
    }

    async fn signatures(&self, list: &SignatureList) -> Result<Vec<StoredSignature>> {
        Ok(signatures::list(&self.client().await?, list).await?)
    }

    async fn hold(&self, ask: &Ask) -> Result<Vec<Held>> {
        telling!(self, |transaction| cursors::hold(&transaction, ask))
    }

    async fn leave(&self, group: &Group, member: &str) -> Result<()> {
        telling!(self, |transaction| cursors::leave(&transaction, group, member))
    }

    async fn events(&self, after: &[(Way, Cursor)], most: u32) -> Result<Vec<StoredEvent>> {
        Ok(cursors::events(&self.teller().await?, after, most).await?)
    }

    async fn advance(&self, group: &Group, done: &[Held]) -> Result<()> {
        telling!(self, |transaction| cursors::advance(&transaction, group, done))
    }

    async fn behind(&self) -> Result<Vec<Behind>> {
        Ok(cursors::behind(&self.teller().await?).await?)
    }

    async fn prune(&self, before: i64, now: i64, only: Option<&Group>, most: u32) -> Result<u64> {
        telling!(self, |transaction| cursors::prune(&transaction, before, now, only, most))
    }

    async fn forget(&self, group: &Group) -> Result<()> {
        telling!(self, |transaction| cursors::forget(&transaction, group))
    }

    async fn bury(&self, letter: &NewDeadLetter) -> Result<()> {
        let buried: Result<()> = telling!(self, |transaction| letters::bury(&transaction, letter));
        buried?;
        self.told.send_replace(());
        Ok(())
    }

    async fn dead_letters(&self, wanted: &LettersWanted) -> Result<Vec<DeadLetter>> {
        Ok(letters::list(&self.teller().await?, wanted).await?)
    }

    async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>> {
        Ok(letters::one(&self.teller().await?, id).await?)
    }

    async fn count_letters(&self) -> Result<Vec<LetterCount>> {
        Ok(letters::count(&self.teller().await?).await?)
    }

    async fn revive(&self, id: i64) -> Result<bool> {
        telling!(self, |transaction| letters::revive(&transaction, id))
    }

    async fn revived(&self, group: &Group, ttl_ms: u64, limit: u32) -> Result<Vec<DeadLetter>> {
        telling!(self, |transaction| letters::revived(&transaction, group, ttl_ms, limit))
    }

    async fn discard(&self, id: i64, decided: Option<&Discarded>) -> Result<bool> {
        let was_there: Result<bool> =
            telling!(self, |transaction| letters::discard(&transaction, id, decided));
        let was_there = was_there?;
        self.told.send_replace(());
        Ok(was_there)
    }
}
