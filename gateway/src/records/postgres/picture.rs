//! What the database holds about a learner.

use std::collections::BTreeMap;

use deadpool_postgres::{Client, GenericClient};
use sillok_contract::id::LearnerId;
use tokio_postgres::{
    IsolationLevel, Row as Cells,
    types::{FromSql, ToSql},
};

use super::{
    connection::{rows, stored},
    failure::Done,
    value::Cell,
};
use crate::records::{
    OutboxRow, Picture, Row, Sought,
    execution::split_ids,
    picture::{OUTBOX, Selection, check_count, learners_of, merged, selections},
    schema::Schema,
};

/// In one transaction, which sees one state of the database.
pub(super) async fn picture(client: &mut Client, schema: &Schema, sought: &Sought) -> Done<Picture> {
    let transaction = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
    let transaction = transaction.read_only(true).start().await?;
    let rows = rows_of(&transaction, schema, std::slice::from_ref(&sought.learner)).await?;
    let entries = entries(&transaction, sought).await?;
    let requests = requests(&transaction, &sought.requests(&entries)).await?;
    transaction.commit().await?;
    Ok(Picture::new(rows, entries, requests))
}

/// The rows of some learners.
pub(super) async fn rows_of(
    c: &impl GenericClient,
    schema: &Schema,
    learners: &[LearnerId],
) -> Done<Vec<Row>> {
    let learners: Vec<_> = learners.iter().map(LearnerId::as_str).collect();
    let mut found = Vec::new();
    for selection in selections(schema, "= ANY($1)") {
        for cells in rows(c, &selection.sql, &[&learners]).await? {
            found.push(row(&selection, &cells)?);
            check_count(found.len())?;
        }
    }
    Ok(found)
}

/// A page of those who have rows.
pub(super) async fn learners(
    c: &impl GenericClient,
    schema: &Schema,
    after: &str,
    limit: u32,
) -> Done<Vec<String>> {
    let mut found = Vec::new();
    for sql in learners_of(schema, "COLLATE \"C\"") {
        for row in rows(c, &sql, &[&after, &i64::from(limit)]).await? {
            found.push(row.try_get(0)?);
        }
    }
    Ok(merged(found, limit))
}

fn row(selection: &Selection<'_>, cells: &Cells) -> Done<Row> {
    Ok(selection.row(|index, column_type| cells.try_get::<_, Cell>(index).ok()?.of(column_type))?)
}

async fn entries(c: &impl GenericClient, sought: &Sought) -> Done<Vec<OutboxRow>> {
    let learner = sought.learner.as_str();
    let recorded: Vec<_> = sought.recorded.iter().map(|id| &id.0[..]).collect();
    let mut found = outbox(c, "id = ANY($1)", &[&recorded]).await?;
    found.extend(outbox(c, "learner = $1 AND batch IS NULL AND code IS NULL", &[&learner]).await?);
    found.extend(outbox(c, "learner = $1 AND code IS NOT NULL", &[&learner]).await?);
    for (school, sequence) in &sought.heads {
        let sql = "SELECT entries FROM sillok_batches WHERE school = $1 AND sequence > $2";
        for batch in rows(c, sql, &[&school.as_str(), &stored(*sequence)?]).await? {
            let ids = split_ids(batch.try_get(0)?)?;
            let ids: Vec<_> = ids.iter().map(|id| &id.0[..]).collect();
            found.extend(outbox(c, "id = ANY($1) AND learner = $2", &[&ids, &learner]).await?);
        }
    }
    Ok(found)
}

/// Entries by a condition.
pub(super) async fn outbox(
    c: &impl GenericClient,
    condition: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Done<Vec<OutboxRow>> {
    let rows = rows(c, &format!("SELECT {OUTBOX} FROM sillok_entries WHERE {condition}"), values).await?;
    let read = |row: &Cells| {
        Ok(OutboxRow {
            number: row.try_get(0)?,
            id: row.try_get(1)?,
            school: row.try_get(2)?,
            learner: row.try_get(3)?,
            educator: row.try_get(4)?,
            request: row.try_get(5)?,
            bytes: row.try_get(6)?,
            executed_at: row.try_get(7)?,
            batch: row.try_get(8)?,
            leaf: row.try_get::<_, Option<i32>>(9)?.map(i64::from),
            code: row.try_get(10)?,
        })
    };
    rows.iter().map(read).collect()
}

async fn requests(c: &impl GenericClient, digests: &[Vec<u8>]) -> Done<BTreeMap<Vec<u8>, String>> {
    let sql = "SELECT digest, jws FROM sillok_requests WHERE digest = ANY($1)";
    let mut found = BTreeMap::new();
    for row in rows(c, sql, &[&digests]).await? {
        found.insert(row.try_get(0)?, row.try_get(1)?);
    }
    Ok(found)
}

/// A page of pairs, after a key.
pub(super) async fn page<T: for<'a> FromSql<'a>>(
    c: &impl GenericClient,
    sql: &str,
    after: &[u8],
    limit: u32,
) -> Done<Vec<(Vec<u8>, T)>> {
    let rows = rows(c, sql, &[&after, &i64::from(limit)]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
