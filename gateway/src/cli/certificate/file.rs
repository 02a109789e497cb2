//! A certificate's file, read.

use std::{fs::File, io::Read as _, path::Path};

use crate::{certificate::MAX_FILE, cli::Failure};

/// Its bytes: one more than the longest that is read, if it is longer.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    Ok(bytes)
}
