//! `sillok admin`, on the embedded ledger.

use std::fmt::Write as _;

use sillok_gateway::ledger::embedded::Embedded;

use crate::program::Program;

/// Two schools, as an administrator of the education office begins.
fn two_schools() -> Program {
    let program = Program::new();
    for school in ["north", "south"] {
        let done = program.call([
            "admin",
            "school",
            "add",
            "--id",
            school,
            "--name",
            "A school",
            "--district",
            "Seoul",
        ]);
        assert_eq!(done.exit, 0, "{done:?}");
    }
    program
}

#[test]
fn offices_and_schools_are_registered_by_the_education_office_and_once() {
    let program = Program::new();
    assert_eq!(program.json("admin office add --id OfficeMSP --name Office")["changed"][0], "OfficeMSP");
    program.json("admin office add --id SupportMSP --name Support");
    let add = "admin school add --id north --name North --district Seoul --office OfficeMSP --max-entries 7";
    assert_eq!(program.json(add)["changed"][0], "north");
    let again = program.json(add);
    assert_eq!((again["changed"].as_array().unwrap().len(), &again["unchanged"]), (0, &1.into()));
    let (exit, code, _) = program.refused(&add.replace("North", "Other"));
    assert_eq!((exit, code.as_str()), (3, "already_exists"));
    let (exit, code, _) = program.refused(&format!("{add} --as SupportMSP"));
    assert_eq!((exit, code.as_str()), (3, "creator.forbidden"));
    let (exit, code, detail) = program.refused(&format!("{add} --as NobodyMSP"));
    assert_eq!((exit, code.as_str()), (2, "usage"), "{detail}");
    let offices = program.json("admin office list");
    assert_eq!(offices["offices"].as_array().unwrap().len(), 2);
    let school = &program.json("admin school list")["schools"][0];
    assert_eq!((&school["office"], &school["batch"]["max_entries"]), (&"OfficeMSP".into(), &7.into()));
}

#[test]
fn a_school_is_changed_where_it_is_told_and_closed_only_earlier() {
    let program = two_schools();
    program.json("admin school set --id north --name New --max-age-ms 900");
    let school = &program.json("admin school list")["schools"][0];
    assert_eq!((&school["name"], &school["district"]), (&"New".into(), &"Seoul".into()));
    assert_eq!((&school["batch"]["max_entries"], &school["batch"]["max_age_ms"]), (&40.into(), &900.into()));
    program.json("admin school close --id north --since 2030-01-01T00:00:00Z");
    assert_eq!(
        program.refused("admin school close --id north --since 2031-01-01T00:00:00Z").1,
        "already_exists"
    );
    program.json("admin school revoke --id north");
    let closed = program.json("admin school list")["schools"][0]["closed_since"].clone();
    let again = program.json("admin school close --id north --since now");
    assert_eq!(again["unchanged"], 1);
    assert_eq!(program.json("admin school list")["schools"][0]["closed_since"], closed);
    assert_eq!(program.refused("admin school close --id west").1, "school.unknown");
}

#[test]
fn educators_are_registered_from_the_file_their_keys_were_made_from_and_revoked() {
    let program = two_schools();
    program.write("people.csv", "id,school,role,from\nT1,north,head,2026-03-02T00:00:00+09:00\nT2,south,,\n");
    program.json("keys educator --csv people.csv --out keys");
    let add = "admin educator add --csv people.csv --certificates keys";
    assert_eq!(program.json(add)["changed"].as_array().unwrap().len(), 2);
    assert_eq!(program.json(add)["unchanged"], 2, "`now` means the same when it is said again");
    let listed = program.json("admin educator list");
    assert_eq!(listed["educators"][0]["from"], 1_772_377_200_000_000_i64);
    assert_eq!(
        (&listed["educators"][0]["role"], &listed["educators"][1]["role"]),
        (&"head".into(), &"teacher".into())
    );
    assert_eq!(program.json("admin educator list --school south")["educators"].as_array().unwrap().len(), 1);
    program.write("gone.csv", "id,since\nT1,2026-09-01T00:00:00Z\nT9,now\n");
    let (exit, code, detail) = program.refused("admin educator revoke --csv gone.csv");
    assert_eq!((exit, code.as_str()), (3, "not_found"));
    assert!(detail.contains("line 3") && detail.contains("the 1 before are on the ledger"), "{detail}");
    assert_eq!(program.json("admin educator revoke --id T1 --since 2026-09-01T00:00:00Z")["unchanged"], 1);
    assert_eq!(program.json(add)["unchanged"], 2, "who was registered so and revoked since stands");
    let table = program.run("admin educator list");
    assert!(table.stdout.contains("2026-09-01T00:00:00Z") && !table.stdout.contains("BEGIN"), "{table:?}");
}

#[test]
fn many_learners_go_in_chunks_and_come_back_in_pages() {
    let program = two_schools();
    let mut csv = "id\n".to_owned();
    for number in 0..1_203 {
        writeln!(csv, "L{number:04}").unwrap();
    }
    program.write("learners.csv", &csv);
    let add = "admin learner add --csv learners.csv --school north --since 2026-03-02T00:00:00Z";
    let report = program.json(add);
    assert_eq!(
        (report["changed"].as_array().unwrap().len(), report["blocks"].as_array().unwrap().len()),
        (1_203, 3)
    );
    assert_eq!(program.json(add)["unchanged"], 1_203);
    program.json("admin learner move --id L0007 --school south");
    assert_eq!(program.json("admin learner move --id L0007 --school south")["unchanged"], 1);
    assert_eq!(program.json("admin learner list")["learners"].as_array().unwrap().len(), 1_203);
    let south = program.json("admin learner list --school south");
    assert_eq!(south["learners"].as_array().unwrap().len(), 1);
    assert_eq!(south["learners"][0]["enrolments"][1]["school"], "south");
    assert_eq!(program.json(add)["unchanged"], 1_203, "who was registered so and moved since stands");
}

#[test]
fn a_row_that_is_wrong_or_refused_is_named_by_its_line() {
    let program = two_schools();
    for (csv, exit, code, said) in [
        ("id,school\nL1,north\nL 2,north\n", 2, "csv.malformed", "line 3"),
        ("id,school\nL1,north\nL2,\n", 2, "usage", "line 3: school is empty"),
        ("id,school,since\nL1,north,tomorrow\n", 2, "csv.malformed", "RFC 3339"),
        ("id,class\nL1,north\n", 2, "csv.malformed", "class"),
        ("id,school\nL1,north\nL2,west\n", 3, "school.unknown", "line 3"),
        ("id,school\nL1,north\nL1,north\n", 3, "argument.malformed", "line 3"),
    ] {
        program.write("learners.csv", csv);
        let (told, stable, detail) = program.refused("admin learner add --csv learners.csv");
        assert_eq!((told, stable.as_str()), (exit, code), "{csv}: {detail}");
        assert!(detail.contains(said), "{detail}");
    }
    assert_eq!(program.json("admin learner list")["learners"].as_array().unwrap().len(), 0, "all or none");
    program.write("educators.csv", "id,certificate,school\nT1,keys/T1.pem,north\n");
    let (exit, code, detail) = program.refused("admin educator add --csv educators.csv");
    assert_eq!((exit, code.as_str()), (2, "key.file"));
    assert!(detail.contains("line 2") && detail.contains("keys/T1.pem"), "{detail}");
}

#[test]
fn a_ledger_that_a_gateway_holds_is_told_of() {
    let program = two_schools();
    let held = Embedded::open(program.path("data/ledger.redb"), || 1_790_000_000_000_000).unwrap();
    let (exit, code, detail) = program.refused("admin school list");
    assert_eq!((exit, code.as_str()), (4, "ledger.in_use"));
    assert!(detail.contains("stop it"), "{detail}");
    program.json("keys educator --id T1 --out keys");
    drop(held);
    program.json("admin educator add --id T1 --school north --certificate keys/T1.pem");
}

#[test]
fn what_is_about_fabric_is_asked_of_fabric() {
    let program = Program::new();
    for (words, code, said) in [
        ("admin school list --network nowhere.json", "config.invalid", "nowhere.json"),
        ("admin school list --msp nowhere", "config.invalid", "nowhere"),
        ("admin school list --peer localhost:7051", "config.invalid", "network"),
        ("admin school list --channel records", "usage", "--network"),
    ] {
        let (exit, told, detail) = program.refused(words);
        assert_eq!((exit, told.as_str()), (2, code), "{words}: {detail}");
        assert!(detail.contains(said), "{detail}");
    }
    assert!(!program.path("data").exists());
}

#[test]
fn officers_are_registered_and_revoked_by_their_own_office() {
    let program = Program::new();
    for office in ["OfficeMSP", "SupportMSP"] {
        program.json(&format!("admin office add --id {office} --name Office"));
    }
    program.write("people.csv", "id\nO1\nO2\n");
    for office in ["OfficeMSP", "SupportMSP"] {
        program.json(&format!("keys officer --csv people.csv --office {office} --out {office}"));
    }
    let add = "admin officer add --csv people.csv --office OfficeMSP --certificates OfficeMSP";
    program.write("people.csv", "id,until\nO1,\nO2,2036-03-02T00:00:00Z\n");
    assert_eq!(program.json(add)["changed"], serde_json::json!(["O1", "O2"]));
    assert_eq!(program.json(add)["unchanged"], 2);
    let (exit, code, _) = program.refused(&format!("{add} --as SupportMSP"));
    assert_eq!((exit, code.as_str()), (3, "creator.forbidden"));
    let other = "admin officer add --id O3 --office OfficeMSP --certificate SupportMSP/O1.pem";
    assert_eq!(program.refused(other).1, "certificate.not_issued_by_authority");
    program.json("admin officer add --id O3 --certificate SupportMSP/O1.pem");
    let listed = program.json("admin officer list --office OfficeMSP");
    assert_eq!(listed["officers"].as_array().unwrap().len(), 2);
    assert_eq!(program.json("admin officer list")["officers"][2]["office"], "SupportMSP");
    assert_eq!(program.refused("admin officer revoke --id O1").1, "creator.forbidden");
    let revoke = "admin officer revoke --id O1 --office OfficeMSP";
    assert_eq!(program.json(revoke)["changed"][0], "O1");
    assert_eq!(program.json(revoke)["unchanged"], 1, "now means what it meant at first");
    assert_eq!(program.json(add)["unchanged"], 2, "who was registered so and revoked since stands");
}

#[test]
fn signers_are_registered_with_their_own_key_or_an_approval_and_revoked() {
    let program = Program::new();
    for office in ["OfficeMSP", "SupportMSP"] {
        program.json(&format!("admin office add --id {office} --name Office"));
    }
    program.json("keys signer --id S1 --office OfficeMSP --out keys");
    program.json("keys signer --id S2 --out held");
    let own = program.json("keys signer --id S2 --approval --out own");
    assert!(own["keys"][0]["public_key"].as_str().unwrap().ends_with("S2.approval.public.pem"));
    let add = "admin signer add --id S1 --office OfficeMSP --certificate keys/S1.pem";
    assert_eq!(program.json(add)["changed"][0], "S1");
    assert_eq!(program.json(add)["unchanged"], 1);
    let held = "admin signer add --id S2 --certificate held/S2.pem --approval own/S2.approval.public.pem";
    assert_eq!(program.json(held)["changed"][0], "S2");
    program.json("keys officer --id O1 --out keys");
    let officer = "admin signer add --id S3 --certificate keys/O1.pem";
    assert_eq!(program.refused(officer).1, "certificate.unsupported", "one of the office's own people");
    let listed = program.json("admin signer list");
    assert_eq!((&listed["signers"][0]["id"], listed["signers"][0].get("approval")), (&"S1".into(), None));
    assert_eq!(listed["signers"][1]["approval"]["crv"], "P-256");
    assert_eq!(program.json("admin signer list --office OfficeMSP")["signers"].as_array().unwrap().len(), 1);
    assert_eq!(program.refused("admin signer revoke --id S1").1, "creator.forbidden");
    let revoke = "admin signer revoke --id S1 --office OfficeMSP";
    assert_eq!(program.json(revoke)["changed"][0], "S1");
    assert_eq!(program.json(revoke)["unchanged"], 1);
}

#[test]
fn wallet_keys_are_registered_of_jwk_or_pem_and_revoked() {
    let program = two_schools();
    program.write("learners.csv", "id\nL1\nL2\n");
    program.json("admin learner add --csv learners.csv --school north --since 2026-03-02T00:00:00Z");
    program.json("keys learner --csv learners.csv --out keys");
    program.write("wallets.csv", "learner,key\nL1,keys/L1.public.pem\nL2,keys/L2.public.pem\n");
    let add = "admin learner wallet --csv wallets.csv";
    assert_eq!(program.json(add)["changed"], serde_json::json!(["L1", "L2"]));
    assert_eq!(program.json(add)["unchanged"], 2);
    let key = program.json("admin learner list")["learners"][0]["wallets"][0].clone();
    let since = key["since"].as_i64().unwrap();
    let jwk =
        serde_json::json!({"kty": key["kty"], "crv": key["crv"], "x": key["x"], "y": key["y"], "kid": "L1"});
    program.write("L1.jwk", jwk.to_string());
    assert_eq!(program.json("admin learner wallet --learner L1 --key L1.jwk")["unchanged"], 1);
    let later = "admin learner wallet --learner L1 --key keys/L2.public.pem --since 2036-03-02T00:00:00Z";
    program.json(later);
    assert_eq!(program.json(later)["unchanged"], 1);
    assert_eq!(program.json("admin learner revoke-wallet --learner L1")["changed"][0], "L1");
    assert_eq!(program.json("admin learner revoke-wallet --learner L1")["unchanged"], 1);
    let wallets = program.json("admin learner list")["learners"][0]["wallets"].clone();
    assert!(
        wallets[0]["revoked_since"].as_i64().unwrap() > since && wallets[1].get("revoked_since").is_none()
    );
    for (wrong, exit, code) in [
        ("--learner L9 --key L1.jwk", 3, "not_found"),
        ("--learner L1 --key keys/L1.key", 2, "key.public_malformed"),
        ("--learner L1 --key nowhere", 2, "key.file"),
        ("--learner L1", 2, "usage"),
        ("--key L1.jwk", 2, "usage"),
    ] {
        let (told, stable, detail) = program.refused(&format!("admin learner wallet {wrong}"));
        assert_eq!((told, stable.as_str()), (exit, code), "{wrong}: {detail}");
    }
}
