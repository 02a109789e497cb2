//! What follows recording: learners verified, wallets, certificates, writes past the gateway, and the audit of all.

use std::time::Duration;

use super::{IMPATIENCE, Play};
use crate::{
    cli::{
        Failure,
        bench::{
            audit, certificates, gateway::Gateway, part::Part, past, platform, requests::Requests, site,
            verification, wallets, workload::Workload,
        },
    },
    client::Client,
};

impl Play<'_> {
    /// A class of learners with wallets: what each part takes for one of them.
    pub(super) async fn learners(&mut self) -> Result<(), Failure> {
        let Some(mut class) = self.class.take() else { return Ok(()) };
        let gateway = self.site.serve(site::Manner::Measured).await?;
        let entered = class.enter(&gateway).await?;
        self.executed += entered;
        self.recorded += entered;
        self.town_of_class = Some(class.town.clone());
        self.say(format!("{} learners' wallets", class.wallets.len()));
        let wallets = wallets::measure(&gateway, &mut class).await?;
        self.say("the learners verified, one after the other");
        let (site, run) = (self.site, self.report.plan.run());
        let verified = verification::measure(site, &gateway, &class, wallets.entries, run).await?;
        self.report.verification = Some(verified);
        self.report.wallets = Some(wallets);
        self.say("their certificates");
        self.report.certificates = Some(certificates::measure(site, &gateway, &class).await?);
        gateway.stop().await
    }

    /// The signature platform.
    pub(super) async fn platform(&mut self) -> Result<(), Failure> {
        let Some(signers) = self.signers.take() else { return Ok(()) };
        let say = |what: &str| self.say(what);
        let measured = platform::measure(self.site, signers, &self.report.plan, self.span(), say).await?;
        self.report.platform = Some(measured);
        Ok(())
    }

    /// Writes past the gateway while it is saturated; then the same load without the watch. In this order: what the
    /// second one writes nobody hears.
    pub(super) async fn past(&mut self) -> Result<(), Failure> {
        let plan = self.report.plan.clone();
        if !plan.has(Part::Watch) {
            return Ok(());
        }
        if !self.site.can_be_watched() {
            self.say("no writes past the gateway: only PostgreSQL is watched");
            return Ok(());
        }
        self.say(format!("{} callers, and {} writes past the gateway", plan.callers, plan.past));
        // Marks that were entered for one more caller than ever sends at once.
        let spare = plan.callers.max(plan.overload);
        let learners = &self.town.caller(spare).learners.clone();
        let subject = Workload::subject_of(spare);
        let gateway = self.site.serve(site::Manner::Watching).await?;
        let officer = gateway.client.with_access(self.auditor.clone());
        let (requests, of) = (self.requests(&gateway), (&plan, self.span()));
        let (executed, watched) =
            past::measure_with(self.site, &gateway, requests, of, (&officer, learners, &subject)).await?;
        self.counts(executed);
        gateway.stop().await?;
        self.say("the same without the watch");
        let gateway = self.site.serve(site::Manner::Unwatching).await?;
        let (requests, of) = (self.requests(&gateway), (&plan, self.span()));
        let (executed, without) = past::measure_without(self.site, &gateway, requests, of).await?;
        self.counts(executed);
        self.report.past = Some(watched.beside(without));
        gateway.stop().await
    }

    /// The most that a request may hold of those that are measured: then the most is written.
    fn requests(&self, gateway: &Gateway) -> Requests {
        let queries = self.report.plan.queries.iter().copied().max().unwrap_or(1);
        let clients: Vec<Client> = vec![gateway.client.clone()];
        let (town, workload) = (self.town.clone(), self.workload.clone());
        Requests { town, workload, clients, queries, impatience: Some(IMPATIENCE) }
    }

    fn counts(&mut self, executed: u64) {
        self.executed += executed;
        self.recorded += executed;
    }

    /// Everything that the town's schools have recorded, and all their rows.
    pub(super) async fn audit(&mut self) -> Result<(), Failure> {
        let plan = &self.report.plan;
        if !plan.has(Part::Audit) {
            return Ok(());
        }
        self.say(format!("the audit of all of {} entries", self.recorded));
        let longest = Duration::from_secs(plan.audit_seconds.into());
        let class = self.town_of_class.iter().flat_map(|town| &town.schools);
        let schools: Vec<_> = class.chain(&self.town.schools).cloned().collect();
        let told = |school: &crate::service::SchoolAudit| {
            self.say(format!("{}: {} entries, {} rows", school.school, school.entries, school.rows));
        };
        self.report.audit = Some(audit::measure(self.site, &schools, longest, told).await?);
        Ok(())
    }
}
