//! What `sillok admin officer` tells of an officer.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use sillok_contract::{
    id::{MspId, OfficerId},
    registry::{Changed, Listing, Officer},
};

use super::{
    change::Columns,
    list,
    people::{Asked, Person, Times, Told},
};
use crate::{
    cli::{Failure, rows::Origin, when::When},
    ledger::{Commit, LedgerError, contract::Contract},
};

#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NewOfficer {
    /// Their id, a pseudonym. No educator and no signer has the same.
    #[arg(long)]
    id: Option<OfficerId>,
    /// Their certificate (PEM).
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// From when on they may sign. Without it, now.
    #[arg(long, value_name = "TIME")]
    from: Option<When>,
    /// From when on no longer.
    #[arg(long, value_name = "TIME")]
    until: Option<When>,
}

impl Columns for NewOfficer {
    fn or(self, options: &Self, origin: &Origin) -> Self {
        Self {
            id: self.id,
            certificate: origin.file(self.certificate, &options.certificate),
            from: self.from.or(options.from),
            until: self.until.or(options.until),
        }
    }
}

impl Person for Officer {
    type Id = OfficerId;
    type New = NewOfficer;
    const MANY: &'static str = "officers";
    const MORE: &'static [&'static str] = &[];

    fn id(&self) -> &OfficerId {
        &self.id
    }

    fn office(&self) -> &MspId {
        &self.office
    }

    fn more(&self) -> Vec<String> {
        Vec::new()
    }

    fn times(&self) -> Times {
        Times { from: self.from, until: self.until, revoked_since: self.revoked_since }
    }

    fn set_times(&mut self, from: i64, until: Option<i64>) {
        (self.from, self.until) = (from, until);
    }

    fn asked(new: NewOfficer, told: &Told<'_>) -> Result<Asked<Self>, Failure> {
        let NewOfficer { id, certificate, from, until } = new;
        let (id, certificate) = told.certified(id, certificate)?;
        let document = Self {
            id,
            office: told.office.clone(),
            certificate: certificate.to_pem(),
            thumbprint: String::new(),
            from: 0,
            until: None,
            revoked_since: None,
        };
        let document = document.checked().map_err(|refusal| told.origin.refused(&refusal))?;
        Ok(Asked { document, from, until })
    }

    async fn standing(contract: &Contract, id: &OfficerId) -> Result<Option<Self>, LedgerError> {
        contract.officer(id).await
    }

    async fn page(contract: &Contract, bookmark: &str) -> Result<Listing<Self>, LedgerError> {
        contract.officers(list::PAGE, bookmark).await
    }

    async fn register(contract: &Contract, officers: &[Self]) -> Result<(Changed, Commit), LedgerError> {
        contract.register_officers(officers).await
    }

    async fn revoke(
        contract: &Contract,
        id: &OfficerId,
        since: i64,
    ) -> Result<(Changed, Commit), LedgerError> {
        contract.revoke_officer(id, since).await
    }
}
