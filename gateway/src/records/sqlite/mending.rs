//! Sillok's own tables against the ledger: as they lie there, and made anew.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use sillok_contract::id::SchoolId;

use super::{Sqlite, connection::away};
use crate::records::{
    Astray, KeptBatch, KeptRequest, LedgerBatch, LedgerEntry, LedgerRequest, Mending, Result,
    execution::join_ids,
    mending::{ASTRAY, ERASED},
};

#[async_trait]
impl Mending for Sqlite {
    async fn kept_batch(&self, school: &SchoolId, sequence: u64) -> Result<Option<KeptBatch>> {
        let school = school.clone();
        self.readers.run(move |c| batch(c, &school, sequence)).await
    }

    async fn recorded_after(&self, school: &SchoolId, after: u64, limit: u32) -> Result<Vec<u64>> {
        let school = school.clone();
        self.readers.run(move |c| recorded_after(c, &school, after, limit)).await
    }

    async fn kept_requests(&self, digests: &[[u8; 32]]) -> Result<Vec<KeptRequest>> {
        let digests = digests.to_vec();
        self.readers.run(move |c| requests(c, &digests)).await
    }

    async fn astray(&self, limit: u32) -> Result<Vec<Astray>> {
        self.readers.run(move |c| astray(c, limit)).await
    }

    async fn mend(&self, batch: &LedgerBatch) -> Result<()> {
        let batch = batch.clone();
        self.writer.run(move |c| mend(c, &batch)).await
    }

    async fn forget_batch(&self, school: &SchoolId, sequence: u64) -> Result<()> {
        let school = school.clone();
        let sql = "DELETE FROM sillok_batches WHERE school = ?1 AND sequence = ?2 AND receipt IS NOT NULL";
        self.writer
            .run(move |c| c.execute(sql, params![school.as_str(), sequence]).map(drop).map_err(away))
            .await
    }

    async fn free_astray(&self, school: &SchoolId) -> Result<u64> {
        let school = school.clone();
        let sql = format!(
            "UPDATE sillok_entries AS e SET batch = NULL, leaf = NULL WHERE school = ?1 AND {ASTRAY}"
        );
        let free = move |c: &mut Connection| c.execute(&sql, [school.as_str()]).map_err(away);
        Ok(self.writer.run(free).await? as u64)
    }
}

fn batch(connection: &Connection, school: &SchoolId, sequence: u64) -> Result<Option<KeptBatch>> {
    let sql = "SELECT school, sequence, header, entries, transaction_id, receipt, block FROM sillok_batches
               WHERE school = ?1 AND sequence = ?2";
    let read = |row: &Row<'_>| {
        Ok(KeptBatch {
            school: row.get(0)?,
            sequence: row.get(1)?,
            header: row.get(2)?,
            entries: row.get(3)?,
            transaction: row.get(4)?,
            receipt: row.get(5)?,
            block: row.get(6)?,
        })
    };
    let mut select = connection.prepare_cached(sql).map_err(away)?;
    select.query_row(params![school.as_str(), sequence], read).optional().map_err(away)
}

fn recorded_after(connection: &Connection, school: &SchoolId, after: u64, limit: u32) -> Result<Vec<u64>> {
    let sql =
        "SELECT sequence FROM sillok_batches WHERE school = ?1 AND sequence > ?2 AND receipt IS NOT NULL
               ORDER BY sequence LIMIT ?3";
    let mut select = connection.prepare_cached(sql).map_err(away)?;
    let found = select.query_map(params![school.as_str(), after, limit], |row| row.get(0)).map_err(away)?;
    found.map(|sequence| sequence.map_err(away)).collect()
}

fn requests(connection: &Connection, digests: &[[u8; 32]]) -> Result<Vec<KeptRequest>> {
    let sql =
        "SELECT digest, educator, jti, content, jws, school, outcome FROM sillok_requests WHERE digest = ?1";
    let mut select = connection.prepare_cached(sql).map_err(away)?;
    let read = |row: &Row<'_>| {
        Ok(KeptRequest {
            digest: row.get(0)?,
            educator: row.get(1)?,
            jti: row.get(2)?,
            content: row.get(3)?,
            jws: row.get(4)?,
            school: row.get(5)?,
            outcome: row.get(6)?,
        })
    };
    let mut found = Vec::with_capacity(digests.len());
    for digest in digests {
        found.extend(select.query_row([digest], read).optional().map_err(away)?);
    }
    Ok(found)
}

fn astray(connection: &Connection, limit: u32) -> Result<Vec<Astray>> {
    let sql = format!(
        "SELECT id, school, learner, batch FROM sillok_entries e WHERE {ASTRAY} ORDER BY number LIMIT ?1"
    );
    let mut select = connection.prepare_cached(&sql).map_err(away)?;
    let read = |row: &Row<'_>| {
        Ok(Astray { id: row.get(0)?, school: row.get(1)?, learner: row.get(2)?, batch: row.get(3)? })
    };
    let found = select.query_map([limit], read).map_err(away)?;
    found.map(|one| one.map_err(away)).collect()
}

fn mend(connection: &mut Connection, batch: &LedgerBatch) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    let ids = join_ids(&batch.entries.iter().map(|entry| entry.id).collect::<Vec<_>>());
    let sql = "INSERT INTO sillok_batches (school, sequence, header, entries, transaction_id, receipt, block)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
               ON CONFLICT (school, sequence) DO UPDATE SET header = excluded.header, entries = excluded.entries,
                body = NULL, transaction_id = excluded.transaction_id, envelope = NULL, receipt = excluded.receipt,
                block = excluded.block";
    let LedgerBatch { school, sequence, header, transaction: id, receipt, block, .. } = batch;
    transaction
        .execute(sql, params![school.as_str(), sequence, header, ids, id, receipt, block])
        .map_err(away)?;
    for (leaf, entry) in (0_u32..).zip(&batch.entries) {
        put_entry(&transaction, batch, leaf, entry)?;
    }
    for request in &batch.requests {
        put_request(&transaction, batch, request)?;
    }
    transaction.commit().map_err(away)
}

fn put_entry(
    transaction: &Transaction<'_>,
    batch: &LedgerBatch,
    leaf: u32,
    entry: &LedgerEntry,
) -> Result<()> {
    let (school, learner) = (batch.school.as_str(), entry.learner.as_str());
    let Some(body) = &entry.body else {
        let sql = "INSERT INTO sillok_entries (id, school, learner, educator, request, bytes, executed_at, batch, leaf)
                   VALUES (?1, ?2, ?3, ?4, zeroblob(32), x'', 0, ?5, ?6)
                   ON CONFLICT (id) DO UPDATE SET school = excluded.school, learner = excluded.learner,
                    bytes = excluded.bytes, batch = excluded.batch, leaf = excluded.leaf, code = NULL, reason = NULL";
        let values = params![entry.id.0, school, learner, ERASED, batch.sequence, leaf];
        return transaction.execute(sql, values).map(drop).map_err(away);
    };
    let sql =
        "INSERT INTO sillok_entries (id, school, learner, educator, request, bytes, executed_at, batch, leaf)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
               ON CONFLICT (id) DO UPDATE SET school = excluded.school, learner = excluded.learner,
                educator = excluded.educator, request = excluded.request, bytes = excluded.bytes,
                executed_at = excluded.executed_at, batch = excluded.batch, leaf = excluded.leaf, code = NULL,
                reason = NULL";
    let values = params![
        entry.id.0,
        school,
        learner,
        body.educator.as_str(),
        body.request,
        body.bytes,
        body.executed_at,
        batch.sequence,
        leaf
    ];
    transaction.execute(sql, values).map(drop).map_err(away)
}

/// The row with this digest, else the one with this id of the educator's, else a new one. Where both are there, the one
/// that has taken the id is none that was ever asked.
fn put_request(transaction: &Transaction<'_>, batch: &LedgerBatch, request: &LedgerRequest) -> Result<()> {
    let educator = request.educator.as_str();
    let sql = "DELETE FROM sillok_requests WHERE educator = ?1 AND jti = ?2 AND digest <> ?3
               AND EXISTS (SELECT 1 FROM sillok_requests WHERE digest = ?3)";
    transaction.execute(sql, params![educator, request.jti, request.digest]).map_err(away)?;
    let values = params![
        educator,
        request.jti,
        request.content,
        request.digest,
        request.jws,
        batch.school.as_str(),
        request.outcome
    ];
    for place in ["digest = ?4", "educator = ?1 AND jti = ?2"] {
        let sql = format!(
            "UPDATE sillok_requests SET educator = ?1, jti = ?2, content = ?3, digest = ?4, jws = ?5, school = ?6,
             outcome = ?7 WHERE {place}"
        );
        if transaction.execute(&sql, values).map_err(away)? > 0 {
            return Ok(());
        }
    }
    let sql = "INSERT INTO sillok_requests (educator, jti, content, digest, jws, school, outcome)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    transaction.execute(sql, values).map(drop).map_err(away)
}
