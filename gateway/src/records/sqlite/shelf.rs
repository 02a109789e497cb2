//! Sealed records of the archive.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Sqlite, connection::away};
use crate::{
    archive::{RecordId, Sealed, WrappedKey, WrappedRecord},
    records::{
        Result, Shelf,
        execution::{corrupt, hash},
        shelf::{SEALED, WRAPPED, wrapped},
    },
};

#[async_trait]
impl Shelf for Sqlite {
    async fn put_sealed(&self, record: &Sealed) -> Result<bool> {
        let record = record.clone();
        self.writer.run(move |c| put(c, &record)).await
    }

    async fn sealed(&self, id: &RecordId) -> Result<Option<Sealed>> {
        let id = *id;
        self.readers.run(move |c| one(c, &id)).await
    }

    async fn sealed_after(&self, after: &[u8], limit: u32) -> Result<Vec<WrappedRecord>> {
        let after = after.to_vec();
        self.readers.run(move |c| page(c, &after, limit)).await
    }

    async fn rewrap_sealed(&self, id: &RecordId, from: &WrappedKey, to: &WrappedKey) -> Result<bool> {
        let (id, from, to) = (*id, from.clone(), to.clone());
        self.writer.run(move |c| rewrap(c, &id, &from, &to)).await
    }
}

fn put(connection: &Connection, record: &Sealed) -> Result<bool> {
    let Sealed { id, key, nonce, ciphertext, created_at } = record;
    let new = connection
        .execute(
            "INSERT INTO sillok_archive (id, office_key, wrapped_key, nonce, ciphertext, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING",
            params![id.0, key.office_key.as_str(), key.bytes, nonce, ciphertext, created_at],
        )
        .map_err(away)?;
    Ok(new == 1 || one(connection, id)?.is_some_and(|stands| record.is_same(&stands)))
}

fn one(connection: &Connection, id: &RecordId) -> Result<Option<Sealed>> {
    let sql = format!("SELECT {SEALED} FROM sillok_archive WHERE id = ?1");
    let mut select = connection.prepare_cached(&sql).map_err(away)?;
    let row = select.query_row([id.0], |row| Ok(sealed(row))).optional().map_err(away)?;
    row.transpose()
}

fn page(connection: &Connection, after: &[u8], limit: u32) -> Result<Vec<WrappedRecord>> {
    let sql = format!("SELECT {WRAPPED} FROM sillok_archive WHERE id > ?1 ORDER BY id LIMIT ?2");
    let mut select = connection.prepare_cached(&sql).map_err(away)?;
    let rows = select.query_map(params![after, limit], |row| Ok(record(row))).map_err(away)?;
    rows.map(|row| row.map_err(away)?).collect()
}

fn rewrap(connection: &Connection, id: &RecordId, from: &WrappedKey, to: &WrappedKey) -> Result<bool> {
    let changed = connection
        .execute(
            "UPDATE sillok_archive SET office_key = ?2, wrapped_key = ?3 WHERE id = ?1 AND wrapped_key IN (?3, ?4)",
            params![id.0, to.office_key.as_str(), to.bytes, from.bytes],
        )
        .map_err(away)?;
    Ok(changed == 1)
}

fn record(row: &Row<'_>) -> Result<WrappedRecord> {
    let id: Vec<u8> = row.get(0).map_err(away)?;
    Ok(wrapped(hash(&id)?, row.get(1).map_err(away)?, row.get(2).map_err(away)?))
}

fn sealed(row: &Row<'_>) -> Result<Sealed> {
    let WrappedRecord { id, key } = record(row)?;
    let nonce: Vec<u8> = row.get(3).map_err(away)?;
    Ok(Sealed {
        id,
        key,
        nonce: nonce.try_into().map_err(|_| corrupt("a nonce"))?,
        ciphertext: row.get(4).map_err(away)?,
        created_at: row.get(5).map_err(away)?,
    })
}
