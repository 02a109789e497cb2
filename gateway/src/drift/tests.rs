#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod case;
mod random;

use serde_json::{Value, json};
use sillok_contract::entry::EntryId;
use sillok_proto::ledger::{self, Adopted, Read, RowImage, entry::Result as Outcome};

use self::case::{Case, canonical, mark, written, year};
use super::*;
use crate::{ledger::story::Content, records::OutboxRow};
use prost::Message as _;

#[test]
fn what_was_recorded_and_left_alone_agrees() {
    let report = year().report();
    assert!(report.agrees, "{report:?}");
    assert_eq!((report.recorded, report.pending, report.erased), (5, 0, 0));
    let table = TableReport { table: "grades".to_owned(), rows: 2, agreeing: 2 };
    assert_eq!(report.tables, [table]);
}

#[test]
fn every_change_of_a_row_is_named_to_the_column_with_the_entry_it_rests_on() {
    let mut case = year();
    case.has_rows(&[mark("music", 99), mark("law", 90)]);
    assert_eq!(case.found(), ["row.changed music score: 99 / 75"]);
    let since = case.report().differences[0].since.clone().unwrap();
    assert_eq!((since.entry, since.sequence), (case.story.entries[2].id, Some(3)));
    case.has_rows(&[mark("law", 90)]);
    let gone = "row.missing music learner: - / \"L1\" remark: - / null score: - / 75 subject: - / \"music\"";
    assert_eq!(case.found(), [gone]);
    case.has_rows(&[mark("music", 75), mark("law", 90), mark("art", 80), mark("new", 1)]);
    assert_eq!(
        case.found(),
        [
            "row.injected art learner: \"L1\" / - remark: null / - score: 80 / - subject: \"art\" / -",
            "row.unadopted new learner: \"L1\" / - remark: null / - score: 1 / - subject: \"new\" / -",
        ]
    );
    let since: Vec<_> = case.report().differences.iter().map(|found| found.since.is_some()).collect();
    assert_eq!(since, [true, false], "the ledger tells of one that it was deleted, of the other nothing");
    // A table without a key of its own may hold a row twice.
    case.has_rows(&[mark("music", 75), mark("music", 75), mark("law", 90)]);
    assert_eq!(case.found().len(), 1);
}

#[test]
fn a_column_that_is_protected_since_later_differs_only_if_it_holds_something() {
    let mut case = year();
    let later = |remark: Value| {
        let image = json!({ "learner": "L1", "subject": "law", "score": 90, "remark": null, "new": remark });
        RowImage { image: canonical(&image), ..mark("law", 90) }
    };
    case.has_rows(&[mark("music", 75), later(Value::Null)]);
    assert_eq!(case.found(), [""; 0]);
    case.has_rows(&[mark("music", 75), later(json!("x"))]);
    assert_eq!(case.found(), ["row.changed law new: \"x\" / -"]);
}

#[test]
fn what_is_on_its_way_counts_if_its_signer_asked_for_it() {
    let mut case = year();
    case.pending(&[mark("music", 76)]);
    case.pending(&[mark("music", 77)]);
    case.has_rows(&[mark("music", 77), mark("law", 90)]);
    assert_eq!((case.found(), case.report().pending), (Vec::new(), 2));
    // Their tail is cut off: the row is what nobody can account for.
    case.picture.entries.pop();
    assert_eq!(case.found(), ["row.changed music score: 77 / 76"]);
}

#[test]
fn what_is_on_its_way_and_nobody_asked_for_is_forged_and_counts_as_nothing() {
    let forge = |change: fn(&mut Case, OutboxRow)| {
        let mut case = year();
        let row = case.pending(&[mark("music", 99)]);
        case.has_rows(&[mark("music", 99), mark("law", 90)]);
        assert_eq!(case.found(), [""; 0]);
        change(&mut case, row);
        assert_eq!(case.found(), ["row.changed music score: 99 / 75", "outbox.forged "]);
    };
    forge(|case, _| case.picture.requests.clear());
    forge(|case, _| case.picture.entries.last_mut().unwrap().executed_at += 1);
    forge(|case, _| case.picture.entries.last_mut().unwrap().bytes.push(0));
    forge(|case, row| {
        // The request of another, which asks for something else.
        let other = case.signs().request;
        case.picture.requests.insert(row.request, other);
    });
    forge(|case, row| {
        // The right words under another's signature.
        let signed = Case::new().signs();
        case.picture.entries.pop();
        let forged = case.executes(&signed, written(&[mark("music", 99)]));
        case.picture.requests.remove(&row.request);
        case.picture.requests.insert(forged.request, signed.request);
    });
}

#[test]
fn a_query_that_was_recorded_has_no_other_outcome_on_its_way() {
    let mut case = year();
    let forged = {
        let stored = case.picture.entries[0].clone();
        let mut message = ledger::Entry::decode(stored.bytes.as_slice()).unwrap();
        message.result = Some(written(&[mark("music", 99)]));
        let bytes = message.encode_to_vec();
        let id = EntryId::of(&bytes).0.to_vec();
        OutboxRow { number: 100, id, bytes, batch: None, leaf: None, ..stored }
    };
    let (_, jws) = case.signed[0].clone();
    case.picture.requests.insert(forged.request.clone(), jws);
    case.picture.entries.push(forged);
    assert_eq!(case.found(), ["outbox.forged "]);
}

#[test]
fn the_outbox_is_held_against_the_ledger_column_by_column() {
    let mut case = year();
    let gone = case.picture.entries.remove(1);
    assert_eq!(case.found(), ["outbox.missing "]);
    case.picture.entries.push(OutboxRow { leaf: Some(7), educator: "T2".to_owned(), ..gone });
    assert_eq!(case.found(), ["outbox.altered  leaf: 7 / 0 educator: \"T2\" / \"T1\""]);
    let mut case = year();
    let bytes = case.picture.entries[0].bytes.clone();
    case.picture.entries[2].bytes = bytes;
    let found = case.found();
    assert!(found.len() == 1 && found[0].starts_with("outbox.altered  bytes: "), "{found:?}");
}

#[test]
fn an_entry_that_was_set_aside_has_an_effect_that_was_never_recorded() {
    let mut case = year();
    case.pending(&[mark("music", 76)]);
    case.picture.entries.last_mut().unwrap().code = Some("educator.revoked".to_owned());
    case.has_rows(&[mark("music", 76), mark("law", 90)]);
    assert_eq!(case.found(), ["row.changed music score: 76 / 75"]);
    assert_eq!(case.report().set_aside[0].refusal, "educator.revoked");
}

#[test]
fn a_row_that_may_rest_on_an_erased_entry_is_no_drift() {
    let mut case = year();
    case.story.entries[2].content = Content::Erased;
    case.has_rows(&[mark("music", 75), mark("law", 91)]);
    assert_eq!(case.found(), ["row.changed law score: 91 / 90"], "what was recorded later can be told");
    let report = case.report();
    assert_eq!((report.untold.len(), report.erased), (1, 1));
    assert_eq!(report.untold[0].key["subject"], "music");
}

#[test]
fn what_is_not_signed_by_whom_the_ledger_names_is_a_fault_and_counts_as_nothing() {
    let mut case = year();
    case.signers.clear();
    let report = case.report();
    assert!(report.faults.iter().all(|fault| fault.code.as_str() == "ledger.signature"));
    assert_eq!((report.faults.len(), report.agrees), (5, false));
    assert_eq!(case.found().len(), 2, "both rows are injected");
}

#[test]
fn a_history_tells_a_rows_life_from_the_ledger_alone() {
    let mut case = year();
    case.recorded(written(&[mark("art", 81)]));
    let story = case.story.clone().verified(&case.signers);
    let of = |subject: &str| {
        let key = [("subject".to_owned(), json!(subject))].into_iter().collect();
        let history = history(&story, &Selection { table: Some("grades".to_owned()), key });
        assert_eq!(history.rows.len(), 1);
        let changes = history.rows[0].changes.iter().map(|change| {
            let score = change.columns.iter().find(|column| column.column == "score").unwrap();
            (change.change, change.by.sequence.unwrap(), score.before.clone(), score.after.clone())
        });
        changes.collect::<Vec<_>>()
    };
    let (written, changed, deleted) = (ChangeKind::Written, ChangeKind::Changed, ChangeKind::Deleted);
    assert_eq!(of("music"), [(written, 1, json!(null), json!(70)), (changed, 3, json!(70), json!(75))]);
    assert_eq!(
        of("art"),
        [
            (written, 1, json!(null), json!(80)),
            (deleted, 4, json!(80), json!(null)),
            (written, 6, json!(null), json!(81)),
        ]
    );
    assert_eq!(history(&story, &Selection::default()).rows.len(), 3);
    let notes = Selection { table: Some("notes".to_owned()), ..Selection::default() };
    assert!(history(&story, &notes).rows.is_empty());
}

#[test]
fn what_was_adopted_counts_only_as_a_rows_first_image() {
    let adopted = |mark| Outcome::Adopted(Adopted { images: vec![mark] });
    let mut case = case::Case::new();
    case.adopts(adopted(mark("music", 70)));
    case.recorded(written(&[mark("law", 90)]));
    case.recorded(written(&[mark("art", 80)]));
    case.recorded(written(&[RowImage { deleted: true, ..mark("art", 80) }]));
    for late in [mark("music", 71), mark("law", 91), mark("art", 81)] {
        case.adopts(adopted(late));
    }
    case.has_rows(&[mark("music", 70), mark("law", 90)]);
    assert_eq!(case.found(), [""; 0]);
    case.has_rows(&[mark("music", 71), mark("law", 91)]);
    assert_eq!(case.found(), ["row.changed law score: 91 / 90", "row.changed music score: 71 / 70"]);
    let history = history(&case.story, &Selection::default());
    let lives: Vec<Vec<_>> =
        history.rows.iter().map(|row| row.changes.iter().map(|change| change.change).collect()).collect();
    let (adopted, written, deleted) = (ChangeKind::Adopted, ChangeKind::Written, ChangeKind::Deleted);
    assert_eq!(lives, [vec![written, deleted], vec![written], vec![adopted]]);
}

#[test]
fn a_read_leaves_no_image() {
    assert!(fold::images(&Outcome::Read(Read { rows: 2, digest: vec![1; 32] })).is_empty());
}

#[test]
fn a_signed_report_verifies_and_no_changed_one_does() {
    let offices = case::offices();
    let mut case = year();
    case.has_rows(&[mark("music", 99)]);
    let signed = case.report().signed(&offices.support);
    let (report, msp) = SignedReport::verify(&signed.jws, &offices.roots).unwrap();
    assert_eq!((&report, msp.as_str()), (&signed.report, "SupportMSP"));
    assert_eq!(report.differences[0].columns.len(), 4, "a null that is there stays one");
    for at in (0..signed.jws.len()).step_by(7) {
        let mut changed = signed.jws.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(SignedReport::verify(&changed, &offices.roots).is_err(), "changed at {at}");
    }
    let by_another = case.report().signed(&offices.stranger);
    assert!(SignedReport::verify(&by_another.jws, &offices.roots).is_err());
}
