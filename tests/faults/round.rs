//! A run: rounds of faults under load, each followed by the check of all guarantees.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex as Shared},
    time::{Duration, Instant},
};

use sillok_tests::{
    check::privacy,
    patience::until,
    school::{Plan, School},
    world::World,
};
use tokio::task::JoinSet;

use crate::{
    bench::Bench,
    journal::Journal,
    people::People,
    schedule::{Fault, Pace, Schedule, Step},
    traffic::{Tally, Traffic},
};

/// How long faults go on in one round at most.
const ROUND: Duration = Duration::from_secs(240);
/// What a check and the last faults' end need of a run's time.
const CHECK: Duration = Duration::from_secs(20);
/// The schools of a round.
const SCHOOLS: [&str; 3] = ["Sanho", "Parang", "Haneul"];
/// How long after the last fault the load goes on.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// A run under way.
pub(crate) struct Run {
    pub(crate) bench: Arc<Bench>,
    pub(crate) world: World,
    pub(crate) journal: Arc<Journal>,
    pub(crate) seed: u64,
    pub(crate) pace: Pace,
}

impl Run {
    /// Round after round for so long; each has schools of its own. In the end all of them are checked once more.
    pub(crate) async fn go_on_for(&mut self, time: Duration) {
        let end = Instant::now() + time;
        let (mut schools, mut counts, mut total) = (Vec::new(), BTreeMap::new(), Tally::default());
        for round in 1.. {
            let left = end.saturating_duration_since(Instant::now());
            if round > 1 && left < CHECK * 2 {
                break;
            }
            let faults = ROUND.min(left.saturating_sub(CHECK));
            let tally = self.round(round, faults, &mut counts).await;
            total.done += tally.done;
            total.queries += tally.queries;
            total.refused += tally.refused;
            total.unclear += tally.unclear;
            schools.append(&mut self.world.schools);
        }
        let several = schools.len() > SCHOOLS.len();
        self.world.schools = schools;
        if several {
            self.check("at the end").await;
        }
        privacy::of_files(&self.world);
        let faults: usize = counts.values().sum();
        self.journal.note(format!("{faults} faults: {counts:?}; {} requests: {total}", total.requests()));
    }

    async fn round(
        &mut self,
        round: u64,
        time: Duration,
        counts: &mut BTreeMap<&'static str, usize>,
    ) -> Tally {
        // The one that was there before may be gone.
        self.world.look_at(self.bench.gateways[0].own_addresses().await);
        for name in SCHOOLS {
            self.world.school(Plan::new(&format!("{name}{round}")).batches(10, 300)).await;
        }
        let tally = Arc::new(Shared::new(Tally::default()));
        let addresses: Vec<_> = self.bench.gateways.iter().map(|gateway| gateway.addresses()).collect();
        let told = self.world.clients.share();
        let mut traffic =
            Traffic::start(&self.world.schools, &addresses, &told, self.seed ^ round << 32, &tally);
        let (away, seed) = (self.bench.away.clone(), self.seed ^ round << 32);
        let mut people =
            People::start(&self.world, &self.world.schools, &addresses, seed, away, &self.journal).await;
        self.journal.note(format!("round {round}: seed {}, {} s of faults", self.seed, time.as_secs()));
        self.faults(round, time, (&mut traffic, &mut people), counts).await;
        tokio::time::sleep(AFTERWARDS).await;
        self.bench.restore().await;
        traffic.look();
        people.look();
        traffic.finish().await;
        let tally = tally.lock().unwrap().clone();
        self.journal.note(format!("{} requests: {tally}; told: {:?}", tally.requests(), tally.codes));
        self.world.look_at(self.bench.gateways[0].own_addresses().await);
        people.finish(&self.world).await;
        self.check(&format!("after round {round}")).await;
        tally
    }

    /// Fault after fault, sometimes two at once, for so long.
    async fn faults(
        &self,
        round: u64,
        time: Duration,
        (traffic, people): (&mut Traffic, &mut People),
        counts: &mut BTreeMap<&'static str, usize>,
    ) {
        let end = Instant::now() + time;
        let mut acting = JoinSet::new();
        for step in Schedule::new(self.seed, round, self.pace) {
            while !step.beside
                && let Some(healed) = acting.join_next().await
            {
                healed.unwrap();
            }
            tokio::time::sleep(step.after).await;
            let before = traffic.look();
            people.look();
            if Instant::now() + step.lasts > end {
                break;
            }
            *counts.entry(step.fault.kind()).or_default() += 1;
            let (bench, journal, tally) = (self.bench.clone(), self.journal.clone(), traffic.tally());
            acting.spawn_local(async move { act(&bench, &journal, step, &tally, before).await });
        }
        while let Some(healed) = acting.join_next().await {
            healed.unwrap();
        }
    }

    /// Every guarantee, as either gateway tells it, and at both offices.
    async fn check(&self, when: &str) {
        let began = Instant::now();
        self.world.look_at(self.bench.gateways[0].own_addresses().await);
        let unclear = self.world.told().await.unclear.len();
        self.nothing_waits().await;
        self.world.check_everything().await;
        for school in &self.world.schools {
            self.offices_agree(school).await;
        }
        let told = self.world.told().await;
        self.journal.note(format!(
            "{when}: all guarantees hold; {} entries; of {unclear} requests without an answer {} were done ({:.1} s)",
            told.done.len(),
            unclear - told.unclear.len(),
            began.elapsed().as_secs_f32()
        ));
    }

    /// G1: every entry reaches the ledger.
    async fn nothing_waits(&self) {
        let (began, database) = (Instant::now(), &self.world.site.database);
        let waiting = async || {
            database.count("SELECT FROM sillok_entries WHERE batch IS NULL AND code IS NULL").await
                + database.count("SELECT FROM sillok_batches WHERE receipt IS NULL").await
        };
        until("G1: nothing waits", async || (waiting().await == 0).then_some(())).await;
        self.journal.note(format!("nothing waits any more after {:.1} s", began.elapsed().as_secs_f32()));
    }

    /// G3: both offices' peers have the same last batch of a school.
    async fn offices_agree(&self, school: &School) {
        let mut heads = Vec::new();
        for msp in ["OfficeMSP", "SupportMSP"] {
            let contract = self.world.consortium().administrator(msp).unwrap();
            heads.push(contract.head(&school.id).await.unwrap());
        }
        assert_eq!(heads[0], heads[1], "G3: the offices' peers agree on {}", school.id);
    }

    /// Drops the database.
    pub(crate) async fn close(self) {
        self.world.site.database.drop_it().await;
    }
}

/// Brings a fault about, and undoes it after its time.
async fn act(bench: &Bench, journal: &Journal, step: Step, tally: &Shared<Tally>, before: Tally) {
    let Step { fault, lasts, beside, .. } = step;
    let at_once = matches!(fault, Fault::Upgrade | Fault::Replace(_));
    let time = if at_once { String::new() } else { format!(" for {:.1} s", lasts.as_secs_f32()) };
    journal.note(format!("{fault}{time}{}", if beside { ", beside the one before" } else { "" }));
    let began = Instant::now();
    bench.inject(&fault).await;
    if !at_once {
        tokio::time::sleep(lasts).await;
    }
    bench.heal(&fault).await;
    let meanwhile = tally.lock().unwrap().since(&before);
    let passed = began.elapsed().as_secs_f32();
    journal.note(format!("{fault}: over after {passed:.1} s; meanwhile {meanwhile} {:?}", meanwhile.codes));
}
