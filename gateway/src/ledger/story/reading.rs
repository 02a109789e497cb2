//! Reading a story off the ledger.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sillok_contract::{
    batch::{Batch, BatchLeaf, Body, Head, Place, Position},
    id::{LearnerId, SchoolId},
    registry::Learner,
};

use super::{
    Story, Told,
    chapter::{Chapter, Content},
    fault::{Fault, FaultCode},
};
use crate::ledger::{LedgerError, contract::Contract};

/// The most entries of a page of the trail.
const PAGE: u32 = 500;
/// How many batches are read at once.
const AT_ONCE: usize = 8;
/// A peer has a body a moment after its batch: how often, and after what time, it is asked again.
const BODY_TRIES: u32 = 4;
const BODY_PAUSE: Duration = Duration::from_millis(250);

/// A learner's story, its signatures still to be verified ([`Story::verified`]); none if the learner is not registered.
pub async fn read(contract: &Contract, learner: &LearnerId) -> Result<Option<Story>, LedgerError> {
    let Some(learner) = contract.learner(learner).await? else { return Ok(None) };
    let heads = heads(contract, &learner).await?;
    let (trail, count) = walk(contract, &learner.id).await?;
    let mut faults = check_numbers(&trail, count);
    let chapters = chapters(contract, &trail).await?;
    let mut entries = Vec::with_capacity(trail.len());
    for (index, place) in trail.iter().enumerate() {
        let key = (place.position.school.clone(), place.position.sequence);
        let before = trail.get(index + 1).map(|place| &place.position);
        let chapter = chapters.get(&key).and_then(Option::as_ref);
        match chapter.map(|chapter| tell(&learner, chapter, place, before)) {
            Some(Ok(told)) => entries.push(told),
            Some(Err(fault)) => faults.push(fault),
            None => faults.push(of_place(place, "the trail names a batch that is not there")),
        }
    }
    for chapter in chapters.into_values().flatten() {
        faults.extend(chapter.faults.into_iter().filter(|fault| is_of(fault, &chapter.batch, &learner)));
    }
    entries.sort_by_key(|(order, _)| *order);
    let entries = entries.into_iter().map(|(_, told)| told).collect();
    Ok(Some(Story { learner, count, heads, entries, faults }))
}

/// The last batches of the schools that the learner has been at.
async fn heads(contract: &Contract, learner: &Learner) -> Result<Vec<Head>, LedgerError> {
    let mut schools: Vec<_> = learner.enrolments.iter().map(|enrolment| enrolment.school.clone()).collect();
    schools.sort();
    schools.dedup();
    let mut heads = Vec::with_capacity(schools.len());
    for school in &schools {
        heads.push(contract.head(school).await?);
    }
    Ok(heads)
}

/// The whole trail, newest first, and how long it says it is.
async fn walk(contract: &Contract, learner: &LearnerId) -> Result<(Vec<Place>, u64), LedgerError> {
    let first = contract.entries(learner, PAGE, "").await?;
    let (mut trail, mut bookmark) = (first.items, first.bookmark);
    while !bookmark.is_empty() && (trail.len() as u64) < first.count {
        let page = contract.entries(learner, PAGE, &bookmark).await?;
        trail.extend(page.items);
        bookmark = page.bookmark;
    }
    Ok((trail, first.count))
}

/// From the trail's count down to 1, each number once.
fn check_numbers(trail: &[Place], count: u64) -> Vec<Fault> {
    let numbers = trail.iter().map(|place| place.number);
    if numbers.eq((1..=count).rev()) {
        return Vec::new();
    }
    vec![Fault::new(
        FaultCode::Trail,
        format!(
            "the learner's trail counts {count} entries, and its {} do not run from there down to 1",
            trail.len()
        ),
    )]
}

type Chapters = BTreeMap<(SchoolId, u64), Option<Chapter>>;

/// Every batch that the trail goes through.
async fn chapters(contract: &Contract, trail: &[Place]) -> Result<Chapters, LedgerError> {
    let mut wanted: Vec<_> =
        trail.iter().map(|place| (place.position.school.clone(), place.position.sequence)).collect();
    wanted.sort();
    wanted.dedup();
    let reading = wanted.into_iter().map(|(school, sequence)| {
        let contract = contract.clone();
        async move {
            let chapter = read_linked(&contract, &school, sequence).await?;
            Ok(((school, sequence), chapter))
        }
    });
    stream::iter(reading).buffer_unordered(AT_ONCE).try_collect().await
}

/// A batch that has been held against its body; none if it is not there.
pub async fn read_chapter(
    contract: &Contract,
    school: &SchoolId,
    sequence: u64,
) -> Result<Option<Chapter>, LedgerError> {
    let (batch, body) = tokio::try_join!(contract.batch(school, sequence), body(contract, school, sequence))?;
    let Some(batch) = batch else { return Ok(None) };
    let open = move || {
        let chapter = Chapter::open(batch, body.as_ref().map(|body| body.body.as_slice()));
        chapter.erased_by(body.map(|body| body.erasures).unwrap_or_default())
    };
    let opened = tokio::task::spawn_blocking(open).await;
    opened.map(Some).map_err(|error| LedgerError::Malformed(format!("batch {sequence} of {school}: {error}")))
}

/// The same, its header found in the next one or in the school's head.
async fn read_linked(
    contract: &Contract,
    school: &SchoolId,
    sequence: u64,
) -> Result<Option<Chapter>, LedgerError> {
    let (chapter, next) =
        tokio::try_join!(read_chapter(contract, school, sequence), next(contract, school, sequence))?;
    Ok(chapter.map(|mut chapter| {
        chapter.faults.extend(chapter.check_next(&next));
        chapter
    }))
}

/// What follows a batch names it by this hash.
async fn next(contract: &Contract, school: &SchoolId, sequence: u64) -> Result<[u8; 32], LedgerError> {
    loop {
        if let Some(next) = contract.batch(school, sequence + 1).await? {
            return Ok(next.previous);
        }
        let head = contract.head(school).await?;
        // Else there is a next one by now.
        if head.sequence <= sequence {
            return Ok(if head.sequence == sequence { head.header_hash } else { [0; 32] });
        }
    }
}

async fn body(contract: &Contract, school: &SchoolId, sequence: u64) -> Result<Option<Body>, LedgerError> {
    for _ in 1..BODY_TRIES {
        if let Some(body) = contract.body(school, sequence).await? {
            return Ok(Some(body));
        }
        tokio::time::sleep(BODY_PAUSE).await;
    }
    contract.body(school, sequence).await
}

/// Where an entry's effect stands among the others: by enrolment, batch and leaf.
type Order = (usize, u64, u32);

/// What the chapter says of a place of the trail, and where it stands among the others.
fn tell(
    learner: &Learner,
    chapter: &Chapter,
    place: &Place,
    before: Option<&Position>,
) -> Result<(Order, Told), Fault> {
    let Place { entry, number, position, transaction } = place.clone();
    let Position { sequence, index, .. } = position;
    let is_the_places = |leaf: &BatchLeaf| {
        (leaf.entry, leaf.number) == (entry, number)
            && leaf.learner == learner.id
            && leaf.previous.as_ref() == before
    };
    let same = chapter.batch.leaves.get(index as usize).is_some_and(is_the_places);
    let content =
        chapter.contents.get(index as usize).filter(|_| same && chapter.batch.transaction == transaction);
    let content =
        content.ok_or_else(|| of_place(place, "the leaf that the trail names is not the learner's"))?;
    let time = match content {
        Content::Entry(entry, _) => entry.executed_at,
        Content::Erased | Content::Unproven => chapter.batch.first_time,
    };
    let enrolment = learner.enrolments.iter().rposition(|enrolment| enrolment.since <= time).unwrap_or(0);
    let erasure = chapter.erasure_of(index as usize).cloned();
    let told = Told { id: entry, number, position, transaction, content: content.clone(), erasure };
    Ok(((enrolment, sequence, index), told))
}

fn of_place(place: &Place, why: &str) -> Fault {
    let Position { school, sequence, index } = &place.position;
    let fault = Fault::of_batch(FaultCode::Trail, school, *sequence, why);
    Fault { index: Some(*index), entry: Some(place.entry), ..fault }
}

/// Whether a fault of a batch is this learner's business: not one of another's entry.
fn is_of(fault: &Fault, batch: &Batch, learner: &Learner) -> bool {
    let leaf = fault.index.and_then(|index| batch.leaves.get(index as usize));
    leaf.is_none_or(|leaf| leaf.learner == learner.id)
}
