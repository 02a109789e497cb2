//! What failed underneath, as a command tells it.

use std::{io::ErrorKind, path::Path};

use sillok_contract::Refusal;

use super::{Exit, Failure};
use crate::{
    archive::ArchiveError,
    client::{ClientError, Refused},
    keys::{KeyError, held::HeldError},
    ledger::{
        LedgerError, consortium::ConsortiumError, embedded::OpenError, fabric::ConnectError,
        school::RegisterError,
    },
};

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let exit = match &error {
            KeyError::File { error, .. } if error.kind() != ErrorKind::NotFound => Exit::Failed,
            KeyError::NotIssued(_) | KeyError::NoRandomness => Exit::Failed,
            _ => Exit::Usage,
        };
        Self::new(exit, error.code(), error.to_string())
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        let exit = match &error {
            ArchiveError::Damaged(_) => Exit::Unverified,
            ArchiveError::KeyMissing { .. }
            | ArchiveError::NoKey(_)
            | ArchiveError::KeyFile { .. }
            | ArchiveError::Setting(_) => Exit::Usage,
            error if error.retry() => Exit::Unavailable,
            _ => Exit::Failed,
        };
        Self::new(exit, error.code(), error.to_string())
    }
}

impl From<HeldError> for Failure {
    fn from(error: HeldError) -> Self {
        let exit = match error {
            HeldError::OfficeKey(error) => return error.into(),
            HeldError::Label | HeldError::Exists(_) | HeldError::Unknown(_) | HeldError::Setting(_) => {
                Exit::Usage
            }
            HeldError::Unavailable(_) => Exit::Unavailable,
            HeldError::Ambiguous(_)
            | HeldError::Refused(_)
            | HeldError::Damaged { .. }
            | HeldError::OtherKey(_) => Exit::Failed,
        };
        Self::new(exit, error.code(), error.to_string())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(Exit::Usage, refusal.code.as_str(), refusal.message)
    }
}

impl From<ConsortiumError> for Failure {
    fn from(error: ConsortiumError) -> Self {
        match error {
            ConsortiumError::NoMember(_) => Self::usage(error.to_string()),
            ConsortiumError::NoNetwork => {
                Self::usage("name the certificate of the authority with --authority (column authority)")
            }
            ConsortiumError::Network(error) => error.into(),
            ConsortiumError::Embedded(OpenError::InUse(path)) => {
                Self::new(Exit::Unavailable, "ledger.in_use", in_use(&path))
            }
            ConsortiumError::Embedded(error) => error.into(),
            ConsortiumError::Key(error) => error.into(),
        }
    }
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Consortium(error) => error.into(),
            RegisterError::Ledger(error) => error.into(),
            RegisterError::Key(error) => error.into(),
            RegisterError::Id(refusal) => refusal.into(),
        }
    }
}

fn in_use(path: &Path) -> String {
    format!(
        "{} is held by another process, probably a running gateway: stop it and call again, or name a Fabric network with --network",
        path.display()
    )
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Self::config(error.to_string())
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let (exit, code) = match &error {
            OpenError::InUse(_) => (Exit::Unavailable, "ledger.in_use"),
            OpenError::Identities(_) | OpenError::IdentitiesGone(_) => (Exit::Failed, "ledger.identities"),
            OpenError::Damaged { .. } => (Exit::Failed, "ledger.damaged"),
            OpenError::File { .. } | OpenError::Thread(_) => (Exit::Failed, "ledger.file"),
        };
        Self::new(exit, code, error.to_string())
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let (exit, code) = match &error {
            LedgerError::Refused(refusal) if refusal.code.retry() => {
                (Exit::Unavailable, refusal.code.as_str())
            }
            LedgerError::Refused(refusal) => (Exit::Refused, refusal.code.as_str()),
            LedgerError::Evaluate(_) => (Exit::Unavailable, "ledger.evaluate"),
            LedgerError::Endorse { .. } => (Exit::Unavailable, "ledger.endorse"),
            LedgerError::Submit { .. } => (Exit::Unavailable, "ledger.submit"),
            LedgerError::Rejected { .. } => (Exit::Refused, "ledger.rejected"),
            LedgerError::CommitStatus { .. } => (Exit::Unavailable, "ledger.commit_status"),
            LedgerError::Invalid { .. } => (Exit::Unavailable, "ledger.invalid"),
            LedgerError::Events(_) => (Exit::Unavailable, "ledger.events"),
            LedgerError::Malformed(_) => (Exit::Failed, "ledger.malformed"),
        };
        let detail = match &error {
            LedgerError::Refused(refusal) => refusal.message.clone(),
            _ => error.to_string(),
        };
        Self { transaction: transaction(&error), ..Self::new(exit, code, detail) }
    }
}

fn transaction(error: &LedgerError) -> Option<String> {
    match error {
        LedgerError::Endorse { transaction, .. }
        | LedgerError::Submit { transaction, .. }
        | LedgerError::Rejected { transaction, .. }
        | LedgerError::CommitStatus { transaction, .. }
        | LedgerError::Invalid { transaction, .. } => Some(transaction.clone()).filter(|id| !id.is_empty()),
        _ => None,
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let detail = error.to_string();
        match error {
            ClientError::Setting(_) => Self::usage(detail),
            ClientError::Unreachable(_) => Self::new(Exit::Unavailable, "gateway.unreachable", detail),
            ClientError::Malformed(_) => Self::failed("gateway.malformed", detail),
            ClientError::Refused(refused) => of_gateway(refused),
        }
    }
}

fn of_gateway(refused: Refused) -> Failure {
    let exit = match refused.status {
        429 | 502..=504 => Exit::Unavailable,
        500.. => Exit::Failed,
        _ => Exit::Refused,
    };
    let Refused { code, detail, retry, transaction, .. } = refused;
    Failure { retry, transaction, ..Failure::new(exit, code, detail) }
}

#[cfg(test)]
mod tests {
    use sillok_contract::{Code, Refusal};

    use super::*;

    #[test]
    fn what_the_contract_refused_keeps_its_code_and_what_was_away_may_be_tried_again() {
        let refused = Failure::from(LedgerError::Refused(Refusal::new(Code::CreatorForbidden, "no")));
        assert_eq!(
            (refused.exit, refused.code.as_ref(), refused.retry),
            (Exit::Refused, "creator.forbidden", false)
        );
        let away = Failure::from(LedgerError::Submit { transaction: "t1".into(), reason: "away".into() });
        assert_eq!(
            (away.exit, away.retry, away.transaction.as_deref()),
            (Exit::Unavailable, true, Some("t1"))
        );
        let early = Failure::from(LedgerError::Endorse { transaction: String::new(), reason: "away".into() });
        assert_eq!(early.transaction, None);
    }

    #[test]
    fn the_gateways_status_decides_the_exit_code() {
        for (status, exit) in [(400, Exit::Refused), (409, Exit::Refused), (429, Exit::Unavailable)]
            .into_iter()
            .chain([(500, Exit::Failed), (503, Exit::Unavailable), (504, Exit::Unavailable)])
        {
            let refused = Refused { status, code: "x.y".into(), ..Refused::default() };
            let failure = Failure::from(ClientError::Refused(refused));
            assert_eq!((failure.exit, failure.code.as_ref()), (exit, "x.y"), "{status}");
        }
    }
}
