//! The contract in the gateway's process, on one file: for trying, developing and testing.
//!
//! It keeps Fabric's promises. A transaction is simulated on the committed state, endorsed by two offices, signed by
//! its creator, ordered into a hash-chained block and checked against what it read; [`Ledger::submit`] returns once the
//! block is on disk. Its certificates are its own, made when it is first opened, in a directory beside the file; whoever
//! has that directory can sign as either office, so it proves nothing against who runs it.
//!
//! The invariant: blocks, index and state change in one commit of the file, so that they tell the same after any crash.

mod audit;
mod block;
mod committer;
mod envelope;
mod error;
mod events;
mod identities;
pub mod receipt;
mod simulation;
mod store;

#[cfg(test)]
mod tests;

use sillok_contract::digest::sha256;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use prost::Message as _;
use sillok_contract::Refusal;
use sillok_proto::embedded as wire;
use tokio::sync::{oneshot, watch};

use self::{
    block::Head,
    committer::{Committer, Job},
    identities::{Identities, Identity},
    simulation::{Context, Simulation},
    store::Store,
};
use super::{Call, Checkpoint, Commit, Endorsed, Event, Ledger, LedgerError, Receipt};
use crate::keys::{Authority, OfficeSigner};

pub use error::{DamagedError, OpenError};
pub use identities::{OFFICES, authority_files, roots_beside};

/// Microseconds since the Unix epoch.
pub type Clock = fn() -> i64;

/// A contract: what a function answers, and what it does to the state.
pub type Contract =
    fn(&mut dyn sillok_contract::Ledger, function: &str, arguments: &[Vec<u8>]) -> Result<Vec<u8>, Refusal>;

/// How long [`Ledger::commit_status`] waits for a transaction that is in no block.
const PATIENCE: Duration = Duration::from_secs(3);

struct Engine {
    store: Arc<Store>,
    identities: Identities,
    committer: Committer,
    height: watch::Receiver<u64>,
    clock: Clock,
    contract: Contract,
}

/// The embedded ledger, as one identity sees it; cheap to clone.
#[derive(Clone)]
pub struct Embedded {
    engine: Arc<Engine>,
    creator: Arc<Identity>,
}

impl Embedded {
    /// Opens a ledger with Sillok's contract as the gateway's client of `SupportMSP`; makes it if it is not there.
    ///
    /// Its identities rest in the directory of the same name with the extension `identities`.
    pub fn open(path: impl AsRef<Path>, clock: Clock) -> Result<Self, OpenError> {
        Self::open_with(path, clock, sillok_contract::invoke)
    }

    /// Opens a ledger with another contract.
    pub fn open_with(path: impl AsRef<Path>, clock: Clock, contract: Contract) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let store = Store::open(path).map_err(|error| not_opened(path, error))?;
        let damaged = |error| OpenError::Damaged { path: path.to_owned(), error };
        let head = audit::recent(&store).map_err(damaged)?;
        let directory = identities_directory(path);
        if head.is_some() && !directory.exists() {
            return Err(OpenError::IdentitiesGone(directory));
        }
        let identities = Identities::open(&directory, clock())?;
        let head = begin(&store, &identities, head).map_err(damaged)?;
        let store = Arc::new(store);
        let (committer, height) = Committer::start(store.clone(), head).map_err(OpenError::Thread)?;
        let creator =
            identities.member("SupportMSP", "client").cloned().expect("it is among those that are made");
        Ok(Self {
            engine: Arc::new(Engine { store, identities, committer, height, clock, contract }),
            creator,
        })
    }

    /// The same ledger as another identity sees it: `role` is `admin`, `client` or `peer`; none if there is no such one.
    pub fn as_identity(&self, msp: &str, role: &str) -> Option<Arc<dyn Ledger>> {
        let creator = self.engine.identities.member(msp, role)?.clone();
        Some(Arc::new(Self { engine: self.engine.clone(), creator }))
    }

    /// The development authority of an MSP: that of `SchoolMSP` issues educators' certificates.
    pub fn authority(&self, msp: &str) -> Option<&Authority> {
        self.engine.identities.authority(msp)
    }

    /// The directory of its identities.
    pub fn identities_directory(&self) -> &Path {
        self.engine.identities.directory()
    }

    /// The directory with the offices' root certificates, for verifying proofs offline.
    pub fn roots_directory(&self) -> PathBuf {
        roots_beside(self.identities_directory())
    }

    /// Checks the whole ledger: the chain of blocks, every signature in them, and that index and state are what follows
    /// from them. Gives the number of the last block. Takes time and memory in proportion to the ledger.
    pub fn verify_chain(&self) -> Result<u64, DamagedError> {
        audit::whole(&self.engine.store, &self.engine.identities)
    }

    /// Runs blocking work away from the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Embedded) -> T + Send + 'static,
    ) -> Result<T, tokio::task::JoinError> {
        let ledger = self.clone();
        tokio::task::spawn_blocking(move || work(&ledger)).await
    }

    /// Runs the contract; the proposal's bytes and what came of it.
    fn simulate(&self, call: Call) -> Result<Simulated, Failed> {
        let Engine { clock, contract, store, .. } = &*self.engine;
        let proposal = envelope::propose(&self.creator, clock(), &call.function, &call.arguments)
            .map_err(|error| Failed::Ledger(error.to_string()))?;
        let context = Context {
            transaction: proposal.transaction.clone(),
            timestamp: proposal.timestamp,
            creator: self.creator.creator.clone(),
            transient: call.transient,
        };
        let mut simulation = Simulation::new(&store.snapshot()?, context)?;
        let answer = contract(&mut simulation, &call.function, &call.arguments).map_err(Failed::Refused)?;
        Ok(Simulated { proposal, simulation, answer })
    }

    fn endorse_blocking(&self, call: Call) -> Result<Endorsed, LedgerError> {
        let failed = |transaction: &str, reason: String| LedgerError::Endorse {
            transaction: transaction.to_owned(),
            reason,
        };
        let Simulated { proposal, simulation, answer } =
            self.simulate(call).map_err(|error| match error {
                Failed::Refused(refusal) => LedgerError::Refused(refusal),
                Failed::Ledger(reason) => failed("", reason),
            })?;
        if simulation.ranged_and_wrote() {
            return Err(failed(&proposal.transaction, "it reads a page of a range and writes".to_owned()));
        }
        let bytes = proposal.encode_to_vec();
        let (effect, private_values) = simulation.finish(sha256(&[&bytes]), answer);
        let envelope =
            envelope::endorse(&self.engine.identities, &self.creator, bytes, &effect, private_values);
        let envelope = envelope.encode_to_vec();
        Ok(Endorsed { transaction: proposal.transaction, envelope, answer: effect.answer })
    }

    /// Where a transaction came to rest, if it did.
    async fn place(&self, transaction: &str) -> Result<Option<store::Place>, String> {
        let id = transaction.to_owned();
        let place = self.blocking(move |ledger| ledger.engine.store.place(&id)).await;
        place.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }

    fn receipt_blocking(&self, transaction: &str) -> Result<Option<Receipt>, LedgerError> {
        let malformed = |reason: String| LedgerError::Malformed(reason);
        let Some(place) =
            self.engine.store.place(transaction).map_err(|error| malformed(error.to_string()))?
        else {
            return Ok(None);
        };
        if place.status != wire::Status::Valid {
            return Ok(None);
        }
        let stored = committer::stored(&self.engine.store, place.block, place.position);
        let receipt = stored
            .map_err(|error| malformed(error.to_string()))?
            .and_then(|stored| receipt::of(&stored.transaction, place.block));
        receipt.map(Some).ok_or_else(|| malformed(format!("block {} is damaged", place.block)))
    }
}

/// Where the identities of the ledger in a file rest.
pub fn identities_directory(file: &Path) -> PathBuf {
    file.with_extension("identities")
}

struct Simulated {
    proposal: wire::Proposal,
    simulation: Simulation,
    answer: Vec<u8>,
}

enum Failed {
    Refused(Refusal),
    Ledger(String),
}

impl<E: Into<redb::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Ledger(error.into().to_string())
    }
}

fn not_opened(path: &Path, error: redb::Error) -> OpenError {
    match error {
        redb::Error::DatabaseAlreadyOpen => OpenError::InUse(path.to_owned()),
        error => OpenError::File { path: path.to_owned(), error: Box::new(error) },
    }
}

/// Writes the first block, or checks that it is of these identities.
fn begin(store: &Store, identities: &Identities, head: Option<Head>) -> Result<Head, DamagedError> {
    let genesis = block::genesis(identities.root_certificates()).encode_to_vec();
    match head {
        Some(_) if store.block(0)?.as_ref() != Some(&genesis) => Err(DamagedError::Identities),
        Some(head) => Ok(head),
        None => {
            let write = store.begin()?;
            write.open_table(store::BLOCKS)?.insert(0, genesis.as_slice())?;
            write.commit()?;
            Ok(Head::of(0, &genesis))
        }
    }
}

#[async_trait]
impl Ledger for Embedded {
    async fn evaluate(&self, call: Call) -> Result<Vec<u8>, LedgerError> {
        let simulated = self.blocking(move |ledger| ledger.simulate(call)).await;
        match simulated.map_err(|error| LedgerError::Evaluate(error.to_string()))? {
            Ok(simulated) => Ok(simulated.answer),
            Err(Failed::Refused(refusal)) => Err(LedgerError::Refused(refusal)),
            Err(Failed::Ledger(reason)) => Err(LedgerError::Evaluate(reason)),
        }
    }

    async fn endorse(&self, call: Call) -> Result<Endorsed, LedgerError> {
        let endorsed = self.blocking(move |ledger| ledger.endorse_blocking(call)).await;
        endorsed
            .map_err(|error| LedgerError::Endorse { transaction: String::new(), reason: error.to_string() })?
    }

    async fn submit(&self, endorsed: &Endorsed) -> Result<(), LedgerError> {
        let failed =
            |reason: String| LedgerError::Submit { transaction: endorsed.transaction.clone(), reason };
        let bytes = endorsed.envelope.clone();
        let checked = self.blocking(move |ledger| envelope::check(&ledger.engine.identities, &bytes)).await;
        let rejected =
            |reason: String| LedgerError::Rejected { transaction: endorsed.transaction.clone(), reason };
        let checked = checked
            .map_err(|error| failed(error.to_string()))?
            .map_err(|error| rejected(error.to_string()))?;
        if checked.id != endorsed.transaction {
            return Err(rejected(format!("its envelope is that of transaction {}", checked.id)));
        }
        let (done, answer) = oneshot::channel();
        self.engine.committer.send(Job { checked, done });
        answer.await.map_err(|_| failed("the ledger is closed".to_owned()))?.map_err(failed)
    }

    async fn commit_status(&self, transaction: &str) -> Result<Commit, LedgerError> {
        let unknown =
            |reason: String| LedgerError::CommitStatus { transaction: transaction.to_owned(), reason };
        let mut height = self.engine.height.clone();
        let wait = async {
            loop {
                height.mark_unchanged();
                if let Some(place) = self.place(transaction).await.map_err(unknown)? {
                    let status = place.status.as_str_name().to_owned();
                    return Ok(Commit {
                        block: place.block,
                        valid: place.status == wire::Status::Valid,
                        status,
                    });
                }
                height.changed().await.map_err(|_| unknown("the ledger is closed".to_owned()))?;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(commit) => commit,
            Err(_) => Err(unknown("it is in no block".to_owned())),
        }
    }

    fn receipt_of(&self, endorsed: &Endorsed, commit: &Commit) -> Result<Receipt, LedgerError> {
        commit.took_effect(&endorsed.transaction)?;
        let malformed = || LedgerError::Malformed("the signed envelope".to_owned());
        let envelope = wire::Envelope::decode(endorsed.envelope.as_slice()).map_err(|_| malformed())?;
        receipt::of(&envelope.transaction, commit.block).ok_or_else(malformed)
    }

    async fn receipt(&self, transaction: &str) -> Result<Option<Receipt>, LedgerError> {
        let id = transaction.to_owned();
        let receipt = self.blocking(move |ledger| ledger.receipt_blocking(&id)).await;
        receipt.map_err(|error| LedgerError::Malformed(error.to_string()))?
    }

    async fn events(
        &self,
        after: Option<Checkpoint>,
    ) -> Result<BoxStream<'static, Result<Event, LedgerError>>, LedgerError> {
        events::stream(self.engine.store.clone(), self.engine.height.clone(), after)
    }

    async fn ready(&self) -> Result<(), LedgerError> {
        let read = self.blocking(|ledger| ledger.engine.store.last_block().map(drop)).await;
        read.map_err(|error| LedgerError::Evaluate(error.to_string()))?
            .map_err(|error| LedgerError::Evaluate(error.to_string()))
    }

    fn signer(&self) -> &OfficeSigner {
        &self.creator.signer
    }
}
