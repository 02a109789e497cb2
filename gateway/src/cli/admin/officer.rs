//! `sillok admin officer`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Deserialize;
use sillok_contract::{
    access::SUPPORT,
    id::{MspId, OfficerId},
    registry,
};

use super::{
    administrator::Administrator,
    change::{self, Columns, Revoked, Source, needed},
    list,
};
use crate::{
    cli::{
        Failure, Program,
        rows::Origin,
        when::{When, written, written_if},
    },
    keys::read_certificate,
    ledger::{LedgerError, contract::Contract},
};

#[derive(Debug, Subcommand)]
pub(super) enum Officer {
    /// Registers an officer, who may then restore, adopt, certify and decide. The office's own administrator signs.
    Add {
        #[command(flatten)]
        source: Source<NewOfficer>,
        #[command(flatten)]
        office: OfOffice,
        /// Where the certificates are that no `certificate` names: DIR/ID.pem, as `sillok keys officer` writes them.
        #[arg(long, value_name = "DIR")]
        certificates: Option<PathBuf>,
    },
    /// Lists every officer, or those of one office.
    List {
        /// Only this office's.
        #[arg(long, value_name = "MSP")]
        office: Option<MspId>,
    },
    /// Revokes an officer: what the key signs from a time on is void, what was done before stands. A time that stands
    /// can only become earlier. The office's own administrator signs.
    Revoke {
        #[command(flatten)]
        source: Source<Revoked<OfficerId>>,
        #[command(flatten)]
        office: OfOffice,
    },
}

#[derive(Debug, Args)]
pub(super) struct OfOffice {
    /// The office.
    #[arg(long, value_name = "MSP", default_value = SUPPORT)]
    pub(super) office: MspId,
}

#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NewOfficer {
    /// Their id, a pseudonym. No educator has the same.
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
            certificate: self
                .certificate
                .map(|path| origin.resolve(&path))
                .or_else(|| options.certificate.clone()),
            from: self.from.or(options.from),
            until: self.until.or(options.until),
        }
    }
}

impl Officer {
    pub(super) async fn run(self, signer: &Administrator, program: &Program) -> Result<(), Failure> {
        match self {
            Self::Add { source, office, certificates } => {
                add(source, office.office, certificates, signer, program).await
            }
            Self::List { office } => print(&signer.contract(program, SUPPORT)?, office, program).await,
            Self::Revoke { source, office } => revoke(source, &office.office, signer, program).await,
        }
    }
}

/// An officer whose times may still be `now`.
struct Asked {
    document: registry::Officer,
    from: When,
    until: Option<When>,
}

async fn add(
    source: Source<NewOfficer>,
    office: MspId,
    certificates: Option<PathBuf>,
    signer: &Administrator,
    program: &Program,
) -> Result<(), Failure> {
    let rows = source
        .rows()?
        .into_iter()
        .map(|row| row.try_map(|columns, origin| columns.asked(&office, origin, certificates.as_ref())))
        .collect::<Result<Vec<_>, _>>()?;
    let contract = signer.contract(program, office.as_str())?;
    let rows = change::settle(rows, async |asked| settled(asked, &contract).await).await?;
    change::many(program, "officers registered", rows, async |officers: &[registry::Officer]| {
        contract.register_officers(officers).await
    })
    .await
}

impl NewOfficer {
    fn asked(
        self,
        office: &MspId,
        origin: &Origin,
        certificates: Option<&PathBuf>,
    ) -> Result<Asked, Failure> {
        let id = needed(self.id, "id", origin)?;
        let beside = certificates.map(|directory| directory.join(format!("{id}.pem")));
        let certificate = needed(self.certificate.or(beside), "certificate", origin)?;
        let certificate = read_certificate(&certificate).map_err(|error| {
            let failure = Failure::from(error);
            Failure { detail: origin.name(&failure.detail), ..failure }
        })?;
        let document = registry::Officer {
            id,
            office: office.clone(),
            certificate: certificate.to_pem(),
            thumbprint: String::new(),
            from: 0,
            until: None,
            revoked_since: None,
        };
        let document = document.checked().map_err(|refusal| origin.refused(&refusal))?;
        Ok(Asked { document, from: self.from.unwrap_or(When::Now), until: self.until })
    }
}

async fn settled(asked: Asked, contract: &Contract) -> Result<registry::Officer, LedgerError> {
    let Asked { document, from, until } = asked;
    let standing = contract.officer(&document.id).await?;
    let stood = standing.as_ref();
    Ok(registry::Officer {
        from: from.or_standing(stood.map(|officer| officer.from)),
        until: until.map(|until| until.or_standing(stood.and_then(|officer| officer.until))),
        ..document
    })
}

async fn revoke(
    source: Source<Revoked<OfficerId>>,
    office: &MspId,
    signer: &Administrator,
    program: &Program,
) -> Result<(), Failure> {
    let rows = source.asked()?;
    let contract = signer.contract(program, office.as_str())?;
    let rows = change::settle(rows, async |(id, since): (OfficerId, When)| {
        let standing = contract.officer(&id).await?.and_then(|officer| officer.revoked_since);
        Ok((id, since.or_standing(standing)))
    })
    .await?;
    change::each(program, "officers revoked", rows, async |(id, since): &(OfficerId, i64)| {
        contract.revoke_officer(id, *since).await
    })
    .await
}

async fn print(contract: &Contract, office: Option<MspId>, program: &Program) -> Result<(), Failure> {
    let mut officers = list::all(async |bookmark| contract.officers(list::PAGE, bookmark).await).await?;
    officers.retain(|officer| office.as_ref().is_none_or(|office| officer.office == *office));
    let header = ["id", "office", "from", "until", "revoked since"];
    list::print(program, "officers", &header, &officers, |officer| {
        vec![
            officer.id.to_string(),
            officer.office.to_string(),
            written(officer.from),
            written_if(officer.until),
            written_if(officer.revoked_since),
        ]
    });
    Ok(())
}
