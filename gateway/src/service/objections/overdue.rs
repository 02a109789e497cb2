//! Objections that an office should have decided: counted, and each told once.

use std::{collections::HashSet, sync::Arc, time::Duration};

use sillok_contract::{id::ObjectionId, objection::Objection};
use tokio_util::sync::CancellationToken;

use super::PAGE;
use crate::{
    ledger::LedgerError,
    service::{Core, metrics},
};

/// Looks for them every so often, until `shutdown`; not at all, if the settings say so.
pub(in crate::service) async fn run(core: Arc<Core>, shutdown: CancellationToken) {
    let every = core.settings.objections.check_s;
    if every == 0 {
        return;
    }
    let mut told = HashSet::new();
    let rounds = async {
        loop {
            match core.overdue().await {
                Ok(overdue) => tell(&overdue, &mut told),
                Err(error) => tracing::warn!(%error, "whether objections are overdue cannot be told"),
            }
            tokio::time::sleep(Duration::from_secs(every)).await;
        }
    };
    tokio::select! {
        () = rounds => {}
        () = shutdown.cancelled() => {}
    }
}

impl Core {
    /// Those that are overdue; no others are read but a page's rest.
    async fn overdue(&self) -> Result<Vec<Objection>, LedgerError> {
        let now = (self.clock)();
        let (mut overdue, mut bookmark) = (Vec::new(), String::new());
        loop {
            let page = self.contract().open_objections(PAGE, &bookmark).await?;
            let all = page.items.iter().all(|objection| objection.due_at < now);
            overdue.extend(page.items.into_iter().take_while(|objection| objection.due_at < now));
            if !all || page.bookmark.is_empty() {
                return Ok(overdue);
            }
            bookmark = page.bookmark;
        }
    }
}

/// Each is logged once, for as long as this process runs.
fn tell(overdue: &[Objection], told: &mut HashSet<ObjectionId>) {
    metrics::objections_overdue(overdue.len());
    for Objection { id, position, due_at, .. } in overdue {
        if told.insert(id.clone()) {
            let school = &position.school;
            tracing::warn!(objection = %id, %school, due_at, "an objection is overdue: an office has to decide it");
        }
    }
}
