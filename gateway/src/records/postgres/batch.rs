//! Leases, and what only their owner may do to a batch. Every write looks at the lease's token in its own transaction,
//! and holds the lease's row: nobody takes it over in between.

use deadpool_postgres::{GenericClient, Transaction};
use sillok_contract::{entry::EntryId, id::SchoolId};

use super::{
    connection::{change, row, rows, stored},
    events::tell,
    failure::{Done, Failure},
    outbox::batches,
};
use crate::records::{
    Lease, RecordsError, StoredBatch,
    events::recorded_event,
    execution::{join_ids, split_ids},
};

/// Milliseconds since the Unix epoch, by PostgreSQL's clock.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

pub(super) async fn claim(
    c: &impl GenericClient,
    school: &SchoolId,
    owner: &str,
    ttl: u64,
) -> Done<Option<Lease>> {
    let sql = format!(
        "INSERT INTO sillok_leases AS l (school, owner, token, ends_at) VALUES ($1, $2, 1, {NOW} + $3)
         ON CONFLICT (school) DO UPDATE SET owner = excluded.owner, token = l.token + 1, ends_at = excluded.ends_at
         WHERE l.ends_at <= {NOW} RETURNING token"
    );
    let Some(row) = row(c, &sql, &[&school.as_str(), &owner, &stored(ttl)?]).await? else { return Ok(None) };
    Ok(Some(Lease { school: school.clone(), token: row.try_get(0)? }))
}

pub(super) async fn renew(c: &impl GenericClient, lease: &Lease, ttl: u64) -> Done<()> {
    let sql = format!("UPDATE sillok_leases SET ends_at = {NOW} + $3 WHERE school = $1 AND token = $2");
    match change(c, &sql, &[&lease.school.as_str(), &lease.token, &stored(ttl)?]).await? {
        0 => Err(RecordsError::LeaseLost.into()),
        _ => Ok(()),
    }
}

/// The token grows, so that the one who gave it back cannot write any more.
pub(super) async fn release(c: &impl GenericClient, lease: &Lease) -> Done<()> {
    let sql = "UPDATE sillok_leases SET ends_at = 0, token = token + 1 WHERE school = $1 AND token = $2";
    change(c, sql, &[&lease.school.as_str(), &lease.token]).await?;
    Ok(())
}

/// Refuses unless the lease holds, which it then does until the transaction ends.
pub(super) async fn fence(transaction: &Transaction<'_>, lease: &Lease) -> Done<()> {
    let sql = "SELECT token FROM sillok_leases WHERE school = $1 FOR UPDATE";
    let token: Option<i64> =
        row(transaction, sql, &[&lease.school.as_str()]).await?.map(|row| row.try_get(0)).transpose()?;
    if token == Some(lease.token) { Ok(()) } else { Err(RecordsError::LeaseLost.into()) }
}

pub(super) async fn in_flight(c: &impl GenericClient, school: &SchoolId) -> Done<Option<StoredBatch>> {
    Ok(batches(c, "school = $1 AND receipt IS NULL", &[&school.as_str()]).await?.pop())
}

pub(super) async fn form(c: &impl GenericClient, school: &SchoolId, batch: &StoredBatch) -> Done<()> {
    let (transaction, envelope) = batch.submitted.clone().unzip();
    let (sequence, ids) = (stored(batch.sequence)?, join_ids(&batch.entries));
    let formed = change(
        c,
        "INSERT INTO sillok_batches (school, sequence, header, entries, body, transaction_id, envelope)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &[&school.as_str(), &sequence, &batch.header, &ids, &batch.body, &transaction, &envelope],
    )
    .await?;
    if formed == 0 || batch.school != *school {
        return Err(wrong(batch.sequence, "cannot be formed: one is in flight, or the sequence is taken"));
    }
    let ids: Vec<_> = batch.entries.iter().map(|id| &id.0[..]).collect();
    let put = change(
        c,
        "UPDATE sillok_entries e SET batch = $1, leaf = (b.place - 1)::integer
         FROM unnest($2::bytea[]) WITH ORDINALITY AS b (id, place)
         WHERE e.id = b.id AND e.school = $3 AND e.batch IS NULL AND e.code IS NULL",
        &[&sequence, &ids, &school.as_str()],
    )
    .await?;
    if put == ids.len() as u64 {
        return Ok(());
    }
    Err(wrong(batch.sequence, "cannot hold its entries: not all of them wait for one"))
}

pub(super) async fn store_envelope(
    c: &impl GenericClient,
    school: &SchoolId,
    sequence: u64,
    transaction: &str,
    envelope: &[u8],
) -> Done<()> {
    let kept = change(
        c,
        "UPDATE sillok_batches SET transaction_id = $3, envelope = $4
         WHERE school = $1 AND sequence = $2 AND receipt IS NULL",
        &[&school.as_str(), &stored(sequence)?, &transaction, &envelope],
    )
    .await?;
    if kept == 1 { Ok(()) } else { Err(wrong(sequence, "is not in flight")) }
}

/// Finishing twice is finishing once. It is told of.
pub(super) async fn finish(
    c: &impl GenericClient,
    school: &SchoolId,
    sequence: u64,
    receipt: &[u8],
    transaction: &str,
    block: u64,
) -> Done<()> {
    let finished = change(
        c,
        "UPDATE sillok_batches SET receipt = $3, transaction_id = $4, block = $5, body = NULL, envelope = NULL
         WHERE school = $1 AND sequence = $2 AND receipt IS NULL",
        &[&school.as_str(), &stored(sequence)?, &receipt, &transaction, &stored(block)?],
    )
    .await?;
    let (ids, _) = ids(c, school, sequence).await?;
    if finished == 0 {
        return Ok(());
    }
    let ids: Vec<_> = ids.iter().map(|id| &id.0[..]).collect();
    let sql = "SELECT bytes FROM sillok_entries WHERE id = ANY($1) ORDER BY leaf";
    let mut entries: Vec<Vec<u8>> = Vec::with_capacity(ids.len());
    for row in rows(c, sql, &[&ids]).await? {
        entries.push(row.try_get(0)?);
    }
    tell(c, std::iter::once(&recorded_event(school, sequence, (transaction, block), &entries))).await
}

pub(super) async fn dissolve(
    c: &impl GenericClient,
    school: &SchoolId,
    sequence: u64,
    refused: &[(EntryId, String, String)],
) -> Done<()> {
    let (ids, recorded) = ids(c, school, sequence).await?;
    if recorded {
        return Err(wrong(sequence, "is not in flight"));
    }
    if let Some((id, ..)) = refused.iter().find(|(id, ..)| !ids.contains(id)) {
        return Err(wrong(sequence, &format!("does not hold the entry {id}")));
    }
    let ids: Vec<_> = ids.iter().map(|id| &id.0[..]).collect();
    change(c, "UPDATE sillok_entries SET batch = NULL, leaf = NULL WHERE id = ANY($1)", &[&ids]).await?;
    for (id, code, reason) in refused {
        let sql = "UPDATE sillok_entries SET code = $2, reason = $3 WHERE id = $1";
        change(c, sql, &[&&id.0[..], code, reason]).await?;
    }
    let sql = "DELETE FROM sillok_batches WHERE school = $1 AND sequence = $2";
    change(c, sql, &[&school.as_str(), &stored(sequence)?]).await?;
    Ok(())
}

/// A batch's entries, and whether it is recorded.
async fn ids(c: &impl GenericClient, school: &SchoolId, sequence: u64) -> Done<(Vec<EntryId>, bool)> {
    let sql = "SELECT entries, receipt IS NOT NULL FROM sillok_batches WHERE school = $1 AND sequence = $2";
    match row(c, sql, &[&school.as_str(), &stored(sequence)?]).await? {
        Some(row) => Ok((split_ids(row.try_get(0)?)?, row.try_get(1)?)),
        None => Err(wrong(sequence, "is not there")),
    }
}

/// The lease's owner asks for what cannot be: it has another idea of the batches than the database.
fn wrong(sequence: u64, reason: &str) -> Failure {
    RecordsError::Corrupt(format!("batch {sequence} {reason}")).into()
}
