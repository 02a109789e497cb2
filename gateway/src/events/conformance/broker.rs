//! Kafka alone: its broker dies, and its topics hold what is no event.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rdkafka::producer::{FutureProducer, FutureRecord};

use super::{
    Seen, TOPIC,
    consuming::{dead_letter, letters},
    until, worlds,
};
use crate::events::kafka::KafkaSettings;

/// A broker of this test's own, which it may kill.
struct Broker {
    run: tempfile::TempDir,
    ports: u16,
}

impl Broker {
    fn script(&self, command: &str) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../network/kafka.sh");
        let (run, ports) = (self.run.path().to_str().unwrap(), self.ports.to_string());
        let done =
            Command::new(script).args([command, "--dir", run, "--port-base", &ports]).output().unwrap();
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn up() -> Self {
        // One that is free now, with the next one; below those that the kernel hands out.
        let free = |port: &u16| {
            (0..2).all(|next| std::net::TcpListener::bind(("127.0.0.1", port + 90 + next)).is_ok())
        };
        let ports = (0..).map(|_| rand::random_range(20_000..30_000)).find(free).unwrap();
        let broker = Self { run: tempfile::tempdir().unwrap(), ports };
        broker.script("up");
        broker
    }

    fn place(&self) -> PathBuf {
        self.run.path().join("kafka")
    }

    fn kill(&self) {
        let pid = std::fs::read_to_string(self.run.path().join("pids/kafka.pid")).unwrap();
        assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.script("clean");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_and_comes_back_costs_nothing() {
    if std::env::var("SILLOK_TEST_KAFKA").is_err() {
        return println!("SKIPPED on Kafka: SILLOK_TEST_KAFKA does not name a network's directory");
    }
    let broker = Broker::up();
    let (world, relay, _directory) = worlds::on_broker(&broker.place()).await;
    let seen = Seen::new(&world, "g");
    let running = [world.consume("g", &seen), world.consume("g", &seen)];
    let subjects = ["a", "b", "c", "d", "e"];
    world.tell(&subjects, 20).await;
    until("some are handled", async || seen.done.lock().unwrap().len() >= 20).await;
    broker.kill();
    // What happens meanwhile waits in the outbox.
    let more = ["f", "g", "h", "i", "j"];
    world.tell(&more, 20).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    broker.script("up");
    seen.wait(200).await;
    seen.is_in_order(&[subjects, more].concat(), 20);
    assert!(letters(&world).await.is_empty());
    for one in running {
        one.stop().await;
    }
    relay.stop().await;
}

fn producer(settings: &KafkaSettings) -> FutureProducer {
    settings.client().unwrap().create().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_event_is_put_aside_and_the_others_go_on() {
    let Some((world, relay, _directory)) = worlds::kafka().await else { return };
    let seen = Seen::new(&world, "g");
    let running = world.consume("g", &seen);
    world.tell(&["a"], 1).await;
    seen.wait(1).await;
    let topic = world.settings.kafka.name(TOPIC.name());
    let strange = FutureRecord::to(&topic).key("a").payload("no event \u{0}");
    producer(&world.settings.kafka).send(strange, Duration::from_secs(30)).await.unwrap();
    world.tell(&["b"], 3).await;
    seen.wait(4).await;
    let letter = dead_letter(&world).await.letter;
    assert_eq!((letter.topic, &letter.content[..]), (TOPIC, &b"no event \0"[..]));
    assert!(letter.event.starts_with(&topic) && letter.reason.contains("not an event"), "{letter:?}");
    running.stop().await;
    relay.stop().await;
}
