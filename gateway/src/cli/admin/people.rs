//! `sillok admin officer` and `sillok admin signer`: people of an office, whose own administrator signs for them.

use std::{
    fmt::{Debug, Display},
    path::PathBuf,
    str::FromStr,
};

use clap::{Args, Subcommand};
use serde::{Serialize, de::DeserializeOwned};
use sillok_contract::{
    Refusal,
    access::SUPPORT,
    certificate::Certificate,
    id::MspId,
    registry::{Changed, Listing},
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
    keys::{KeyError, read_certificate},
    ledger::{Commit, LedgerError, contract::Contract},
};

/// A kind of an office's people, as the registry has them.
pub(super) trait Person: Serialize + Sized {
    /// Their ids.
    type Id: Clone + Debug + Display + DeserializeOwned + FromStr<Err = Refusal> + Send + Sync + 'static;
    /// What is told of a new one.
    type New: Columns + Debug;
    /// What many of them are called.
    const MANY: &'static str;
    /// What the kind has besides ids, offices and times, in a list.
    const MORE: &'static [&'static str];

    fn id(&self) -> &Self::Id;
    fn office(&self) -> &MspId;
    /// Likewise, of one.
    fn more(&self) -> Vec<String>;
    fn times(&self) -> Times;
    fn set_times(&mut self, from: i64, until: Option<i64>);

    /// A document with all that is checked before the ledger is asked.
    fn asked(new: Self::New, told: &Told<'_>) -> Result<Asked<Self>, Failure>;

    async fn standing(contract: &Contract, id: &Self::Id) -> Result<Option<Self>, LedgerError>;
    async fn page(contract: &Contract, bookmark: &str) -> Result<Listing<Self>, LedgerError>;
    async fn register(contract: &Contract, people: &[Self]) -> Result<(Changed, Commit), LedgerError>;
    async fn revoke(contract: &Contract, id: &Self::Id, since: i64)
    -> Result<(Changed, Commit), LedgerError>;
}

/// From when until when somebody stands.
pub(super) struct Times {
    pub(super) from: i64,
    pub(super) until: Option<i64>,
    pub(super) revoked_since: Option<i64>,
}

/// Somebody whose times may still be `now`.
pub(super) struct Asked<P> {
    pub(super) document: P,
    pub(super) from: Option<When>,
    pub(super) until: Option<When>,
}

/// What is told besides of somebody: where it stands, and what holds for all.
pub(super) struct Told<'a> {
    pub(super) office: &'a MspId,
    pub(super) origin: &'a Origin,
    certificates: Option<&'a PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command<P: Person> {
    /// Registers one, or many. The office's own administrator signs.
    Add {
        #[command(flatten)]
        source: Source<P::New>,
        #[command(flatten)]
        office: OfOffice,
        /// Where the certificates are that no `certificate` names: DIR/ID.pem, as `sillok keys` writes them.
        #[arg(long, value_name = "DIR")]
        certificates: Option<PathBuf>,
    },
    /// Lists everyone, or those of one office.
    List {
        /// Only this office's.
        #[arg(long, value_name = "MSP")]
        office: Option<MspId>,
    },
    /// Revokes one, or many: what the key signs from a time on is void, what was done or recorded before stands. A time that
    /// stands can only become earlier. The office's own administrator signs.
    Revoke {
        #[command(flatten)]
        source: Source<Revoked<P::Id>>,
        #[command(flatten)]
        office: OfOffice,
    },
}

#[derive(Debug, Args)]
pub(super) struct OfOffice {
    /// The office.
    #[arg(long, value_name = "MSP", default_value = SUPPORT)]
    office: MspId,
}

impl<P: Person> Command<P> {
    pub(super) async fn run(self, signer: &Administrator, program: &Program) -> Result<(), Failure> {
        match self {
            Self::Add { source, office, certificates } => {
                add::<P>(source, office.office, certificates, signer, program).await
            }
            Self::List { office } => print::<P>(&signer.contract(program, SUPPORT)?, office, program).await,
            Self::Revoke { source, office } => revoke::<P>(source, &office.office, signer, program).await,
        }
    }
}

impl Told<'_> {
    /// Who it is, and their certificate, which lies beside the others if no file is named.
    pub(super) fn certified<Id: Display>(
        &self,
        id: Option<Id>,
        certificate: Option<PathBuf>,
    ) -> Result<(Id, Certificate), Failure> {
        let id = needed(id, "id", self.origin)?;
        let beside = self.certificates.map(|directory| directory.join(format!("{id}.pem")));
        let certificate = needed(certificate.or(beside), "certificate", self.origin)?;
        Ok((id, read_certificate(&certificate).map_err(|error| self.named(error))?))
    }

    /// The failure with where it stands.
    pub(super) fn named(&self, error: KeyError) -> Failure {
        let failure = Failure::from(error);
        Failure { detail: self.origin.name(&failure.detail), ..failure }
    }
}

async fn add<P: Person>(
    source: Source<P::New>,
    office: MspId,
    certificates: Option<PathBuf>,
    signer: &Administrator,
    program: &Program,
) -> Result<(), Failure> {
    let asked = |new: P::New, origin: &Origin| {
        P::asked(new, &Told { office: &office, origin, certificates: certificates.as_ref() })
    };
    let rows = source.rows()?.into_iter().map(|row| row.try_map(asked)).collect::<Result<Vec<_>, _>>()?;
    let contract = signer.contract(program, office.as_str())?;
    let rows = change::settle(rows, async |asked| settled(asked, &contract).await).await?;
    let what = format!("{} registered", P::MANY);
    change::many(program, &what, rows, async |people: &[P]| P::register(&contract, people).await).await
}

async fn settled<P: Person>(asked: Asked<P>, contract: &Contract) -> Result<P, LedgerError> {
    let Asked { mut document, from, until } = asked;
    let stood = P::standing(contract, document.id()).await?.map(|standing| standing.times());
    let from = from.unwrap_or(When::Now).or_standing(stood.as_ref().map(|stood| stood.from));
    let until = until.map(|until| until.or_standing(stood.and_then(|stood| stood.until)));
    document.set_times(from, until);
    Ok(document)
}

async fn revoke<P: Person>(
    source: Source<Revoked<P::Id>>,
    office: &MspId,
    signer: &Administrator,
    program: &Program,
) -> Result<(), Failure> {
    let rows = source.asked()?;
    let contract = signer.contract(program, office.as_str())?;
    let rows = change::settle(rows, async |(id, since): (P::Id, When)| {
        let standing = P::standing(&contract, &id).await?;
        Ok((id, since.or_standing(standing.and_then(|standing| standing.times().revoked_since))))
    })
    .await?;
    let what = format!("{} revoked", P::MANY);
    change::each(program, &what, rows, async |(id, since): &(P::Id, i64)| {
        P::revoke(&contract, id, *since).await
    })
    .await
}

async fn print<P: Person>(
    contract: &Contract,
    office: Option<MspId>,
    program: &Program,
) -> Result<(), Failure> {
    let mut people = list::all(async |bookmark| P::page(contract, bookmark).await).await?;
    people.retain(|person| office.as_ref().is_none_or(|office| person.office() == office));
    let header = [&["id", "office"], P::MORE, &["from", "until", "revoked since"]].concat();
    list::print(program, P::MANY, &header, &people, |person: &P| {
        let Times { from, until, revoked_since } = person.times();
        let whose = [person.id().to_string(), person.office().to_string()];
        let times = [written(from), written_if(until), written_if(revoked_since)];
        whose.into_iter().chain(person.more()).chain(times).collect()
    });
    Ok(())
}
