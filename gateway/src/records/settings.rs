//! The configuration's section `records`.

use std::{fmt, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    RecordsError,
    migration::{self, Migration},
    policy::Limits,
    schema::Schema,
};

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configuration cannot be used: which key, and why.
    #[error("{0}")]
    Setting(String),
    /// The database is away, or its tables cannot be brought up to date.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

type Result<T> = std::result::Result<T, OpenError>;

/// The configuration's section `records`.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the database is: `sqlite:PATH`, or `postgres://USER@HOST:PORT/DATABASE`. Keep a password out of it: see
    /// `password_file`. Plaintext to another machine is spoken with `?sslmode=disable` only.
    pub url: String,
    /// A file whose first line is PostgreSQL's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub password_file: Option<PathBuf>,
    /// PEM certificates that PostgreSQL's certificate has to lead to, as it has to name the host of `url`. With them, TLS
    /// is always spoken; without, never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub root_certificates: Option<PathBuf>,
    /// Connections at most, beside two for recording and four for events; with SQLite, those that read.
    pub connections: usize,
    /// Milliseconds that one statement may take.
    pub statement_ms: u64,
    /// Milliseconds to wait for a connection, or for another's lock.
    pub wait_ms: u64,
    /// Rows that one statement may give or write.
    pub rows: u64,
    /// Bytes that all rows of one request may have.
    pub result_bytes: u64,
    /// How large a statement may be.
    pub statement: Limits,
    /// How writes past the gateway are watched for.
    pub watch: WatchSettings,
    /// The protected tables, in this file; see [`super::schema`].
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub schema_file: Option<PathBuf>,
    /// The protected tables, here. Without this and `schema_file` it is the example: a Korean school record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Schema>,
    /// A folder of `*.sql` files that create the schema's tables, applied at start in the order of their names, each
    /// once. Without it the tables have to be there, except those of the example, which are created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub migrations: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: "sqlite:sillok-data/records.db".to_owned(),
            password_file: None,
            root_certificates: None,
            connections: 8,
            statement_ms: 5_000,
            wait_ms: 10_000,
            rows: 1_000,
            result_bytes: 16 * 1024 * 1024,
            statement: Limits::default(),
            watch: WatchSettings::default(),
            schema_file: None,
            schema: None,
            migrations: None,
        }
    }
}

/// How writes past the gateway are watched for: on PostgreSQL, by logical decoding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WatchSettings {
    /// "auto", "on" or "off". The watch keeps a replication slot, and PostgreSQL keeps its log for a slot that nobody
    /// hears until the disk is full, unless max_slot_wal_keep_size bounds it. So "auto" watches only where the office has
    /// set up both wal_level = logical and a role with REPLICATION for the gateway; "on" does not start without them.
    /// `sillok watch drop` gives the slot up.
    #[schema(value_type = String)]
    pub mode: WatchMode,
}

/// Whether writes past the gateway are watched for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WatchMode {
    /// Where the database is set up for it.
    #[default]
    Auto,
    /// The gateway does not start where it cannot be.
    On,
    /// They are not.
    Off,
}

impl fmt::Debug for Settings {
    /// Without the URL: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engine = self.url.split(':').next().unwrap_or_default();
        f.debug_struct("Settings").field("engine", &engine).finish_non_exhaustive()
    }
}

impl Settings {
    /// The schema it names, checked. An error says which key is wrong and why.
    pub fn schema(&self) -> Result<Arc<Schema>> {
        let schema = match (&self.schema, &self.schema_file) {
            (Some(_), Some(_)) => return Err(setting("schema and schema_file cannot both be set")),
            (Some(schema), None) => schema.check().map(|()| schema.clone()),
            (None, Some(file)) => match std::fs::read_to_string(file) {
                Ok(text) => Schema::from_toml(&text),
                Err(error) => return Err(setting(&format!("schema_file {}: {error}", file.display()))),
            },
            (None, None) => Ok(Schema::school_record()),
        };
        schema.map(Arc::new).map_err(|error| OpenError::Setting(error.to_string()))
    }

    /// The steps that create the schema's tables.
    pub(super) fn schema_migrations(&self, example: &str) -> Result<Vec<Migration>> {
        match &self.migrations {
            Some(folder) => migration::of_folder(folder)
                .map_err(|error| setting(&format!("migrations {}: {error}", folder.display()))),
            None if self.schema.is_none() && self.schema_file.is_none() => {
                Ok(vec![Migration::of_schema("001_school_record", example)])
            }
            None => Ok(Vec::new()),
        }
    }
}

/// A setting that cannot be used.
pub(super) fn setting(reason: &str) -> OpenError {
    OpenError::Setting(format!("records.{reason}"))
}
