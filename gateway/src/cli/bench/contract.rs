//! The contract alone: `RecordBatch` in this process, on a ledger in memory, with the time it spends in signatures, in
//! calls of the ledger and in the rest. On a peer each call of the ledger is a round trip besides.

use std::time::{Duration, Instant};

use serde::Serialize;
use sillok_contract::{
    Creator, Ledger as _,
    access::SUPPORT,
    batch::TRANSIENT,
    certificate::Certificate,
    function, invoke, key,
    registry::{self, Person as _},
    request::SignedRequest,
};

use super::{
    batch::{Author, Executed},
    memory::Memory,
    workload::Workload,
};
use crate::{
    cli::Failure,
    clock,
    ledger::{contract::Contract, school::School},
};

/// How many batches are recorded.
const BATCHES: u64 = 50;
/// How many entries a batch has at least: as many as close one by default.
const ENTRIES: u32 = 40;

/// What one batch takes, in the mean.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Alone {
    pub(super) queries_per_request: u32,
    pub(super) entries: u64,
    /// The batch as it travels: the zstd-compressed body.
    pub(super) body_bytes: u64,
    pub(super) batch_ms: f64,
    /// Verifying the signatures of the batch's requests and of its educator's certificate.
    pub(super) signatures: u64,
    pub(super) signatures_ms: f64,
    /// Calls of the ledger: reads and writes.
    pub(super) ledger_calls: u64,
    pub(super) ledger_ms: f64,
    /// Parsing, hashing, decompressing, checking, encoding.
    pub(super) rest_ms: f64,
    pub(super) entries_per_second: f64,
}

/// A school on a ledger in memory.
pub(super) struct Stand {
    memory: Memory,
    author: Author,
    educator: registry::Educator,
    authority: Certificate,
    head: (u64, [u8; 32]),
}

/// What recording one batch took.
struct Recorded {
    whole: Duration,
    ledger: Duration,
    calls: u64,
    bytes: u64,
}

impl Stand {
    /// With what a ledger's registry holds of a school that has recorded nothing.
    pub(super) async fn of(contract: &Contract, school: School) -> Result<Self, Failure> {
        let educator = school.educators.into_iter().next().ok_or_else(|| gone("educator"))?;
        let document = contract.educator(&educator.id).await?.ok_or_else(|| gone("educator"))?;
        let registered = contract.school(&school.id).await?.ok_or_else(|| gone("school"))?;
        // The rules ask for a client of the support office; an educator's certificate is a client's, too.
        let certificate = educator.certificate.to_pem().into_bytes();
        let mut memory = Memory::new(Creator { msp: SUPPORT.to_owned(), certificate }, clock::now());
        memory.put(&key::school(&school.id), json(&registered))?;
        memory.put(&key::educator(&educator.id), json(&document))?;
        for learner in &school.learners {
            let document = contract.learner(learner).await?.ok_or_else(|| gone("learner"))?;
            memory.put(&key::learner(learner), json(&document))?;
        }
        let authority = registered.authority()?;
        let author = Author { educator, learners: school.learners };
        Ok(Self { memory, author, educator: document, authority, head: (0, [0; 32]) })
    }

    /// Records batches of requests of so many queries, and takes the means.
    pub(super) fn measure(&mut self, queries: u32, reads: u32) -> Result<Alone, Failure> {
        let (workload, requests) = (Workload::new(reads), ENTRIES.div_ceil(queries));
        let (mut whole, mut signing, mut ledger) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        let (mut calls, mut bytes) = (0, 0);
        for _ in 0..BATCHES {
            let executed: Vec<_> = (0..requests).map(|_| self.author.request(&workload, queries)).collect();
            signing += self.signatures(&executed)?;
            let recorded = self.record(executed)?;
            whole += recorded.whole;
            ledger += recorded.ledger;
            calls += recorded.calls;
            bytes += recorded.bytes;
        }
        let mean_ms = |time: Duration| time.as_secs_f64() * 1_000.0 / BATCHES as f64;
        let entries = u64::from(requests * queries);
        Ok(Alone {
            queries_per_request: queries,
            entries,
            body_bytes: bytes / BATCHES,
            batch_ms: mean_ms(whole),
            signatures: u64::from(requests) + 1,
            signatures_ms: mean_ms(signing),
            ledger_calls: calls / BATCHES,
            ledger_ms: mean_ms(ledger),
            rest_ms: mean_ms(whole.saturating_sub(signing).saturating_sub(ledger)),
            entries_per_second: (entries * BATCHES) as f64 / whole.as_secs_f64(),
        })
    }

    /// What it takes to verify the signatures that recording these will verify: each request's, and the educator's
    /// certificate's.
    fn signatures(&self, executed: &[Executed]) -> Result<Duration, Failure> {
        let requests = executed.iter().map(|executed| SignedRequest::parse(&executed.request));
        let requests = requests.collect::<Result<Vec<_>, _>>()?;
        let began = Instant::now();
        let certificate = self.educator.certificate_of(&self.authority)?;
        for request in &requests {
            request.verify_with(&certificate)?;
        }
        Ok(began.elapsed())
    }

    fn record(&mut self, executed: Vec<Executed>) -> Result<Recorded, Failure> {
        let sequence = self.head.0 + 1;
        let formed = self.author.batch(sequence, self.head.1, executed)?;
        self.head = (sequence, formed.header_hash);
        let bytes = formed.body.len() as u64;
        self.memory.time = clock::now();
        self.memory.transient.insert(TRANSIENT.to_owned(), formed.body);
        (self.memory.calls, self.memory.spent) = (0, Duration::ZERO);
        let began = Instant::now();
        invoke(&mut self.memory, function::RECORD_BATCH, &[formed.header])?;
        let whole = began.elapsed();
        Ok(Recorded { whole, ledger: self.memory.spent, calls: self.memory.calls, bytes })
    }
}

fn json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("registry documents have string keys")
}

fn gone(what: &str) -> Failure {
    Failure::failed("bench.registry", format!("the {what} that was just registered is not there"))
}
