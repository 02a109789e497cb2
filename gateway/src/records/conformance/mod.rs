//! What every records database owes, run against each: SQLite always, PostgreSQL where `SILLOK_TEST_POSTGRES` names a
//! server on which databases may be created, such as `postgres://postgres@127.0.0.1:5432/postgres`.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod alerts;
mod certificates;
pub(crate) mod engines;
mod erasure;
mod events;
mod execution;
mod ledger;
mod mending;
mod picture;
mod statements;
mod watch;

use sillok_contract::digest::sha256;
use std::sync::Arc;

use serde_json::Value;
use sillok_contract::id::{EducatorId, LearnerId, SchoolId};

use super::{
    Admitted, AdmittedQuery, Outcome, Records, Result,
    policy::{Limits, Policy},
    schema::Schema,
};

/// A database with what the tests need around it.
struct Office {
    records: Arc<dyn Records>,
    policy: Policy,
}

impl Office {
    fn new(records: Arc<dyn Records>) -> Self {
        Self { records, policy: Policy::new(Arc::new(Schema::school_record()), Limits::default()) }
    }

    /// A request of these statements, each about a learner.
    fn request(&self, jti: &str, queries: &[(&str, &str, &[Value])]) -> Admitted {
        let query = |(learner, sql, params): &(&str, &str, &[Value])| {
            let learner = LearnerId::new(*learner).unwrap();
            let bytes = serde_json::to_vec(&(jti, &learner, sql, params)).unwrap();
            let statement = self.policy.admit(&learner, sql, params).unwrap_or_else(|e| panic!("{sql}: {e}"));
            AdmittedQuery { bytes, learner, statement }
        };
        let queries: Vec<_> = queries.iter().map(query).collect();
        let all: Vec<_> = queries.iter().flat_map(|query| query.bytes.clone()).collect();
        Admitted {
            digest: sha256(&[format!("jws {jti} {}", hex::encode(&all)).as_bytes()]),
            content: sha256(&[&all]),
            jws: format!("jws of {jti}"),
            jti: jti.to_owned(),
            educator: EducatorId::new("educator-1").unwrap(),
            school: school(),
            times: NOW..=NOW + 1_000,
            queries,
            one_row_each: false,
        }
    }

    /// A request that adopts all of a learner's rows of a table.
    fn adoption(&self, learner: &str, table: &str) -> Admitted {
        let sql = format!("SELECT * FROM {table}");
        let mut request = self.request(&rand::random::<u128>().to_string(), &[(learner, &sql, &[])]);
        request.queries[0].statement =
            self.policy.adopt(&LearnerId::new(learner).unwrap(), &sql, &[]).unwrap();
        request
    }

    /// Does one statement about a learner, under a `jti` of its own.
    async fn does(&self, learner: &str, sql: &str, params: &[Value]) -> Result<Outcome> {
        let jti = rand::random::<u128>().to_string();
        self.executes(&self.request(&jti, &[(learner, sql, params)])).await
    }

    async fn executes(&self, request: &Admitted) -> Result<Outcome> {
        Ok(self.records.execute(request, &|| NOW).await?.outcome)
    }
}

/// The time at which everything happens.
const NOW: i64 = 1_790_000_000_000_000;

fn school() -> SchoolId {
    SchoolId::new("school-1").unwrap()
}

/// Makes each function a test on each engine.
macro_rules! on_every_engine {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let (office, _directory) = super::super::engines::sqlite().await;
                super::$test(&office).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some((office, database)) = super::super::engines::postgres().await {
                    super::$test(&office).await;
                    drop(office);
                    database.drop().await;
                }
            })*
        }
    };
}
use on_every_engine;
