//! The year is played: every lesson sent, every entry waited for, every proof fetched and checked offline.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sillok_contract::entry::EntryId;

use super::{
    cast::{Cast, Teacher, failed},
    screen::Screen,
    year,
};
use crate::{
    cli::{Exit, Failure},
    client::{Client, ClientError},
    keys::SignedQueries,
    ledger::receipt::Roots,
    proof::{Proof, Verified},
    service::{Digest, Place, RequestState},
};

/// How many classes send at once, and how many proofs are fetched at once.
const AT_ONCE: usize = 8;
/// How long the gateway may be busy with what it has before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A request that was executed, and who may ask for it.
pub(super) struct Sent {
    teacher: Teacher,
    pub(super) request: Digest,
    pub(super) entries: Vec<EntryId>,
}

/// Sends the year of all schools, their classes side by side, each class's lessons in order.
pub(super) async fn year(screen: Screen, casts: &[Cast]) -> Result<Vec<Sent>, Failure> {
    let classes: Vec<_> = casts
        .iter()
        .flat_map(|cast| {
            let classes = year::classes(&cast.pupils).zip(&cast.educators).enumerate();
            classes.map(|(number, (class, teacher))| (teacher, year::of_class(&cast.name, number + 1, class)))
        })
        .collect();
    let queries =
        classes.iter().flat_map(|(_, lessons)| lessons).map(|lesson| lesson.queries.len() as u64).sum();
    let bar = screen.bar(queries, "queries");
    let sent = stream::iter(classes)
        .map(|(teacher, lessons)| {
            let bar = bar.clone();
            async move {
                let mut sent = Vec::new();
                for lesson in lessons {
                    bar.set_message(lesson.what);
                    let count = lesson.queries.len() as u64;
                    let signed = teacher.educator.signs(lesson.queries)?;
                    sent.push(Sent::new(teacher, submit(&teacher.client, &signed).await?));
                    bar.inc(count);
                }
                Ok::<_, Failure>(sent)
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    bar.finish_and_clear();
    Ok(sent.into_iter().flatten().collect())
}

impl Sent {
    pub(super) fn new(teacher: &Teacher, state: RequestState) -> Self {
        let entries = state.results.iter().map(|result| result.entry.entry).collect();
        Self { teacher: teacher.clone(), request: state.request, entries }
    }
}

/// Sends a request, again as long as the gateway says that it may help: the same request takes effect once.
async fn submit(client: &Client, signed: &SignedQueries) -> Result<RequestState, Failure> {
    let patience = Instant::now() + PATIENCE;
    loop {
        match client.submit(signed).await {
            Ok(state) => return Ok(state),
            Err(ClientError::Refused(refused)) if refused.retry && Instant::now() < patience => {
                tokio::time::sleep(Duration::from_secs(refused.retry_after.unwrap_or(1))).await;
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Waits until every entry is on the ledger; gives how many there are.
pub(super) async fn recorded(screen: Screen, sent: &[Sent]) -> Result<u64, Failure> {
    let entries = sent.iter().map(|sent| sent.entries.len() as u64).sum();
    let bar = screen.bar(entries, "entries recorded");
    let patience = Instant::now() + PATIENCE;
    for request in sent {
        on_the_ledger(&request.teacher.client, request.request, patience).await?;
        bar.inc(request.entries.len() as u64);
    }
    bar.finish_and_clear();
    Ok(entries)
}

/// Waits until the entries of a request are on the ledger.
async fn on_the_ledger(client: &Client, request: Digest, patience: Instant) -> Result<(), Failure> {
    loop {
        let state = client.request(request).await?;
        if let Some(code) = state.results.iter().find_map(|result| match &result.entry.place {
            Place::SetAside { refusal } => Some(refusal),
            _ => None,
        }) {
            return Err(failed(format!("the ledger refused an entry: {code}")));
        }
        if state.results.iter().all(|result| matches!(result.entry.place, Place::Recorded { .. })) {
            return Ok(());
        }
        if Instant::now() > patience {
            let detail = "the entries did not reach the ledger in time";
            return Err(Failure::new(Exit::Unavailable, "demo.patience", detail));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Sends one request and waits until its entries are on the ledger.
pub(super) async fn one(client: &Client, signed: &SignedQueries) -> Result<RequestState, Failure> {
    let state = submit(client, signed).await?;
    on_the_ledger(client, state.request, Instant::now() + PATIENCE).await?;
    Ok(state)
}

/// Fetches every proof, checks it offline, and keeps it if it is wanted; gives them in no order.
pub(super) async fn proofs(
    screen: Screen,
    sent: &[Sent],
    roots: &Roots,
    keep: impl Fn(EntryId, &[u8]) -> Result<(), Failure>,
) -> Result<Vec<(EntryId, Verified)>, Failure> {
    let wanted: Vec<_> = sent
        .iter()
        .flat_map(|sent| sent.entries.iter().map(|entry| (&sent.teacher.client, *entry)))
        .collect();
    let bar = screen.bar(wanted.len() as u64, "proofs verified");
    let mut fetched = stream::iter(wanted)
        .map(|(client, entry)| async move { Ok::<_, Failure>((entry, client.proof(entry).await?)) })
        .buffer_unordered(AT_ONCE);
    let mut verified = Vec::new();
    while let Some(next) = fetched.next().await {
        let (entry, json) = next?;
        let unverified = |error: crate::proof::ProofError| {
            Failure::new(
                Exit::Unverified,
                "demo.proof",
                format!("the proof of {entry} does not verify: {error}"),
            )
        };
        let proved = Proof::parse(&json).and_then(|proof| proof.verify(roots)).map_err(unverified)?;
        if proved.id != entry {
            return Err(Failure::new(
                Exit::Unverified,
                "demo.proof",
                "the gateway gave another entry's proof",
            ));
        }
        keep(entry, &json)?;
        verified.push((entry, proved));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(verified)
}

/// How many batches the schools have.
pub(super) async fn batches(casts: &[Cast]) -> Result<u64, Failure> {
    let mut count = 0;
    for cast in casts {
        let client = &cast.educators[0].client;
        let mut last = 0;
        while let Some(batch) = client.batches(&cast.id, last).await?.last() {
            last = batch.sequence;
        }
        count += last;
    }
    Ok(count)
}
