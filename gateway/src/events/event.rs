//! An event: a CloudEvent 1.0 whose data is JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sillok_contract::digest::sha256;

use super::Topic;

/// What the type of each event begins with; its topic follows.
const TYPE: &str = "sillok.";
/// The one version of CloudEvents that is spoken.
const VERSION: &str = "1.0";
/// What a CloudEvent in its JSON form is.
pub(crate) const MEDIA_TYPE: &str = "application/cloudevents+json; charset=UTF-8";
/// The media type of all data.
const JSON: &str = "application/json";

/// How many ways the outbox is cut into by the events' subjects. Each way has one reader of a group at a time, so the
/// events of a subject keep their order. It stands in stored rows: never change it.
pub const PARTITIONS: u16 = 8;

/// An event that is to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// What tells it from others: told again under the same id, it is the same event.
    pub id: String,
    /// What it is about.
    pub topic: Topic,
    /// Of what or whom it tells. Events of one subject and topic are handled in the order in which they were told.
    pub subject: String,
    /// When it happened, microseconds since the Unix epoch.
    pub time: i64,
    /// What happened: the form follows from the topic; see [`crate::events`].
    pub data: Value,
}

impl NewEvent {
    /// An event of this topic. `which` tells it from all others of the topic; the id is made of both.
    pub fn new(topic: Topic, subject: impl Into<String>, which: &str, time: i64, data: Value) -> Self {
        Self { id: format!("{topic}/{which}"), topic, subject: subject.into(), time, data }
    }

    /// Which way of the outbox it goes.
    pub(crate) fn partition(&self) -> u16 {
        let [first, second, ..] = sha256(&[self.subject.as_bytes()]);
        u16::from_be_bytes([first, second]) % PARTITIONS
    }
}

/// An event that was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Event {
    /// With the source, what tells it from all others.
    pub id: String,
    /// Who told it: a URI reference, the same for all gateways on one database.
    pub source: String,
    /// What it is about; the CloudEvent's type is `sillok.` and its name.
    pub topic: Topic,
    /// Of what or whom it tells; the key in Kafka.
    pub subject: String,
    /// When it happened, microseconds since the Unix epoch; in the CloudEvent by RFC 3339.
    pub time: i64,
    /// What happened.
    pub data: Value,
}

impl Event {
    /// The event as this source tells it.
    pub fn told(source: &str, event: NewEvent) -> Self {
        let NewEvent { id, topic, subject, time, data } = event;
        Self { id, source: source.to_owned(), topic, subject, time, data }
    }

    /// Reads a CloudEvent in its JSON form.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedEvent> {
        serde_json::from_slice(bytes).map_err(|error| MalformedEvent(error.to_string()))
    }

    /// The CloudEvent in its JSON form.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an event is strings and JSON")
    }
}

/// What was read is no event of Sillok's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an event: {0}")]
pub struct MalformedEvent(pub(crate) String);

/// The attributes as CloudEvents 1.0 names them. Extensions are let be.
#[derive(Serialize, Deserialize)]
struct Wire {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    subject: String,
    time: String,
    #[serde(default = "json")]
    datacontenttype: String,
    data: Value,
}

fn json() -> String {
    JSON.to_owned()
}

impl From<Event> for Wire {
    fn from(event: Event) -> Self {
        let Event { id, source, topic, subject, time, data } = event;
        // A time beyond jiff's years 9999 and -9999 is nobody's; the nearest end is told.
        let time = Timestamp::from_microsecond(time).unwrap_or(if time < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        Self {
            specversion: VERSION.to_owned(),
            id,
            source,
            kind: format!("{TYPE}{topic}"),
            subject,
            time: time.to_string(),
            datacontenttype: json(),
            data,
        }
    }
}

impl TryFrom<Wire> for Event {
    type Error = MalformedEvent;

    fn try_from(wire: Wire) -> Result<Self, MalformedEvent> {
        let Wire { specversion, id, source, kind, subject, time, datacontenttype, data } = wire;
        let bad = |reason: String| Err(MalformedEvent(reason));
        if specversion != VERSION {
            return bad(format!("its specversion is {specversion:?}, not {VERSION:?}"));
        }
        if datacontenttype != JSON {
            return bad(format!("its datacontenttype is {datacontenttype:?}, not {JSON:?}"));
        }
        let Some(topic) = kind.strip_prefix(TYPE).and_then(|name| name.parse().ok()) else {
            return bad(format!("its type {kind:?} is unknown"));
        };
        let Ok(time) = time.parse::<Timestamp>() else {
            return bad(format!("its time {time:?} is none of RFC 3339"));
        };
        Ok(Self { id, source, topic, subject, time: time.as_microsecond(), data })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use serde_json::json;

    use super::*;

    fn event() -> Event {
        let told = NewEvent::new(
            Topic::SignaturesCreated,
            "문서-1",
            "ab12",
            1_790_000_000_123_456,
            json!({"hash": "00"}),
        );
        Event::told("/sillok/seoul", told)
    }

    #[test]
    fn an_event_is_a_cloud_event() {
        assert_eq!(
            serde_json::to_value(event()).unwrap(),
            json!({
                "specversion": "1.0",
                "id": "signatures.created/ab12",
                "source": "/sillok/seoul",
                "type": "sillok.signatures.created",
                "subject": "문서-1",
                "time": "2026-09-21T14:13:20.123456Z",
                "datacontenttype": "application/json",
                "data": {"hash": "00"},
            })
        );
        assert_eq!(Event::parse(event().to_json().as_bytes()).unwrap(), event());
    }

    #[test]
    fn what_others_may_leave_out_or_add_is_read() {
        let mut wire = serde_json::to_value(event()).unwrap();
        wire.as_object_mut().unwrap().remove("datacontenttype");
        wire["partitionkey"] = json!("x");
        wire["time"] = json!("2026-09-21T23:13:20.123456+09:00");
        assert_eq!(Event::parse(wire.to_string().as_bytes()).unwrap(), event());
    }

    #[test]
    fn what_is_no_event_is_told_why() {
        for (attribute, value, reason) in [
            ("specversion", json!("0.3"), "specversion"),
            ("type", json!("sillok.weather"), "type"),
            ("type", json!("signatures.created"), "type"),
            ("time", json!("yesterday"), "time"),
            ("datacontenttype", json!("text/xml"), "datacontenttype"),
            ("subject", json!(1), "string"),
        ] {
            let mut wire = serde_json::to_value(event()).unwrap();
            wire[attribute] = value;
            let told = Event::parse(wire.to_string().as_bytes()).unwrap_err().to_string();
            assert!(told.contains(reason), "{told}");
        }
        assert!(Event::parse(b"").is_err());
    }

    #[test]
    fn a_subject_has_one_way_and_subjects_have_many() {
        let way =
            |subject: String| NewEvent { subject, ..NewEvent::new(Topic::Alerts, "", "1", 0, Value::Null) };
        let ways: std::collections::BTreeSet<_> =
            (0..200).map(|n| way(format!("subject-{n}")).partition()).collect();
        assert_eq!(ways.len(), usize::from(PARTITIONS));
        assert_eq!(way("school-1".to_owned()).partition(), way("school-1".to_owned()).partition());
    }
}
