//! `sillok admin educator`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Deserialize;
use sillok_contract::{
    access::SUPPORT,
    id::{EducatorId, EducatorRole, SchoolId},
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
pub(super) enum Educator {
    /// Registers an educator, who may then send queries.
    Add {
        #[command(flatten)]
        source: Source<NewEducator>,
        /// Where the certificates are that no `certificate` names: DIR/ID.pem, as `sillok keys educator` writes them.
        #[arg(long, value_name = "DIR")]
        certificates: Option<PathBuf>,
    },
    /// Lists every educator, or those of one school.
    List {
        /// Only this school's.
        #[arg(long)]
        school: Option<SchoolId>,
    },
    /// Revokes an educator: what the key signs from a time on is void, what was executed before stands. A time that
    /// stands can only become earlier.
    Revoke(Source<Revoked<EducatorId>>),
}

#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NewEducator {
    /// Their id, a pseudonym.
    #[arg(long)]
    id: Option<EducatorId>,
    /// Their school.
    #[arg(long)]
    school: Option<SchoolId>,
    /// What they are there. Without it, teacher.
    #[arg(long)]
    role: Option<EducatorRole>,
    /// Their certificate (PEM).
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// From when on they may send queries. Without it, now.
    #[arg(long, value_name = "TIME")]
    from: Option<When>,
    /// From when on no longer.
    #[arg(long, value_name = "TIME")]
    until: Option<When>,
}

impl Columns for NewEducator {
    fn or(self, options: &Self, origin: &Origin) -> Self {
        Self {
            id: self.id,
            school: self.school.or_else(|| options.school.clone()),
            role: self.role.or_else(|| options.role.clone()),
            certificate: origin.file(self.certificate, &options.certificate),
            from: self.from.or(options.from),
            until: self.until.or(options.until),
        }
    }
}

impl Educator {
    pub(super) async fn run(self, signer: &Administrator, program: &Program) -> Result<(), Failure> {
        match self {
            Self::Add { source, certificates } => add(source, certificates, signer, program).await,
            Self::List { school } => print(&signer.contract(program, SUPPORT)?, school, program).await,
            Self::Revoke(source) => revoke(source, signer, program).await,
        }
    }
}

/// An educator whose times may still be `now`.
struct Asked {
    document: registry::Educator,
    from: When,
    until: Option<When>,
}

async fn add(
    source: Source<NewEducator>,
    certificates: Option<PathBuf>,
    signer: &Administrator,
    program: &Program,
) -> Result<(), Failure> {
    let rows = source
        .rows()?
        .into_iter()
        .map(|row| row.try_map(|columns, origin| columns.asked(origin, certificates.as_ref())))
        .collect::<Result<Vec<_>, _>>()?;
    let contract = signer.contract(program, SUPPORT)?;
    let rows = change::settle(rows, async |asked| settled(asked, &contract).await).await?;
    change::many(program, "educators registered", rows, async |educators: &[registry::Educator]| {
        contract.register_educators(educators).await
    })
    .await
}

impl NewEducator {
    fn asked(self, origin: &Origin, certificates: Option<&PathBuf>) -> Result<Asked, Failure> {
        let id = needed(self.id, "id", origin)?;
        let beside = certificates.map(|directory| directory.join(format!("{id}.pem")));
        let certificate = needed(self.certificate.or(beside), "certificate", origin)?;
        let certificate = read_certificate(&certificate).map_err(|error| {
            let failure = Failure::from(error);
            Failure { detail: origin.name(&failure.detail), ..failure }
        })?;
        let teacher = || EducatorRole::new("teacher").expect("it is well-formed");
        let document = registry::Educator {
            id,
            school: needed(self.school, "school", origin)?,
            role: self.role.unwrap_or_else(teacher),
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

async fn settled(asked: Asked, contract: &Contract) -> Result<registry::Educator, LedgerError> {
    let Asked { document, from, until } = asked;
    let standing = match (from, until) {
        (When::At(_), None | Some(When::At(_))) => None,
        _ => contract.educator(&document.id).await?,
    };
    let stood = standing.as_ref();
    Ok(registry::Educator {
        from: from.or_standing(stood.map(|educator| educator.from)),
        until: until.map(|until| until.or_standing(stood.and_then(|educator| educator.until))),
        ..document
    })
}

async fn revoke(
    source: Source<Revoked<EducatorId>>,
    signer: &Administrator,
    program: &Program,
) -> Result<(), Failure> {
    let rows = source.asked()?;
    let contract = signer.contract(program, SUPPORT)?;
    let rows = change::settle(rows, async |(id, since): (EducatorId, When)| {
        let standing = contract.educator(&id).await?.and_then(|educator| educator.revoked_since);
        Ok((id, since.or_standing(standing)))
    })
    .await?;
    change::each(program, "educators revoked", rows, async |(id, since): &(EducatorId, i64)| {
        contract.revoke_educator(id, *since).await
    })
    .await
}

async fn print(contract: &Contract, school: Option<SchoolId>, program: &Program) -> Result<(), Failure> {
    let mut educators = list::all(async |bookmark| contract.educators(list::PAGE, bookmark).await).await?;
    educators.retain(|educator| school.as_ref().is_none_or(|school| educator.school == *school));
    let header = ["id", "school", "role", "from", "until", "revoked since"];
    list::print(program, "educators", &header, &educators, |educator| {
        vec![
            educator.id.to_string(),
            educator.school.to_string(),
            educator.role.to_string(),
            written(educator.from),
            written_if(educator.until),
            written_if(educator.revoked_since),
        ]
    });
    Ok(())
}
