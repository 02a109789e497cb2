//! One school's writer: under the school's lease it forms batches when they fall due and carries one at a time.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use sillok_contract::{Refusal, batch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        Core, Digest, metrics,
        signals::{Due, Signal},
    },
    carriage::{self, Arrival},
    fault::{Blame, Fault, blame},
};
use crate::records::{Lease, RecordsError, StoredBatch, StoredEntry};

/// One school's writer.
pub(super) struct Writer {
    core: Arc<Core>,
    signal: Arc<Signal>,
    shutdown: CancellationToken,
    /// The most entries of the next batch; smaller than the setting while a refused one is being halved.
    limit: u32,
    /// Form the next batch without waiting: it was formed and dissolved before.
    at_once: bool,
    /// The school's last batch, while nothing has gone wrong since it was looked up: under the lease nobody else adds one.
    head: Option<Head>,
    pauses: ExponentialBackoff,
    /// Since when nothing works.
    failing: Option<Instant>,
}

/// A batch's sequence and header hash; zeros before the first.
type Head = (u64, [u8; 32]);

/// How a step ended.
enum Step {
    /// There may be more to do.
    Again,
    /// There is nothing to do.
    Idle,
}

/// Tells the signal that the writer has ended, however it ended.
struct Running {
    core: Arc<Core>,
    signal: Arc<Signal>,
    elsewhere: Option<Duration>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.core.stuck.free(&self.signal.school);
        self.signal.ended(self.elsewhere);
    }
}

impl Writer {
    pub(super) fn new(core: Arc<Core>, signal: Arc<Signal>, shutdown: CancellationToken) -> Self {
        let limit = core.settings.batches.max_count.max(1);
        let pauses = pauses(&core);
        Self { core, signal, shutdown, limit, at_once: false, head: None, pauses, failing: None }
    }

    /// Writes while there is something to write and the lease is held. Where nothing works, what ails may be this
    /// gateway's own, such as its clock or its way to the ledger: it gives the lease back for a while, and another
    /// gateway has its turn.
    pub(super) async fn run(mut self) {
        let mut running = Running { core: self.core.clone(), signal: self.signal.clone(), elsewhere: None };
        let core = self.core.clone();
        let lasts = Duration::from_millis(core.settings.batches.lease_ms);
        loop {
            let lease = match core
                .records
                .claim(&self.signal.school, &core.owner, core.settings.batches.lease_ms)
                .await
            {
                Ok(Some(lease)) => lease,
                Ok(None) => {
                    running.elsewhere = Some(lasts / 4);
                    return;
                }
                Err(error) => {
                    tracing::warn!(school = %self.signal.school, %error, "a school's lease could not be asked for");
                    running.elsewhere = Some(Duration::from_millis(core.settings.batches.poll_ms));
                    return;
                }
            };
            tokio::select! {
                () = self.write(&lease) => {}
                () = hold(&core, &lease) => {
                    tracing::warn!(school = %lease.school, "the school's lease is lost; another gateway goes on");
                    running.elsewhere = Some(lasts / 4);
                    return;
                }
            }
            if let Err(error) = core.records.release(&lease).await {
                tracing::warn!(school = %lease.school, %error, "a lease could not be given back; it ends by itself");
            }
            if self.failing.take().is_none()
                || self.shutdown.run_until_cancelled(sleep(lasts / 2)).await.is_none()
            {
                return;
            }
        }
    }

    /// Until there is nothing to do, the lease is lost, or draining has taken too long.
    async fn write(&mut self, lease: &Lease) {
        let shutdown = self.shutdown.clone();
        let drain = Duration::from_millis(self.core.settings.batches.drain_ms);
        tokio::select! {
            () = self.write_all(lease) => {}
            () = async { shutdown.cancelled().await; sleep(drain).await } => {
                tracing::warn!(school = %lease.school, "not everything could be recorded before the stop; the next \
                    gateway goes on");
            }
        }
    }

    async fn write_all(&mut self, lease: &Lease) {
        let lasts = Duration::from_millis(self.core.settings.batches.lease_ms);
        let mut resume = true;
        loop {
            let step = match resume {
                true => self.resume(lease).await,
                false => self.next(lease).await,
            };
            resume = step.is_err();
            match step {
                Ok(Step::Again) => {
                    self.failing = None;
                    self.core.stuck.free(&self.signal.school);
                }
                Ok(Step::Idle) | Err(Fault::LeaseLost) => return,
                Err(fault) => {
                    let since = *self.failing.get_or_insert_with(Instant::now);
                    self.pause_after(&fault).await;
                    if since.elapsed() >= lasts {
                        return;
                    }
                }
            }
        }
    }

    async fn pause_after(&mut self, fault: &Fault) {
        metrics::fault(fault.kind());
        let school = &self.signal.school;
        match fault.alarming() {
            true => {
                self.core.stuck.add(school);
                tracing::error!(%school, %fault, "the school's batches wait: somebody has to look");
            }
            false => tracing::warn!(%school, %fault, "the school's batch waits and is tried again"),
        }
        self.pause().await;
    }

    async fn pause(&mut self) {
        let longest = Duration::from_millis(self.core.settings.batches.retry_max_ms);
        sleep(self.pauses.next().unwrap_or(longest)).await;
    }

    /// What a former owner, or a fault, left: the batch in flight first, else check that the ledger is where the
    /// database thinks it is.
    async fn resume(&mut self, lease: &Lease) -> Result<Step, Fault> {
        self.head = None;
        if let Some(batch) = self.core.records.in_flight(lease).await? {
            self.carry(lease, batch).await?;
            return Ok(Step::Again);
        }
        let head = self.core.registry.head(&lease.school).await?;
        let (sequence, hash) = self.head(lease).await?;
        match (head.sequence, head.header_hash) == (sequence, hash) {
            true => Ok(Step::Again),
            false => Err(Fault::Disagree { ledger: head.sequence, database: sequence }),
        }
    }

    /// The database's last batch of the school.
    async fn head(&mut self, lease: &Lease) -> Result<Head, Fault> {
        if let Some(head) = self.head {
            return Ok(head);
        }
        let last = self.core.records.last_batch(&lease.school).await?;
        let head = last.map_or((0, [0; 32]), |batch| head_of(&batch));
        self.head = Some(head);
        Ok(head)
    }

    /// Waits until a batch falls due, forms and carries it.
    async fn next(&mut self, lease: &Lease) -> Result<Step, Fault> {
        // Without an answer, what is remembered or the settings will do.
        let _ = self.core.registry.school(&lease.school).await;
        let (count, age) = self.core.batch_closes(&lease.school).await;
        let due = self.wait(count).await;
        let settings = &self.core.settings.batches;
        let (entries, requests) =
            self.core.records.pending(&lease.school, self.limit, settings.max_bytes).await?;
        let Some(oldest) = entries.first() else {
            self.signal.read(0, age);
            return Ok(if due == Due::Nothing || self.shutdown.is_cancelled() {
                Step::Idle
            } else {
                Step::Again
            });
        };
        let left = age.saturating_sub(self.core.age_since(oldest.executed_at));
        let bytes: usize = entries.iter().map(|entry| entry.bytes.len()).sum();
        let full = entries.len() >= count.min(self.limit) as usize || bytes as u64 >= settings.max_bytes / 2;
        if !(full || due == Due::Age || left.is_zero() || self.at_once || self.shutdown.is_cancelled()) {
            // Fewer than was thought.
            self.signal.read(entries.len() as u64, left);
            return Ok(Step::Again);
        }
        self.signal.took(entries.len() as u64, age);
        self.form(lease, entries, requests).await
    }

    async fn wait(&self, count: u32) -> Due {
        if self.at_once {
            return Due::Age;
        }
        let idle = Duration::from_millis(self.core.settings.batches.lease_ms);
        tokio::select! {
            due = self.signal.due(u64::from(count), idle) => due,
            () = self.shutdown.cancelled() => Due::Nothing,
        }
    }

    async fn form(
        &mut self,
        lease: &Lease,
        entries: Vec<StoredEntry>,
        requests: Vec<([u8; 32], String)>,
    ) -> Result<Step, Fault> {
        let (sequence, previous) = self.head(lease).await?;
        let (ids, bytes): (Vec<_>, Vec<_>) = entries.into_iter().map(|entry| (entry.id, entry.bytes)).unzip();
        let requests: Vec<_> = requests.into_iter().map(|(_, jws)| jws).collect();
        let mut batch = StoredBatch {
            school: lease.school.clone(),
            sequence: sequence + 1,
            header: Vec::new(),
            entries: ids,
            body: None,
            submitted: None,
            recorded: None,
        };
        match batch::build(&lease.school, batch.sequence, previous, &requests, &bytes) {
            Ok(formed) => (batch.header, batch.body) = (formed.header, Some(formed.body)),
            Err(refusal) => return self.unformable(lease, batch, refusal).await,
        }
        self.core.records.form(lease, &batch).await?;
        self.carry(lease, batch).await?;
        Ok(Step::Again)
    }

    /// The entries make no batch: the one to blame is set aside, or fewer are tried.
    async fn unformable(
        &mut self,
        lease: &Lease,
        batch: StoredBatch,
        refusal: Refusal,
    ) -> Result<Step, Fault> {
        self.at_once = true;
        match blame(&refusal, batch.entries.len()) {
            Blame::Entry(index) => {
                self.core.records.form(lease, &batch).await?;
                carriage::set_aside(&self.core, lease, &batch, index, &refusal).await?;
            }
            Blame::Contents => self.limit = (batch.entries.len() / 2).max(1) as u32,
            Blame::Away | Blame::Circumstances => {
                return Err(Fault::Refused { sequence: batch.sequence, refusal });
            }
        }
        Ok(Step::Again)
    }

    async fn carry(&mut self, lease: &Lease, batch: StoredBatch) -> Result<(), Fault> {
        self.at_once = false;
        let head = head_of(&batch);
        match carriage::carry(&self.core, lease, batch).await? {
            Arrival::Recorded => {
                self.head = Some(head);
                self.limit = self.core.settings.batches.max_count.max(1);
                self.pauses = pauses(&self.core);
            }
            Arrival::EntrySetAside => self.at_once = true,
            Arrival::Halved(limit) => (self.limit, self.at_once) = (limit, true),
        }
        Ok(())
    }
}

fn head_of(batch: &StoredBatch) -> Head {
    (batch.sequence, Digest::of(&batch.header).0)
}

/// Growing pauses with jitter, without end.
fn pauses(core: &Core) -> ExponentialBackoff {
    let settings = &core.settings.batches;
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(settings.retry_min_ms.max(1)))
        .with_max_delay(Duration::from_millis(settings.retry_max_ms.max(settings.retry_min_ms).max(1)))
        .with_jitter()
        .without_max_times()
        .build()
}

/// Renews the lease; returns when it is lost.
async fn hold(core: &Core, lease: &Lease) {
    let lasts = Duration::from_millis(core.settings.batches.lease_ms);
    let mut renewed = Instant::now();
    loop {
        sleep(lasts / 4).await;
        let asked = Instant::now();
        match tokio::time::timeout_at(
            renewed + lasts,
            core.records.renew(lease, core.settings.batches.lease_ms),
        )
        .await
        {
            Ok(Ok(())) => renewed = asked,
            Ok(Err(RecordsError::LeaseLost)) | Err(_) => return,
            Ok(Err(error)) => {
                tracing::warn!(school = %lease.school, %error, "a lease could not be renewed yet")
            }
        }
        if renewed.elapsed() >= lasts {
            return;
        }
    }
}
