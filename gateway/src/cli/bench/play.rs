//! The order in which everything is measured: what is compared lies close together in time.

mod cast;
mod proving;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use self::cast::{Cast, empty};
use super::{
    class::Class,
    contract::Stand,
    direct::{Direct, Way},
    disk::Disk,
    drive::{Driven, Driver, Performed, Span},
    gateway::Gateway,
    greedy, history,
    machine::Watch,
    measure::{Manner, Run, measure},
    part::Part,
    plan::Plan,
    platform::Signers,
    proofs,
    report::{EachEntry, Report, Single, Straight},
    requests::Requests,
    single::Singles,
    site::{self, Site},
    target,
    town::Town,
    workload::Workload,
};
use crate::{
    cli::{Failure, Output},
    keys::AccessToken,
    ledger::school::School,
    records::{Plain, policy::Policy},
    service::Digest,
};

/// The longest that a run goes before it counts.
const RAMP: Duration = Duration::from_secs(2);
/// What part of the saturated rate is below saturation.
const BELOW: f64 = 0.5;
/// About how many learners the contract alone records.
const LEARNERS: usize = 60;
/// How long the too many callers wait who are refused: less than they are told.
const IMPATIENCE: Duration = Duration::from_millis(250);

/// A bench under way.
pub(super) struct Play<'a> {
    site: &'a Site,
    output: Output,
    town: Arc<Town>,
    workload: Arc<Workload>,
    /// The schools of the comparison with one ledger transaction a query, until it is made.
    singles: Vec<School>,
    /// Learners with wallets, until they are measured; and their school, once they are.
    class: Option<Class>,
    town_of_class: Option<Arc<Town>>,
    /// Who signs documents, until they have.
    signers: Option<Signers>,
    /// Somebody of an office, who may see everything.
    auditor: AccessToken,
    /// How many queries were executed, and seen recorded.
    executed: u64,
    recorded: u64,
    report: Report,
}

impl<'a> Play<'a> {
    /// Registers who plays, and measures everything.
    pub(super) async fn all(
        site: &'a Site,
        plan: Plan,
        mark: &str,
        output: Output,
    ) -> Result<Report, Failure> {
        let began = Instant::now();
        output.note(format!("bench: on {}; registering schools, educators and learners", site.engines()));
        let Cast { town, singles, class, signers, auditor, mut stand } =
            Cast::register(site, &plan, mark).await?;
        let report = empty(site, plan);
        let workload = Arc::new(Workload::new(report.plan.reads));
        let mut play = Self {
            site,
            output,
            town,
            workload,
            singles,
            class,
            town_of_class: None,
            signers,
            auditor,
            executed: 0,
            recorded: 0,
            report,
        };
        play.straight().await?;
        for entries in play.report.plan.histories() {
            play.at_history(entries).await?;
        }
        play.greedy().await?;
        play.overload().await?;
        play.contract(&mut stand)?;
        play.learners().await?;
        play.platform().await?;
        play.past().await?;
        play.audit().await?;
        let mut report = play.report;
        (report.executed, report.recorded) = (play.executed, play.recorded);
        report.seconds = began.elapsed().as_secs_f64();
        report.targets = target::all(&report);
        Ok(report)
    }

    fn contract(&mut self, stand: &mut Stand) -> Result<(), Failure> {
        if !self.report.plan.has(Part::Queries) {
            return Ok(());
        }
        for queries in self.report.plan.queries.clone() {
            self.say(format!("the contract alone, {queries} queries a request"));
            self.report.contract.push(stand.measure(queries, self.report.plan.reads)?);
        }
        Ok(())
    }

    fn say(&self, what: impl AsRef<str>) {
        self.output.note(format!("bench: {}", what.as_ref()));
    }

    fn tell_failed(&self, driven: &Driven<()>) {
        if let (failed, Some(code)) = driven.failed() {
            self.say(format!("{failed} failed, the first with: {code}"));
        }
    }

    fn span(&self) -> Span {
        Span { ramp: RAMP.min(self.report.plan.warm_up()), run: self.report.plan.run() }
    }

    /// The same SQL straight to the database.
    async fn straight(&mut self) -> Result<(), Failure> {
        if !self.report.plan.has(Part::Queries) {
            return Ok(());
        }
        let settings = self.site.plain();
        let opened = |error: crate::records::OpenError| Failure::from(crate::server::StartError::from(error));
        let policy = Policy::new(settings.schema().map_err(opened)?, settings.statement.clone());
        let plan = self.report.plan.clone();
        let direct = Direct {
            plain: Arc::new(Plain::open(&settings).await.map_err(opened)?),
            policy: Arc::new(policy),
            town: self.town.clone(),
            workload: Arc::new(Workload::new(plan.reads)),
            queries: 0,
            way: Way::Together,
        };
        direct.enter_base(plan.callers).await?;
        for &queries in &plan.queries {
            for &way in Way::of(queries) {
                self.say(format!("straight to the database: {queries} queries a request, {}", way.name()));
                let work = Arc::new(Direct { queries, way, ..direct.clone() });
                let driver = Driver::warm_up(work, plan.callers, None, plan.warm_up(), self.span()).await?;
                let watch = Watch::begin(self.site.processes(None));
                let driven = driver.run(self.span()).await?;
                self.tell_failed(&driven);
                self.report.straight.push(Straight::of(queries, way, &driven, watch.end()));
            }
        }
        Ok(())
    }

    /// Everything that is measured with so many entries in the ledger.
    async fn at_history(&mut self, entries: u64) -> Result<(), Failure> {
        let before = (self.site.disk().await?, self.recorded);
        self.fill(entries).await?;
        if !self.report.plan.has(Part::Queries) {
            return Ok(());
        }
        let gateway = self.site.serve(site::Manner::Measured).await?;
        for queries in self.report.plan.queries.clone() {
            self.say(format!("{} entries recorded; {queries} queries a request", self.recorded));
            let (run, some) = self.measure(&gateway, queries, None).await?;
            self.proofs(&gateway, &run, &some).await?;
            // In a window too short for anything to be recorded, of what was executed.
            let sustained =
                if run.sustained() > 0.0 { run.sustained() } else { run.queries_executed_per_second };
            let pace = BELOW * sustained / f64::from(queries);
            self.report.saturated.push(run);
            if pace > 0.0 {
                self.say(format!("the same at {pace:.1} requests a second"));
                let (run, some) = self.measure(&gateway, queries, Some(pace)).await?;
                self.proofs(&gateway, &run, &some).await?;
                self.report.paced.push(run);
            }
        }
        gateway.stop().await?;
        self.weigh(before).await?;
        self.single().await
    }

    /// Proofs of what a run had recorded: how large they are follows from how large its batches were.
    async fn proofs(
        &mut self,
        gateway: &Gateway,
        run: &Run,
        sample: &[Performed<Digest>],
    ) -> Result<(), Failure> {
        self.say("its proofs");
        let (town, roots) = (self.town.clone(), self.site.roots()?);
        self.report.proofs.push(proofs::measure(&town, &gateway.client, run, sample, &roots).await?);
        Ok(())
    }

    /// Fills the ledger; the first time, also the marks that are later corrected and read.
    async fn fill(&mut self, entries: u64) -> Result<(), Failure> {
        if self.recorded > 0 && entries <= self.recorded {
            return Ok(());
        }
        let gateway = self.site.serve(site::Manner::Filling).await?;
        if self.recorded == 0 {
            // One more than send: the greedy one.
            let callers = self.report.plan.callers.max(self.report.plan.overload) + 1;
            let entered = history::begin(&self.town, &gateway, callers).await?;
            (self.executed, self.recorded) = (entered, entered);
        }
        let missing = entries.saturating_sub(self.recorded);
        if missing > 0 {
            let began = Instant::now();
            let bar = crate::cli::progress::bar(&self.output, missing, "entries recorded");
            let told = |total| bar.set_position(total);
            let filled = history::fill(&self.town, &self.workload, &gateway, missing, told).await?;
            self.executed += filled;
            self.recorded += filled;
            drop(bar);
            let seconds = began.elapsed().as_secs_f64();
            self.say(format!("filled with {filled} entries in {seconds:.0} s"));
        }
        gateway.stop().await
    }

    async fn measure(
        &mut self,
        gateway: &Gateway,
        queries: u32,
        pace: Option<f64>,
    ) -> Result<(Run, Vec<Performed<Digest>>), Failure> {
        let manner = Manner {
            callers: self.report.plan.callers,
            queries,
            pace,
            impatience: None,
            warm_up: self.report.plan.warm_up(),
            span: self.span(),
            history: self.recorded,
        };
        self.measure_so(gateway, manner).await
    }

    async fn measure_so(
        &mut self,
        gateway: &Gateway,
        manner: Manner,
    ) -> Result<(Run, Vec<Performed<Digest>>), Failure> {
        let requests = Requests {
            town: self.town.clone(),
            workload: self.workload.clone(),
            clients: vec![gateway.client.clone()],
            queries: manner.queries,
            impatience: manner.impatience,
        };
        let (run, sample) = measure(self.site, gateway, requests, manner).await?;
        self.executed += run.executed;
        self.recorded += run.recorded;
        Ok((run, sample))
    }

    /// What came to the disk for each entry.
    async fn weigh(&mut self, (disk, recorded): (Disk, u64)) -> Result<(), Failure> {
        let entries = self.recorded - recorded;
        if let Some(bytes) = self.site.disk().await?.each_since(disk, entries) {
            self.report.disk.push(EachEntry { entries, bytes });
        }
        Ok(())
    }

    /// One ledger transaction a query; once.
    async fn single(&mut self) -> Result<(), Failure> {
        let schools = std::mem::take(&mut self.singles);
        let count = schools.len();
        if count == 0 {
            return Ok(());
        }
        self.say(format!("one ledger transaction a query, at {count} schools"));
        let ledger = self.site.consortium()?.gateway()?;
        let work = Arc::new(Singles::new(schools, ledger, self.report.plan.reads));
        let warm_up = self.report.plan.warm_up();
        let driver = Driver::warm_up(work, count, None, warm_up, self.span()).await?;
        let watch = Watch::begin(self.site.processes(None));
        let driven = driver.run(self.span()).await?;
        self.tell_failed(&driven);
        self.report.single = Some(Single::of(count, &driven, watch.end()));
        Ok(())
    }

    /// A caller who sends more than one network may, beside the usual ones. What a network may is twice what it sent
    /// while all of them sent as much as they could.
    async fn greedy(&mut self) -> Result<(), Failure> {
        let (plan, times) = (self.report.plan.clone(), self.report.plan.greedy);
        let Some(usual) = self.report.saturated.first().filter(|_| times > 0) else { return Ok(()) };
        if !greedy::has_addresses() {
            self.say("no greedy caller: this machine has one loopback address only");
            return Ok(());
        }
        let rate = greedy::rate(usual.requests_per_second, plan.callers);
        let queries = usual.queries_per_request;
        self.say(format!("{} callers, and one who sends {times} times what one may", plan.callers));
        let gateway = self.site.serve(site::Manner::Bounded(rate)).await?;
        let work = |clients| Requests {
            town: self.town.clone(),
            workload: self.workload.clone(),
            clients,
            queries,
            impatience: Some(Duration::ZERO),
        };
        let (executed, beside) =
            greedy::measure(self.site, &gateway, work, &plan, (rate, times), self.span()).await?;
        self.executed += executed;
        self.recorded += executed;
        self.report.greedy = Some(beside);
        gateway.stop().await
    }

    /// Too many callers, at a gateway with the limits it comes with but for the rate: all have one address.
    async fn overload(&mut self) -> Result<(), Failure> {
        let callers = self.report.plan.overload;
        let wanted = callers > 0 && self.report.plan.has(Part::Queries);
        let Some(&queries) = self.report.plan.queries.first().filter(|_| wanted) else { return Ok(()) };
        self.say(format!("{callers} callers at once"));
        let gateway = self.site.serve(site::Manner::Measured).await?;
        let manner = Manner {
            callers,
            queries,
            pace: None,
            impatience: Some(IMPATIENCE),
            warm_up: self.report.plan.warm_up(),
            span: self.span(),
            history: self.recorded,
        };
        let (run, _) = self.measure_so(&gateway, manner).await?;
        self.report.overload = Some(run);
        gateway.stop().await
    }
}
