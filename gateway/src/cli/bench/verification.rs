//! Verification of one learner after the other: what the database holds against what the ledger holds, signed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use sillok_contract::id::LearnerId;

use super::{
    class::Class,
    drive::{Driver, Refused, Span, Work},
    gateway::Gateway,
    machine::{Used, Watch},
    report::Quantiles,
    site::Site,
};
use crate::{cli::Failure, client::Client};

/// How many ask at once, each one verification after the other.
const CALLERS: usize = 4;
/// Before it counts.
const WARM_UP: Duration = Duration::from_secs(1);
/// The longest it goes.
const LONGEST: Duration = Duration::from_secs(5);

/// What verifying learners takes.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Verification {
    pub(super) callers: usize,
    /// How many entries each learner has.
    pub(super) entries: u64,
    pub(super) learners_per_second: f64,
    /// From asking for a report to having it.
    pub(super) latency_ms: Quantiles,
    pub(super) processes: Vec<Used>,
}

/// Has learners of the class verified, over and over, for as long as a run goes.
pub(super) async fn measure(
    site: &Site,
    gateway: &Gateway,
    class: &Class,
    entries: u64,
    run: Duration,
) -> Result<Verification, Failure> {
    let client = gateway.client.with_access(class.officer.access()?);
    let work = Arc::new(Verifying { client, learners: class.learners(), next: AtomicUsize::new(0) });
    let span = Span { ramp: Duration::ZERO, run: run.min(LONGEST) };
    let driver = Driver::warm_up(work, CALLERS, None, WARM_UP.min(run), span).await?;
    let watch = Watch::begin(site.processes(Some(gateway)));
    let driven = driver.run(span).await?;
    let processes = watch.end();
    if let (failed, Some(code)) = driven.failed() {
        let detail = format!("{failed} verifications failed, the first with: {code}");
        return Err(Failure::failed("bench.verification", detail));
    }
    Ok(Verification {
        callers: CALLERS,
        entries,
        learners_per_second: driven.rate(),
        latency_ms: Quantiles::of(&driven.latency),
        processes,
    })
}

struct Verifying {
    client: Client,
    learners: Vec<LearnerId>,
    next: AtomicUsize,
}

impl Work for Verifying {
    type Ready = usize;
    type Done = ();

    fn ready(&self, _: usize) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    async fn perform(&self, _: usize, number: usize) -> Result<(), Refused> {
        let signed = self.client.verification(&self.learners[number % self.learners.len()]).await;
        let code = match signed {
            Ok(signed) if signed.report.agrees => return Ok(()),
            Ok(_) => "database and ledger differ, and nobody changed anything".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(Refused { code, wait: Duration::from_millis(100), unclear: false })
    }
}
