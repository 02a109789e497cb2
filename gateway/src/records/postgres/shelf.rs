//! Sealed records of the archive.

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::{
    Postgres,
    connection::{change, row, rows, writing},
    failure::{Done, of_commit},
};
use crate::{
    archive::{RecordId, Sealed, WrappedKey, WrappedRecord},
    records::{
        Result, Shelf,
        execution::{corrupt, hash},
        shelf::{SEALED, WRAPPED, wrapped},
    },
};

#[async_trait]
impl Shelf for Postgres {
    async fn put_sealed(&self, record: &Sealed) -> Result<bool> {
        let mut client = self.recorder().await?;
        let transaction = writing(&mut client).await?;
        let stands = put(&transaction, record).await?;
        transaction.commit().await.map_err(of_commit)?;
        Ok(stands)
    }

    async fn sealed(&self, id: &RecordId) -> Result<Option<Sealed>> {
        Ok(one(&self.client().await?, id).await?)
    }

    async fn sealed_after(&self, after: &[u8], limit: u32) -> Result<Vec<WrappedRecord>> {
        let sql = format!("SELECT {WRAPPED} FROM sillok_archive WHERE id > $1 ORDER BY id LIMIT $2");
        let found = rows(&self.client().await?, &sql, &[&after, &i64::from(limit)]).await?;
        Ok(found.iter().map(record).collect::<Done<_>>()?)
    }

    async fn rewrap_sealed(&self, id: &RecordId, from: &WrappedKey, to: &WrappedKey) -> Result<bool> {
        let mut client = self.recorder().await?;
        let transaction = writing(&mut client).await?;
        let stands = rewrap(&transaction, id, from, to).await?;
        transaction.commit().await.map_err(of_commit)?;
        Ok(stands)
    }
}

async fn put(c: &impl GenericClient, record: &Sealed) -> Done<bool> {
    let Sealed { id, key, nonce, ciphertext, created_at } = record;
    let sql = "INSERT INTO sillok_archive (id, office_key, wrapped_key, nonce, ciphertext, created_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING";
    let (id_bytes, nonce) = (&id.0[..], &nonce[..]);
    let new =
        change(c, sql, &[&id_bytes, &key.office_key.as_str(), &key.bytes, &nonce, ciphertext, created_at])
            .await?;
    // Under read committed this sees the one that was in the way, which had committed.
    Ok(new == 1 || one(c, id).await?.is_some_and(|stands| record.is_same(&stands)))
}

async fn one(c: &impl GenericClient, id: &RecordId) -> Done<Option<Sealed>> {
    let sql = format!("SELECT {SEALED} FROM sillok_archive WHERE id = $1");
    row(c, &sql, &[&&id.0[..]]).await?.as_ref().map(sealed).transpose()
}

async fn rewrap(c: &impl GenericClient, id: &RecordId, from: &WrappedKey, to: &WrappedKey) -> Done<bool> {
    let sql = "UPDATE sillok_archive SET office_key = $2, wrapped_key = $3 WHERE id = $1 AND wrapped_key IN ($3, $4)";
    let changed = change(c, sql, &[&&id.0[..], &to.office_key.as_str(), &to.bytes, &from.bytes]).await?;
    Ok(changed == 1)
}

fn record(row: &Row) -> Done<WrappedRecord> {
    Ok(wrapped(hash(row.try_get(0)?)?, row.try_get(1)?, row.try_get(2)?))
}

fn sealed(row: &Row) -> Done<Sealed> {
    let WrappedRecord { id, key } = record(row)?;
    let nonce: &[u8] = row.try_get(3)?;
    Ok(Sealed {
        id,
        key,
        nonce: nonce.try_into().map_err(|_| corrupt("a nonce"))?,
        ciphertext: row.try_get(4)?,
        created_at: row.try_get(5)?,
    })
}
