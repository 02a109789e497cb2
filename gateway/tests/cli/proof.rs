//! `sillok proof verify`, on proofs of a real ledger and what became of them.

use std::{fs, process::Command};

use crate::{
    engines::OnFile,
    program::Program,
    school::{Batch, Registered},
};

/// A school's batch of three, its proofs in `proofs/`, and the offices' roots in `roots/`. The ledger is gone.
async fn proofs(program: &Program) -> Batch {
    let network = OnFile::new();
    let batch = Registered::new(&network, "proofs").await.record(3).await;
    for directory in ["proofs", "roots"] {
        fs::create_dir(program.path(directory)).unwrap();
    }
    for index in 0..3 {
        program.write(&format!("proofs/{index}.json"), batch.proof(index).to_json());
    }
    for root in fs::read_dir(network.ledger.roots_directory()).unwrap() {
        let root = root.unwrap();
        fs::copy(root.path(), program.path("roots").join(root.file_name())).unwrap();
    }
    batch
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_tells_who_what_and_when() {
    let program = Program::new();
    let batch = proofs(&program).await;
    let report = program.json("proof verify proofs proofs/1.json --roots roots");
    assert_eq!((&report["verified"], &report["failed"]), (&4.into(), &0.into()));
    let second = &report["proofs"][1];
    assert_eq!(second["file"], "proofs/1.json");
    assert_eq!((&second["index"], &second["count"], &second["sequence"]), (&1.into(), &3.into(), &1.into()));
    assert_eq!(second["params"], serde_json::json!(["한국사", 1]));
    assert_eq!(second["transaction"], batch.receipt.transaction);
    assert_eq!(second["endorsed_by"], serde_json::json!(["OfficeMSP", "SupportMSP"]));
    assert_eq!(second["result"], serde_json::json!({"kind": "read", "rows": 1}));
    assert!(second["executed_at"].as_str().unwrap().ends_with('Z'));
    let told = program.run("proof verify proofs/0.json --roots roots");
    assert_eq!(told.exit, 0, "{told:?}");
    for said in ["ok ", "SELECT grade FROM grades", "한국사", "development ledger", "1 verified, 0 failed"]
    {
        assert!(told.stdout.contains(said), "{said}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_damage_ends_with_5_and_its_code() {
    let program = Program::new();
    let batch = proofs(&program).await;
    let good = batch.proof(1).to_json();
    let flipped = |place: usize| {
        let mut bytes = good.clone().into_bytes();
        bytes[place] ^= 1;
        bytes
    };
    let damage: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("cut", good.as_bytes()[..good.len() / 2].to_vec()),
        ("longer", format!("{good}\n").into_bytes()),
        ("first bit", flipped(0)),
        ("middle bit", flipped(good.len() / 2)),
        ("last bit", flipped(good.len() - 1)),
        (
            "pretty",
            serde_json::to_vec_pretty(&serde_json::from_str::<serde_json::Value>(&good).unwrap()).unwrap(),
        ),
        ("other", b"{\"a\": 1}".to_vec()),
        ("binary", vec![0xff; 64]),
        ("too large", vec![b' '; sillok_gateway::proof::MAX_PROOF + 1]),
    ];
    for (name, bytes) in damage {
        program.write("proofs/1.json", bytes);
        let (exit, code, detail) = program.refused("proof verify proofs/1.json --roots roots");
        assert_eq!(exit, 5, "{name}: {code} {detail}");
        assert!(code.starts_with("proof.") && detail.contains("proofs/1.json"), "{name}: {code} {detail}");
        let people = program.run("proof verify proofs --roots roots");
        assert_eq!(people.exit, 5, "{name}");
        assert!(
            people.stdout.contains(&code) && people.stdout.contains("2 verified, 1 failed"),
            "{people:?}"
        );
        assert!(people.stderr.contains("1 of 3 proofs"), "{people:?}");
    }
    fs::remove_file(program.path("proofs/1.json")).unwrap();
    fs::create_dir(program.path("proofs/1.json")).unwrap();
    assert_eq!(program.refused("proof verify proofs --roots roots").1, "proof.unreadable");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_roots_and_missing_ones_do_not_verify() {
    let program = Program::new();
    proofs(&program).await;
    let other = OnFile::new();
    let roots = other.ledger.roots_directory();
    let words = format!("proof verify proofs/1.json --roots {}", roots.display());
    let (exit, code, _) = program.refused(&words);
    assert_eq!((exit, code.as_str()), (5, "receipt.issuer"));
    fs::copy(roots.join("SupportMSP.pem"), program.path("roots/SupportMSP.pem")).unwrap();
    let (exit, code, detail) = program.refused("proof verify proofs/1.json --roots roots");
    assert_eq!((exit, code.as_str()), (5, "receipt.issuer"));
    assert!(detail.contains("SupportMSP"), "{detail}");
    fs::copy(roots.join("SupportMSP.pem"), program.path("roots/ThirdMSP.pem")).unwrap();
    assert_eq!(program.refused("proof verify proofs/1.json --roots roots").0, 5);
    for (wrong, said) in [
        ("proof verify proofs/1.json --roots proofs", "both offices"),
        ("proof verify proofs/1.json --roots nowhere", "nowhere"),
        ("proof verify nothing.json --roots roots", "nothing.json"),
        ("proof verify roots --roots roots", "no proof files"),
    ] {
        let (exit, _, detail) = program.refused(wrong);
        assert_eq!(exit, 2, "{detail}");
        assert!(detail.contains(said), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_socket_is_opened() {
    let program = Program::new();
    proofs(&program).await;
    let calls = program.path("calls");
    let traced = Command::new("strace")
        .args(["-f", "-e", "trace=%network", "-o"])
        .arg(&calls)
        .args([env!("CARGO_BIN_EXE_sillok"), "proof", "verify", "proofs", "--roots", "roots"])
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
