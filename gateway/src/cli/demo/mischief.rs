//! What must not work: each attempt is sent to the gateway for real, and the code it is refused with is counted.

use std::collections::BTreeMap;

use serde_json::json;
use sillok_contract::{
    id::LearnerId,
    request::{Payload, SignedRequest, compact, query_hash},
};

use super::{
    cast::{Cast, Teacher, failed},
    play::Sent,
    screen::Screen,
};
use crate::{
    cli::Failure,
    client::ClientError,
    keys::{Asked, PrivateKey, SignedQueries},
};

/// How often each code was met.
pub(super) type Refusals = BTreeMap<String, u64>;

/// Tries everything; a failure if anything of it is taken. Gives also the one honest request among it, which was.
pub(super) async fn all(
    screen: Screen,
    school: &Cast,
    stranger: &LearnerId,
) -> Result<(Refusals, Sent), Failure> {
    let teacher = &school.educators[0];
    let learner = &school.pupils[0].id;
    let mut attempt = Attempt { screen, teacher, refusals: Refusals::new() };

    let honest = sign(teacher, learner, "SELECT score FROM grades")?;
    attempt.refused("a request signed with a stranger's key", &forged(teacher, &honest)?).await?;
    attempt.refused("a query changed after it was signed", &tampered(&honest)).await?;

    let taken = teacher.client.submit(&honest).await?;
    let again = teacher.client.submit(&honest).await?;
    if taken.request != again.request || taken.results.len() != again.results.len() {
        return Err(failed("the same request sent again was answered differently"));
    }
    attempt.refused("a replay: the same id for another query", &replayed(teacher, &honest, school)?).await?;

    for (what, sql) in [
        ("an SQL injection: a second statement", "SELECT score FROM grades; DROP TABLE grades"),
        (
            "an SQL injection: another table by UNION",
            "SELECT subject FROM grades UNION SELECT sql FROM sqlite_master",
        ),
        ("a grade moved to another learner", "UPDATE grades SET learner = 'somebody-else'"),
        ("the tables themselves", "DROP TABLE grades"),
    ] {
        attempt.refused(what, &sign(teacher, learner, sql)?).await?;
    }
    attempt
        .refused("a learner of no class of theirs", &sign(teacher, stranger, "SELECT score FROM grades")?)
        .await?;
    Ok((attempt.refusals, Sent::new(teacher, taken)))
}

struct Attempt<'a> {
    screen: Screen,
    teacher: &'a Teacher,
    refusals: Refusals,
}

impl Attempt<'_> {
    async fn refused(&mut self, what: &str, request: &SignedQueries) -> Result<(), Failure> {
        match self.teacher.client.submit(request).await {
            Err(ClientError::Refused(refused)) => {
                self.screen.refused(what, &refused.code, &refused.detail);
                *self.refusals.entry(refused.code).or_default() += 1;
                Ok(())
            }
            Ok(_) => Err(failed(format!("{what} was taken, and must not be"))),
            Err(error) => Err(failed(error)),
        }
    }
}

fn sign(teacher: &Teacher, learner: &LearnerId, sql: &str) -> Result<SignedQueries, Failure> {
    let asked = Asked { learner: learner.clone(), sql: sql.to_owned(), params: Vec::new() };
    teacher.educator.signs([asked]).map_err(failed)
}

/// The same payload under the educator's name, signed with another key.
fn forged(teacher: &Teacher, honest: &SignedQueries) -> Result<SignedQueries, Failure> {
    let request = SignedRequest::parse(&honest.request)?;
    let signing_input = request.payload.signing_input(&teacher.educator.certificate.thumbprint());
    let signature = PrivateKey::generate()?.sign_fixed(signing_input.as_bytes());
    Ok(SignedQueries { request: compact(&signing_input, &signature), queries: honest.queries.clone() })
}

/// The same signature beside another query.
fn tampered(honest: &SignedQueries) -> SignedQueries {
    let queries =
        honest.queries.iter().map(|query| query.replace("SELECT score", "SELECT subject")).collect();
    SignedQueries { request: honest.request.clone(), queries }
}

/// Another query, signed by the educator under an id that was used.
fn replayed(teacher: &Teacher, honest: &SignedQueries, school: &Cast) -> Result<SignedQueries, Failure> {
    let used = SignedRequest::parse(&honest.request)?.payload;
    let query = json!({
        "learner": school.pupils[0].id, "sql": "SELECT subject FROM grades", "params": [],
        "salt": "AAAAAAAAAAAAAAAAAAAAAA",
    })
    .to_string();
    let payload = Payload { queries: vec![query_hash(query.as_bytes())], ..used };
    let signing_input = payload.signing_input(&teacher.educator.certificate.thumbprint());
    let signature = teacher.educator.key.sign_fixed(signing_input.as_bytes());
    Ok(SignedQueries { request: compact(&signing_input, &signature), queries: vec![query] })
}
