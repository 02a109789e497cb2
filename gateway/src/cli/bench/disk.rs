//! Bytes on disk.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use serde::Serialize;

/// What is taken of the disk, in bytes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Disk {
    /// The records database: the office's own tables and Sillok's.
    pub(super) database: u64,
    /// One office's copy of the ledger: blocks, state, private bodies.
    pub(super) ledger: u64,
    /// One ordering node's copy of the blocks.
    pub(super) orderer: u64,
}

impl Disk {
    /// What came since, for each of so many entries.
    pub(super) fn each_since(self, before: Self, entries: u64) -> Option<Self> {
        let each = |now: u64, then: u64| now.saturating_sub(then).checked_div(entries);
        Some(Self {
            database: each(self.database, before.database)?,
            ledger: each(self.ledger, before.ledger)?,
            orderer: each(self.orderer, before.orderer)?,
        })
    }
}

/// SQLite's and the embedded ledger's files.
pub(super) fn of_embedded(data: &Path) -> Disk {
    let named = |beginning: &str| {
        let files = fs::read_dir(data).into_iter().flatten().filter_map(Result::ok);
        files
            .filter(|file| file.file_name().to_string_lossy().starts_with(beginning))
            .map(|file| taken(&file.path()))
            .sum()
    };
    Disk { database: named("records.db"), ledger: named("ledger.redb"), orderer: 0 }
}

/// The education office's peer and the first ordering node of a network; the database is not among its files.
pub(super) fn of_network(network: &Path) -> Disk {
    let data = |node: &str| taken(&network.join("nodes").join(node).join("data"));
    Disk { database: 0, ledger: data("peer-office"), orderer: data("orderer1") }
}

/// What a file, or everything under a directory, takes.
fn taken(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else { return 0 };
    if !metadata.is_dir() {
        return metadata.blocks() * 512;
    }
    let entries = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| taken(&entry.path())).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn what_came_is_shared_among_the_entries() {
        let before = Disk { database: 100, ledger: 50, orderer: 0 };
        let after = Disk { database: 1_100, ledger: 40, orderer: 20 };
        let each = after.each_since(before, 10).unwrap();
        assert_eq!((each.database, each.ledger, each.orderer), (100, 0, 2));
        assert!(after.each_since(before, 0).is_none());
    }

    #[test]
    fn files_in_directories_count() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("nodes/peer-office/data/chains");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("blockfile_000000"), vec![7; 10_000]).unwrap();
        let disk = of_network(directory.path());
        assert!(disk.ledger >= 10_000 && disk.orderer == 0, "{disk:?}");
    }
}
