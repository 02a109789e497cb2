//! Blocks: a chain by hash, and the index and state that follow from them.

use prost::Message as _;
use redb::{ReadableTable as _, Table, WriteTransaction};
use sillok_contract::digest::sha256;
use sillok_proto::embedded as wire;

use super::{
    envelope::Checked,
    store::{HashedKey, PRIVATE, PRIVATE_HASHES, STATE, TRANSACTIONS, Version, Versioned, version_message},
};

/// The last block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) hash: [u8; 32],
}

impl Head {
    /// Of a block's bytes.
    pub(super) fn of(number: u64, block: &[u8]) -> Self {
        Self { number, hash: sha256(&[block]) }
    }
}

/// The block with which a ledger begins: it holds the roots.
pub(super) fn genesis(roots: Vec<wire::Identity>) -> wire::Block {
    wire::Block { number: 0, previous: vec![0; 32], transactions: Vec::new(), roots }
}

/// Why a block is not what the chain says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("block {0} is not there")]
    Missing(u64),
    #[error("block {0} cannot be read")]
    Malformed(u64),
    #[error("block {0} does not follow from the block before it")]
    Chain(u64),
}

/// Reads a block and checks that it has its number and follows the one before, if that is given.
pub(super) fn follow(number: u64, bytes: &[u8], previous: Option<[u8; 32]>) -> Result<wire::Block, Broken> {
    let block = wire::Block::decode(bytes).map_err(|_| Broken::Malformed(number))?;
    let follows = previous.is_none_or(|previous| block.previous == previous);
    if block.number == number && follows && block.encode_to_vec() == bytes {
        return Ok(block);
    }
    Err(Broken::Chain(number))
}

/// The tables a transaction's effect goes into.
pub(super) struct State<'t> {
    transactions: Table<'t, &'static str, (u64, u32, i32)>,
    state: Table<'t, &'static str, Versioned>,
    private_hashes: Table<'t, HashedKey, Versioned>,
    private: Table<'t, (&'static str, &'static str), &'static [u8]>,
}

impl<'t> State<'t> {
    pub(super) fn open(write: &'t WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            transactions: write.open_table(TRANSACTIONS)?,
            state: write.open_table(STATE)?,
            private_hashes: write.open_table(PRIVATE_HASHES)?,
            private: write.open_table(PRIVATE)?,
        })
    }

    /// Where a transaction stands, these of the block being built among them.
    pub(super) fn position(&self, transaction: &str) -> Result<Option<(u64, u32)>, redb::Error> {
        Ok(self.transactions.get(transaction)?.map(|row| (row.value().0, row.value().1)))
    }

    /// Gives a transaction its place and, if it is valid, its effect.
    pub(super) fn apply(&mut self, checked: &Checked, version: Version) -> Result<wire::Status, redb::Error> {
        let status = match () {
            () if !checked.endorsed => wire::Status::EndorsementPolicyFailure,
            () if !self.is_current(&checked.effect)? => wire::Status::MvccReadConflict,
            () => wire::Status::Valid,
        };
        self.transactions.insert(checked.id.as_str(), (version.0, version.1, status.into()))?;
        if status == wire::Status::Valid {
            self.write(checked, version)?;
        }
        Ok(status)
    }

    /// Whether what it read still stands.
    fn is_current(&self, effect: &wire::Effect) -> Result<bool, redb::Error> {
        for read in &effect.reads {
            let version = self.state.get(read.key.as_str())?.map(|row| version_message(row.value().0));
            if version != read.version {
                return Ok(false);
            }
        }
        for read in &effect.private_reads {
            let row = self.private_hashes.get((read.collection.as_str(), read.key_hash.as_slice()))?;
            if row.map(|row| version_message(row.value().0)) != read.version {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn write(&mut self, checked: &Checked, version: Version) -> Result<(), redb::Error> {
        for write in &checked.effect.writes {
            match write.deleted {
                true => drop(self.state.remove(write.key.as_str())?),
                false => drop(self.state.insert(write.key.as_str(), (version, write.value.as_slice()))?),
            }
        }
        for (write, value) in checked.effect.private_writes.iter().zip(&checked.envelope.private_values) {
            let hashed = (write.collection.as_str(), write.key_hash.as_slice());
            let plain = (value.collection.as_str(), value.key.as_str());
            if write.purged {
                self.private_hashes.remove(hashed)?;
                self.private.remove(plain)?;
            } else {
                self.private_hashes.insert(hashed, (version, write.value_hash.as_slice()))?;
                self.private.insert(plain, value.value.as_slice())?;
            }
        }
        Ok(())
    }
}
