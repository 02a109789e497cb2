//! What is told in the end: everything measured, and each target with what was measured of it.

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{
    audit::Audited,
    certificates::Certificates,
    contract::Alone,
    direct::Way,
    disk::Disk,
    drive::Driven,
    greedy::Beside,
    machine::{Machine, Used},
    measure::Run,
    past::Past,
    plan::Plan,
    platform::Platform,
    proofs::Proofs,
    target::Target,
    verification::Verification,
    wallets::Wallets,
};

/// Times in milliseconds by how many of a thousand were no longer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Quantiles {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) most: f64,
    /// Of how many.
    pub(super) count: u64,
}

impl Quantiles {
    /// Of a histogram of microseconds.
    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
        Self {
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            most: histogram.max() as f64 / 1_000.0,
            count: histogram.len(),
        }
    }
}

/// The same SQL straight to the database.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Straight {
    pub(super) queries_per_request: u32,
    pub(super) way: Way,
    pub(super) requests_per_second: f64,
    pub(super) queries_per_second: f64,
    /// Of a request.
    pub(super) latency_ms: Quantiles,
    pub(super) failed: u64,
    pub(super) processes: Vec<Used>,
}

impl Straight {
    pub(super) fn of(queries: u32, way: Way, driven: &Driven<()>, processes: Vec<Used>) -> Self {
        Self {
            queries_per_request: queries,
            way,
            requests_per_second: driven.rate(),
            queries_per_second: driven.rate() * f64::from(queries),
            latency_ms: Quantiles::of(&driven.latency),
            failed: driven.failed().0,
            processes,
        }
    }

    /// Whether something can be compared with it.
    pub(super) fn holds(&self) -> bool {
        holds(self.latency_ms.count, self.failed)
    }
}

/// Whether less than one in a hundred failed of what was done: where more did, the others had it easier.
fn holds(done: u64, failed: u64) -> bool {
    done > failed * 100
}

/// One ledger transaction a query.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Single {
    pub(super) schools: usize,
    pub(super) queries_recorded_per_second: f64,
    /// From the call until the transaction is in a block.
    pub(super) latency_ms: Quantiles,
    pub(super) failed: u64,
    pub(super) processes: Vec<Used>,
}

impl Single {
    pub(super) fn of(schools: usize, driven: &Driven<()>, processes: Vec<Used>) -> Self {
        Self {
            schools,
            queries_recorded_per_second: driven.rate(),
            latency_ms: Quantiles::of(&driven.latency),
            failed: driven.failed().0,
            processes,
        }
    }

    /// Whether something can be compared with it.
    pub(super) fn holds(&self) -> bool {
        holds(self.latency_ms.count, self.failed)
    }
}

/// Bytes of the disk that came for each entry.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct EachEntry {
    /// How many entries were recorded meanwhile.
    pub(super) entries: u64,
    pub(super) bytes: Disk,
}

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    pub(super) engines: &'static str,
    /// RFC 3339, UTC.
    pub(super) began: String,
    /// Whether the program was built with optimisation.
    pub(super) optimised: bool,
    pub(super) machine: Machine,
    pub(super) plan: Plan,
    /// Closed loop: every caller sends as soon as it has its last answer.
    pub(super) saturated: Vec<Run>,
    /// Half of that rate, at an even pace.
    pub(super) paced: Vec<Run>,
    pub(super) straight: Vec<Straight>,
    pub(super) single: Option<Single>,
    pub(super) contract: Vec<Alone>,
    pub(super) proofs: Vec<Proofs>,
    pub(super) overload: Option<Run>,
    pub(super) greedy: Option<Beside>,
    pub(super) disk: Vec<EachEntry>,
    pub(super) wallets: Option<Wallets>,
    pub(super) verification: Option<Verification>,
    pub(super) certificates: Option<Certificates>,
    pub(super) platform: Option<Platform>,
    pub(super) past: Option<Past>,
    pub(super) audit: Option<Audited>,
    /// All queries that the gateway answered as executed, and those that were seen recorded.
    pub(super) executed: u64,
    pub(super) recorded: u64,
    pub(super) targets: Vec<Target>,
    pub(super) seconds: f64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn quantiles_are_in_milliseconds() {
        let mut histogram = super::super::drive::histogram();
        for micros in 1..=10_000 {
            histogram.record(micros).unwrap();
        }
        let quantiles = Quantiles::of(&histogram);
        let near = |value: f64, wanted: f64| (value / wanted - 1.0).abs() < 0.002;
        assert!(near(quantiles.p50, 5.0) && near(quantiles.p99, 9.9) && near(quantiles.p999, 9.99));
        assert!(near(quantiles.most, 10.0) && quantiles.count == 10_000, "{quantiles:?}");
        assert_eq!(Quantiles::of(&super::super::drive::histogram()).p99, 0.0);
    }
}
