//! `sillok admin school`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Deserialize;
use sillok_contract::{
    Code, Refusal,
    access::{OFFICE, SCHOOL, SUPPORT},
    id::{MspId, SchoolId},
    registry::{self, BatchSettings, SchoolChange},
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
        when::{When, written_if},
    },
    keys::read_certificate,
    ledger::{LedgerError, contract::Contract},
};

#[derive(Debug, Subcommand)]
pub(super) enum School {
    /// Registers a school.
    Add(Source<Add>),
    /// Lists every school.
    List,
    /// Changes a school's name, district or batches; what is not named stays.
    Set(Source<Set>),
    /// Closes a school: from a time on nothing is recorded for it. A time that stands can only become earlier.
    #[command(alias = "revoke")]
    Close(Source<Close>),
}

#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Add {
    /// Its id: letters, digits, '.', '_', '-'.
    #[arg(long)]
    id: Option<SchoolId>,
    /// Its name.
    #[arg(long)]
    name: Option<String>,
    /// The district it lies in.
    #[arg(long)]
    district: Option<String>,
    /// The office it belongs to, registered before.
    #[arg(long, value_name = "MSP")]
    office: Option<MspId>,
    /// The certificate (PEM) of the authority that issues its educators'. Without it, SchoolMSP's.
    #[arg(long, value_name = "FILE")]
    authority: Option<PathBuf>,
    /// A batch closes at this many entries: 1 to 1000, 40 unless told otherwise.
    #[arg(long, value_name = "NUMBER")]
    max_entries: Option<u32>,
    /// A batch closes when its oldest entry is this old, in milliseconds: 1 to 600000, 2000 unless told otherwise.
    #[arg(long, value_name = "MILLISECONDS")]
    max_age_ms: Option<u32>,
}

#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Set {
    /// Which school.
    #[arg(long)]
    id: Option<SchoolId>,
    /// Its new name.
    #[arg(long)]
    name: Option<String>,
    /// Its new district.
    #[arg(long)]
    district: Option<String>,
    /// Its batches close at this many entries from now on.
    #[arg(long, value_name = "NUMBER")]
    max_entries: Option<u32>,
    /// Its batches close when their oldest entry is this old from now on, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS")]
    max_age_ms: Option<u32>,
}

#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Close {
    /// Which school.
    #[arg(long)]
    id: Option<SchoolId>,
    /// From when on. Without it, now.
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
}

impl Columns for Add {
    fn or(self, options: &Self, origin: &Origin) -> Self {
        Self {
            id: self.id,
            name: self.name.or_else(|| options.name.clone()),
            district: self.district.or_else(|| options.district.clone()),
            office: self.office.or_else(|| options.office.clone()),
            authority: origin.file(self.authority, &options.authority),
            max_entries: self.max_entries.or(options.max_entries),
            max_age_ms: self.max_age_ms.or(options.max_age_ms),
        }
    }
}

impl Columns for Set {
    fn or(self, options: &Self, _origin: &Origin) -> Self {
        Self {
            id: self.id,
            name: self.name.or_else(|| options.name.clone()),
            district: self.district.or_else(|| options.district.clone()),
            max_entries: self.max_entries.or(options.max_entries),
            max_age_ms: self.max_age_ms.or(options.max_age_ms),
        }
    }
}

impl Columns for Close {
    fn or(self, options: &Self, _origin: &Origin) -> Self {
        Self { id: self.id, since: self.since.or(options.since) }
    }
}

impl School {
    pub(super) async fn run(self, signer: &Administrator, program: &Program) -> Result<(), Failure> {
        match self {
            Self::Add(source) => add(source, signer, program).await,
            Self::List => print(&signer.contract(program, SUPPORT)?, program).await,
            Self::Set(source) => set(source, signer, program).await,
            Self::Close(source) => close(source, signer, program).await,
        }
    }
}

async fn add(source: Source<Add>, signer: &Administrator, program: &Program) -> Result<(), Failure> {
    let rows = source
        .rows()?
        .into_iter()
        .map(|row| row.try_map(|columns, origin| columns.document(origin, signer, program)))
        .collect::<Result<Vec<_>, _>>()?;
    let contract = signer.contract(program, OFFICE)?;
    let register = async |school: &registry::School| contract.register_school(school).await;
    change::each(program, "schools registered", rows, register).await
}

impl Add {
    fn document(
        self,
        origin: &Origin,
        signer: &Administrator,
        program: &Program,
    ) -> Result<registry::School, Failure> {
        let authority = match &self.authority {
            Some(path) => read_certificate(path)?.to_pem(),
            None => signer.authority(program, SCHOOL)?,
        };
        let school = registry::School {
            id: needed(self.id, "id", origin)?,
            name: needed(self.name, "name", origin)?,
            district: needed(self.district, "district", origin)?,
            office: self.office,
            authority,
            batch: batch(BatchSettings::default(), self.max_entries, self.max_age_ms),
            closed_since: None,
        };
        school.checked().map_err(|refusal| origin.refused(&refusal))
    }
}

fn batch(standing: BatchSettings, max_entries: Option<u32>, max_age_ms: Option<u32>) -> BatchSettings {
    BatchSettings {
        max_entries: max_entries.unwrap_or(standing.max_entries),
        max_age_ms: max_age_ms.unwrap_or(standing.max_age_ms),
    }
}

async fn set(source: Source<Set>, signer: &Administrator, program: &Program) -> Result<(), Failure> {
    let rows = with_ids(source.rows()?, |columns| columns.id.clone())?;
    let contract = signer.contract(program, OFFICE)?;
    let rows = change::settle(rows, async |(id, columns)| columns.change(id, &contract).await).await?;
    change::each(program, "schools changed", rows, async |change: &SchoolChange| {
        contract.update_school(change).await
    })
    .await
}

impl Set {
    async fn change(self, id: SchoolId, contract: &Contract) -> Result<SchoolChange, LedgerError> {
        let batch = match (self.max_entries, self.max_age_ms) {
            (None, None) => None,
            (entries, age) => Some(batch(standing(contract, &id).await?.batch, entries, age)),
        };
        Ok(SchoolChange { id, name: self.name, district: self.district, batch, closed_since: None })
    }
}

async fn close(source: Source<Close>, signer: &Administrator, program: &Program) -> Result<(), Failure> {
    let rows = with_ids(source.rows()?, |columns| columns.id.clone())?;
    let contract = signer.contract(program, OFFICE)?;
    let rows = change::settle(rows, async |(id, columns)| {
        let standing = standing(&contract, &id).await?.closed_since;
        let since = columns.since.unwrap_or(When::Now).or_standing(standing);
        Ok(SchoolChange { id, name: None, district: None, batch: None, closed_since: Some(since) })
    })
    .await?;
    change::each(program, "schools closed", rows, async |change: &SchoolChange| {
        contract.update_school(change).await
    })
    .await
}

fn with_ids<T>(
    rows: Vec<Row<T>>,
    id: fn(&T) -> Option<SchoolId>,
) -> Result<Vec<Row<(SchoolId, T)>>, Failure> {
    let with_id = |columns: T, origin: &Origin| Ok((needed(id(&columns), "id", origin)?, columns));
    rows.into_iter().map(|row| row.try_map(with_id)).collect()
}

async fn standing(contract: &Contract, id: &SchoolId) -> Result<registry::School, LedgerError> {
    contract.school(id).await?.ok_or_else(|| {
        let message = format!("the school {id} is not registered; register it first");
        LedgerError::Refused(Refusal::new(Code::SchoolUnknown, message))
    })
}

async fn print(contract: &Contract, program: &Program) -> Result<(), Failure> {
    let schools = list::all(async |bookmark| contract.schools(list::PAGE, bookmark).await).await?;
    let header = ["id", "name", "district", "office", "batch", "closed since"];
    list::print(program, "schools", &header, &schools, |school| {
        vec![
            school.id.to_string(),
            school.name.clone(),
            school.district.clone(),
            school.office.as_ref().map(ToString::to_string).unwrap_or_default(),
            format!("{} entries or {} ms", school.batch.max_entries, school.batch.max_age_ms),
            written_if(school.closed_since),
        ]
    });
    Ok(())
}
