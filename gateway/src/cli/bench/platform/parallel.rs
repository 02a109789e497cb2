//! Verification by one verifier and by several: each a process of its own, of one group, on what waits for them.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use serde::Serialize;

use super::{Beside, Signers, run::handled};
use crate::{
    cli::{
        Failure,
        bench::{
            gateway::Gateway,
            site::{Manner, Site},
        },
    },
    clock, records,
    server::StartError,
};

/// How many come in by one transaction.
const AT_ONCE: usize = 500;
/// What part of them counts: from three tenths on, when all verifiers have their share, to nine.
const COUNTED: f64 = 0.6;
/// How often it is looked.
const INTERVAL: Duration = Duration::from_millis(100);
/// How long nothing may go on.
const PATIENCE: Duration = Duration::from_secs(120);

/// What so many verifiers did.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli::bench) struct Parallel {
    pub(in crate::cli::bench) verifiers: usize,
    pub(in crate::cli::bench) signatures: usize,
    /// From three tenths to nine: without their start, in which they share the work out, and their end.
    pub(in crate::cli::bench) per_second: f64,
    /// How many each of them handled.
    pub(in crate::cli::bench) shares: Vec<u64>,
}

/// Has signatures wait for verifiers, and lets so many of them at them, all started at once.
pub(super) async fn measure(
    site: &Site,
    signers: &Signers,
    verifiers: usize,
    signatures: usize,
) -> Result<Parallel, Failure> {
    let database = site.past_the_gateway().await?;
    let api = site.serve(Manner::Role("api")).await?;
    let since = clock::now();
    come_in(site, signers, signatures).await?;
    if site.beside().and_then(Beside::kafka).is_some() {
        relayed(&api, signatures).await?;
    }
    let serving = try_join_all((0..verifiers).map(|_| site.serve(Manner::Role("verifier")))).await?;
    wait(&database, since).await?;
    let mut shares = Vec::new();
    for verifier in &serving {
        shares.push(handled(&verifier.client, ["verifier"]).await?[0]);
    }
    for gateway in serving.into_iter().chain([api]) {
        gateway.stop().await?;
    }
    let sql = "SELECT count(*) AS all, (percentile_disc(0.9) WITHIN GROUP (ORDER BY updated_at)
                - percentile_disc(0.3) WITHIN GROUP (ORDER BY updated_at))::bigint AS middle
               FROM sillok_signatures WHERE state = 'valid' AND created_at >= $1";
    let row = database.query_one(sql, &[&since]).await.map_err(unread)?;
    let all: i64 = row.try_get(0).map_err(unread)?;
    if all.unsigned_abs() as usize != signatures {
        let detail = format!("{all} of {signatures} signatures were found to hold");
        return Err(Failure::failed("bench.unverified", detail));
    }
    let middle: Option<i64> = row.try_get(1).map_err(unread)?;
    let per_second = COUNTED * signatures as f64 / (middle.unwrap_or(1).max(1) as f64 / 1e6);
    Ok(Parallel { verifiers, signatures, per_second, shares })
}

/// Signatures come in, many by one transaction: as a gateway writes them, and without it.
async fn come_in(site: &Site, signers: &Signers, signatures: usize) -> Result<(), Failure> {
    let records = records::open(&site.records()).await.map_err(StartError::from)?;
    for first in (0..signatures).step_by(AT_ONCE) {
        let numbers = first..signatures.min(first + AT_ONCE);
        let effects: Vec<_> = numbers.map(|number| signers.arrival(number)).collect();
        let written = records.commit_all(&effects).await;
        written.map_err(|error| Failure::failed("bench.records", error.to_string()))?;
    }
    Ok(())
}

/// Waits until the broker has so many events.
async fn relayed(api: &Gateway, signatures: usize) -> Result<(), Failure> {
    let began = Instant::now();
    while handled(&api.client, ["relay"]).await?[0] < signatures as u64 {
        if began.elapsed() > PATIENCE {
            return Err(Failure::failed("bench.broker", "the broker does not get the events"));
        }
        tokio::time::sleep(INTERVAL).await;
    }
    Ok(())
}

/// Waits until none of them waits.
async fn wait(database: &tokio_postgres::Client, since: i64) -> Result<(), Failure> {
    let (mut last, mut began) = (i64::MAX, Instant::now());
    loop {
        let sql = "SELECT count(*) FROM sillok_signatures WHERE state = 'created' AND created_at >= $1";
        let row = database.query_one(sql, &[&since]).await.map_err(unread)?;
        let left: i64 = row.try_get(0).map_err(unread)?;
        if left == 0 {
            return Ok(());
        }
        if left < last {
            (last, began) = (left, Instant::now());
        }
        if began.elapsed() > PATIENCE {
            let detail = format!("{left} signatures wait for their verifiers");
            return Err(Failure::failed("bench.unverified", detail));
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

fn unread(error: tokio_postgres::Error) -> Failure {
    Failure::failed("bench.records", error.to_string())
}
