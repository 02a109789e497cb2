//! A wrong configuration, told in one line.

use figment::error::Kind;

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
        if let Kind::UnknownField(field, _) = &error.kind
            && path.last() != Some(field)
        {
            path.push(field.clone());
        }
        let key = if path.is_empty() { "the configuration".to_owned() } else { path.join(".") };
        Self::new(key, reason(&error))
    }
}

/// What is wrong, without the file's own words where they may be a secret: the URL of a database may hold a password.
fn reason(error: &figment::Error) -> String {
    match &error.kind {
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected)
            if error.path.first().is_some_and(|section| section == "records") =>
        {
            format!("must be {expected}")
        }
        kind => kind.to_string().lines().filter(|line| !is_excerpt(line)).collect::<Vec<_>>().join(" "),
    }
}

/// Whether the line shows the file: the TOML parser puts a bar, and maybe the line's number, before those.
fn is_excerpt(line: &str) -> bool {
    line.trim_start_matches([' ', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']).starts_with('|')
}
