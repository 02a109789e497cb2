//! `[listen]`

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ConfigError, Tls};

/// Where the gateway listens, and how it stops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// Address and port of REST. Port 0 takes a free one; what was taken is told at start.
    #[schema(value_type = String)]
    pub rest: SocketAddr,
    /// Address and port of gRPC.
    #[schema(value_type = String)]
    pub grpc: SocketAddr,
    /// Where plaintext is spoken when there is no certificate: "never", "loopback" or "anywhere".
    #[schema(value_type = String)]
    pub plaintext: Plaintext,
    /// Who may read /metrics: "loopback" (callers on this machine), "anyone" who can connect, or "nobody".
    #[schema(value_type = String)]
    pub metrics: Metrics,
    /// The origins of web pages that may call REST, such as `https://sign.example`: browsers ask before they let a page
    /// (CORS). None: no page of another origin may.
    pub origins: Vec<String>,
    /// How long a stop waits for requests under way, in milliseconds. What is not done then is dropped.
    pub drain_ms: u64,
    /// How often a stream of entries says that it is alive, in milliseconds.
    pub heartbeat_ms: u64,
}

/// Where plaintext is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plaintext {
    /// Nowhere: there has to be a certificate.
    Never,
    /// On loopback addresses.
    Loopback,
    /// On every address: for a proxy that speaks TLS in front of the gateway.
    Anywhere,
}

/// Who may read the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metrics {
    /// Callers whose address is a loopback address.
    Loopback,
    /// Whoever can connect.
    Anyone,
    /// Nobody.
    Nobody,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            rest: SocketAddr::from(([127, 0, 0, 1], 8080)),
            grpc: SocketAddr::from(([127, 0, 0, 1], 8081)),
            plaintext: Plaintext::Loopback,
            metrics: Metrics::Loopback,
            origins: Vec::new(),
            drain_ms: 10_000,
            heartbeat_ms: 15_000,
        }
    }
}

impl Listen {
    pub(super) fn check(&self, tls: &Tls) -> Result<(), ConfigError> {
        if self.heartbeat_ms == 0 {
            return Err(ConfigError::new("listen.heartbeat_ms", "must be at least 1"));
        }
        if let Some(wrong) = self.origins.iter().find(|origin| !is_origin(origin)) {
            let reason =
                format!("{wrong:?} is no origin: give scheme and host, such as \"https://sign.example\"");
            return Err(ConfigError::new("listen.origins", reason));
        }
        if tls.certificate.is_some() {
            return Ok(());
        }
        if self.plaintext == Plaintext::Never {
            return Err(ConfigError::new(
                "tls.certificate",
                "is needed, since listen.plaintext is \"never\"",
            ));
        }
        for (key, address) in [("listen.rest", self.rest), ("listen.grpc", self.grpc)] {
            if self.plaintext == Plaintext::Loopback && !address.ip().is_loopback() {
                return Err(ConfigError::new(
                    key,
                    format!(
                        "{address} is not a loopback address: set tls.certificate and tls.key, or set \
                         listen.plaintext = \"anywhere\" if a proxy in front speaks TLS"
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// Whether it is an origin as browsers send it: scheme, host, and a port where it is not the scheme's own.
fn is_origin(text: &str) -> bool {
    let host = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(fits))
}
