//! The proof of one recorded entry, put together from what the database keeps.

use sillok_contract::entry::EntryId;

use super::{Caller, Core, problems};
use crate::problem::Problem;

impl Core {
    pub(super) async fn proof(&self, caller: &Caller, id: EntryId) -> Result<String, Problem> {
        self.entry_seen_by(caller, id).await?;
        Err(problems::internal(&"proofs are not assembled yet"))
    }
}
