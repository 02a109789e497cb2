//! How the engines' errors look to callers. What only the operator may know is logged here.

use sillok_contract::{Code, Refusal};

use crate::{
    ledger::LedgerError,
    problem::{Kind, Problem},
    records::{
        RecordsError,
        policy::{PolicyCode, PolicyError},
    },
};

/// Of the records database.
pub(super) fn of_records(error: RecordsError) -> Problem {
    match error {
        RecordsError::Unavailable(reason) => {
            tracing::warn!(%reason, "the records database is not to be had");
            Problem::new(
                Kind::Unavailable,
                "database.unavailable",
                "the records database is not to be had; nothing was done, send the same request again",
            )
            .retry_after(1)
        }
        RecordsError::InDoubt(reason) => {
            tracing::warn!(%reason, "the records database was lost while it committed a request");
            Problem::new(
                Kind::Unavailable,
                "database.in_doubt",
                "the records database was lost while it committed; whether the request was done is not known, send the \
                 same request again to learn it",
            )
            .retry_after(1)
        }
        RecordsError::TimedOut(_) => Problem::new(Kind::TimedOut, "statement.timed_out", error.to_string()),
        RecordsError::Statement { .. } => {
            Problem::new(Kind::Unprocessable, "statement.refused", error.to_string())
        }
        RecordsError::TooManyRows { .. } => Problem::new(Kind::TooLarge, "statement.rows", error.to_string()),
        RecordsError::TooManyBytes { .. } | RecordsError::ResultTooLarge { .. } => {
            Problem::new(Kind::TooLarge, "statement.bytes", error.to_string())
        }
        RecordsError::NotOne { .. } => Problem::new(
            Kind::Conflict,
            "restore.stale",
            format!("{error}: it was changed since the plan was made; nothing was done, ask for a new plan"),
        ),
        RecordsError::OutOfTime => Problem::new(
            Kind::Invalid,
            "request.expired",
            "the request's iat was out of bounds by the time it was executed; nothing was done, sign it anew",
        ),
        RecordsError::Replayed => replayed(),
        RecordsError::LeaseLost | RecordsError::Corrupt(_) => internal(&error),
    }
}

/// Of the ledger, where it was only asked.
pub(super) fn of_ledger(error: LedgerError) -> Problem {
    match error {
        LedgerError::Refused(refusal) if refusal.code == Code::NotFound => {
            Problem::new(Kind::NotFound, "not_found", refusal.message)
        }
        LedgerError::Refused(_) | LedgerError::Malformed(_) => internal(&error),
        error => {
            tracing::warn!(%error, "the ledger is not to be had");
            let detail = "the ledger is not to be had; nothing can be told without it, ask again";
            Problem::new(Kind::Unavailable, "ledger.unavailable", detail).retry_after(2)
        }
    }
}

/// Of the ledger, where it was asked for a page. A bookmark is the caller's: that it is none of this list is theirs to mend.
pub(super) fn of_page(error: LedgerError) -> Problem {
    match error {
        LedgerError::Refused(refusal) if refusal.code == Code::ArgumentMalformed => {
            of_refusal(Kind::Invalid, &refusal)
        }
        error => of_ledger(error),
    }
}

/// The educator's `jti` was used for something else.
pub(super) fn replayed() -> Problem {
    Problem::new(
        Kind::Conflict,
        "request.replayed",
        "the request's jti was used before, with other content; nothing was done, sign anew with a new jti",
    )
}

/// Of the rules, with the kind that fits where they were applied.
pub(super) fn of_refusal(kind: Kind, refusal: &Refusal) -> Problem {
    Problem::new(kind, refusal.code.as_str(), refusal.message.clone())
}

/// Something that must not be; the text goes to the log.
pub(super) fn internal(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "an operation failed");
    Problem::new(Kind::Internal, "internal", "something within failed; the operator finds it in the log")
}

/// There is no such thing, or not for this caller: the two look the same.
pub(super) fn not_found(what: &str) -> Problem {
    Problem::new(Kind::NotFound, "not_found", format!("there is no such {what}, or it is not yours to see"))
}

/// What breaks a rule is forbidden; what could be no rule's business yet is malformed.
pub(super) fn of_policy(error: PolicyError) -> Problem {
    let kind = match error.code {
        PolicyCode::Syntax | PolicyCode::Parameters | PolicyCode::Type | PolicyCode::Value => Kind::Invalid,
        PolicyCode::Size => Kind::TooLarge,
        _ => Kind::Forbidden,
    };
    Problem::new(kind, error.code.as_str(), error.detail)
}
