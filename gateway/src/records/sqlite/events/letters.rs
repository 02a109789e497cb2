//! Dead letters.

use rusqlite::{Connection, Row, TransactionBehavior, params};

use super::{NOW, tell};
use crate::{
    events::{Group, Topic},
    records::{
        DeadLetter, Discarded, LetterCount, LettersWanted, NewDeadLetter, Result,
        execution::{corrupt, identifier},
        sqlite::connection::away,
    },
};

/// The columns of a [`DeadLetter`].
const LETTER: &str = "id, group_name, event, topic, content, reason, tries, buried_at, revived";

pub(super) fn bury(connection: &mut Connection, letter: &NewDeadLetter) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    let NewDeadLetter { group, event, topic, content, reason, tries, at } = letter;
    let id = transaction
        .query_row(
            "INSERT INTO sillok_dead_letters (group_name, event, topic, content, reason, tries, buried_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (group_name, event) DO UPDATE SET reason = excluded.reason,
                tries = tries + excluded.tries, buried_at = excluded.buried_at, revived = 0, taken_until = 0
             RETURNING id",
            params![group.as_str(), event, topic.name(), content, reason, tries, at],
            |row| row.get(0),
        )
        .map_err(away)?;
    tell(&transaction, &[letter.told(id)])?;
    transaction.commit().map_err(away)
}

pub(super) fn list(connection: &Connection, wanted: &LettersWanted) -> Result<Vec<DeadLetter>> {
    let LettersWanted { after, limit, group, topic } = wanted;
    let sql = "SELECT id, group_name, event, topic, x'', reason, tries, buried_at, revived FROM sillok_dead_letters
               WHERE id > ?1 AND (?3 IS NULL OR group_name = ?3) AND (?4 IS NULL OR topic = ?4) ORDER BY id LIMIT ?2";
    let (group, topic) = (group.as_ref().map(Group::as_str), topic.map(Topic::name));
    letters(connection, sql, params![after, limit, group, topic])
}

pub(super) fn one(connection: &Connection, id: i64) -> Result<Option<DeadLetter>> {
    let sql = format!("SELECT {LETTER} FROM sillok_dead_letters WHERE id = ?1");
    Ok(letters(connection, &sql, [id])?.pop())
}

pub(super) fn count(connection: &Connection) -> Result<Vec<LetterCount>> {
    let sql = "SELECT group_name, topic, count(*) FROM sillok_dead_letters GROUP BY group_name, topic";
    let mut select = connection.prepare_cached(sql).map_err(away)?;
    let mut rows = select.query([]).map_err(away)?;
    let mut counts = Vec::new();
    while let Some(row) = rows.next().map_err(away)? {
        counts.push(LetterCount {
            group: identifier(row.get(0).map_err(away)?)?,
            topic: topic_of(row.get(1).map_err(away)?)?,
            letters: row.get(2).map_err(away)?,
        });
    }
    Ok(counts)
}

pub(super) fn revive(connection: &Connection, id: i64) -> Result<bool> {
    let sql = "UPDATE sillok_dead_letters SET revived = 1, taken_until = 0 WHERE id = ?1";
    Ok(connection.execute(sql, [id]).map_err(away)? == 1)
}

pub(super) fn revived(
    connection: &Connection,
    group: &Group,
    ttl: u64,
    limit: u32,
) -> Result<Vec<DeadLetter>> {
    let sql = format!(
        "UPDATE sillok_dead_letters SET taken_until = {NOW} + ?2 WHERE id IN (
            SELECT id FROM sillok_dead_letters WHERE group_name = ?1 AND revived AND taken_until <= {NOW}
            ORDER BY id LIMIT ?3)
         RETURNING {LETTER}"
    );
    letters(connection, &sql, params![group.as_str(), ttl, limit])
}

pub(super) fn discard(connection: &mut Connection, id: i64, decided: Option<&Discarded>) -> Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    let sql = format!("DELETE FROM sillok_dead_letters WHERE id = ?1 RETURNING {LETTER}");
    let Some(letter) = letters(&transaction, &sql, [id])?.pop() else { return Ok(false) };
    if let Some(decided) = decided {
        tell(&transaction, &[letter.told_discarded(decided)])?;
    }
    transaction.commit().map_err(away)?;
    Ok(true)
}

fn letters(connection: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<Vec<DeadLetter>> {
    let mut select = connection.prepare_cached(sql).map_err(away)?;
    let mut rows = select.query(values).map_err(away)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(away)? {
        found.push(dead_letter(row)?);
    }
    found.sort_by_key(|letter| letter.id);
    Ok(found)
}

fn dead_letter(row: &Row<'_>) -> Result<DeadLetter> {
    let letter = NewDeadLetter {
        group: identifier(row.get(1).map_err(away)?)?,
        event: row.get(2).map_err(away)?,
        topic: topic_of(row.get(3).map_err(away)?)?,
        content: row.get(4).map_err(away)?,
        reason: row.get(5).map_err(away)?,
        tries: row.get(6).map_err(away)?,
        at: row.get(7).map_err(away)?,
    };
    Ok(DeadLetter { id: row.get(0).map_err(away)?, letter, revived: row.get(8).map_err(away)? })
}

fn topic_of(name: String) -> Result<Topic> {
    name.parse().map_err(|_| corrupt("an event's topic"))
}
