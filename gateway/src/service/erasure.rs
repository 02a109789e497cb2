//! Erasure: on legal grounds an officer has the bodies of a learner's entries blanked, on the ledger by an act of their own
//! key, and then here. Headers, hashes, places and pseudonyms stay, and with them everybody else's proofs.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use sillok_contract::{
    act::{Act, Erase, Grounds, Place},
    batch::{packed, read_body},
    entry::EntryId,
    erasure::{Erasure, Erasures, MAX_PLACES, redacted},
    id::{LearnerId, OfficerId, SchoolId},
    key,
};
use utoipa::ToSchema;

use super::{Caller, Core, acts::Beside, problems};
use crate::problem::{Kind, Problem};

/// How many entries of the trail are read at once.
const PAGE: u32 = 500;
/// How many batches are asked about at once.
const AT_ONCE: usize = 8;

/// An officer erases the bodies of a learner's entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureRequest {
    /// The act `erase`, signed with the officer's key: a compact JWS, `typ` `sillok-act+jws`. It names the batches. Without
    /// it, only this gateway's copies of what is erased on the ledger are erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub act: Option<String>,
}

/// What of a learner's entries is erased, and what is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErasureState {
    /// The learner.
    #[schema(value_type = String)]
    pub learner: LearnerId,
    /// The batches that hold bodies of their entries: what an act names. Of entries that are on their way to the ledger
    /// nothing is said.
    pub standing: Vec<StandingPlace>,
    /// The batches in which their bodies were erased.
    pub erased: Vec<ErasedPlace>,
    /// How many copies of erased entries this answer's call has erased in the records database.
    pub copies: u64,
    /// The transaction that recorded the act, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
}

/// A batch that holds bodies of a learner's entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StandingPlace {
    /// The school.
    #[schema(value_type = String)]
    pub school: SchoolId,
    /// The batch.
    pub sequence: u64,
    /// How many.
    pub entries: u32,
}

/// A batch in which the bodies of a learner's entries were erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErasedPlace {
    /// The school.
    #[schema(value_type = String)]
    pub school: SchoolId,
    /// The batch.
    pub sequence: u64,
    /// How many.
    pub entries: u32,
    /// By which officer.
    #[schema(value_type = String)]
    pub by: OfficerId,
    /// On what grounds: `retention_expired`, `data_subject_request`, `order` or `unlawful_processing`.
    #[schema(value_type = String)]
    pub grounds: Grounds,
    /// When, in microseconds since the Unix epoch.
    pub at: i64,
    /// The transaction that recorded it.
    pub transaction: String,
}

/// A learner's entries in a batch.
struct Held {
    school: SchoolId,
    sequence: u64,
    entries: Vec<EntryId>,
    /// Who erased them, if somebody has.
    erasure: Option<Erasure>,
}

impl Core {
    /// What of a learner's entries is erased. Nothing is done.
    pub(super) async fn erasure(
        &self,
        caller: &Caller,
        learner: &LearnerId,
    ) -> Result<ErasureState, Problem> {
        caller.check_office()?;
        Ok(state(learner, self.held(learner).await?))
    }

    /// Erases, and tells what is left. What was erased before is skipped, so it may be called again after a failure.
    pub(super) async fn erase(
        &self,
        caller: &Caller,
        learner: &LearnerId,
        request: ErasureRequest,
    ) -> Result<ErasureState, Problem> {
        caller.check_office()?;
        let transaction = match &request.act {
            Some(act) => Some(self.erase_bodies(learner, act).await?),
            None => None,
        };
        let held = self.held(learner).await?;
        let copies = self.erase_copies(&held).await?;
        Ok(ErasureState { copies, transaction, ..state(learner, held) })
    }

    /// On the ledger, by an officer's act; gives the transaction.
    async fn erase_bodies(&self, learner: &LearnerId, jws: &str) -> Result<String, Problem> {
        let act = self.read_act(jws)?;
        let Act::Erase(erase) = &act.payload.act else {
            let detail = "this is another act than this operation's";
            return Err(Problem::new(Kind::Invalid, "erasure.other_act", detail));
        };
        if erase.learner != *learner {
            let detail = "the act is about another learner than the one that was called";
            return Err(Problem::new(Kind::Invalid, "erasure.other_learner", detail));
        }
        let known = self.contract().recorded_act(&act.digest).await.map_err(problems::of_ledger)?;
        // What the ledger has taken needs nothing beside it any more.
        let beside = if known.is_some() { Beside::new() } else { self.redact(erase).await? };
        Ok(self.record_act(&act, beside).await?.transaction)
    }

    /// The bodies of these batches without the learner's entries. The ledger checks that nothing else is missing.
    async fn redact(&self, erase: &Erase) -> Result<Beside, Problem> {
        if erase.places.len() > MAX_PLACES {
            let detail = format!("an act names at most {MAX_PLACES} batches; sign several");
            return Err(Problem::new(Kind::Invalid, "act.malformed", detail));
        }
        let mut beside = Beside::new();
        for Place { school, sequence } in &erase.places {
            let (contract, nothing) = (self.contract(), || problems::not_found("batch"));
            let batch = contract.batch(school, *sequence).await.map_err(problems::of_ledger)?;
            let body = contract.body(school, *sequence).await.map_err(problems::of_ledger)?;
            let (batch, body) = (batch.ok_or_else(nothing)?, body.ok_or_else(nothing)?);
            let leaves = (0..).zip(&batch.leaves).filter(|(_, leaf)| leaf.learner == erase.learner);
            let indices: Vec<u32> = leaves.map(|(index, _)| index).collect();
            let redact = move || packed(&redacted(read_body(&body.body)?, &indices));
            let body =
                tokio::task::spawn_blocking(redact).await.map_err(|error| problems::internal(&error))?;
            let body = body.map_err(|refusal| problems::internal(&refusal))?;
            beside.insert(key::body(school, *sequence), body);
        }
        Ok(beside)
    }

    /// What the records database keeps of entries that are erased on the ledger.
    async fn erase_copies(&self, held: &[Held]) -> Result<u64, Problem> {
        let mut copies = 0;
        for held in held.iter().filter(|held| held.erasure.is_some()) {
            copies += self.records.erase(&held.entries).await.map_err(problems::of_records)?;
        }
        Ok(copies)
    }

    /// The batches that the learner's trail goes through.
    async fn held(&self, learner: &LearnerId) -> Result<Vec<Held>, Problem> {
        let mut batches: BTreeMap<(SchoolId, u64), Vec<EntryId>> = BTreeMap::new();
        let mut bookmark = String::new();
        loop {
            let page =
                self.contract().entries(learner, PAGE, &bookmark).await.map_err(problems::of_ledger)?;
            for place in page.items {
                let of = (place.position.school, place.position.sequence);
                batches.entry(of).or_default().push(place.entry);
            }
            if page.bookmark.is_empty() {
                break;
            }
            bookmark = page.bookmark;
        }
        let asked = batches.into_iter().map(|((school, sequence), entries)| async move {
            let erasures = self.contract().erasures(&school, sequence).await.map_err(problems::of_ledger)?;
            Ok(Held { erasure: of(learner, erasures), school, sequence, entries })
        });
        stream::iter(asked).buffered(AT_ONCE).try_collect().await
    }

    /// Why there is no proof of an entry whose bytes are not here any more.
    pub(super) async fn erased(&self, school: &SchoolId, sequence: u64, learner: &LearnerId) -> Problem {
        let erasures = match self.contract().erasures(school, sequence).await {
            Ok(erasures) => erasures,
            Err(error) => return problems::of_ledger(error),
        };
        let Some(Erasure { by, step, grounds, .. }) = of(learner, erasures) else {
            return problems::internal(&format!(
                "the database has lost an entry of batch {sequence} of {school}, which nobody has erased"
            ));
        };
        let at = jiff::Timestamp::from_microsecond(step.at).map(|at| at.to_string()).unwrap_or_default();
        let grounds = serde_json::to_value(grounds).ok();
        let grounds = grounds.as_ref().and_then(|grounds| grounds.as_str()).unwrap_or_default();
        let detail = format!(
            "the entry was erased by the officer {by} at {at} ({grounds}): there is no proof of it any more; those that \
             were fetched before still hold"
        );
        Problem::new(Kind::NotFound, "entry.erased", detail).of_transaction(step.transaction)
    }
}

/// A learner's erasure in a batch: all of their entries there are erased at once.
fn of(learner: &LearnerId, erasures: Erasures) -> Option<Erasure> {
    erasures.erasures.into_iter().find(|erasure| erasure.learner == *learner)
}

fn state(learner: &LearnerId, held: Vec<Held>) -> ErasureState {
    let learner = learner.clone();
    let mut state =
        ErasureState { learner, standing: Vec::new(), erased: Vec::new(), copies: 0, transaction: None };
    for Held { school, sequence, entries, erasure } in held {
        let entries = entries.len() as u32;
        match erasure {
            None => state.standing.push(StandingPlace { school, sequence, entries }),
            Some(Erasure { by, grounds, step, .. }) => {
                let (at, transaction) = (step.at, step.transaction);
                state.erased.push(ErasedPlace { school, sequence, entries, by, grounds, at, transaction });
            }
        }
    }
    state
}
