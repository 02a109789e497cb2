//! `sillok wallet`, from its making to a verifier who is offline.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{program::Program, served::Served};

const PASSPHRASE: &str = "네 단어로 된 문장";
pub(crate) const ROOTS: &str = "data/ledger.identities/roots";
const WHO: &str = "--certificate keys/T1.pem --key keys/T1.key";

/// A school with two learners, the first with a wallet whose key is registered; the passphrase is in the file `secret`.
pub(crate) fn school(program: &Program) {
    program.write("secret", format!("{PASSPHRASE}\n"));
    program.json("keys educator --id T1 --out keys");
    program.json("admin school add --id north --name North --district Seoul --max-age-ms 50");
    program.json("admin educator add --id T1 --school north --certificate keys/T1.pem");
    program.write("learners.csv", "id\nL1\nL2\n");
    program.json("admin learner add --csv learners.csv --school north");
    let made =
        program.json(&format!("wallet new --id L1 --roots {ROOTS} --out own --passphrase-file secret"));
    assert_eq!((&made["wallet"], &made["public_key"]), (&"own/L1.wallet".into(), &"own/L1.jwk".into()));
    program.json("admin learner wallet --learner L1 --key own/L1.jwk");
}

/// The educator has a statement about a learner executed, and waits until it is recorded.
fn ask(program: &Program, served: &Served, learner: &str, sql: &str) {
    let words = format!(
        "--json request --gateway {} {WHO} --school north --learner {learner} --wait --sql",
        served.rest
    );
    let done = program.call(words.split_whitespace().chain([sql]));
    assert_eq!(done.exit, 0, "{done:?}");
}

pub(crate) fn mark(program: &Program, served: &Served, learner: &str, subject: &str) {
    let sql = format!("INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, '{subject}', 90)");
    ask(program, served, learner, &sql);
}

fn sync(served: &Served) -> String {
    format!("wallet sync own/L1.wallet --gateway {} --passphrase-file secret", served.rest)
}

#[test]
fn a_learner_sees_all_of_it_and_proves_that_it_is_all() {
    let program = Program::new();
    school(&program);
    let served = Served::start(&program, &[]);
    let empty = program.json(&sync(&served));
    assert_eq!((&empty["entries"], &empty["new"]), (&0.into(), &0.into()));
    let verify = format!("wallet verify own/L1.wallet --roots {ROOTS} --passphrase-file secret");
    assert_eq!(program.json(&verify)["entries"], 0);
    mark(&program, &served, "L1", "music");
    mark(&program, &served, "L2", "art");
    ask(&program, &served, "L1", "SELECT subject, score FROM grades");
    let done = program.json(&sync(&served));
    assert_eq!((&done["entries"], &done["new"], &done["learner"]), (&2.into(), &2.into(), &"L1".into()));
    mark(&program, &served, "L1", "history");
    let done = program.json(&sync(&served));
    assert_eq!((&done["entries"], &done["new"]), (&3.into(), &1.into()));
    assert_eq!(program.json(&sync(&served))["new"], 0);
    drop(served);

    let complete = program.json(&verify);
    assert_eq!((&complete["entries"], &complete["learner"]), (&3.into(), &"L1".into()));
    let shown = program.json("wallet show own/L1.wallet --passphrase-file secret");
    let entries = shown["entries"].as_array().unwrap();
    let told: Vec<_> =
        entries.iter().map(|entry| (entry["number"].as_u64(), &entry["result"]["kind"])).collect();
    assert_eq!(told, [(Some(1), &"written".into()), (Some(2), &"read".into()), (Some(3), &"written".into())]);
    assert!(entries.iter().all(|entry| entry["learner"] == "L1" && entry["educator"] == "T1"));
    let people = program.run("wallet show own/L1.wallet --passphrase-file secret");
    assert!(people.stdout.contains("SELECT subject, score FROM grades"), "{people:?}");

    let files = program.json("wallet export own/L1.wallet 2 --out proofs --passphrase-file secret");
    assert_eq!(files["files"], serde_json::json!(["proofs/000002.json"]));
    program.json("wallet export own/L1.wallet --out proofs --passphrase-file secret");
    assert_eq!(program.json(&format!("proof verify proofs --roots {ROOTS}"))["verified"], 3);
    let (exit, code, _) =
        program.refused("wallet export own/L1.wallet 4 --out proofs --passphrase-file secret");
    assert_eq!((exit, code.as_str()), (6, "wallet.incomplete"));
    let (exit, code, _) = program.refused(&sync_of_nobody());
    assert_eq!((exit, code.as_str()), (2, "usage"));
}

fn sync_of_nobody() -> String {
    "wallet sync own/L1.wallet --passphrase-file secret".to_owned()
}

#[test]
fn the_file_is_its_owners_and_opens_with_the_passphrase_alone() {
    let program = Program::careless();
    school(&program);
    let file = program.path("own/L1.wallet");
    let mode = |name: &str| fs::metadata(program.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("own"), mode("own/L1.wallet")), (0o700, 0o600));
    let bytes = fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1\n-> scrypt "), "any program that knows age opens it");
    let new = format!("wallet new --id L1 --roots {ROOTS} --out own --passphrase-file secret");
    assert_eq!(program.refused(&new).1, "file.exists");
    assert_eq!(fs::read(&file).unwrap(), bytes);

    let show = "wallet show own/L1.wallet";
    let open = |environment: &[(&str, &str)]| {
        program.call_with(environment, format!("--json {show}").split_whitespace())
    };
    assert_eq!(open(&[("SILLOK_WALLET_PASSPHRASE", PASSPHRASE)]).exit, 0);
    let wrong = open(&[("SILLOK_WALLET_PASSPHRASE", "another")]);
    assert_eq!((wrong.exit, &wrong.result()["error"]["code"]), (3, &"wallet.passphrase".into()));
    let nobody = open(&[]);
    assert_eq!((nobody.exit, &nobody.result()["error"]["code"]), (2, &"wallet.passphrase".into()));
    program.write("short", "seven77");
    let words = format!("wallet new --id L2 --roots {ROOTS} --out own --passphrase-file short");
    assert_eq!(program.refused(&words).1, "wallet.passphrase");

    let opened = format!("{show} --passphrase-file secret");
    for (what, change) in [
        ("a bit of the content", (bytes.len() - 9, "wallet.damaged", 5)),
        ("the work", (bytes.iter().position(|&byte| byte == b'1').unwrap(), "wallet.malformed", 2)),
    ] {
        let (place, code, exit) = change;
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        fs::write(&file, changed).unwrap();
        let refused = program.refused(&opened);
        assert_eq!((refused.0, refused.1.as_str()), (exit, code), "{what}");
    }
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    assert_ne!(program.run(&opened).exit, 0);
    fs::write(&file, b"not a wallet").unwrap();
    assert_eq!(program.refused(&opened).1, "wallet.malformed");
    fs::write(&file, &bytes).unwrap();
    program.json(&opened);
}

#[test]
fn a_new_key_or_passphrase_takes_the_place_of_the_old() {
    let program = Program::new();
    school(&program);
    let key = fs::read(program.path("own/L1.jwk")).unwrap();
    program.write("changed", "short");
    let short = "wallet rekey own/L1.wallet --passphrase-file secret --new-passphrase-file changed";
    assert_eq!(program.refused(short).1, "wallet.passphrase");
    program.write("changed", "another sentence of words");
    let words = "wallet rekey own/L1.wallet --passphrase-file secret --new-passphrase-file changed";
    program.json(words);
    assert_eq!(program.refused("wallet show own/L1.wallet --passphrase-file secret").1, "wallet.passphrase");
    program.write("secret", "another sentence of words");
    assert_eq!(fs::read(program.path("own/L1.jwk")).unwrap(), key);
    let done = program.json("wallet rekey own/L1.wallet --key --passphrase-file secret");
    assert_eq!(done["public_key"], "own/L1.jwk");
    assert_ne!(fs::read(program.path("own/L1.jwk")).unwrap(), key);

    let served = Served::start(&program, &[]);
    let (exit, code, _) = program.refused(&sync(&served));
    assert_eq!((exit, code.as_str()), (3, "access.signature"), "the new key is not registered yet");
    drop(served);
    program.json("admin learner wallet --learner L1 --key own/L1.jwk");
    let served = Served::start(&program, &[]);
    assert_eq!(program.json(&sync(&served))["entries"], 0);
    drop(served);
    program.json("admin learner revoke-wallet --learner L1");
    let served = Served::start(&program, &[]);
    assert_eq!(program.refused(&sync(&served)).1, "wallet.revoked");
    assert_eq!(program.refused("wallet rekey own/L1.wallet --passphrase-file secret").1, "usage");
}

#[test]
fn a_synchronisation_that_is_killed_goes_on_where_it_was() {
    let program = Program::new();
    school(&program);
    let served =
        Served::start(&program, &[("SILLOK_LIMITS__RATE", "10000"), ("SILLOK_LIMITS__BURST", "10000")]);
    let query = |number| {
        let sql = "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, $1, 90)";
        serde_json::json!({"learner": "L1", "sql": sql, "params": [format!("subject {number}")]})
    };
    for request in [0..65, 65..130] {
        let queries = serde_json::Value::from(request.map(query).collect::<Vec<_>>());
        program.write("queries.json", queries.to_string());
        let words =
            format!("request --gateway {} {WHO} --school north --file queries.json --wait", served.rest);
        program.json(&words);
    }
    let held = || {
        let shown = program.json("wallet show own/L1.wallet --passphrase-file secret");
        shown["entries"].as_array().unwrap().len()
    };
    let mut before = 0;
    for delay in [300, 700, 1_000, 1_300, 1_600] {
        let mut child = program
            .command()
            .args(sync(&served).split_whitespace())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        let _ = child.kill();
        child.wait().unwrap();
        let now = held();
        assert!(now >= before, "{now} after {before}: nothing is lost");
        before = now;
    }
    assert_eq!(program.json(&sync(&served))["entries"], 130);
    drop(served);
    let verify = format!("wallet verify own/L1.wallet --roots {ROOTS} --passphrase-file secret");
    assert_eq!(program.json(&verify)["entries"], 130);
}

#[test]
fn a_verifier_opens_no_socket() {
    let program = Program::new();
    school(&program);
    let served = Served::start(&program, &[]);
    mark(&program, &served, "L1", "music");
    program.json(&sync(&served));
    drop(served);
    let calls = program.path("calls");
    let words = format!("wallet verify own/L1.wallet --roots {ROOTS} --passphrase-file secret");
    let traced = Command::new("strace")
        .args(["-f", "-e", "trace=%network", "-o"])
        .arg(&calls)
        .arg(env!("CARGO_BIN_EXE_sillok"))
        .args(words.split_whitespace())
        .current_dir(program.path(""))
        .output();
    let Ok(traced) = traced else {
        eprintln!("skipped: there is no strace to see the program's system calls with");
        return;
    };
    assert!(traced.status.success(), "{traced:?}");
    let calls = fs::read_to_string(calls).unwrap();
    let made: Vec<_> = calls.lines().filter(|line| line.contains('(')).collect();
    assert!(calls.contains("exited with 0") && made.is_empty(), "{made:?}");
}
