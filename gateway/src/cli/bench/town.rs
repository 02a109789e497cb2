//! Who plays: schools with classes, and the educators who send.

use std::sync::{Mutex, PoisonError};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sillok_contract::id::{LearnerId, SchoolId};

use crate::{
    cli::Failure,
    ledger::{
        consortium::Consortium,
        school::{self, Educator, Plan, School},
    },
};

/// How many classes a school has, and how many learners a class.
const CLASSES: usize = 2;
const CLASS: usize = 30;
/// How many schools are registered at once.
const AT_ONCE: usize = 16;

/// The schools and their people.
pub(super) struct Town {
    pub(super) schools: Vec<SchoolId>,
    callers: Vec<Caller>,
    /// Each school's last batch that was seen.
    heads: Mutex<Vec<u64>>,
}

/// An educator who sends, about the learners of one class.
pub(super) struct Caller {
    /// Which of the town's schools.
    pub(super) school: usize,
    pub(super) educator: Educator,
    pub(super) learners: Vec<LearnerId>,
}

impl Caller {
    /// So many learners of the class, one after the other from a seat on, and round again.
    pub(super) fn learners_from(&self, seat: usize, count: u32) -> impl Iterator<Item = &LearnerId> {
        self.learners.iter().cycle().skip(seat % self.learners.len()).take(count as usize)
    }
}

impl Town {
    /// Registers so many schools and spreads so many callers over them. Every run has a mark of its own, because a
    /// ledger forgets nothing.
    pub(super) async fn register(
        consortium: &Consortium,
        audience: &str,
        mark: &str,
        schools: usize,
        callers: usize,
    ) -> Result<Self, Failure> {
        let each = callers.div_ceil(schools);
        let plan =
            |number: usize| Plan::new(SchoolId::new(format!("B{number}.{mark}"))?, each, CLASSES * CLASS);
        let plans = (0..schools).map(plan).collect::<Result<Vec<_>, _>>()?;
        let registered = register(consortium, audience, &plans).await?;
        let schools: Vec<_> = registered.iter().map(|school| school.id.clone()).collect();
        // Round the schools, so that the first callers are of different ones.
        let all =
            (0..each).flat_map(|round| registered.iter().enumerate().map(move |school| (round, school)));
        let callers = all.take(callers).map(|(round, (number, school))| Caller {
            school: number,
            educator: school.educators[round].clone(),
            learners: school.learners.chunks(CLASS).nth(round % CLASSES).unwrap_or_default().to_vec(),
        });
        Ok(Self { callers: callers.collect(), heads: Mutex::new(vec![0; schools.len()]), schools })
    }

    /// Who sends as this caller: when there are more callers than educators, some send as the same.
    pub(super) fn caller(&self, caller: usize) -> &Caller {
        &self.callers[caller % self.callers.len()]
    }

    /// The number of a school's last batch that was seen.
    pub(super) fn head(&self, school: usize) -> u64 {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)[school]
    }

    /// A school's batch was seen.
    pub(super) fn saw(&self, school: usize, sequence: u64) {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)[school] = sequence;
    }
}

/// Registers the offices and these schools with their people, many at once; gives them in the same order.
pub(super) async fn register(
    consortium: &Consortium,
    audience: &str,
    plans: &[Plan],
) -> Result<Vec<School>, Failure> {
    school::register_offices(consortium).await?;
    let schools = stream::iter(plans).map(|plan| school::register(consortium, plan, audience));
    Ok(schools.buffered(AT_ONCE).try_collect().await?)
}
