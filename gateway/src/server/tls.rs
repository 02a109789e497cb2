//! TLS from files: the gateway's certificate, and the authorities of client certificates.

use std::{path::Path, sync::Arc};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::connection::Http;
use crate::config::{ClientCertificates, ConfigError, Tls};

/// The TLS of a port; none where there is no certificate.
pub(crate) fn of_port(settings: &Tls, http: Http) -> Result<Option<Arc<ServerConfig>>, ConfigError> {
    let (Some(certificate), Some(key)) = (&settings.certificate, &settings.key) else { return Ok(None) };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let chain = certificates("tls.certificate", certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("tls.key", key, &error))?;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::new("tls", error.to_string()))?;
    let builder = match client_verifier(settings, provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| ConfigError::new("tls.key", format!("does not fit tls.certificate: {error}")))?;
    config.alpn_protocols = vec![http.alpn()];
    Ok(Some(Arc::new(config)))
}

fn client_verifier(
    settings: &Tls,
    provider: Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, ConfigError> {
    let Some(file) = &settings.client_ca else { return Ok(None) };
    let wrong = |reason: String| ConfigError::new("tls.client_ca", format!("{}: {reason}", file.display()));
    let mut roots = RootCertStore::empty();
    for certificate in certificates("tls.client_ca", file)? {
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .with_crls(revocations(settings)?)
        .enforce_revocation_expiration();
    let builder = match settings.client_certificates {
        ClientCertificates::None => return Ok(None),
        ClientCertificates::Optional => builder.allow_unauthenticated(),
        ClientCertificates::Required => builder,
    };
    builder.build().map(Some).map_err(|error| wrong(error.to_string()))
}

/// The authorities' revocation lists, if they are named.
fn revocations(settings: &Tls) -> Result<Vec<CertificateRevocationListDer<'static>>, ConfigError> {
    let file = settings.client_revocations.as_ref();
    file.map_or_else(|| Ok(Vec::new()), |file| read("tls.client_revocations", file, "revocation list"))
}

fn certificates(key: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    read(key, file, "certificate")
}

/// What a PEM file holds of a kind; one at least.
fn read<T: PemObject>(key: &str, file: &Path, kind: &str) -> Result<Vec<T>, ConfigError> {
    let found = T::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(key, file, &error))?;
    if found.is_empty() {
        return Err(ConfigError::new(key, format!("{} holds no {kind}", file.display())));
    }
    Ok(found)
}

fn unreadable(key: &str, file: &Path, error: &rustls::pki_types::pem::Error) -> ConfigError {
    ConfigError::new(key, format!("{}: {error}", file.display()))
}
