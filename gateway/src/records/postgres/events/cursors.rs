//! How far groups are, and what is behind it.

use deadpool_postgres::{GenericClient, Transaction};

use super::NOW;
use crate::{
    events::{Group, NewEvent, PARTITIONS, Topic},
    records::{
        Ask, Behind, Cursor, Held, StoredEvent, Way,
        events::{Kept, MOST_BEHIND, Share, stored_way},
        execution::{corrupt, identifier},
        postgres::{
            connection::{change, rows, stored},
            failure::Done,
        },
    },
};

/// The first number of the lock that a group's members share their work under.
const SHARE_LOCK: i32 = 0x5111_0c02;
/// Events of transactions from this one on are not read: one that still runs may write in between.
const VISIBLE: &str = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint";

/// Topics and partitions as they are stored, one array each.
fn split<'w>(ways: impl Iterator<Item = &'w Way>) -> (Vec<&'static str>, Vec<i32>) {
    ways.map(|way| (way.topic.name(), i32::from(way.partition))).unzip()
}

pub(super) async fn hold(transaction: &Transaction<'_>, ask: &Ask) -> Done<Vec<Held>> {
    let group = ask.group.as_str();
    rows(transaction, "SELECT pg_advisory_xact_lock($1, hashtext($2))", &[&SHARE_LOCK, &group]).await?;
    let members = join(transaction, ask).await?;
    let share = Share::of(ask, &kept(transaction, ask).await?, members);
    let (member, ttl) = (Some(&*ask.member), stored(ask.ttl_ms)?);
    let keep: Vec<_> = share.keep.iter().chain(&share.leave).copied().collect();
    for (ways, owner, ttl, step) in
        [(&keep, member, ttl, 0), (&share.take, member, ttl, 1), (&share.give, None, 0, 1_i64)]
    {
        let (topics, partitions) = split(ways.iter());
        let sql = format!(
            "UPDATE sillok_cursors c SET owner = $2, ends_at = {NOW} + $3, token = c.token + $4
             FROM unnest($5::text[], $6::integer[]) AS w (t, p)
             WHERE c.group_name = $1 AND c.topic = w.t AND c.partition = w.p"
        );
        if !ways.is_empty() {
            change(transaction, &sql, &[&group, &owner, &ttl, &step, &topics, &partitions]).await?;
        }
    }
    let mut held = kept(transaction, ask).await?;
    held.retain(|kept| kept.owner.as_ref() == Some(&ask.member));
    let leaving = |held: Held| Held { leaving: share.leave.contains(&held.way), ..held };
    Ok(held.into_iter().map(|kept| leaving(kept.held)).collect())
}

/// The member takes part; how many do. The group's ways are there after this.
async fn join(c: &impl GenericClient, ask: &Ask) -> Done<usize> {
    let group = ask.group.as_str();
    let gone = format!("DELETE FROM sillok_members WHERE group_name = $1 AND ends_at <= {NOW}");
    change(c, &gone, &[&group]).await?;
    let join = format!(
        "INSERT INTO sillok_members (group_name, member, ends_at) VALUES ($1, $2, {NOW} + $3)
         ON CONFLICT (group_name, member) DO UPDATE SET ends_at = excluded.ends_at"
    );
    change(c, &join, &[&group, &ask.member, &stored(ask.ttl_ms)?]).await?;
    let topics: Vec<_> = ask.topics.iter().map(|topic| topic.name()).collect();
    let ways = "INSERT INTO sillok_cursors (group_name, topic, partition)
                SELECT $1, t, p FROM unnest($2::text[]) AS t, generate_series(0, $3) AS p ON CONFLICT DO NOTHING";
    change(c, ways, &[&group, &topics, &i32::from(PARTITIONS - 1)]).await?;
    let members = rows(c, "SELECT member FROM sillok_members WHERE group_name = $1", &[&group]).await?;
    Ok(members.len())
}

/// The ways that the member asks for, in order.
async fn kept(c: &impl GenericClient, ask: &Ask) -> Done<Vec<Kept>> {
    let sql = format!(
        "SELECT topic, partition, xid, position, token, CASE WHEN ends_at > {NOW} THEN owner END
         FROM sillok_cursors WHERE group_name = $1 ORDER BY topic, partition"
    );
    let mut kept = Vec::new();
    for row in rows(c, &sql, &[&ask.group.as_str()]).await? {
        // What an older version handled may have no name any more.
        let Ok(way) = stored_way(row.try_get(0)?, row.try_get::<_, i16>(1)?.into()) else { continue };
        if ask.topics.contains(&way.topic) {
            let at = Cursor { xid: row.try_get(2)?, position: row.try_get(3)? };
            let held = Held { way, token: row.try_get(4)?, at, leaving: false };
            kept.push(Kept { held, owner: row.try_get(5)? });
        }
    }
    Ok(kept)
}

pub(super) async fn leave(c: &impl GenericClient, group: &Group, member: &str) -> Done<()> {
    for sql in [
        "UPDATE sillok_cursors SET owner = NULL, ends_at = 0, token = token + 1
         WHERE group_name = $1 AND owner = $2",
        "DELETE FROM sillok_members WHERE group_name = $1 AND member = $2",
    ] {
        change(c, sql, &[&group.as_str(), &member]).await?;
    }
    Ok(())
}

pub(super) async fn events(
    c: &impl GenericClient,
    after: &[(Way, Cursor)],
    most: u32,
) -> Done<Vec<StoredEvent>> {
    let (topics, partitions) = split(after.iter().map(|(way, _)| way));
    let (xids, positions): (Vec<_>, Vec<_>) =
        after.iter().map(|(_, cursor)| (cursor.xid, cursor.position)).unzip();
    let sql = format!(
        "SELECT w.t, w.p, e.xid, e.position, e.id, e.subject, e.time, e.data
         FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS w (t, p, x, n, place)
         CROSS JOIN LATERAL (
            SELECT * FROM sillok_events WHERE topic = w.t AND partition = w.p AND (xid, position) > (w.x, w.n)
                AND xid < {VISIBLE} ORDER BY xid, position LIMIT $5
         ) AS e ORDER BY w.place, e.xid, e.position"
    );
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&topics, &partitions, &xids, &positions, &i64::from(most)];
    let mut found = Vec::new();
    for row in rows(c, &sql, &values).await? {
        let way = stored_way(row.try_get(0)?, row.try_get::<_, i32>(1)?.into())?;
        let event = NewEvent {
            id: row.try_get(4)?,
            topic: way.topic,
            subject: row.try_get(5)?,
            time: row.try_get(6)?,
            data: serde_json::from_str(row.try_get(7)?).map_err(|_| corrupt("an event's data"))?,
        };
        let at = Cursor { xid: row.try_get(2)?, position: row.try_get(3)? };
        found.push(StoredEvent { way, at, event });
    }
    Ok(found)
}

pub(super) async fn advance(c: &impl GenericClient, group: &Group, done: &[Held]) -> Done<()> {
    let (topics, partitions) = split(done.iter().map(|held| &held.way));
    let tokens: Vec<_> = done.iter().map(|held| held.token).collect();
    let (xids, positions): (Vec<_>, Vec<_>) = done.iter().map(|held| (held.at.xid, held.at.position)).unzip();
    let sql = "UPDATE sillok_cursors c SET xid = w.x, position = w.n
               FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::bigint[], $6::bigint[]) AS w (t, p, k, x, n)
               WHERE c.group_name = $1 AND c.topic = w.t AND c.partition = w.p AND c.token = w.k
                AND (c.xid, c.position) < (w.x, w.n)";
    change(c, sql, &[&group.as_str(), &topics, &partitions, &tokens, &xids, &positions]).await?;
    Ok(())
}

pub(super) async fn behind(c: &impl GenericClient) -> Done<Vec<Behind>> {
    let sql = format!(
        "SELECT c.group_name, c.topic, sum(b.events)::bigint, min(b.oldest) FROM sillok_cursors c
         CROSS JOIN LATERAL (
            SELECT count(*) AS events, (array_agg(time ORDER BY xid, position))[1] AS oldest FROM (
                SELECT e.time, e.xid, e.position FROM sillok_events e WHERE e.topic = c.topic
                    AND e.partition = c.partition AND (e.xid, e.position) > (c.xid, c.position)
                ORDER BY e.xid, e.position LIMIT {MOST_BEHIND}) AS e
         ) AS b GROUP BY c.group_name, c.topic ORDER BY c.group_name, c.topic"
    );
    let mut found = Vec::new();
    for row in rows(c, &sql, &[]).await? {
        let Ok(topic) = row.try_get::<_, &str>(1)?.parse::<Topic>() else { continue };
        let group = identifier(row.try_get(0)?)?;
        let events = row.try_get::<_, i64>(2)?.unsigned_abs();
        found.push(Behind { group, topic, events, oldest: row.try_get(3)? });
    }
    Ok(found)
}

pub(super) async fn prune(
    c: &impl GenericClient,
    before: i64,
    now: i64,
    only: Option<&Group>,
    most: u32,
) -> Done<u64> {
    let most = i64::from(most);
    let passed = "DELETE FROM sillok_events WHERE (topic, partition, xid, position) IN (
            SELECT topic, partition, xid, position FROM sillok_events e WHERE time < $1
                AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint AND NOT EXISTS (
                SELECT FROM sillok_cursors c WHERE c.topic = e.topic AND c.partition = e.partition
                    AND (c.xid, c.position) < (e.xid, e.position)
                    AND ($2::text IS NULL OR c.group_name = $2))
            ORDER BY time LIMIT $3)";
    let events = change(c, passed, &[&before, &only.map(Group::as_str), &most]).await?;
    // An event may be delivered for as long as it is kept.
    let old = "DELETE FROM sillok_inbox WHERE (group_name, event) IN (
            SELECT group_name, event FROM sillok_inbox WHERE handled_at < $1 ORDER BY handled_at LIMIT $2)";
    let since = before.saturating_mul(2).saturating_sub(now);
    Ok(events + change(c, old, &[&since, &most]).await?)
}

pub(super) async fn forget(c: &impl GenericClient, group: &Group) -> Done<()> {
    for table in ["sillok_cursors", "sillok_members"] {
        let sql = format!("DELETE FROM {table} WHERE group_name = $1");
        change(c, &sql, &[&group.as_str()]).await?;
    }
    Ok(())
}
