//! `sillok request`: what it signs, and what it says when there is nobody to send to.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _};

use serde_json::Value;
use sillok_contract::request::{Query, SignedRequest, query_hash};
use sillok_gateway::keys::read_certificate;

use crate::program::Program;

const SIGNED: &str = "request --school north --certificate keys/T1.pem --key keys/T1.key";

fn educator() -> Program {
    let program = Program::new();
    program.json("keys educator --id T1 --out keys");
    program
}

/// The saved request, read and verified, with its queries.
fn saved(program: &Program, file: &str) -> (SignedRequest, Vec<Query>) {
    let text = fs::read(program.path(file)).unwrap();
    let saved: Value = serde_json::from_slice(&text).unwrap();
    let request = SignedRequest::parse(saved["request"].as_str().unwrap()).unwrap();
    let certificate = read_certificate(&program.path("keys/T1.pem")).unwrap();
    request.verify(certificate.der()).unwrap();
    let queries: Vec<_> =
        saved["queries"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    let hashes: Vec<_> = queries.iter().map(|query| query_hash(query.as_bytes())).collect();
    assert_eq!(request.payload.queries, hashes);
    (request, queries.iter().map(|query| Query::parse(query.as_bytes()).unwrap()).collect())
}

#[test]
fn one_query_is_signed_with_its_parameters_and_kept_for_its_owner() {
    let program = educator();
    let words = format!("{SIGNED} --audience office --save one.json --learner L1 --sql SELECT");
    let parameters = ["--param", "-3", "--param", "수학", "--param", "\"7\"", "--param", "null"];
    let done = program.call(words.split_whitespace().chain(parameters));
    assert_eq!(done.exit, 0, "{done:?}");
    let (request, queries) = saved(&program, "one.json");
    assert_eq!((request.payload.aud.as_str(), request.payload.school.as_str()), ("office", "north"));
    assert_eq!(queries[0].params, serde_json::json!([-3, "수학", "7", null]).as_array().unwrap().clone());
    assert_eq!(fs::metadata(program.path("one.json")).unwrap().permissions().mode() & 0o777, 0o600);
    let (exit, code, _) = program.refused(&words);
    assert_eq!((exit, code.as_str()), (2, "file.exists"));
}

#[test]
fn a_class_is_asked_about_under_one_signature() {
    let program = educator();
    let queries: Vec<_> = (0..30)
        .map(|n| serde_json::json!({"learner": format!("L{n}"), "sql": "SELECT 1", "params": [n]}))
        .collect();
    program.write("queries.json", Value::from(queries).to_string());
    assert_eq!(program.json(&format!("{SIGNED} --save class.json --file queries.json"))["queries"], 30);
    let (_, queries) = saved(&program, "class.json");
    assert_eq!((queries[29].learner.as_str(), &queries[29].params[0]), ("L29", &29.into()));
    for wrong in ["", "[]", "{}", "[{\"learner\": \"L1\"}]", "[{\"learner\": \"-\", \"sql\": \"SELECT 1\"}]"]
    {
        program.write("queries.json", wrong);
        let (exit, code, detail) =
            program.refused(&format!("{SIGNED} --save other.json --file queries.json"));
        assert_eq!((exit, code.as_str()), (2, "queries.malformed"), "{wrong}: {detail}");
    }
    assert!(!program.path("other.json").exists());
}

#[test]
fn what_was_not_sent_can_be_sent_again() {
    let program = educator();
    // A port that nobody listens on any more.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let gateway = format!("--gateway http://127.0.0.1:{port}");
    let (exit, code, _) =
        program.refused(&format!("{SIGNED} {gateway} --save one.json --learner L1 --sql SELECT"));
    assert_eq!((exit, code.as_str()), (4, "gateway.unreachable"));
    saved(&program, "one.json");
    let (exit, code, _) = program.refused(&format!("request {gateway} --send one.json"));
    assert_eq!((exit, code.as_str()), (4, "gateway.unreachable"));
    program.write("one.json", "{}");
    assert_eq!(program.refused(&format!("request {gateway} --send one.json")).1, "saved.malformed");
}

#[test]
fn wrong_usage_says_what_to_do() {
    let program = educator();
    for (words, code, said) in [
        ("request", "usage", "--sql"),
        ("request --learner L1 --sql SELECT", "usage", "--school"),
        ("request --school north --sql SELECT", "usage", "--learner"),
        ("request --school north --learner L1 --sql SELECT", "usage", "--gateway"),
        ("request --school north --learner L1 --sql SELECT --save x.json", "usage", "--certificate"),
        ("request --send x.json --sql SELECT --learner L1", "usage", "--send"),
        ("request --send x.json --gateway localhost:80", "usage", "https://"),
        ("request --send x.json --gateway http://127.0.0.1:9 --wait", "usage", "--certificate"),
        ("request --send nothing.json --gateway http://127.0.0.1:9", "saved.malformed", "nothing.json"),
    ] {
        let (exit, told, detail) = program.refused(words);
        assert_eq!((exit, told.as_str()), (2, code), "{words}: {detail}");
        assert!(detail.contains(said), "{words}: {detail}");
    }
    program.json("keys educator --id T2 --out keys");
    let mixed =
        "request --school north --certificate keys/T1.pem --key keys/T2.key --learner L1 --sql SELECT";
    assert_eq!(program.refused(&format!("{mixed} --save x.json")).1, "key.not_a_pair");
    let swapped =
        "request --school north --certificate keys/T1.key --key keys/T1.key --learner L1 --sql SELECT";
    let (_, code, detail) = program.refused(&format!("{swapped} --save x.json"));
    assert_eq!(code, "key.certificate_malformed");
    assert!(detail.contains("keys/T1.key") && !detail.contains("PRIVATE"), "{detail}");
}
