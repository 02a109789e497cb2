//! `sillok keys`

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::json;
use sillok_contract::certificate::{Certificate, Role};
use sillok_gateway::{
    clock,
    keys::{PrivateKey, PublicKey, read_certificate},
};

use crate::program::Program;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn authority(program: &Program) -> Certificate {
    read_certificate(&program.path("data/ledger.identities/SchoolMSP/ca.pem")).unwrap()
}

#[test]
fn an_educators_key_and_certificate_are_made_once_and_only_its_owner_reads_the_key() {
    let program = Program::new();
    let result = program.json("keys educator --id T1 --out people/keys");
    let (key, certificate) = (program.path("people/keys/T1.key"), program.path("people/keys/T1.pem"));
    assert_eq!((mode(&key), mode(&program.path("people/keys"))), (0o600, 0o700));
    let issued = read_certificate(&certificate).unwrap();
    assert_eq!(result["keys"][0]["thumbprint"], hex::encode(issued.thumbprint()));
    assert_eq!(PublicKey::of_certificate(&issued).unwrap(), *PrivateKey::read(&key).unwrap().public_key());
    assert_eq!(issued.role().unwrap(), Role::Client);
    issued.issued_by(&authority(&program)).unwrap();
    let before = fs::read(&key).unwrap();
    let (exit, code, detail) = program.refused("keys educator --id T1 --out people/keys");
    assert_eq!((exit, code.as_str()), (2, "key.exists"), "{detail}");
    assert_eq!(fs::read(&key).unwrap(), before);
    assert!(program.run("keys educator --id T2 --out people/keys").stdout.contains("people/keys/T2.key"));
}

#[test]
fn an_authority_of_ones_own_issues_for_as_long_as_it_is_told() {
    let program = Program::new();
    program.json("keys educator --id unused --out other");
    fs::create_dir(program.path("ca")).unwrap();
    let home = program.path("data/ledger.identities/SchoolMSP");
    fs::rename(home.join("ca.pem"), program.path("ca/school.pem")).unwrap();
    fs::rename(home.join("ca.key"), program.path("ca/school.key")).unwrap();
    let words = "keys educator --id T1 --out keys --authority-certificate ca/school.pem --authority-key ca/school.key";
    program.json(&format!("{words} --days 3"));
    let issued = read_certificate(&program.path("keys/T1.pem")).unwrap();
    issued.issued_by(&read_certificate(&program.path("ca/school.pem")).unwrap()).unwrap();
    let day = 86_400_000_000;
    let now = clock::now();
    issued.valid_at(now + 2 * day).unwrap();
    issued.valid_at(now + 4 * day).unwrap_err();
    for (wrong, code) in [
        ("--authority-certificate ca/school.pem", "usage"),
        ("--authority-certificate keys/T1.pem --authority-key keys/T1.key", "key.not_an_authority"),
        ("--authority-certificate ca/school.pem --authority-key keys/T1.key", "key.not_a_pair"),
        ("--authority-certificate ca/nothing.pem --authority-key keys/T1.key", "key.file"),
        ("--days 0", "usage"),
    ] {
        let (exit, told, detail) = program.refused(&format!("keys educator --id T2 --out keys {wrong}"));
        assert_eq!((exit, told.as_str()), (2, code), "{wrong}: {detail}");
    }
    assert!(!program.path("keys/T2.key").exists());
}

#[test]
fn a_network_file_names_the_schools_authority() {
    let program = Program::new();
    program.json("keys educator --id unused --out other");
    let home = program.path("data/ledger.identities/SchoolMSP");
    let network = |organizations| json!({"channel": "records", "chaincode": "sillok", "roots": "roots", "organizations": organizations});
    let school = json!({"msp_id": "SchoolMSP", "peer": null, "users": {},
        "ca_cert": home.join("ca.pem"), "ca_key": home.join("ca.key")});
    program.write("network.json", network(json!({"SchoolMSP": school})).to_string());
    program.json("keys educator --id T1 --out keys --network network.json");
    read_certificate(&program.path("keys/T1.pem")).unwrap().issued_by(&authority(&program)).unwrap();
    program.write("network.json", network(json!({})).to_string());
    let (exit, code, detail) = program.refused("keys educator --id T2 --out keys --network network.json");
    assert_eq!((exit, code.as_str()), (2, "config.invalid"));
    assert!(detail.contains("SchoolMSP"), "{detail}");
}

#[test]
fn many_are_made_from_a_file_and_an_interrupted_run_goes_on() {
    let program = Program::new();
    program.write("educators.csv", "id\nT1\nT2\n");
    program.json("keys educator --csv educators.csv --out keys");
    let first = fs::read(program.path("keys/T1.key")).unwrap();
    program.write("educators.csv", "id\nT1\nT2\nT3\n");
    let result = program.json("keys educator --csv educators.csv --out keys");
    let new: Vec<_> = result["keys"].as_array().unwrap().iter().map(|made| made["new"] == true).collect();
    assert_eq!(new, [false, false, true]);
    assert_eq!(fs::read(program.path("keys/T1.key")).unwrap(), first);
    fs::copy(program.path("keys/T2.key"), program.path("keys/T1.key")).unwrap();
    let (exit, code, detail) = program.refused("keys educator --csv educators.csv --out keys");
    assert_eq!((exit, code.as_str()), (2, "key.not_a_pair"));
    assert!(detail.contains("line 2"), "{detail}");
}

#[test]
fn a_wrong_row_stops_before_the_first_key() {
    let program = Program::new();
    program.write("learners.csv", "id\nL1\n../L2\n");
    let (exit, code, detail) = program.refused("keys learner --csv learners.csv --out keys");
    assert_eq!((exit, code.as_str()), (2, "identifier.malformed"));
    assert!(detail.contains("line 3"), "{detail}");
    assert!(!program.path("keys").exists());
}

#[test]
fn a_learner_gets_a_pair_without_a_certificate() {
    let program = Program::new();
    let result = program.json("keys learner --id L1 --out wallet");
    assert_eq!(result["keys"][0].get("certificate"), None);
    let key = PrivateKey::read(&program.path("wallet/L1.key")).unwrap();
    let public = fs::read_to_string(program.path("wallet/L1.public.pem")).unwrap();
    assert_eq!(PublicKey::from_pem(&public).unwrap(), *key.public_key());
    assert_eq!(mode(&program.path("wallet/L1.key")), 0o600);
    assert_eq!(program.refused("keys learner --id L1 --out wallet").1, "key.exists");
    assert!(!program.path("data").exists(), "a learner's key needs no ledger");
}

#[test]
fn an_officers_certificate_is_their_offices() {
    let program = Program::new();
    program.json("keys officer --id O1 --out keys");
    program.json("keys officer --id O2 --office OfficeMSP --out keys");
    for (id, office) in [("O1", "SupportMSP"), ("O2", "OfficeMSP")] {
        let issued = read_certificate(&program.path(format!("keys/{id}.pem"))).unwrap();
        let authority = program.path(format!("data/ledger.identities/{office}/ca.pem"));
        issued.issued_by(&read_certificate(&authority).unwrap()).unwrap();
        assert_eq!(issued.role().unwrap(), Role::Client);
        assert_eq!(mode(&program.path(format!("keys/{id}.key"))), 0o600);
    }
    let (exit, _, detail) = program.refused("keys officer --id O3 --office NobodyMSP --out keys");
    assert_eq!(exit, 2, "{detail}");
}

#[test]
fn a_held_key_leaves_its_certificate_or_a_request_and_nothing_secret() {
    let program = Program::new();
    let made = program.json("keys held new --id P7 --out held");
    let issued = read_certificate(&program.path("held/P7.pem")).unwrap();
    assert_eq!(made["keys"][0]["key"], "held:P7");
    assert_eq!(made["keys"][0]["thumbprint"], hex::encode(issued.thumbprint()));
    issued
        .issued_by(&read_certificate(&program.path("data/ledger.identities/SupportMSP/ca.pem")).unwrap())
        .unwrap();
    let stored = program.path("data/held-keys/P7.held");
    assert_eq!(mode(&stored), 0o600);
    assert!(!fs::read_to_string(&stored).unwrap().contains("PRIVATE KEY"));
    assert_eq!(program.refused("keys held new --id P7 --out held").1, "file.exists");
    assert_eq!(program.refused("keys held new --id P7 --out other").1, "held.exists");
    // Many at once may be begun again.
    program.write("people.csv", "id\nP7\nP8\n");
    let made = program.json("keys held new --csv people.csv --request --out held");
    let new: Vec<_> = made["keys"].as_array().unwrap().iter().map(|made| made["new"] == true).collect();
    assert_eq!(new, [false, true]);
    let request = fs::read_to_string(program.path("held/P7.csr")).unwrap();
    let request = rcgen::CertificateSigningRequestParams::from_pem(&request).unwrap();
    let certified = PublicKey::of_certificate(&issued).unwrap();
    assert_eq!(rcgen::PublicKeyData::der_bytes(&request.public_key), certified.point());
    let before = fs::read(&stored).unwrap();
    assert_eq!(program.json("keys held rotate")["rewrapped"], 2);
    assert_ne!(fs::read(&stored).unwrap(), before);
}
