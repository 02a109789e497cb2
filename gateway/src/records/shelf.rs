//! Sealed records of the archive, where they rest in this database.

use async_trait::async_trait;

use super::Result;
use crate::archive::{KeyId, RecordId, Sealed, WrappedKey, WrappedRecord};

/// The part of a records database that is an archive's table. It holds ciphertext alone. What each call owes
/// [`crate::archive::Archive`] says, of whose engine it is a part.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// Keeps a record, unless there is one under its id. Whether the one that stands is this one.
    async fn put_sealed(&self, record: &Sealed) -> Result<bool>;
    /// The record with this id.
    async fn sealed(&self, id: &RecordId) -> Result<Option<Sealed>>;
    /// Those whose id is after `after`, in the order of ids, at most `limit`.
    async fn sealed_after(&self, after: &[u8], limit: u32) -> Result<Vec<WrappedRecord>>;
    /// Puts `to` in the place of `from`. Whether `to` stands now.
    async fn rewrap_sealed(&self, id: &RecordId, from: &WrappedKey, to: &WrappedKey) -> Result<bool>;
}

/// The columns of a record's key, and of a [`Sealed`].
pub(super) const WRAPPED: &str = "id, office_key, wrapped_key";
pub(super) const SEALED: &str = "id, office_key, wrapped_key, nonce, ciphertext, created_at";

/// A record's key, of the columns [`WRAPPED`].
pub(super) fn wrapped(id: [u8; 32], office_key: String, bytes: Vec<u8>) -> WrappedRecord {
    WrappedRecord { id: RecordId(id), key: WrappedKey { office_key: KeyId::new(office_key), bytes } }
}
