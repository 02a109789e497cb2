//! Asking the gateways for something until there is an answer, or patience ends.

use std::{collections::BTreeMap, time::Duration};

use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};
use sillok_tests::{
    call::{Answer, Caller},
    refusal::{Failed, Refusal},
};

/// How long one answer is waited for, in milliseconds.
const PATIENCE: [u64; 3] = [1_500, 5_000, 15_000];
/// How often something is asked at most.
const TRIES: u32 = 5;

/// How it ended.
#[derive(Debug)]
pub(super) enum Ended<T> {
    Done(T),
    /// Refused for good, and never anything else but refused.
    Refused(Refusal),
    /// It was done, or not.
    Unclear,
}

impl<T> Ended<T> {
    pub(super) fn done(self) -> Option<T> {
        match self {
            Self::Done(done) => Some(done),
            Self::Refused(_) | Self::Unclear => None,
        }
    }
}

/// Somebody who may ask either gateway.
pub(super) struct Asking {
    callers: Vec<Caller>,
    pub(super) random: StdRng,
    /// How often each refusal was told.
    pub(super) codes: BTreeMap<String, u64>,
}

impl Asking {
    pub(super) fn new(callers: Vec<Caller>, random: StdRng) -> Self {
        Self { callers, random, codes: BTreeMap::new() }
    }

    /// Asks one gateway or the other. A refusal counts where no attempt was without an answer, or one that says itself
    /// that trying again may help: what it was refused for may have come from the attempt before.
    pub(super) async fn ask<T>(&mut self, call: impl AsyncFn(&Caller) -> Answer<T>) -> Ended<T> {
        let mut unclear = false;
        for _ in 0..self.random.random_range(1..=TRIES) {
            let caller = self.callers.choose(&mut self.random).expect("there are gateways").clone();
            let patience = Duration::from_millis(*PATIENCE.choose(&mut self.random).expect("there are some"));
            match tokio::time::timeout(patience, call(&caller)).await {
                Ok(Ok(done)) => return Ended::Done(done),
                Ok(Err(Failed::Refused(refusal))) => {
                    *self.codes.entry(refusal.code.clone()).or_default() += 1;
                    if !refusal.retry && refusal.status != 500 {
                        return if unclear { Ended::Unclear } else { Ended::Refused(refusal) };
                    }
                    unclear = true;
                }
                Ok(Err(Failed::Unanswered(_))) | Err(_) => unclear = true,
            }
            tokio::time::sleep(Duration::from_millis(self.random.random_range(50..600))).await;
        }
        Ended::Unclear
    }
}
