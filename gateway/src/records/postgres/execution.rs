//! Executing a request.
//!
//! A row's lock is held until the commit, and an entry's number is drawn after the statements have run: so of two
//! requests that change one row, the later one's entry has the greater number.

use deadpool_postgres::{Client, GenericClient, Pool};
use futures_util::{
    TryStreamExt,
    future::{OptionFuture, join, join_all},
    pin_mut,
};
use serde_json::{Map, Value};
use tokio_postgres::types::ToSql;

use super::{
    Limits,
    connection::{connect, row, writing},
    failure::{Done, of_commit, of_statement},
    transaction::Pipelined,
    value::{Cell, Parameter},
};
use crate::records::{
    Admitted, Executed, Outcome, Statement,
    execution::{Execution, corrupt, repeated},
    rows::Allowance,
    schema::Schema,
};

/// How many statements are under way on one connection at once. They run one after the other; what is saved is the
/// time on the way. `join_all` polls so many in order.
const AHEAD: usize = 30;

type Clock<'c> = &'c (dyn Fn() -> i64 + Send + Sync);

/// One request in one transaction. That its `jti` was used before is found at the end, by what makes a request unique:
/// all is undone then, and answered as it was. So it is with whatever else fails: a repeated statement may, too.
pub(super) async fn execute(
    pool: &Pool,
    schema: &Schema,
    request: &Admitted,
    limits: Limits,
    now: Clock<'_>,
) -> Done<Executed> {
    let transaction = Pipelined::on(connect(pool).await?);
    match attempt(&transaction, schema, request, limits, now).await {
        Ok(outcome) => {
            transaction.ended();
            Ok(Executed { outcome, before: None })
        }
        Err(failure) => match transaction.roll_back().await {
            Ok(client) => before(&client, request).await?.ok_or(failure),
            Err(_) => Err(failure),
        },
    }
}

async fn attempt(
    transaction: &Pipelined,
    schema: &Schema,
    request: &Admitted,
    limits: Limits,
    now: Clock<'_>,
) -> Done<Outcome> {
    let mut execution = Execution::new(schema, request);
    let allowance = Allowance::new(limits.rows);
    let (mut begin, mut index) = (Some(transaction.begin()), 0);
    for queries in request.queries.chunks(AHEAD) {
        let statements: Vec<_> = queries.iter().map(|query| &query.statement).collect();
        let run = run_together(&**transaction, index, &statements, limits, &allowance, now);
        let (begun, done) = join(OptionFuture::from(begin.take()), run).await;
        begun.transpose()?;
        for (query, (rows, at)) in queries.iter().zip(done?) {
            execution.executed(query, rows, at)?;
            index += 1;
        }
    }
    store(transaction, request, &execution).await?;
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
    let transaction = writing(&mut client).await?;
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

/// Statements alone, each a transaction of its own: one round trip each. Gives how many rows they gave.
pub(super) async fn execute_each(pool: &Pool, statements: &[Statement], limits: Limits) -> Done<u64> {
    let client = connect(pool).await?;
    let (allowance, mut rows) = (Allowance::new(limits.rows), 0);
    for (statement, index) in statements.iter().zip(0..) {
        rows += run(&client, index, statement, limits, &allowance).await?.len() as u64;
    }
    Ok(rows)
}

/// Runs statements in order, all of them under way at once; the rows of each, and when it was done.
async fn run_together(
    client: &impl GenericClient,
    first: u32,
    statements: &[&Statement],
    limits: Limits,
    allowance: &Allowance,
    now: Clock<'_>,
) -> Done<Vec<(Vec<Map<String, Value>>, i64)>> {
    for (statement, index) in statements.iter().zip(first..) {
        let prepared = client.prepare_cached(&statement.sql).await;
        prepared.map_err(|error| of_statement(error, index, limits.statement_ms))?;
    }
    // Each is sent when it is first polled.
    let running = statements.iter().zip(first..).map(|(statement, index)| async move {
        let rows = run(client, index, statement, limits, allowance).await?;
        Ok((rows, now()))
    });
    join_all(running).await.into_iter().collect()
}

/// What came of the request if it was executed before.
async fn before(client: &Client, request: &Admitted) -> Done<Option<Executed>> {
    let sql = "SELECT content, digest, outcome FROM sillok_requests WHERE educator = $1 AND jti = $2";
    let Some(row) = row(client, sql, &[&request.educator.as_str(), &request.jti]).await? else {
        return Ok(None);
    };
    Ok(Some(repeated(request, row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)?))
}

async fn run(
    client: &impl GenericClient,
    query: u32,
    statement: &Statement,
    limits: Limits,
    allowance: &Allowance,
) -> Done<Vec<Map<String, Value>>> {
    let failed = |error| of_statement(error, query, limits.statement_ms);
    let prepared = client.prepare_cached(&statement.sql).await.map_err(failed)?;
    let values: Vec<_> = statement.parameters.iter().map(Parameter).collect();
    let values = values.iter().map(|value| value as &(dyn ToSql + Sync));
    let answer = client.query_raw(&prepared, values).await.map_err(failed)?;
    pin_mut!(answer);
    let mut rows = allowance.rows_of(query, statement);
    while let Some(row) = answer.try_next().await.map_err(failed)? {
        rows.take(|index, column_type| row.try_get::<_, Cell>(index).ok()?.of(column_type))?;
    }
    Ok(rows.gathered())
}

/// Stores request and entries, and commits.
async fn store(transaction: &Pipelined, request: &Admitted, execution: &Execution<'_>) -> Done<()> {
    let entries = &execution.entries;
    let ids: Vec<_> = entries.iter().map(|entry| &entry.id.0[..]).collect();
    let learners: Vec<_> = entries.iter().map(|entry| entry.learner.as_str()).collect();
    let bytes: Vec<_> = entries.iter().map(|entry| &entry.bytes[..]).collect();
    let times: Vec<_> = entries.iter().map(|entry| entry.executed_at).collect();
    let outcome = serde_json::to_vec(&execution.outcome).map_err(|_| corrupt("an outcome"))?;
    let values: [&(dyn ToSql + Sync); 11] = [
        &request.educator.as_str(),
        &request.jti,
        &&request.content[..],
        &&request.digest[..],
        &request.jws,
        &request.school.as_str(),
        &outcome,
        &ids,
        &learners,
        &bytes,
        &times,
    ];
    let insert = transaction
        .prepare_cached(
            "WITH request AS (
                INSERT INTO sillok_requests (educator, jti, content, digest, jws, school, outcome)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
            )
            INSERT INTO sillok_entries (educator, request, school, id, learner, bytes, executed_at)
            SELECT $1, $4, $6, e.* FROM unnest($8::bytea[], $9::text[], $10::bytea[], $11::bigint[]) AS e",
        )
        .await?;
    // Prepared, it is sent when it is first polled: before the commit, which undoes everything if it fails.
    let (stored, committed) = join(transaction.execute(&insert, &values), transaction.commit()).await;
    stored.and(committed).map_err(of_commit)?;
    Ok(())
}
