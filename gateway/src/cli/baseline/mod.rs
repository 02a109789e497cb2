//! `sillok baseline`: rows that were there before Sillok are adopted.

mod plan;
mod send;

use std::time::Duration;

use clap::Args;
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use sillok_contract::id::{LearnerId, SchoolId};

use self::{
    plan::{Left, Plan, Take},
    send::{Adopter, persist},
};
use super::{
    Exit, Failure, Program,
    gateway::{Credentials, Gateway},
    progress,
    table::plain,
};
use crate::{client::Client, service::LearnerWithRows};

/// How many learners are looked at at once.
const AT_ONCE: usize = 8;

/// Adopts the rows that were in the database before Sillok: each is read whole, under an officer's signature, and its image
/// recorded. For registered officers.
///
/// Of each learner, the tables are adopted of which nothing was ever recorded. Which those are is asked of the gateway,
/// which compares database and ledger: so it may be ended at any moment, and run again. Where the ledger knows some of a
/// table's rows and not others, those are left and told: somebody may have slipped them in. So are learners who are not
/// registered, or attend no school. Ends with exit code 6 if anything was left, and 3 if the gateway refused something.
///
/// Example: sillok baseline --gateway https://gateway.example:8080 --certificate officer.pem --key officer.key
#[derive(Debug, Args)]
pub struct Baseline {
    #[command(flatten)]
    gateway: Gateway,
    #[command(flatten)]
    credentials: Credentials,
    /// Only learners of this school; may be given several times.
    #[arg(long, value_name = "SCHOOL")]
    school: Vec<SchoolId>,
    /// The most queries under one signature: one is a learner's table. A gateway takes 100 by default.
    #[arg(long, value_name = "COUNT", default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=1000))]
    queries: u16,
    /// How long the gateway may be away or busy, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Summary {
    /// Learners who were looked at.
    learners: u64,
    /// Requests that were sent.
    requests: u64,
    /// Rows that were adopted now.
    adopted: u64,
    /// Rows that the ledger knew before.
    known: u64,
    /// Learners who have rows and are not registered.
    unregistered: Vec<String>,
    /// Learners who are registered and attend no school now.
    at_no_school: Vec<String>,
    /// Rows that were left, since the ledger knows others of the same table, or they are too many.
    left: Vec<Left>,
    /// What the gateway refused.
    refused: Vec<Left>,
}

impl Summary {
    fn adopted(&mut self, _: &[Take], rows: u64) {
        self.requests += 1;
        self.adopted += rows;
    }
}

impl Baseline {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.gateway.office_client(&self.credentials)?;
        let (patience, queries) = (Duration::from_secs(self.patience), usize::from(self.queries));
        let who = self.credentials.read()?;
        let mut adopter = Adopter::new(client.clone(), self.gateway.audience.clone(), who, queries, patience);
        let mut summary = Summary::default();
        let learners = self.learners(&client, patience, &mut summary).await?;
        let bar = progress::bar(&program.output, learners.len() as u64, "learners looked at");
        let looked_at = learners.into_iter().map(|(learner, school)| {
            let client = client.clone();
            async move {
                let report = persist(patience, async || client.verification(&learner).await).await?;
                Ok::<_, Failure>((school, Plan::of(&report.report, queries)))
            }
        });
        let mut plans = stream::iter(looked_at).buffered(AT_ONCE);
        while let Some(planned) = plans.next().await {
            let (school, plan) = planned?;
            summary.learners += 1;
            summary.known += plan.known;
            summary.left.extend(plan.left);
            for take in plan.takes {
                adopter.take(&school, take, &mut summary).await?;
            }
            bar.inc(1);
            bar.set_message(format!("{} rows adopted", summary.adopted));
        }
        adopter.finish(&mut summary).await?;
        drop(bar);
        program.output.result(&summary, text);
        summary.end()
    }

    /// The learners whose rows may be adopted, with their schools. The others are told in the summary.
    async fn learners(
        &self,
        client: &Client,
        patience: Duration,
        summary: &mut Summary,
    ) -> Result<Vec<(LearnerId, SchoolId)>, Failure> {
        let (mut learners, mut after) = (Vec::new(), String::new());
        loop {
            let page = persist(patience, async || client.learners(&after).await).await?;
            let Some(last) = page.last() else { return Ok(learners) };
            after.clone_from(&last.learner);
            for LearnerWithRows { learner, registered, school } in page {
                match (LearnerId::new(learner.as_str()), school) {
                    (Ok(id), Some(school)) if registered => {
                        if self.school.is_empty() || self.school.contains(&school) {
                            learners.push((id, school));
                        }
                    }
                    _ if registered => summary.at_no_school.push(learner),
                    _ => summary.unregistered.push(learner),
                }
            }
        }
    }
}

impl Summary {
    /// How it ended.
    fn end(&self) -> Result<(), Failure> {
        if !self.refused.is_empty() {
            let detail = format!("the gateway refused to adopt {} table(s) of learners", self.refused.len());
            return Err(Failure::new(Exit::Refused, "baseline.refused", detail));
        }
        let strangers = self.unregistered.len() + self.at_no_school.len();
        if strangers + self.left.len() > 0 {
            let detail = format!(
                "{strangers} learner(s) and {} table(s) of learners were left: register the ones, look at the others with \
                 sillok verify",
                self.left.len()
            );
            return Err(Failure::new(Exit::Drift, "baseline.left", detail));
        }
        Ok(())
    }
}

fn text(summary: &Summary) -> String {
    let Summary { learners, requests, adopted, known, .. } = summary;
    let mut lines = vec![format!(
        "{adopted} rows adopted with {requests} requests, {known} known before, of {learners} learners"
    )];
    let strangers = [("not registered", &summary.unregistered), ("at no school", &summary.at_no_school)];
    for (what, learners) in strangers {
        lines.extend(learners.iter().map(|learner| format!("{what}: {}", plain(learner))));
    }
    for (what, all) in [("left", &summary.left), ("refused", &summary.refused)] {
        lines.extend(all.iter().map(|left| {
            format!(
                "{what}: {} row(s) of {} in {}: {}",
                left.rows,
                plain(&left.learner),
                left.table,
                left.why
            )
        }));
    }
    lines.join("\n")
}
