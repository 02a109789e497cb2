//! Leases, and what only their owner may do to a batch. Every write looks at the lease's token in its own transaction.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use sillok_contract::{entry::EntryId, id::SchoolId};

use super::{connection::away, events::tell, outbox::batches};
use crate::records::{
    Lease, RecordsError, Result, StoredBatch,
    events::recorded_event,
    execution::{join_ids, split_ids},
};

/// Milliseconds since the Unix epoch, by SQLite's clock.
const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

pub(super) fn claim(
    connection: &Connection,
    school: &SchoolId,
    owner: &str,
    ttl: u64,
) -> Result<Option<Lease>> {
    let sql = format!(
        "INSERT INTO sillok_leases (school, owner, token, ends_at) VALUES (?1, ?2, 1, {NOW} + ?3)
         ON CONFLICT (school) DO UPDATE SET owner = excluded.owner, token = token + 1, ends_at = excluded.ends_at
         WHERE ends_at <= {NOW} RETURNING token"
    );
    let token = connection
        .query_row(&sql, params![school.as_str(), owner, ttl], |row| row.get(0))
        .optional()
        .map_err(away)?;
    Ok(token.map(|token| Lease { school: school.clone(), token }))
}

pub(super) fn renew(connection: &Connection, lease: &Lease, ttl: u64) -> Result<()> {
    let sql = format!("UPDATE sillok_leases SET ends_at = {NOW} + ?3 WHERE school = ?1 AND token = ?2");
    match connection.execute(&sql, params![lease.school.as_str(), lease.token, ttl]).map_err(away)? {
        0 => Err(RecordsError::LeaseLost),
        _ => Ok(()),
    }
}

/// The token grows, so that the one who gave it back cannot write any more.
pub(super) fn release(connection: &Connection, lease: &Lease) -> Result<()> {
    let sql = "UPDATE sillok_leases SET ends_at = 0, token = token + 1 WHERE school = ?1 AND token = ?2";
    connection.execute(sql, params![lease.school.as_str(), lease.token]).map_err(away)?;
    Ok(())
}

/// Does this in one transaction, in which the lease still holds.
pub(super) fn fenced<T>(
    connection: &mut Connection,
    lease: &Lease,
    inner: impl FnOnce(&Transaction<'_>) -> Result<T>,
) -> Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    let token: Option<i64> = transaction
        .query_row("SELECT token FROM sillok_leases WHERE school = ?1", [lease.school.as_str()], |row| {
            row.get(0)
        })
        .optional()
        .map_err(away)?;
    if token != Some(lease.token) {
        return Err(RecordsError::LeaseLost);
    }
    let done = inner(&transaction)?;
    transaction.commit().map_err(away)?;
    Ok(done)
}

pub(super) fn in_flight(connection: &Connection, school: &SchoolId) -> Result<Option<StoredBatch>> {
    Ok(batches(connection, "school = ?1 AND receipt IS NULL", [school.as_str()])?.pop())
}

pub(super) fn form(connection: &Connection, school: &SchoolId, batch: &StoredBatch) -> Result<()> {
    let (transaction, envelope) = batch.submitted.clone().unzip();
    let stored = connection
        .execute(
            "INSERT INTO sillok_batches (school, sequence, header, entries, body, transaction_id, envelope)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            params![
                school.as_str(),
                batch.sequence,
                batch.header,
                join_ids(&batch.entries),
                batch.body,
                transaction,
                envelope
            ],
        )
        .map_err(away)?;
    if stored == 0 || batch.school != *school {
        return Err(wrong(batch.sequence, "cannot be formed: one is in flight, or the sequence is taken"));
    }
    let mut put = connection
        .prepare_cached(
            "UPDATE sillok_entries SET batch = ?1, leaf = ?2
             WHERE id = ?3 AND school = ?4 AND batch IS NULL AND code IS NULL",
        )
        .map_err(away)?;
    for (leaf, id) in batch.entries.iter().enumerate() {
        if put.execute(params![batch.sequence, leaf, id.0, school.as_str()]).map_err(away)? != 1 {
            return Err(wrong(
                batch.sequence,
                &format!("cannot hold the entry {id}: it does not wait for one"),
            ));
        }
    }
    Ok(())
}

pub(super) fn store_envelope(
    connection: &Connection,
    school: &SchoolId,
    sequence: u64,
    transaction: &str,
    envelope: &[u8],
) -> Result<()> {
    let stored = connection
        .execute(
            "UPDATE sillok_batches SET transaction_id = ?3, envelope = ?4
             WHERE school = ?1 AND sequence = ?2 AND receipt IS NULL",
            params![school.as_str(), sequence, transaction, envelope],
        )
        .map_err(away)?;
    if stored == 1 { Ok(()) } else { Err(wrong(sequence, "is not in flight")) }
}

/// Finishing twice is finishing once. It is told of.
pub(super) fn finish(
    connection: &Connection,
    school: &SchoolId,
    sequence: u64,
    receipt: &[u8],
    transaction: &str,
    block: u64,
) -> Result<()> {
    let finished = connection
        .execute(
            "UPDATE sillok_batches SET receipt = ?3, transaction_id = ?4, block = ?5, body = NULL, envelope = NULL
             WHERE school = ?1 AND sequence = ?2 AND receipt IS NULL",
            params![school.as_str(), sequence, receipt, transaction, block],
        )
        .map_err(away)?;
    let (ids, _) = ids(connection, school, sequence)?;
    if finished == 0 {
        return Ok(());
    }
    let mut select =
        connection.prepare_cached("SELECT bytes FROM sillok_entries WHERE id = ?1").map_err(away)?;
    let mut entries = Vec::with_capacity(ids.len());
    for id in ids {
        entries.extend(select.query_row([id.0], |row| row.get(0)).optional().map_err(away)?);
    }
    tell(connection, &[recorded_event(school, sequence, (transaction, block), &entries)])
}

pub(super) fn dissolve(
    connection: &Connection,
    school: &SchoolId,
    sequence: u64,
    refused: &[(EntryId, String, String)],
) -> Result<()> {
    let (ids, recorded) = ids(connection, school, sequence)?;
    if recorded {
        return Err(wrong(sequence, "is not in flight"));
    }
    let mut free = connection
        .prepare_cached("UPDATE sillok_entries SET batch = NULL, leaf = NULL WHERE id = ?1")
        .map_err(away)?;
    for id in &ids {
        free.execute([id.0]).map_err(away)?;
    }
    let mut put_aside = connection
        .prepare_cached("UPDATE sillok_entries SET code = ?2, reason = ?3 WHERE id = ?1")
        .map_err(away)?;
    for (id, code, reason) in refused {
        if !ids.contains(id) {
            return Err(wrong(sequence, &format!("does not hold the entry {id}")));
        }
        put_aside.execute(params![id.0, code, reason]).map_err(away)?;
    }
    connection
        .execute(
            "DELETE FROM sillok_batches WHERE school = ?1 AND sequence = ?2",
            params![school.as_str(), sequence],
        )
        .map_err(away)?;
    Ok(())
}

/// A batch's entries, and whether it is recorded.
fn ids(connection: &Connection, school: &SchoolId, sequence: u64) -> Result<(Vec<EntryId>, bool)> {
    let row: Option<(Vec<u8>, bool)> = connection
        .query_row(
            "SELECT entries, receipt IS NOT NULL FROM sillok_batches WHERE school = ?1 AND sequence = ?2",
            params![school.as_str(), sequence],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .map_err(away)?;
    match row {
        Some((entries, recorded)) => Ok((split_ids(&entries)?, recorded)),
        None => Err(wrong(sequence, "is not there")),
    }
}

/// The lease's owner asks for what cannot be: it has another idea of the batches than the database.
fn wrong(sequence: u64, reason: &str) -> RecordsError {
    RecordsError::Corrupt(format!("batch {sequence} {reason}"))
}
