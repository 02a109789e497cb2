//! `sillok admin signer`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Deserialize;
use sillok_contract::{
    access::SUPPORT,
    id::{MspId, SignerId},
    registry,
};

use super::{
    administrator::Administrator,
    change::{self, Columns, Revoked, Source, needed},
    list,
    officer::OfOffice,
};
use crate::{
    cli::{
        Failure, Program,
        rows::Origin,
        when::{When, written, written_if},
    },
    keys::{KeyError, PublicKey, read_certificate},
    ledger::{LedgerError, contract::Contract},
};

#[derive(Debug, Subcommand)]
pub(super) enum Signer {
    /// Registers a signer, who may then sign documents. The office's own administrator signs.
    Add {
        #[command(flatten)]
        source: Source<NewSigner>,
        #[command(flatten)]
        office: OfOffice,
        /// Where the certificates are that no `certificate` names: DIR/ID.pem, as `sillok keys signer` writes them.
        #[arg(long, value_name = "DIR")]
        certificates: Option<PathBuf>,
    },
    /// Lists every signer, or those of one office.
    List {
        /// Only this office's.
        #[arg(long, value_name = "MSP")]
        office: Option<MspId>,
    },
    /// Revokes a signer: what the key signs from a time on is void, what was recorded before stands. A time that stands
    /// can only become earlier. The office's own administrator signs.
    Revoke {
        #[command(flatten)]
        source: Source<Revoked<SignerId>>,
        #[command(flatten)]
        office: OfOffice,
    },
}

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
            certificate: self
                .certificate
                .map(|path| origin.resolve(&path))
                .or_else(|| options.certificate.clone()),
            approval: self.approval.map(|path| origin.resolve(&path)).or_else(|| options.approval.clone()),
            from: self.from.or(options.from),
            until: self.until.or(options.until),
        }
    }
}

impl Signer {
    pub(super) async fn run(self, administrator: &Administrator, program: &Program) -> Result<(), Failure> {
        match self {
            Self::Add { source, office, certificates } => {
                add(source, office.office, certificates, administrator, program).await
            }
            Self::List { office } => print(&administrator.contract(program, SUPPORT)?, office, program).await,
            Self::Revoke { source, office } => revoke(source, &office.office, administrator, program).await,
        }
    }
}

/// An officer whose times may still be `now`.
struct Asked {
    document: registry::Signer,
    from: When,
    until: Option<When>,
}

async fn add(
    source: Source<NewSigner>,
    office: MspId,
    certificates: Option<PathBuf>,
    administrator: &Administrator,
    program: &Program,
) -> Result<(), Failure> {
    let rows = source
        .rows()?
        .into_iter()
        .map(|row| row.try_map(|columns, origin| columns.asked(&office, origin, certificates.as_ref())))
        .collect::<Result<Vec<_>, _>>()?;
    let contract = administrator.contract(program, office.as_str())?;
    let rows = change::settle(rows, async |asked| settled(asked, &contract).await).await?;
    change::many(program, "signers registered", rows, async |signers: &[registry::Signer]| {
        contract.register_signers(signers).await
    })
    .await
}

impl NewSigner {
    fn asked(
        self,
        office: &MspId,
        origin: &Origin,
        certificates: Option<&PathBuf>,
    ) -> Result<Asked, Failure> {
        let id = needed(self.id, "id", origin)?;
        let beside = certificates.map(|directory| directory.join(format!("{id}.pem")));
        let certificate = needed(self.certificate.or(beside), "certificate", origin)?;
        let named = |error: KeyError| {
            let failure = Failure::from(error);
            Failure { detail: origin.name(&failure.detail), ..failure }
        };
        let certificate = read_certificate(&certificate).map_err(named)?;
        let approval = self.approval.map(|path| PublicKey::read(&path)).transpose().map_err(named)?;
        let document = registry::Signer {
            id,
            office: office.clone(),
            certificate: certificate.to_pem(),
            thumbprint: String::new(),
            approval: approval.map(|key| registry::ApprovalKey::new(key.point())),
            from: 0,
            until: None,
            revoked_since: None,
        };
        let document = document.checked().map_err(|refusal| origin.refused(&refusal))?;
        Ok(Asked { document, from: self.from.unwrap_or(When::Now), until: self.until })
    }
}

async fn settled(asked: Asked, contract: &Contract) -> Result<registry::Signer, LedgerError> {
    let Asked { document, from, until } = asked;
    let standing = contract.signer(&document.id).await?;
    let stood = standing.as_ref();
    Ok(registry::Signer {
        from: from.or_standing(stood.map(|signer| signer.from)),
        until: until.map(|until| until.or_standing(stood.and_then(|signer| signer.until))),
        ..document
    })
}

async fn revoke(
    source: Source<Revoked<SignerId>>,
    office: &MspId,
    administrator: &Administrator,
    program: &Program,
) -> Result<(), Failure> {
    let rows = source.asked()?;
    let contract = administrator.contract(program, office.as_str())?;
    let rows = change::settle(rows, async |(id, since): (SignerId, When)| {
        let standing = contract.signer(&id).await?.and_then(|signer| signer.revoked_since);
        Ok((id, since.or_standing(standing)))
    })
    .await?;
    change::each(program, "signers revoked", rows, async |(id, since): &(SignerId, i64)| {
        contract.revoke_signer(id, *since).await
    })
    .await
}

async fn print(contract: &Contract, office: Option<MspId>, program: &Program) -> Result<(), Failure> {
    let mut signers = list::all(async |bookmark| contract.signers(list::PAGE, bookmark).await).await?;
    signers.retain(|signer| office.as_ref().is_none_or(|office| signer.office == *office));
    let header = ["id", "office", "key", "from", "until", "revoked since"];
    list::print(program, "signers", &header, &signers, |signer| {
        vec![
            signer.id.to_string(),
            signer.office.to_string(),
            if signer.approval.is_some() { "the office's, with their approval" } else { "their own" }
                .to_owned(),
            written(signer.from),
            written_if(signer.until),
            written_if(signer.revoked_since),
        ]
    });
    Ok(())
}
