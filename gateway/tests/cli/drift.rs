//! `sillok verify` and `sillok history`: a mark is changed behind the ledger's back, found and told.

use std::time::Duration;

use redb::ReadableTable as _;
use serde_json::Value;

use crate::{program::Program, served::Served};

const CLERK: &str = "--certificate data/ledger.identities/OfficeMSP/client.pem --key data/ledger.identities/OfficeMSP/client.key";

/// Does one statement about the learner and waits until it is recorded.
fn does(program: &Program, rest: &str, sql: &str) {
    let who = "--certificate keys/T1.pem --key keys/T1.key";
    let words = format!("--json request --gateway {rest} --school north {who} --learner L1 --wait --sql");
    let done = program.call(words.split_whitespace().chain([sql]));
    assert_eq!(done.exit, 0, "{done:?}");
}

fn tamper(program: &Program, sql: &str) {
    let connection = rusqlite::Connection::open(program.path("data/records.db")).unwrap();
    connection.busy_timeout(Duration::from_secs(20)).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn a_mark_that_was_changed_is_found_named_and_its_life_is_told() {
    let program = Program::new();
    program.json("admin office add --id OfficeMSP --name Office");
    program.json("keys educator --id T1 --out keys");
    program.json("admin school add --id north --name North --district Seoul --max-age-ms 50");
    program.json("admin educator add --id T1 --school north --certificate keys/T1.pem");
    program.json("admin learner add --id L1 --school north");
    let served = Served::start(&program, &[]);
    let rest = &served.rest;
    does(&program, rest, "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, 'music', 70)");
    does(&program, rest, "UPDATE grades SET score = 75 WHERE subject = 'music'");
    let who = format!("--gateway {rest} {CLERK}");
    let verify = format!("verify L1 {who} --roots data/ledger.identities/roots");
    assert_eq!(program.json(&verify)["report"]["agrees"], true);
    assert!(program.run(&verify).stdout.contains("database and ledger agree about L1"));

    tamper(&program, "UPDATE grades SET score = 100");
    let told = program.run(&format!("{verify} --save report.jws"));
    assert_eq!(told.exit, 6, "{told:?}");
    for word in ["DO NOT AGREE", "row.changed", "grades", "subject=\"music\"", "score", "100", "75", "T1"] {
        assert!(told.stdout.contains(word), "{word}: {}", told.stdout);
    }
    assert!(std::fs::read_to_string(program.path("report.jws")).unwrap().split('.').count() == 3);
    let told = program.run(&format!("--json {verify}"));
    let lines: Vec<Value> = told.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let column = &lines[0]["report"]["differences"][0]["columns"][0];
    assert_eq!((&column["database"], &column["ledger"]), (&100.into(), &75.into()));
    assert_eq!((&lines[1]["error"]["code"], &lines[1]["error"]["exit"]), (&"drift.found".into(), &6.into()));

    let history = program.json(&format!("history L1 {who} --table grades --where subject=music"));
    let changes = history["rows"][0]["changes"].as_array().unwrap();
    let kinds: Vec<_> = changes.iter().map(|change| change["change"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["written", "changed"]);
    assert_eq!(changes[1]["columns"], serde_json::json!([{"column": "score", "before": 70, "after": 75}]));
    assert!(program.run(&format!("history L1 {who}")).stdout.contains("by T1, batch 2"));

    let (exit, code, _) = program.refused(&format!("verify nobody {who}"));
    assert_eq!((exit, code.as_str()), (3, "not_found"));
    let teacher = format!("--gateway {rest} --certificate keys/T1.pem --key keys/T1.key");
    assert_eq!(program.refused(&format!("verify L1 {teacher}")).0, 3);
}

#[test]
fn an_audit_finds_it_among_all_and_goes_on_where_it_was_interrupted() {
    let program = Program::new();
    program.json("keys educator --id T1 --out keys");
    for school in ["north", "south"] {
        program.json(&format!("admin school add --id {school} --name X --district Seoul --max-age-ms 50"));
    }
    program.json("admin educator add --id T1 --school north --certificate keys/T1.pem");
    program.json("admin learner add --id L1 --school north");
    program.json("admin learner add --id L2 --school south");
    let served = Served::start(&program, &[]);
    does(
        &program,
        &served.rest,
        "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, 'art', 70)",
    );
    assert_eq!(program.refused("audit").1, "ledger.in_use", "the embedded ledger is one process's");
    drop(served);
    let clean = program.run("audit --state audit.json --pause 1");
    assert!(
        clean.exit == 0 && clean.stdout.contains("database and ledger agree: 2 learners, 1 rows"),
        "{clean:?}"
    );

    tamper(&program, "UPDATE grades SET score = 100; INSERT INTO learner (learner, name) VALUES ('L3', 'x')");
    let told = program.run("--json audit --state audit.json");
    assert_eq!(told.exit, 6, "{told:?}");
    let audit: Value = serde_json::from_str(told.stdout.lines().next().unwrap()).unwrap();
    let column = &audit["schools"]["north"]["reports"][0]["differences"][0]["columns"][0];
    assert_eq!((&column["column"], &column["ledger"]), (&"score".into(), &70.into()));
    assert_eq!(audit["strangers"][0]["learner"], "L3");

    // It was interrupted after the first school: that one is not read again.
    let mut kept = audit.clone();
    kept.as_object_mut().unwrap().remove("ended");
    kept["schools"].as_object_mut().unwrap().remove("south");
    program.write("audit.json", kept.to_string());
    tamper(&program, "UPDATE grades SET score = 70; DELETE FROM learner");
    let told = program.run("audit --state audit.json");
    assert!(told.exit == 6 && told.stdout.contains("row.changed"), "as it was found then: {told:?}");
    assert_eq!(program.run("audit --state audit.json").exit, 0, "one that has ended is begun anew");
    program.write("audit.json", "{}");
    assert_eq!(program.refused("audit --state audit.json").1, "audit.state");
}

#[test]
fn an_officer_sees_what_would_change_and_puts_it_back() {
    let program = Program::new();
    program.json("admin office add --id OfficeMSP --name Office");
    program.json("keys officer --office OfficeMSP --id han --out keys");
    program.json("admin officer add --office OfficeMSP --id han --certificate keys/han.pem");
    program.json("keys educator --id T1 --out keys");
    program.json("admin school add --id north --name North --district Seoul --max-age-ms 50");
    program.json("admin educator add --id T1 --school north --certificate keys/T1.pem");
    program.json("admin learner add --id L1 --school north");
    let served = Served::start(&program, &[]);
    let rest = &served.rest;
    does(&program, rest, "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, 'music', 70)");
    let han = format!("L1 --gateway {rest} --certificate keys/han.pem --key keys/han.key");
    assert!(program.run(&format!("restore {han}")).stdout.contains("nothing of L1 is to be put back"));
    tamper(&program, "UPDATE grades SET score = 100");
    let shown = program.run(&format!("restore {han}"));
    assert!(shown.exit == 0 && shown.stdout.contains("row.changed"), "{shown:?}");
    assert_eq!(program.run(&format!("verify {han}")).exit, 6, "nothing was done");
    let plan = program.json(&format!("restore {han}"));
    let digest = plan["digest"].as_str().unwrap().to_owned();
    assert!(shown.stdout.contains(&digest));
    tamper(&program, "UPDATE grades SET score = 99");
    let (exit, code, _) = program.refused(&format!("restore {han} --apply {digest}"));
    assert_eq!((exit, code.as_str()), (3, "restore.stale"));
    let plan = program.json(&format!("restore {han}"));
    let done = program.json(&format!("restore {han} --apply {}", plan["digest"].as_str().unwrap()));
    assert_eq!(done["results"][0]["entry"]["status"], "recorded");
    assert_eq!(program.json(&format!("verify {han}"))["report"]["agrees"], true);
    let history = program.json(&format!("history {han}"));
    assert_eq!(history["rows"][0]["changes"][1]["signer"], "han");
}

/// The ledger's table of states: key, who last wrote it, and the value.
const STATE: redb::TableDefinition<'_, &str, ((u64, u32), &[u8])> = redb::TableDefinition::new("state");

#[test]
fn what_the_gateway_keeps_is_put_back_from_the_ledger_and_an_edited_ledger_is_refused() {
    let program = Program::new();
    program.json("admin office add --id OfficeMSP --name Office");
    program.json("keys educator --id T1 --out keys");
    program.json("admin school add --id north --name X --district Seoul --max-age-ms 50");
    program.json("admin educator add --id T1 --school north --certificate keys/T1.pem");
    program.json("admin learner add --id L1 --school north");
    let served = Served::start(&program, &[]);
    let insert = "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, 'art', 70)";
    does(&program, &served.rest, insert);
    drop(served);
    tamper(
        &program,
        "DELETE FROM sillok_entries; DELETE FROM sillok_requests; UPDATE sillok_batches SET header = x'00'",
    );
    let told = program.run("audit");
    assert_eq!(told.exit, 6, "{told:?}");
    for word in
        ["outbox.missing", "outbox.altered", "sillok_entries", "sillok_requests", "sillok_batches", "header"]
    {
        assert!(told.stdout.contains(word), "{word}: {}", told.stdout);
    }
    let mended = program.run("audit --mend");
    assert!(mended.exit == 0 && mended.stdout.contains("mended: north: 1 batch(es)"), "{mended:?}");
    assert_eq!(program.json("audit --mend").get("mended").unwrap()["north"]["batches"], 0);

    let file = redb::Database::open(program.path("data/ledger.redb")).unwrap();
    let write = file.begin_write().unwrap();
    let key = "batch/north/000000000001";
    {
        let mut state = write.open_table(STATE).unwrap();
        let (version, mut value) = {
            let found = state.get(key).unwrap().unwrap();
            let (version, value) = found.value();
            (version, value.to_vec())
        };
        value[12] ^= 1;
        state.insert(key, (version, value.as_slice())).unwrap();
    }
    write.commit().unwrap();
    drop(file);
    for command in ["audit", "audit --mend"] {
        let (exit, code, detail) = program.refused(command);
        assert!((exit, code.as_str()) == (6, "ledger.damaged") && detail.contains(key), "{detail}");
    }
    let served = Served::start(&program, &[]);
    let who = format!("L1 --gateway {} {CLERK}", served.rest);
    // The contract itself cannot read the batch any more: nothing is said to agree, and nothing is put back.
    assert_eq!(program.refused(&format!("verify {who}")).1, "internal");
    tamper(&program, "UPDATE grades SET score = 100");
    assert_eq!(program.refused(&format!("restore {who}")).1, "internal");
}
