//! What the gateway does, whichever face asks: REST and gRPC both call [`Service`] and add nothing of their own.

mod access;
mod acts;
mod alerts;
mod audit;
mod batcher;
mod caller;
mod certificates;
mod consumers;
mod erasure;
mod follow;
mod learners;
mod metrics;
mod momentary;
mod objections;
mod problems;
mod proof;
mod registry;
mod restoration;
mod role;
mod settings;
mod signals;
mod signatures;
mod signer;
mod state;
mod submission;
mod trail;
mod verification;
mod view;

#[cfg(test)]
mod tests;

use std::{convert::Infallible, sync::Arc, time::Duration};

use futures_util::stream::BoxStream;
use sillok_contract::{
    entry::EntryId,
    id::{LearnerId, ObjectionId, SchoolId},
};
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use audit::{Audit, AuditSettings, Auditor, CutRequest, Mended, SchoolAudit, Stranger};
pub use batcher::Batcher;
pub use caller::Caller;
pub use certificates::{
    CertificateAct, CertificateRequest, CertificateState, WaitingCertificate, WaitingCertificates,
};
pub use erasure::{ErasedPlace, ErasureRequest, ErasureState, StandingPlace};
pub use learners::LearnerWithRows;
pub(crate) use learners::MOST as MOST_LEARNERS;
pub use objections::{
    Decided, ObjectionDecision, ObjectionFiling, ObjectionState, Objections, ObjectionsWanted,
};
pub use role::{Role, Roles};
pub use settings::{
    BatchSettings, CertificateSettings, ObjectionSettings, RequestSettings, Settings, StandingSettings,
};
pub use signatures::{
    ClaimState, DocumentState, Documents, PartyState, RecordedSignatures, SignatureCheck, SignatureCreated,
    SignatureForwarded, SignatureRested, SignatureStatus, SignatureSubmission, SignatureVerdict, SignerAct,
};
pub use state::{
    Batch, Cursor, Digest, EntryRecorded, EntryState, LearnerEntries, LearnerEntry, PartState, Place,
    QueryResult, RequestState,
};

use crate::{
    archive::Vault,
    certificate::{CertificateId, Draft, Glance, Language, Verdict},
    clock,
    drift::{History, Plan, Selection, SignedReport},
    events::{self, Bus},
    ledger::{Ledger, Receipt, contract::Contract},
    monitor,
    problem::Problem,
    records::{Alert, NewAlert, Records, RecordsError, policy::Policy},
};
use batcher::{Health, Stuck};
pub(crate) use metrics::describe as describe_metrics;
use momentary::Momentary;
use registry::Registry;
use signals::{Signal, Signals};
use trail::{Followers, Trails};

/// How many recorded batches' places are remembered.
const REMEMBERED_BATCHES: u64 = 10_000;

/// For how long it is remembered whether database and ledger answer: anybody may ask, as often as they like.
const ANSWERING: Duration = Duration::from_millis(250);

/// The time, in microseconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The system's clock.
pub fn system_clock() -> Clock {
    Arc::new(clock::now)
}

/// What the service rests on.
#[derive(Clone)]
pub struct Parts {
    /// The records database.
    pub records: Arc<dyn Records>,
    /// The ledger, with the gateway's identity.
    pub ledger: Arc<dyn Ledger>,
    /// What brings events from those who tell them to those who handle them.
    pub bus: Arc<dyn Bus>,
    /// How they are handled.
    pub events: events::Settings,
    /// The rules over them.
    pub monitor: monitor::Settings,
    /// Where what proves signatures rests.
    pub vault: Vault,
    /// What statements may do.
    pub policy: Arc<Policy>,
    /// The time.
    pub clock: Clock,
}

/// The operations of the gateway. Cheap to clone: every clone is the same service.
#[derive(Clone)]
pub struct Service {
    core: Arc<Core>,
    starts: Arc<Mutex<mpsc::UnboundedReceiver<Arc<Signal>>>>,
}

/// What every operation shares.
struct Core {
    records: Arc<dyn Records>,
    ledger: Arc<dyn Ledger>,
    bus: Arc<dyn Bus>,
    events: events::Settings,
    monitor: monitor::Settings,
    vault: Vault,
    policy: Arc<Policy>,
    clock: Clock,
    settings: Settings,
    registry: Registry,
    signals: Signals,
    trails: Trails,
    followers: Followers,
    /// How many entries wait for the ledger.
    unrecorded: Momentary<u64>,
    /// Why the database and the ledger do not answer, if they do not.
    answering: Momentary<[Option<String>; 2]>,
    /// Recorded batches by school and sequence.
    batches: moka::future::Cache<(SchoolId, u64), Arc<Batch>>,
    health: watch::Sender<Health>,
    /// An alert was raised here.
    alerted: watch::Sender<()>,
    stuck: Stuck,
    /// What this gateway's leases name as their owner.
    owner: String,
}

impl Service {
    /// A service on these parts. Nothing is recorded until [`Service::run`] or [`Batcher::run`] runs.
    pub fn new(parts: Parts, settings: Settings) -> Self {
        let Parts { records, ledger, bus, events, monitor, vault, policy, clock } = parts;
        let (signals, starts) = Signals::new();
        let trails = Trails::new(Contract::new(ledger.clone()));
        let registry = Registry::new(ledger.clone(), settings.standing.clone());
        let unrecorded = Momentary::new(Duration::from_millis(settings.requests.unrecorded_cache_ms));
        let core = Core {
            records,
            ledger,
            bus,
            events,
            monitor,
            vault,
            policy,
            clock,
            settings,
            registry,
            signals,
            trails,
            followers: Followers::default(),
            unrecorded,
            answering: Momentary::new(ANSWERING),
            batches: moka::future::Cache::new(REMEMBERED_BATCHES),
            health: watch::Sender::new(Health::Stopped),
            alerted: watch::Sender::new(()),
            stuck: Stuck::default(),
            owner: format!("{:016x}", rand::random::<u64>()),
        };
        Self { core: Arc::new(core), starts: Arc::new(Mutex::new(starts)) }
    }

    /// Does all there is to do, in every role, until `shutdown`; then drains.
    pub async fn run(&self, shutdown: CancellationToken) {
        self.run_as(&Roles::all(), shutdown).await;
    }

    /// Does the work of these roles until `shutdown`; then drains. Whatever else it does, it follows changes of the
    /// registry. As `api` it records what is executed, watches the database, audits and looks for overdue objections, if
    /// the settings say so.
    pub async fn run_as(&self, roles: &Roles, shutdown: CancellationToken) {
        let api = async {
            if roles.has(Role::Api) {
                tokio::join!(
                    self.batcher().run(shutdown.clone()),
                    audit::run(self.core.clone(), shutdown.clone()),
                    self.core.watch(shutdown.clone()),
                    objections::run(self.core.clone(), shutdown.clone()),
                );
            }
        };
        tokio::join!(api, self.listen(shutdown.clone()), self.consume(roles, &shutdown));
    }

    /// What brings executed entries to the ledger; one a process.
    pub fn batcher(&self) -> Batcher {
        Batcher::new(self.core.clone(), self.starts.clone())
    }

    /// Follows changes of the ledger's registry until `shutdown`, so that they act at once.
    pub async fn listen(&self, shutdown: CancellationToken) {
        self.core.registry.listen(shutdown).await;
    }

    /// Executes a signed request and answers as soon as effect and entries are durable.
    ///
    /// `request` is the compact JWS; `queries` are the texts it signs for, as sent, in the order of the hashes. It
    /// needs no bearer token: the signature says who asks. The same request sent again answers as the first time.
    ///
    /// Checked in this order, each with its own code: form, size, signature, audience and time, replay, standing,
    /// policy; then whether the ledger keeps up.
    pub async fn submit(&self, request: &str, queries: Vec<Vec<u8>>) -> Result<RequestState, Problem> {
        self.core.submit(request, queries).await
    }

    /// The state of an executed request, entry by entry, without the rows; `digest` is the SHA-256 of its JWS.
    pub async fn request(&self, caller: &Caller, digest: [u8; 32]) -> Result<RequestState, Problem> {
        self.core.request(caller, digest).await
    }

    /// The state of one entry.
    pub async fn entry(&self, caller: &Caller, id: EntryId) -> Result<EntryState, Problem> {
        self.core.entry(caller, id).await
    }

    /// The proof of a recorded entry: canonical JSON (RFC 8785).
    pub async fn proof(&self, caller: &Caller, id: EntryId) -> Result<String, Problem> {
        self.core.proof(caller, id).await
    }

    /// A school's recorded batches after a sequence, in order. A `limit` of 0 means the most: 100.
    pub async fn batches(
        &self,
        caller: &Caller,
        school: &SchoolId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Batch>, Problem> {
        self.core.batches(caller, school, after, limit).await
    }

    /// A school's recorded entries after the cursor (none: from the first), each once and in order, then those to
    /// come as they are recorded. It ends only with an error; go on from the last cursor.
    pub async fn entries(
        &self,
        caller: &Caller,
        school: &SchoolId,
        after: Option<Cursor>,
    ) -> Result<BoxStream<'static, Result<EntryRecorded, Problem>>, Problem> {
        self.core.entries(caller, school, after)
    }

    /// Compares database and ledger for one learner, row by row and column by column. For the offices' people. The
    /// report is signed by the office.
    pub async fn verification(&self, caller: &Caller, learner: &LearnerId) -> Result<SignedReport, Problem> {
        self.core.verification(caller, learner).await
    }

    /// How a learner's rows would be put back to their last recorded images; nothing is done. For the offices' people: an
    /// officer signs for the plan's statements with the purpose `restore`, and submits them.
    pub async fn restoration(&self, caller: &Caller, learner: &LearnerId) -> Result<Plan, Problem> {
        self.core.restoration(caller, learner).await
    }

    /// The lives of a learner's rows, entry by entry, from the ledger alone. For the offices' people.
    pub async fn history(
        &self,
        caller: &Caller,
        learner: &LearnerId,
        selection: &Selection,
    ) -> Result<History, Problem> {
        self.core.history(caller, learner, selection).await
    }

    /// A learner asks for a certificate of their record. The answer holds the report on database and ledger; where they do
    /// not agree no officer can issue it. The same act again answers as the first time.
    pub async fn request_certificate(
        &self,
        caller: &Caller,
        asked: CertificateRequest,
    ) -> Result<CertificateState, Problem> {
        self.core.request_certificate(caller, asked).await
    }

    /// Where a certificate stands. For its learner and the offices.
    pub async fn certificate(&self, caller: &Caller, id: CertificateId) -> Result<CertificateState, Problem> {
        self.core.certificate(caller, id).await
    }

    /// What an officer is to sign, with the proofs of it; refused where database and ledger do not agree.
    pub async fn certificate_draft(&self, caller: &Caller, id: CertificateId) -> Result<Draft, Problem> {
        self.core.certificate_draft(caller, id).await
    }

    /// A certificate's file, once it is issued: canonical JSON. For its learner and the offices.
    pub async fn certificate_file(&self, caller: &Caller, id: CertificateId) -> Result<String, Problem> {
        self.core.certificate_file(caller, id).await
    }

    /// The certificates that wait for an office, page by page, those that were asked for first at the front. For the
    /// offices.
    pub async fn waiting_certificates(
        &self,
        caller: &Caller,
        bookmark: &str,
    ) -> Result<WaitingCertificates, Problem> {
        self.core.waiting_certificates(caller, bookmark).await
    }

    /// A certificate as it is printed: a PDF. For its learner and the offices.
    pub async fn printed_certificate(
        &self,
        caller: &Caller,
        id: CertificateId,
        language: Language,
    ) -> Result<Vec<u8>, Problem> {
        self.core.printed_certificate(caller, id, language).await
    }

    /// Whether the certificate with this id and digest is in force: what paper alone lets anybody ask.
    pub async fn certificate_at_a_glance(
        &self,
        id: CertificateId,
        digest: [u8; 32],
    ) -> Result<Glance, Problem> {
        self.core.certificate_at_a_glance(id, digest).await
    }

    /// An officer refuses, issues or revokes a certificate, or its learner countersigns it.
    pub async fn act_on_certificate(
        &self,
        caller: &Caller,
        id: CertificateId,
        asked: CertificateAct,
    ) -> Result<CertificateState, Problem> {
        self.core.act_on_certificate(caller, id, asked).await
    }

    /// What both offices say of a certificate now, with the asker's nonce: a receipt in no block. For anybody.
    pub async fn certificate_status(&self, id: CertificateId, nonce: &str) -> Result<Receipt, Problem> {
        self.core.certificate_status(id, nonce).await
    }

    /// The verdict on a certificate's file. For anybody. Where the offices cannot be asked it is never that it is valid.
    pub async fn judge_certificate(&self, file: Vec<u8>) -> Result<Verdict, Problem> {
        self.core.judge_certificate(file).await
    }

    /// A learner objects to an entry about them, by an act of their wallet's key. The same act again answers as the first
    /// time.
    pub async fn file_objection(
        &self,
        caller: &Caller,
        filing: ObjectionFiling,
    ) -> Result<ObjectionState, Problem> {
        self.core.file_objection(caller, filing).await
    }

    /// Objections, page by page, without the reasons: for the offices those that are not decided, or a learner's; for a
    /// learner their own.
    pub async fn objections(&self, caller: &Caller, wanted: ObjectionsWanted) -> Result<Objections, Problem> {
        self.core.objections(caller, wanted).await
    }

    /// An objection with the reasons, for its learner and the offices.
    pub async fn objection(&self, caller: &Caller, id: &ObjectionId) -> Result<ObjectionState, Problem> {
        self.core.objection(caller, id).await
    }

    /// An officer upholds an objection, naming the correction, or dismisses it with a reason, by an act of their own key.
    pub async fn decide_objection(
        &self,
        caller: &Caller,
        id: &ObjectionId,
        decision: ObjectionDecision,
    ) -> Result<ObjectionState, Problem> {
        self.core.decide_objection(caller, id, decision).await
    }

    /// What of a learner's entries is erased, and what is not. For the offices' people.
    pub async fn erasure(&self, caller: &Caller, learner: &LearnerId) -> Result<ErasureState, Problem> {
        self.core.erasure(caller, learner).await
    }

    /// Erases the bodies of a learner's entries: on the ledger in the batches that an officer's act names, and what the
    /// database keeps of them. The same act again answers as the first time. For the offices' people.
    pub async fn erase(
        &self,
        caller: &Caller,
        learner: &LearnerId,
        request: ErasureRequest,
    ) -> Result<ErasureState, Problem> {
        self.core.erase(caller, learner, request).await
    }

    /// Begins an audit of all learners; `pause` is made between two steps of the work.
    pub async fn auditor(&self, pause: Duration) -> Result<Auditor, Problem> {
        Auditor::begin(self.core.clone(), pause).await
    }

    /// The time, by the service's clock: microseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        (self.core.clock)()
    }

    /// How many entries a learner has on the ledger and where the last one stands, as both offices attest it now: a
    /// receipt in no block, whose answer is a [`sillok_contract::batch::Trail`]. `nonce` is the asker's, 16 to 64 random
    /// bytes in lower-case hexadecimal digits.
    pub async fn trail(&self, caller: &Caller, learner: &LearnerId, nonce: &str) -> Result<Receipt, Problem> {
        self.core.trail(caller, learner, nonce).await
    }

    /// A learner's recorded entries with numbers greater than `after`, in order. A `limit` of 0 means the most: 100.
    pub async fn learner_entries(
        &self,
        caller: &Caller,
        learner: &LearnerId,
        after: u64,
        limit: u32,
    ) -> Result<LearnerEntries, Problem> {
        self.core.learner_entries(caller, learner, after, limit).await
    }

    /// A learner's recorded entries with numbers greater than `after`, each once and in order, then those to come as
    /// they are recorded. It ends only with an error; go on from the last number.
    pub async fn follow_learner(
        &self,
        caller: &Caller,
        learner: &LearnerId,
        after: u64,
    ) -> Result<BoxStream<'static, Result<LearnerEntry, Problem>>, Problem> {
        self.core.follow_learner(caller, learner, after)
    }

    /// Learners who have rows in the database, after this one, in the order of their ids; whether the ledger knows them
    /// or not. A `limit` of 0 means the most: 1,000. For the offices' people.
    pub async fn learners(
        &self,
        caller: &Caller,
        after: &str,
        limit: u32,
    ) -> Result<Vec<LearnerWithRows>, Problem> {
        self.core.learners(caller, after, limit).await
    }

    /// What was found in the database that did not come through the gateway, after the alert with this number, in order.
    /// A `limit` of 0 means the most: 100. For officers.
    pub async fn alerts(&self, caller: &Caller, after: i64, limit: u32) -> Result<Vec<Alert>, Problem> {
        self.core.alerts(caller, after, limit).await
    }

    /// The same, each once and in order, then those to come as they are raised. It ends only with an error; go on from
    /// the last alert's number.
    pub async fn follow_alerts(
        &self,
        caller: &Caller,
        after: i64,
    ) -> Result<BoxStream<'static, Result<Alert, Problem>>, Problem> {
        self.core.follow_alerts(caller, after)
    }

    /// Raises alerts, such as an audit's findings: stores those whose fingerprint is new, and tells of them.
    pub async fn raise_alerts(&self, alerts: &[NewAlert]) -> Result<(), RecordsError> {
        self.core.raise(alerts).await
    }

    /// Who the bearer of this access token is. `method` and `uri` are those of the call it comes with; for gRPC
    /// `POST` and the URI of the RPC's path.
    pub async fn authenticate(&self, bearer: &str, method: &str, uri: &str) -> Result<Caller, Problem> {
        self.core.authenticate(bearer, method, uri).await
    }

    /// A stream for the bearer of an access token that was verified, for as long as they stand: where they are revoked, or
    /// another key takes the place of theirs, it ends with the problem that their next call meets.
    pub fn while_standing<T: Send + 'static>(
        &self,
        bearer: &str,
        stream: BoxStream<'static, Result<T, Problem>>,
    ) -> Result<BoxStream<'static, Result<T, Problem>>, Problem> {
        self.core.clone().while_standing(bearer, stream)
    }

    /// Each part that must work for requests to be taken and recorded, and why it does not.
    pub async fn ready(&self) -> Vec<PartState> {
        self.core.ready().await
    }
}

impl Core {
    /// When a school's batch closes: at so many entries, or when its oldest is so old.
    async fn batch_closes(&self, school: &SchoolId) -> (u32, Duration) {
        let of_school = self.registry.remembered_school(school).await.map(|school| school.batch);
        let (count, age) = of_school.map_or_else(
            || (self.settings.batches.count, self.settings.batches.age_ms),
            |batch| (batch.max_entries, batch.max_age_ms),
        );
        (count.clamp(1, self.settings.batches.max_count.max(1)), Duration::from_millis(age.into()))
    }

    /// How long ago that was; none if it is still to come.
    fn age_since(&self, time: i64) -> Duration {
        Duration::from_micros((self.clock)().saturating_sub(time).try_into().unwrap_or_default())
    }

    async fn ready(&self) -> Vec<PartState> {
        let Ok([database, ledger]) =
            self.answering.get(async { Ok::<_, Infallible>(self.ask_parts().await) }).await;
        let (batcher, works) = match &*self.health.borrow() {
            Health::Working => (self.stuck.told(), true),
            Health::Stopped => (Some("it does not run".to_owned()), false),
            Health::Failing(reason) => (Some(reason.clone()), false),
        };
        let asked = |part, reason: Option<String>| PartState { part, ready: reason.is_none(), reason };
        let batcher = PartState { part: "batcher", ready: works, reason: batcher };
        vec![asked("database", database), asked("ledger", ledger), batcher]
    }

    /// Why the database and the ledger do not answer, if they do not.
    async fn ask_parts(&self) -> [Option<String>; 2] {
        let limit = Duration::from_millis(self.settings.standing.ask_ms);
        let asked = |asked: Result<Result<(), String>, _>| match asked {
            Ok(Ok(())) => None,
            Ok(Err(reason)) => Some(reason),
            Err(_) => Some(format!("it did not answer within {} ms", limit.as_millis())),
        };
        let database = async { self.records.ready().await.map_err(|error| error.to_string()) };
        let ledger = async { self.ledger.ready().await.map_err(|error| error.to_string()) };
        let (database, ledger) =
            tokio::join!(tokio::time::timeout(limit, database), tokio::time::timeout(limit, ledger));
        [asked(database), asked(ledger)]
    }
}
