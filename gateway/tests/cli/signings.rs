//! Somebody whose key the office holds, as README has them: registered, approving, signing by the office.

use crate::{program::Program, served::Served};

/// What they name themselves by.
const CHA: &str = "--id cha --approval-key own/cha.approval.key";
const AHN: &str = "--certificate keys/ahn.pem --key keys/ahn.key";
const ROOTS: &str = "data/ledger.identities/roots";

/// A program whose ledger knows ahn, who holds her own key, and cha, whose key the office holds.
fn registered() -> Program {
    let program = Program::new();
    for office in ["OfficeMSP", "SupportMSP"] {
        program.json(&format!("admin office add --id {office} --name {office}"));
    }
    program.json("keys signer --office OfficeMSP --id ahn --out keys");
    program.json("admin signer add --office OfficeMSP --id ahn --certificate keys/ahn.pem");
    program.json("keys signer --id cha --approval --out own");
    program.json("keys held new --id cha --out held");
    program
        .json("admin signer add --id cha --certificate held/cha.pem --approval own/cha.approval.public.pem");
    program.write("contract.pdf", "a contract");
    program.write("consent.pdf", "a consent");
    program
}

#[test]
fn the_office_signs_what_its_signer_approves() {
    let program = registered();
    let served = Served::start(&program, &[]);
    let at = format!("--gateway {}", served.rest);
    let signed = program.json(&format!("sign consent.pdf --wait {CHA} {at}"));
    assert_eq!((&signed["state"], &signed["signer"]), (&"recorded".into(), &"cha".into()));
    let (exit, code, _) = program.refused(&format!("sign consent.pdf --wait {AHN} {at}"));
    assert_eq!((exit, &*code), (2, "usage"), "who holds their own key names the authority");

    // She opens a contract of two, and signs in her turn.
    let opened = program.json(&format!(
        "document open contract.pdf --party ahn --party cha --ordered --deadline 2100-01-01T00:00:00Z {CHA} {at}"
    ));
    let document = opened["document"].as_str().unwrap();
    let part = format!("sign contract.pdf --document {document} --wait {at}");
    assert_eq!(program.refused(&format!("{part} {CHA}")).1, "document.not_their_turn");
    program.json(&format!("{part} {AHN} --authority {ROOTS}/OfficeMSP.pem"));
    let signature = program.json(&format!("{part} {CHA}"));
    let shown = program.json(&format!("document show {document} {CHA} {at}"));
    assert_eq!(
        (&shown["state"], &shown["parties"][1]["signature"]),
        (&"complete".into(), &signature["signature"])
    );

    let id = signature["signature"].as_str().unwrap();
    assert_eq!(program.json(&format!("signature show {id} {CHA} {at}"))["state"], "recorded");
    program.json(&format!("signature proof {id} --out contract.json {at}"));
    program.json(&format!("signature verify contract.json --document contract.pdf --roots {ROOTS}"));
    assert_eq!(served.end("TERM").code(), Some(0));
}

/// The keys are the signer's alone: what their settings have wrong ends it at once, and no other role.
#[test]
fn a_token_that_is_not_there_is_told_by_the_signer_alone() {
    let program = Program::new();
    let ports = "[listen]\nrest = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\n";
    let held = "[held]\nengine = \"pkcs11\"\n[held.pkcs11]\nmodule = \"nowhere.so\"\n";
    program.write("held.toml", format!("{ports}{held}"));
    let (_, code, detail) = program.refused("--config held.toml serve --role signer,verifier");
    assert!(code == "config.invalid" && detail.contains("nowhere.so"), "{code}: {detail}");
    let served = Served::start(&program, &[("SILLOK_CONFIG", "held.toml"), ("SILLOK_ROLE", "api")]);
    assert_eq!(served.end("TERM").code(), Some(0));
}
