//! The configuration's reference: each field's documentation and default, as a TOML file.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use utoipa::{OpenApi, PartialSchema as _};

use super::Settings;

/// Collects the sections' schemas, whose descriptions are the fields' documentation.
#[derive(OpenApi)]
#[openapi(components(schemas(Settings)))]
struct Schemas;

/// Every key, its documentation above it. Keys without a default are commented out.
pub(super) fn of_defaults() -> String {
    let schema = as_object(serde_json::to_value(Settings::schema()));
    let defaults = as_object(serde_json::to_value(Settings::default()));
    let sections = as_object(serde_json::to_value(Schemas::openapi().components));
    let mut text = String::new();
    let (tables, fields): (Vec<_>, Vec<_>) =
        properties(&schema).partition(|(name, _)| defaults.get(*name).is_some_and(Value::is_object));
    for (name, field) in fields {
        write_field(&mut text, name, field, defaults.get(name));
    }
    for (name, field) in tables {
        write_comment(&mut text, field);
        let _ = writeln!(text, "[{name}]");
        let section = section_of(&sections, field);
        for (key, field) in properties(section) {
            write_field(&mut text, key, field, defaults[name].get(key));
        }
    }
    text
}

fn as_object(value: serde_json::Result<Value>) -> Map<String, Value> {
    match value {
        Ok(Value::Object(object)) => object,
        _ => unreachable!("settings and schemas are objects"),
    }
}

fn properties(schema: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, field)| (name.as_str(), field))
}

/// The schema that a section's field refers to, at the field itself or in its `allOf` or `oneOf`.
fn section_of<'a>(components: &'a Map<String, Value>, field: &Value) -> &'a Map<String, Value> {
    let reference = [&field["$ref"], &field["allOf"][0]["$ref"], &field["oneOf"][0]["$ref"]];
    let name = reference.into_iter().find_map(Value::as_str).and_then(|path| path.rsplit('/').next());
    name.and_then(|name| components["schemas"][name].as_object()).expect("a section's schema is a component")
}

fn write_comment(text: &mut String, field: &Value) {
    text.push('\n');
    for line in field["description"].as_str().unwrap_or_default().lines() {
        let _ = writeln!(text, "# {line}");
    }
}

fn write_field(text: &mut String, name: &str, field: &Value, default: Option<&Value>) {
    write_comment(text, field);
    let _ = match default {
        Some(value) => writeln!(text, "{name} = {value}"),
        None => writeln!(text, "#{name} = "),
    };
}
