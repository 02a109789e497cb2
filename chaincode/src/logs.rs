//! Logs on standard error: for people, or as JSON for programs.

use std::{env, io, panic};

use sillok_shim::SettingError;
use tracing_subscriber::EnvFilter;

/// Starts logging.
///
/// | variable | meaning |
/// |---|---|
/// | `SILLOK_LOG` | what is logged: a level, or `tracing-subscriber` directives. Default `info` |
/// | `SILLOK_LOG_FORMAT` | `human` (default) or `json` |
///
/// # Errors
///
/// [`SettingError`] if one of them is something else.
pub fn start() -> Result<(), SettingError> {
    let directives = variable("SILLOK_LOG", "info");
    let filter = EnvFilter::try_new(&directives)
        .map_err(|error| SettingError { key: "SILLOK_LOG", reason: format!("{directives:?}: {error}") })?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match variable("SILLOK_LOG_FORMAT", "human").as_str() {
        "human" => logs.with_ansi(false).init(),
        "json" => logs.json().init(),
        other => {
            let reason = format!("must be human or json, not {other:?}");
            return Err(SettingError { key: "SILLOK_LOG_FORMAT", reason });
        }
    }
    // Where, not what: a panic's words may quote what the program was working on.
    panic::set_hook(Box::new(|panic| {
        tracing::error!(location = panic.location().map(tracing::field::display), "panicked");
    }));
    Ok(())
}

fn variable(key: &str, default: &str) -> String {
    env::var(key).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.into())
}
