//! Where results go: text for people or JSON for programs.

use std::{io::Write as _, process::ExitCode};

use serde::Serialize;

use super::Failure;

/// Standard output, in the form that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Whether programs read it.
    pub json: bool,
}

impl Output {
    /// Prints a result: its JSON on one line, or what `text` makes of it. `text` is not called for JSON.
    pub fn result<T: Serialize>(&self, value: &T, text: impl FnOnce(&T) -> String) {
        say(&if self.json { as_json(value) } else { text(value) });
    }

    /// Tells people what goes on, on standard error; nothing with `--json`.
    pub fn note(&self, text: impl AsRef<str>) {
        if !self.json {
            eprintln!("{}", text.as_ref());
        }
    }

    /// Tells a failure; its exit code.
    pub fn failure(&self, failure: &Failure) -> ExitCode {
        if self.json {
            say(&serde_json::json!({ "error": failure }).to_string());
        } else {
            eprintln!("sillok: {}: {}", failure.code, failure.detail);
        }
        failure.exit.into()
    }
}

/// A reader that has gone away is no failure of the command.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn as_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("our own results have string keys and no failing serializers")
}
