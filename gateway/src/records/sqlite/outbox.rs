//! Requests, entries and what is read of batches.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use sillok_contract::{
    entry::EntryId,
    id::{EducatorId, SchoolId},
};

use super::{Limits, connection::away, statement};
use crate::records::{
    Admitted, Backlog, EntryStatus, Executed, RecordsError, Result, Statement, StoredBatch, StoredEntry,
    StoredRequest,
    execution::{
        BATCH, ENTRY, Execution, UNRECORDED, corrupt, identifier, repeated, split_ids, within_bytes,
    },
    rows::Allowance,
    schema::Schema,
};

/// One request in one transaction. `now` gives none when nobody waits for the outcome any more.
pub(super) fn execute(
    connection: &mut Connection,
    schema: &Schema,
    request: &Admitted,
    limits: &Limits,
    now: &dyn Fn() -> Option<i64>,
) -> Result<Executed> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    if let Some(executed) = before(&transaction, request)? {
        return Ok(executed);
    }
    let mut execution = Execution::new(schema, request);
    let allowance = Allowance::new(limits.rows);
    for (index, query) in request.queries.iter().enumerate() {
        let rows = statement::run(&transaction, index as u32, &query.statement, limits, &allowance)?;
        let Some(now) = now() else {
            return Err(RecordsError::Unavailable("nobody waits for the outcome".to_owned()));
        };
        execution.executed(query, rows, now)?;
    }
    store(&transaction, request, &execution)?;
    transaction.commit().map_err(away)?;
    Ok(Executed { outcome: execution.outcome, before: None })
}

/// Statements alone in one transaction; gives how many rows they gave.
pub(super) fn execute_alone(
    connection: &mut Connection,
    statements: &[Statement],
    limits: &Limits,
) -> Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    let allowance = Allowance::new(limits.rows);
    let mut rows = 0;
    for (statement, index) in statements.iter().zip(0..) {
        rows += statement::run(&transaction, index, statement, limits, &allowance)?.len() as u64;
    }
    transaction.commit().map_err(away)?;
    Ok(rows)
}

/// What came of the request if it was executed before. Nobody else writes meanwhile.
fn before(connection: &Connection, request: &Admitted) -> Result<Option<Executed>> {
    let row: Option<(Vec<u8>, Vec<u8>, Vec<u8>)> = connection
        .query_row(
            "SELECT content, digest, outcome FROM sillok_requests WHERE educator = ?1 AND jti = ?2",
            params![request.educator.as_str(), request.jti],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()
        .map_err(away)?;
    row.map(|(content, digest, outcome)| repeated(request, &content, &digest, &outcome)).transpose()
}

fn store(connection: &Connection, request: &Admitted, execution: &Execution<'_>) -> Result<()> {
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO sillok_entries (id, school, learner, educator, request, bytes, executed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .map_err(away)?;
    let (school, educator) = (request.school.as_str(), request.educator.as_str());
    for entry in &execution.entries {
        let values = params![
            entry.id.0,
            school,
            entry.learner,
            educator,
            request.digest,
            entry.bytes,
            entry.executed_at
        ];
        insert.execute(values).map_err(away)?;
    }
    let outcome = serde_json::to_vec(&execution.outcome).map_err(|_| corrupt("an outcome"))?;
    connection
        .execute(
            "INSERT INTO sillok_requests (educator, jti, content, digest, jws, school, outcome)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![educator, request.jti, request.content, request.digest, request.jws, school, outcome],
        )
        .map_err(away)?;
    Ok(())
}

pub(super) fn used(connection: &Connection, educator: &EducatorId, jti: &str) -> Result<Option<[u8; 32]>> {
    let sql = "SELECT content FROM sillok_requests WHERE educator = ?1 AND jti = ?2";
    connection.query_row(sql, params![educator.as_str(), jti], |row| row.get(0)).optional().map_err(away)
}

pub(super) fn request(connection: &Connection, digest: &[u8; 32]) -> Result<Option<StoredRequest>> {
    let row: Option<(String, String, String, Vec<u8>)> = connection
        .query_row(
            "SELECT jws, educator, school, outcome FROM sillok_requests WHERE digest = ?1",
            [digest],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()
        .map_err(away)?;
    let Some((jws, educator, school, outcome)) = row else { return Ok(None) };
    let outcome = serde_json::from_slice(&outcome).map_err(|_| corrupt("an outcome"))?;
    Ok(Some(StoredRequest { jws, educator: identifier(educator)?, school: identifier(school)?, outcome }))
}

pub(super) fn entries_of(connection: &Connection, ids: &[EntryId]) -> Result<Vec<StoredEntry>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(entries(connection, "id = ?1", params![id.0])?);
    }
    Ok(found)
}

pub(super) fn set_aside(connection: &Connection, limit: u32) -> Result<Vec<StoredEntry>> {
    entries(connection, "code IS NOT NULL ORDER BY number LIMIT ?1", params![limit])
}

/// The entries, and the compact JWS of each request by its digest.
type Pending = (Vec<StoredEntry>, Vec<([u8; 32], String)>);

pub(super) fn pending(connection: &Connection, school: &SchoolId, count: u32, bytes: u64) -> Result<Pending> {
    let waiting = "school = ?1 AND batch IS NULL AND code IS NULL ORDER BY number LIMIT ?2";
    let entries = entries(connection, waiting, params![school.as_str(), count])?;
    let entries = within_bytes(entries, bytes, |entry| entry.bytes.len());
    let mut digests: Vec<_> = entries.iter().map(|entry| entry.request).collect();
    digests.sort_unstable();
    digests.dedup();
    let mut select =
        connection.prepare_cached("SELECT jws FROM sillok_requests WHERE digest = ?1").map_err(away)?;
    let jws = |digest: [u8; 32]| Ok((digest, select.query_row([digest], |row| row.get(0)).map_err(away)?));
    let requests = digests.into_iter().map(jws).collect::<Result<_>>()?;
    Ok((entries, requests))
}

pub(super) fn backlog(connection: &Connection) -> Result<Vec<Backlog>> {
    let sql = "SELECT school, sum(pending), max(oldest), sum(in_flight) FROM (
            SELECT school, count(*) AS pending, min(executed_at) AS oldest, 0 AS in_flight
            FROM sillok_entries WHERE batch IS NULL AND code IS NULL GROUP BY school
            UNION ALL SELECT school, 0, NULL, 1 FROM sillok_batches WHERE receipt IS NULL
        ) GROUP BY school ORDER BY school";
    let mut select = connection.prepare_cached(sql).map_err(away)?;
    let rows = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, i64>(3)? > 0)))
        .map_err(away)?;
    let backlog = |row: rusqlite::Result<(String, i64, Option<i64>, bool)>| {
        let (school, pending, oldest, in_flight) = row.map_err(away)?;
        Ok(Backlog { school: identifier(school)?, pending: pending.unsigned_abs(), oldest, in_flight })
    };
    rows.map(backlog).collect()
}

pub(super) fn unrecorded(connection: &Connection) -> Result<u64> {
    let count: i64 = connection
        .prepare_cached(UNRECORDED)
        .and_then(|mut select| select.query_row([], |row| row.get(0)))
        .map_err(away)?;
    Ok(count.unsigned_abs())
}

/// Entries by a condition.
fn entries(
    connection: &Connection,
    condition: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<StoredEntry>> {
    let sql = format!("SELECT {ENTRY} FROM sillok_entries e WHERE {condition}");
    let mut select = connection.prepare_cached(&sql).map_err(away)?;
    let mut rows = select.query(values).map_err(away)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(away)? {
        found.push(stored_entry(row)?);
    }
    Ok(found)
}

fn stored_entry(row: &Row<'_>) -> Result<StoredEntry> {
    Ok(StoredEntry {
        number: row.get(0).map_err(away)?,
        id: EntryId(row.get(1).map_err(away)?),
        school: identifier(row.get(2).map_err(away)?)?,
        learner: identifier(row.get(3).map_err(away)?)?,
        educator: identifier(row.get(4).map_err(away)?)?,
        request: row.get(5).map_err(away)?,
        bytes: row.get(6).map_err(away)?,
        executed_at: row.get(7).map_err(away)?,
        status: match row.get::<_, i64>(8).map_err(away)? {
            0 => EntryStatus::Pending,
            1 => EntryStatus::Recorded {
                sequence: row.get(9).map_err(away)?,
                index: row.get(10).map_err(away)?,
            },
            _ => {
                EntryStatus::SetAside { code: row.get(11).map_err(away)?, reason: row.get(12).map_err(away)? }
            }
        },
    })
}

/// Batches by a condition.
pub(super) fn batches(
    connection: &Connection,
    condition: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<StoredBatch>> {
    let sql = format!("SELECT {BATCH} FROM sillok_batches WHERE {condition}");
    let mut select = connection.prepare_cached(&sql).map_err(away)?;
    let mut rows = select.query(values).map_err(away)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(away)? {
        found.push(stored_batch(row)?);
    }
    Ok(found)
}

fn stored_batch(row: &Row<'_>) -> Result<StoredBatch> {
    let transaction: Option<String> = row.get(5).map_err(away)?;
    let envelope: Option<Vec<u8>> = row.get(6).map_err(away)?;
    let receipt: Option<Vec<u8>> = row.get(7).map_err(away)?;
    let block: Option<u64> = row.get(8).map_err(away)?;
    Ok(StoredBatch {
        school: identifier(row.get(0).map_err(away)?)?,
        sequence: row.get(1).map_err(away)?,
        header: row.get(2).map_err(away)?,
        entries: split_ids(&row.get::<_, Vec<u8>>(3).map_err(away)?)?,
        body: row.get(4).map_err(away)?,
        submitted: transaction.zip(envelope),
        recorded: receipt.zip(block),
    })
}
