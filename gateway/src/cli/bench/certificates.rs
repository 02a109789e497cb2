//! Certificates: asked for, signed and countersigned through the gateway, then verified as a third party does.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hdrhistogram::Histogram;
use serde::Serialize;

use super::{
    class::Class,
    drive::{histogram, micros},
    gateway::Gateway,
    machine::{Used, Watch},
    report::Quantiles,
    site::Site,
};
use crate::{
    certificate::{Asked, CertificateFile, CertificateId, Outcome, Verdict},
    cli::{
        Failure,
        certificate::{learner::Learner, officer::Officer, verify::ask},
    },
    client::Client,
    clock,
    wallet::Wallet,
};

/// How many are under way at once.
const AT_ONCE: usize = 8;
/// How often each is verified offline.
const ROUNDS: usize = 5;

/// What certificates take.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Certificates {
    pub(super) count: usize,
    /// How many were under way at once.
    pub(super) at_once: usize,
    /// From asking to countersigned: three ledger transactions each, and database and ledger compared three times.
    pub(super) per_second: f64,
    pub(super) whole_ms: Quantiles,
    /// The wallet verified and the certificate asked for: the answer comes when the ledger has the act.
    pub(super) request_ms: Quantiles,
    /// The draft fetched, each proof of it checked, signed, and issued.
    pub(super) issue_ms: Quantiles,
    /// The file fetched, verified and agreed to.
    pub(super) countersign_ms: Quantiles,
    /// How many proofs one rests on, in the mean; and the size of its file.
    pub(super) proofs: u64,
    pub(super) bytes: u64,
    /// Everything but its status, on one core.
    pub(super) offline_ms: Quantiles,
    /// Both offices asked for its status, and everything verified.
    pub(super) with_status_ms: Quantiles,
    pub(super) processes: Vec<Used>,
}

/// A certificate that was made, and how long its steps took.
struct Made {
    id: CertificateId,
    file: Vec<u8>,
    steps: [Duration; 3],
}

/// Makes a certificate for each wallet of the class, and verifies them.
pub(super) async fn measure(site: &Site, gateway: &Gateway, class: &Class) -> Result<Certificates, Failure> {
    let maker = Maker { client: &gateway.client, audience: site.audience(), class };
    let watch = Watch::begin(site.processes(Some(gateway)));
    let began = Instant::now();
    let made: Vec<Made> = stream::iter(&class.wallets)
        .map(|wallet| maker.make(wallet))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let (seconds, processes) = (began.elapsed().as_secs_f64(), watch.end());
    let of_step = |step: usize| quantiles(made.iter().map(|made| made.steps[step]));
    let mut proofs = 0;
    for made in &made {
        proofs += CertificateFile::parse(&made.file)?.read()?.credential.evidence.len();
    }
    let bytes: usize = made.iter().map(|made| made.file.len()).sum();
    let mut with_status = histogram();
    for made in &made {
        with_status.saturating_record(micros(maker.verify_with_status(made).await?));
    }
    Ok(Certificates {
        count: made.len(),
        at_once: AT_ONCE,
        per_second: made.len() as f64 / seconds,
        whole_ms: quantiles(made.iter().map(|made| made.steps.iter().sum())),
        request_ms: of_step(0),
        issue_ms: of_step(1),
        countersign_ms: of_step(2),
        proofs: (proofs / made.len()) as u64,
        bytes: (bytes / made.len()) as u64,
        offline_ms: Quantiles::of(&offline(&made, class)?),
        with_status_ms: Quantiles::of(&with_status),
        processes,
    })
}

fn quantiles(times: impl Iterator<Item = Duration>) -> Quantiles {
    let mut histogram = histogram();
    times.for_each(|time| histogram.saturating_record(micros(time)));
    Quantiles::of(&histogram)
}

fn offline(made: &[Made], class: &Class) -> Result<Histogram<u64>, Failure> {
    let nobody = Asked::Unanswered { code: "certificate.not_asked".to_owned(), detail: String::new() };
    let mut times = histogram();
    for made in made.iter().cycle().take(ROUNDS * made.len()) {
        let began = Instant::now();
        let verdict = Verdict::of(&made.file, &class.roots, &nobody, clock::now());
        times.saturating_record(micros(began.elapsed()));
        // All else holds, or it would be refuted.
        check(&verdict, Outcome::CannotTell)?;
    }
    Ok(times)
}

fn check(verdict: &Verdict, expected: Outcome) -> Result<(), Failure> {
    if verdict.outcome == expected {
        return Ok(());
    }
    let broken: Vec<_> = verdict.checks.iter().filter_map(|check| check.code.clone()).collect();
    let detail = format!("a certificate is {}: {}", verdict.outcome.as_str(), broken.join(", "));
    Err(Failure::failed("bench.certificate", detail))
}

/// Learners and the officer, each with their own key.
struct Maker<'a> {
    client: &'a Client,
    audience: &'a str,
    class: &'a Class,
}

impl Maker<'_> {
    async fn make(&self, wallet: &Wallet) -> Result<Made, Failure> {
        let learner =
            Learner { wallet, client: self.client.with_access(wallet.access()), audience: self.audience };
        let began = Instant::now();
        let id = learner.requests().await?.certificate;
        let requested = began.elapsed();
        self.issue(id).await?;
        let issued = began.elapsed();
        let file = learner.checked(id).await?;
        learner.countersigns(id, &file).await?;
        let whole = began.elapsed();
        let file = learner.client.certificate_file(id).await?;
        Ok(Made { id, file, steps: [requested, issued - requested, whole - issued] })
    }

    /// The officer's part.
    async fn issue(&self, id: CertificateId) -> Result<(), Failure> {
        let Class { officer, roots, .. } = self.class;
        let officer = Officer::of(officer, self.client, self.audience)?;
        let draft = officer.checked(id, roots).await?;
        officer.issues(id, &draft, roots).await?;
        Ok(())
    }

    /// A third party's part; how long it took.
    async fn verify_with_status(&self, made: &Made) -> Result<Duration, Failure> {
        let began = Instant::now();
        let asked = ask(self.client, made.id).await?;
        let verdict = Verdict::of(&made.file, &self.class.roots, &asked, clock::now());
        let took = began.elapsed();
        check(&verdict, Outcome::Valid)?;
        Ok(took)
    }
}
