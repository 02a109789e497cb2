//! What is asked, as people write it.

use std::{convert::Infallible, fs, path::Path};

use serde::Deserialize;
use serde_json::Value;
use sillok_contract::{id::LearnerId, purpose::Purpose};

use crate::{
    cli::{Exit, Failure},
    keys::Asked,
};

/// A query in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    learner: LearnerId,
    sql: String,
    #[serde(default)]
    params: Vec<Value>,
}

/// A parameter: what is a JSON scalar is that; everything else is text, JSON's lists and objects too.
pub(super) fn parameter(text: &str) -> Result<Value, Infallible> {
    let scalar =
        serde_json::from_str(text).ok().filter(|value: &Value| !value.is_array() && !value.is_object());
    Ok(scalar.unwrap_or_else(|| text.into()))
}

/// What an officer asks for, by its word.
pub(super) fn purpose(text: &str) -> Result<Purpose, String> {
    let known = serde_json::from_value(text.into());
    known.map_err(|_| "write baseline, restore or correction".to_owned())
}

/// The queries of a file.
pub(super) fn read(file: &Path) -> Result<Vec<Asked>, Failure> {
    let wrong = |why: &dyn std::fmt::Display| {
        let detail = format!(
            "{}: {why}; it is a JSON array of {{\"learner\": …, \"sql\": …, \"params\": […]}}",
            file.display()
        );
        Failure::new(Exit::Usage, "queries.malformed", detail)
    };
    let text = fs::read(file).map_err(|error| wrong(&error))?;
    let queries: Vec<Query> = serde_json::from_slice(&text).map_err(|error| wrong(&error))?;
    if queries.is_empty() {
        return Err(wrong(&"it has no query"));
    }
    Ok(queries.into_iter().map(|Query { learner, sql, params }| Asked { learner, sql, params }).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parameter;

    #[test]
    fn a_parameter_is_a_scalar_or_text() {
        for (text, value) in [
            ("42", json!(42)),
            ("-1.5", json!(-1.5)),
            ("true", json!(true)),
            ("null", json!(null)),
            ("\"42\"", json!("42")),
            ("007", json!("007")),
            ("수학", json!("수학")),
            ("", json!("")),
            ("[1]", json!("[1]")),
            ("{\"a\":1}", json!("{\"a\":1}")),
        ] {
            assert_eq!(parameter(text), Ok(value), "{text}");
        }
    }
}
