//! What an educator asks of the records database: SQL, and behind zero bytes its parameters, each a JSON scalar or
//! else text.

mod database;
mod written;

use std::sync::{Arc, LazyLock};

use serde_json::Value;
use sillok_contract::id::LearnerId;
use sillok_gateway::records::{
    Statement,
    policy::{Limits, Policy},
    schema::Schema,
};

/// Whose query it is.
const LEARNER: &str = "learner-1";

static POLICY: LazyLock<Policy> =
    LazyLock::new(|| Policy::new(Arc::new(Schema::school_record()), Limits::default()));

/// A statement that is admitted stays with its learner.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts = text.split('\0');
    let sql = parts.next().unwrap_or_default();
    let parameters: Vec<_> = parts.map(parameter).collect();
    let Some(statement) = admit(sql, &parameters) else { return };
    written::is_one_statement_without_the_callers_text(&statement);
    does_not_depend_on_values(sql, &parameters, &statement);
    database::stays_confined(sql, &statement);
}

fn parameter(text: &str) -> Value {
    serde_json::from_str(text).ok().filter(|value: &Value| !value.is_string()).unwrap_or_else(|| text.into())
}

fn admit(sql: &str, parameters: &[Value]) -> Option<Statement> {
    let learner = LearnerId::new(LEARNER).expect("it is well formed");
    POLICY.admit(&learner, sql, parameters).ok()
}

/// Another value of the same type, where the policy takes it, gives the same SQL.
fn does_not_depend_on_values(sql: &str, parameters: &[Value], statement: &Statement) {
    let others: Vec<_> = parameters
        .iter()
        .map(|value| match (value, value.as_i64()) {
            (Value::String(text), _) => Value::from(format!("{text}'")),
            (_, Some(number)) => Value::from(number.wrapping_add(1)),
            _ => value.clone(),
        })
        .collect();
    if let Some(other) = admit(sql, &others) {
        assert_eq!(other.sql, statement.sql, "the SQL depends on a value");
        assert_eq!(other.parameters.len(), statement.parameters.len());
    }
}
