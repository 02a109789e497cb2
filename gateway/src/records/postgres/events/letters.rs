//! Dead letters.

use deadpool_postgres::GenericClient;
use tokio_postgres::{Row, types::ToSql};

use super::{NOW, tell};
use crate::{
    events::{Group, Topic},
    records::{
        DeadLetter, Discarded, LetterCount, LettersWanted, NewDeadLetter,
        execution::{corrupt, identifier},
        postgres::{
            connection::{change, row, rows, stored},
            failure::Done,
        },
    },
};

/// The columns of a [`DeadLetter`].
const LETTER: &str = "id, group_name, event, topic, content, reason, tries, buried_at, revived";

pub(super) async fn bury(c: &impl GenericClient, letter: &NewDeadLetter) -> Done<()> {
    let NewDeadLetter { group, event, topic, content, reason, tries, at } = letter;
    let sql = "INSERT INTO sillok_dead_letters AS l (group_name, event, topic, content, reason, tries, buried_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7)
               ON CONFLICT (group_name, event) DO UPDATE SET reason = excluded.reason,
                tries = l.tries + excluded.tries, buried_at = excluded.buried_at, revived = false, taken_until = 0
               RETURNING id";
    let values: [&(dyn ToSql + Sync); 7] =
        [&group.as_str(), event, &topic.name(), content, reason, &i64::from(*tries), at];
    let stored = row(c, sql, &values).await?.ok_or_else(|| corrupt("a dead letter"))?;
    tell(c, std::iter::once(&letter.told(stored.try_get(0)?))).await
}

pub(super) async fn list(c: &impl GenericClient, wanted: &LettersWanted) -> Done<Vec<DeadLetter>> {
    let LettersWanted { after, limit, group, topic } = wanted;
    let sql = "SELECT id, group_name, event, topic, ''::bytea, reason, tries, buried_at, revived
               FROM sillok_dead_letters WHERE id > $1 AND ($3::text IS NULL OR group_name = $3)
                AND ($4::text IS NULL OR topic = $4) ORDER BY id LIMIT $2";
    let (group, topic) = (group.as_ref().map(Group::as_str), topic.map(Topic::name));
    rows(c, sql, &[after, &i64::from(*limit), &group, &topic]).await?.iter().map(dead_letter).collect()
}

pub(super) async fn one(c: &impl GenericClient, id: i64) -> Done<Option<DeadLetter>> {
    let sql = format!("SELECT {LETTER} FROM sillok_dead_letters WHERE id = $1");
    row(c, &sql, &[&id]).await?.as_ref().map(dead_letter).transpose()
}

pub(super) async fn count(c: &impl GenericClient) -> Done<Vec<LetterCount>> {
    let sql = "SELECT group_name, topic, count(*) FROM sillok_dead_letters GROUP BY group_name, topic";
    let counted = |row: &Row| {
        let letters = row.try_get::<_, i64>(2)?.try_into().map_err(|_| corrupt("a count"))?;
        Ok(LetterCount { group: identifier(row.try_get(0)?)?, topic: topic_of(row.try_get(1)?)?, letters })
    };
    rows(c, sql, &[]).await?.iter().map(counted).collect()
}

pub(super) async fn revive(c: &impl GenericClient, id: i64) -> Done<bool> {
    let sql = "UPDATE sillok_dead_letters SET revived = true, taken_until = 0 WHERE id = $1";
    Ok(change(c, sql, &[&id]).await? == 1)
}

pub(super) async fn revived(
    c: &impl GenericClient,
    group: &Group,
    ttl: u64,
    limit: u32,
) -> Done<Vec<DeadLetter>> {
    let sql = format!(
        "UPDATE sillok_dead_letters SET taken_until = {NOW} + $2 WHERE id IN (
            SELECT id FROM sillok_dead_letters WHERE group_name = $1 AND revived AND taken_until <= {NOW}
            ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
         RETURNING {LETTER}"
    );
    let taken = rows(c, &sql, &[&group.as_str(), &stored(ttl)?, &i64::from(limit)]).await?;
    let mut letters = taken.iter().map(dead_letter).collect::<Done<Vec<_>>>()?;
    letters.sort_by_key(|letter| letter.id);
    Ok(letters)
}

pub(super) async fn discard(c: &impl GenericClient, id: i64, decided: Option<&Discarded>) -> Done<bool> {
    let sql = format!("DELETE FROM sillok_dead_letters WHERE id = $1 RETURNING {LETTER}");
    let Some(deleted) = row(c, &sql, &[&id]).await? else { return Ok(false) };
    if let Some(decided) = decided {
        tell(c, std::iter::once(&dead_letter(&deleted)?.told_discarded(decided))).await?;
    }
    Ok(true)
}

fn dead_letter(row: &Row) -> Done<DeadLetter> {
    let letter = NewDeadLetter {
        group: identifier(row.try_get(1)?)?,
        event: row.try_get(2)?,
        topic: topic_of(row.try_get(3)?)?,
        content: row.try_get(4)?,
        reason: row.try_get(5)?,
        tries: row.try_get::<_, i64>(6)?.try_into().map_err(|_| corrupt("a dead letter's tries"))?,
        at: row.try_get(7)?,
    };
    Ok(DeadLetter { id: row.try_get(0)?, letter, revived: row.try_get(8)? })
}

fn topic_of(name: &str) -> Done<Topic> {
    Ok(name.parse().map_err(|_| corrupt("an event's topic"))?)
}
