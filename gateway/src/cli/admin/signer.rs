//! What `sillok admin signer` tells of a signer.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use sillok_contract::{
    id::{MspId, SignerId},
    registry::{ApprovalKey, Changed, Listing, Signer},
};

use super::{
    change::Columns,
    list,
    people::{Asked, Person, Times, Told},
};
use crate::{
    cli::{Failure, rows::Origin, when::When},
    keys::PublicKey,
    ledger::{Commit, LedgerError, contract::Contract},
};

#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NewSigner {
    /// Their id, a pseudonym. No educator and no officer has the same.
    #[arg(long)]
    id: Option<SignerId>,
    /// Their certificate (PEM).
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Where the office holds the certificate's key: the person's own public key (PEM or JWK), by which they approve each
    /// use of it, as `sillok keys signer --approval` writes it.
    #[arg(long, value_name = "FILE")]
    approval: Option<PathBuf>,
    /// From when on they may sign. Without it, now.
    #[arg(long, value_name = "TIME")]
    from: Option<When>,
    /// From when on no longer.
    #[arg(long, value_name = "TIME")]
    until: Option<When>,
}

impl Columns for NewSigner {
    fn or(self, options: &Self, origin: &Origin) -> Self {
        Self {
            id: self.id,
            certificate: origin.file(self.certificate, &options.certificate),
            approval: origin.file(self.approval, &options.approval),
            from: self.from.or(options.from),
            until: self.until.or(options.until),
        }
    }
}

impl Person for Signer {
    type Id = SignerId;
    type New = NewSigner;
    const MANY: &'static str = "signers";
    const MORE: &'static [&'static str] = &["key"];

    fn id(&self) -> &SignerId {
        &self.id
    }

    fn office(&self) -> &MspId {
        &self.office
    }

    fn more(&self) -> Vec<String> {
        let whose = if self.approval.is_some() { "the office's, with their approval" } else { "their own" };
        vec![whose.to_owned()]
    }

    fn times(&self) -> Times {
        Times { from: self.from, until: self.until, revoked_since: self.revoked_since }
    }

    fn set_times(&mut self, from: i64, until: Option<i64>) {
        (self.from, self.until) = (from, until);
    }

    fn asked(new: NewSigner, told: &Told<'_>) -> Result<Asked<Self>, Failure> {
        let NewSigner { id, certificate, approval, from, until } = new;
        let (id, certificate) = told.certified(id, certificate)?;
        let approval = approval.map(|path| PublicKey::read(&path)).transpose();
        let approval = approval.map_err(|error| told.named(error))?;
        let document = Self {
            id,
            office: told.office.clone(),
            certificate: certificate.to_pem(),
            thumbprint: String::new(),
            approval: approval.map(|key| ApprovalKey::new(key.point())),
            from: 0,
            until: None,
            revoked_since: None,
        };
        let document = document.checked().map_err(|refusal| told.origin.refused(&refusal))?;
        Ok(Asked { document, from, until })
    }

    async fn standing(contract: &Contract, id: &SignerId) -> Result<Option<Self>, LedgerError> {
        contract.signer(id).await
    }

    async fn page(contract: &Contract, bookmark: &str) -> Result<Listing<Self>, LedgerError> {
        contract.signers(list::PAGE, bookmark).await
    }

    async fn register(contract: &Contract, signers: &[Self]) -> Result<(Changed, Commit), LedgerError> {
        contract.register_signers(signers).await
    }

    async fn revoke(
        contract: &Contract,
        id: &SignerId,
        since: i64,
    ) -> Result<(Changed, Commit), LedgerError> {
        contract.revoke_signer(id, since).await
    }
}
