use std::{env, fmt, fs, num::NonZero, thread, time::Duration};

use tokio_rustls::rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

/// How a chaincode is served.
///
/// [`from_env`](Self::from_env) reads the variables that Fabric's documentation uses for chaincode as a service, and
/// three of our own for the limits:
///
/// | variable | meaning |
/// |---|---|
/// | `CHAINCODE_ID` | the package id that `peer lifecycle chaincode install` printed. Required |
/// | `CHAINCODE_SERVER_ADDRESS` | address and port to listen on. Required |
/// | `CHAINCODE_TLS_DISABLED` | `true` for plain text. Default `false` |
/// | `CHAINCODE_TLS_KEY_FILE`, `CHAINCODE_TLS_KEY` | file with the server's private key, PEM |
/// | `CHAINCODE_TLS_CERT_FILE`, `CHAINCODE_TLS_CERT` | file with its certificate, PEM |
/// | `CHAINCODE_CLIENT_CA_CERT_FILE`, `CHAINCODE_CLIENT_CA_CERT`, `CHAINCODE_TLS_CLIENT_CACERT_FILE` | file with the CA certificates peers must show a certificate of, PEM. Without it any client may connect |
/// | `CHAINCODE_CALL_TIMEOUT_SECONDS` | [`Limits::call_timeout`] |
/// | `CHAINCODE_DRAIN_TIMEOUT_SECONDS` | [`Limits::drain_timeout`] |
/// | `CHAINCODE_MAX_TRANSACTIONS` | [`Limits::max_transactions`] |
#[derive(Debug, Clone)]
pub struct Settings {
    /// The package id under which peers know the chaincode.
    pub chaincode_id: String,
    /// Where to listen.
    pub address: String,
    /// Keys for TLS; `None` for plain text.
    pub tls: Option<Tls>,
    /// Times and numbers.
    pub limits: Limits,
}

/// Times and numbers that bound what a peer, or a chaincode, can cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a call of the ledger may take. Default 30 s, as long as a peer lets a transaction run.
    pub call_timeout: Duration,
    /// How long running transactions may take to end when the server stops. Default 7 s; connections then have 2 s
    /// more.
    pub drain_timeout: Duration,
    /// How many transactions run at once, each on a thread; more wait their turn. Default: two a core, 4 to 16. What a
    /// transaction costs is its core's time, and calls of the ledger are short: more threads would wait for a core, and
    /// each holds a stack and the memory that its allocator keeps for it.
    pub max_transactions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(7),
            max_transactions: (2 * cores()).clamp(4, 16),
        }
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// The server's TLS key and certificate, and whom it lets in. PEM.
#[derive(Clone)]
pub struct Tls {
    key: Vec<u8>,
    certificate: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// Without the key.
impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tls").field("mutual", &self.client_ca.is_some()).finish_non_exhaustive()
    }
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct SettingError {
    /// The variable.
    pub key: &'static str,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}

impl Settings {
    /// Settings from the process's environment.
    ///
    /// # Errors
    ///
    /// [`SettingError`] names the first variable that is missing or wrong.
    pub fn from_env() -> Result<Self, SettingError> {
        Self::read(|key| env::var(key).ok())
    }

    /// Settings from wherever `lookup` finds them. An empty value counts as none.
    ///
    /// # Errors
    ///
    /// [`SettingError`] names the first variable that is missing or wrong.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let variables = Variables(&lookup);
        Ok(Self {
            chaincode_id: variables.required(&["CHAINCODE_ID"])?.1,
            address: variables.required(&["CHAINCODE_SERVER_ADDRESS"])?.1,
            tls: if variables.flag("CHAINCODE_TLS_DISABLED")? { None } else { Some(Tls::read(&variables)?) },
            limits: Limits::read(&variables)?,
        })
    }
}

impl Limits {
    fn read(variables: &Variables<'_>) -> Result<Self, SettingError> {
        let default = Self::default();
        let seconds = |key, default: Duration| {
            let seconds = variables.number(key, default.as_secs())?;
            Ok::<_, SettingError>(Duration::from_secs(seconds))
        };
        let transactions = variables.number("CHAINCODE_MAX_TRANSACTIONS", default.max_transactions as u64)?;
        Ok(Self {
            call_timeout: seconds("CHAINCODE_CALL_TIMEOUT_SECONDS", default.call_timeout)?,
            drain_timeout: seconds("CHAINCODE_DRAIN_TIMEOUT_SECONDS", default.drain_timeout)?,
            max_transactions: usize::try_from(transactions).unwrap_or(usize::MAX),
        })
    }
}

impl Tls {
    /// Keys given as PEM. With `client_ca`, clients must show a certificate of one of its CAs.
    ///
    /// # Errors
    ///
    /// [`SettingError`] if one of them is no PEM of its kind.
    pub fn from_pem(
        key: Vec<u8>,
        certificate: Vec<u8>,
        client_ca: Option<Vec<u8>>,
    ) -> Result<Self, SettingError> {
        check_key("CHAINCODE_TLS_KEY_FILE", &key)?;
        check_certificates("CHAINCODE_TLS_CERT_FILE", &certificate)?;
        if let Some(certificates) = &client_ca {
            check_certificates("CHAINCODE_CLIENT_CA_CERT_FILE", certificates)?;
        }
        Ok(Self { key, certificate, client_ca })
    }

    fn read(variables: &Variables<'_>) -> Result<Self, SettingError> {
        let key = variables.required_file(&["CHAINCODE_TLS_KEY_FILE", "CHAINCODE_TLS_KEY"])?;
        let certificate = variables.required_file(&["CHAINCODE_TLS_CERT_FILE", "CHAINCODE_TLS_CERT"])?;
        let client_ca = variables.file(&[
            "CHAINCODE_CLIENT_CA_CERT_FILE",
            "CHAINCODE_CLIENT_CA_CERT",
            "CHAINCODE_TLS_CLIENT_CACERT_FILE",
        ])?;
        Self::from_pem(key, certificate, client_ca)
    }

    pub(crate) fn server_config(&self) -> ServerTlsConfig {
        // rustls asks for a provider once a process; that another one was set before is fine.
        let _ = aws_lc_rs::default_provider().install_default();
        let config = ServerTlsConfig::new().identity(Identity::from_pem(&self.certificate, &self.key));
        match &self.client_ca {
            Some(certificates) => config.client_ca_root(Certificate::from_pem(certificates)),
            None => config,
        }
    }
}

fn check_key(key: &'static str, pem: &[u8]) -> Result<(), SettingError> {
    // The parser's own words could quote the key.
    let reason = || "holds no private key in PEM (PKCS #8, PKCS #1 or SEC1)".to_owned();
    PrivateKeyDer::from_pem_slice(pem).map(drop).map_err(|_| SettingError { key, reason: reason() })
}

fn check_certificates(key: &'static str, pem: &[u8]) -> Result<(), SettingError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(found) if !found.is_empty() => Ok(()),
        _ => Err(SettingError { key, reason: "holds no certificate in PEM".into() }),
    }
}

/// Where settings come from.
struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    /// The first that is set, and its name.
    fn first(&self, keys: &[&'static str]) -> Option<(&'static str, String)> {
        keys.iter().find_map(|key| Some((*key, (self.0)(key).filter(|value| !value.is_empty())?)))
    }

    fn required(&self, keys: &[&'static str]) -> Result<(&'static str, String), SettingError> {
        self.first(keys).ok_or_else(|| SettingError { key: keys[0], reason: "is not set".into() })
    }

    fn required_file(&self, keys: &[&'static str]) -> Result<Vec<u8>, SettingError> {
        let reason = || "is not set (for plain text, set CHAINCODE_TLS_DISABLED=true)".into();
        self.file(keys)?.ok_or_else(|| SettingError { key: keys[0], reason: reason() })
    }

    fn file(&self, keys: &[&'static str]) -> Result<Option<Vec<u8>>, SettingError> {
        let Some((key, path)) = self.first(keys) else { return Ok(None) };
        let content = fs::read(&path);
        content
            .map(Some)
            .map_err(|error| SettingError { key, reason: format!("cannot read {path}: {error}") })
    }

    fn flag(&self, key: &'static str) -> Result<bool, SettingError> {
        let Some((_, value)) = self.first(&[key]) else { return Ok(false) };
        let reason = || format!("must be true or false, not {value:?}");
        value.to_ascii_lowercase().parse().map_err(|_| SettingError { key, reason: reason() })
    }

    fn number(&self, key: &'static str, default: u64) -> Result<u64, SettingError> {
        const LARGEST: u64 = 86_400;
        let Some((_, value)) = self.first(&[key]) else { return Ok(default) };
        let reason = || format!("must be a whole number from 1 to {LARGEST}, not {value:?}");
        let number = value.parse().ok().filter(|number| (1..=LARGEST).contains(number));
        number.ok_or_else(|| SettingError { key, reason: reason() })
    }
}
