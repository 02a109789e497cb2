//! Who stands, as the ledger's registry says: remembered between requests, and forgotten when the ledger tells of a
//! change, so that a revocation acts at once.

mod known;
mod listen;
mod remembered;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::TryFutureExt as _;
use sillok_contract::{
    batch::Head,
    id::{LearnerId, MspId, SchoolId, SignerId},
    registry::{Changed, Kind as Document, Learner},
};

use tokio::sync::watch;

use super::settings::StandingSettings;
use crate::{
    ledger::{Ledger, LedgerError, contract::Contract},
    problem::{Kind, Problem},
};
use known::certified;
pub(super) use known::{KnownEducator, KnownOffice, KnownOfficer, KnownSchool, KnownSigner};
use remembered::{Remembered, Tolerance};

/// The registry through a cache.
pub(super) struct Registry {
    contract: Contract,
    settings: StandingSettings,
    offices: Remembered<MspId, KnownOffice>,
    schools: Remembered<SchoolId, KnownSchool>,
    educators: Remembered<[u8; 32], KnownEducator>,
    officers: Remembered<[u8; 32], KnownOfficer>,
    /// By their certificates.
    signers: Remembered<[u8; 32], KnownSigner>,
    approvers: Remembered<SignerId, KnownSigner>,
    learners: Remembered<LearnerId, Learner>,
    /// Whether changes are being told; without, what is remembered is good for a moment only.
    listening: AtomicBool,
    /// Told of each change.
    changes: watch::Sender<()>,
    /// Until when the ledger counts as away, so that not every request waits for it in vain.
    away: Mutex<Option<Instant>>,
}

impl Registry {
    pub(super) fn new(ledger: Arc<dyn Ledger>, settings: StandingSettings) -> Self {
        let capacity = settings.capacity;
        Self {
            contract: Contract::new(ledger),
            settings,
            offices: Remembered::new(capacity),
            schools: Remembered::new(capacity),
            educators: Remembered::new(capacity),
            officers: Remembered::new(capacity),
            signers: Remembered::new(capacity),
            approvers: Remembered::new(capacity),
            learners: Remembered::new(capacity),
            listening: AtomicBool::new(false),
            changes: watch::Sender::new(()),
            away: Mutex::new(None),
        }
    }

    /// An office.
    pub(super) async fn office(&self, id: &MspId) -> Result<Option<Arc<KnownOffice>>, Problem> {
        let read = self.bounded(self.contract.office(id)).map_ok(certified);
        self.offices.get(id, self.tolerance(), read).await.map_err(unavailable)
    }

    /// A school.
    pub(super) async fn school(&self, id: &SchoolId) -> Result<Option<Arc<KnownSchool>>, Problem> {
        let read = self.bounded(self.contract.school(id)).map_ok(certified);
        self.schools.get(id, self.tolerance(), read).await.map_err(unavailable)
    }

    /// A school as remembered, however old; the ledger is not asked.
    pub(super) async fn remembered_school(&self, id: &SchoolId) -> Option<Arc<KnownSchool>> {
        self.schools.peek(id).await
    }

    /// The educator who has the certificate with this SHA-256.
    pub(super) async fn educator(
        &self,
        thumbprint: &[u8; 32],
    ) -> Result<Option<Arc<KnownEducator>>, Problem> {
        let read = self.bounded(self.contract.educator_by_certificate(thumbprint)).map_ok(certified);
        self.educators.get(thumbprint, self.tolerance(), read).await.map_err(unavailable)
    }

    /// The officer who has the certificate with this SHA-256.
    pub(super) async fn officer(&self, thumbprint: &[u8; 32]) -> Result<Option<Arc<KnownOfficer>>, Problem> {
        let read = self.bounded(self.contract.officer_by_certificate(thumbprint)).map_ok(certified);
        self.officers.get(thumbprint, self.tolerance(), read).await.map_err(unavailable)
    }

    /// The signer who has the certificate with this SHA-256.
    pub(super) async fn signer(&self, thumbprint: &[u8; 32]) -> Result<Option<Arc<KnownSigner>>, Problem> {
        let read = self.bounded(self.contract.signer_by_certificate(thumbprint)).map_ok(certified);
        self.signers.get(thumbprint, self.tolerance(), read).await.map_err(unavailable)
    }

    /// The signer with this id.
    pub(super) async fn approver(&self, id: &SignerId) -> Result<Option<Arc<KnownSigner>>, Problem> {
        let read = self.bounded(self.contract.signer(id)).map_ok(certified);
        self.approvers.get(id, self.tolerance(), read).await.map_err(unavailable)
    }

    /// A learner.
    pub(super) async fn learner(&self, id: &LearnerId) -> Result<Option<Arc<Learner>>, Problem> {
        let read = self.bounded(self.contract.learner(id));
        self.learners.get(id, self.tolerance(), read).await.map_err(unavailable)
    }

    /// A school's last batch on the ledger, asked anew each time.
    pub(super) async fn head(&self, school: &SchoolId) -> Result<Head, LedgerError> {
        self.contract.head(school).await
    }

    /// The ledger itself, past what is remembered.
    pub(super) fn contract(&self) -> &Contract {
        &self.contract
    }

    /// Whether changes are being told.
    pub(super) fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Acquire)
    }

    /// Woken by each change that the ledger tells of, once what it changed is forgotten.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// How old what is remembered may be.
    fn tolerance(&self) -> Tolerance {
        let absent = Duration::from_millis(self.settings.absent_ms.into());
        let refresh = Duration::from_secs(self.settings.refresh_s.into());
        Tolerance {
            present: if self.is_listening() { refresh } else { absent.min(refresh) },
            absent,
            stale: Duration::from_secs(self.settings.stale_s.into()),
        }
    }

    /// Waits for the ledger's answer for so long, and not at all if it was away a moment ago.
    async fn bounded<T>(&self, ask: impl Future<Output = Result<T, LedgerError>>) -> Result<T, LedgerError> {
        if self.is_away() {
            return Err(LedgerError::Evaluate("it did not answer a moment ago".to_owned()));
        }
        let limit = Duration::from_millis(self.settings.ask_ms);
        let answer = tokio::time::timeout(limit, ask).await.unwrap_or_else(|_| {
            Err(LedgerError::Evaluate(format!("it did not answer within {} ms", limit.as_millis())))
        });
        if let Err(error) = &answer {
            tracing::warn!(%error, "the registry cannot be read");
        }
        // What the ledger did answer, if only with a document that cannot be read, does not make it away for the others.
        if let Err(LedgerError::Evaluate(_)) = &answer {
            let pause = Duration::from_millis(self.settings.absent_ms.into());
            *self.away.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + pause);
        }
        answer
    }

    fn is_away(&self) -> bool {
        let away = *self.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.is_some_and(|until| Instant::now() < until)
    }

    /// The ledger tells of a change.
    async fn changed(&self, change: &Changed) {
        match change.kind {
            Document::Office => self.offices.forget_all(),
            Document::School => self.schools.forget_all(),
            // Remembered by certificate, told by id.
            Document::Educator => self.educators.forget_all(),
            Document::Officer => self.officers.forget_all(),
            Document::Signer => {
                self.signers.forget_all();
                self.approvers.forget_all();
            }
            Document::Learner => {
                for id in change.ids.iter().filter_map(|id| LearnerId::new(id.as_str()).ok()) {
                    self.learners.forget(&id).await;
                }
            }
        }
        self.changes.send_replace(());
    }

    /// Changes may have been missed.
    fn forget_all(&self) {
        self.offices.forget_all();
        self.schools.forget_all();
        self.educators.forget_all();
        self.officers.forget_all();
        self.signers.forget_all();
        self.approvers.forget_all();
        self.learners.forget_all();
        self.changes.send_replace(());
    }
}

fn unavailable(error: LedgerError) -> Problem {
    tracing::debug!(%error, "a standing cannot be told");
    Problem::new(
        Kind::Unavailable,
        "standing.unavailable",
        "the ledger is away and who stands cannot be told; nothing was done, send the same request again",
    )
    .retry_after(2)
}
