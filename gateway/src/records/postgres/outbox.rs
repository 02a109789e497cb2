//! Requests, entries and what is read of batches.

use deadpool_postgres::GenericClient;
use sillok_contract::{
    entry::EntryId,
    id::{EducatorId, SchoolId},
};
use tokio_postgres::{Row, types::ToSql};

use super::{
    connection::{row, rows},
    failure::Done,
};
use crate::records::{
    Backlog, EntryStatus, StoredBatch, StoredEntry, StoredRequest,
    execution::{BATCH, ENTRY, UNRECORDED, corrupt, hash, identifier, split_ids, within_bytes},
};

pub(super) async fn used(c: &impl GenericClient, educator: &EducatorId, jti: &str) -> Done<Option<[u8; 32]>> {
    let sql = "SELECT content FROM sillok_requests WHERE educator = $1 AND jti = $2";
    let Some(row) = row(c, sql, &[&educator.as_str(), &jti]).await? else { return Ok(None) };
    Ok(Some(hash(row.try_get(0)?)?))
}

pub(super) async fn request(c: &impl GenericClient, digest: &[u8; 32]) -> Done<Option<StoredRequest>> {
    let sql = "SELECT jws, educator, school, outcome FROM sillok_requests WHERE digest = $1";
    let Some(row) = row(c, sql, &[&&digest[..]]).await? else { return Ok(None) };
    Ok(Some(StoredRequest {
        jws: row.try_get(0)?,
        educator: identifier(row.try_get(1)?)?,
        school: identifier(row.try_get(2)?)?,
        outcome: serde_json::from_slice(row.try_get(3)?).map_err(|_| corrupt("an outcome"))?,
    }))
}

/// The entries, and the compact JWS of each request by its digest.
type Pending = (Vec<StoredEntry>, Vec<([u8; 32], String)>);

pub(super) async fn pending(
    c: &impl GenericClient,
    school: &SchoolId,
    count: u32,
    bytes: u64,
) -> Done<Pending> {
    let waiting = "school = $1 AND batch IS NULL AND code IS NULL ORDER BY number LIMIT $2";
    let entries = entries(c, waiting, &[&school.as_str(), &i64::from(count)]).await?;
    let entries = within_bytes(entries, bytes, |entry| entry.bytes.len());
    let mut digests: Vec<_> = entries.iter().map(|entry| &entry.request[..]).collect();
    digests.sort_unstable();
    digests.dedup();
    let sql = "SELECT digest, jws FROM sillok_requests WHERE digest = ANY($1)";
    let mut requests = Vec::new();
    for row in rows(c, sql, &[&digests]).await? {
        requests.push((hash(row.try_get(0)?)?, row.try_get(1)?));
    }
    Ok((entries, requests))
}

pub(super) async fn backlog(c: &impl GenericClient) -> Done<Vec<Backlog>> {
    let sql = "SELECT school, sum(pending)::bigint, max(oldest), sum(in_flight) > 0 FROM (
            SELECT school, count(*) AS pending, min(executed_at) AS oldest, 0 AS in_flight
            FROM sillok_entries WHERE batch IS NULL AND code IS NULL GROUP BY school
            UNION ALL SELECT school, 0, NULL, 1 FROM sillok_batches WHERE receipt IS NULL
        ) AS waiting GROUP BY school ORDER BY school";
    let mut found = Vec::new();
    for row in rows(c, sql, &[]).await? {
        found.push(Backlog {
            school: identifier(row.try_get(0)?)?,
            pending: row.try_get::<_, i64>(1)?.unsigned_abs(),
            oldest: row.try_get(2)?,
            in_flight: row.try_get(3)?,
        });
    }
    Ok(found)
}

pub(super) async fn unrecorded(c: &impl GenericClient) -> Done<u64> {
    let count = row(c, UNRECORDED, &[]).await?;
    Ok(count.map_or(Ok(0), |count| count.try_get::<_, i64>(0))?.unsigned_abs())
}

/// Entries by a condition.
pub(super) async fn entries(
    c: &impl GenericClient,
    condition: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Done<Vec<StoredEntry>> {
    let rows = rows(c, &format!("SELECT {ENTRY} FROM sillok_entries e WHERE {condition}"), values).await?;
    rows.iter().map(stored_entry).collect()
}

fn stored_entry(row: &Row) -> Done<StoredEntry> {
    Ok(StoredEntry {
        number: row.try_get(0)?,
        id: EntryId(hash(row.try_get(1)?)?),
        school: identifier(row.try_get(2)?)?,
        learner: identifier(row.try_get(3)?)?,
        educator: identifier(row.try_get(4)?)?,
        request: hash(row.try_get(5)?)?,
        bytes: row.try_get(6)?,
        executed_at: row.try_get(7)?,
        status: match row.try_get::<_, i32>(8)? {
            0 => EntryStatus::Pending,
            1 => EntryStatus::Recorded {
                sequence: row.try_get::<_, i64>(9)?.unsigned_abs(),
                index: row.try_get::<_, i32>(10)?.unsigned_abs(),
            },
            _ => EntryStatus::SetAside { code: row.try_get(11)?, reason: row.try_get(12)? },
        },
    })
}

/// Batches by a condition.
pub(super) async fn batches(
    c: &impl GenericClient,
    condition: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Done<Vec<StoredBatch>> {
    let rows = rows(c, &format!("SELECT {BATCH} FROM sillok_batches WHERE {condition}"), values).await?;
    rows.iter().map(stored_batch).collect()
}

fn stored_batch(row: &Row) -> Done<StoredBatch> {
    let transaction: Option<String> = row.try_get(5)?;
    let block: Option<i64> = row.try_get(8)?;
    Ok(StoredBatch {
        school: identifier(row.try_get(0)?)?,
        sequence: row.try_get::<_, i64>(1)?.unsigned_abs(),
        header: row.try_get(2)?,
        entries: split_ids(row.try_get(3)?)?,
        body: row.try_get(4)?,
        submitted: transaction.zip(row.try_get(6)?),
        recorded: row.try_get::<_, Option<Vec<u8>>>(7)?.zip(block.map(i64::unsigned_abs)),
    })
}
