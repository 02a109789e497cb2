//! Why a command failed, and the exit code that says so.

use std::{borrow::Cow, process::ExitCode};

use serde::Serialize;

use crate::{
    config::ConfigError,
    problem::{Kind, Problem},
    records::OpenError,
    server::StartError,
};

/// What a command's end means; see the table in [`crate::cli`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed, for none of the reasons below.
    Failed = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Refused by the gateway or the ledger.
    Refused = 3,
    /// A part is away, overloaded or too slow.
    Unavailable = 4,
    /// Something does not verify.
    Unverified = 5,
    /// Database and ledger do not agree, or a wallet holds less than the ledger.
    Drift = 6,
    /// A certificate is genuine, and not in force.
    NotInForce = 7,
    /// Whether a certificate is in force could not be told.
    CannotTell = 8,
    /// Ended by SIGINT, in order.
    Interrupted = 130,
    /// Ended by SIGTERM, in order.
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Kind> for Exit {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Internal => Self::Failed,
            Kind::TooMany | Kind::Unavailable | Kind::TimedOut => Self::Unavailable,
            _ => Self::Refused,
        }
    }
}

/// A command's failure, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Which exit code.
    #[serde(serialize_with = "as_number")]
    pub exit: Exit,
    /// Stable, such as `config.invalid`; the gateway's own code where it refused.
    pub code: Cow<'static, str>,
    /// A sentence that says what happened and what to do.
    pub detail: String,
    /// Whether the same again may help.
    pub retry: bool,
    /// The ledger transaction it is about, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
}

impl Failure {
    /// A failure that ends with `exit`.
    pub fn new(exit: Exit, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        let retry = exit == Exit::Unavailable;
        Self { exit, code: code.into(), detail: detail.into(), retry, transaction: None }
    }

    /// Wrong arguments: code `usage`.
    pub fn usage(detail: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", detail)
    }

    /// Wrong configuration: code `config.invalid`.
    pub fn config(detail: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "config.invalid", detail)
    }

    /// What the operating system would not do: code `io`.
    pub fn io(error: std::io::Error) -> Self {
        Self::failed("io", error.to_string())
    }

    /// A failure of none of the named sorts.
    pub fn failed(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Exit::Failed, code, detail)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::config(error.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let told = error.to_string();
        match error {
            StartError::Config(error) => error.into(),
            StartError::Embedded(error) => error.into(),
            StartError::Records(OpenError::Records(_)) => Self::new(Exit::Unavailable, "records.open", told),
            StartError::Records(OpenError::Setting(_))
            | StartError::Fabric(_)
            | StartError::Data(_)
            | StartError::Events(_)
            | StartError::Archive(_)
            | StartError::Held(_) => Self::config(told),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self {
            exit: problem.kind.into(),
            code: problem.code.into(),
            detail: problem.detail,
            retry: problem.retry,
            transaction: problem.transaction,
        }
    }
}

fn as_number<S: serde::Serializer>(exit: &Exit, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(*exit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_keeps_its_code_and_gets_an_exit_code() {
        let refused = Failure::from(Problem::new(Kind::Forbidden, "standing.revoked", "…"));
        assert_eq!((refused.exit, refused.code.as_ref()), (Exit::Refused, "standing.revoked"));
        let away = Failure::from(Problem::new(Kind::Unavailable, "ledger.unavailable", "…"));
        assert_eq!((away.exit, away.retry), (Exit::Unavailable, true));
        assert_eq!(Failure::from(Problem::new(Kind::Internal, "internal", "…")).exit, Exit::Failed);
    }
}
