//! Why the archive did not do a thing.

use std::path::PathBuf;

use super::{KeyId, RecordId};
use crate::records::RecordsError;

/// Short for this module's results.
pub type Result<T> = std::result::Result<T, ArchiveError>;

/// Why the archive did not do a thing. Nothing secret is in the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// Its engine is away, overloaded or too slow, or has too few nodes left. Whether it took effect is not known; the same
    /// may be tried again.
    #[error("the archive is not to be had: {0}")]
    Unavailable(String),
    /// The office key that wraps the record's key is not among this process's.
    #[error(
        "the record {record} needs the office key {key}, which is not in {directory}; put its file there, it is needed \
         until `sillok archive show` counts no record under it"
    )]
    KeyMissing {
        /// The record.
        record: RecordId,
        /// The office key.
        key: KeyId,
        /// Where this process looks for office keys.
        directory: PathBuf,
    },
    /// There is no office key at all.
    #[error("{0} holds no office key; make the first with `sillok archive key`")]
    NoKey(PathBuf),
    /// A file is not an office key as it has to be.
    #[error("{path}: {reason}")]
    KeyFile {
        /// The file, or the directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The right key does not open what the archive holds.
    #[error(
        "the record {0} was changed in the archive, or put in another's place: it is not what was sealed"
    )]
    Damaged(RecordId),
    /// It opens, and is nothing that this version knows.
    #[error("the record {record} is not to be read: {reason}")]
    Malformed {
        /// The record.
        record: RecordId,
        /// Why not.
        reason: String,
    },
    /// It is larger than a record may be.
    #[error("a record of {size} bytes is more than the {limit} that the archive takes")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// The engine cannot be used as the configuration has it.
    #[error("{0}")]
    Setting(String),
    /// This process has a role that does not work with it.
    #[error("the archive is not opened in this role")]
    NotOpened,
    /// The system gave no randomness.
    #[error("the system gave no randomness")]
    NoRandomness,
}

impl ArchiveError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "archive.unavailable",
            Self::KeyMissing { .. } => "archive.key_missing",
            Self::NoKey(_) => "archive.no_key",
            Self::KeyFile { .. } => "archive.key_file",
            Self::Damaged(_) => "archive.damaged",
            Self::Malformed { .. } => "archive.malformed",
            Self::TooLarge { .. } => "archive.too_large",
            Self::Setting(_) => "archive.setting",
            Self::NotOpened => "archive.not_opened",
            Self::NoRandomness => "archive.no_randomness",
        }
    }

    /// Whether the same may succeed later by itself.
    pub fn retry(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::NoRandomness)
    }
}

impl From<RecordsError> for ArchiveError {
    fn from(error: RecordsError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
