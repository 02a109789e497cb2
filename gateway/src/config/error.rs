//! A wrong configuration, told in one line.

/// Which key is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct ConfigError {
    /// The key, such as `limits.body_bytes`; the file's name where the file itself is not readable.
    pub key: String,
    /// What is wrong with it, and what to do.
    pub reason: String,
}

impl ConfigError {
    /// A wrong key.
    pub fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        let reason = reason.into().split_whitespace().collect::<Vec<_>>().join(" ");
        Self { key: key.into(), reason }
    }
}

impl From<figment::Error> for ConfigError {
    fn from(error: figment::Error) -> Self {
        let mut path = error.path.clone();
        if let figment::error::Kind::UnknownField(field, _) = &error.kind
            && path.last() != Some(field)
        {
            path.push(field.clone());
        }
        let key = if path.is_empty() { "the configuration".to_owned() } else { path.join(".") };
        Self::new(key, error.kind.to_string())
    }
}
