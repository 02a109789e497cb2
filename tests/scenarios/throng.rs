//! Thousands of signatures, while whoever handles them is killed: each is recorded, once.

use std::{collections::BTreeMap, env, path::PathBuf, time::Instant};

use sillok_gateway::config::Settings;
use sillok_tests::{
    check::signatures::{each_once, rest, told_once},
    gateway::Running,
    nodes::KAFKA,
    platform,
    signing::signer,
    throng::Throng,
    world::World,
};

/// How many, where SILLOK_TEST_SIGNATURES does not say another number.
const SIGNATURES: usize = 10_000;

/// Each role is a process of its own, some more than one, and each is killed in the middle; so are the broker, and one node
/// of the archive.
pub(crate) async fn survives_its_roles(world: &mut World) {
    let count = env::var("SILLOK_TEST_SIGNATURES").map_or(SIGNATURES, |count| count.parse().unwrap());
    world.use_kafka_and_cassandra();
    let signers = [signer(world, "Han").await, signer(world, "Kim").await, signer(world, "Lee").await];
    world.stop_and_let_go().await;
    let mut crew = Crew::new(world);
    world.turn_to(crew.begins("api", "api").await);
    for (name, role) in [
        ("monitor-1", "monitor"),
        ("verifier-1", "verifier"),
        ("verifier-2", "verifier"),
        ("recorder-1", "recorder"),
        ("recorder-2", "recorder"),
    ] {
        crew.start(name, role).await;
    }

    let began = Instant::now();
    let mut throng = Throng::start(world, &signers, count);
    let part = |percent: usize| count * percent / 100;
    throng.reaches(part(15)).await;
    crew.kill("verifier-1").await;
    throng.reaches(part(25)).await;
    crew.start("verifier-3", "verifier").await;
    throng.reaches(part(35)).await;
    crew.kill("recorder-1").await;
    throng.reaches(part(40)).await;
    crew.start("recorder-3", "recorder").await;
    throng.reaches(part(50)).await;
    kill_the_broker().await;
    throng.reaches(part(60)).await;
    crew.kill("monitor-1").await;
    crew.start("monitor-2", "monitor").await;
    throng.reaches(part(75)).await;
    world.kill().await;
    world.turn_to(crew.begins("api", "api").await);
    let handed = throng.finish().await;
    let taken_in = began.elapsed();
    rest(world, handed.len()).await;
    let rested = began.elapsed();

    let shares = crew.stop().await;
    let worked = shares.values().filter(|handled| **handled > 0).count();
    assert!(worked >= 2, "verifiers work beside each other: {shares:?}");
    world.stop().await;
    world.serve().await;
    let looked = each_once(world, &handed).await;
    told_once(&world.settings.events, world.parts().records, &handed).await;
    println!(
        "{count} signatures: taken in after {taken_in:.1?}, at rest after {rested:.1?}; the ledger's were read in \
         {looked:.1?}; verified: {shares:?}"
    );
    world.check_everything().await;
}

/// SIGKILL of the broker, and of a node of the archive, which come back.
async fn kill_the_broker() {
    let Some((kafka, cassandra)) = platform::kafka().zip(platform::cassandra()) else { return };
    tokio::task::spawn_blocking(move || {
        kafka.kill(KAFKA);
        cassandra.kill("cassandra2");
        kafka.start(KAFKA);
        cassandra.start("cassandra2");
    })
    .await
    .unwrap();
}

/// The processes besides the one that callers turn to.
struct Crew {
    settings: Settings,
    place: PathBuf,
    serving: BTreeMap<String, Running>,
    /// How many events each verifier handled.
    verified: BTreeMap<String, u64>,
}

impl Crew {
    fn new(world: &World) -> Self {
        let place = world.site.directory.path().to_owned();
        let (settings, serving, verified) = (world.settings.clone(), BTreeMap::new(), BTreeMap::new());
        Self { settings, place, serving, verified }
    }

    async fn begins(&self, name: &str, role: &str) -> Running {
        Running::in_role(&self.settings, &self.place.join(name), role).await
    }

    async fn start(&mut self, name: &str, role: &str) {
        let running = self.begins(name, role).await;
        self.serving.insert(name.to_owned(), running);
    }

    async fn kill(&mut self, name: &str) {
        self.count(name).await;
        self.serving.remove(name).expect("it serves").kill().await;
    }

    /// Stops all of them; how many events each verifier had handled.
    async fn stop(mut self) -> BTreeMap<String, u64> {
        for name in self.serving.keys().cloned().collect::<Vec<_>>() {
            self.count(&name).await;
            self.serving.remove(&name).expect("it serves").stop().await;
        }
        self.verified
    }

    async fn count(&mut self, name: &str) {
        if name.starts_with("verifier") {
            let handled = self.serving[name].metric(r#"sillok_events_handled_total{group="verifier"}"#).await;
            self.verified.insert(name.to_owned(), handled);
        }
    }
}
