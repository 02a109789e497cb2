//! `[tls]`

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ConfigError;

/// TLS 1.2 and 1.3, for both ports. Without `certificate` the gateway speaks plaintext, as far as `listen.plaintext`
/// allows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// File (PEM) of the gateway's certificate, followed by its intermediate certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub certificate: Option<PathBuf>,
    /// File (PEM) of the certificate's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub key: Option<PathBuf>,
    /// Whether callers show certificates: "none", "optional" or "required".
    #[schema(value_type = String)]
    pub client_certificates: ClientCertificates,
    /// File (PEM) of the authorities whose client certificates are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub client_ca: Option<PathBuf>,
    /// File (PEM) of those authorities' revocation lists (RFC 5280), one of each and none past its next update, which
    /// would let nobody in. Read at start: a new list acts from the next start on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub client_revocations: Option<PathBuf>,
}

/// Whether callers show certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// They are not asked for one.
    #[default]
    None,
    /// One that is shown must be good.
    Optional,
    /// There is no connection without one.
    Required,
}

impl Tls {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wanted = self.client_certificates != ClientCertificates::None;
        let needed = |key: &str, why: &str| Err(ConfigError::new(key, format!("is needed, since {why}")));
        if self.client_ca.is_none() && self.client_revocations.is_some() {
            return needed("tls.client_ca", "tls.client_revocations is set");
        }
        match (&self.certificate, &self.key, &self.client_ca) {
            (None, Some(_), _) => needed("tls.certificate", "tls.key is set"),
            (None, _, Some(_)) => needed("tls.certificate", "tls.client_ca is set"),
            (None, None, None) if wanted => needed("tls.certificate", "tls.client_certificates is set"),
            (Some(_), None, _) => needed("tls.key", "tls.certificate is set"),
            (Some(_), _, None) if wanted => needed("tls.client_ca", "tls.client_certificates is set"),
            (Some(_), _, Some(_)) if !wanted => Err(ConfigError::new(
                "tls.client_certificates",
                "must be \"optional\" or \"required\", since tls.client_ca is set",
            )),
            _ => Ok(()),
        }
    }
}
