//! The learners who have rows in the database, whether the ledger knows them or not.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use sillok_contract::id::{LearnerId, SchoolId};
use utoipa::ToSchema;

use super::{Caller, Core, problems};
use crate::problem::Problem;

/// The most learners of one answer.
pub(crate) const MOST: u32 = 1_000;
/// How many are looked up at once.
const LOOK_UPS: usize = 16;

/// A learner who has rows in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LearnerWithRows {
    /// As the database names them.
    pub learner: String,
    /// Whether the ledger knows them.
    pub registered: bool,
    /// The school that they attend now; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub school: Option<SchoolId>,
}

impl Core {
    /// Learners who have rows, after one, in the order of their ids.
    pub(super) async fn learners(
        &self,
        caller: &Caller,
        after: &str,
        limit: u32,
    ) -> Result<Vec<LearnerWithRows>, Problem> {
        caller.check_office()?;
        let limit = if limit == 0 { MOST } else { limit.min(MOST) };
        let found = self.records.learners(after, limit).await.map_err(problems::of_records)?;
        let looked_up = found.into_iter().map(|learner| self.with_rows(learner));
        stream::iter(looked_up).buffered(LOOK_UPS).try_collect().await
    }

    async fn with_rows(&self, learner: String) -> Result<LearnerWithRows, Problem> {
        let known = match LearnerId::new(learner.as_str()) {
            Ok(id) => self.registry.learner(&id).await?,
            Err(_) => None,
        };
        let school = known.as_ref().and_then(|known| known.school_at((self.clock)()).ok()).cloned();
        Ok(LearnerWithRows { learner, registered: known.is_some(), school })
    }
}
