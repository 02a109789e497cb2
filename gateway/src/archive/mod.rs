//! The archive of signatures: what proves each of them, sealed. Whoever holds the archive, a database's administrator or a
//! node's thief, holds ciphertext.
//!
//! Each record is sealed with AES-256-GCM under a key of its own, and that key is wrapped by the office's newest key
//! ([`OfficeKeys`]). So a change of the office's key ([`Vault::rotate`]) wraps keys anew and leaves the ciphertexts alone.
//!
//! | what is authenticated beside the sealed bytes | where |
//! |---|---|
//! | `sillok-archive/1 record`, the record's id | the content |
//! | `sillok-archive/1 key`, the office key's id, the record's id | the record's key |
//!
//! An engine is an [`Archive`]: a table of the records database ([`TableArchive`]), or Apache Cassandra
//! ([`CassandraArchive`]). It never sees content or keys.

mod cassandra;
#[cfg(test)]
mod conformance;
mod error;
mod evidence;
mod office_key;
mod seal;
mod sealed;
mod settings;
mod table;
mod vault;

use async_trait::async_trait;

pub use cassandra::{CassandraArchive, CassandraSettings};
pub use error::{ArchiveError, Result};
pub use evidence::{EVIDENCE_VERSION, Evidence};
pub use office_key::{KeyId, OfficeKeys};
pub use seal::MAX_CONTENT;
pub(crate) use seal::{open, rewrap, seal};
pub use sealed::{Cursor, Page, RecordId, Sealed, WrappedKey, WrappedRecord};
pub use settings::{ArchiveEngine, Settings, open_vault};
pub use table::TableArchive;
pub use vault::{Rotation, Unwrapped, Vault};

/// Where sealed records rest. Several processes may use one at once. Whatever a call answers `Ok` to is durable; after an
/// error the same call may be made again, whether or not the first one took effect.
#[async_trait]
pub trait Archive: Send + Sync {
    /// Whether it can be written and read now.
    async fn ready(&self) -> Result<()>;
    /// Keeps a record, unless there is one under its id: the first one stays, also of several at the same moment. Whether
    /// the one that stands is this one: true also when the same is put again.
    async fn put(&self, record: &Sealed) -> Result<bool>;
    /// The record with this id. Whoever reads after a put or a rewrap was answered sees what it did.
    async fn get(&self, id: &RecordId) -> Result<Option<Sealed>>;
    /// At most `limit` records' keys after a place, in the archive's own order, which does not change: each record that was
    /// there all the while comes once.
    async fn page(&self, after: Option<&Cursor>, limit: u32) -> Result<Page>;
    /// Puts `to` in the place of `from`. Whether `to` stands now: not where another key has been put there meanwhile, or
    /// there is no such record.
    async fn rewrap(&self, id: &RecordId, from: &WrappedKey, to: &WrappedKey) -> Result<bool>;
}
