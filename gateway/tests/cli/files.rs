//! Every file and directory that the program writes, as the most careless of users lets it: nothing secret is for
//! anybody else to read, and nothing at all for anybody else to write.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::{program::Program, served::Served};

/// What is public whoever wrote it, by what it begins with.
const PUBLIC: [&str; 2] = ["-----BEGIN CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----"];

fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        }
        found.push(path);
    }
}

fn fault(path: &Path) -> Option<&'static str> {
    let mode = fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    let public = || {
        let text = fs::read(path).unwrap();
        PUBLIC.iter().any(|beginning| text.starts_with(beginning.as_bytes()))
    };
    match mode {
        mode if mode & 0o022 != 0 => Some("others may write it"),
        mode if mode & 0o077 != 0 && path.is_file() && !public() => Some("others may read it"),
        _ => None,
    }
}

#[test]
fn everything_that_is_written_is_its_owners() {
    let program = Program::careless();
    program.json("keys learner --id L1 --out wallet");
    program.json("keys educator --id T1 --out keys");
    program.json("admin school add --id north --name North --district Seoul --max-age-ms 50");
    program.json("admin educator add --id T1 --school north --certificate keys/T1.pem");
    program.json("admin learner add --id L1 --school north");
    let served = Served::start(&program, &[]);
    let who = format!("--gateway {} --certificate keys/T1.pem --key keys/T1.key", served.rest);
    let words = format!("--json request {who} --school north --learner L1 --save one.json --wait --sql");
    let sql = "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, 'music', 90)";
    let done = program.call(words.split_whitespace().chain([sql]));
    assert_eq!(done.exit, 0, "{done:?}");
    let entry = done.result()["results"][0]["entry"]["entry"].as_str().unwrap().to_owned();
    program.json(&format!("proof fetch {entry} {who} --out proofs"));
    let mut found = Vec::new();
    walk(&program.path("."), &mut found);
    assert_eq!(served.end("TERM").code(), Some(0));
    walk(&program.path("."), &mut found);
    program.write("pupils.csv", "school;sex;age;absences;G1;G2;G3\nGP;F;16;2;11;12;13\nMS;M;15;0;8;9;10\n");
    program.json("demo --data pupils.csv --keep kept --proofs shown");
    walk(&program.path("."), &mut found);
    // The test's own.
    found.retain(|path| path.exists() && !["log", "pupils.csv"].iter().any(|name| path.ends_with(name)));
    for written in ["data/ledger.redb", "data/records.db", "one.json", "keys/T1.key", "wallet/L1.key", "kept"]
    {
        assert!(found.contains(&program.path(".").join(written)), "{written} was looked at: {found:?}");
    }
    let faults: Vec<_> = found.iter().filter_map(|path| Some((path, fault(path)?))).collect();
    assert!(faults.is_empty(), "{faults:?}");
}
