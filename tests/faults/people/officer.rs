//! Officers: one verifies learner after learner, one puts back what was changed past the gateway.

use rand::{rngs::StdRng, seq::IndexedRandom as _};
use sillok_contract::{id::LearnerId, purpose::Purpose};
use sillok_gateway::{
    drift::{Plan, SignedReport},
    keys::SignedQueries,
};
use sillok_tests::{
    call::{AUDIENCE, Caller, Face},
    patience::{PATIENCE, Patience},
};

use super::{
    Shared,
    administrator::{connect, score},
    asking::{Asking, Ended},
    tampers,
};

/// G6: whatever acts, a report names what is changed, and nothing that came through the gateway.
pub(super) async fn verify(shared: Shared) {
    let access = shared.officer.access().unwrap();
    let mut asking = shared.asking(202, |addresses| Caller::new(Face::Grpc, addresses, access.clone()));
    let mut random = shared.random(203);
    while !shared.is_over() {
        shared.pause(&mut random).await;
        let learner = shared.learners.choose(&mut random).expect("there are learners").clone();
        let before = shared.tampers.borrow().seen(&learner);
        let ended = asking.ask(async |caller| caller.verification(&learner).await).await;
        let after = shared.tampers.borrow().seen(&learner);
        let Ended::Done(signed) = ended else { continue };
        let (report, _) = SignedReport::verify(&signed.jws, &shared.roots).expect("G6: an office signs");
        match before.all_the_time(&after) {
            Some(None) => assert!(report.agrees, "G6: nothing of {learner} is changed: {report:#?}"),
            Some(Some(tamper)) => {
                assert!(tampers::names(&report, tamper), "G6: {tamper:?} is named: {report:#?}");
            }
            None => {}
        }
    }
}

/// Who puts back.
pub(super) struct Clerk {
    shared: Shared,
    asking: Asking,
    random: StdRng,
    /// Requests that had no answer, and whose rows they put back.
    unclear: Vec<(LearnerId, Plan, SignedQueries)>,
}

impl Clerk {
    pub(super) fn new(shared: &Shared) -> Self {
        let access = shared.officer.access().unwrap();
        let asking = shared.asking(204, |addresses| Caller::new(Face::Rest, addresses, access.clone()));
        Self { shared: shared.clone(), asking, random: shared.random(205), unclear: Vec::new() }
    }

    pub(super) async fn run(mut self) -> Self {
        while !self.shared.is_over() {
            // What is changed is left so for a while: verification meets it.
            for _ in 0..2 {
                self.shared.pause(&mut self.random).await;
            }
            let still = self.shared.tampers.borrow().still();
            if let Some(learner) = still.choose(&mut self.random) {
                self.put_back(learner).await;
            }
        }
        self
    }

    /// Signs for the plan of the moment, and sends it.
    pub(super) async fn put_back(&mut self, learner: &LearnerId) {
        let Some(plan) = self.asking.ask(async |caller| caller.restoration(learner).await).await.done()
        else {
            return;
        };
        // Every row came past the gateway after the beginning: the officer knows that there is none from before.
        let plan = plan.with_removals();
        if plan.statements.is_empty() {
            // By a request that had no answer.
            return self.is_put_back(learner).await;
        }
        assert_eq!(plan.statements.len(), 1, "G7: {learner} has one row that was changed: {plan:#?}");
        self.shared.tampers.borrow_mut().set_moving(learner, true);
        let signed =
            self.shared.officer.signs(Purpose::Restore, &plan.school, AUDIENCE, plan.asked()).unwrap();
        match self.asking.ask(async |caller| caller.submit(&signed).await).await {
            Ended::Done(state) => {
                self.shared.told.lock().await.done(&plan.school, &signed, &state);
                self.is_put_back(learner).await;
            }
            Ended::Refused(refusal) => {
                self.shared.told.lock().await.refused(&signed, refusal);
                self.shared.tampers.borrow_mut().set_moving(learner, false);
            }
            Ended::Unclear => {
                self.shared.told.lock().await.unclear(&plan.school, &signed);
                self.unclear.push((learner.clone(), plan, signed));
            }
        }
    }

    /// G7: what is told to be put back is.
    async fn is_put_back(&self, learner: &LearnerId) {
        let tamper = self.shared.tampers.borrow().seen(learner).now.expect("it was changed");
        let patience = Patience::new(PATIENCE, "the database is there");
        let found = loop {
            if let Ok(database) = connect(&self.shared.database).await
                && let Ok(found) = score(&database, learner, &tamper).await
            {
                break found;
            }
            patience.pause().await;
        };
        assert_eq!(found, tamper.before, "G7: told to be put back: {learner}, {tamper:?}");
        self.shared.tampers.borrow_mut().end(learner, true);
    }

    /// Asks once more what became of what had no answer, now that nothing is in the way. Where it is refused, it was
    /// signed too long ago, or the row was put back by it before: the row tells.
    pub(super) async fn finish(&mut self) {
        for (learner, plan, signed) in std::mem::take(&mut self.unclear) {
            let patience = Patience::new(PATIENCE, "an answer at last");
            loop {
                match self.asking.ask(async |caller| caller.submit(&signed).await).await {
                    Ended::Done(state) => {
                        self.shared.told.lock().await.done(&plan.school, &signed, &state);
                        self.is_put_back(&learner).await;
                        break;
                    }
                    Ended::Refused(_) => {
                        self.shared.tampers.borrow_mut().set_moving(&learner, false);
                        break;
                    }
                    Ended::Unclear => patience.pause().await,
                }
            }
        }
    }
}
