//! One learner's verification: the ledger is read first and the database after it, then both are compared.

use std::collections::BTreeSet;

use sillok_contract::{id::LearnerId, registry::Learner, request::SignedRequest};

use super::{Caller, Core, problems};
use crate::{
    drift::{self, History, Report, Selection, SignedReport},
    ledger::{
        contract::Contract,
        story::{self, Signer, Signers, Story},
    },
    problem::Problem,
    records::{Picture, Sought},
};

/// How often a learner is looked at again who was enrolled elsewhere meanwhile.
const TRIES: u32 = 4;

/// What was seen of a learner.
pub(super) struct Looked {
    pub(super) report: Report,
    /// The database's side.
    pub(super) picture: Picture,
    /// As registered.
    pub(super) learner: Learner,
}

impl Core {
    /// The report about a learner, signed by the office.
    pub(super) async fn verification(
        &self,
        caller: &Caller,
        learner: &LearnerId,
    ) -> Result<SignedReport, Problem> {
        caller.check_office()?;
        Ok(self.verify(learner).await?.signed(self.ledger.signer()))
    }

    /// The lives of a learner's rows, from the ledger alone.
    pub(super) async fn history(
        &self,
        caller: &Caller,
        learner: &LearnerId,
        selection: &Selection,
    ) -> Result<History, Problem> {
        caller.check_office()?;
        let story = self.story(learner).await?;
        let signers = self.signers(story.thumbprints()).await?;
        Ok(drift::history(&story.verified(&signers), selection))
    }

    /// Compares what ledger and database hold about a learner.
    pub(super) async fn verify(&self, learner: &LearnerId) -> Result<Report, Problem> {
        Ok(self.look_at(learner).await?.report)
    }

    /// The same, with what it was made of.
    pub(super) async fn look_at(&self, learner: &LearnerId) -> Result<Looked, Problem> {
        let (story, picture, report) = self.compared(learner).await?;
        Ok(Looked { report, picture, learner: story.learner })
    }

    /// Both sides, and what came of comparing them.
    pub(super) async fn compared(&self, learner: &LearnerId) -> Result<(Story, Picture, Report), Problem> {
        let (story, picture, time) = self.both_sides(learner).await?;
        let mut thumbprints = story.thumbprints();
        let waiting = picture.requests.values().filter_map(|jws| SignedRequest::parse(jws).ok());
        thumbprints.extend(waiting.map(|request| request.thumbprint));
        let signers = self.signers(thumbprints).await?;
        let story = story.verified(&signers);
        let report = drift::judge(&story, &picture, &signers, time);
        Ok((story, picture, report))
    }

    /// The ledger's side, and after it the database's, with the time in between. An entry that was recorded meanwhile is
    /// found in a later batch of the learner's schools: so the learner must not have come to another one meanwhile.
    async fn both_sides(&self, learner: &LearnerId) -> Result<(Story, Picture, i64), Problem> {
        let mut tries = 0;
        loop {
            let story = self.story(learner).await?;
            let time = (self.clock)();
            let sought = Sought {
                learner: learner.clone(),
                recorded: story.entries.iter().map(|told| told.id).collect(),
                heads: story.heads.iter().map(|head| (head.school.clone(), head.sequence)).collect(),
            };
            let picture = self.records.picture(&sought).await.map_err(problems::of_records)?;
            let now = self.contract().learner(learner).await.map_err(problems::of_ledger)?;
            tries += 1;
            if tries == TRIES || now.is_some_and(|now| now.enrolments == story.learner.enrolments) {
                return Ok((story, picture, time));
            }
        }
    }

    async fn story(&self, learner: &LearnerId) -> Result<Story, Problem> {
        let story = story::read(self.contract(), learner).await.map_err(problems::of_ledger)?;
        story.ok_or_else(|| problems::not_found("learner"))
    }

    /// Those of them whose certificates are registered on the ledger.
    pub(super) async fn signers(&self, thumbprints: BTreeSet<[u8; 32]>) -> Result<Signers, Problem> {
        let mut signers = Signers::new();
        for thumbprint in thumbprints {
            let Some(registered) = self.registered(&thumbprint).await? else { continue };
            // One whose certificate cannot be read has signed nothing.
            if let Ok(certificate) = registered.certificate() {
                let signer = Signer { id: registered.id(), certificate: certificate.clone() };
                signers.insert(thumbprint, signer);
            }
        }
        Ok(signers)
    }

    /// The ledger itself, past what is remembered of its registry.
    pub(super) fn contract(&self) -> &Contract {
        self.registry.contract()
    }
}
