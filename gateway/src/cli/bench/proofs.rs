//! Proofs fetched from the gateway and checked offline.

use std::{hint::black_box, path::Path, time::Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use super::{
    drive::{Performed, histogram, micros},
    measure::Run,
    report::Quantiles,
    town::Town,
};
use crate::{
    cli::{Exit, Failure},
    client::Client,
    ledger::receipt::Roots,
    proof::Proof,
    service::Digest,
};

/// Of how many requests one proof is fetched.
const SAMPLE: usize = 100;

/// What checking proofs takes.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Proofs {
    /// Of which run they are.
    pub(super) queries_per_request: u32,
    pub(super) pace: Option<f64>,
    pub(super) count: usize,
    /// The mean size of a file, in bytes: it holds the write set of its batch.
    pub(super) bytes: u64,
    /// How many entries the batches have, in the mean.
    pub(super) batch_entries: u64,
    /// From asking the gateway to having the file, four at once.
    pub(super) fetch_ms: Quantiles,
    /// Reading and checking one file, on one core.
    pub(super) check_ms: Quantiles,
    pub(super) checked_per_second: f64,
}

/// Fetches a proof of some of these requests each, and checks them, each three times.
pub(super) async fn measure(
    town: &Town,
    client: &Client,
    run: &Run,
    sample: &[Performed<Digest>],
    roots: &Path,
) -> Result<Proofs, Failure> {
    let roots = Roots::read_dir(roots).map_err(|error| Failure::failed("bench.roots", error.to_string()))?;
    let some = sample.iter().step_by(sample.len().div_ceil(SAMPLE).max(1));
    let fetched: Vec<_> = stream::iter(some)
        .map(|performed| fetch(town, client, performed))
        .buffer_unordered(4)
        .try_collect()
        .await?;
    let (mut fetch_ms, mut check_ms) = (histogram(), histogram());
    let (mut bytes, mut entries, mut seconds) = (0, 0, 0.0);
    for (took, file) in &fetched {
        fetch_ms.saturating_record(*took);
        bytes += file.len() as u64;
        for round in 0..3 {
            let began = Instant::now();
            let verified = Proof::parse(file).and_then(|proof| proof.verify(&roots));
            let took = began.elapsed();
            let verified = black_box(verified).map_err(unverified)?;
            check_ms.saturating_record(micros(took));
            seconds += took.as_secs_f64();
            entries += if round == 0 { u64::from(verified.count) } else { 0 };
        }
    }
    let count = fetched.len();
    let mean = |sum: u64| sum.checked_div(count as u64).unwrap_or_default();
    Ok(Proofs {
        queries_per_request: run.queries_per_request,
        pace: run.pace,
        count,
        bytes: mean(bytes),
        batch_entries: mean(entries),
        fetch_ms: Quantiles::of(&fetch_ms),
        check_ms: Quantiles::of(&check_ms),
        checked_per_second: if seconds > 0.0 { (3 * count) as f64 / seconds } else { 0.0 },
    })
}

/// The file of the proof of a request's first entry, and the microseconds it took to be had.
async fn fetch(
    town: &Town,
    client: &Client,
    performed: &Performed<Digest>,
) -> Result<(u64, Vec<u8>), Failure> {
    let caller = town.caller(performed.caller);
    let client = client.with_access(caller.educator.access());
    let state = client.request(performed.done).await?;
    let entry = state.results.first().map(|result| result.entry.entry);
    let entry = entry.ok_or_else(|| Failure::failed("bench.proof", "a request has no queries"))?;
    let began = Instant::now();
    let file = client.proof(entry).await?;
    Ok((micros(began.elapsed()), file))
}

fn unverified(error: crate::proof::ProofError) -> Failure {
    Failure::new(Exit::Unverified, "bench.proof", format!("a proof does not verify: {error}"))
}
