//! Objections: filed by a learner to an entry of theirs, decided by an officer.

use serde_json::{Value, json};
use sillok_contract::{
    Code,
    act::{Acted, ObjectionDismiss, ObjectionFile, ObjectionUphold},
    digest::Digest,
    entry::EntryId,
    id::{ObjectionId, SchoolId},
    objection::{MAX_REASON, Objection, ObjectionTexts, State, TIME_TO_DECIDE},
    registry::Listing,
};

use super::{
    deciding::{Beside, Deciding, Who},
    world::{Draft, NOW},
};

fn reason(text: &str) -> Vec<u8> {
    json!({"text": text, "salt": "AAECAwQFBgcICQoLDA0ODw"}).to_string().into_bytes()
}

fn beside(reason: &[u8]) -> Beside {
    [("reason".to_owned(), reason.to_vec())].into()
}

fn id() -> ObjectionId {
    ObjectionId::new("O1").unwrap()
}

/// L1's objection to their first entry.
fn filing(case: &Deciding) -> ObjectionFile {
    let school = SchoolId::new("school-1").unwrap();
    let digest = Digest::of(&reason("점수가 다릅니다"));
    ObjectionFile { objection: id(), entry: recorded(case, 0), school, sequence: 1, index: 0, digest }
}

/// As the ledger has it: signatures, and so entries, differ from draft to draft.
fn recorded(case: &Deciding, index: usize) -> EntryId {
    use prost::Message as _;
    let bytes = &case.world.ledger.state["batch/school-1/000000000001"];
    let record = sillok_proto::ledger::BatchRecord::decode(bytes.as_slice()).unwrap();
    EntryId(record.leaves[index].hash.clone().try_into().unwrap())
}

fn file(case: &mut Deciding) -> Acted {
    let act = filing(case);
    case.does_with(Who::Min, act, beside(&reason("점수가 다릅니다"))).unwrap()
}

/// A second batch, whose first entry is L1's and second L2's; where those stand.
fn correct(case: &mut Deciding) -> [ObjectionUphold; 2] {
    let mut draft = Draft::after("school-1", &case.recorded);
    draft.add("kim", &case.world.kim, "request-2", &["L1", "L2"]);
    case.world.record(&draft).unwrap();
    let entries = draft.entry_bytes();
    [0, 1].map(|index| ObjectionUphold {
        objection: id(),
        entry: EntryId::of(&entries[index as usize]),
        school: SchoolId::new("school-1").unwrap(),
        sequence: 2,
        index,
    })
}

fn known(case: &mut Deciding) -> Objection {
    serde_json::from_value(case.read("GetObjection", &["O1"]).unwrap()).unwrap()
}

#[test]
fn an_objection_is_filed_with_its_reason_in_private() {
    let mut case = Deciding::new();
    let acted = file(&mut case);
    let objection = known(&mut case);
    assert_eq!((objection.learner.as_str(), objection.number, objection.state), ("L1", 1, State::Filed));
    assert_eq!((objection.filed.at, objection.due_at), (NOW, NOW + TIME_TO_DECIDE));
    assert_eq!((objection.filed.transaction, objection.filed.act), (acted.transaction, acted.act));
    let texts = case.office_reads("GetObjectionTexts", &["O1"]).unwrap();
    let texts: ObjectionTexts = serde_json::from_value(texts).unwrap();
    assert_eq!((texts.reason, texts.answer), (Some(reason("점수가 다릅니다")), None));
    assert_eq!(case.read("GetObjectionTexts", &["O1"]), Err(Code::CreatorForbidden));
    for value in case.world.ledger.state.values() {
        assert!(!String::from_utf8_lossy(value).contains("점수가"), "the reason is not on the channel");
    }
    assert_eq!(case.office_reads("GetObjectionTexts", &["O9"]), Err(Code::NotFound));
}

#[test]
fn an_objection_is_to_an_entry_of_ones_own_where_it_stands() {
    let mut case = Deciding::new();
    let good = filing(&case);
    let (second, third) = (recorded(&case, 1), recorded(&case, 2));
    for (act, code) in [
        (ObjectionFile { index: 1, entry: second, ..good.clone() }, Code::ObjectionEntry),
        (ObjectionFile { index: 2, ..good.clone() }, Code::ObjectionEntry),
        (ObjectionFile { entry: third, ..good.clone() }, Code::ObjectionEntry),
        (ObjectionFile { index: 3, ..good.clone() }, Code::ObjectionEntry),
        (ObjectionFile { sequence: 2, ..good.clone() }, Code::NotFound),
        (ObjectionFile { sequence: u64::MAX, ..good.clone() }, Code::NotFound),
    ] {
        let told = case.does_with(Who::Min, act.clone(), beside(&reason("점수가 다릅니다")));
        assert_eq!(told, Err(code), "{act:?}");
    }
    let told = case.does_with(Who::Yun, good.clone(), beside(&reason("점수가 다릅니다")));
    assert_eq!(told, Err(Code::ObjectionEntry), "another learner's");
    let told = case.does_with(Who::Han, good, beside(&reason("점수가 다릅니다")));
    assert_eq!(told, Err(Code::ActSigner));
    let third = ObjectionFile { index: 2, entry: recorded(&case, 2), ..filing(&case) };
    case.does_with(Who::Min, third, beside(&reason("점수가 다릅니다"))).unwrap();
    assert_eq!(known(&mut case).number, 2);
    let again = filing(&case);
    let told = case.does_with(Who::Min, again, beside(&reason("점수가 다릅니다")));
    assert_eq!(told, Err(Code::AlreadyExists), "an id is one objection's");
}

#[test]
fn a_reason_is_the_one_that_the_act_names_and_of_its_form() {
    let mut case = Deciding::new();
    let mut told = |reason: Option<Vec<u8>>, digest: &[u8]| {
        let act = ObjectionFile { digest: Digest::of(digest), ..filing(&case) };
        let beside = reason.map(|reason| beside(&reason)).unwrap_or_default();
        case.does_with(Who::Min, act, beside).err()
    };
    let good = reason("a");
    for bad in [
        reason(""),
        reason("  \n"),
        b"a".to_vec(),
        b"[\"a\",\"AAECAwQFBgcICQoLDA0ODw\"]".to_vec(),
        br#"{"text":"a"}"#.to_vec(),
        br#"{"text":"a","salt":"AA"}"#.to_vec(),
        br#"{"text":"a","salt":"AAECAwQFBgcICQoLDA0ODw","more":1}"#.to_vec(),
        reason(&"x".repeat(MAX_REASON)),
    ] {
        assert_eq!(told(Some(bad.clone()), &bad), Some(Code::ObjectionReason));
    }
    assert_eq!(told(Some(reason("b")), &good), Some(Code::ObjectionReason));
    assert_eq!(told(None, &good), Some(Code::ObjectionReason));
    assert_eq!(told(Some(good.clone()), &good), None);
}

#[test]
fn an_objection_is_upheld_by_a_later_entry_of_the_same_learner() {
    let mut case = Deciding::new();
    file(&mut case);
    let [own, others] = correct(&mut case);
    let school = SchoolId::new("school-1").unwrap();
    let objected =
        ObjectionUphold { objection: id(), entry: recorded(&case, 0), school, sequence: 1, index: 0 };
    assert_eq!(case.does(Who::Han, objected), Err(Code::ObjectionEntry), "itself puts nothing right");
    assert_eq!(case.does(Who::Han, others), Err(Code::ObjectionEntry), "another learner's");
    let elsewhere = ObjectionUphold { index: 1, ..own.clone() };
    assert_eq!(case.does(Who::Han, elsewhere), Err(Code::ObjectionEntry));
    assert_eq!(case.does(Who::Min, own.clone()), Err(Code::ActSigner));
    case.does(Who::Seo, own.clone()).unwrap();
    let upheld = known(&mut case).upheld.unwrap();
    assert_eq!((upheld.by.as_str(), upheld.entry, upheld.position.sequence), ("seo", own.entry, 2));
    assert_eq!(known(&mut case).state, State::Upheld);
    assert_eq!(case.does(Who::Seo, own), Err(Code::ObjectionState));
}

#[test]
fn an_objection_is_dismissed_with_a_reason_and_once() {
    let mut case = Deciding::new();
    let dismiss = |text: &str| ObjectionDismiss { objection: id(), digest: Digest::of(&reason(text)) };
    assert_eq!(case.does_with(Who::Han, dismiss("no"), beside(&reason("no"))), Err(Code::NotFound));
    file(&mut case);
    assert_eq!(case.does(Who::Han, dismiss("no")), Err(Code::ObjectionReason));
    assert_eq!(case.does_with(Who::Min, dismiss("no"), beside(&reason("no"))), Err(Code::ActSigner));
    case.does_with(Who::Han, dismiss("no"), beside(&reason("no"))).unwrap();
    let objection = known(&mut case);
    assert_eq!(objection.state, State::Dismissed);
    assert_eq!(objection.dismissed.unwrap().by.as_str(), "han");
    let texts = case.office_reads("GetObjectionTexts", &["O1"]).unwrap();
    let texts: ObjectionTexts = serde_json::from_value(texts).unwrap();
    assert_eq!(texts.answer, Some(reason("no")));
    assert_eq!(texts.reason, Some(reason("점수가 다릅니다")));
    let again = case.does_with(Who::Seo, dismiss("still no"), beside(&reason("still no")));
    assert_eq!(again, Err(Code::ObjectionState));
    let [own, _] = correct(&mut case);
    assert_eq!(case.does(Who::Han, own), Err(Code::ObjectionState));
}

#[test]
fn a_learners_objections_are_listed() {
    let mut case = Deciding::new();
    file(&mut case);
    let second = ObjectionFile { objection: ObjectionId::new("O2").unwrap(), ..filing(&case) };
    case.does_with(Who::Min, second, beside(&reason("점수가 다릅니다"))).unwrap();
    let mut list = |learner: &str| {
        let page: Value = case.read("ListObjections", &[learner, "9", ""]).unwrap();
        let page: Listing<Objection> = serde_json::from_value(page).unwrap();
        page.items.iter().map(|objection| objection.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list("L1"), ["O1", "O2"]);
    assert!(list("L2").is_empty());
}

#[test]
fn those_that_are_not_decided_are_listed_by_when_they_are_due() {
    let mut case = Deciding::new();
    let reason = reason("점수가 다릅니다");
    for (id, later) in [("O2", 0), ("O1", 1_000_000)] {
        let act = ObjectionFile { objection: ObjectionId::new(id).unwrap(), ..filing(&case) };
        let jws = case.sign(Who::Min, act);
        case.submit(&jws, beside(&reason), NOW + later).unwrap();
    }
    assert_eq!(open(&mut case), ["O2", "O1"]);
    let [own, _] = correct(&mut case);
    case.does(Who::Han, own).unwrap();
    assert_eq!(open(&mut case), ["O2"], "upheld");
    let objection = ObjectionId::new("O2").unwrap();
    let dismissal = ObjectionDismiss { objection, digest: Digest::of(&reason) };
    case.does_with(Who::Han, dismissal, beside(&reason)).unwrap();
    assert!(open(&mut case).is_empty(), "dismissed");
}

fn open(case: &mut Deciding) -> Vec<String> {
    let page: Listing<Objection> =
        serde_json::from_value(case.read("ListOpenObjections", &["9", ""]).unwrap()).unwrap();
    page.items.iter().map(|objection| objection.id.to_string()).collect()
}
