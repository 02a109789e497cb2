//! Erasure: exactly one learner's entries are blanked, and everything else stays as it was.

use prost::Message;
use serde_json::json;
use sillok_contract::{
    Code, Refusal,
    act::{Acted, Erase, Grounds, Place},
    batch::{Body, read_body},
    erasure::{Erasures, MAX_PLACES, redacted},
    id::{LearnerId, SchoolId},
};
use sillok_proto::ledger::BatchBody;

use super::{
    deciding::{Beside, Deciding, EVERYBODY, Who},
    world::{Draft, NOW, compress},
};

const BODY: &str = "school-1/000000000001";

fn erase(learner: &str, sequences: &[u64]) -> Erase {
    let school = SchoolId::new("school-1").unwrap();
    let places = sequences.iter().map(|&sequence| Place { school: school.clone(), sequence });
    Erase {
        learner: LearnerId::new(learner).unwrap(),
        grounds: Grounds::RetentionExpired,
        places: places.collect(),
    }
}

fn private(case: &Deciding, key: &str) -> Option<Vec<u8>> {
    case.world.ledger.private.get(&("bodies".to_owned(), key.to_owned())).cloned()
}

/// The body that stands, unpacked.
fn standing(case: &Deciding) -> BatchBody {
    let revisions = ["/r2", "/r1", ""].map(|revision| private(case, &format!("{BODY}{revision}")));
    read_body(&revisions.into_iter().flatten().next().unwrap()).unwrap()
}

fn beside(body: &BatchBody) -> Beside {
    [(BODY.to_owned(), compress(&body.encode_to_vec()))].into()
}

fn erases(case: &mut Deciding, learner: &str, body: &BatchBody) -> Result<Acted, Refusal> {
    let jws = case.sign(Who::Han, erase(learner, &[1]));
    case.submit(&jws, beside(body), NOW)
}

#[test]
fn a_learners_entries_are_blank_after_and_who_did_it_is_told() {
    let mut case = Deciding::new();
    let (before, record) = (standing(&case), case.world.ledger.state["batch/school-1/000000000001"].clone());
    let acted = erases(&mut case, "L1", &redacted(before.clone(), &[0, 2])).unwrap();
    assert_eq!(private(&case, BODY), None, "the body with the entries is purged");
    let after = standing(&case);
    assert_eq!((&after.requests, &after.erased), (&before.requests, &vec![0, 2]));
    assert_eq!(after.entries, [vec![], before.entries[1].clone(), vec![]]);
    assert_eq!(case.world.ledger.state["batch/school-1/000000000001"], record, "the leaves stay");

    let told = json!({
        "learner": "L1", "indices": [0, 2], "by": "han", "grounds": "retention_expired",
        "act": acted.act, "at": NOW, "transaction": acted.transaction,
    });
    let expected = json!({"school": "school-1", "sequence": 1, "revision": 1, "erasures": [told]});
    assert_eq!(case.read("GetErasures", &["school-1", "1"]).unwrap(), expected);
    let body: Body =
        serde_json::from_value(case.office_reads("GetBody", &["school-1", "1"]).unwrap()).unwrap();
    assert_eq!(read_body(&body.body).unwrap(), after);
    assert_eq!(json!(body.erasures), json!([told]));
    assert_eq!(case.read("ListEntries", &["L1", "9", ""]).unwrap()["count"], 2, "the trail stays");
}

#[test]
fn one_learner_after_another_is_erased_and_each_revision_takes_the_place_of_the_last() {
    let mut case = Deciding::new();
    let first = redacted(standing(&case), &[0, 2]);
    erases(&mut case, "L1", &first).unwrap();
    let refusal = erases(&mut case, "L1", &first).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::ErasureNothing, Some(0)), "once");
    let second = redacted(first.clone(), &[1]);
    let stale = redacted(Deciding::new().world.draft().body(), &[1]);
    assert_eq!(erases(&mut case, "L2", &stale).unwrap_err().code, Code::ErasureBody, "nothing comes back");
    erases(&mut case, "L2", &second).unwrap();
    assert_eq!((private(&case, BODY), private(&case, &format!("{BODY}/r1"))), (None, None));
    assert!(standing(&case).entries.iter().all(Vec::is_empty));
    let erasures: Erasures =
        serde_json::from_value(case.read("GetErasures", &["school-1", "1"]).unwrap()).unwrap();
    assert_eq!((erasures.revision, erasures.erasures.len()), (2, 2));
    assert_eq!(erasures.erasures[1].indices, [1]);
}

#[test]
fn no_more_and_no_less_is_blanked() {
    type Change = fn(&mut BatchBody);
    let changes: [(&str, Change); 9] = [
        ("too little", |body| body.entries[2] = vec![1]),
        ("another's entry", |body| body.entries[1].clear()),
        ("another's entry, and told", |body| {
            body.entries[1].clear();
            body.erased = vec![0, 1, 2];
        }),
        ("not told", |body| body.erased.clear()),
        ("told of another", |body| body.erased = vec![0, 1, 2]),
        ("a request changed", |body| body.requests[0].push('x')),
        ("a request left out", |body| body.requests.clear()),
        ("an entry left out", |body| drop(body.entries.pop())),
        ("another's entry changed", |body| body.entries[1][0] ^= 1),
    ];
    let mut case = Deciding::new();
    let good = redacted(standing(&case), &[0, 2]);
    for (what, change) in changes {
        let mut body = good.clone();
        change(&mut body);
        let refusal = erases(&mut case, "L1", &body).unwrap_err();
        assert_eq!((refusal.code, refusal.entry), (Code::ErasureBody, Some(0)), "{what}");
    }
    let whole = standing(&case);
    assert_eq!(erases(&mut case, "L1", &whole).unwrap_err().code, Code::ErasureBody, "nothing blanked");
    let jws = case.sign(Who::Han, erase("L1", &[1]));
    assert_eq!(case.submit(&jws, Beside::new(), NOW).unwrap_err().code, Code::ErasureBody, "no body");
    let plain = [(BODY.to_owned(), good.encode_to_vec())].into();
    assert_eq!(case.submit(&jws, plain, NOW).unwrap_err().code, Code::BatchMalformed, "not compressed");
    case.submit(&jws, beside(&good), NOW).unwrap();
}

#[test]
fn only_an_officer_erases() {
    for who in EVERYBODY {
        let mut case = Deciding::new();
        let body = redacted(standing(&case), &[0, 2]);
        let told = case.does_with(who, erase("L1", &[1]), beside(&body)).map(drop);
        let expected = if matches!(who, Who::Han | Who::Seo) { Ok(()) } else { Err(Code::ActSigner) };
        assert_eq!(told, expected, "{who:?}");
    }
}

#[test]
fn what_is_not_there_is_not_erased() {
    let mut case = Deciding::new();
    let body = standing(&case);
    let mut told = |learner: &str, sequences: &[u64]| {
        let jws = case.sign(Who::Han, erase(learner, sequences));
        let refusal = case.submit(&jws, beside(&body), NOW).unwrap_err();
        (refusal.code, refusal.entry)
    };
    assert_eq!(told("L3", &[1]), (Code::ErasureNothing, Some(0)), "no entry of the learner");
    assert_eq!(told("L1", &[2]), (Code::NotFound, Some(0)), "no such batch");
    assert_eq!(told("L1", &[]), (Code::ActMalformed, None));
    assert_eq!(told("L1", &[1, 1]), (Code::ActMalformed, None));
    let many: Vec<_> = (1..=MAX_PLACES as u64 + 1).collect();
    assert_eq!(told("L1", &many), (Code::ActMalformed, None));
    case.world.ledger.private.clear();
    let jws = case.sign(Who::Han, erase("L1", &[1]));
    let refusal = case.submit(&jws, beside(&body), NOW).unwrap_err();
    assert_eq!(refusal.code, Code::NotFound, "this peer has no body");
    let none = case.read("GetErasures", &["school-1", "1"]).unwrap();
    assert_eq!(none, json!({"school": "school-1", "sequence": 1, "revision": 0, "erasures": []}));
}

#[test]
fn all_places_of_an_act_are_erased_or_none() {
    let mut case = Deciding::new();
    let mut draft = Draft::after("school-1", &case.recorded);
    draft.add("kim", &case.world.kim, "request-2", &["L2", "L1"]);
    case.world.record(&draft).unwrap();
    let first = redacted(standing(&case), &[0, 2]);
    let second = redacted(draft.body(), &[1]);
    let jws = case.sign(Who::Han, erase("L1", &[1, 2]));
    let mut both = beside(&first);
    let refusal = case.submit(&jws, both.clone(), NOW).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::ErasureBody, Some(1)));
    both.insert("school-1/000000000002".to_owned(), compress(&second.encode_to_vec()));
    let first = case.submit(&jws, both.clone(), NOW).unwrap();
    let again = case.submit(&jws, Beside::new(), NOW).unwrap();
    assert_eq!((again.repeated, again.transaction), (true, first.transaction));
    assert_eq!(case.read("GetErasures", &["school-1", "2"]).unwrap()["revision"], 1);
}
