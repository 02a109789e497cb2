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
mod event_schema;
mod face;
mod follow;
mod learners;
mod letters;
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

use sillok_contract::id::SchoolId;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use audit::{Audit, AuditSettings, Auditor, CutRequest, Mended, SchoolAudit, Stranger};
pub use batcher::Batcher;
pub use caller::Caller;
pub use certificates::{
    CertificateAct, CertificateRequest, CertificateState, WaitingCertificate, WaitingCertificates,
};
pub use erasure::{ErasedPlace, ErasureRequest, ErasureState, StandingPlace};
pub use event_schema::event_schema;
pub use learners::LearnerWithRows;
pub(crate) use learners::MOST as MOST_LEARNERS;
pub use letters::{DeadLetterDiscard, DeadLetterState, DeadLettersWanted};
pub use objections::{
    Decided, ObjectionDecision, ObjectionFiling, ObjectionState, Objections, ObjectionsWanted,
};
pub use role::{Role, Roles};
pub use settings::{
    BatchSettings, CertificateSettings, ObjectionSettings, RequestSettings, Settings, StandingSettings,
};
pub(crate) use signatures::arrival;
pub use signatures::{
    ClaimState, DocumentState, Documents, PartyState, RecordedSignatures, SignatureCheck, SignatureCreated,
    SignatureForwarded, SignatureRequested, SignatureRested, SignatureStatus, SignatureSubmission,
    SignatureVerdict, SignerAct, SigningRequest,
};
pub use state::{
    Batch, Cursor, Digest, EntryRecorded, EntryState, LearnerEntries, LearnerEntry, PartState, Place,
    QueryResult, RequestState,
};

use crate::{
    archive::{ArchiveError, Vault},
    clock,
    events::{self, Bus},
    keys::held::HeldKeys,
    ledger::{Ledger, contract::Contract},
    monitor,
    problem::Problem,
    records::{Records, policy::Policy},
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
    /// Where what proves signatures rests, in a role that opens it.
    pub vault: Option<Vault>,
    /// The keys that the office holds for signers; the role `signer` alone uses them.
    pub held: Arc<dyn HeldKeys>,
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
    vault: Option<Vault>,
    held: Arc<dyn HeldKeys>,
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
        let Parts { records, ledger, bus, events, monitor, vault, held, policy, clock } = parts;
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
            held,
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
            if !roles.has(Role::Api) {
                self.core.health.send_replace(Health::Elsewhere);
                return;
            }
            tokio::join!(
                self.batcher().run(shutdown.clone()),
                audit::run(self.core.clone(), shutdown.clone()),
                self.core.watch(shutdown.clone()),
                objections::run(self.core.clone(), shutdown.clone()),
            );
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

    /// Begins an audit of all learners; `pause` is made between two steps of the work.
    pub async fn auditor(&self, pause: Duration) -> Result<Auditor, Problem> {
        Auditor::begin(self.core.clone(), pause).await
    }

    /// The time, by the service's clock: microseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        (self.core.clock)()
    }

    /// Each part that must work for requests to be taken and recorded, and why it does not.
    pub async fn ready(&self) -> Vec<PartState> {
        self.core.ready().await
    }
}

impl Core {
    /// The archive, in a role that opens it.
    fn vault(&self) -> Result<&Vault, ArchiveError> {
        self.vault.as_ref().ok_or(ArchiveError::NotOpened)
    }

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
        let asked = |part, reason: Option<String>| PartState { part, ready: reason.is_none(), reason };
        let mut parts = vec![asked("database", database), asked("ledger", ledger)];
        let (reason, ready) = match &*self.health.borrow() {
            Health::Elsewhere => return parts,
            Health::Working => (self.stuck.told(), true),
            Health::Stopped => (Some("it does not run".to_owned()), false),
            Health::Failing(reason) => (Some(reason.clone()), false),
        };
        parts.push(PartState { part: "batcher", ready, reason });
        parts
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
