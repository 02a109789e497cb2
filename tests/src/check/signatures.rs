//! Every signature that was taken in is recorded, each once: in the database, on the ledger and among the events.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use sillok_contract::digest::Digest;
use sillok_gateway::{
    events::{self, Group, Topic},
    ledger::contract::Contract,
    records::{LettersWanted, Records, SignatureState},
};

use crate::{
    database::Signed,
    patience::{PATIENCE, Patience},
    throng::Handed,
    world::World,
};

/// How many documents the ledger is asked about at once.
const AT_ONCE: usize = 16;
/// How many events are read at a time.
const PAGE: usize = 1_000;
/// For how long nothing comes any more where everything has come.
const QUIET: Duration = Duration::from_secs(3);

/// Waits until these signatures rest. However many there are: as long as some of them go on.
pub async fn rest(world: &World, count: usize) {
    let database = &world.site.database;
    let (mut left, mut patience) = (usize::MAX, Patience::new(PATIENCE, "the signatures rest"));
    loop {
        let moving = database.signatures_in(&["requested", "created", "valid"]).await;
        let all = moving + database.signatures_in(&["recorded", "refused", "invalid"]).await;
        assert!(all >= count, "G1: {all} of {count} signatures that were taken in are there");
        if moving == 0 {
            return;
        }
        if moving < left {
            (left, patience) = (moving, Patience::new(PATIENCE, "the signatures rest"));
        }
        patience.pause().await;
    }
}

/// Each of them is recorded, once, and no others are there. Gives how long looking at the ledger took.
pub async fn each_once(world: &World, handed: &[Handed]) -> Duration {
    let (count, began) = (world.site.database.signatures().await.len(), Instant::now());
    assert_eq!(count, handed.len(), "G1: as many signatures as were taken in");
    recorded_once(world, handed).await;
    began.elapsed()
}

/// None of these documents has a signature on the ledger.
pub async fn never_recorded(world: &World, documents: &[Digest]) {
    let contract = world.contract();
    for document in documents {
        let found = contract.signatures(document, 1, "").await.unwrap();
        assert!(found.is_none(), "G2: a forged signature of {document} is on the ledger: {found:?}");
    }
}

/// Each of them is recorded, once.
pub async fn recorded_once(world: &World, handed: &[Handed]) {
    let rows = world.site.database.signatures().await;
    let rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
    let contract = world.contract();
    let looked = handed.iter().map(|handed| on_ledger(&contract, handed, &rows[&handed.digest.0]));
    let looked: Vec<_> = looked.collect();
    stream::iter(looked).buffer_unordered(AT_ONCE).collect::<()>().await;
}

/// G1: the ledger has one signature of the document, this one, where the database says.
async fn on_ledger(contract: &Contract, handed: &Handed, row: &Signed) {
    assert_eq!(row.state, SignatureState::Recorded.name(), "G1: {} is recorded", handed.digest);
    assert_eq!(row.hash, handed.hash.0);
    let found = contract.signatures(&handed.hash, 10, "").await.unwrap();
    let found = found.unwrap_or_else(|| panic!("G1: {} is on the ledger", handed.digest)).items;
    assert_eq!(found.len(), 1, "G1: {} is on the ledger once", handed.digest);
    assert_eq!(found[0].digest, handed.digest, "G1");
    assert_eq!(Some(&found[0].transaction), row.transaction.as_ref(), "G1: where {} is", handed.digest);
}

/// Whoever hears of these signatures, a group that nobody has been part of before, hears of each verdict and each record
/// under one id; and nothing was put aside.
pub async fn told_once(settings: &events::Settings, records: Arc<dyn Records>, handed: &[Handed]) {
    let topics = [Topic::SignaturesVerified, Topic::SignaturesRecorded];
    let bus = events::open(settings, records.clone()).unwrap();
    let witness = Group::new(format!("witness-{:08x}", rand::random::<u32>())).unwrap();
    let mut subscription = bus.subscribe(&witness, &topics).await.unwrap();
    let mut heard: BTreeMap<(Topic, String), BTreeSet<String>> = BTreeMap::new();
    let (mut last, patience) = (Instant::now(), Patience::new(PATIENCE, "every event is heard"));
    while heard.len() < handed.len() * topics.len() || last.elapsed() < QUIET {
        let deliveries = subscription.next(PAGE, Duration::from_secs(1)).await.unwrap();
        for delivery in &deliveries {
            let event = delivery.event.as_ref().expect("nobody else writes here");
            let signature =
                event.data["signature"].as_str().expect("an event names its signature").to_owned();
            heard.entry((event.topic, signature)).or_default().insert(event.id.clone());
        }
        match deliveries.is_empty() {
            true => patience.pause().await,
            false => last = Instant::now(),
        }
        subscription.confirm(&deliveries).await.unwrap();
    }
    subscription.leave().await;
    records.forget(&witness).await.unwrap();
    for handed in handed {
        for topic in topics {
            let ids = heard.remove(&(topic, handed.digest.to_string())).unwrap_or_default();
            assert_eq!(ids.len(), 1, "G1: {topic} of {} under one id: {ids:?}", handed.digest);
        }
    }
    assert!(heard.is_empty(), "G1: told of, and never taken in: {heard:?}");
    let dead = records.dead_letters(&LettersWanted { limit: 10, ..LettersWanted::default() }).await.unwrap();
    assert!(dead.is_empty(), "G11: nothing was put aside: {dead:?}");
}
