//! `sillok admin office`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Deserialize;
use sillok_contract::{
    access::{OFFICE, SUPPORT},
    id::MspId,
    registry,
};

use super::{
    administrator::Administrator,
    change::{self, Columns, Source, needed},
    list,
};
use crate::{
    cli::{
        Failure, Program,
        rows::{Origin, Row},
    },
    keys::read_certificate,
    ledger::contract::Contract,
};

#[derive(Debug, Subcommand)]
pub(super) enum Office {
    /// Registers an office.
    Add(Source<Add>),
    /// Lists those of the two offices that are registered, and others by their ids.
    List {
        /// Other MSPs to look for.
        others: Vec<MspId>,
    },
}

#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Add {
    /// Its MSP, such as OfficeMSP.
    #[arg(long, value_name = "MSP")]
    id: Option<MspId>,
    /// Its name.
    #[arg(long)]
    name: Option<String>,
    /// The certificate (PEM) of the authority that issues its people's. Without it, the MSP's own.
    #[arg(long, value_name = "FILE")]
    authority: Option<PathBuf>,
}

impl Columns for Add {
    fn or(self, options: &Self, origin: &Origin) -> Self {
        Self {
            id: self.id,
            name: self.name.or_else(|| options.name.clone()),
            authority: origin.file(self.authority, &options.authority),
        }
    }
}

impl Office {
    pub(super) async fn run(self, signer: &Administrator, program: &Program) -> Result<(), Failure> {
        match self {
            Self::Add(source) => {
                let rows = source
                    .rows()?
                    .into_iter()
                    .map(|row| row.try_map(|columns, origin| columns.document(origin, signer, program)))
                    .collect::<Result<Vec<Row<_>>, _>>()?;
                let contract = signer.contract(program, OFFICE)?;
                let register = async |office: &registry::Office| contract.register_office(office).await;
                change::each(program, "offices registered", rows, register).await
            }
            Self::List { others } => print(&signer.contract(program, SUPPORT)?, &others, program).await,
        }
    }
}

impl Add {
    fn document(
        self,
        origin: &Origin,
        signer: &Administrator,
        program: &Program,
    ) -> Result<registry::Office, Failure> {
        let id = needed(self.id, "id", origin)?;
        let authority = match &self.authority {
            Some(path) => read_certificate(path)?.to_pem(),
            None => signer.authority(program, id.as_str())?,
        };
        let name = needed(self.name, "name", origin)?;
        let office = registry::Office { id, name, authority };
        office.checked().map_err(|refusal| origin.refused(&refusal))
    }
}

async fn print(contract: &Contract, others: &[MspId], program: &Program) -> Result<(), Failure> {
    let mut offices = Vec::new();
    for id in [OFFICE, SUPPORT].into_iter().filter_map(|id| MspId::new(id).ok()).chain(others.iter().cloned())
    {
        offices.extend(contract.office(&id).await?);
    }
    list::print(program, "offices", &["id", "name"], &offices, |office| {
        vec![office.id.to_string(), office.name.clone()]
    });
    Ok(())
}
