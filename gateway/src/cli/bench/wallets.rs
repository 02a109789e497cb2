//! Wallets: brought in step with the ledger, and verified offline.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use super::{
    class::Class,
    drive::{histogram, micros},
    gateway::Gateway,
    report::Quantiles,
};
use crate::{
    cli::{Failure, wallet::sync::complete},
    client::Client,
    wallet::Wallet,
};

/// How many learners do so at once.
const AT_ONCE: usize = 4;
/// How often each wallet is verified.
const ROUNDS: usize = 3;

/// What wallets take.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Wallets {
    pub(super) count: usize,
    /// How many entries each has a proof of.
    pub(super) entries: u64,
    /// Attestation, entries and proofs of one wallet, each proof verified, so many at once.
    pub(super) sync_ms: Quantiles,
    pub(super) entries_synchronised_per_second: f64,
    /// Verifying one offline, that nothing is false and nothing missing, on one core.
    pub(super) verify_ms: Quantiles,
    pub(super) entries_verified_per_second: f64,
}

/// Brings the class's wallets in step, and verifies them.
pub(super) async fn measure(gateway: &Gateway, class: &mut Class) -> Result<Wallets, Failure> {
    let mut sync_ms = histogram();
    let began = Instant::now();
    let synchronised: Vec<Duration> = stream::iter(class.wallets.iter_mut())
        .map(|wallet| synchronise(wallet, &gateway.client))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let seconds = began.elapsed().as_secs_f64();
    synchronised.iter().for_each(|took| sync_ms.saturating_record(micros(*took)));
    let entries: u64 = class.wallets.iter().map(Wallet::count).sum();
    let (mut verify_ms, mut spent) = (histogram(), Duration::ZERO);
    for wallet in class.wallets.iter().cycle().take(ROUNDS * class.wallets.len()) {
        let began = Instant::now();
        black_box(wallet.verify(&class.roots))?;
        verify_ms.saturating_record(micros(began.elapsed()));
        spent += began.elapsed();
    }
    let count = class.wallets.len();
    Ok(Wallets {
        count,
        entries: entries / count as u64,
        sync_ms: Quantiles::of(&sync_ms),
        entries_synchronised_per_second: entries as f64 / seconds,
        verify_ms: Quantiles::of(&verify_ms),
        entries_verified_per_second: (entries * ROUNDS as u64) as f64 / spent.as_secs_f64(),
    })
}

/// Fetches all there is; how long it took.
async fn synchronise(wallet: &mut Wallet, client: &Client) -> Result<Duration, Failure> {
    let began = Instant::now();
    let client = client.with_access(wallet.access());
    complete(wallet, &client).await?;
    Ok(began.elapsed())
}
