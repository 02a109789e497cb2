//! `sillok objection` and `sillok erase`: what a learner says is wrong is put right, and at last all of it is erased.

use crate::{
    program::Program,
    served::Served,
    wallet::{ROOTS, mark, school},
};

const HAN: &str = "--certificate keys/han.pem --key keys/han.key";

/// An officer; the passphrase of the wallet is in the file `secret`.
fn appoint(program: &Program) {
    program.json("admin office add --id OfficeMSP --name Office");
    program.json("keys officer --office OfficeMSP --id han --out keys");
    program.json("admin officer add --office OfficeMSP --id han --certificate keys/han.pem");
}

#[test]
fn an_objection_is_filed_dismissed_and_another_upheld() {
    let program = Program::new();
    school(&program);
    appoint(&program);
    let served = Served::start(&program, &[]);
    let gateway = format!("--gateway {}", served.rest);
    let (han, pupil) =
        (format!("{gateway} {HAN}"), format!("{gateway} --wallet own/L1.wallet --passphrase-file secret"));
    mark(&program, &served, "L1", "music");
    program.json(&format!("wallet sync own/L1.wallet {gateway} --passphrase-file secret"));
    let shown = program.json("wallet show own/L1.wallet --passphrase-file secret");
    let wrong = shown["entries"][0]["entry"].as_str().unwrap().to_owned();
    program.write("why", "it was 81, not 90");
    let file = format!(
        "objection file own/L1.wallet --passphrase-file secret --entry {wrong} --reason-file why {gateway}"
    );
    let filed = program.json(&file);
    assert_eq!((&filed["state"], &filed["number"]), (&"filed".into(), &1.into()));
    let first = filed["objection"].as_str().unwrap().to_owned();
    assert!(program.run(&format!("objection list {han}")).stdout.contains(&first));
    assert!(program.run(&format!("objection show {first} {han}")).stdout.contains("it was 81, not 90"));
    let dismissed = program.json(&format!("objection dismiss {first} --reason no {han}"));
    assert_eq!(dismissed["decided"]["by"], "han");
    let read = program.run(&format!("objection show {first} {pupil}"));
    assert!(read.stdout.contains("dismissed by han") && read.stdout.contains("why: no"), "{read:?}");

    let second = program.json(&file)["objection"].as_str().unwrap().to_owned();
    let words = format!("--json request {han} --school north --learner L1 --purpose correction --wait --sql");
    let sql = "UPDATE grades SET score = 81 WHERE subject = 'music'";
    let done = program.call(words.split_whitespace().chain([sql]));
    assert_eq!(done.exit, 0, "{done:?}");
    let right = served_entry(&done.result());
    let (exit, code, _) = program.refused(&format!("objection uphold {second} --entry {wrong} {han}"));
    assert_eq!((exit, code.as_str()), (3, "objection.not_a_correction"));
    let upheld = program.json(&format!("objection uphold {second} --entry {right} {han}"));
    assert_eq!((&upheld["state"], &upheld["decided"]["entry"]), (&"upheld".into(), &right.into()));
    assert_eq!(program.run(&format!("objection list {han}")).stdout.trim(), "no objections");
    assert_eq!(program.json(&format!("objection list {pupil}")).as_array().unwrap().len(), 2);
}

/// The first entry of a request's answer.
fn served_entry(answer: &serde_json::Value) -> String {
    answer["results"][0]["entry"]["entry"].as_str().unwrap().to_owned()
}

#[test]
fn a_learner_is_erased_and_nobody_else() {
    let program = Program::new();
    school(&program);
    appoint(&program);
    let served = Served::start(&program, &[]);
    let han = format!("--gateway {} {HAN}", served.rest);
    mark(&program, &served, "L1", "music");
    mark(&program, &served, "L2", "art");
    let erase = format!("erase L1 --grounds retention_expired {han}");
    let erased = program.json(&erase);
    let places = erased["erased"].as_array().unwrap();
    assert_eq!((places.len(), &places[0]["by"], &erased["copies"]), (1, &"han".into(), &1.into()));
    assert_eq!(program.json(&erase)["copies"], 0, "nothing is left to erase");
    let verified = program.run(&format!("verify L1 {han} --roots {ROOTS}"));
    assert!(verified.exit == 0 && verified.stdout.contains("by han"), "{verified:?}");
    let told = program.run(&format!("history L1 {han}"));
    assert!(told.stdout.contains("retention_expired"), "{told:?}");
    let other = program.json(&format!("verify L2 {han}"));
    assert_eq!((&other["report"]["agrees"], &other["report"]["erased"]), (&true.into(), &0.into()));
    assert_eq!(program.refused(&format!("erase L1 --grounds whim {han}")).0, 2);
}
