//! Fresh archives to test on.

use std::sync::Arc;

use super::Office;
use crate::{
    archive::TableArchive,
    records::{
        conformance::engines::{Database, database, sqlite_settings},
        open,
    },
};

/// A table of a new SQLite database.
pub(super) async fn sqlite() -> (Office, tempfile::TempDir) {
    let (settings, directory) = sqlite_settings();
    (Office::new(Arc::new(TableArchive::new(open(&settings).await.unwrap()))), directory)
}

/// A table of a new PostgreSQL database.
pub(super) async fn postgres() -> Option<(Office, Database)> {
    let database = database().await?;
    let records = open(&database.settings()).await.unwrap();
    Some((Office::new(Arc::new(TableArchive::new(records))), database))
}
