//! The program runs, and fails in every way that a test can provoke, and then everything it said is searched for every
//! secret it was given: keys, a database's password, access tokens, a learner's record.

use std::{collections::BTreeMap, fs, os::unix::process::ExitStatusExt as _, path::Path};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use p256::{SecretKey, pkcs8::DecodePrivateKey as _};
use sillok_gateway::wallet::Passphrase;

use crate::{
    program::{Done, Program},
    served::Served,
};

const PASSWORD: &str = "Kae0-paSSword-ohv4";
/// Of the learner's record: a parameter of a query, and so of the row that it writes.
const REMARK: &str = "haengdong-teukseong-8271";
/// How every access token begins: its header's first member in base64url.
const TOKEN: &str = "eyJ0eXAiOiJzaWxsb2stYWNjZXNzK2p3dCI";

/// What was said, by whom.
#[derive(Default)]
struct Said(Vec<(String, Vec<u8>)>);

impl Said {
    fn hear(&mut self, what: &str, done: &Done) {
        self.0.push((what.to_owned(), format!("{}{}", done.stdout, done.stderr).into_bytes()));
    }

    fn must_not_hold(&self, secrets: &BTreeMap<String, Vec<u8>>) {
        assert!(self.0.iter().all(|(_, text)| !text.is_empty()), "there is something to search");
        let mut told = Vec::new();
        for (who, text) in &self.0 {
            for (name, secret) in secrets {
                if let Some(at) = text.windows(secret.len()).position(|window| window == secret) {
                    let before = String::from_utf8_lossy(&text[at.saturating_sub(200)..at]);
                    told.push(format!("{who} told {name}, after {before:?}"));
                }
            }
        }
        assert!(told.is_empty(), "{told:#?}");
    }
}

/// A private key in every form that it could be told in.
fn forms_of_key(file: &Path, secrets: &mut BTreeMap<String, Vec<u8>>) {
    let pem = fs::read_to_string(file).unwrap();
    let scalar = SecretKey::from_pkcs8_pem(&pem).unwrap().to_bytes();
    let name = file.display();
    for (form, bytes) in [
        ("bytes", scalar.to_vec()),
        ("hexadecimal", hex::encode(scalar).into_bytes()),
        ("decimal numbers", format!("{:?}", &scalar[..8]).trim_matches(['[', ']']).as_bytes().to_vec()),
        ("base64url", URL_SAFE_NO_PAD.encode(scalar).into_bytes()),
        ("base64", STANDARD_NO_PAD.encode(scalar).into_bytes()),
    ] {
        secrets.insert(format!("the key {name} in {form}"), bytes);
    }
    // Where the key itself stands in PKCS#8: what is before it is alike in all, what is after it is public.
    let lines: Vec<_> = pem.lines().collect();
    secrets.insert(format!("the beginning of {name}"), lines[1][48..].into());
    secrets.insert(format!("the end of {name}"), lines[2][..24].into());
}

/// The archive's key, likewise: 32 bytes, in hexadecimal digits in its file.
fn forms_of_office_key(file: &Path, secrets: &mut BTreeMap<String, Vec<u8>>) {
    let key = hex::decode(fs::read_to_string(file).unwrap().trim_end()).unwrap();
    let name = file.display();
    for (form, bytes) in [
        ("hexadecimal", hex::encode(&key).into_bytes()),
        ("decimal numbers", format!("{:?}", &key[..8]).trim_matches(['[', ']']).as_bytes().to_vec()),
        ("base64url", URL_SAFE_NO_PAD.encode(&key).into_bytes()),
        ("base64", STANDARD_NO_PAD.encode(&key).into_bytes()),
        ("bytes", key),
    ] {
        secrets.insert(format!("the key {name} in {form}"), bytes);
    }
}

fn every_key(directory: &Path, secrets: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            every_key(&path, secrets);
        } else if path.extension().is_some_and(|extension| extension == "key") {
            match path.parent().and_then(Path::file_name) {
                Some(name) if name == "archive-office-keys" => forms_of_office_key(&path, secrets),
                _ => forms_of_key(&path, secrets),
            }
        }
    }
}

fn school(program: &Program) {
    for name in ["T1", "T2", "stranger"] {
        program.json(&format!("keys educator --id {name} --out keys"));
    }
    program.json("admin office add --id OfficeMSP --name Office");
    program.json("admin school add --id north --name North --district Seoul --max-age-ms 50");
    for name in ["T1", "T2"] {
        let add = "admin educator add --school north --id";
        program.json(&format!("{add} {name} --certificate keys/{name}.pem"));
    }
    program.json("admin educator revoke --id T2");
    program.json("admin learner add --id L1 --school north");
}

/// Asks a gateway right and wrong, as those who may and those who may not.
fn ask(program: &Program, rest: &str, said: &mut Said) {
    let insert = "INSERT INTO grades (year, term, subject, score, achievement) VALUES (2026, 1, $1, 90, $2)";
    let remark = format!("UPDATE grades SET achievement = '{REMARK}' WHERE subject = 'music'");
    let wrong_type = "UPDATE grades SET score = $1";
    let mut request = |who: &str, sql: &str, more: &[&str], exit: i32| {
        let words =
            format!("request --gateway {rest} --school north --learner L1 {who} --wait --patience 20 --sql");
        let done = program.call(words.split_whitespace().chain([sql]).chain(more.iter().copied()));
        assert_eq!(done.exit, exit, "{done:?}");
        // Who asks is told the rows.
        if exit != 0 {
            said.hear(&format!("request by {who}: {sql}"), &done);
        }
    };
    let [first, second, stranger] =
        ["T1", "T2", "stranger"].map(|name| format!("--certificate keys/{name}.pem --key keys/{name}.key"));
    request(&first, insert, &["--param", "music", "--param", REMARK], 0);
    request(&first, &remark, &[], 0);
    // There already; of another type; no such column; no SQL at all.
    request(&first, insert, &["--param", "music", "--param", "other"], 3);
    request(&first, wrong_type, &["--param", "x"], 3);
    request(&first, "SELECT nothing FROM grades", &[], 3);
    request(&first, "SELEC", &[], 3);
    request(&second, insert, &["--param", "art", "--param", REMARK], 3);
    request(&stranger, insert, &["--param", "art", "--param", REMARK], 3);
    request("--certificate keys/T1.pem --key keys/T2.key", insert, &["--param", "art", "--param", "x"], 2);
}

#[test]
fn a_gateway_tells_no_secret_however_much_it_logs() {
    for format in ["human", "json"] {
        let program = Program::new();
        school(&program);
        let mut said = Said::default();
        let log =
            [("SILLOK_LOG__FILTER", "trace"), ("SILLOK_LOG__FORMAT", format), ("RUST_BACKTRACE", "full")];
        let served = Served::start(&program, &log);
        ask(&program, &served.rest, &mut said);
        assert_eq!(served.end("TERM").code(), Some(0));
        said.0.push(("the log".to_owned(), fs::read(program.path("log")).unwrap()));
        let mut secrets = BTreeMap::from([
            ("an access token".to_owned(), TOKEN.into()),
            ("a learner's record".to_owned(), REMARK.into()),
        ]);
        every_key(&program.path("."), &mut secrets);
        assert!(secrets.len() > 60, "the keys were found: {}", secrets.len());
        said.must_not_hold(&secrets);
    }
}

#[test]
fn a_databases_password_is_told_by_nothing_that_fails() {
    let program = Program::new();
    let mut said = Said::default();
    let urls = [
        format!("postgres://sillok:{PASSWORD}@127.0.0.1:1/records"),
        format!("postgres://sillok:{PASSWORD}@127.0.0.1:port/records"),
        format!("postgres://sillok:{PASSWORD}%@127.0.0.1:1/records"),
        format!("postgres://sillok:{PASSWORD}@127.0.0.1:1/records?sslmode=perhaps"),
        format!("postgres://sillok:{PASSWORD}@127.0.0.1:1/records?sslmode=require"),
        format!("postgres://sillok:{PASSWORD}@127.0.0.1:1/records?unknown={PASSWORD}"),
        format!("postgres:password={PASSWORD} host=nowhere"),
        format!("mysql://sillok:{PASSWORD}@127.0.0.1/records"),
        PASSWORD.to_owned(),
    ];
    for url in &urls {
        for words in ["serve", "--json serve", "serve --help"] {
            let environment = [
                ("SILLOK_RECORDS__URL", url.as_str()),
                ("SILLOK_RECORDS__WAIT_MS", "200"),
                ("SILLOK_LOG__FILTER", "trace"),
                ("RUST_BACKTRACE", "full"),
            ];
            let done = program.call_with(&environment, words.split_whitespace());
            assert!(done.exit != 0 || words.ends_with("help"), "{url}: {done:?}");
            said.hear(&format!("{words} with {url}"), &done);
        }
    }
    let postgres = urls[0].as_str();
    for words in ["demo --help", "demo --fabric --network nowhere", "demo --json --fabric --network nowhere"]
    {
        let done = program.call_with(&[("SILLOK_POSTGRES", postgres)], words.split_whitespace());
        said.hear(words, &done);
    }
    // The database is away; the password's file is none, or not there.
    program.write("password", format!("{PASSWORD}\n"));
    for file in ["password", ".", "nowhere"] {
        let environment = [
            ("SILLOK_RECORDS__URL", "postgres://sillok@127.0.0.1:1/records"),
            ("SILLOK_RECORDS__PASSWORD_FILE", file),
            ("SILLOK_RECORDS__WAIT_MS", "200"),
        ];
        let done = program.call_with(&environment, ["serve"]);
        assert_ne!(done.exit, 0);
        said.hear(file, &done);
    }
    said.must_not_hold(&BTreeMap::from([("the password".to_owned(), PASSWORD.into())]));
}

/// What is no key is not quoted, for it may be half of one.
#[test]
fn a_key_that_cannot_be_read_is_not_told() {
    let program = Program::new();
    school(&program);
    let key = fs::read_to_string(program.path("keys/T1.key")).unwrap();
    let mut said = Said::default();
    for (name, text) in [
        ("cut", key[..key.len() - 40].to_owned()),
        ("bare", key.lines().nth(1).unwrap().to_owned()),
        ("relabelled", key.replace("PRIVATE", "SECRET")),
        ("broken", key.replacen(&key[60..64], "????", 1)),
    ] {
        let file = format!("keys/{name}");
        program.write(&file, text);
        let ask =
            "request --gateway http://127.0.0.1:1 --school north --learner L1 --certificate keys/T1.pem";
        let sql = ["--sql", "SELECT * FROM grades"];
        let done = program.call(format!("{ask} --key {file}").split_whitespace().chain(sql));
        assert_eq!(done.exit, 2, "{done:?}");
        said.hear(name, &done);
        let issue = "keys educator --id T9 --out keys --authority-certificate keys/T1.pem --authority-key";
        said.hear(name, &program.run(&format!("{issue} {file}")));
        let tls = [
            ("SILLOK_TLS__CERTIFICATE", "keys/T1.pem"),
            ("SILLOK_TLS__KEY", file.as_str()),
            ("SILLOK_LISTEN__REST", "127.0.0.1:0"),
            ("SILLOK_LISTEN__GRPC", "127.0.0.1:0"),
        ];
        let done = program.call_with(&tls, ["serve"]);
        assert_ne!(done.exit, 0, "{done:?}");
        said.hear(name, &done);
    }
    let mut secrets = BTreeMap::new();
    every_key(&program.path("keys"), &mut secrets);
    said.must_not_hold(&secrets);
}

/// Neither the passphrase nor the key, of a wallet that opens, does not open, or holds what it should not.
#[test]
fn a_wallet_tells_nothing_of_what_opens_it_and_of_its_key() {
    let program = Program::new();
    school(&program);
    let roots = "--roots data/ledger.identities/roots";
    let with = [("SILLOK_WALLET_PASSPHRASE", PASSWORD), ("RUST_BACKTRACE", "full")];
    let mut said = Said::default();
    let mut run = |words: &str, exit: i32| {
        for words in [words.to_owned(), format!("--json {words}")] {
            let done = program.call_with(&with, words.split_whitespace());
            if !words.contains("wallet new") {
                assert_eq!(done.exit, exit, "{words}: {done:?}");
            }
            said.hear(&words, &done);
        }
    };
    run(&format!("wallet new --id L1 {roots} --out own"), 0);
    let whole = fs::read(program.path("own/L1.wallet")).unwrap();
    let passphrase = Passphrase::new(PASSWORD.to_owned());
    let content = passphrase.open(&whole).unwrap();
    let content: serde_json::Value = serde_json::from_slice(&content).unwrap();
    let key = content["key"].as_str().unwrap();
    program.write("wallet.key", key);
    run("wallet show own/L1.wallet", 0);
    run(&format!("wallet verify own/L1.wallet {roots}"), 6);
    run("wallet sync own/L1.wallet --gateway http://127.0.0.1:1", 4);
    run("wallet show --help", 0);
    run("wallet rekey own/L1.wallet --new-passphrase-file nowhere", 2);
    let wrong = [
        ("version", serde_json::json!(key)),
        ("learner", serde_json::json!(key)),
        ("proofs", serde_json::json!(key)),
        ("proofs", serde_json::json!({ "proofs": [key], "receipts": [] })),
        ("proofs", serde_json::json!({ "proofs": [], "receipts": [key] })),
        ("key", serde_json::json!(&key[..key.len() - 60])),
        ("attestation", serde_json::json!({ "nonce": key, "receipt": key })),
        (key, serde_json::json!(key)),
    ];
    for (member, value) in wrong {
        let mut content = content.clone();
        content[member] = value;
        let content = serde_json_canonicalizer::to_vec(&content).unwrap();
        program.write("own/wrong.wallet", passphrase.seal(&content).unwrap());
        run("wallet show own/wrong.wallet", 2);
    }
    let mut secrets = BTreeMap::from([("the passphrase".to_owned(), PASSWORD.into())]);
    forms_of_key(&program.path("wallet.key"), &mut secrets);
    said.must_not_hold(&secrets);
}

/// A core file would hold every key. A gateway writes none, where any other program here would.
#[test]
fn no_core_file_is_written() {
    let program = Program::dumping();
    let served = Served::start(&program, &[]);
    let limits = fs::read_to_string(format!("/proc/{}/limits", served.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("1"), "{core}");
    let status = served.end("ABRT");
    assert_eq!(status.signal(), Some(6), "{status}");
    assert!(!status.core_dumped());
    let mut files = fs::read_dir(program.path(".")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!files.any(|name| name.to_string_lossy().starts_with("core")));
}
