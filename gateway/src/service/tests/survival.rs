//! Whatever fails, and wherever the gateway dies: everything executed is recorded, each once.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
};

use futures_util::FutureExt;
use sillok_contract::{batch, id::SchoolId, registry::SchoolChange};
use tokio_util::sync::CancellationToken;

use super::{
    faults::{Faults, FaultyLedger, FaultyRecords},
    town::{Sent, Town, settings, until},
};
use crate::{
    clock::now,
    ledger::contract::Contract,
    records::StoredBatch,
    service::{RequestState, Service, system_clock},
};

fn faulty(town: &Town, faults: &Arc<Faults>) -> Service {
    let records = FaultyRecords { real: town.records.clone(), faults: faults.clone() };
    let ledger = FaultyLedger {
        real: Arc::new(town.ledger.clone()),
        faults: faults.clone(),
        meddle: meddling(town.office.clone(), town.schools[0].id.clone()),
    };
    town.service_on(Arc::new(records), Arc::new(ledger), settings(), system_clock())
}

/// Changes what the school's batches read, so that one that is endorsed already takes no effect.
fn meddling(office: Contract, id: SchoolId) -> super::faults::Meddle {
    let count = AtomicU32::new(0);
    Box::new(move || {
        let name = format!("north, for the {}th time", count.fetch_add(1, Ordering::Relaxed));
        let change = SchoolChange {
            id: id.clone(),
            name: Some(name),
            district: None,
            batch: None,
            closed_since: None,
        };
        let office = office.clone();
        async move {
            // Two at once may conflict with each other, which is as good.
            let _ = office.update_school(&change).await;
        }
        .boxed()
    })
}

/// Sends what is not answered yet, again and again, and waits until all of it is recorded.
async fn send(
    service: &Service,
    town: &Town,
    waiting: &mut VecDeque<Sent>,
    answered: &mut Vec<RequestState>,
) {
    while let Some(sent) = waiting.front() {
        match sent.to(service).await {
            Ok(state) => {
                answered.push(state);
                waiting.pop_front();
            }
            Err(problem) => {
                assert!(problem.retry, "{problem}");
                tokio::task::yield_now().await;
            }
        }
    }
    until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0).await;
}

async fn survive(seed: u64) -> HashMap<String, u32> {
    let town = Town::found(7, 30).await;
    let faults = Faults::new(seed, 4, 16);
    faults.meddling.store(3, Ordering::Release);
    let mut waiting: VecDeque<Sent> = (0..20)
        .map(|number| {
            town.schools[number % 2].marks(number / 2 % 2, &format!("subject-{number}"), 1 + number % 6)
        })
        .collect();
    let mut answered = Vec::new();
    loop {
        let service = faulty(&town, &faults);
        let all_recorded = tokio::select! {
            () = service.run(CancellationToken::new()) => unreachable!("nobody stops it"),
            () = faults.died.notified() => false,
            () = send(&service, &town, &mut waiting, &mut answered) => true,
        };
        if all_recorded {
            break;
        }
    }
    let struck = faults.struck.lock().unwrap().clone();
    assert!(struck.len() > 5, "seed {seed} tests nothing: {struck:?}");
    town.check_everything(&answered).await;
    assert!(town.records.set_aside(10).await.unwrap().is_empty());
    struck
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_recorded_once_whatever_fails() {
    let mut struck: HashMap<String, u32> = HashMap::new();
    for seed in 0..6 {
        for (what, times) in survive(seed).await {
            *struck.entry(what).or_default() += times;
        }
    }
    let happened = |what: &str| struck.keys().any(|struck| struck.starts_with(what));
    let places = ["endorse", "store_envelope", "submit", "commit_status", "receipt", "form", "finish"];
    for place in places {
        assert!(struck.keys().any(|struck| struck.ends_with(place)), "{place} was spared: {struck:?}");
    }
    for kind in ["FailBefore", "FailAfter", "DieBefore", "DieAfter"] {
        assert!(happened(kind), "{kind} never happened: {struck:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_took_no_effect_is_endorsed_again() {
    let town = Town::found(5, 20).await;
    let faults = Faults::new(0, 0, 0);
    faults.meddling.store(2, Ordering::Release);
    let service = faulty(&town, &faults);
    let answered = town.schools[0].marks(0, "music", 6).to(&service).await.unwrap();
    tokio::select! {
        () = service.run(CancellationToken::new()) => unreachable!("nobody stops it"),
        () = until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0) => {}
    }
    assert_eq!(faults.struck.lock().unwrap().get("MVCC_READ_CONFLICT"), Some(&2));
    town.check_everything(&[answered]).await;
}

/// Forms the school's first batch of what waits, with an envelope that no orderer takes, as if its gateway had died then.
async fn leave_an_envelope_that_is_rejected(town: &Town, school: &SchoolId) {
    let lease = town.records.claim(school, "dead", 60_000).await.unwrap().unwrap();
    let (entries, requests) = town.records.pending(school, 100, u64::MAX).await.unwrap();
    let (ids, bytes): (Vec<_>, Vec<_>) = entries.into_iter().map(|entry| (entry.id, entry.bytes)).unzip();
    let requests: Vec<_> = requests.into_iter().map(|(_, jws)| jws).collect();
    let formed = batch::build(school, 1, [0; 32], &requests, &bytes).unwrap();
    let batch = StoredBatch {
        school: school.clone(),
        sequence: 1,
        header: formed.header,
        entries: ids,
        body: Some(formed.body),
        submitted: Some(("f".repeat(64), b"rejected".to_vec())),
        recorded: None,
    };
    town.records.form(&lease, &batch).await.unwrap();
    town.records.release(&lease).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_envelope_that_is_rejected_does_not_stop_its_school() {
    let town = Town::found(40, 20).await;
    let service = town.service(settings());
    let school = &town.schools[0];
    let answered = school.marks(0, "music", 6).to(&service).await.unwrap();
    leave_an_envelope_that_is_rejected(&town, &school.id).await;
    tokio::select! {
        () = service.run(CancellationToken::new()) => unreachable!("nobody stops it"),
        () = until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0) => {}
    }
    town.check_everything(&[answered]).await;
}

/// A ledger that has batches the database knows nothing of: nothing is recorded, and readiness says that it is so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_until_somebody_has_looked_is_told() {
    let town = Town::found(40, 20).await;
    let service = town.service(settings());
    let school = &town.schools[0];
    school.marks(0, "music", 6).to(&service).await.unwrap();
    let other = Town::found(40, 20).await;
    let alien =
        other.service_on(town.records.clone(), Arc::new(other.ledger.clone()), settings(), system_clock());
    let recorded = other.service(settings());
    other.schools[0].marks(0, "music", 6).to(&recorded).await.unwrap();
    tokio::select! {
        () = recorded.run(CancellationToken::new()) => unreachable!("nobody stops it"),
        () = until("all is recorded", async || other.records.unrecorded().await.unwrap() == 0) => {}
    }
    let told = async || alien.ready().await.remove(2);
    tokio::select! {
        () = alien.run(CancellationToken::new()) => unreachable!("nobody stops it"),
        () = until("it is told", async || told().await.reason.is_some_and(|why| why.contains("1 school"))) => {}
    }
    assert!(town.records.unrecorded().await.unwrap() == 6, "nothing is recorded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_gateways_school_is_taken_over() {
    let town = Town::found(40, 600_000).await;
    let (first, second) = (town.service(settings()), town.service(settings()));
    let dying = tokio::spawn({
        let first = first.clone();
        async move { first.run(CancellationToken::new()).await }
    });
    let mut answered = vec![town.schools[0].marks(0, "music", 6).to(&first).await.unwrap()];
    let school = &town.schools[0].id;
    until("the first gateway has the lease", async || {
        town.records.claim(school, "probe", 1).await.unwrap().is_none()
    })
    .await;
    dying.abort();
    let stop = CancellationToken::new();
    let living = tokio::spawn({
        let (second, stop) = (second.clone(), stop.clone());
        async move { second.run(stop).await }
    });
    for number in 0..6 {
        answered.push(town.schools[0].marks(1, &format!("art-{number}"), 6).to(&second).await.unwrap());
    }
    until("the second gateway records", async || town.records.unrecorded().await.unwrap() == 0).await;
    stop.cancel();
    living.await.unwrap();
    town.check_everything(&answered).await;
}

/// Runs a service until the token is cancelled.
fn run(service: &Service, stop: &CancellationToken) -> tokio::task::JoinHandle<()> {
    let (service, stop) = (service.clone(), stop.clone());
    tokio::spawn(async move { service.run(stop).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_does_not_reach_the_ledger_leaves_its_schools_to_one_that_does() {
    let town = Town::found(5, 20).await;
    let faults = Faults::new(0, 0, 0);
    let (cut_off, other) = (faulty(&town, &faults), town.service(settings()));
    let stop = CancellationToken::new();
    let mut running = vec![run(&cut_off, &stop)];
    until("changes are told", async || cut_off.core.registry.is_listening()).await;
    let school = &town.schools[0];
    let mut answered = vec![school.marks(0, "before", 6).to(&cut_off).await.unwrap()];
    until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0).await;
    faults.away.store(true, Ordering::Release);
    answered.push(school.marks(0, "while", 6).to(&cut_off).await.unwrap());
    until("a batch is in flight", async || in_flight(&town).await).await;
    running.push(run(&other, &stop));
    until("the other records it", async || town.records.unrecorded().await.unwrap() == 0).await;
    stop.cancel();
    futures_util::future::join_all(running).await;
    town.check_everything(&answered).await;
}

async fn in_flight(town: &Town) -> bool {
    town.records.backlog().await.unwrap().iter().any(|school| school.in_flight)
}

/// How far the ledger's clock, and that of the gateway that records, lie behind, in microseconds.
static BEHIND: AtomicI64 = AtomicI64::new(0);

fn late() -> i64 {
    now() - BEHIND.load(Ordering::Acquire)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_ahead_of_the_clock_waits_and_is_not_set_aside() {
    let town = Town::found_by(late, 5, 20).await;
    BEHIND.store(400_000_000, Ordering::Release);
    let executing = town.service(settings());
    let answered = town.schools[0].marks(0, "music", 6).to(&executing).await.unwrap();
    let ledger = Arc::new(town.ledger.clone());
    let recording = town.service_on(town.records.clone(), ledger, settings(), Arc::new(late));
    let stop = CancellationToken::new();
    let running = run(&recording, &stop);
    let looks = AtomicU32::new(0);
    until("the batch has been in flight for a while", async || {
        in_flight(&town).await && looks.fetch_add(1, Ordering::AcqRel) > 30
    })
    .await;
    assert!(town.records.set_aside(10).await.unwrap().is_empty());
    BEHIND.store(0, Ordering::Release);
    until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0).await;
    stop.cancel();
    running.await.unwrap();
    town.check_everything(&[answered]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_ledger_is_away_requests_go_on_and_all_is_recorded_when_it_is_back() {
    let town = Town::found(5, 20).await;
    let faults = Faults::new(0, 0, 0);
    let service = faulty(&town, &faults);
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (service, stop) = (service.clone(), stop.clone());
        async move { service.run(stop).await }
    });
    until("changes are told", async || service.core.registry.is_listening()).await;
    let school = &town.schools[0];
    let mut answered = vec![school.marks(0, "before", 6).to(&service).await.unwrap()];
    faults.away.store(true, Ordering::Release);
    for number in 0..5 {
        answered.push(school.marks(0, &format!("while-{number}"), 6).to(&service).await.unwrap());
    }
    let unknown = school.marks(1, "unknown", 1).to(&service).await.unwrap_err();
    assert_eq!((unknown.code, unknown.retry), ("standing.unavailable", true));
    assert!(town.records.unrecorded().await.unwrap() >= 30);
    faults.away.store(false, Ordering::Release);
    until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0).await;
    stop.cancel();
    running.await.unwrap();
    town.check_everything(&answered).await;
}
