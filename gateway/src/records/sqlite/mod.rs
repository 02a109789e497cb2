//! The records database on SQLite: one file, one connection that writes, several that read. What is answered is on the
//! disk (`synchronous=FULL`). Several gateways may share the file on one machine.

mod alerts;
mod batch;
mod certificates;
mod connection;
mod deadline;
mod erasure;
mod events;
mod lane;
mod mending;
mod outbox;
mod picture;
mod shelf;
mod statement;

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use rusqlite::params;
use sillok_contract::{
    batch::MAX_SEQUENCE,
    entry::EntryId,
    id::{EducatorId, LearnerId, SchoolId},
};
use tokio::sync::{mpsc, watch};

use self::{deadline::Deadline, lane::Lane};
use super::{
    Admitted, Alert, Backlog, Executed, Lease, NewAlert, OpenError, OutboxRow, Picture, Records,
    RecordsError, Result, Row, Settings, Sought, Statement, StoredBatch, StoredCertificate, StoredEntry,
    StoredRequest,
    migration::Migration,
    picture::{ENTRIES_AFTER, REQUESTS_AFTER},
    rows::RowLimits,
    schema::Schema,
    settings::setting,
};
use crate::certificate::CertificateId;

/// What one statement may use.
#[derive(Clone)]
struct Limits {
    /// Of the connection that writes.
    deadline: Deadline,
    statement_ms: u64,
    rows: RowLimits,
}

/// A records database on SQLite.
pub(super) struct Sqlite {
    writer: Lane,
    readers: Lane,
    schema: Arc<Schema>,
    limits: Limits,
    /// Changes whenever events were written here.
    told: watch::Sender<()>,
}

impl Sqlite {
    /// Opens the file, or makes it.
    pub(super) async fn open(path: &str, settings: &Settings) -> std::result::Result<Self, OpenError> {
        let (path, settings) = (path.to_owned(), settings.clone());
        let opened = tokio::task::spawn_blocking(move || Self::open_file(Path::new(&path), &settings));
        opened.await.unwrap_or_else(|error| Err(RecordsError::Unavailable(error.to_string()).into()))
    }

    fn open_file(path: &Path, settings: &Settings) -> std::result::Result<Self, OpenError> {
        let schema = settings.schema()?;
        let mut migrations = vec![
            Migration::own("001_sillok", include_str!("001_sillok.sql")),
            Migration::own("002_alerts", include_str!("002_alerts.sql")),
            Migration::own("003_certificates", include_str!("003_certificates.sql")),
            Migration::own("004_events", include_str!("004_events.sql")),
            Migration::own("005_archive", include_str!("005_archive.sql")),
            Migration::own("006_alert_evidence", include_str!("006_alert_evidence.sql")),
            Migration::own("007_refusals", include_str!("007_refusals.sql")),
        ];
        migrations
            .extend(settings.schema_migrations(include_str!("../schema/sqlite/001_school_record.sql"))?);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| setting(&format!("url: {error}")))?;
        }
        connection::make(path).map_err(|error| setting(&format!("url: {error}")))?;
        let wait = Duration::from_millis(settings.wait_ms);
        let mut writer = connection::open(path, wait)?;
        connection::migrate(&mut writer, &migrations)?;
        connection::check(&writer, &schema)?;
        let deadline = Deadline::watch(&mut writer).map_err(connection::away)?;
        let readers =
            (0..settings.connections.max(1)).map(|_| connection::open(path, wait)).collect::<Result<_>>()?;
        let lane = |name, connections| {
            Lane::start(name, connections).map_err(|error| RecordsError::Unavailable(error.to_string()))
        };
        Ok(Self {
            writer: lane("records-writer", vec![writer])?,
            readers: lane("records-reader", readers)?,
            schema,
            limits: Limits { deadline, statement_ms: settings.statement_ms, rows: RowLimits::of(settings) },
            told: watch::Sender::new(()),
        })
    }

    /// Statements alone in one transaction; see [`super::Plain`].
    pub(super) async fn execute_alone(&self, statements: Vec<Statement>) -> Result<u64> {
        let limits = self.limits.clone();
        self.writer.run(move |c| outbox::execute_alone(c, &statements, &limits)).await
    }
}

#[async_trait]
impl Records for Sqlite {
    async fn ready(&self) -> Result<()> {
        self.readers.run(|c| outbox::unrecorded(c).map(drop)).await
    }

    async fn execute(&self, request: &Admitted, now: &(dyn Fn() -> i64 + Send + Sync)) -> Result<Executed> {
        // The clock stays here; the thread that writes asks for the time.
        let (ask, mut asked) = mpsc::unbounded_channel::<std::sync::mpsc::SyncSender<i64>>();
        let time = move || {
            let (answer, answered) = std::sync::mpsc::sync_channel(1);
            ask.send(answer).ok()?;
            answered.recv().ok()
        };
        let (request, schema, limits) = (request.clone(), self.schema.clone(), self.limits.clone());
        let executed = self.writer.run(move |c| outbox::execute(c, &schema, &request, &limits, &time));
        tokio::pin!(executed);
        loop {
            tokio::select! {
                Some(answer) = asked.recv() => { let _ = answer.send(now()); }
                outcome = &mut executed => return outcome,
            }
        }
    }

    async fn used(&self, educator: &EducatorId, jti: &str) -> Result<Option<[u8; 32]>> {
        let (educator, jti) = (educator.clone(), jti.to_owned());
        self.readers.run(move |c| outbox::used(c, &educator, &jti)).await
    }

    async fn request(&self, digest: &[u8; 32]) -> Result<Option<StoredRequest>> {
        let digest = *digest;
        self.readers.run(move |c| outbox::request(c, &digest)).await
    }

    async fn entries(&self, ids: &[EntryId]) -> Result<Vec<StoredEntry>> {
        let ids = ids.to_vec();
        self.readers.run(move |c| outbox::entries_of(c, &ids)).await
    }

    async fn unrecorded(&self) -> Result<u64> {
        self.readers.run(|c| outbox::unrecorded(c)).await
    }

    async fn backlog(&self) -> Result<Vec<Backlog>> {
        self.readers.run(|c| outbox::backlog(c)).await
    }

    async fn claim(&self, school: &SchoolId, owner: &str, ttl_ms: u64) -> Result<Option<Lease>> {
        let (school, owner) = (school.clone(), owner.to_owned());
        self.writer.run(move |c| batch::claim(c, &school, &owner, ttl_ms)).await
    }

    async fn renew(&self, lease: &Lease, ttl_ms: u64) -> Result<()> {
        let lease = lease.clone();
        self.writer.run(move |c| batch::renew(c, &lease, ttl_ms)).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let lease = lease.clone();
        self.writer.run(move |c| batch::release(c, &lease)).await
    }

    async fn in_flight(&self, lease: &Lease) -> Result<Option<StoredBatch>> {
        let lease = lease.clone();
        self.writer.run(move |c| batch::fenced(c, &lease, |c| batch::in_flight(c, &lease.school))).await
    }

    async fn last_batch(&self, school: &SchoolId) -> Result<Option<StoredBatch>> {
        let school = school.clone();
        let last = "school = ?1 AND receipt IS NOT NULL ORDER BY sequence DESC LIMIT 1";
        self.readers.run(move |c| Ok(outbox::batches(c, last, [school.as_str()])?.pop())).await
    }

    async fn pending(
        &self,
        school: &SchoolId,
        count: u32,
        bytes: u64,
    ) -> Result<(Vec<StoredEntry>, Vec<([u8; 32], String)>)> {
        let school = school.clone();
        self.readers.run(move |c| outbox::pending(c, &school, count, bytes)).await
    }

    async fn form(&self, lease: &Lease, batch: &StoredBatch) -> Result<()> {
        let (lease, batch) = (lease.clone(), batch.clone());
        self.writer.run(move |c| batch::fenced(c, &lease, |c| batch::form(c, &lease.school, &batch))).await
    }

    async fn store_envelope(
        &self,
        lease: &Lease,
        sequence: u64,
        transaction: &str,
        envelope: &[u8],
    ) -> Result<()> {
        let (lease, transaction, envelope) = (lease.clone(), transaction.to_owned(), envelope.to_owned());
        let store = move |c: &mut rusqlite::Connection| {
            batch::fenced(c, &lease, |c| {
                batch::store_envelope(c, &lease.school, sequence, &transaction, &envelope)
            })
        };
        self.writer.run(store).await
    }

    async fn finish(
        &self,
        lease: &Lease,
        sequence: u64,
        receipt: &[u8],
        transaction: &str,
        block: u64,
    ) -> Result<()> {
        let (lease, receipt, transaction) = (lease.clone(), receipt.to_owned(), transaction.to_owned());
        let finish = move |c: &mut rusqlite::Connection| {
            batch::fenced(c, &lease, |c| {
                batch::finish(c, &lease.school, sequence, &receipt, &transaction, block)
            })
        };
        self.writer.run(finish).await?;
        self.told.send_replace(());
        Ok(())
    }

    async fn dissolve(
        &self,
        lease: &Lease,
        sequence: u64,
        refused: &[(EntryId, String, String)],
    ) -> Result<()> {
        let (lease, refused) = (lease.clone(), refused.to_vec());
        let dissolve = move |c: &mut rusqlite::Connection| {
            batch::fenced(c, &lease, |c| batch::dissolve(c, &lease.school, sequence, &refused))
        };
        self.writer.run(dissolve).await
    }

    async fn batch(&self, school: &SchoolId, sequence: u64) -> Result<Option<StoredBatch>> {
        let school = school.clone();
        let one = "school = ?1 AND sequence = ?2 AND receipt IS NOT NULL";
        self.readers
            .run(move |c| Ok(outbox::batches(c, one, params![school.as_str(), sequence])?.pop()))
            .await
    }

    async fn batches(&self, school: &SchoolId, after: u64, limit: u32) -> Result<Vec<StoredBatch>> {
        let (school, after) = (school.clone(), after.min(MAX_SEQUENCE));
        let some = "school = ?1 AND sequence > ?2 AND receipt IS NOT NULL ORDER BY sequence LIMIT ?3";
        self.readers.run(move |c| outbox::batches(c, some, params![school.as_str(), after, limit])).await
    }

    async fn set_aside(&self, limit: u32) -> Result<Vec<StoredEntry>> {
        self.readers.run(move |c| outbox::set_aside(c, limit)).await
    }

    async fn picture(&self, sought: &Sought) -> Result<Picture> {
        let (schema, sought) = (self.schema.clone(), sought.clone());
        self.readers.run(move |c| picture::picture(c, &schema, &sought)).await
    }

    async fn rows_of(&self, learners: &[LearnerId]) -> Result<Vec<Row>> {
        let (schema, learners) = (self.schema.clone(), learners.to_vec());
        self.readers.run(move |c| picture::rows_of(c, &schema, &learners)).await
    }

    async fn outbox(&self, ids: &[EntryId]) -> Result<Vec<OutboxRow>> {
        let ids = ids.to_vec();
        self.readers.run(move |c| picture::outbox_of(c, &ids)).await
    }

    async fn learners(&self, after: &str, limit: u32) -> Result<Vec<String>> {
        let (schema, after) = (self.schema.clone(), after.to_owned());
        self.readers.run(move |c| picture::learners(c, &schema, &after, limit)).await
    }

    async fn raise(&self, alerts: &[NewAlert]) -> Result<Vec<Alert>> {
        let alerts = alerts.to_vec();
        let raised = self.writer.run(move |c| alerts::raise(c, &alerts)).await?;
        self.told.send_replace(());
        Ok(raised)
    }

    async fn alerts(&self, after: i64, limit: u32) -> Result<Vec<Alert>> {
        self.readers.run(move |c| alerts::after(c, after, limit)).await
    }

    async fn requests_after(&self, after: &[u8], limit: u32) -> Result<Vec<(Vec<u8>, String)>> {
        let after = after.to_vec();
        self.readers.run(move |c| picture::page(c, REQUESTS_AFTER, &after, limit)).await
    }

    async fn entries_after(&self, after: &[u8], limit: u32) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let after = after.to_vec();
        self.readers.run(move |c| picture::page(c, ENTRIES_AFTER, &after, limit)).await
    }

    async fn store_certificate(&self, certificate: &StoredCertificate) -> Result<()> {
        let certificate = certificate.clone();
        self.writer.run(move |c| certificates::store(c, &certificate)).await
    }

    async fn certificate(&self, id: &CertificateId) -> Result<Option<StoredCertificate>> {
        let id = *id;
        self.readers.run(move |c| certificates::one(c, &id)).await
    }

    async fn certificates(&self, learner: &LearnerId) -> Result<Vec<StoredCertificate>> {
        let learner = learner.clone();
        self.readers.run(move |c| certificates::of_learner(c, &learner)).await
    }

    async fn erase(&self, ids: &[EntryId]) -> Result<u64> {
        let ids = ids.to_vec();
        self.writer.run(move |c| erasure::erase(c, &ids)).await
    }
}
