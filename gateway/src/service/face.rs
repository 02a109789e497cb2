//! The operations on records, as the faces call them. Those on certificates, objections and signatures are beside what does
//! them.

use futures_util::stream::BoxStream;
use sillok_contract::{
    entry::EntryId,
    id::{LearnerId, SchoolId},
};

use super::{
    Batch, Caller, Cursor, EntryRecorded, EntryState, ErasureRequest, ErasureState, LearnerEntries,
    LearnerEntry, LearnerWithRows, RequestState, Service,
};
use crate::{
    drift::{History, Plan, Selection, SignedReport},
    ledger::Receipt,
    problem::Problem,
    records::{Alert, NewAlert, RecordsError},
};

impl Service {
    /// Executes a signed request and answers as soon as effect and entries are durable.
    ///
    /// `request` is the compact JWS; `queries` are the texts it signs for, as sent, in the order of the hashes. It
    /// needs no bearer token: the signature says who asks. The same request sent again answers as the first time.
    ///
    /// Checked in this order, each with its own code: form, size, signature, audience and time, replay, standing,
    /// policy; then whether the ledger keeps up.
    pub async fn submit(&self, request: &str, queries: Vec<Vec<u8>>) -> Result<RequestState, Problem> {
        self.core.submit(request, queries).await
    }

    /// The state of an executed request, entry by entry, without the rows; `digest` is the SHA-256 of its JWS.
    pub async fn request(&self, caller: &Caller, digest: [u8; 32]) -> Result<RequestState, Problem> {
        self.core.request(caller, digest).await
    }

    /// The state of one entry.
    pub async fn entry(&self, caller: &Caller, id: EntryId) -> Result<EntryState, Problem> {
        self.core.entry(caller, id).await
    }

    /// The proof of a recorded entry: canonical JSON (RFC 8785).
    pub async fn proof(&self, caller: &Caller, id: EntryId) -> Result<String, Problem> {
        self.core.proof(caller, id).await
    }

    /// A school's recorded batches after a sequence, in order. A `limit` of 0 means the most: 100.
    pub async fn batches(
        &self,
        caller: &Caller,
        school: &SchoolId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Batch>, Problem> {
        self.core.batches(caller, school, after, limit).await
    }

    /// A school's recorded entries after the cursor (none: from the first), each once and in order, then those to
    /// come as they are recorded. It ends only with an error; go on from the last cursor.
    pub async fn entries(
        &self,
        caller: &Caller,
        school: &SchoolId,
        after: Option<Cursor>,
    ) -> Result<BoxStream<'static, Result<EntryRecorded, Problem>>, Problem> {
        self.core.entries(caller, school, after)
    }

    /// Compares database and ledger for one learner, row by row and column by column. For the offices' people. The
    /// report is signed by the office.
    pub async fn verification(&self, caller: &Caller, learner: &LearnerId) -> Result<SignedReport, Problem> {
        self.core.verification(caller, learner).await
    }

    /// How a learner's rows would be put back to their last recorded images; nothing is done. For the offices' people: an
    /// officer signs for the plan's statements with the purpose `restore`, and submits them.
    pub async fn restoration(&self, caller: &Caller, learner: &LearnerId) -> Result<Plan, Problem> {
        self.core.restoration(caller, learner).await
    }

    /// The lives of a learner's rows, entry by entry, from the ledger alone. For the offices' people.
    pub async fn history(
        &self,
        caller: &Caller,
        learner: &LearnerId,
        selection: &Selection,
    ) -> Result<History, Problem> {
        self.core.history(caller, learner, selection).await
    }

    /// What of a learner's entries is erased, and what is not. For the offices' people.
    pub async fn erasure(&self, caller: &Caller, learner: &LearnerId) -> Result<ErasureState, Problem> {
        self.core.erasure(caller, learner).await
    }

    /// Erases the bodies of a learner's entries: on the ledger in the batches that an officer's act names, and what the
    /// database keeps of them. The same act again answers as the first time. For the offices' people.
    pub async fn erase(
        &self,
        caller: &Caller,
        learner: &LearnerId,
        request: ErasureRequest,
    ) -> Result<ErasureState, Problem> {
        self.core.erase(caller, learner, request).await
    }

    /// How many entries a learner has on the ledger and where the last one stands, as both offices attest it now: a
    /// receipt in no block, whose answer is a [`sillok_contract::batch::Trail`]. `nonce` is the asker's, 16 to 64 random
    /// bytes in lower-case hexadecimal digits.
    pub async fn trail(&self, caller: &Caller, learner: &LearnerId, nonce: &str) -> Result<Receipt, Problem> {
        self.core.trail(caller, learner, nonce).await
    }

    /// A learner's recorded entries with numbers greater than `after`, in order. A `limit` of 0 means the most: 100.
    pub async fn learner_entries(
        &self,
        caller: &Caller,
        learner: &LearnerId,
        after: u64,
        limit: u32,
    ) -> Result<LearnerEntries, Problem> {
        self.core.learner_entries(caller, learner, after, limit).await
    }

    /// A learner's recorded entries with numbers greater than `after`, each once and in order, then those to come as
    /// they are recorded. It ends only with an error; go on from the last number.
    pub async fn follow_learner(
        &self,
        caller: &Caller,
        learner: &LearnerId,
        after: u64,
    ) -> Result<BoxStream<'static, Result<LearnerEntry, Problem>>, Problem> {
        self.core.follow_learner(caller, learner, after)
    }

    /// Learners who have rows in the database, after this one, in the order of their ids; whether the ledger knows them
    /// or not. A `limit` of 0 means the most: 1,000. For the offices' people.
    pub async fn learners(
        &self,
        caller: &Caller,
        after: &str,
        limit: u32,
    ) -> Result<Vec<LearnerWithRows>, Problem> {
        self.core.learners(caller, after, limit).await
    }

    /// What was found in the database that did not come through the gateway, after the alert with this number, in order.
    /// A `limit` of 0 means the most: 100. For officers.
    pub async fn alerts(&self, caller: &Caller, after: i64, limit: u32) -> Result<Vec<Alert>, Problem> {
        self.core.alerts(caller, after, limit).await
    }

    /// The same, each once and in order, then those to come as they are raised. It ends only with an error; go on from
    /// the last alert's number.
    pub async fn follow_alerts(
        &self,
        caller: &Caller,
        after: i64,
    ) -> Result<BoxStream<'static, Result<Alert, Problem>>, Problem> {
        self.core.follow_alerts(caller, after)
    }

    /// Raises alerts, such as an audit's findings: stores those whose fingerprint is new, and tells of them.
    pub async fn raise_alerts(&self, alerts: &[NewAlert]) -> Result<(), RecordsError> {
        self.core.raise(alerts).await
    }

    /// Who the bearer of this access token is. `method` and `uri` are those of the call it comes with; for gRPC
    /// `POST` and the URI of the RPC's path.
    pub async fn authenticate(&self, bearer: &str, method: &str, uri: &str) -> Result<Caller, Problem> {
        self.core.authenticate(bearer, method, uri).await
    }

    /// A stream for the bearer of an access token that was verified, for as long as they stand: where they are revoked, or
    /// another key takes the place of theirs, it ends with the problem that their next call meets.
    pub fn while_standing<T: Send + 'static>(
        &self,
        bearer: &str,
        stream: BoxStream<'static, Result<T, Problem>>,
    ) -> Result<BoxStream<'static, Result<T, Problem>>, Problem> {
        self.core.clone().while_standing(bearer, stream)
    }
}
