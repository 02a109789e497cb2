//! Objections: a learner says that an entry about them is wrong, an officer upholds or dismisses. Each decides by an act of
//! their own key, which the ledger verifies; why is for the learner and the offices alone.

mod face;
mod overdue;
mod state;

use sillok_contract::{
    act::{Act, Named, ObjectionUphold},
    id::{LearnerId, ObjectionId},
    objection::{Objection, State, TRANSIENT},
    purpose::Purpose,
    registry::Listing,
    request::SignedRequest,
};

use super::{
    Caller, Core,
    acts::{Beside, check_signer},
    problems,
};
use crate::problem::{Kind, Problem};
pub(super) use overdue::run;
pub use state::{Decided, ObjectionDecision, ObjectionFiling, ObjectionState, Objections, ObjectionsWanted};

/// The most objections of one answer.
const PAGE: u32 = 100;

impl Core {
    /// A learner objects to an entry about them.
    pub(super) async fn file_objection(
        &self,
        caller: &Caller,
        filing: ObjectionFiling,
    ) -> Result<ObjectionState, Problem> {
        let learner = caller.learner("objects to an entry about themselves")?;
        let act = self.read_act(&filing.act)?;
        let Act::ObjectionFile(file) = &act.payload.act else { return Err(other_act()) };
        check_signer(&act, &Named::Learner(learner.clone()))?;
        self.record_act(&act, reason(filing.reason)).await?;
        self.objection_with_texts(&file.objection).await
    }

    /// Objections, page by page: for the offices those that are not decided, or a learner's; for a learner their own.
    pub(super) async fn objections(
        &self,
        caller: &Caller,
        wanted: ObjectionsWanted,
    ) -> Result<Objections, Problem> {
        let ObjectionsWanted { open, learner, bookmark } = wanted;
        let page = match (whose(caller, learner)?, open) {
            (Some(learner), _) => self.contract().objections(&learner, PAGE, &bookmark).await,
            (None, Some(false)) => {
                let detail = "name the learner whose objections you want, or ask for those that are open";
                return Err(Problem::new(Kind::Invalid, "query.malformed", detail));
            }
            (None, _) => self.contract().open_objections(PAGE, &bookmark).await,
        };
        let Listing { items, bookmark } = page.map_err(problems::of_page)?;
        let now = (self.clock)();
        let wanted = items.iter().filter(|objection| open != Some(true) || objection.state == State::Filed);
        let objections = wanted.map(|objection| ObjectionState::of(objection, now)).collect();
        Ok(Objections { objections, bookmark })
    }

    /// An objection with its texts, for its learner and the offices.
    pub(super) async fn objection(
        &self,
        caller: &Caller,
        id: &ObjectionId,
    ) -> Result<ObjectionState, Problem> {
        let objection = self.known_objection(id).await?;
        match caller.check_learner(&objection.learner) {
            Ok(()) => self.objection_with_texts(id).await,
            Err(_) => Err(problems::not_found("objection")),
        }
    }

    /// An officer upholds an objection or dismisses it.
    pub(super) async fn decide_objection(
        &self,
        caller: &Caller,
        id: &ObjectionId,
        decision: ObjectionDecision,
    ) -> Result<ObjectionState, Problem> {
        caller.check_office()?;
        let act = self.read_act(&decision.act)?;
        let (decided, beside) = match &act.payload.act {
            Act::ObjectionUphold(uphold) => {
                self.check_correction(uphold).await?;
                (&uphold.objection, Beside::new())
            }
            Act::ObjectionDismiss(dismiss) => {
                (&dismiss.objection, decision.reason.map(reason).unwrap_or_default())
            }
            _ => return Err(other_act()),
        };
        if decided != id {
            let detail = "the act is about another objection than the one that was called";
            return Err(Problem::new(Kind::Invalid, "objection.other", detail));
        }
        self.record_act(&act, beside).await?;
        self.objection_with_texts(id).await
    }

    /// What puts an entry right is a correction that an officer signed. That it is the learner's, and came later, the
    /// ledger says.
    async fn check_correction(&self, uphold: &ObjectionUphold) -> Result<(), Problem> {
        let entry = self.records.entry(&uphold.entry).await.map_err(problems::of_records)?;
        let entry = entry.ok_or_else(|| problems::not_found("entry"))?;
        let request = self.records.request(&entry.request).await.map_err(problems::of_records)?;
        let request = request.and_then(|request| SignedRequest::parse(&request.jws).ok());
        match request.and_then(|request| request.payload.purpose) {
            Some(Purpose::Correction) => Ok(()),
            _ => {
                let detail = "the entry that is to put it right is no correction: have one recorded that an officer \
                              signs with the purpose correction, and name that";
                Err(Problem::new(Kind::Unprocessable, "objection.not_a_correction", detail))
            }
        }
    }

    async fn objection_with_texts(&self, id: &ObjectionId) -> Result<ObjectionState, Problem> {
        let objection = self.known_objection(id).await?;
        let texts = self.contract().objection_texts(id).await.map_err(problems::of_ledger)?;
        let texts = texts.ok_or_else(|| problems::not_found("objection"))?;
        Ok(ObjectionState::of(&objection, (self.clock)()).with(texts))
    }

    async fn known_objection(&self, id: &ObjectionId) -> Result<Objection, Problem> {
        let objection = self.contract().objection(id).await.map_err(problems::of_ledger)?;
        objection.ok_or_else(|| problems::not_found("objection"))
    }
}

/// Whose objections the caller gets: a learner their own, the offices anybody's, or everybody's.
fn whose(caller: &Caller, asked: Option<LearnerId>) -> Result<Option<LearnerId>, Problem> {
    match (caller, asked) {
        (Caller::Learner { id }, None) => Ok(Some(id.clone())),
        (_, Some(learner)) => caller.check_learner(&learner).map(|()| Some(learner)),
        (_, None) => caller.check_office().map(|()| None),
    }
}

fn reason(text: String) -> Beside {
    [(TRANSIENT.to_owned(), text.into_bytes())].into()
}

fn other_act() -> Problem {
    Problem::new(Kind::Invalid, "objection.other_act", "this is another act than this operation's")
}
