//! The connection, and how a call is tried again.

use std::{fs, net::IpAddr, path::Path, sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use scylla::{
    client::{
        PoolSize, execution_profile::ExecutionProfile, session::Session, session_builder::SessionBuilder,
    },
    errors::{DbError, ExecutionError, NewSessionError, RequestAttemptError},
    frame::types::{Consistency, SerialConsistency},
    response::query_result::QueryRowsResult,
    serialize::row::SerializeRow,
    statement::prepared::PreparedStatement,
};

use super::{CassandraSettings, unreadable};
use crate::{
    archive::{ArchiveError, Result},
    trust,
};

/// Connections to a node.
const CONNECTIONS: std::num::NonZeroUsize = std::num::NonZeroUsize::new(2).expect("two are not none");

/// Connects to the nodes that answer; one that does is enough to learn of the others.
pub(in crate::archive) async fn connect(settings: &CassandraSettings) -> Result<Session> {
    let profile = ExecutionProfile::builder()
        .consistency(Consistency::Quorum)
        .serial_consistency(Some(SerialConsistency::Serial))
        .request_timeout(Some(Duration::from_millis(settings.timeout_ms)))
        .build();
    let mut builder = SessionBuilder::new()
        .known_nodes(&settings.nodes)
        .default_execution_profile_handle(profile.into_handle())
        .pool_size(PoolSize::PerHost(CONNECTIONS))
        .connection_timeout(Duration::from_millis(settings.timeout_ms))
        .schema_agreement_timeout(Duration::from_millis(settings.wait_ms))
        .tls_context(tls(settings)?.map(Arc::new));
    if let Some(user) = &settings.user {
        builder = builder.user(user, password(settings)?);
    }
    builder.build().await.map_err(|error| match error {
        NewSessionError::FailedToResolveAnyHostname(_) | NewSessionError::EmptyKnownNodesList => {
            setting(&format!("nodes: {error}"))
        }
        error => ArchiveError::Unavailable(error.to_string()),
    })
}

fn password(settings: &CassandraSettings) -> Result<String> {
    let Some(file) = &settings.password_file else {
        return Err(setting("password_file: a user needs one"));
    };
    let text = fs::read_to_string(file)
        .map_err(|error| setting(&format!("password_file: {}: {error}", file.display())))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn tls(settings: &CassandraSettings) -> Result<Option<ClientConfig>> {
    let Some(file) = &settings.root_certificates else {
        return match settings.nodes.iter().all(|node| is_this_machine(node)) {
            true => Ok(None),
            false => Err(setting("root_certificates: nodes on other machines are spoken to over TLS only")),
        };
    };
    let roots = trust::roots(file).map_err(|why| setting(&format!("root_certificates: {why}")))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| setting(&format!("root_certificates: {error}")))?
        .with_root_certificates(roots);
    match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => builder
            .with_client_auth_cert(chain(certificate)?, private_key(key)?)
            .map(Some)
            .map_err(|error| setting(&format!("certificate: {error}"))),
        (None, None) => Ok(Some(builder.with_no_client_auth())),
        _ => Err(setting("certificate and key: name both or neither")),
    }
}

fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|error| setting(&format!("certificate: {}: {error}", file.display())))
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| setting(&format!("key: {}: {error}", file.display())))
}

fn is_this_machine(node: &str) -> bool {
    let host = node.rsplit_once(':').map_or(node, |(host, _)| host);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// How long a call is tried again. Every statement of ours may be: whatever came of the first try, the second does no more.
pub(super) struct Retries {
    wait: Duration,
}

impl Retries {
    pub(super) fn of(settings: &CassandraSettings) -> Self {
        Self { wait: Duration::from_millis(settings.wait_ms) }
    }

    /// Runs a statement that gives rows, until it is answered or refused.
    pub(super) async fn rows(
        &self,
        session: &Session,
        statement: &PreparedStatement,
        values: impl SerializeRow,
    ) -> Result<QueryRowsResult> {
        let pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(20))
            .with_max_delay(Duration::from_secs(1))
            .without_max_times()
            .with_total_delay(Some(self.wait));
        let result = (async || session.execute_unpaged(statement, &values).await)
            .retry(pauses)
            .when(|error| matches!(failure(error), ArchiveError::Unavailable(_)))
            .await
            .map_err(|error| failure(&error))?;
        result.into_rows_result().map_err(|error| unreadable(&error))
    }
}

/// What Cassandra refuses it would refuse again; all else may pass.
pub(super) fn failure(error: &ExecutionError) -> ArchiveError {
    use RequestAttemptError::DbError as Refused;
    match error {
        ExecutionError::BadQuery(_)
        | ExecutionError::LastAttemptError(Refused(
            DbError::SyntaxError
            | DbError::Invalid
            | DbError::Unauthorized
            | DbError::AuthenticationError
            | DbError::ConfigError,
            _,
        )) => ArchiveError::Setting(format!("archive.cassandra: {error}")),
        _ => ArchiveError::Unavailable(error.to_string()),
    }
}

pub(super) fn setting(reason: &str) -> ArchiveError {
    ArchiveError::Setting(format!("archive.cassandra.{reason}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn plaintext_goes_no_further_than_this_machine() {
        let of = |nodes: &[&str]| CassandraSettings {
            nodes: nodes.iter().map(|node| (*node).to_owned()).collect(),
            ..CassandraSettings::default()
        };
        assert!(tls(&of(&["127.0.0.1:9042", "127.0.0.2:9042", "localhost:1"])).unwrap().is_none());
        let error = tls(&of(&["127.0.0.1:9042", "10.0.0.1:9042"])).unwrap_err();
        assert!(error.to_string().starts_with("archive.cassandra.root_certificates: "), "{error}");
    }
}
