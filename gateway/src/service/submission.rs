//! Requests: checked in a fixed order, executed once, answered the same each time.

use futures_util::{StreamExt, TryStreamExt, stream};
use sillok_contract::{
    Code, Refusal,
    id::EducatorId,
    purpose::{self, Purpose},
    request::{Query, SignedRequest, query_hash},
};

use super::{
    Core, Digest, EntryState, Place, QueryResult, RequestState, metrics, problems,
    signer::{self, Signer},
};
use crate::{
    problem::{Kind, Problem},
    records::{Admitted, AdmittedQuery, Outcome, QueryOutcome, Statement},
};

/// How many learners are looked up at once.
const LOOK_UPS: usize = 16;

/// A request whose form is right and whose queries are those it signs for.
struct Received {
    jws: String,
    signed: SignedRequest,
    queries: Vec<(Vec<u8>, Query)>,
}

impl Core {
    pub(super) async fn submit(&self, jws: &str, queries: Vec<Vec<u8>>) -> Result<RequestState, Problem> {
        let received = receive(jws, queries)?;
        self.check_size(&received)?;
        let digest = received.signed.digest;
        match self.judge(received).await {
            Ok(admitted) => self.execute(admitted).await,
            Err(refused) => self.executed_before(digest).await?.ok_or(refused),
        }
    }

    /// Every check that needs no database, except where one refuses: whether a request was executed before is found
    /// when it is executed, and asked first only if it will not be.
    async fn judge(&self, received: Received) -> Result<Admitted, Problem> {
        let signer = self.check_signature(&received.signed).await?;
        self.check_audience_and_time(&received.signed)?;
        let replay = (signer.id(), received.signed.payload.jti.clone(), received.signed.content());
        let admitted = async {
            self.check_standing(&received, &signer).await?;
            let restored = Self::restored(&received);
            let admitted = self.admit(received, signer.id())?;
            if let Some(queries) = restored {
                self.check_restoration(queries).await?;
            }
            Ok(admitted)
        };
        let admitted = match admitted.await {
            Ok(admitted) => admitted,
            Err(refused) => return self.check_replay(&replay).await.and(Err(refused)),
        };
        if let Err(refused) = self.check_backlog().await
            && !self.check_replay(&replay).await?
        {
            return Err(refused);
        }
        Ok(admitted)
    }

    /// The queries of a request that restores.
    fn restored(received: &Received) -> Option<Vec<Query>> {
        let restores = received.signed.payload.purpose == Some(Purpose::Restore);
        restores.then(|| received.queries.iter().map(|(_, query)| query.clone()).collect())
    }

    /// The same bytes were checked when they first came; that answer stands, whatever has changed since.
    async fn executed_before(&self, digest: [u8; 32]) -> Result<Option<RequestState>, Problem> {
        let Some(stored) = self.records.request(&digest).await.map_err(problems::of_records)? else {
            return Ok(None);
        };
        Ok(Some(RequestState { request: Digest(digest), results: self.answer_again(stored.outcome).await? }))
    }

    fn check_size(&self, received: &Received) -> Result<(), Problem> {
        let limits = &self.settings.requests;
        within("the request", received.jws.len(), limits.max_jws_bytes, "bytes", "request.too_large")?;
        within(
            "the request",
            received.queries.len(),
            limits.max_queries,
            "queries",
            "request.queries_too_many",
        )?;
        for (bytes, query) in &received.queries {
            within("a query", bytes.len(), limits.max_query_bytes, "bytes", "query.too_large")?;
            within(
                "a statement",
                query.sql.len(),
                limits.max_statement_bytes,
                "bytes",
                "query.statement_too_large",
            )?;
            within("a query", query.params.len(), limits.max_params, "parameters", "query.params_too_many")?;
        }
        Ok(())
    }

    async fn check_signature(&self, signed: &SignedRequest) -> Result<Signer, Problem> {
        let signer = self.signer(signed).await?.ok_or_else(|| signer::unknown(signed))?;
        let certificate = signer.certificate().map_err(|error| problems::internal(&error))?;
        let unauthenticated = |refusal: Refusal| problems::of_refusal(Kind::Unauthenticated, &refusal);
        signed.verify_with(certificate).map_err(unauthenticated)?;
        Ok(signer)
    }

    fn check_audience_and_time(&self, signed: &SignedRequest) -> Result<(), Problem> {
        let limits = &self.settings.requests;
        if signed.payload.aud != self.settings.audience {
            let detail =
                format!("the request is for another gateway: this one's aud is {:?}", self.settings.audience);
            return Err(Problem::new(Kind::Forbidden, "request.audience", detail));
        }
        let (now, times) = ((self.clock)(), limits.times(signed.payload.iat));
        if now > *times.end() {
            let detail = format!("the request was signed more than {} s ago; sign it anew", limits.max_age_s);
            return Err(Problem::new(Kind::Invalid, "request.expired", detail));
        }
        if now < *times.start() {
            let detail =
                format!("the request's iat is more than {} s ahead; check the clock", limits.max_ahead_s);
            return Err(Problem::new(Kind::Invalid, "request.not_yet", detail));
        }
        Ok(())
    }

    /// Whether the signer's request with this `jti` and content was executed before, be it under another signature.
    async fn check_replay(&self, replay: &(EducatorId, String, [u8; 32])) -> Result<bool, Problem> {
        let (educator, jti, content) = replay;
        match self.records.used(educator, jti).await.map_err(problems::of_records)? {
            Some(used) if used != *content => Err(problems::replayed()),
            used => Ok(used.is_some()),
        }
    }

    async fn check_standing(&self, received: &Received, signer: &Signer) -> Result<(), Problem> {
        let forbidden = |refusal: Refusal| problems::of_refusal(Kind::Forbidden, &refusal);
        let id = &received.signed.payload.school;
        let now = (self.clock)();
        let school = self.registry.school(id).await?.ok_or_else(|| {
            forbidden(Refusal::new(Code::SchoolUnknown, format!("the school {id} is not registered")))
        })?;
        self.may_act(signer, &school, now).await?;
        // Owned: a future over a borrowed item cannot be proved to be Send.
        let mut learners: Vec<_> = received.queries.iter().map(|(_, query)| query.learner.clone()).collect();
        learners.sort();
        learners.dedup();
        stream::iter(learners)
            .map(|learner| async move {
                let unknown =
                    || Refusal::new(Code::LearnerUnknown, format!("the learner {learner} is not registered"));
                let known = self.registry.learner(&learner).await?.ok_or_else(|| forbidden(unknown()))?;
                known.attends(id, now).map_err(forbidden)
            })
            .buffered(LOOK_UPS)
            .try_collect::<()>()
            .await
    }

    fn admit(&self, received: Received, educator: EducatorId) -> Result<Admitted, Problem> {
        let Received { jws, signed, queries } = received;
        let purpose = signed.payload.purpose;
        let admit = |(index, (bytes, query)): (usize, (Vec<u8>, Query))| {
            let statement = self.admit_statement(purpose, &query).map_err(|problem| Problem {
                detail: format!("query {index}: {}", problem.detail),
                ..problem
            })?;
            Ok(AdmittedQuery { bytes, learner: query.learner, statement })
        };
        Ok(Admitted {
            digest: signed.digest,
            content: signed.content(),
            jws,
            times: self.settings.requests.times(signed.payload.iat),
            jti: signed.payload.jti,
            educator,
            school: signed.payload.school,
            queries: queries.into_iter().enumerate().map(admit).collect::<Result<_, Problem>>()?,
            one_row_each: purpose == Some(Purpose::Restore),
        })
    }

    /// Confines a statement to its learner, and refuses one whose result the request's purpose does not allow.
    fn admit_statement(&self, purpose: Option<Purpose>, query: &Query) -> Result<Statement, Problem> {
        let Query { learner, sql, params, .. } = query;
        let statement = match purpose {
            Some(Purpose::Baseline) => self.policy.adopt(learner, sql, params),
            _ => self.policy.admit(learner, sql, params),
        };
        let statement = statement.map_err(problems::of_policy)?;
        purpose::check(purpose, statement.effect.result())
            .map_err(|refusal| problems::of_refusal(Kind::Forbidden, &refusal))?;
        Ok(statement)
    }

    /// Refuses more and more from half the limit on, not everybody at once: those would all come back at once, to a
    /// ledger that had run idle meanwhile (random early detection: Floyd and Jacobson, 1993).
    async fn check_backlog(&self) -> Result<(), Problem> {
        let count = async {
            let count = self.records.unrecorded().await?;
            metrics::unrecorded(count);
            Ok(count)
        };
        let unrecorded = self.unrecorded.get(count).await.map_err(problems::of_records)?;
        let limit = self.settings.requests.max_unrecorded;
        if unrecorded < limit.saturating_sub(rand::random_range(0..=limit / 2)) {
            return Ok(());
        }
        let detail = format!(
            "{unrecorded} entries wait for the ledger, of at most {limit}; nothing was done, try again"
        );
        Err(Problem::new(Kind::Unavailable, "ledger.backlog", detail).retry_after(1))
    }

    async fn execute(&self, admitted: Admitted) -> Result<RequestState, Problem> {
        let done = self.records.execute(&admitted, &*self.clock).await.map_err(problems::of_records)?;
        if let Some(before) = done.before {
            let results = self.answer_again(done.outcome).await?;
            return Ok(RequestState { request: Digest(before), results });
        }
        let (_, age) = self.batch_closes(&admitted.school).await;
        self.signals.of(&admitted.school).executed(done.outcome.results.len() as u64, age);
        Ok(executed(admitted, done.outcome))
    }

    /// The first time's answer, with where the entries stand now.
    async fn answer_again(&self, outcome: Outcome) -> Result<Vec<QueryResult>, Problem> {
        let entries: Vec<_> = outcome.results.iter().map(|result| result.entry).collect();
        let states = self.entry_states(&entries).await?;
        let results = states.into_iter().zip(outcome.results);
        Ok(results
            .map(|(entry, result)| QueryResult { entry, rows: result.rows, data: Some(result.data) })
            .collect())
    }
}

/// The answer to a request that was executed just now.
fn executed(admitted: Admitted, outcome: Outcome) -> RequestState {
    let result = |result: QueryOutcome| QueryResult {
        entry: EntryState {
            entry: result.entry,
            school: admitted.school.clone(),
            learner: result.learner,
            place: Place::Pending,
        },
        rows: result.rows,
        data: Some(result.data),
    };
    RequestState {
        request: Digest(admitted.digest),
        results: outcome.results.into_iter().map(result).collect(),
    }
}

fn receive(jws: &str, queries: Vec<Vec<u8>>) -> Result<Received, Problem> {
    let signed = SignedRequest::parse(jws).map_err(|refusal| of_form(&refusal))?;
    if signed.payload.queries.len() != queries.len() {
        let detail = format!(
            "the request signs for {} queries, and {} came with it",
            signed.payload.queries.len(),
            queries.len()
        );
        return Err(Problem::new(Kind::Invalid, "request.queries_mismatch", detail));
    }
    let read = |(index, (bytes, hash)): (usize, (Vec<u8>, &[u8; 32]))| {
        if query_hash(&bytes) != *hash {
            let detail = format!(
                "query {index} is not the one the request signs for: send it byte for byte as it was hashed"
            );
            return Err(Problem::new(Kind::Invalid, "request.queries_mismatch", detail));
        }
        let query = Query::parse(&bytes).map_err(|refusal| of_form(&refusal))?;
        Ok((bytes, query))
    };
    let queries =
        queries.into_iter().zip(&signed.payload.queries).enumerate().map(read).collect::<Result<_, _>>()?;
    Ok(Received { jws: jws.to_owned(), signed, queries })
}

fn of_form(refusal: &Refusal) -> Problem {
    let kind = match refusal.code {
        Code::RequestTooLarge | Code::QueryTooLarge => Kind::TooLarge,
        _ => Kind::Invalid,
    };
    problems::of_refusal(kind, refusal)
}

fn within(what: &str, size: usize, limit: u32, unit: &str, code: &'static str) -> Result<(), Problem> {
    if size <= limit as usize {
        return Ok(());
    }
    Err(Problem::new(Kind::TooLarge, code, format!("{what} has at most {limit} {unit}, not {size}")))
}
