//! The file: blocks, and what follows from them.

use std::path::Path;

use redb::{
    Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _, TableDefinition, WriteTransaction,
    backends::FileBackend,
};
use sillok_proto::embedded as wire;

/// Number → the block's bytes.
pub(super) const BLOCKS: TableDefinition<u64, &[u8]> = TableDefinition::new("blocks");
/// Transaction id → block, position in it, and status.
pub(super) const TRANSACTIONS: TableDefinition<&str, (u64, u32, i32)> = TableDefinition::new("transactions");
/// Key → version and value.
pub(super) const STATE: TableDefinition<&str, Versioned> = TableDefinition::new("state");
/// Collection and SHA-256 of the key → version and SHA-256 of the value.
pub(super) const PRIVATE_HASHES: TableDefinition<HashedKey, Versioned> =
    TableDefinition::new("private_hashes");
/// Collection and key → value.
pub(super) const PRIVATE: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("private");

/// The block and the position in it of the transaction that last wrote a key.
pub(super) type Version = (u64, u32);

/// A collection and the SHA-256 of a key in it.
pub(super) type HashedKey = (&'static str, &'static [u8]);
/// Bytes and who last wrote them.
pub(super) type Versioned = (Version, &'static [u8]);

/// A version as messages have it.
pub(super) fn version_message((block, position): Version) -> wire::Version {
    wire::Version { block, position }
}

/// Where a transaction came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) block: u64,
    pub(super) position: u32,
    pub(super) status: wire::Status,
}

/// The redb database in the file.
pub(super) struct Store {
    database: Database,
}

impl Store {
    /// Opens the file, makes it if it is not there, and keeps other processes out.
    pub(super) fn open(path: &Path) -> Result<Self, redb::Error> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(redb::Error::Io)?;
        let database =
            Database::builder().set_cache_size(CACHE).create_with_backend(FileBackend::new(file)?)?;
        let transaction = database.begin_write()?;
        transaction.open_table(BLOCKS)?;
        transaction.open_table(TRANSACTIONS)?;
        transaction.open_table(STATE)?;
        transaction.open_table(PRIVATE_HASHES)?;
        transaction.open_table(PRIVATE)?;
        transaction.commit()?;
        Ok(Self { database })
    }

    /// The state as last committed; it does not move while it is held.
    pub(super) fn snapshot(&self) -> Result<ReadTransaction, redb::Error> {
        Ok(self.database.begin_read()?)
    }

    /// What becomes the next state when it commits.
    pub(super) fn begin(&self) -> Result<WriteTransaction, redb::Error> {
        Ok(self.database.begin_write()?)
    }

    /// A block's bytes.
    pub(super) fn block(&self, number: u64) -> Result<Option<Vec<u8>>, redb::Error> {
        let blocks = self.snapshot()?.open_table(BLOCKS)?;
        Ok(blocks.get(number)?.map(|block| block.value().to_vec()))
    }

    /// The number and the bytes of the last block.
    pub(super) fn last_block(&self) -> Result<Option<(u64, Vec<u8>)>, redb::Error> {
        let blocks = self.snapshot()?.open_table(BLOCKS)?;
        Ok(blocks.last()?.map(|(number, block)| (number.value(), block.value().to_vec())))
    }

    /// Where a transaction came to rest.
    pub(super) fn place(&self, transaction: &str) -> Result<Option<Place>, redb::Error> {
        let transactions = self.snapshot()?.open_table(TRANSACTIONS)?;
        Ok(transactions.get(transaction)?.and_then(|row| place(row.value())))
    }
}

/// 64 MiB: redb's own default is a whole GiB.
const CACHE: usize = 64 * 1024 * 1024;

/// A row of [`TRANSACTIONS`]; none if its status is not one we write.
pub(super) fn place((block, position, status): (u64, u32, i32)) -> Option<Place> {
    Some(Place { block, position, status: wire::Status::try_from(status).ok()? })
}
