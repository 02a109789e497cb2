//! The archive in Apache Cassandra: each record on several nodes, written and read by a quorum of them.
//!
//! A record is a partition of its own. What may be written once only, a record or the next wrapping of its key, is a
//! lightweight transaction: so of several at the same moment one is, and a statement that was not answered may be sent
//! again. Whoever reads asks a quorum, of which one node at least has what was answered before.

pub(super) mod session;
mod settings;
mod statements;

use async_trait::async_trait;
use scylla::{client::session::Session, value::Row};

use self::{session::Retries, statements::Statements};
use super::{
    Archive, ArchiveError, Cursor, KeyId, Page, RecordId, Result, Sealed, WrappedKey, WrappedRecord,
};
pub use settings::CassandraSettings;

/// The archive in Cassandra.
pub struct CassandraArchive {
    session: Session,
    statements: Statements,
    retries: Retries,
}

impl CassandraArchive {
    /// Connects; makes keyspace and table where they are not there.
    pub async fn open(settings: &CassandraSettings) -> Result<Self> {
        let session = session::connect(settings).await?;
        statements::make_tables(&session, settings).await?;
        let statements = Statements::prepare(&session, &settings.keyspace).await?;
        Ok(Self { session, statements, retries: Retries::of(settings) })
    }

    /// Deletes the keyspace of these settings with all that it holds; not that there should be one.
    pub(crate) async fn delete(settings: &CassandraSettings) -> Result<()> {
        let session = session::connect(settings).await?;
        statements::drop_keyspace(&session, &settings.keyspace).await
    }

    /// Whether a lightweight transaction's condition held.
    async fn applied(
        &self,
        statement: &scylla::statement::prepared::PreparedStatement,
        values: impl scylla::serialize::row::SerializeRow,
    ) -> Result<bool> {
        let rows = self.retries.rows(&self.session, statement, values).await?;
        // What comes beside the first column differs: nothing, or the row as it stands.
        let row: Row = rows.first_row().map_err(|error| unreadable(&error))?;
        match row.columns.first() {
            Some(Some(scylla::value::CqlValue::Boolean(applied))) => Ok(*applied),
            _ => Err(unreadable(&"a lightweight transaction's answer has no outcome")),
        }
    }
}

#[async_trait]
impl Archive for CassandraArchive {
    async fn ready(&self) -> Result<()> {
        // By the way that all reads take: it answers where a quorum does.
        self.get(&RecordId([0; 32])).await.map(drop)
    }

    async fn put(&self, record: &Sealed) -> Result<bool> {
        let Sealed { id, key, nonce, ciphertext, created_at } = record;
        let values =
            (&id.0[..], key.office_key.as_str(), &key.bytes[..], &nonce[..], &ciphertext[..], *created_at);
        if self.applied(&self.statements.put, values).await? {
            return Ok(true);
        }
        // It may be an earlier attempt's, whose answer was lost.
        Ok(self.get(id).await?.is_some_and(|stands| record.is_same(&stands)))
    }

    async fn get(&self, id: &RecordId) -> Result<Option<Sealed>> {
        let rows = self.retries.rows(&self.session, &self.statements.get, (&id.0[..],)).await?;
        let row = rows.maybe_first_row::<(String, Vec<u8>, Vec<u8>, Vec<u8>, i64)>();
        let Some((office_key, bytes, nonce, ciphertext, created_at)) =
            row.map_err(|error| unreadable(&error))?
        else {
            return Ok(None);
        };
        let key = WrappedKey { office_key: KeyId::new(office_key), bytes };
        let nonce = nonce.try_into().map_err(|_| ArchiveError::Damaged(*id))?;
        Ok(Some(Sealed { id: *id, key, nonce, ciphertext, created_at }))
    }

    async fn page(&self, after: Option<&Cursor>, limit: u32) -> Result<Page> {
        let after = after.map_or(i64::MIN, token_of);
        // One more than asked for tells whether there is more.
        let most = i32::try_from(limit).unwrap_or(i32::MAX - 1).saturating_add(1);
        let rows = self.retries.rows(&self.session, &self.statements.page, (after, most)).await?;
        let mut records = Vec::new();
        for row in rows.rows::<(i64, Vec<u8>, String, Vec<u8>)>().map_err(|error| unreadable(&error))? {
            let (token, id, office_key, bytes) = row.map_err(|error| unreadable(&error))?;
            let id = RecordId(id.try_into().map_err(|_| unreadable(&"a record's id is not of 32 bytes"))?);
            let key = WrappedKey { office_key: KeyId::new(office_key), bytes };
            records.push((token, WrappedRecord { id, key }));
        }
        page_of(records, limit)
    }

    async fn rewrap(&self, id: &RecordId, from: &WrappedKey, to: &WrappedKey) -> Result<bool> {
        let values = (to.office_key.as_str(), &to.bytes[..], &id.0[..], &from.bytes[..]);
        if self.applied(&self.statements.rewrap, values).await? {
            return Ok(true);
        }
        Ok(self.get(id).await?.is_some_and(|stands| stands.key == *to))
    }
}

/// A page of rows in the order of their tokens, of which there may be one more than the limit. Records that share a token
/// stay on one page: the next begins after it.
fn page_of(mut records: Vec<(i64, WrappedRecord)>, limit: u32) -> Result<Page> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut next = None;
    if records.len() > limit
        && let Some((beyond, _)) = records.pop()
    {
        while records.last().is_some_and(|(token, _)| *token == beyond) {
            records.pop();
        }
        let last =
            records.last().ok_or_else(|| unreadable(&"more records share a token than go on a page"))?;
        next = Some(cursor_at(last.0));
    }
    Ok(Page { records: records.into_iter().map(|(_, record)| record).collect(), next })
}

/// Tokens are signed, and evenly spread over all their numbers.
fn cursor_at(token: i64) -> Cursor {
    Cursor((token.cast_unsigned() ^ (1 << 63)).to_be_bytes().to_vec())
}

fn token_of(cursor: &Cursor) -> i64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(&cursor.0) {
        *to = *from;
    }
    (u64::from_be_bytes(bytes) ^ (1 << 63)).cast_signed()
}

fn unreadable(error: &dyn std::fmt::Display) -> ArchiveError {
    ArchiveError::Unavailable(format!("Cassandra answers what cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn a_cursor_keeps_the_order_of_tokens() {
        let tokens = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX];
        for pair in tokens.windows(2) {
            let [before, after] = [pair[0], pair[1]].map(cursor_at);
            assert!(before.0 < after.0 && before.part() <= after.part());
        }
        assert_eq!(tokens.map(|token| token_of(&cursor_at(token))), tokens);
        assert_eq!(cursor_at(i64::MAX).part(), u32::MAX);
    }

    #[test]
    fn records_that_share_a_token_stay_on_one_page() {
        let record = |id: u8| WrappedRecord {
            id: RecordId([id; 32]),
            key: WrappedKey { office_key: KeyId::new("k"), bytes: vec![] },
        };
        let rows = |tokens: &[i64]| tokens.iter().zip(0..).map(|(token, id)| (*token, record(id))).collect();
        let page = page_of(rows(&[1, 2, 3]), 3).unwrap();
        assert_eq!((page.records.len(), page.next), (3, None));
        let page = page_of(rows(&[1, 2, 3]), 2).unwrap();
        assert_eq!((page.records.len(), page.next), (2, Some(cursor_at(2))));
        let page = page_of(rows(&[1, 2, 2]), 2).unwrap();
        assert_eq!((page.records.len(), page.next), (1, Some(cursor_at(1))));
        assert!(page_of(rows(&[2, 2]), 1).is_err());
    }
}
