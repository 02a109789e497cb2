//! The events' schema, for readers in any language: an AsyncAPI document whose messages are JSON Schemas, made of the types
//! that the services write. It rests in `proto/events/asyncapi.json`.

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::{SignatureCreated, SignatureForwarded, SignatureRequested, SignatureRested};
use crate::{
    events::{
        MEDIA_TYPE, Topic,
        data::{DeadLetterTold, EntriesRecorded},
    },
    records::Alert,
};

/// What AsyncAPI is spoken.
const VERSION: &str = "3.0.0";

#[derive(OpenApi)]
#[openapi(components(schemas(
    SignatureRequested,
    SignatureCreated,
    SignatureForwarded,
    SignatureRested,
    EntriesRecorded,
    Alert,
    DeadLetterTold
)))]
struct Types;

/// A topic as its readers see it.
struct Told {
    topic: Topic,
    /// What happened.
    what: &'static str,
    /// Of what or whom it tells: in Kafka the message's key.
    subject: &'static str,
    /// Its data's schema.
    data: &'static str,
}

impl Told {
    fn of(topic: Topic) -> Self {
        let (what, subject, data) = match topic {
            Topic::SignaturesRequested => (
                "Somebody leaves a signature to the office that holds their key.",
                DOCUMENT,
                "SignatureRequested",
            ),
            Topic::SignaturesCreated => {
                ("A signature came in, and is of its form.", DOCUMENT, "SignatureCreated")
            }
            Topic::SignaturesVerified => {
                ("A signature was verified, with whatever outcome.", DOCUMENT, "SignatureForwarded")
            }
            Topic::SignaturesRecorded => {
                ("A signature is on the ledger, or the ledger refused it.", DOCUMENT, "SignatureRested")
            }
            Topic::RecordsEntries => {
                ("A school's batch of entries came to rest on the ledger.", "the school", "EntriesRecorded")
            }
            Topic::Alerts => ("An alert was raised.", "the alert's kind", "Alert"),
            Topic::DeadLetters => (
                "A group of consumers could not handle an event, or somebody decided that it need not be handled.",
                "the group",
                "DeadLetterTold",
            ),
        };
        Self { topic, what, subject, data }
    }

    /// A CloudEvent 1.0 in its JSON form, with data of the topic's own form.
    fn schema(&self) -> Value {
        let topic = self.topic.name();
        let data = json!({ "$ref": format!("#/components/schemas/{}", self.data) });
        json!({
            "type": "object",
            "required": ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"],
            "properties": {
                "specversion": { "const": "1.0" },
                "id": {
                    "type": "string",
                    "pattern": format!("^{}/.", topic.replace('.', "\\.")),
                    "description": "With the source, what tells the event from all others. The same event may come more than once, under its id.",
                },
                "source": { "type": "string", "format": "uri-reference", "minLength": 1, "description": "The system that told it." },
                "type": { "const": format!("sillok.{topic}") },
                "subject": { "type": "string", "description": format!("Of what or whom it tells: {}. Events of one subject are in order.", self.subject) },
                "time": { "type": "string", "format": "date-time", "description": "When it happened." },
                "datacontenttype": { "const": "application/json" },
                "data": data,
            },
        })
    }

    fn channel(&self) -> Value {
        let topic = self.topic.name();
        json!({
            "address": topic,
            "description": self.what,
            "messages": { topic: { "$ref": format!("#/components/messages/{topic}") } },
            "bindings": { "kafka": { "topic": topic, "bindingVersion": "0.5.0" } },
        })
    }

    fn operation(&self) -> Value {
        json!({ "action": "send", "channel": { "$ref": format!("#/channels/{}", self.topic) }, "summary": self.what })
    }

    fn message(&self) -> Value {
        json!({
            "name": format!("sillok.{}", self.topic),
            "summary": self.what,
            "contentType": MEDIA_TYPE,
            "payload": self.schema(),
            "bindings": { "kafka": {
                "key": { "type": "string", "description": format!("The event's subject: {}.", self.subject) },
                "bindingVersion": "0.5.0",
            } },
        })
    }
}

const DOCUMENT: &str = "the document of several parties, else SHA-256 of what is signed, in hexadecimal";

/// The document.
pub fn event_schema() -> Value {
    let told = Topic::ALL.map(Told::of);
    let by_topic = |of: fn(&Told) -> Value| -> Map<String, Value> {
        told.iter().map(|told| (told.topic.name().to_owned(), of(told))).collect()
    };
    let types = serde_json::to_value(Types::openapi()).expect("schemas are JSON");
    json!({
        "asyncapi": VERSION,
        "info": {
            "title": "Sillok's events",
            "version": "1",
            "description": "What happened, as CloudEvents 1.0 in their JSON form (structured mode), one Kafka topic a kind; the \
                topics' names begin with the setting events.kafka.prefix. Events come at least once, and those of one subject \
                in order: remember their ids. Readers let be what they do not know, since members may be added. Times in data \
                are microseconds since the Unix epoch.",
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": MEDIA_TYPE,
        "channels": by_topic(Told::channel),
        "operations": by_topic(Told::operation),
        "components": { "messages": by_topic(Told::message), "schemas": types["components"]["schemas"] },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use std::{env, fs, path::Path};

    use super::*;

    /// What is written is what is documented: whoever changes a type changes the document. With `SILLOK_WRITE` set it is
    /// written anew.
    #[test]
    fn the_document_is_that_of_the_types() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto/events/asyncapi.json");
        let text = serde_json::to_string_pretty(&event_schema()).unwrap() + "\n";
        if env::var_os("SILLOK_WRITE").is_some() {
            fs::write(&file, &text).unwrap();
        }
        let written = fs::read_to_string(&file).unwrap();
        assert!(
            written == text,
            "the types have changed: run this test with SILLOK_WRITE=1, and look at the difference"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(members) => {
                    found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    members.values().for_each(|member| references(member, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let (document, mut found) = (event_schema(), Vec::new());
        references(&document, &mut found);
        assert!(found.len() > 3 * Topic::ALL.len());
        for reference in found {
            assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
        }
    }
}
