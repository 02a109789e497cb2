//! Who asks, by the access token they signed with their own key.

use super::{Caller, Core};
use crate::problem::{Kind, Problem};

impl Core {
    pub(super) async fn authenticate(
        &self,
        _bearer: &str,
        _method: &str,
        _uri: &str,
    ) -> Result<Caller, Problem> {
        Err(Problem::new(Kind::Unauthenticated, "access.malformed", "not built yet"))
    }
    pub(super) async fn proof(
        &self,
        caller: &Caller,
        id: sillok_contract::entry::EntryId,
    ) -> Result<String, Problem> {
        self.entry_seen_by(caller, id).await?;
        Err(Problem::new(Kind::Internal, "internal.unfinished", "not built yet"))
    }
}
