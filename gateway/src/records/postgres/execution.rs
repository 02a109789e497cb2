//! Executing a request.
//!
//! A row's lock is held until the commit, and an entry's number is drawn after the statements have run: so of two
//! requests that change one row, the later one's entry has the greater number.

use deadpool_postgres::{GenericClient, Pool, Transaction};
use futures_util::{TryStreamExt, future::join_all, pin_mut};
use serde_json::{Map, Value};
use tokio_postgres::types::ToSql;

use super::{
    Limits,
    connection::{change, connect, row},
    failure::{Done, of_commit, of_statement},
    value::{Cell, Parameter},
};
use crate::records::{
    Admitted, Outcome, Statement,
    execution::{Execution, corrupt, repeated},
    rows::Allowance,
    schema::Schema,
};

/// How many statements are under way on one connection at once. They run one after the other; what is saved is the
/// time on the way.
const AHEAD: usize = 16;

type Clock<'c> = &'c (dyn Fn() -> i64 + Send + Sync);

/// One request in one transaction.
pub(super) async fn execute(
    pool: &Pool,
    schema: &Schema,
    request: &Admitted,
    limits: Limits,
    now: Clock<'_>,
) -> Done<Outcome> {
    let mut client = connect(pool).await?;
    let transaction = client.transaction().await?;
    if let Some(outcome) = claim(&transaction, request).await? {
        return Ok(outcome);
    }
    let mut execution = Execution::new(schema, request);
    let allowance = Allowance::new(limits.rows);
    let mut index = 0;
    for queries in request.queries.chunks(AHEAD) {
        let statements: Vec<_> = queries.iter().map(|query| &query.statement).collect();
        let done = run_together(&transaction, index, &statements, limits, &allowance, now).await?;
        for (query, (rows, at)) in queries.iter().zip(done) {
            execution.executed(query, rows, at)?;
            index += 1;
        }
    }
    store(&transaction, request, &execution).await?;
    transaction.commit().await.map_err(of_commit)?;
    Ok(execution.outcome)
}

/// Statements alone in one transaction, so many under way at once; gives how many rows they gave.
pub(super) async fn execute_alone(
    pool: &Pool,
    statements: &[Statement],
    ahead: usize,
    limits: Limits,
) -> Done<u64> {
    let mut client = connect(pool).await?;
    let transaction = client.transaction().await?;
    let allowance = Allowance::new(limits.rows);
    let (mut index, mut rows) = (0, 0);
    for statements in statements.chunks(ahead.max(1)) {
        let statements: Vec<_> = statements.iter().collect();
        for (found, _) in run_together(&transaction, index, &statements, limits, &allowance, &|| 0).await? {
            rows += found.len() as u64;
            index += 1;
        }
    }
    transaction.commit().await?;
    Ok(rows)
}

/// Runs statements in order, all of them under way at once; the rows of each, and when it was done.
async fn run_together(
    transaction: &Transaction<'_>,
    first: u32,
    statements: &[&Statement],
    limits: Limits,
    allowance: &Allowance,
    now: Clock<'_>,
) -> Done<Vec<(Vec<Map<String, Value>>, i64)>> {
    for (statement, index) in statements.iter().zip(first..) {
        let prepared = transaction.prepare_cached(&statement.sql).await;
        prepared.map_err(|error| of_statement(error, index, limits.statement_ms))?;
    }
    // Each is sent when it is first polled, and `join_all` of so few polls them in order.
    let running = statements.iter().zip(first..).map(|(statement, index)| async move {
        let rows = run(transaction, index, statement, limits, allowance).await?;
        Ok((rows, now()))
    });
    join_all(running).await.into_iter().collect()
}

/// Claims the request's `jti`; or the outcome, if this very request has it. Who comes second waits here until the
/// first has ended.
async fn claim(transaction: &Transaction<'_>, request: &Admitted) -> Done<Option<Outcome>> {
    let educator = request.educator.as_str();
    let claimed = change(
        transaction,
        "INSERT INTO sillok_claims (educator, jti, content, digest) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        &[&educator, &request.jti, &&request.content[..], &&request.digest[..]],
    )
    .await?;
    if claimed == 1 {
        return Ok(None);
    }
    let first = row(
        transaction,
        "SELECT c.content, r.outcome FROM sillok_claims c JOIN sillok_requests r ON r.digest = c.digest
         WHERE c.educator = $1 AND c.jti = $2",
        &[&educator, &request.jti],
    )
    .await?;
    let Some(first) = first else { return Err(corrupt("a claim without its request").into()) };
    Ok(Some(repeated(request, first.try_get(0)?, first.try_get(1)?)?))
}

async fn run(
    transaction: &Transaction<'_>,
    query: u32,
    statement: &Statement,
    limits: Limits,
    allowance: &Allowance,
) -> Done<Vec<Map<String, Value>>> {
    let failed = |error| of_statement(error, query, limits.statement_ms);
    let prepared = transaction.prepare_cached(&statement.sql).await.map_err(failed)?;
    let values: Vec<_> = statement.parameters.iter().map(Parameter).collect();
    let values = values.iter().map(|value| value as &(dyn ToSql + Sync));
    let answer = transaction.query_raw(&prepared, values).await.map_err(failed)?;
    pin_mut!(answer);
    let mut rows = allowance.rows_of(query, statement);
    while let Some(row) = answer.try_next().await.map_err(failed)? {
        rows.take(|index, column_type| row.try_get::<_, Cell>(index).ok()?.of(column_type))?;
    }
    Ok(rows.gathered())
}

async fn store(transaction: &Transaction<'_>, request: &Admitted, execution: &Execution<'_>) -> Done<()> {
    let entries = &execution.entries;
    let ids: Vec<_> = entries.iter().map(|entry| &entry.id.0[..]).collect();
    let learners: Vec<_> = entries.iter().map(|entry| entry.learner.as_str()).collect();
    let bytes: Vec<_> = entries.iter().map(|entry| &entry.bytes[..]).collect();
    let times: Vec<_> = entries.iter().map(|entry| entry.executed_at).collect();
    let (school, educator, digest) =
        (request.school.as_str(), request.educator.as_str(), &request.digest[..]);
    let outcome = serde_json::to_vec(&execution.outcome).map_err(|_| corrupt("an outcome"))?;
    let entries: [&(dyn ToSql + Sync); 7] = [&school, &educator, &digest, &ids, &learners, &bytes, &times];
    let stored: [&(dyn ToSql + Sync); 5] = [&digest, &request.jws, &educator, &school, &outcome];
    let insert_entries = change(
        transaction,
        "INSERT INTO sillok_entries (school, educator, request, id, learner, bytes, executed_at)
         SELECT $1, $2, $3, e.* FROM unnest($4::bytea[], $5::text[], $6::bytea[], $7::bigint[]) AS e",
        &entries,
    );
    let insert_request = change(
        transaction,
        "INSERT INTO sillok_requests (digest, jws, educator, school, outcome) VALUES ($1, $2, $3, $4, $5)",
        &stored,
    );
    futures_util::future::try_join(insert_entries, insert_request).await?;
    Ok(())
}
