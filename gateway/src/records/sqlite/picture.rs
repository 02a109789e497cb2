//! What the database holds about a learner.

use std::collections::BTreeMap;

use rusqlite::{Connection, Params, Row as Cells, TransactionBehavior, params, types::FromSql};
use sillok_contract::{entry::EntryId, id::LearnerId};

use super::{connection::away, statement::value};
use crate::records::{
    OutboxRow, Picture, Result, Row, Sought,
    execution::split_ids,
    picture::{OUTBOX, Selection, check_count, learners_of, merged, selections},
    schema::Schema,
};

/// In one transaction, which sees one state of the database.
pub(super) fn picture(connection: &mut Connection, schema: &Schema, sought: &Sought) -> Result<Picture> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred).map_err(away)?;
    let rows = rows_of(&transaction, schema, std::slice::from_ref(&sought.learner))?;
    let entries = entries(&transaction, sought)?;
    let requests = requests(&transaction, &sought.requests(&entries))?;
    Ok(Picture::new(rows, entries, requests))
}

/// The rows of some learners.
pub(super) fn rows_of(connection: &Connection, schema: &Schema, learners: &[LearnerId]) -> Result<Vec<Row>> {
    let mut found = Vec::new();
    for selection in selections(schema, "= ?1") {
        let mut select = connection.prepare_cached(&selection.sql).map_err(away)?;
        for learner in learners {
            let mut cells = select.query([learner.as_str()]).map_err(away)?;
            while let Some(cells) = cells.next().map_err(away)? {
                found.push(row(&selection, cells)?);
                check_count(found.len())?;
            }
        }
    }
    Ok(found)
}

/// A page of those who have rows.
pub(super) fn learners(
    connection: &Connection,
    schema: &Schema,
    after: &str,
    limit: u32,
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for sql in learners_of(schema, "COLLATE BINARY") {
        let mut select = connection.prepare_cached(&sql).map_err(away)?;
        let rows = select.query_map(params![after, limit], |row| row.get(0)).map_err(away)?;
        for learner in rows {
            found.push(learner.map_err(away)?);
        }
    }
    Ok(merged(found, limit))
}

fn row(selection: &Selection<'_>, cells: &Cells<'_>) -> Result<Row> {
    selection.row(|index, column_type| value(cells.get_ref(index).ok()?, column_type))
}

fn entries(connection: &Connection, sought: &Sought) -> Result<Vec<OutboxRow>> {
    let learner = sought.learner.as_str();
    let mut found = Vec::new();
    found.extend(outbox_of(connection, &sought.recorded)?);
    found.extend(outbox(connection, "learner = ?1 AND batch IS NULL AND code IS NULL", [learner])?);
    found.extend(outbox(connection, "learner = ?1 AND code IS NOT NULL", [learner])?);
    for (school, sequence) in &sought.heads {
        let sql = "SELECT entries FROM sillok_batches WHERE school = ?1 AND sequence > ?2";
        let mut select = connection.prepare_cached(sql).map_err(away)?;
        let batches = select.query_map(params![school.as_str(), sequence], |row| row.get::<_, Vec<u8>>(0));
        for ids in batches.map_err(away)? {
            for id in split_ids(&ids.map_err(away)?)? {
                found.extend(outbox(connection, "id = ?1 AND learner = ?2", params![id.0, learner])?);
            }
        }
    }
    Ok(found)
}

/// Entries by their ids.
pub(super) fn outbox_of(connection: &Connection, ids: &[EntryId]) -> Result<Vec<OutboxRow>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(outbox(connection, "id = ?1", params![id.0])?);
    }
    Ok(found)
}

/// Entries by a condition.
fn outbox(connection: &Connection, condition: &str, values: impl Params) -> Result<Vec<OutboxRow>> {
    let sql = format!("SELECT {OUTBOX} FROM sillok_entries WHERE {condition}");
    let mut select = connection.prepare_cached(&sql).map_err(away)?;
    let read = |row: &Cells<'_>| {
        Ok(OutboxRow {
            number: row.get(0)?,
            id: row.get(1)?,
            school: row.get(2)?,
            learner: row.get(3)?,
            educator: row.get(4)?,
            request: row.get(5)?,
            bytes: row.get(6)?,
            executed_at: row.get(7)?,
            batch: row.get(8)?,
            leaf: row.get(9)?,
            code: row.get(10)?,
        })
    };
    let found = select.query_map(values, read).map_err(away)?;
    found.map(|row| row.map_err(away)).collect()
}

fn requests(connection: &Connection, digests: &[Vec<u8>]) -> Result<BTreeMap<Vec<u8>, String>> {
    let mut select =
        connection.prepare_cached("SELECT jws FROM sillok_requests WHERE digest = ?1").map_err(away)?;
    let mut found = BTreeMap::new();
    for digest in digests {
        let rows = select.query_map([digest], |row| row.get(0)).map_err(away)?;
        for jws in rows {
            found.insert(digest.clone(), jws.map_err(away)?);
        }
    }
    Ok(found)
}

/// A page of pairs, after a key.
pub(super) fn page<T: FromSql>(
    connection: &Connection,
    sql: &str,
    after: &[u8],
    limit: u32,
) -> Result<Vec<(Vec<u8>, T)>> {
    let mut select = connection.prepare_cached(sql).map_err(away)?;
    let rows = select.query_map(params![after, limit], |row| Ok((row.get(0)?, row.get(1)?))).map_err(away)?;
    rows.map(|row| row.map_err(away)).collect()
}
