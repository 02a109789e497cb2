//! The archive as a table of the records database.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Archive, Cursor, Page, RecordId, Result, Sealed, WrappedKey};
use crate::records::Records;

/// The archive in the records database. Its order is that of the ids, which are hashes and so spread evenly.
pub struct TableArchive(Arc<dyn Records>);

impl TableArchive {
    /// In this database.
    pub fn new(records: Arc<dyn Records>) -> Self {
        Self(records)
    }
}

#[async_trait]
impl Archive for TableArchive {
    async fn ready(&self) -> Result<()> {
        Ok(self.0.ready().await?)
    }

    async fn put(&self, record: &Sealed) -> Result<bool> {
        Ok(self.0.put_sealed(record).await?)
    }

    async fn get(&self, id: &RecordId) -> Result<Option<Sealed>> {
        Ok(self.0.sealed(id).await?)
    }

    async fn page(&self, after: Option<&Cursor>, limit: u32) -> Result<Page> {
        let after = after.map(|cursor| cursor.0.as_slice()).unwrap_or_default();
        let records = self.0.sealed_after(after, limit).await?;
        let full = u32::try_from(records.len()).is_ok_and(|count| count == limit);
        let next = records.last().filter(|_| full).map(|last| Cursor(last.id.0.to_vec()));
        Ok(Page { records, next })
    }

    async fn rewrap(&self, id: &RecordId, from: &WrappedKey, to: &WrappedKey) -> Result<bool> {
        Ok(self.0.rewrap_sealed(id, from, to).await?)
    }
}
