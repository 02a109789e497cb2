//! A school's batches, in order, each opened and its signatures verified; several under way at once.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::{Stream, StreamExt as _, stream};
use sillok_contract::id::SchoolId;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    ledger::story::{Chapter, Content, Fault, FaultCode, Verifier, read_chapter},
    problem::Problem,
    service::{Core, problems},
};

/// How many are under way at once.
const AT_ONCE: usize = 4;

/// The batches from 1 to `last`. Each is read by a task of its own: it goes on while the one before is held against the
/// database.
pub(super) fn chapters(
    core: Arc<Core>,
    school: SchoolId,
    last: u64,
) -> impl Stream<Item = Result<Chapter, Problem>> + Send {
    let read = move |sequence| {
        let (core, school) = (core.clone(), school.clone());
        let read = async move { core.chapter(&school, sequence).await };
        let task = AbortOnDropHandle::new(tokio::spawn(read));
        async move { task.await.map_err(|error| problems::internal(&error))? }
    };
    stream::iter(1..=last).map(read).buffered(AT_ONCE)
}

impl Core {
    pub(super) async fn chapter(&self, school: &SchoolId, sequence: u64) -> Result<Chapter, Problem> {
        let chapter = read_chapter(self.contract(), school, sequence).await.map_err(problems::of_ledger)?;
        let gap =
            || problems::internal(&format!("the ledger has no batch {sequence} of {school} below its head"));
        let mut chapter = chapter.ok_or_else(gap)?;
        let entries = chapter.contents.iter().filter_map(|content| match content {
            Content::Entry(_, request) => Some(request.thumbprint),
            Content::Erased | Content::Unproven => None,
        });
        let signers = self.signers(entries.collect::<BTreeSet<_>>()).await?;
        let verify = move || {
            let mut verifier = Verifier::new(&signers);
            for index in 0..chapter.contents.len() {
                if let Content::Entry(entry, request) = &chapter.contents[index]
                    && !verifier.is_signed(entry, request)
                {
                    let why = "the request's signature is not that of the one whom the entry names";
                    chapter.faults.push(Fault::of_leaf(FaultCode::Signature, &chapter.batch, index, why));
                    chapter.contents[index] = Content::Unproven;
                }
            }
            chapter
        };
        tokio::task::spawn_blocking(verify).await.map_err(|error| problems::internal(&error))
    }
}
