//! What the SQL policy takes for a statement: read, understood, confined and written anew.
//! `cargo bench -p sillok-gateway`
#![allow(missing_docs, reason = "a benchmark")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed benchmark")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;
use sillok_contract::id::LearnerId;
use sillok_gateway::records::{
    policy::{Limits, Policy},
    schema::Schema,
};

fn policy(criterion: &mut Criterion) {
    let policy = Policy::new(Schema::school_record().into(), Limits::default());
    let learner = LearnerId::new("L1").unwrap();
    let mut group = criterion.benchmark_group("policy");
    for (name, sql, params) in [
        (
            "read by key",
            "SELECT subject, score FROM grades WHERE year = $1 AND term = $2 AND subject = $3",
            vec![json!(2026), json!(1), json!("수학")],
        ),
        (
            "insert",
            "INSERT INTO grades (year, term, subject, score) VALUES ($1, $2, $3, $4)",
            vec![json!(2026), json!(1), json!("수학"), json!(90)],
        ),
        (
            "update",
            "UPDATE grades SET score = $1, confirmed = true WHERE year = $2 AND term = $3 AND subject = $4",
            vec![json!(90), json!(2026), json!(1), json!("수학")],
        ),
        (
            "join and sub-query",
            "SELECT g.subject, g.score, a.absent FROM grades g JOIN attendance a ON a.year = g.year AND a.term = g.term \
             WHERE g.score > (SELECT avg(score) FROM grades) ORDER BY g.subject",
            vec![],
        ),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| policy.admit(&learner, black_box(sql), black_box(&params)).unwrap());
        });
    }
}

criterion_group!(rules, policy);
criterion_main!(rules);
