//! What a role is granted of what all share: what its work needs, and nothing else.

use crate::{
    archive::ArchiveEngine,
    config::Settings,
    events::{Engine, Topic},
    records::{OpenError, WatchMode},
    service::Role,
};

/// A table of the records database, and the privileges on it.
type Grant = (&'static str, &'static str);

/// To find the tables as they should be.
const EVERY: &[Grant] = &[("sillok_migrations", "SELECT")];
/// To handle events: marks of what was done, what could not be, and what tells of it.
const HANDLING: &[Grant] = &[
    ("sillok_inbox", "SELECT, INSERT"),
    ("sillok_dead_letters", "SELECT, INSERT, UPDATE, DELETE"),
    ("sillok_events", "INSERT, SELECT (id)"),
];
/// To read events where no Kafka brings them.
const READING: &[Grant] = &[
    ("sillok_events", "SELECT"),
    ("sillok_cursors", "SELECT, INSERT, UPDATE"),
    ("sillok_members", "SELECT, INSERT, UPDATE, DELETE"),
];
/// To bring a signature from one state to the next.
const MOVING: Grant =
    ("sillok_signatures", "SELECT, UPDATE (state, verdict, transaction_id, block, refusal, updated_at)");
const RAISING: Grant = ("sillok_alerts", "SELECT, INSERT");
/// What answers callers, records queries and looks after the events.
const API: &[Grant] = &[
    ("sillok_requests", "SELECT, INSERT, UPDATE, DELETE"),
    ("sillok_entries", "SELECT, INSERT, UPDATE"),
    ("sillok_batches", "SELECT, INSERT, UPDATE, DELETE"),
    ("sillok_leases", "SELECT, INSERT, UPDATE"),
    ("sillok_certificates", "SELECT, INSERT, UPDATE"),
    ("sillok_watch", "SELECT, INSERT, UPDATE, DELETE"),
    // A signature that was found to be somebody else's may be handed in again by its signer.
    ("sillok_signatures", "INSERT"),
    MOVING,
    ("sillok_events", "SELECT, INSERT, DELETE"),
    ("sillok_inbox", "SELECT, DELETE"),
    ("sillok_dead_letters", "SELECT, INSERT, UPDATE, DELETE"),
    RAISING,
];
/// On the office's own tables.
const PROTECTED: &str = "SELECT, INSERT, UPDATE, DELETE";

/// The SQL, a statement a line, that gives a login what this role needs in the records database of these settings and takes
/// whatever else it was given of its tables. For the database's administrator; the tables have to be up to date.
pub fn of_database(role: Role, login: &str, settings: &Settings) -> Result<Vec<String>, OpenError> {
    let records = settings.records();
    let login = quoted(login);
    let mut statements = vec![format!("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {login};")];
    let grant = |(table, privileges): Grant| format!("GRANT {privileges} ON {table} TO {login};");
    statements.extend(own(role, settings).into_iter().map(grant));
    if role == Role::Api {
        let tables = &records.schema()?.tables;
        let on = |table: &String| format!("GRANT {PROTECTED} ON {} TO {login};", quoted(table));
        statements.extend(tables.keys().map(on));
        if records.watch.mode != WatchMode::Off {
            statements.push(format!("ALTER ROLE {login} REPLICATION;"));
        }
    }
    Ok(statements)
}

/// On Sillok's own tables.
fn own(role: Role, settings: &Settings) -> Vec<Grant> {
    let mut grants = EVERY.to_vec();
    grants.extend(match role {
        Role::Api => API.to_vec(),
        Role::Signer | Role::Verifier | Role::Recorder => [HANDLING, &[MOVING]].concat(),
        Role::Monitor => [HANDLING, &[RAISING]].concat(),
    });
    // The relay reads them for all others.
    if role == Role::Api || settings.events.engine == Engine::Outbox {
        grants.extend(READING);
    }
    if role.opens_archive() && settings.archive.engine == ArchiveEngine::Records {
        let privileges = if role == Role::Api { "SELECT" } else { "SELECT, INSERT" };
        grants.push(("sillok_archive", privileges));
    }
    grants
}

/// The same of Kafka: the arguments of `kafka-acls --add`, one call a line.
pub fn of_kafka(role: Role, principal: &str, settings: &Settings) -> Vec<String> {
    let kafka = &settings.events.kafka;
    let allow = |operations: &[&str], kind: &str, names: Vec<String>| {
        let operations: String = operations.iter().map(|of| format!(" --operation {of}")).collect();
        let on: String = names.iter().map(|name| format!(" --{kind} {name}")).collect();
        format!("--allow-principal {principal}{operations}{on}")
    };
    let topics = |topics: &[Topic]| topics.iter().map(|topic| kafka.name(topic.name())).collect();
    let groups = |roles: &[Role]| {
        roles.iter().map(|role| kafka.name(role.group(&settings.monitor).as_str())).collect()
    };
    let handling: Vec<_> = Role::ALL.into_iter().filter(|role| !role.handles().is_empty()).collect();
    let mut calls = Vec::new();
    if role == Role::Api {
        calls.push(allow(&["Create", "Describe", "Write"], "topic", topics(&Topic::ALL)));
    }
    if !role.handles().is_empty() {
        calls.push(allow(&["Read"], "topic", topics(role.handles())));
        calls.push(allow(&["Read"], "group", groups(&[role])));
    }
    // Both measure how far the others are behind.
    if matches!(role, Role::Api | Role::Monitor) {
        calls.push(allow(&["Describe"], "group", groups(&handling)));
    }
    calls
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::archive;

    fn told(role: Role, settings: &Settings) -> String {
        of_database(role, "somebody", settings).unwrap().join("\n")
    }

    #[test]
    fn the_api_alone_sees_protected_tables_and_entries() {
        let settings = Settings::default();
        for role in Role::ALL {
            let sql = told(role, &settings);
            for table in ["ON \"learner\"", "ON sillok_entries", "REPLICATION"] {
                assert_eq!(sql.contains(table), role == Role::Api, "{role}: {sql}");
            }
        }
    }

    #[test]
    fn with_kafka_only_the_relay_reads_the_outbox() {
        let mut settings = Settings::default();
        assert!(told(Role::Verifier, &settings).contains("ON sillok_cursors"));
        settings.events.engine = Engine::Kafka;
        assert!(!told(Role::Verifier, &settings).contains("ON sillok_cursors"));
        assert!(told(Role::Api, &settings).contains("ON sillok_cursors"));
    }

    #[test]
    fn the_archives_table_is_for_those_who_open_it() {
        let mut settings = Settings::default();
        assert!(told(Role::Recorder, &settings).contains("GRANT SELECT, INSERT ON sillok_archive"));
        assert!(told(Role::Api, &settings).contains("GRANT SELECT ON sillok_archive"));
        assert!(!told(Role::Monitor, &settings).contains("sillok_archive"));
        settings.archive = archive::Settings { engine: ArchiveEngine::Cassandra, ..settings.archive };
        assert!(!told(Role::Recorder, &settings).contains("sillok_archive"));
    }

    #[test]
    fn whoever_handles_events_writes_none_to_kafka() {
        let mut settings = Settings::default();
        settings.events.kafka.prefix = "x.".to_owned();
        let verifier = of_kafka(Role::Verifier, "User:CN=verifier", &settings);
        assert_eq!(
            verifier,
            [
                "--allow-principal User:CN=verifier --operation Read --topic x.signatures.created",
                "--allow-principal User:CN=verifier --operation Read --group x.verifier",
            ]
        );
        let api = of_kafka(Role::Api, "User:CN=api", &settings).join("\n");
        assert!(api.contains("--operation Write --topic") && !api.contains("--operation Read"), "{api}");
    }

    #[test]
    fn a_logins_name_is_quoted() {
        let sql = of_database(Role::Monitor, "a\"b", &Settings::default()).unwrap();
        assert!(sql.iter().all(|statement| statement.contains("\"a\"\"b\"")), "{sql:?}");
    }
}
