//! The real engines, with faults between them and the service: a call fails before or after it took effect, or the
//! gateway dies right there.

mod events;

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sillok_contract::{
    entry::EntryId,
    id::{EducatorId, LearnerId, SchoolId},
};
use tokio::sync::Notify;

use crate::{
    archive::{RecordId, Sealed, WrappedKey, WrappedRecord},
    certificate::CertificateId,
    keys::OfficeSigner,
    ledger::{Call, Checkpoint, Commit, Endorsed, Event, Ledger, LedgerError, Receipt},
    records::{
        Admitted, Alert, Astray, Backlog, Executed, KeptBatch, KeptRequest, Lease, LedgerBatch, Mending,
        NewAlert, OutboxRow, Picture, Records, RecordsError, Result, Row, Shelf, Sought, StoredBatch,
        StoredCertificate, StoredEntry, StoredRequest,
    },
};

/// Draws the faults, by a seed.
pub(super) struct Faults {
    random: Mutex<StdRng>,
    /// How many faults and deaths may still come.
    left: Mutex<Left>,
    /// So many submissions meet a ledger that has changed since the endorsement.
    pub(super) meddling: AtomicU32,
    /// The ledger answers nothing.
    pub(super) away: AtomicBool,
    /// The gateway has died.
    pub(super) died: Notify,
    /// What struck where, for the message of a failed test and for its own honesty.
    pub(super) struck: Mutex<HashMap<String, u32>>,
}

/// Each place gets its share, however often it is passed.
struct Left {
    faults_each: u32,
    deaths: u32,
    at: HashMap<(String, bool), u32>,
}

impl Left {
    fn take(&mut self, place: &str, deadly: bool) -> bool {
        let most = if deadly { self.deaths.min(1) } else { self.faults_each };
        let struck = self.at.entry((place.to_owned(), deadly)).or_default();
        if *struck >= most {
            return false;
        }
        *struck += 1;
        self.deaths -= u32::from(deadly);
        true
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strike {
    No,
    FailBefore,
    FailAfter,
    DieBefore,
    DieAfter,
}

impl Faults {
    pub(super) fn new(seed: u64, faults_each: u32, deaths: u32) -> Arc<Self> {
        Arc::new(Self {
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            left: Mutex::new(Left { faults_each, deaths, at: HashMap::new() }),
            meddling: AtomicU32::new(0),
            away: AtomicBool::new(false),
            died: Notify::new(),
            struck: Mutex::default(),
        })
    }

    fn draw(&self, place: &str) -> Strike {
        let mut left = self.left.lock().unwrap();
        let strike = match self.random.lock().unwrap().random_range(0..100) {
            0..15 => Strike::FailBefore,
            15..30 => Strike::FailAfter,
            30..40 => Strike::DieBefore,
            40..50 => Strike::DieAfter,
            _ => return Strike::No,
        };
        if !left.take(place, matches!(strike, Strike::DieBefore | Strike::DieAfter)) {
            return Strike::No;
        }
        *self.struck.lock().unwrap().entry(format!("{strike:?} {place}")).or_default() += 1;
        strike
    }

    async fn around<T, E>(
        &self,
        place: &str,
        lost: impl FnOnce() -> E,
        call: impl Future<Output = std::result::Result<T, E>>,
    ) -> std::result::Result<T, E> {
        match self.draw(place) {
            Strike::No => call.await,
            Strike::FailBefore => Err(lost()),
            Strike::FailAfter => call.await.and_then(|_| Err(lost())),
            Strike::DieBefore => self.die().await,
            Strike::DieAfter => {
                let _ = call.await;
                self.die().await
            }
        }
    }

    async fn die<T>(&self) -> T {
        self.died.notify_one();
        std::future::pending().await
    }

    fn meddles(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.meddling.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).is_ok()
    }
}

impl FaultyLedger {
    async fn around<T>(
        &self,
        place: &str,
        lost: impl FnOnce() -> LedgerError,
        call: impl Future<Output = std::result::Result<T, LedgerError>>,
    ) -> std::result::Result<T, LedgerError> {
        if self.faults.away.load(Ordering::Acquire) {
            return Err(lost());
        }
        self.faults.around(place, lost, call).await
    }
}

/// What happens on the ledger meanwhile.
pub(super) type Meddle = Box<dyn Fn() -> futures_util::future::BoxFuture<'static, ()> + Send + Sync>;

/// A ledger with faults. Before some submissions, `meddle` changes what the batch has read.
pub(super) struct FaultyLedger {
    pub(super) real: Arc<dyn Ledger>,
    pub(super) faults: Arc<Faults>,
    pub(super) meddle: Meddle,
}

fn lost() -> String {
    "the answer was lost".to_owned()
}

#[async_trait]
impl Ledger for FaultyLedger {
    async fn evaluate(&self, call: Call) -> std::result::Result<Vec<u8>, LedgerError> {
        self.around("evaluate", || LedgerError::Evaluate(lost()), self.real.evaluate(call)).await
    }

    async fn endorse(&self, call: Call) -> std::result::Result<Endorsed, LedgerError> {
        let lost = || LedgerError::Endorse { transaction: String::new(), reason: lost() };
        self.around("endorse", lost, self.real.endorse(call)).await
    }

    async fn submit(&self, endorsed: &Endorsed) -> std::result::Result<(), LedgerError> {
        if self.faults.meddles() {
            (self.meddle)().await;
        }
        let lost = || LedgerError::Submit { transaction: endorsed.transaction.clone(), reason: lost() };
        self.around("submit", lost, self.real.submit(endorsed)).await
    }

    async fn commit_status(&self, transaction: &str) -> std::result::Result<Commit, LedgerError> {
        let lost = || LedgerError::CommitStatus { transaction: transaction.to_owned(), reason: lost() };
        let commit = self.around("commit_status", lost, self.real.commit_status(transaction)).await;
        if let Ok(Commit { valid: false, status, .. }) = &commit {
            *self.faults.struck.lock().unwrap().entry(status.clone()).or_default() += 1;
        }
        commit
    }

    fn receipt_of(&self, endorsed: &Endorsed, commit: &Commit) -> std::result::Result<Receipt, LedgerError> {
        self.real.receipt_of(endorsed, commit)
    }

    async fn receipt(&self, transaction: &str) -> std::result::Result<Option<Receipt>, LedgerError> {
        self.around("receipt", || LedgerError::Evaluate(lost()), self.real.receipt(transaction)).await
    }

    async fn events(
        &self,
        after: Option<Checkpoint>,
    ) -> std::result::Result<BoxStream<'static, std::result::Result<Event, LedgerError>>, LedgerError> {
        self.real.events(after).await
    }

    async fn ready(&self) -> std::result::Result<(), LedgerError> {
        self.real.ready().await
    }

    fn signer(&self) -> &OfficeSigner {
        self.real.signer()
    }
}

/// A records database with faults.
pub(super) struct FaultyRecords {
    pub(super) real: Arc<dyn Records>,
    pub(super) faults: Arc<Faults>,
}

impl FaultyRecords {
    async fn around<T>(&self, place: &str, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.faults.around(place, || RecordsError::InDoubt(lost()), call).await
    }
}

#[async_trait]
impl Records for FaultyRecords {
    async fn ready(&self) -> Result<()> {
        self.real.ready().await
    }

    async fn execute(&self, request: &Admitted, now: &(dyn Fn() -> i64 + Send + Sync)) -> Result<Executed> {
        self.around("execute", self.real.execute(request, now)).await
    }

    async fn used(&self, educator: &EducatorId, jti: &str) -> Result<Option<[u8; 32]>> {
        self.around("used", self.real.used(educator, jti)).await
    }

    async fn request(&self, digest: &[u8; 32]) -> Result<Option<StoredRequest>> {
        self.around("request", self.real.request(digest)).await
    }

    async fn entries(&self, ids: &[EntryId]) -> Result<Vec<StoredEntry>> {
        self.around("entries", self.real.entries(ids)).await
    }

    async fn unrecorded(&self) -> Result<u64> {
        self.around("unrecorded", self.real.unrecorded()).await
    }

    async fn backlog(&self) -> Result<Vec<Backlog>> {
        self.around("backlog", self.real.backlog()).await
    }

    async fn claim(&self, school: &SchoolId, owner: &str, ttl_ms: u64) -> Result<Option<Lease>> {
        self.around("claim", self.real.claim(school, owner, ttl_ms)).await
    }

    async fn renew(&self, lease: &Lease, ttl_ms: u64) -> Result<()> {
        self.around("renew", self.real.renew(lease, ttl_ms)).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.around("release", self.real.release(lease)).await
    }

    async fn in_flight(&self, lease: &Lease) -> Result<Option<StoredBatch>> {
        self.around("in_flight", self.real.in_flight(lease)).await
    }

    async fn last_batch(&self, school: &SchoolId) -> Result<Option<StoredBatch>> {
        self.around("last_batch", self.real.last_batch(school)).await
    }

    async fn pending(
        &self,
        school: &SchoolId,
        count: u32,
        bytes: u64,
    ) -> Result<(Vec<StoredEntry>, Vec<([u8; 32], String)>)> {
        self.around("pending", self.real.pending(school, count, bytes)).await
    }

    async fn form(&self, lease: &Lease, batch: &StoredBatch) -> Result<()> {
        self.around("form", self.real.form(lease, batch)).await
    }

    async fn store_envelope(
        &self,
        lease: &Lease,
        sequence: u64,
        transaction: &str,
        envelope: &[u8],
    ) -> Result<()> {
        let call = self.real.store_envelope(lease, sequence, transaction, envelope);
        self.around("store_envelope", call).await
    }

    async fn finish(
        &self,
        lease: &Lease,
        sequence: u64,
        receipt: &[u8],
        transaction: &str,
        block: u64,
    ) -> Result<()> {
        self.around("finish", self.real.finish(lease, sequence, receipt, transaction, block)).await
    }

    async fn dissolve(
        &self,
        lease: &Lease,
        sequence: u64,
        refused: &[(EntryId, String, String)],
    ) -> Result<()> {
        self.around("dissolve", self.real.dissolve(lease, sequence, refused)).await
    }

    async fn batch(&self, school: &SchoolId, sequence: u64) -> Result<Option<StoredBatch>> {
        self.around("batch", self.real.batch(school, sequence)).await
    }

    async fn batches(&self, school: &SchoolId, after: u64, limit: u32) -> Result<Vec<StoredBatch>> {
        self.around("batches", self.real.batches(school, after, limit)).await
    }

    async fn set_aside(&self, limit: u32) -> Result<Vec<StoredEntry>> {
        self.around("set_aside", self.real.set_aside(limit)).await
    }

    async fn picture(&self, sought: &Sought) -> Result<Picture> {
        self.around("picture", self.real.picture(sought)).await
    }

    async fn rows_of(&self, learners: &[LearnerId]) -> Result<Vec<Row>> {
        self.around("rows_of", self.real.rows_of(learners)).await
    }

    async fn outbox(&self, ids: &[EntryId]) -> Result<Vec<OutboxRow>> {
        self.around("outbox", self.real.outbox(ids)).await
    }

    async fn learners(&self, after: &str, limit: u32) -> Result<Vec<String>> {
        self.around("learners", self.real.learners(after, limit)).await
    }

    async fn raise(&self, alerts: &[NewAlert]) -> Result<Vec<Alert>> {
        self.around("raise", self.real.raise(alerts)).await
    }

    async fn alerts(&self, after: i64, limit: u32) -> Result<Vec<Alert>> {
        self.around("alerts", self.real.alerts(after, limit)).await
    }

    async fn requests_after(&self, after: &[u8], limit: u32) -> Result<Vec<(Vec<u8>, String)>> {
        self.around("requests_after", self.real.requests_after(after, limit)).await
    }

    async fn entries_after(&self, after: &[u8], limit: u32) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.around("entries_after", self.real.entries_after(after, limit)).await
    }

    async fn store_certificate(&self, certificate: &StoredCertificate) -> Result<()> {
        self.around("store_certificate", self.real.store_certificate(certificate)).await
    }

    async fn certificate(&self, id: &CertificateId) -> Result<Option<StoredCertificate>> {
        self.around("certificate", self.real.certificate(id)).await
    }

    async fn certificates(&self, learner: &LearnerId) -> Result<Vec<StoredCertificate>> {
        self.around("certificates", self.real.certificates(learner)).await
    }

    async fn erase(&self, ids: &[EntryId]) -> Result<u64> {
        self.around("erase", self.real.erase(ids)).await
    }
}

#[async_trait]
impl Shelf for FaultyRecords {
    async fn put_sealed(&self, record: &Sealed) -> Result<bool> {
        self.around("put_sealed", self.real.put_sealed(record)).await
    }

    async fn sealed(&self, id: &RecordId) -> Result<Option<Sealed>> {
        self.around("sealed", self.real.sealed(id)).await
    }

    async fn sealed_after(&self, after: &[u8], limit: u32) -> Result<Vec<WrappedRecord>> {
        self.around("sealed_after", self.real.sealed_after(after, limit)).await
    }

    async fn rewrap_sealed(&self, id: &RecordId, from: &WrappedKey, to: &WrappedKey) -> Result<bool> {
        self.around("rewrap_sealed", self.real.rewrap_sealed(id, from, to)).await
    }
}

#[async_trait]
impl Mending for FaultyRecords {
    async fn kept_batch(&self, school: &SchoolId, sequence: u64) -> Result<Option<KeptBatch>> {
        self.around("kept_batch", self.real.kept_batch(school, sequence)).await
    }

    async fn recorded_after(&self, school: &SchoolId, after: u64, limit: u32) -> Result<Vec<u64>> {
        self.around("recorded_after", self.real.recorded_after(school, after, limit)).await
    }

    async fn kept_requests(&self, digests: &[[u8; 32]]) -> Result<Vec<KeptRequest>> {
        self.around("kept_requests", self.real.kept_requests(digests)).await
    }

    async fn astray(&self, limit: u32) -> Result<Vec<Astray>> {
        self.around("astray", self.real.astray(limit)).await
    }

    async fn mend(&self, batch: &LedgerBatch) -> Result<()> {
        self.around("mend", self.real.mend(batch)).await
    }

    async fn forget_batch(&self, school: &SchoolId, sequence: u64) -> Result<()> {
        self.around("forget_batch", self.real.forget_batch(school, sequence)).await
    }

    async fn free_astray(&self, school: &SchoolId) -> Result<u64> {
        self.around("free_astray", self.real.free_astray(school)).await
    }
}
