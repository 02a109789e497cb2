//! Sillok's own tables against the ledger: as they lie there, and made anew.

use async_trait::async_trait;
use deadpool_postgres::{GenericClient, Transaction};
use sillok_contract::id::SchoolId;
use tokio_postgres::types::ToSql;

use super::{
    Postgres,
    connection::{change, row, rows, stored, writing},
    failure::{Done, of_commit},
};
use crate::records::{
    Astray, KeptBatch, KeptRequest, LedgerBatch, LedgerEntry, LedgerRequest, Mending, Result,
    execution::join_ids,
    mending::{ASTRAY, ERASED},
};

#[async_trait]
impl Mending for Postgres {
    async fn kept_batch(&self, school: &SchoolId, sequence: u64) -> Result<Option<KeptBatch>> {
        Ok(batch(&self.client().await?, school, sequence).await?)
    }

    async fn recorded_after(&self, school: &SchoolId, after: u64, limit: u32) -> Result<Vec<u64>> {
        Ok(recorded_after(&self.client().await?, school, after, limit).await?)
    }

    async fn kept_requests(&self, digests: &[[u8; 32]]) -> Result<Vec<KeptRequest>> {
        Ok(requests(&self.client().await?, digests).await?)
    }

    async fn astray(&self, limit: u32) -> Result<Vec<Astray>> {
        Ok(astray(&self.client().await?, limit).await?)
    }

    async fn mend(&self, batch: &LedgerBatch) -> Result<()> {
        let mut client = self.recorder().await?;
        let transaction = writing(&mut client).await?;
        mend(&transaction, batch).await?;
        Ok(transaction.commit().await.map_err(of_commit)?)
    }

    async fn forget_batch(&self, school: &SchoolId, sequence: u64) -> Result<()> {
        let sql = "DELETE FROM sillok_batches WHERE school = $1 AND sequence = $2 AND receipt IS NOT NULL";
        let sequence = stored(sequence)?;
        self.changed(sql, &[&school.as_str(), &sequence]).await.map(drop)
    }

    async fn free_astray(&self, school: &SchoolId) -> Result<u64> {
        let sql =
            format!("UPDATE sillok_entries e SET batch = NULL, leaf = NULL WHERE school = $1 AND {ASTRAY}");
        self.changed(&sql, &[&school.as_str()]).await
    }
}

impl Postgres {
    /// One statement that writes; how many rows it changed.
    async fn changed(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        let mut client = self.recorder().await?;
        let transaction = writing(&mut client).await?;
        let changed = change(&transaction, sql, values).await?;
        transaction.commit().await.map_err(of_commit)?;
        Ok(changed)
    }
}

async fn batch(c: &impl GenericClient, school: &SchoolId, sequence: u64) -> Done<Option<KeptBatch>> {
    let sql = "SELECT school, sequence, header, entries, transaction_id, receipt, block FROM sillok_batches
               WHERE school = $1 AND sequence = $2";
    let Some(row) = row(c, sql, &[&school.as_str(), &stored(sequence)?]).await? else { return Ok(None) };
    Ok(Some(KeptBatch {
        school: row.try_get(0)?,
        sequence: row.try_get(1)?,
        header: row.try_get(2)?,
        entries: row.try_get(3)?,
        transaction: row.try_get(4)?,
        receipt: row.try_get(5)?,
        block: row.try_get(6)?,
    }))
}

async fn recorded_after(c: &impl GenericClient, school: &SchoolId, after: u64, limit: u32) -> Done<Vec<u64>> {
    let sql =
        "SELECT sequence FROM sillok_batches WHERE school = $1 AND sequence > $2 AND receipt IS NOT NULL
               ORDER BY sequence LIMIT $3";
    let found = rows(c, sql, &[&school.as_str(), &stored(after)?, &i64::from(limit)]).await?;
    found.iter().map(|row| Ok(row.try_get::<_, i64>(0)?.unsigned_abs())).collect()
}

async fn requests(c: &impl GenericClient, digests: &[[u8; 32]]) -> Done<Vec<KeptRequest>> {
    let digests: Vec<_> = digests.iter().map(|digest| &digest[..]).collect();
    let sql = "SELECT digest, educator, jti, content, jws, school, outcome FROM sillok_requests
               WHERE digest = ANY($1)";
    let mut found = Vec::new();
    for row in rows(c, sql, &[&digests]).await? {
        found.push(KeptRequest {
            digest: row.try_get(0)?,
            educator: row.try_get(1)?,
            jti: row.try_get(2)?,
            content: row.try_get(3)?,
            jws: row.try_get(4)?,
            school: row.try_get(5)?,
            outcome: row.try_get(6)?,
        });
    }
    Ok(found)
}

async fn astray(c: &impl GenericClient, limit: u32) -> Done<Vec<Astray>> {
    let sql = format!(
        "SELECT id, school, learner, batch FROM sillok_entries e WHERE {ASTRAY} ORDER BY number LIMIT $1"
    );
    let found = rows(c, &sql, &[&i64::from(limit)]).await?;
    let read = |row: &tokio_postgres::Row| {
        let (id, school) = (row.try_get(0)?, row.try_get(1)?);
        Ok(Astray { id, school, learner: row.try_get(2)?, batch: row.try_get(3)? })
    };
    found.iter().map(read).collect()
}

async fn mend(transaction: &Transaction<'_>, batch: &LedgerBatch) -> Done<()> {
    let (sequence, block) = (stored(batch.sequence)?, stored(batch.block)?);
    let ids = join_ids(&batch.entries.iter().map(|entry| entry.id).collect::<Vec<_>>());
    let sql = "INSERT INTO sillok_batches (school, sequence, header, entries, transaction_id, receipt, block)
               VALUES ($1, $2, $3, $4, $5, $6, $7)
               ON CONFLICT (school, sequence) DO UPDATE SET header = excluded.header, entries = excluded.entries,
                body = NULL, transaction_id = excluded.transaction_id, envelope = NULL, receipt = excluded.receipt,
                block = excluded.block";
    let values: [&(dyn ToSql + Sync); 7] =
        [&batch.school.as_str(), &sequence, &batch.header, &ids, &batch.transaction, &batch.receipt, &block];
    change(transaction, sql, &values).await?;
    for (leaf, entry) in (0_i32..).zip(&batch.entries) {
        put_entry(transaction, batch, leaf, entry).await?;
    }
    for request in &batch.requests {
        put_request(transaction, batch, request).await?;
    }
    Ok(())
}

async fn put_entry(
    transaction: &Transaction<'_>,
    batch: &LedgerBatch,
    leaf: i32,
    entry: &LedgerEntry,
) -> Done<()> {
    let sequence = stored(batch.sequence)?;
    let (school, learner) = (batch.school.as_str(), entry.learner.as_str());
    let Some(body) = &entry.body else {
        let sql = "INSERT INTO sillok_entries (id, school, learner, educator, request, bytes, executed_at, batch, leaf)
                   VALUES ($1, $2, $3, $4, $5, '', 0, $6, $7)
                   ON CONFLICT (id) DO UPDATE SET school = excluded.school, learner = excluded.learner,
                    bytes = excluded.bytes, batch = excluded.batch, leaf = excluded.leaf, code = NULL, reason = NULL";
        let values: [&(dyn ToSql + Sync); 7] =
            [&&entry.id.0[..], &school, &learner, &ERASED, &&[0_u8; 32][..], &sequence, &leaf];
        return change(transaction, sql, &values).await.map(drop);
    };
    let sql =
        "INSERT INTO sillok_entries (id, school, learner, educator, request, bytes, executed_at, batch, leaf)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
               ON CONFLICT (id) DO UPDATE SET school = excluded.school, learner = excluded.learner,
                educator = excluded.educator, request = excluded.request, bytes = excluded.bytes,
                executed_at = excluded.executed_at, batch = excluded.batch, leaf = excluded.leaf, code = NULL,
                reason = NULL";
    let values: [&(dyn ToSql + Sync); 9] = [
        &&entry.id.0[..],
        &school,
        &learner,
        &body.educator.as_str(),
        &&body.request[..],
        &body.bytes,
        &body.executed_at,
        &sequence,
        &leaf,
    ];
    change(transaction, sql, &values).await.map(drop)
}

/// The row with this digest, else the one with this id of the educator's, else a new one. Where both are there, the one
/// that has taken the id is none that was ever asked.
async fn put_request(
    transaction: &Transaction<'_>,
    batch: &LedgerBatch,
    request: &LedgerRequest,
) -> Done<()> {
    let (educator, jti, digest) = (request.educator.as_str(), &request.jti, &request.digest[..]);
    let sql = "DELETE FROM sillok_requests WHERE educator = $1 AND jti = $2 AND digest <> $3
               AND EXISTS (SELECT FROM sillok_requests WHERE digest = $3)";
    change(transaction, sql, &[&educator, jti, &digest]).await?;
    let values: [&(dyn ToSql + Sync); 7] = [
        &educator,
        jti,
        &&request.content[..],
        &digest,
        &request.jws,
        &batch.school.as_str(),
        &request.outcome,
    ];
    for place in ["digest = $4", "educator = $1 AND jti = $2"] {
        let sql = format!(
            "UPDATE sillok_requests SET educator = $1, jti = $2, content = $3, digest = $4, jws = $5, school = $6,
             outcome = $7 WHERE {place}"
        );
        if change(transaction, &sql, &values).await? > 0 {
            return Ok(());
        }
    }
    let sql = "INSERT INTO sillok_requests (educator, jti, content, digest, jws, school, outcome)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    change(transaction, sql, &values).await.map(drop)
}
