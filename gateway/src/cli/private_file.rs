//! Files with learners' data or keys, and their directories: for their owner alone, and there whole or not at all.

use std::{io::Write as _, path::Path};

use tempfile::NamedTempFile;

use super::{Exit, Failure};
use crate::{keys::KeyError, server};

/// Writes a new file; refuses to overwrite.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = beside(path, bytes).map_err(|error| failed(path, &error))?;
    written.persist_noclobber(path).map(drop).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(path),
        _ => failed(path, &error.error),
    })
}

/// What is there is never overwritten.
pub(super) fn exists(path: &Path) -> Failure {
    let detail = format!("{} exists already; choose another name", path.display());
    Failure::new(Exit::Usage, "file.exists", detail)
}

/// Writes a file, instead of the one of that name.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = beside(path, bytes).map_err(|error| failed(path, &error))?;
    written.persist(path).map(drop).map_err(|error| failed(path, &error.error))
}

/// A directory for its owner alone, with those above it.
pub(super) fn make_directory(path: &Path) -> Result<(), Failure> {
    server::make_directory(path).map_err(|error| KeyError::file(path, error).into())
}

/// A temporary file only its owner may read.
fn beside(path: &Path, bytes: &[u8]) -> std::io::Result<NamedTempFile> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(parent.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed("file.not_written", format!("{}: {error}", path.display()))
}
