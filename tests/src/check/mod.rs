//! The check of all guarantees: against the database, the ledger and what clients were told. Each assertion names the
//! guarantee that it holds.

mod book;
pub mod privacy;
pub mod rows;
pub mod signatures;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, stream};
use sillok_contract::entry::{Entry, EntryId};
use sillok_gateway::{
    ledger::receipt::Roots,
    proof::Proof,
    service::{Digest, Place},
};

use crate::{
    call::Caller,
    database::Outboxed,
    drift::agrees,
    patience::until,
    refusal::Failed,
    school::School,
    told::{Done, Past, Told, Unclear},
    world::World,
};
use book::{Book, Leaf};

/// How many proofs are asked for at once.
const AT_ONCE: usize = 4;
/// Of how many of a school's learners it is asked each time whether database and ledger agree.
const VERIFIED: usize = 6;

/// Entries whose proofs have been verified, and batches whose records have been searched: neither ever changes.
#[derive(Debug, Default)]
pub struct Proven {
    entries: BTreeSet<EntryId>,
    searched: BTreeSet<String>,
    /// What the entries hold, also of those whose bodies were erased since.
    known: BTreeMap<EntryId, Entry>,
}

/// Holds every guarantee.
pub async fn everything(world: &World, proven: &mut Proven) {
    let caller = world.as_seen_by_the_office();
    let roots = Roots::read_dir(&world.consortium().roots().unwrap()).unwrap();
    for school in &world.schools {
        let outbox = settled(world, school).await;
        let book = Book::read(&world.contract(), school, &mut proven.known).await;
        let mut told = world.told().await;
        without_answer(&book, &mut told);
        exactly_once(school, &outbox, &book, &told);
        honest(&book, &told);
        batches_agree(&caller, school, &book).await;
        seen(&caller, &book, &told).await;
        set_aside(&caller, school, &outbox, &told).await;
        proofs(&caller, &roots, &book, proven).await;
        rows::follow(world, school, &book, &told).await;
        no_drift(world, school, &told).await;
        privacy::of_channel(world, school, &book, &mut proven.searched).await;
    }
    alerted(world, &caller).await;
}

/// G6: what was written past the gateway is told, each once; and nothing that came through it.
async fn alerted(world: &World, caller: &Caller) {
    let told = world.told().await;
    let alerts = caller.alerts().await.map_err(Failed::refused).unwrap();
    let mut left: Vec<_> = alerts.iter().map(Past::of).collect();
    for past in &told.past {
        let at = left.iter().position(|found| found == past);
        left.remove(at.unwrap_or_else(|| panic!("G6: {past:?} is not told: {alerts:?}")));
    }
    assert!(
        world.site.database.was_changed() || left.is_empty(),
        "G6: told, and not written past the gateway: {left:?}"
    );
}

/// The school's outbox, once nothing in it waits.
async fn settled(world: &World, school: &School) -> Vec<Outboxed> {
    let what = format!("G1: every entry of {} reaches the ledger or is set aside", school.id);
    until(&what, async || {
        let outbox = world.site.database.outbox(&school.id).await;
        outbox.iter().all(|entry| entry.state != 0).then_some(outbox)
    })
    .await
}

/// G1: a request without an answer is done whole and once, or not at all. What is done counts as told from here on.
fn without_answer(book: &Book, told: &mut Told) {
    let mut found: BTreeMap<Digest, Vec<&Entry>> = BTreeMap::new();
    for Leaf { entry, .. } in &book.leaves {
        let request = Digest(entry.request_digest);
        if told.unclear.contains_key(&request) {
            found.entry(request).or_default().push(entry);
        }
    }
    for (request, mut entries) in found {
        let Unclear { school, queries } = told.unclear.remove(&request).expect("it was found");
        entries.sort_by_key(|entry| entry.query_index);
        let indices: Vec<_> = entries.iter().map(|entry| entry.query_index as usize).collect();
        assert!(
            indices.iter().copied().eq(0..queries.len()),
            "G1: of {request} without an answer: {indices:?}"
        );
        told.requests.insert(request, entries.iter().map(|entry| entry.id).collect());
        for (entry, query) in entries.into_iter().zip(queries) {
            let (index, school) = (entry.query_index, school.clone());
            told.done.insert(entry.id, Done { request, index, query, school, rows: rows::of(entry) });
        }
    }
}

/// G1: what clients were told is done is on the ledger, each once; so is what the database holds; nothing else is.
fn exactly_once(school: &School, outbox: &[Outboxed], book: &Book, told: &Told) {
    let on_ledger: BTreeSet<_> = book.leaves.iter().map(|leaf| leaf.entry.id).collect();
    assert_eq!(on_ledger.len(), book.leaves.len(), "G1: an entry is on the ledger twice");
    let places: BTreeMap<_, _> =
        book.leaves.iter().map(|leaf| (leaf.entry.id, (leaf.sequence, leaf.index))).collect();
    for entry in outbox {
        let place = entry.batch.zip(entry.leaf).map(|(batch, leaf)| (batch as u64, leaf as u32));
        match entry.state {
            1 => assert_eq!(place, places.get(&entry.id).copied(), "G1: where {} is", entry.id),
            _ => assert!(!on_ledger.contains(&entry.id), "G11: {} is set aside and on the ledger", entry.id),
        }
    }
    let recorded: BTreeSet<_> =
        outbox.iter().filter(|entry| entry.state == 1).map(|entry| entry.id).collect();
    assert_eq!(recorded, on_ledger, "G1: the database's recorded entries are the ledger's");
    let done = told.done.iter().filter(|(_, done)| done.school == school.id).map(|(id, _)| *id);
    let done: BTreeSet<_> = done.filter(|id| !told.set_aside.contains_key(id)).collect();
    let lost: Vec<_> = done.difference(&on_ledger).collect();
    assert!(lost.is_empty(), "G1: told done, and not on the ledger: {lost:?}");
    let untold: Vec<_> = on_ledger.difference(&done).collect();
    assert!(untold.is_empty(), "G1: on the ledger, and nobody was told: {untold:?}");
}

/// G2: every entry is what its educator signed for. What was refused is nowhere.
fn honest(book: &Book, told: &Told) {
    for Leaf { entry, .. } in &book.leaves {
        let done = &told.done[&entry.id];
        assert_eq!(entry.query, done.query.as_bytes(), "G2: the query of {} as it was sent", entry.id);
        assert_eq!((Digest(entry.request_digest), entry.query_index), (done.request, done.index), "G2");
    }
    let requests: BTreeSet<_> = book.leaves.iter().map(|leaf| Digest(leaf.entry.request_digest)).collect();
    for (digest, refusal) in &told.refused {
        let resent = told.requests.contains_key(digest);
        assert!(resent || !requests.contains(digest), "G1: refused ({}) and recorded", refusal.code);
    }
}

/// G3: the batches that the gateway tells of are those of the ledger.
async fn batches_agree(caller: &Caller, school: &School, book: &Book) {
    let told = caller.batches(&school.id).await.map_err(Failed::refused).unwrap();
    let told: Vec<_> = told.iter().map(|batch| (batch.sequence, batch.header_hash.0, batch.count)).collect();
    let real: Vec<_> =
        book.batches.iter().map(|batch| (batch.sequence, batch.header_hash, batch.count)).collect();
    assert_eq!(told, real, "G3: the gateway's batches are the ledger's");
}

/// G1: clients see their entries where they are.
async fn seen(caller: &Caller, book: &Book, told: &Told) {
    let places: BTreeMap<_, _> = book.leaves.iter().map(|leaf| (leaf.entry.id, leaf)).collect();
    let requests: BTreeSet<_> = places.keys().map(|id| told.done[id].request).collect();
    for request in requests {
        let state = caller.request(request).await.map_err(Failed::refused).unwrap();
        for result in state.results.iter().filter(|result| !told.set_aside.contains_key(&result.entry.entry))
        {
            let leaf = places[&result.entry.entry];
            let Place::Recorded { sequence, index, transaction, .. } = &result.entry.place else {
                panic!(
                    "G1: {} is on the ledger, and its client is told {:?}",
                    leaf.entry.id, result.entry.place
                )
            };
            let real = (leaf.sequence, leaf.index, &leaf.transaction);
            assert_eq!((*sequence, *index, transaction), real, "G1: where {} is told to be", leaf.entry.id);
            assert_eq!(result.rows, told.done[&leaf.entry.id].rows, "G1: as it was told first");
        }
    }
}

/// G11: what the ledger refused is set aside, visible, with its code; and nothing else is.
async fn set_aside(caller: &Caller, school: &School, outbox: &[Outboxed], told: &Told) {
    let aside = outbox.iter().filter(|entry| entry.state == 2);
    let aside: BTreeMap<_, _> =
        aside.map(|entry| (entry.id, entry.code.clone().expect("G11: it has a code"))).collect();
    let expected = told.set_aside.iter().filter(|(id, _)| told.done[id].school == school.id);
    let expected: BTreeMap<_, _> = expected.map(|(id, code)| (*id, code.clone())).collect();
    assert_eq!(aside, expected, "G11: what is set aside");
    for (id, code) in aside {
        let state = caller.entry(id).await.map_err(Failed::refused).unwrap();
        assert_eq!(state.place, Place::SetAside { refusal: code }, "G11: {id}");
        let refusal = caller.proof(id).await.unwrap_err().refused();
        assert_eq!((refusal.code.as_str(), refusal.status), ("proof.set_aside", 404), "G11: {id}");
    }
}

/// G6: what was done through the gateway, and nothing else, is no drift. What was set aside had an effect that is.
async fn no_drift(world: &World, school: &School, told: &Told) {
    if told.set_aside.keys().any(|id| told.done[id].school == school.id) {
        return;
    }
    for learner in school.learners.iter().take(VERIFIED) {
        agrees(world, learner).await;
    }
}

/// G4: every entry's proof verifies against the offices' roots alone, and proves that very entry.
async fn proofs(caller: &Caller, roots: &Roots, book: &Book, proven: &mut Proven) {
    let unproven: Vec<_> =
        book.leaves.iter().filter(|leaf| !proven.entries.contains(&leaf.entry.id)).collect();
    let fetched = unproven.iter().map(async |leaf| (leaf, caller.proof(leaf.entry.id).await));
    let mut fetched = stream::iter(fetched).buffered(AT_ONCE);
    while let Some((leaf, json)) = fetched.next().await {
        let json = json.map_err(Failed::refused).unwrap();
        let verified =
            Proof::parse(&json).unwrap().verify(roots).unwrap_or_else(|error| panic!("G4: {error}"));
        assert_eq!(verified.entry, leaf.entry, "G4: the proof is this entry's");
        assert_eq!((verified.sequence, verified.index), (leaf.sequence, leaf.index), "G4");
        assert_eq!(verified.transaction, leaf.transaction, "G4");
        proven.entries.insert(leaf.entry.id);
    }
}
