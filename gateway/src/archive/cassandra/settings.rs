//! The configuration's section `archive.cassandra`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How Apache Cassandra is reached, where it is the archive's engine. Its nodes should write their log before they answer
/// (`commitlog_sync: group` or `batch`), or what was answered may be lost with a quorum of machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CassandraSettings {
    /// Some nodes, as HOST:PORT; the others are learned from these.
    pub nodes: Vec<String>,
    /// The keyspace. It is made with its table where it is not there.
    pub keyspace: String,
    /// On how many nodes of each data centre a record rests, where the keyspace is made. Written and read is a quorum of
    /// them: of 3, 2, so one may fail.
    pub replication: u32,
    /// The user's name, where Cassandra asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A file whose first line is the user's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub password_file: Option<PathBuf>,
    /// PEM certificates that the nodes' certificates have to lead to, as these have to name the nodes' IP addresses. With
    /// them TLS is always spoken; without, never, and to this machine alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub root_certificates: Option<PathBuf>,
    /// File (PEM) of the certificate that this process shows the nodes, followed by its intermediate certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub certificate: Option<PathBuf>,
    /// File (PEM) of that certificate's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub key: Option<PathBuf>,
    /// Milliseconds that one attempt may take.
    pub timeout_ms: u64,
    /// Milliseconds during which a call that failed is tried again.
    pub wait_ms: u64,
}

impl Default for CassandraSettings {
    fn default() -> Self {
        Self {
            nodes: vec!["127.0.0.1:9042".to_owned()],
            keyspace: "sillok".to_owned(),
            replication: 3,
            user: None,
            password_file: None,
            root_certificates: None,
            certificate: None,
            key: None,
            timeout_ms: 5_000,
            wait_ms: 20_000,
        }
    }
}
