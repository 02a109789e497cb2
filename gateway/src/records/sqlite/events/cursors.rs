//! How far groups are, and what is behind it.

use rusqlite::{Connection, TransactionBehavior, params};

use super::NOW;
use crate::{
    events::{Group, NewEvent, PARTITIONS, Topic},
    records::{
        Ask, Behind, Cursor, Held, RecordsError, Result, StoredEvent, Way,
        events::{Kept, MOST_BEHIND, Share, stored_way},
        execution::{corrupt, identifier},
        sqlite::connection::away,
    },
};

pub(super) fn hold(connection: &mut Connection, ask: &Ask) -> Result<Vec<Held>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    let members = join(&transaction, ask)?;
    let share = Share::of(ask, &kept(&transaction, ask)?, members);
    let group = ask.group.as_str();
    let set = |sql: &str, ways: &[Way]| {
        let mut set = transaction.prepare_cached(sql).map_err(away)?;
        for Way { topic, partition } in ways {
            set.execute(params![ask.member, ask.ttl_ms, group, topic.name(), partition]).map_err(away)?;
        }
        Ok::<_, RecordsError>(())
    };
    let of = "WHERE group_name = ?3 AND topic = ?4 AND partition = ?5";
    let until = format!("ends_at = {NOW} + ?2");
    let keep = format!("UPDATE sillok_cursors SET {until}, owner = ?1 {of}");
    set(&keep, &share.keep)?;
    set(&keep, &share.leave)?;
    set(&format!("UPDATE sillok_cursors SET {until}, owner = ?1, token = token + 1 {of}"), &share.take)?;
    set(
        &format!("UPDATE sillok_cursors SET owner = NULL, ends_at = 0, token = token + 1 {of}"),
        &share.give,
    )?;
    let mut held = kept(&transaction, ask)?;
    held.retain(|kept| kept.owner.as_ref() == Some(&ask.member));
    transaction.commit().map_err(away)?;
    let leaving = |held: Held| Held { leaving: share.leave.contains(&held.way), ..held };
    Ok(held.into_iter().map(|kept| leaving(kept.held)).collect())
}

/// The member takes part; how many do. The group's ways are there after this.
fn join(connection: &Connection, ask: &Ask) -> Result<usize> {
    let group = ask.group.as_str();
    let gone = format!("DELETE FROM sillok_members WHERE group_name = ?1 AND ends_at <= {NOW}");
    connection.execute(&gone, [group]).map_err(away)?;
    let join = format!(
        "INSERT INTO sillok_members (group_name, member, ends_at) VALUES (?1, ?2, {NOW} + ?3)
         ON CONFLICT DO UPDATE SET ends_at = excluded.ends_at"
    );
    connection.execute(&join, params![group, ask.member, ask.ttl_ms]).map_err(away)?;
    let mut way = connection
        .prepare_cached(
            "INSERT INTO sillok_cursors (group_name, topic, partition) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )
        .map_err(away)?;
    for topic in &ask.topics {
        for partition in 0..PARTITIONS {
            way.execute(params![group, topic.name(), partition]).map_err(away)?;
        }
    }
    let count = "SELECT count(*) FROM sillok_members WHERE group_name = ?1";
    connection.query_row(count, [group], |row| row.get(0)).map_err(away)
}

/// The ways that the member asks for, in order.
fn kept(connection: &Connection, ask: &Ask) -> Result<Vec<Kept>> {
    let sql = format!(
        "SELECT topic, partition, position, token, CASE WHEN ends_at > {NOW} THEN owner END
         FROM sillok_cursors WHERE group_name = ?1 ORDER BY topic, partition"
    );
    let mut select = connection.prepare_cached(&sql).map_err(away)?;
    let mut rows = select.query([ask.group.as_str()]).map_err(away)?;
    let mut kept = Vec::new();
    while let Some(row) = rows.next().map_err(away)? {
        let topic: String = row.get(0).map_err(away)?;
        // What an older version handled may have no name any more.
        let Ok(way) = stored_way(&topic, row.get(1).map_err(away)?) else { continue };
        if ask.topics.contains(&way.topic) {
            let at = place(row.get(2).map_err(away)?);
            let held = Held { way, token: row.get(3).map_err(away)?, at, leaving: false };
            kept.push(Kept { held, owner: row.get(4).map_err(away)? });
        }
    }
    Ok(kept)
}

fn place(position: i64) -> Cursor {
    Cursor { xid: 0, position }
}

pub(super) fn leave(connection: &mut Connection, group: &Group, member: &str) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    for sql in [
        "UPDATE sillok_cursors SET owner = NULL, ends_at = 0, token = token + 1
         WHERE group_name = ?1 AND owner = ?2",
        "DELETE FROM sillok_members WHERE group_name = ?1 AND member = ?2",
    ] {
        transaction.execute(sql, [group.as_str(), member]).map_err(away)?;
    }
    transaction.commit().map_err(away)
}

pub(super) fn events(
    connection: &mut Connection,
    after: &[(Way, Cursor)],
    most: u32,
) -> Result<Vec<StoredEvent>> {
    let sql = "SELECT position, id, subject, time, data FROM sillok_events
               WHERE topic = ?1 AND partition = ?2 AND position > ?3 ORDER BY position LIMIT ?4";
    // All ways as of one moment.
    let transaction = connection.transaction().map_err(away)?;
    let mut select = transaction.prepare_cached(sql).map_err(away)?;
    let mut found = Vec::new();
    for (way, cursor) in after {
        let values = params![way.topic.name(), way.partition, cursor.position, most];
        let mut rows = select.query(values).map_err(away)?;
        while let Some(row) = rows.next().map_err(away)? {
            let data: String = row.get(4).map_err(away)?;
            let event = NewEvent {
                id: row.get(1).map_err(away)?,
                topic: way.topic,
                subject: row.get(2).map_err(away)?,
                time: row.get(3).map_err(away)?,
                data: serde_json::from_str(&data).map_err(|_| corrupt("an event's data"))?,
            };
            found.push(StoredEvent { way: *way, at: place(row.get(0).map_err(away)?), event });
        }
    }
    Ok(found)
}

pub(super) fn advance(connection: &mut Connection, group: &Group, done: &[Held]) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    let sql = "UPDATE sillok_cursors SET position = ?5
               WHERE group_name = ?1 AND topic = ?2 AND partition = ?3 AND token = ?4 AND position < ?5";
    for Held { way, token, at, .. } in done {
        let values = params![group.as_str(), way.topic.name(), way.partition, token, at.position];
        transaction.prepare_cached(sql).and_then(|mut set| set.execute(values)).map_err(away)?;
    }
    transaction.commit().map_err(away)
}

pub(super) fn behind(connection: &Connection) -> Result<Vec<Behind>> {
    let sql = format!(
        "WITH behind AS (
            SELECT group_name, topic,
                (SELECT count(*) FROM (SELECT 1 FROM sillok_events e WHERE e.topic = c.topic
                    AND e.partition = c.partition AND e.position > c.position LIMIT {MOST_BEHIND})) AS events,
                (SELECT time FROM sillok_events e WHERE e.topic = c.topic AND e.partition = c.partition
                    AND e.position > c.position ORDER BY e.position LIMIT 1) AS oldest
            FROM sillok_cursors c
         ) SELECT group_name, topic, sum(events), min(oldest) FROM behind GROUP BY group_name, topic
           ORDER BY group_name, topic"
    );
    let mut select = connection.prepare_cached(&sql).map_err(away)?;
    let mut rows = select.query([]).map_err(away)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(away)? {
        let topic: String = row.get(1).map_err(away)?;
        if let Ok(topic) = topic.parse::<Topic>() {
            let group = identifier(row.get(0).map_err(away)?)?;
            let (events, oldest) = (row.get(2).map_err(away)?, row.get(3).map_err(away)?);
            found.push(Behind { group, topic, events, oldest });
        }
    }
    Ok(found)
}

pub(super) fn prune(
    connection: &mut Connection,
    before: i64,
    now: i64,
    only: Option<&Group>,
    most: u32,
) -> Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    let events = transaction
        .execute(
            "DELETE FROM sillok_events WHERE position IN (
                SELECT position FROM sillok_events e WHERE time < ?1 AND NOT EXISTS (
                    SELECT 1 FROM sillok_cursors c WHERE c.topic = e.topic AND c.partition = e.partition
                        AND c.position < e.position AND (?2 IS NULL OR c.group_name = ?2))
                ORDER BY time LIMIT ?3)",
            params![before, only.map(Group::as_str), most],
        )
        .map_err(away)?;
    // An event may be delivered for as long as it is kept.
    let marks = transaction
        .execute(
            "DELETE FROM sillok_inbox WHERE rowid IN (
                SELECT rowid FROM sillok_inbox WHERE handled_at < ?1 ORDER BY handled_at LIMIT ?2)",
            params![before.saturating_mul(2).saturating_sub(now), most],
        )
        .map_err(away)?;
    transaction.commit().map_err(away)?;
    Ok((events + marks) as u64)
}

pub(super) fn forget(connection: &mut Connection, group: &Group) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    for table in ["sillok_cursors", "sillok_members"] {
        let sql = format!("DELETE FROM {table} WHERE group_name = ?1");
        transaction.execute(&sql, [group.as_str()]).map_err(away)?;
    }
    transaction.commit().map_err(away)
}
