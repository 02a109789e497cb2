//! The whole way by the program alone: keys, registry, gateway, request, proof.

use crate::{program::Program, served::Served};

#[test]
fn a_mark_is_written_recorded_proved_and_sent_again() {
    let program = Program::new();
    program.json("keys educator --id T1 --out keys");
    program.json("admin school add --id north --name North --district Seoul --max-age-ms 50");
    program.json("admin educator add --id T1 --school north --certificate keys/T1.pem");
    program.json("admin learner add --id L1 --school north");
    let served = Served::start(&program, &[]);
    let rest = &served.rest;
    assert_eq!(program.refused("admin learner list").1, "ledger.in_use");
    let who = "--certificate keys/T1.pem --key keys/T1.key";
    let words = format!(
        "--json request --gateway {rest} --school north {who} --learner L1 --save one.json --wait --sql"
    );
    let sql = "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, $1, 90)";
    let done = program.call(words.split_whitespace().chain([sql, "--param", "수학"]));
    assert_eq!(done.exit, 0, "{done:?}");
    let first = &done.result()["results"][0];
    assert_eq!((&first["entry"]["status"], &first["entry"]["sequence"]), (&"recorded".into(), &1.into()));
    assert_eq!(first["data"][0]["subject"], "수학");

    let again = program.json(&format!("request --gateway {rest} {who} --send one.json --wait"));
    assert_eq!(again["results"][0]["entry"], first["entry"], "it is executed once");
    let entry = first["entry"]["entry"].as_str().unwrap();
    let fetched = program.json(&format!("proof fetch {entry} --gateway {rest} {who} --out proofs"));
    assert_eq!(fetched["files"][0], format!("proofs/{entry}.json"));
    let people = program.run(&format!("request --gateway {rest} {who} --send one.json"));
    assert!(people.exit == 0 && people.stdout.contains("batch 1"), "{people:?}");

    let unknown = "0".repeat(64);
    let (exit, _, detail) = program.refused(&format!("proof fetch {unknown} --gateway {rest} {who}"));
    assert!(exit == 3 && detail.contains(&unknown), "{detail}");
    let words = format!("--json request --gateway {rest} --school north {who} --learner L1 --sql");
    let refused = program.call(words.split_whitespace().chain(["DROP TABLE grades"]));
    assert_eq!(refused.exit, 3, "{refused:?}");

    drop(served);
    let report = program.json("proof verify proofs --roots data/ledger.identities/roots");
    assert_eq!((&report["verified"], &report["proofs"][0]["educator"]), (&1.into(), &"T1".into()));
    assert_eq!(report["proofs"][0]["sql"], sql);
}
