//! The configuration's reference: each field's documentation and default, as a TOML file.

use std::fmt::Write as _;

use serde_json::Value;
use utoipa::PartialSchema;

use super::{Ledger, Limits, Listen, Log, Settings, Tls};
use crate::{archive, certificate, events, keys::held, ledger::fabric, monitor, records, service};

/// The documentation of a section: its schema's descriptions are the documentation of its struct and its fields.
fn of<T: PartialSchema>() -> Value {
    serde_json::to_value(T::schema()).expect("a schema is JSON")
}

fn sections() -> [(&'static str, Value); 32] {
    [
        ("listen", of::<Listen>()),
        ("tls", of::<Tls>()),
        ("limits", of::<Limits>()),
        ("log", of::<Log>()),
        ("records", of::<records::Settings>()),
        ("records.statement", of::<records::policy::Limits>()),
        ("records.watch", of::<records::WatchSettings>()),
        ("archive", of::<archive::Settings>()),
        ("archive.cassandra", of::<archive::CassandraSettings>()),
        ("held", of::<held::Settings>()),
        ("held.pkcs11", of::<held::Pkcs11Settings>()),
        ("ledger", of::<Ledger>()),
        ("ledger.fabric", of::<fabric::Settings>()),
        ("service", of::<service::Settings>()),
        ("service.requests", of::<service::RequestSettings>()),
        ("service.standing", of::<service::StandingSettings>()),
        ("service.batches", of::<service::BatchSettings>()),
        ("service.audit", of::<service::AuditSettings>()),
        ("service.certificates", of::<service::CertificateSettings>()),
        ("service.certificates.fonts", of::<certificate::FontFiles>()),
        ("service.objections", of::<service::ObjectionSettings>()),
        ("events", of::<events::Settings>()),
        ("events.kafka", of::<events::KafkaSettings>()),
        ("monitor", of::<monitor::Settings>()),
        ("monitor.failing", of::<monitor::FailingSettings>()),
        ("monitor.revoked", of::<monitor::RevokedSettings>()),
        ("monitor.changes", of::<monitor::ChangeSettings>()),
        ("monitor.hours", of::<monitor::HoursSettings>()),
        ("monitor.reads", of::<monitor::ReadSettings>()),
        ("monitor.drift", of::<monitor::DriftSettings>()),
        ("monitor.lag", of::<monitor::LagSettings>()),
        ("monitor.dead_letters", of::<monitor::DeadLetterSettings>()),
    ]
}

/// Every key, its documentation above it. Keys without a default are commented out.
pub(super) fn of_defaults() -> String {
    let defaults = serde_json::to_value(Settings::default()).expect("settings have string keys only");
    let mut text = String::from("# The directory of the embedded engines' files.\n");
    let _ = writeln!(text, "data = {}", defaults["data"]);
    for (name, schema) in sections() {
        let of_section = defaults.pointer(&format!("/{}", name.replace('.', "/"))).unwrap_or(&Value::Null);
        write_comment(&mut text, &schema);
        let _ = writeln!(text, "[{name}]");
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            write_field(&mut text, field, schema, of_section.get(field));
        }
    }
    text
}

fn write_comment(text: &mut String, schema: &Value) {
    text.push('\n');
    for line in description(schema).unwrap_or_default().lines() {
        let _ = writeln!(text, "# {line}");
    }
}

/// What a field is. Where it is a type of its own that may be absent, the sentence stands with the type.
fn description(schema: &Value) -> Option<&str> {
    schema["description"].as_str().or_else(|| schema["oneOf"][0]["description"].as_str())
}

/// A field that is a section has its own place; one that is not there by default is commented out.
fn write_field(text: &mut String, name: &str, schema: &Value, default: Option<&Value>) {
    if default.is_some_and(Value::is_object) {
        return;
    }
    write_comment(text, schema);
    let _ = match default.filter(|value| !value.is_null()) {
        Some(value) => writeln!(text, "{name} = {value}"),
        None => writeln!(text, "#{name} ="),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(path: &str, value: &Value, found: &mut Vec<String>) {
        for (name, member) in value.as_object().into_iter().flatten().filter(|(_, member)| member.is_object())
        {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            tables(&path, member, found);
            found.push(path);
        }
    }

    #[test]
    fn no_section_and_no_field_is_left_out() {
        let text = of_defaults();
        let mut found = Vec::new();
        tables("", &serde_json::to_value(Settings::default()).expect("settings are JSON"), &mut found);
        for table in &found {
            assert!(text.contains(&format!("\n[{table}]\n")), "{table} is missing");
        }
        assert_eq!(found.len(), sections().len());
        for (name, schema) in sections() {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let undocumented: Vec<_> = fields.filter(|(_, field)| description(field).is_none()).collect();
            assert!(undocumented.is_empty(), "[{name}] {undocumented:?}");
        }
    }
}
