//! `[log]`

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use utoipa::ToSchema;

use super::ConfigError;

/// What is logged, and how. The log goes to standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// "human" or "json".
    #[schema(value_type = String)]
    pub format: LogFormat,
    /// Which events, as tracing's directives say it: "info", "warn,sillok_gateway=debug".
    pub filter: String,
}

/// The log's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people.
    Human,
    /// A JSON object a line.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Human, filter: "info".to_owned() }
    }
}

impl Log {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        EnvFilter::try_new(&self.filter)
            .map(drop)
            .map_err(|error| ConfigError::new("log.filter", format!("{:?}: {error}", self.filter)))
    }
}
