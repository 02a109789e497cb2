//! The records database on PostgreSQL: the office's own, with Sillok's tables beside the office's. Any number of
//! gateways may use one.

mod alerts;
mod batch;
mod certificates;
mod connection;
mod erasure;
mod events;
mod execution;
mod failure;
mod mending;
mod outbox;
mod picture;
mod shelf;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tls;
mod transaction;
mod value;
mod watch;

use std::sync::Arc;

use async_trait::async_trait;
use deadpool_postgres::{Client, Pool};
use sillok_contract::{
    batch::MAX_SEQUENCE,
    entry::EntryId,
    id::{EducatorId, LearnerId, SchoolId},
};
use tokio::sync::watch as signal;
use tokio_util::sync::CancellationToken;

use self::{
    connection::{connect, stored},
    failure::Failure,
    watch::Watch,
};
use super::{
    Admitted, Alert, Backlog, Executed, Lease, NewAlert, OpenError, OutboxRow, Picture, Records,
    RecordsError, Result, Row, Settings, Sighting, Sought, Statement, StoredBatch, StoredCertificate,
    StoredEntry, StoredRequest, Witness,
    migration::Migration,
    picture::{ENTRIES_AFTER, REQUESTS_AFTER},
    rows::RowLimits,
    schema::Schema,
};
use crate::certificate::CertificateId;

/// How often a transaction is tried that PostgreSQL gave up to resolve a deadlock.
const TRIES: u32 = 4;

/// What one statement may use.
#[derive(Clone, Copy)]
struct Limits {
    statement_ms: u64,
    rows: RowLimits,
}

/// A records database on PostgreSQL.
pub(super) struct Postgres {
    /// For requests, and whoever asks what became of them.
    pool: Pool,
    /// For the batcher.
    recording: Pool,
    /// For who tells and handles events.
    telling: Pool,
    schema: Arc<Schema>,
    limits: Limits,
    /// Where the database is watched.
    watch: Option<Box<Watch>>,
    /// Changes whenever events were written here.
    told: signal::Sender<()>,
}

impl Postgres {
    /// Connects, and brings the tables up to date.
    pub(super) async fn open(settings: &Settings) -> std::result::Result<Self, OpenError> {
        let opened = Self::new(settings)?;
        connection::migrate(&opened.pool, &migrations(settings)?).await.map_err(RecordsError::from)?;
        events::renew(&opened.recording).await.map_err(RecordsError::from)?;
        connection::check(&opened.pool, &opened.schema).await.map_err(RecordsError::from)?;
        let watch = Watch::open(settings, &opened.schema).await?.map(Box::new);
        Ok(Self { watch, ..opened })
    }

    /// The same for who tells and handles events alone: it looks at no protected table, and changes none.
    pub(super) async fn open_for_events(settings: &Settings) -> std::result::Result<Self, OpenError> {
        let opened = Self::new(settings)?;
        let due =
            connection::is_due(&opened.pool, &migrations(settings)?).await.map_err(RecordsError::from)?;
        match due {
            false => Ok(opened),
            true => Err(RecordsError::Unavailable(
                "its tables are not up to date: a process with the role api brings them there, or `sillok role prepare`"
                    .to_owned(),
            )
            .into()),
        }
    }

    /// Makes all that is the tables' owner's to make, for others to use: the tables, and what the watch publishes.
    pub(super) async fn prepare(settings: &Settings) -> std::result::Result<(), OpenError> {
        match Self::open(settings).await?.watch {
            Some(watch) => Ok(watch.publish().await.map_err(RecordsError::from)?),
            None => Ok(()),
        }
    }

    /// Connects to nothing yet.
    fn new(settings: &Settings) -> std::result::Result<Self, OpenError> {
        Ok(Self {
            pool: connection::pool(settings)?,
            recording: connection::recording_pool(settings)?,
            telling: connection::telling_pool(settings)?,
            schema: settings.schema()?,
            limits: Limits { statement_ms: settings.statement_ms, rows: RowLimits::of(settings) },
            watch: None,
            told: signal::Sender::new(()),
        })
    }

    /// Gives up what the watch keeps in the database; whether there was something.
    pub(super) async fn drop_watch(settings: &Settings) -> std::result::Result<bool, OpenError> {
        Ok(watch::drop_it(&connection::watching_pool(settings)?).await.map_err(RecordsError::from)?)
    }

    /// The same for [`super::Plain`]: on connections that also write outside of a transaction.
    pub(super) fn with_autocommit(self, settings: &Settings) -> std::result::Result<Self, OpenError> {
        Ok(Self { pool: connection::autocommit_pool(settings)?, ..self })
    }

    async fn client(&self) -> Result<Client> {
        Ok(connect(&self.pool).await?)
    }

    async fn recorder(&self) -> Result<Client> {
        Ok(connect(&self.recording).await?)
    }

    /// Statements alone in one transaction; see [`super::Plain`].
    pub(super) async fn execute_alone(&self, statements: &[Statement], ahead: usize) -> Result<u64> {
        Ok(execution::execute_alone(&self.pool, statements, ahead, self.limits).await?)
    }

    /// Statements alone, each a transaction of its own; see [`super::Plain`].
    pub(super) async fn execute_each(&self, statements: &[Statement]) -> Result<u64> {
        Ok(execution::execute_each(&self.pool, statements, self.limits).await?)
    }
}

/// What the tables become, step by step.
fn migrations(settings: &Settings) -> std::result::Result<Vec<Migration>, OpenError> {
    let mut migrations = vec![
        Migration::own("001_sillok", include_str!("001_sillok.sql")),
        Migration::own("002_alerts", include_str!("002_alerts.sql")),
        Migration::own("003_certificates", include_str!("003_certificates.sql")),
        Migration::own("004_events", include_str!("004_events.sql")),
        Migration::own("005_archive", include_str!("005_archive.sql")),
        Migration::own("006_alert_evidence", include_str!("006_alert_evidence.sql")),
        Migration::own("007_refusals", include_str!("007_refusals.sql")),
    ];
    migrations.extend(settings.schema_migrations(include_str!("../schema/postgres/001_school_record.sql"))?);
    Ok(migrations)
}

/// Does this for the batcher, in a transaction that writes.
macro_rules! writing {
    ($self:ident, |$transaction:ident| $inner:expr) => {{
        let mut client = $self.recorder().await?;
        let $transaction = connection::writing(&mut client).await?;
        let done = $inner.await?;
        $transaction.commit().await.map_err(failure::of_commit)?;
        Ok(done)
    }};
}

/// Does this in a transaction in which the lease holds.
macro_rules! fenced {
    ($self:ident, $lease:ident, |$transaction:ident| $inner:expr) => {
        writing!($self, |$transaction| async {
            batch::fence(&$transaction, $lease).await?;
            $inner.await
        })
    };
}

#[async_trait]
impl Records for Postgres {
    async fn ready(&self) -> Result<()> {
        self.client().await?.batch_execute("SELECT 1").await.map_err(|error| Failure::from(error).error)
    }

    async fn execute(&self, request: &Admitted, now: &(dyn Fn() -> i64 + Send + Sync)) -> Result<Executed> {
        for _ in 1..TRIES {
            match execution::execute(&self.pool, &self.schema, request, self.limits, now).await {
                Err(failure) if failure.again => {}
                done => return Ok(done?),
            }
        }
        Ok(execution::execute(&self.pool, &self.schema, request, self.limits, now).await?)
    }

    async fn used(&self, educator: &EducatorId, jti: &str) -> Result<Option<[u8; 32]>> {
        Ok(outbox::used(&self.client().await?, educator, jti).await?)
    }

    async fn request(&self, digest: &[u8; 32]) -> Result<Option<StoredRequest>> {
        Ok(outbox::request(&self.client().await?, digest).await?)
    }

    async fn entries(&self, ids: &[EntryId]) -> Result<Vec<StoredEntry>> {
        let ids: Vec<_> = ids.iter().map(|id| &id.0[..]).collect();
        Ok(outbox::entries(&self.client().await?, "id = ANY($1)", &[&ids]).await?)
    }

    async fn unrecorded(&self) -> Result<u64> {
        Ok(outbox::unrecorded(&self.recorder().await?).await?)
    }

    async fn backlog(&self) -> Result<Vec<Backlog>> {
        Ok(outbox::backlog(&self.recorder().await?).await?)
    }

    async fn claim(&self, school: &SchoolId, owner: &str, ttl_ms: u64) -> Result<Option<Lease>> {
        writing!(self, |transaction| batch::claim(&transaction, school, owner, ttl_ms))
    }

    async fn renew(&self, lease: &Lease, ttl_ms: u64) -> Result<()> {
        writing!(self, |transaction| batch::renew(&transaction, lease, ttl_ms))
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        writing!(self, |transaction| batch::release(&transaction, lease))
    }

    async fn in_flight(&self, lease: &Lease) -> Result<Option<StoredBatch>> {
        fenced!(self, lease, |transaction| batch::in_flight(&transaction, &lease.school))
    }

    async fn last_batch(&self, school: &SchoolId) -> Result<Option<StoredBatch>> {
        let last = "school = $1 AND receipt IS NOT NULL ORDER BY sequence DESC LIMIT 1";
        Ok(outbox::batches(&self.recorder().await?, last, &[&school.as_str()]).await?.pop())
    }

    async fn pending(
        &self,
        school: &SchoolId,
        count: u32,
        bytes: u64,
    ) -> Result<(Vec<StoredEntry>, Vec<([u8; 32], String)>)> {
        Ok(outbox::pending(&self.recorder().await?, school, count, bytes).await?)
    }

    async fn form(&self, lease: &Lease, batch: &StoredBatch) -> Result<()> {
        fenced!(self, lease, |transaction| batch::form(&transaction, &lease.school, batch))
    }

    async fn store_envelope(
        &self,
        lease: &Lease,
        sequence: u64,
        transaction: &str,
        envelope: &[u8],
    ) -> Result<()> {
        fenced!(self, lease, |t| batch::store_envelope(&t, &lease.school, sequence, transaction, envelope))
    }

    async fn finish(
        &self,
        lease: &Lease,
        sequence: u64,
        receipt: &[u8],
        transaction: &str,
        block: u64,
    ) -> Result<()> {
        let finished: Result<()> =
            fenced!(self, lease, |t| batch::finish(&t, &lease.school, sequence, receipt, transaction, block));
        self.told.send_replace(());
        finished
    }

    async fn dissolve(
        &self,
        lease: &Lease,
        sequence: u64,
        refused: &[(EntryId, String, String)],
    ) -> Result<()> {
        fenced!(self, lease, |transaction| batch::dissolve(&transaction, &lease.school, sequence, refused))
    }

    async fn batch(&self, school: &SchoolId, sequence: u64) -> Result<Option<StoredBatch>> {
        let one = "school = $1 AND sequence = $2 AND receipt IS NOT NULL";
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&school.as_str(), &stored(sequence)?];
        Ok(outbox::batches(&self.client().await?, one, &values).await?.pop())
    }

    async fn batches(&self, school: &SchoolId, after: u64, limit: u32) -> Result<Vec<StoredBatch>> {
        let some = "school = $1 AND sequence > $2 AND receipt IS NOT NULL ORDER BY sequence LIMIT $3";
        let (client, after) = (self.client().await?, stored(after.min(MAX_SEQUENCE))?);
        Ok(outbox::batches(&client, some, &[&school.as_str(), &after, &i64::from(limit)]).await?)
    }

    async fn set_aside(&self, limit: u32) -> Result<Vec<StoredEntry>> {
        let aside = "code IS NOT NULL ORDER BY number LIMIT $1";
        Ok(outbox::entries(&self.client().await?, aside, &[&i64::from(limit)]).await?)
    }

    async fn picture(&self, sought: &Sought) -> Result<Picture> {
        Ok(picture::picture(&mut self.client().await?, &self.schema, sought).await?)
    }

    async fn rows_of(&self, learners: &[LearnerId]) -> Result<Vec<Row>> {
        Ok(picture::rows_of(&self.client().await?, &self.schema, learners).await?)
    }

    async fn outbox(&self, ids: &[EntryId]) -> Result<Vec<OutboxRow>> {
        let ids: Vec<_> = ids.iter().map(|id| &id.0[..]).collect();
        Ok(picture::outbox(&self.client().await?, "id = ANY($1)", &[&ids]).await?)
    }

    async fn learners(&self, after: &str, limit: u32) -> Result<Vec<String>> {
        Ok(picture::learners(&self.client().await?, &self.schema, after, limit).await?)
    }

    async fn raise(&self, alerts: &[NewAlert]) -> Result<Vec<Alert>> {
        let raised: Result<_> = writing!(self, |transaction| alerts::raise(&transaction, alerts));
        self.told.send_replace(());
        raised
    }

    async fn alerts(&self, after: i64, limit: u32) -> Result<Vec<Alert>> {
        Ok(alerts::after(&self.client().await?, after, limit).await?)
    }

    async fn watch(
        &self,
        tell: &(dyn Fn(Sighting) + Send + Sync),
        witness: &dyn Witness,
        shutdown: &CancellationToken,
    ) {
        if let Some(watch) = &self.watch {
            watch.run(tell, witness, shutdown).await;
        }
    }

    async fn requests_after(&self, after: &[u8], limit: u32) -> Result<Vec<(Vec<u8>, String)>> {
        Ok(picture::page(&self.client().await?, REQUESTS_AFTER, after, limit).await?)
    }

    async fn entries_after(&self, after: &[u8], limit: u32) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        Ok(picture::page(&self.client().await?, ENTRIES_AFTER, after, limit).await?)
    }

    async fn store_certificate(&self, certificate: &StoredCertificate) -> Result<()> {
        writing!(self, |transaction| certificates::store(&transaction, certificate))
    }

    async fn certificate(&self, id: &CertificateId) -> Result<Option<StoredCertificate>> {
        Ok(certificates::one(&self.client().await?, id).await?)
    }

    async fn certificates(&self, learner: &LearnerId) -> Result<Vec<StoredCertificate>> {
        Ok(certificates::of_learner(&self.client().await?, learner).await?)
    }

    async fn erase(&self, ids: &[EntryId]) -> Result<u64> {
        writing!(self, |transaction| erasure::erase(&transaction, ids))
    }
}
