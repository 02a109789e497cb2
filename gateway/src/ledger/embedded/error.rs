//! Why an embedded ledger cannot be opened, or does not hold together.

use std::path::PathBuf;

use super::block::Broken;
use crate::keys::KeyError;

/// Why a ledger cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "{0} is held by another process: one gateway alone may run on an embedded ledger; stop the other or use another file"
    )]
    InUse(PathBuf),
    /// The file cannot be opened.
    #[error("{path} cannot be opened as a ledger: {error}")]
    File {
        /// The ledger's file.
        path: PathBuf,
        /// What went wrong.
        error: Box<redb::Error>,
    },
    /// The identities cannot be had.
    #[error("the ledger's identities cannot be had: {0}")]
    Identities(#[from] KeyError),
    /// The ledger has blocks, but the directory of its identities is gone.
    #[error("{0} is gone, without which this ledger cannot go on: bring it back, or begin with a new file")]
    IdentitiesGone(PathBuf),
    /// What is in the file does not hold together.
    #[error("{path} is damaged: {error}")]
    Damaged {
        /// The ledger's file.
        path: PathBuf,
        /// What does not hold.
        error: DamagedError,
    },
    /// The committer could not be started.
    #[error("the ledger's thread could not be started: {0}")]
    Thread(std::io::Error),
}

/// What does not hold together in a ledger.
#[derive(Debug, thiserror::Error)]
pub enum DamagedError {
    /// A block is missing, malformed or does not follow.
    #[error("{0}")]
    Chain(String),
    /// A transaction is not what it must be.
    #[error("transaction {position} of block {block}: {why}")]
    Transaction {
        /// The block.
        block: u64,
        /// Where in it, from 0.
        position: u32,
        /// What is wrong.
        why: String,
    },
    /// The state is not what follows from the blocks.
    #[error("the state is not what follows from the blocks: {0}")]
    State(String),
    /// The first block has other roots than the identities.
    #[error("the identities beside it belong to another ledger")]
    Identities,
    /// The file could not be read.
    #[error("the file cannot be read: {0}")]
    File(Box<redb::Error>),
}

impl From<Broken> for DamagedError {
    fn from(broken: Broken) -> Self {
        Self::Chain(broken.to_string())
    }
}

impl<E: Into<redb::Error>> From<E> for DamagedError {
    fn from(error: E) -> Self {
        Self::File(Box::new(error.into()))
    }
}
