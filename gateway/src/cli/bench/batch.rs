//! Batches made without a gateway: requests that educators really signed, and entries as an execution would have made
//! them.

use prost::Message as _;
use serde_json::json;
use sillok_contract::{
    batch::{self, Formed},
    digest::sha256,
    id::LearnerId,
};
use sillok_proto::ledger::{Entry, Read, RowImage, Written, entry};

use super::workload::Workload;
use crate::{cli::Failure, clock, keys::Asked, ledger::school::Educator};

/// Whose requests are made, and about whom.
pub(super) struct Author {
    pub(super) educator: Educator,
    pub(super) learners: Vec<LearnerId>,
}

/// A signed request with the entries of its queries.
pub(super) struct Executed {
    pub(super) request: String,
    pub(super) entries: Vec<Vec<u8>>,
}

impl Author {
    /// A request of so many queries, as if it had been executed now.
    pub(super) fn request(&self, workload: &Workload, queries: u32) -> Executed {
        let now = clock::now();
        let learners = self.learners.iter().cycle().take(queries as usize);
        let asked: Vec<_> = learners.map(|learner| workload.next(learner, 0)).collect();
        let signed = self.educator.signs(asked.clone()).expect("the system had randomness for the keys");
        let digest = sha256(&[signed.request.as_bytes()]);
        let entry = |((asked, query), index): ((Asked, String), u32)| Entry {
            query: query.into_bytes(),
            request_digest: digest.to_vec(),
            query_index: index,
            school: self.educator.school.to_string(),
            educator: self.educator.id.to_string(),
            learner: asked.learner.to_string(),
            executed_at: now,
            result: Some(result(&asked)),
        };
        let entries = asked.into_iter().zip(signed.queries).zip(0..).map(entry);
        Executed { request: signed.request, entries: entries.map(|entry| entry.encode_to_vec()).collect() }
    }

    /// The batch of these requests' entries, next after a header.
    pub(super) fn batch(
        &self,
        sequence: u64,
        previous: [u8; 32],
        executed: Vec<Executed>,
    ) -> Result<Formed, Failure> {
        let (requests, entries): (Vec<_>, Vec<_>) =
            executed.into_iter().map(|executed| (executed.request, executed.entries)).unzip();
        Ok(batch::build(&self.educator.school, sequence, previous, &requests, &entries.concat())?)
    }
}

/// One row read, or one mark written: what the workload's statements give.
fn result(asked: &Asked) -> entry::Result {
    if asked.sql.starts_with("SELECT") {
        return entry::Result::Read(Read { rows: 1, digest: sha256(&[asked.sql.as_bytes()]).to_vec() });
    }
    let learner = asked.learner.as_str();
    let key = json!({"learner": learner, "subject": "n1", "term": 1, "year": 2026});
    let image = json!({
        "achievement": null, "confirmed": true, "credits": null, "graded_on": null, "learner": learner,
        "score": 50, "subject": "n1", "term": 1, "year": 2026,
    });
    let [key, image] = [key, image]
        .map(|value| serde_json_canonicalizer::to_vec(&value).expect("it has text and numbers only"));
    entry::Result::Written(Written {
        rows: 1,
        images: vec![RowImage { table: "grades".to_owned(), key, image, deleted: false }],
    })
}
