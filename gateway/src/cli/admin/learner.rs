//! `sillok admin learner`

use clap::{Args, Subcommand};
use serde::Deserialize;
use sillok_contract::{
    access::SUPPORT,
    id::{LearnerId, SchoolId},
    registry::{self, Enrolment},
};

use super::{
    administrator::Administrator,
    change::{self, Columns, Source, needed},
    list,
    wallet::{self, NewKey, RevokedKey},
};
use crate::{
    cli::{
        Failure, Program,
        rows::{Origin, Row},
        when::{When, written},
    },
    ledger::{LedgerError, contract::Contract},
};

#[derive(Debug, Subcommand)]
pub(super) enum Learner {
    /// Registers a learner at a school.
    Add(Source<At>),
    /// Lists every learner, or those that are at one school now.
    List {
        /// Only those at this school.
        #[arg(long)]
        school: Option<SchoolId>,
    },
    /// Enrols a learner at another school from a time on, later than the last.
    Move(Source<At>),
    /// Registers the public key of a learner's wallet, which ends the one before.
    Wallet(Source<NewKey>),
    /// Revokes the key of a learner's wallet: what it signs from a time on is void, what it signed before stands.
    RevokeWallet(Source<RevokedKey>),
}

#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct At {
    /// Their id, a pseudonym that tells nothing about them: it stands on the channel.
    #[arg(long)]
    id: Option<LearnerId>,
    /// The school.
    #[arg(long)]
    school: Option<SchoolId>,
    /// From when on they are there. Without it, now.
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
}

impl Columns for At {
    fn or(self, options: &Self, _origin: &Origin) -> Self {
        Self {
            id: self.id,
            school: self.school.or_else(|| options.school.clone()),
            since: self.since.or(options.since),
        }
    }
}

/// Whom, where and since when, all given.
struct Asked {
    id: LearnerId,
    school: SchoolId,
    since: When,
}

impl At {
    fn asked(self, origin: &Origin) -> Result<Asked, Failure> {
        Ok(Asked {
            id: needed(self.id, "id", origin)?,
            school: needed(self.school, "school", origin)?,
            since: self.since.unwrap_or(When::Now),
        })
    }
}

impl Learner {
    pub(super) async fn run(self, signer: &Administrator, program: &Program) -> Result<(), Failure> {
        let contract = || signer.contract(program, SUPPORT);
        match self {
            Self::Add(source) => add(asked(source)?, &contract()?, program).await,
            Self::List { school } => print(&contract()?, school, program).await,
            Self::Move(source) => move_all(asked(source)?, &contract()?, program).await,
            Self::Wallet(source) => wallet::register(source, signer, program).await,
            Self::RevokeWallet(source) => wallet::revoke(source, signer, program).await,
        }
    }
}

fn asked(source: Source<At>) -> Result<Vec<Row<Asked>>, Failure> {
    source.rows()?.into_iter().map(|row| row.try_map(At::asked)).collect()
}

async fn add(rows: Vec<Row<Asked>>, contract: &Contract, program: &Program) -> Result<(), Failure> {
    let rows = change::settle(rows, async |asked| {
        let since = since(&asked, contract, |enrolments| enrolments.first()).await?;
        let enrolments = vec![Enrolment { school: asked.school, since }];
        Ok(registry::Learner { id: asked.id, enrolments, wallets: Vec::new() })
    })
    .await?;
    change::many(program, "learners registered", rows, async |learners: &[registry::Learner]| {
        contract.register_learners(learners).await
    })
    .await
}

async fn move_all(rows: Vec<Row<Asked>>, contract: &Contract, program: &Program) -> Result<(), Failure> {
    let rows = change::settle(rows, async |asked| {
        let since = since(&asked, contract, |enrolments| enrolments.last()).await?;
        Ok((asked.id, Enrolment { school: asked.school, since }))
    })
    .await?;
    change::each(program, "learners moved", rows, async |(id, at): &(LearnerId, Enrolment)| {
        contract.move_learner(id, &at.school, at.since).await
    })
    .await
}

/// Since when, given the enrolment that stands at the same school.
async fn since(
    asked: &Asked,
    contract: &Contract,
    enrolment: fn(&[Enrolment]) -> Option<&Enrolment>,
) -> Result<i64, LedgerError> {
    let When::Now = asked.since else {
        return Ok(asked.since.or_standing(None));
    };
    let learner = contract.learner(&asked.id).await?;
    let standing = learner.as_ref().and_then(|learner| enrolment(&learner.enrolments));
    let same = standing.filter(|standing| standing.school == asked.school);
    Ok(asked.since.or_standing(same.map(|standing| standing.since)))
}

async fn print(contract: &Contract, school: Option<SchoolId>, program: &Program) -> Result<(), Failure> {
    let mut learners = list::all(async |bookmark| contract.learners(list::PAGE, bookmark).await).await?;
    let now = When::Now.or_standing(None);
    learners.retain(|learner| school.as_ref().is_none_or(|school| learner.attends(school, now).is_ok()));
    list::print(program, "learners", &["id", "school", "since", "before"], &learners, |learner| {
        let (last, before) =
            learner.enrolments.split_last().map_or((None, &[][..]), |(last, before)| (Some(last), before));
        vec![
            learner.id.to_string(),
            last.map(|last| last.school.to_string()).unwrap_or_default(),
            last.map(|last| written(last.since)).unwrap_or_default(),
            before.iter().map(|enrolment| enrolment.school.as_str()).collect::<Vec<_>>().join(", "),
        ]
    });
    Ok(())
}
