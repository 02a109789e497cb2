//! Effects, each whole or not at all.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::{GenericClient, Transaction};
use futures_util::future::try_join_all;

use super::signatures;
use crate::{
    events::{Effect, Handled, NewEvent},
    records::{
        Result, SignatureState,
        events::{decide, marks, stored_data, touched},
        execution::{corrupt, hash},
        postgres::{
            connection::{change, rows},
            failure::Done,
        },
    },
};

pub(super) async fn commit(transaction: &Transaction<'_>, effects: &[Effect]) -> Done<Vec<bool>> {
    let done = decide(effects, fresh(transaction, effects).await?, states(transaction, effects).await?);
    let written = || effects.iter().zip(&done).filter(|(_, done)| **done).map(|(effect, _)| effect);
    // Sent one behind the other, without waiting in between.
    let changes = written().flat_map(|effect| &effect.signatures);
    try_join_all(changes.map(|change| signatures::change(transaction, change))).await?;
    tell(transaction, written().flat_map(|effect| &effect.events)).await?;
    Ok(done)
}

/// Marks the effects' events as handled; those that were not. Waits for whoever handles one of them at the moment.
async fn fresh(c: &impl GenericClient, effects: &[Effect]) -> Done<HashSet<Handled>> {
    let marks = marks(effects);
    if marks.is_empty() {
        return Ok(HashSet::new());
    }
    let groups: Vec<_> = marks.iter().map(|handled| handled.group.as_str()).collect();
    let events: Vec<_> = marks.iter().map(|handled| handled.event.as_str()).collect();
    let sql = "INSERT INTO sillok_inbox (group_name, event, handled_at)
               SELECT g, e, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
               FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS m (g, e, n) ORDER BY n
               ON CONFLICT DO NOTHING RETURNING group_name, event";
    let mut fresh = HashSet::new();
    for row in rows(c, sql, &[&groups, &events]).await? {
        let (group, event): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        let one = marks.iter().find(|handled| (handled.group.as_str(), &*handled.event) == (group, event));
        fresh.extend(one.copied().cloned());
    }
    Ok(fresh)
}

/// Where the signatures stand that these effects change. They stay so until the transaction ends.
async fn states(c: &impl GenericClient, effects: &[Effect]) -> Done<HashMap<[u8; 32], SignatureState>> {
    let ids: Vec<_> = touched(effects).into_iter().map(|id| &id[..]).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = "SELECT id, state FROM sillok_signatures WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    let mut states = HashMap::new();
    for row in rows(c, sql, &[&ids]).await? {
        let state: &str = row.try_get(1)?;
        states.insert(hash(row.try_get(0)?)?, state.parse().map_err(|_| corrupt("a signature's state"))?);
    }
    Ok(states)
}

/// Tells events, in order; what was told before is not told again.
pub(in crate::records::postgres) async fn tell<'e>(
    c: &impl GenericClient,
    events: impl Iterator<Item = &'e NewEvent>,
) -> Done<()> {
    let events: Vec<_> = events.collect();
    if events.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = events.iter().map(|event| &*event.id).collect();
    let topics: Vec<_> = events.iter().map(|event| event.topic.name()).collect();
    let partitions: Vec<_> = events.iter().map(|event| i32::from(event.partition())).collect();
    let subjects: Vec<_> = events.iter().map(|event| &*event.subject).collect();
    let times: Vec<_> = events.iter().map(|event| event.time).collect();
    let data = events.iter().map(|event| stored_data(event)).collect::<Result<Vec<_>>>()?;
    let sql = "INSERT INTO sillok_events (id, topic, partition, subject, time, data)
               SELECT i, t, p::smallint, s, w, d FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[],
                $5::bigint[], $6::text[]) WITH ORDINALITY AS e (i, t, p, s, w, d, n) ORDER BY n
               ON CONFLICT (id) DO NOTHING";
    change(c, sql, &[&ids, &topics, &partitions, &subjects, &times, &data]).await?;
    Ok(())
}
