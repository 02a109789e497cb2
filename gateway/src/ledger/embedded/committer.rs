//! The one thread that writes: what was submitted meanwhile becomes one block and one durable commit.

use std::{
    sync::{Arc, mpsc},
    thread,
};

use prost::Message as _;
use sillok_proto::embedded as wire;
use tokio::sync::{oneshot, watch};

use super::{
    block::{Head, State},
    envelope::Checked,
    store::{BLOCKS, Store},
};

/// The most transactions in a block.
const BLOCK: usize = 500;
/// The most bytes of transactions after which a block takes no more.
const BLOCK_BYTES: usize = 64 * 1024 * 1024;

/// What is submitted, and whom to tell when it is durable.
pub(super) struct Job {
    pub(super) checked: Checked,
    pub(super) done: oneshot::Sender<Result<(), String>>,
}

/// Sends to the thread; dropping it ends the thread once what was sent is written.
pub(super) struct Committer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Committer {
    /// Starts the thread. The receiver is told each new block's number.
    pub(super) fn start(store: Arc<Store>, head: Head) -> std::io::Result<(Self, watch::Receiver<u64>)> {
        let (jobs, queue) = mpsc::channel();
        let (height, watched) = watch::channel(head.number);
        let thread = thread::Builder::new().name("ledger-committer".to_owned()).spawn(move || {
            let mut writer = Writer { store, head, height };
            while let Some(jobs) = next_jobs(&queue) {
                writer.commit(jobs);
            }
        })?;
        Ok((Self { jobs: Some(jobs), thread: Some(thread) }, watched))
    }

    /// Puts a job into the queue. If the thread has ended, the job is dropped, and whoever waits for it learns that.
    pub(super) fn send(&self, job: Job) {
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        if !sent {
            tracing::error!("the embedded ledger's committer has ended");
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the embedded ledger's committer panicked");
        }
    }
}

/// Waits for one job and takes those that wait behind it.
fn next_jobs(queue: &mpsc::Receiver<Job>) -> Option<Vec<Job>> {
    let mut jobs = vec![queue.recv().ok()?];
    let size = |job: &Job| job.checked.envelope.encoded_len();
    let mut bytes = size(&jobs[0]);
    while jobs.len() < BLOCK && bytes < BLOCK_BYTES {
        let Ok(job) = queue.try_recv() else { break };
        bytes += size(&job);
        jobs.push(job);
    }
    Some(jobs)
}

struct Writer {
    store: Arc<Store>,
    head: Head,
    height: watch::Sender<u64>,
}

impl Writer {
    fn commit(&mut self, jobs: Vec<Job>) {
        match self.append(&jobs) {
            Ok(answers) => {
                self.height.send_replace(self.head.number);
                for (job, answer) in jobs.into_iter().zip(answers) {
                    // Who no longer waits has given up; the transaction stands all the same.
                    let _ = job.done.send(answer);
                }
            }
            Err(error) => {
                tracing::error!(%error, "the embedded ledger could not write a block");
                for job in jobs {
                    let _ = job.done.send(Err(format!("the ledger's file could not be written: {error}")));
                }
            }
        }
    }

    /// Writes one block of those that are new. All or nothing: an error leaves the ledger as it was.
    fn append(&mut self, jobs: &[Job]) -> Result<Vec<Result<(), String>>, redb::Error> {
        let number = self.head.number + 1;
        let write = self.store.begin()?;
        let mut block = wire::Block {
            number,
            previous: self.head.hash.to_vec(),
            transactions: Vec::new(),
            roots: Vec::new(),
        };
        let mut answers = Vec::with_capacity(jobs.len());
        let bytes = {
            let mut state = State::open(&write)?;
            for job in jobs {
                answers.push(self.add(&mut state, &mut block, &job.checked)?);
            }
            if block.transactions.is_empty() {
                return Ok(answers);
            }
            let bytes = block.encode_to_vec();
            write.open_table(BLOCKS)?.insert(number, bytes.as_slice())?;
            bytes
        };
        write.commit()?;
        self.head = Head::of(number, &bytes);
        Ok(answers)
    }

    /// Adds one transaction, unless it is there already: the same again is well, another with its id is not.
    fn add(
        &self,
        state: &mut State<'_>,
        block: &mut wire::Block,
        checked: &Checked,
    ) -> Result<Result<(), String>, redb::Error> {
        if let Some((number, position)) = state.position(&checked.id)? {
            let standing = match number == block.number {
                true => block.transactions.get(position as usize).cloned(),
                false => stored(&self.store, number, position)?,
            };
            let same = standing.is_some_and(|standing| standing.transaction == checked.envelope.transaction);
            return Ok(match same {
                true => Ok(()),
                false => Err("DUPLICATE_TXID: another transaction has this id".to_owned()),
            });
        }
        let position = u32::try_from(block.transactions.len()).expect("a block has at most 500 transactions");
        let status = state.apply(checked, (block.number, position))?;
        block.transactions.push(wire::Committed {
            transaction: checked.envelope.transaction.clone(),
            signature: checked.envelope.signature.clone(),
            status: status.into(),
        });
        Ok(Ok(()))
    }
}

/// A transaction as its block holds it; none if the block is damaged.
pub(super) fn stored(
    store: &Store,
    block: u64,
    position: u32,
) -> Result<Option<wire::Committed>, redb::Error> {
    let block = store.block(block)?.and_then(|bytes| wire::Block::decode(bytes.as_slice()).ok());
    Ok(block.and_then(|block| block.transactions.into_iter().nth(position as usize)))
}
