//! The configuration's section `archive`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Archive, ArchiveError, CassandraArchive, CassandraSettings, OfficeKeys, Result, TableArchive, Vault,
};
use crate::{clock, records::Records};

/// The archive of signatures, sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// "records" (a table of the records database) or "cassandra".
    #[schema(value_type = String)]
    pub engine: ArchiveEngine,
    /// The directory of the office keys that the records' keys are wrapped by, each a file ID.key that only its owner may
    /// read: for whoever opens the archive, and nobody else. `sillok archive key` makes one. Without it,
    /// `archive-office-keys` under `data`, where the first key is made by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub keys: Option<PathBuf>,
    /// Apache Cassandra, where it is the engine.
    pub cassandra: CassandraSettings,
}

/// Which engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArchiveEngine {
    /// A table of the records database.
    #[default]
    Records,
    /// Apache Cassandra.
    Cassandra,
}

impl Settings {
    /// Where the office keys are. `data` is the directory of the embedded engines.
    pub fn keys(&self, data: &Path) -> PathBuf {
        self.keys.clone().unwrap_or_else(|| data.join("archive-office-keys"))
    }

    /// The office keys. The first is made where none was named.
    pub fn office_keys(&self, data: &Path) -> Result<OfficeKeys> {
        match &self.keys {
            Some(directory) => OfficeKeys::open(directory),
            None => OfficeKeys::open_or_make(&self.keys(data), clock::now()),
        }
    }
}

/// Opens the archive that the settings name. `data` is the directory of the embedded engines; `records` gives the records
/// database, and is waited for only where the archive is in it.
pub async fn open_vault<E: From<ArchiveError>>(
    settings: &Settings,
    data: &Path,
    records: impl Future<Output = std::result::Result<Arc<dyn Records>, E>>,
) -> std::result::Result<Vault, E> {
    let keys = settings.office_keys(data)?;
    let archive: Arc<dyn Archive> = match settings.engine {
        ArchiveEngine::Records => Arc::new(TableArchive::new(records.await?)),
        ArchiveEngine::Cassandra => Arc::new(CassandraArchive::open(&settings.cassandra).await?),
    };
    Ok(Vault::new(archive, Arc::new(keys)))
}
