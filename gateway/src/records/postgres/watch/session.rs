//! One connection's time of watching.

use std::time::Duration;

use deadpool_postgres::Client;
use prost::bytes::Bytes;
use tokio::time::{Instant, interval};
use tokio_postgres::types::PgLsn;

use super::{
    Tell, Watch,
    catalog::Catalog,
    outbox::Witnessed,
    setup::{self, PUBLICATION, Ready},
    stream::{Said, Stream, StreamError},
    transaction::{Operation, Transaction},
};
use crate::records::{
    Alert, Finding, KeptBatch, NewAlert, RecordsError, Sighting, Witness,
    pgoutput::Message,
    postgres::{
        alerts,
        connection::{self, change, connect, writing},
        failure::{Done, of_commit},
    },
};

/// How often it is looked whether the watch still rests on what it has to, and whether there is a place to store.
const LOOK: Duration = Duration::from_secs(2);
/// How long a place without alerts may wait to be stored, where transactions were judged; and where there were none.
const STORE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(30)];
/// How long PostgreSQL may say nothing, though it was asked.
const SILENCE: Duration = Duration::from_secs(20);

/// SQLSTATE of a slot that another hears.
const IN_USE: &str = "55006";

/// SQLSTATE of a publication that was not there when something was written.
const UNDEFINED: &str = "42704";

/// How it ended.
pub(super) enum Ended {
    /// Another gateway watches.
    Busy,
    /// Something failed.
    Failed(RecordsError),
}

/// Watches until something fails.
pub(super) async fn hear(watch: &Watch, tell: Tell<'_>, witness: &dyn Witness) -> Ended {
    match attempt(watch, tell, witness).await {
        Ok(ended) => ended,
        Err(failure) => Ended::Failed(failure.error),
    }
}

async fn attempt(watch: &Watch, tell: Tell<'_>, witness: &dyn Witness) -> Done<Ended> {
    let mut client = connect(&watch.pool).await?;
    let slot = setup::slot_name(&client).await?;
    let kept = setup::kept(&client, &slot).await?;
    if let Some((bytes, active)) = kept {
        tell(Sighting::Retained(bytes));
        if active {
            return Ok(Ended::Busy);
        }
    }
    let ready = setup::make(&mut client, &watch.schema).await?;
    let (config, tls) =
        connection::config(&watch.settings).map_err(|error| RecordsError::Unavailable(error.to_string()))?;
    let wait = Duration::from_millis(watch.settings.wait_ms);
    let mut stream = Stream::connect(&config, tls, wait).await?;
    match stream.follow(&ready.slot, PUBLICATION, ready.position).await {
        Err(StreamError::Refused { code, .. }) if code == IN_USE => return Ok(Ended::Busy),
        followed => followed?,
    }
    tell(Sighting::Watching(true));
    Session::new(watch, (tell, witness), client, stream, ready).run().await
}

/// What the log holds cannot be told any more, for the publication was not there then.
async fn begin_anew(session: Session<'_>) -> Done<Ended> {
    let Session { mut client, stream, slot, .. } = session;
    drop(stream);
    // The server needs a moment to see that nobody hears the slot.
    tokio::time::sleep(Duration::from_secs(1)).await;
    setup::give_up(&mut client, &slot).await?;
    Ok(Ended::Failed(RecordsError::Unavailable("the publication was dropped".to_owned())))
}

/// A connection that hears the slot.
struct Session<'w> {
    watch: &'w Watch,
    tell: Tell<'w>,
    witness: &'w dyn Witness,
    client: Client,
    stream: Stream,
    slot: String,
    catalog: Catalog,
    /// The transaction that is being told.
    open: Option<Transaction>,
    /// All before this has been judged.
    judged: PgLsn,
    /// Whether something was, since the last place was stored.
    busy: bool,
    /// All before this is stored as judged.
    stored: PgLsn,
    stored_at: Instant,
    heard_at: Instant,
    /// To be raised with the next place.
    due: Vec<NewAlert>,
}

impl<'w> Session<'w> {
    fn new(
        watch: &'w Watch,
        (tell, witness): (Tell<'w>, &'w dyn Witness),
        client: Client,
        stream: Stream,
        ready: Ready,
    ) -> Self {
        let place = ready.position.to_string();
        let due = ready.wrong.into_iter().map(|(kind, detail)| of_the_watch(kind, detail, &place)).collect();
        let now = Instant::now();
        Self {
            watch,
            tell,
            witness,
            client,
            stream,
            slot: ready.slot,
            catalog: Catalog::new(watch.schema.clone()),
            open: None,
            judged: ready.position,
            busy: false,
            stored: ready.position,
            stored_at: now,
            heard_at: now,
            due,
        }
    }

    async fn run(mut self) -> Done<Ended> {
        let mut looks = interval(LOOK);
        loop {
            tokio::select! {
                said = self.stream.next() => match said {
                    Err(StreamError::Refused { code, .. }) if code == UNDEFINED => return begin_anew(self).await,
                    said => self.said(said?).await?,
                },
                _ = looks.tick() => self.look().await?,
            }
        }
    }

    async fn said(&mut self, said: Said) -> Done<()> {
        self.heard_at = Instant::now();
        match said {
            Said::Change(bytes) => self.heard(bytes).await,
            Said::UpTo { place, answer } => {
                if self.open.is_none() && place > self.judged {
                    self.judged = place;
                }
                if answer {
                    self.stream.confirm(self.stored).await?;
                }
                Ok(())
            }
        }
    }

    async fn heard(&mut self, bytes: Bytes) -> Done<()> {
        let message = Message::parse(bytes).map_err(|error| RecordsError::Corrupt(error.to_string()))?;
        match message {
            Message::Begin(begin) => self.open = Some(Transaction::new(begin)),
            Message::Relation(relation) => self.catalog.meet(&self.client, &relation).await?,
            Message::Insert { relation, new } => {
                self.changed(relation, |open, known| {
                    open.changed(known, Operation::Insert, None, Some(&new))
                });
            }
            Message::Update { relation, old, new } => self.changed(relation, |open, known| {
                open.changed(known, Operation::Update, old.as_ref(), Some(&new));
            }),
            Message::Delete { relation, old } => {
                self.changed(relation, |open, known| {
                    open.changed(known, Operation::Delete, Some(&old), None)
                });
            }
            Message::Truncate { relations } => {
                for relation in relations {
                    self.changed(relation, Transaction::truncated);
                }
            }
            Message::Commit(commit) => return self.committed(PgLsn::from(commit.end)).await,
            Message::Other => {}
        }
        Ok(())
    }

    fn changed(&mut self, relation: u32, change: impl FnOnce(&mut Transaction, &super::catalog::Known)) {
        if let (Some(open), Some(known)) = (&mut self.open, self.catalog.table(relation)) {
            change(open, &known);
        }
    }

    async fn committed(&mut self, end: PgLsn) -> Done<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        if end <= self.judged {
            return Ok(());
        }
        let mut witnessed = Witnessed::default();
        for batch in open.claims() {
            let is_so = self.witness.has(batch).await;
            witnessed.note(batch, is_so);
        }
        (self.judged, self.busy) = (end, true);
        let end = end.to_string();
        let alert = |(index, finding): (usize, Finding)| NewAlert {
            fingerprint: format!("wal:{end}:{}:{index}", finding.xid.unwrap_or_default()),
            finding,
        };
        let fits = |batch: &KeptBatch| self.witness.fits(batch);
        self.due.extend(open.judge(&end, &witnessed, &fits).into_iter().enumerate().map(alert));
        if self.due.is_empty() { Ok(()) } else { self.store().await }
    }

    /// Stores how far it is judged, with the alerts that are due: all of it or nothing.
    async fn store(&mut self) -> Done<()> {
        let transaction = writing(&mut self.client).await?;
        let sql = "UPDATE sillok_watch SET position = $3 WHERE slot = $1 AND position = $2";
        if change(&transaction, sql, &[&self.slot, &self.stored, &self.judged]).await? == 0 {
            return Err(RecordsError::LeaseLost.into());
        }
        let raised = alerts::raise(&transaction, &self.due).await?;
        transaction.commit().await.map_err(of_commit)?;
        (self.stored, self.stored_at, self.busy) = (self.judged, Instant::now(), false);
        self.due.clear();
        self.told(raised);
        Ok(self.stream.confirm(self.stored).await?)
    }

    fn told(&self, raised: Vec<Alert>) {
        if !raised.is_empty() {
            (self.tell)(Sighting::Alerts(raised));
        }
    }

    /// Whether all is still as it has to be.
    async fn look(&mut self) -> Done<()> {
        if self.heard_at.elapsed() > SILENCE {
            return Err(RecordsError::Unavailable("PostgreSQL says nothing more".to_owned()).into());
        }
        if let Some((bytes, _)) = setup::kept(&self.client, &self.slot).await? {
            (self.tell)(Sighting::Retained(bytes));
        }
        let transaction = writing(&mut self.client).await?;
        let altered = setup::publish(&transaction, &self.watch.schema).await?;
        transaction.commit().await?;
        if altered {
            let detail = setup::UNPUBLISHED.to_owned();
            self.due.push(of_the_watch("watch.altered", detail, &self.judged.to_string()));
        }
        let due = self.judged > self.stored && self.stored_at.elapsed() > STORE[usize::from(!self.busy)];
        if due || !self.due.is_empty() {
            return self.store().await;
        }
        // It answers, or is gone.
        Ok(self.stream.confirm(self.stored).await?)
    }
}

/// What is wrong with the watch itself.
fn of_the_watch(kind: &'static str, detail: String, place: &str) -> NewAlert {
    let finding = Finding { detail: Some(detail), lsn: Some(place.to_owned()), ..Finding::new(kind) };
    // Each time it happens it is told.
    NewAlert { fingerprint: format!("{kind}:{place}:{:016x}", rand::random::<u64>()), finding }
}
