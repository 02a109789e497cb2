//! The insider: a database administrator changes a grade. It is found, named and put back; only then is it certified.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::{Value, json};
use sillok_contract::{
    access::{OFFICE, SUPPORT},
    id::{LearnerId, MspId, OfficerId},
    purpose::Purpose,
};

use super::{
    cast::{Cast, failed},
    play,
    pupils::Pupil,
    screen::Screen,
    stage::Stage,
};
use crate::{
    certificate::{Asked as Status, CertificateId, Outcome, Verdict},
    cli::{
        Failure,
        certificate::{learner, officer, verify::ask},
        private_file,
        verify::{origin, values},
        wallet::sync,
    },
    client::{Client, ClientError},
    clock,
    drift::{Difference, Plan, Report, SignedReport},
    ledger::{officer::Officer, receipt::Roots},
    records::{Plain, policy::Policy},
    wallet::Wallet,
};

/// What the administrator makes of the grade.
const WANTED: u16 = 100;
/// How long the gateway may take to hear of a new key, and the watch to see a write.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

/// What became of the changed grade.
#[derive(Debug, Serialize)]
pub(super) struct Repaired {
    differences_found: usize,
    pub(super) rows_put_back: usize,
    /// The verdict on the certificate, checked offline with both offices' answer.
    certificate: Outcome,
}

/// Plays all of it with the first learner of a school; keeps the certificate here, if anywhere.
pub(super) async fn all(
    screen: Screen,
    stage: &Stage,
    school: &Cast,
    roots: &Roots,
    keep: Option<&Path>,
) -> Result<Repaired, Failure> {
    let pupil = &school.pupils[0];
    let id = OfficerId::new(format!("{}.registrar", school.id))?;
    let registrar = Officer::register(&stage.consortium, MspId::new(OFFICE)?, id).await?;
    let mut wallet = wallet(stage, &pupil.id, roots).await?;
    let scene = Scene { screen, stage, pupil, roots, office: stage.client.with_access(registrar.access()?) };

    screen.chapter("A database administrator changes a grade, and leaves no trace in the database");
    scene.tamper().await?;
    let found = scene.found().await?;
    let refused = scene.certified(&mut wallet, &registrar).await?;
    if refused.is_some() {
        return Err(failed("a certificate was issued of a record that was tampered with"));
    }

    screen.chapter("An officer puts the grade back to what both offices have on the ledger");
    let put_back = scene.put_back(&registrar).await?;

    screen.chapter("Now the record is certified, countersigned, and checked offline");
    let certificate = scene.certified(&mut wallet, &registrar).await?;
    let certificate = certificate.ok_or_else(|| failed("no certificate, although all agree again"))?;
    let outcome = scene.judged(certificate, keep).await?;
    Ok(Repaired { differences_found: found, rows_put_back: put_back, certificate: outcome })
}

/// A new wallet, its key registered by the support office and known to the gateway.
async fn wallet(stage: &Stage, learner: &LearnerId, roots: &Roots) -> Result<Wallet, Failure> {
    let wallet = Wallet::new(learner.clone(), roots.clone())?;
    let key = wallet.public_key().of_wallet(clock::now());
    stage.consortium.administrator(SUPPORT)?.register_wallet_key(learner, &key).await?;
    let client = stage.client.with_access(wallet.access());
    let patience = Instant::now() + PATIENCE;
    loop {
        match client.learner_entries(learner, 0, 1).await {
            Ok(_) => return Ok(wallet),
            Err(ClientError::Refused(refused))
                if refused.code.starts_with("access.") && Instant::now() < patience =>
            {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

struct Scene<'a> {
    screen: Screen,
    stage: &'a Stage,
    pupil: &'a Pupil,
    roots: &'a Roots,
    /// The gateway as the officer sees it.
    office: Client,
}

impl Scene<'_> {
    /// Changes the last term's grade straight in the database. Where there is a watch, it tells.
    async fn tamper(&self) -> Result<(), Failure> {
        let settings = &self.stage.records;
        let schema = settings.schema().map_err(failed)?;
        let sql = "UPDATE grades SET score = $1 WHERE term = 3 AND subject = 'language'";
        let statement =
            Policy::new(schema, settings.statement.clone()).admit(&self.pupil.id, sql, &[json!(WANTED)]);
        let database = Plain::open(settings).await.map_err(failed)?;
        let before = if self.stage.is_watched() { self.last_alert().await? } else { 0 };
        let rows = database.execute(vec![statement.map_err(failed)?], 1).await.map_err(failed)?;
        let changed = Instant::now();
        let (pupil, was) = (&self.pupil.id, self.pupil.grades[2]);
        self.screen.refused(&format!("{pupil}: {was} becomes {WANTED}"), "past the gateway", &rows_of(rows));
        if self.stage.is_watched() {
            self.watched(before, changed).await?;
        }
        Ok(())
    }

    async fn last_alert(&self) -> Result<i64, Failure> {
        let mut last = 0;
        while let Some(alert) = self.office.alerts(last).await?.last() {
            last = alert.id;
        }
        Ok(last)
    }

    /// Waits for the alert about the write.
    async fn watched(&self, before: i64, changed: Instant) -> Result<(), Failure> {
        let ours = |key: &serde_json::Map<_, _>| key.get("learner") == Some(&json!(self.pupil.id));
        while changed.elapsed() < PATIENCE {
            let alerts = self.office.alerts(before).await?;
            if let Some(alert) = alerts.iter().find(|alert| alert.finding.key.as_ref().is_some_and(ours)) {
                let table = alert.finding.table.as_deref().unwrap_or_default();
                let after = changed.elapsed().as_secs_f64();
                let text = format!("the watch raises {} for {table}, {after:.1} s later", alert.finding.kind);
                self.screen.done(&text);
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(failed("the watch has not seen the write"))
    }

    /// Whether database and ledger agree, in a report that the office signed.
    async fn report(&self) -> Result<Report, Failure> {
        let signed = self.office.verification(&self.pupil.id).await?;
        let (report, _) = SignedReport::verify(&signed.jws, self.roots).map_err(failed)?;
        Ok(report)
    }

    async fn found(&self) -> Result<usize, Failure> {
        let report = self.report().await?;
        if report.differences.len() != 1 {
            let count = report.differences.len();
            return Err(failed(format!("one grade was changed, and {count} differences were found")));
        }
        self.screen.done("database and ledger are compared, and the office signs what is found");
        for difference in &report.differences {
            self.named(difference);
        }
        Ok(report.differences.len())
    }

    /// To the column: what the database says, what the ledger says, and since when.
    fn named(&self, difference: &Difference) {
        let row = format!("{} {}", difference.table, values(&difference.key));
        self.screen.detail(difference.code.as_str(), &row);
        let side = |value: &Option<Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
        for column in &difference.columns {
            let (database, ledger) = (side(&column.database), side(&column.ledger));
            self.screen
                .detail(&column.column, &format!("{database} in the database, {ledger} on the ledger"));
        }
        if let Some(since) = &difference.since {
            self.screen.detail("since", &origin(since));
        }
    }

    /// Asks for a certificate with a wallet in step with the ledger. None if the record does not agree, with the refusal.
    async fn certified(
        &self,
        wallet: &mut Wallet,
        registrar: &Officer,
    ) -> Result<Option<CertificateId>, Failure> {
        let client = self.stage.client.with_access(wallet.access());
        let entries = sync::complete(wallet, &client).await?;
        let learner = learner::Learner { wallet, client, audience: &self.stage.audience };
        let asked = learner.requests().await?;
        let officer = officer::Officer::of(registrar, &self.stage.client, &self.stage.audience)?;
        let id = asked.certificate;
        if !asked.agrees {
            officer.refuses(&asked).await?;
            let detail = "database and ledger differ; the refusal is on the ledger";
            self.screen.refused("the learner asks for a certificate", "refused", detail);
            return Ok(None);
        }
        self.screen.done(&format!("database, ledger and a wallet of {entries} entries agree"));
        let draft = officer.checked(id, self.roots).await?;
        officer.issues(id, &draft, self.roots).await?;
        let file = learner.checked(id).await?;
        learner.countersigns(id, &file).await?;
        self.screen
            .done(&format!("certificate {id}: signed by {}, countersigned by the learner", registrar.id));
        Ok(Some(id))
    }

    async fn put_back(&self, registrar: &Officer) -> Result<usize, Failure> {
        let plan: Plan = self.office.restoration(&self.pupil.id).await?;
        let signed = registrar.signs(Purpose::Restore, &plan.school, &self.stage.audience, plan.asked())?;
        let state = play::one(&self.office, &signed).await?;
        let rows = rows_of(state.results.len() as u64);
        self.screen
            .done(&format!("{rows} put back, by a query of {} that is recorded like any", registrar.id));
        if !self.report().await?.agrees {
            return Err(failed("the grade was put back, and yet database and ledger differ"));
        }
        self.screen.done("database and ledger agree again");
        Ok(state.results.len())
    }

    /// What somebody finds who was given the certificate's file and has the offices' root certificates.
    async fn judged(&self, id: CertificateId, keep: Option<&Path>) -> Result<Outcome, Failure> {
        let file = self.office.certificate_file(id).await?;
        if let Some(directory) = keep {
            let directory = directory.join("certificate");
            private_file::make_directory(&directory)?;
            private_file::write(&directory.join(format!("{id}.json")), &file)?;
        }
        let status: Status = ask(&self.stage.client, id).await?;
        let began = Instant::now();
        let verdict = Verdict::of(&file, self.roots, &status, clock::now());
        let milliseconds = began.elapsed().as_secs_f64() * 1000.0;
        match verdict.broken() {
            Some(broken) => Err(failed(broken.detail.clone().unwrap_or_default())),
            None => {
                let count = verdict.checks.len();
                self.screen
                    .done(&format!("{count} checks hold, offline, in {milliseconds:.1} ms: it is valid"));
                Ok(verdict.outcome)
            }
        }
    }
}

fn rows_of(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}
