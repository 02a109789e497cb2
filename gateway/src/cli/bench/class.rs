//! A class whose learners have wallets, with a year's marks each, and the officer who certifies their records.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sillok_contract::{
    access::{OFFICE, SUPPORT},
    id::{LearnerId, MspId, OfficerId},
};

use super::{gateway::Gateway, recorded::Recording, requests::enter_base, town::Town};
use crate::{
    cli::Failure,
    clock,
    ledger::{consortium::Consortium, officer::Officer, receipt::Roots},
    wallet::Wallet,
};

/// How many marks each learner has: a year of twelve subjects in two terms.
const MARKS: usize = 24;
/// The most learners of it: two classes of a school.
pub(super) const MOST: usize = 60;
/// How many wallets' keys are registered at once.
const AT_ONCE: usize = 16;

/// A class with its wallets.
pub(super) struct Class {
    /// A school of its own: what is measured of a learner does not depend on what the other runs have recorded.
    pub(super) town: Arc<Town>,
    pub(super) officer: Officer,
    pub(super) wallets: Vec<Wallet>,
    pub(super) roots: Roots,
}

impl Class {
    /// Registers the school, the officer, and the keys of so many new wallets.
    pub(super) async fn register(
        consortium: &Consortium,
        audience: &str,
        mark: &str,
        learners: usize,
    ) -> Result<Self, Failure> {
        let mark = format!("class.{mark}");
        // Each educator enters one mark of every learner of one of two classes.
        let town = Town::register(consortium, audience, &mark, 1, 2 * MARKS).await?;
        let officer =
            Officer::register(consortium, MspId::new(OFFICE)?, OfficerId::new(format!("O.{mark}"))?).await?;
        let roots = Roots::read_dir(&consortium.roots()?)
            .map_err(|error| Failure::failed("bench.roots", error.to_string()))?;
        let pupils: Vec<_> = (0..2).flat_map(|class| town.caller(class).learners.clone()).collect();
        let wallets = pupils.into_iter().take(learners).map(|learner| Wallet::new(learner, roots.clone()));
        let wallets = wallets.collect::<Result<Vec<_>, _>>()?;
        let support = &consortium.administrator(SUPPORT)?;
        let registered = stream::iter(&wallets).map(|wallet| async move {
            let key = wallet.public_key().of_wallet(clock::now());
            support.register_wallet_key(wallet.learner(), &key).await
        });
        registered.buffer_unordered(AT_ONCE).try_for_each(async |_| Ok(())).await?;
        Ok(Self { town: Arc::new(town), officer, wallets, roots })
    }

    /// Has everybody's marks entered and recorded, two classes at a time, as over a year: a batch holds little else, and
    /// so does a proof. Gives how many those were.
    pub(super) async fn enter(&self, gateway: &Gateway) -> Result<u64, Failure> {
        let recording = Recording::begin(&self.town, &gateway.client);
        let mut entered = 0;
        for mark in 0..MARKS {
            entered += enter_base(&self.town, &gateway.client, 2 * mark..2 * mark + 2).await?;
            recording.reach(entered).await?;
        }
        recording.end().await;
        Ok(entered)
    }

    /// Who they are.
    pub(super) fn learners(&self) -> Vec<LearnerId> {
        self.wallets.iter().map(|wallet| wallet.learner().clone()).collect()
    }
}
