//! Effects: each whole, each once; what is read of events skips none.

use futures_util::future::join_all;
use serde_json::json;
use sillok_contract::id::SignerId;

use super::{NOW, Office, on_every_engine, school};
use crate::{
    events::{Effect, Group, NewEvent, PARTITIONS, SignatureChange, SignatureMove, Topic, data::Failure},
    monitor::{Action, EntriesRecorded},
    records::{
        Alert, Ask, Cursor, Discarded, Finding, LetterCount, LettersWanted, NewAlert, NewDeadLetter,
        SignatureList, SignatureState, StoredBatch, StoredEvent, StoredSignature, Way,
    },
};

on_every_engine!(
    a_signature_goes_its_way_and_each_step_is_told,
    why_a_signature_is_refused_is_kept,
    an_event_is_handled_once_by_each_group,
    of_many_who_do_the_same_at_once_one_does_it,
    what_does_not_fit_changes_nothing,
    several_effects_are_written_together,
    signatures_are_listed_by_document_and_state,
    events_are_read_in_order_and_none_is_skipped,
    ways_are_shared_and_a_former_owner_moves_nothing,
    what_every_group_has_passed_is_deleted_when_it_is_old,
    a_dead_letter_is_seen_told_and_revived,
    what_is_too_large_is_refused,
    a_batch_that_came_to_rest_is_told_once,
    an_alert_is_told_when_it_is_raised,
);

fn group(name: &str) -> Group {
    Group::new(name).unwrap()
}

pub(super) fn signature(n: u8) -> StoredSignature {
    StoredSignature {
        id: [n; 32],
        hash: [n / 10; 32],
        signer: SignerId::new(format!("signer-{n}")).unwrap(),
        subject: format!("urn:sillok:hash:{}", hex::encode([n / 10; 32])),
        document: None,
        state: SignatureState::Created,
        verdict: None,
        recorded: None,
        refusal: None,
        created_at: NOW + i64::from(n),
        updated_at: NOW + i64::from(n),
    }
}

fn event(topic: Topic, subject: &str, which: &str) -> NewEvent {
    NewEvent::new(topic, subject, which, NOW, json!({"which": which, "이름": "\u{0}"}))
}

fn created(n: u8) -> Effect {
    let told = event(Topic::SignaturesCreated, &format!("document-{}", n / 10), &n.to_string());
    Effect::default().change(SignatureChange::New(signature(n))).tell(told)
}

fn moved(n: u8, from: SignatureState, to: SignatureState) -> SignatureChange {
    SignatureChange::Move(SignatureMove::new([n; 32], from, to, NOW + 500))
}

/// All events of these topics.
async fn all(office: &Office, topics: &[Topic]) -> Vec<StoredEvent> {
    let way =
        |topic: &Topic| (0..PARTITIONS).map(|partition| Way { topic: *topic, partition }).collect::<Vec<_>>();
    let ways: Vec<_> = topics.iter().flat_map(way).map(|way| (way, Cursor::START)).collect();
    // In PostgreSQL another test's transaction may hold them back for a moment.
    settled(office, &ways).await
}

async fn settled(office: &Office, ways: &[(Way, Cursor)]) -> Vec<StoredEvent> {
    let mut before = Vec::new();
    for _ in 0..100 {
        let found = office.records.events(ways, 1_000).await.unwrap();
        if !found.is_empty() && found == before {
            return found;
        }
        before = found;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    before
}

async fn a_signature_goes_its_way_and_each_step_is_told(office: &Office) {
    let records = &office.records;
    assert_eq!(records.signature(&[1; 32]).await.unwrap(), None);
    assert!(records.commit(&created(1)).await.unwrap());
    assert_eq!(records.signature(&[1; 32]).await.unwrap(), Some(signature(1)));

    let verdict = json!({"chain": "holds", "이름": "김"});
    let change = SignatureMove {
        id: [1; 32],
        from: SignatureState::Created,
        to: SignatureState::Valid,
        verdict: Some(verdict.clone()),
        recorded: None,
        refusal: None,
        at: NOW + 2_000,
    };
    let verified = Effect::of(&group("verifier"), "signatures.created/1")
        .change(SignatureChange::Move(change.clone()))
        .tell(event(Topic::SignaturesVerified, "document-0", "1"));
    assert!(records.commit(&verified).await.unwrap());
    let recorded = SignatureMove {
        from: SignatureState::Valid,
        to: SignatureState::Recorded,
        verdict: None,
        recorded: Some(("tx-1".to_owned(), 7)),
        at: NOW + 3_000,
        ..change
    };
    let recorded =
        Effect::of(&group("recorder"), "signatures.verified/1").change(SignatureChange::Move(recorded));
    assert!(records.commit(&recorded).await.unwrap());
    let expected = StoredSignature {
        state: SignatureState::Recorded,
        verdict: Some(verdict),
        recorded: Some(("tx-1".to_owned(), 7)),
        updated_at: NOW + 3_000,
        ..signature(1)
    };
    assert_eq!(records.signature(&[1; 32]).await.unwrap(), Some(expected));
    let told = all(office, &[Topic::SignaturesCreated, Topic::SignaturesVerified]).await;
    let ids: Vec<_> = told.iter().map(|stored| &*stored.event.id).collect();
    assert_eq!(ids, ["signatures.created/1", "signatures.verified/1"]);
    assert_eq!(told[0].event, event(Topic::SignaturesCreated, "document-0", "1"));
}

async fn why_a_signature_is_refused_is_kept(office: &Office) {
    let records = &office.records;
    let requested = StoredSignature { state: SignatureState::Requested, ..signature(5) };
    let effect = Effect::default().change(SignatureChange::New(requested.clone()));
    assert!(records.commit(&effect).await.unwrap());
    let failure = Failure { code: "held.unknown".to_owned(), detail: "열쇠가 없다".to_owned() };
    let (from, to) = (SignatureState::Requested, SignatureState::Refused);
    let change =
        SignatureMove { refusal: Some(failure.clone()), ..SignatureMove::new([5; 32], from, to, NOW + 9) };
    assert!(records.commit(&Effect::default().change(SignatureChange::Move(change))).await.unwrap());
    let expected = StoredSignature { state: to, refusal: Some(failure), updated_at: NOW + 9, ..requested };
    assert_eq!(records.signature(&[5; 32]).await.unwrap(), Some(expected));
}

async fn an_event_is_handled_once_by_each_group(office: &Office) {
    let effect = |name: &str, which: &str| {
        Effect::of(&group(name), "alerts/1").tell(event(Topic::Alerts, "write", which))
    };
    assert!(office.records.commit(&effect("monitor", "a")).await.unwrap());
    assert!(!office.records.commit(&effect("monitor", "b")).await.unwrap());
    assert!(office.records.commit(&effect("relay", "c")).await.unwrap());
    let ids: Vec<_> = all(office, &[Topic::Alerts]).await.into_iter().map(|stored| stored.event.id).collect();
    assert_eq!(ids, ["alerts/a", "alerts/c"]);
}

async fn of_many_who_do_the_same_at_once_one_does_it(office: &Office) {
    let effect = created(1);
    let all_at_once = join_all((0..8).map(|_| office.records.commit(&effect))).await;
    assert_eq!(all_at_once.into_iter().filter(|done| *done.as_ref().unwrap()).count(), 1);
    let on = Effect::of(&group("verifier"), "signatures.created/1").change(moved(
        1,
        SignatureState::Created,
        SignatureState::Valid,
    ));
    let all_at_once = join_all((0..8).map(|_| office.records.commit(&on))).await;
    assert_eq!(all_at_once.into_iter().filter(|done| *done.as_ref().unwrap()).count(), 1);
    assert_eq!(all(office, &[Topic::SignaturesCreated]).await.len(), 1);
}

async fn what_does_not_fit_changes_nothing(office: &Office) {
    let records = &office.records;
    assert!(records.commit(&created(1)).await.unwrap());
    // There already; not there; not in that state; and one of two that does not fit.
    let told = event(Topic::Alerts, "x", "never");
    let valid = moved(1, SignatureState::Created, SignatureState::Valid);
    for changes in [
        vec![SignatureChange::New(signature(1))],
        vec![moved(2, SignatureState::Created, SignatureState::Valid)],
        vec![moved(1, SignatureState::Valid, SignatureState::Recorded)],
        vec![SignatureChange::New(signature(3)), valid.clone(), valid.clone()],
    ] {
        let effect = Effect { signatures: changes, ..Effect::default().tell(told.clone()) };
        assert!(!records.commit(&effect).await.unwrap());
    }
    assert_eq!(records.signature(&[1; 32]).await.unwrap(), Some(signature(1)));
    assert_eq!(records.signature(&[3; 32]).await.unwrap(), None);
    // What came too late counts as handled.
    let late = Effect::of(&group("g"), "e").change(moved(1, SignatureState::Valid, SignatureState::Recorded));
    assert!(!records.commit(&late).await.unwrap());
    assert!(!records.commit(&Effect::of(&group("g"), "e").change(valid)).await.unwrap());
    assert!(all(office, &[Topic::Alerts]).await.is_empty());
}

async fn several_effects_are_written_together(office: &Office) {
    let mut effects: Vec<_> = (1..=50).map(created).collect();
    effects.push(created(7));
    let twice =
        Effect::of(&group("g"), "one").change(moved(3, SignatureState::Created, SignatureState::Valid));
    effects.extend([twice.clone(), twice]);
    let done = office.records.commit_all(&effects).await.unwrap();
    assert_eq!(done.iter().filter(|done| **done).count(), 51);
    assert_eq!(done[50..], [false, true, false]);
    assert_eq!(office.records.commit_all(&[]).await.unwrap(), [false; 0]);
    let told = all(office, &[Topic::SignaturesCreated]).await;
    assert_eq!(told.len(), 50);
    let of = |subject: &str| {
        let events = told.iter().filter(|stored| stored.event.subject == subject);
        events.map(|stored| stored.event.id.clone()).collect::<Vec<_>>()
    };
    let expected: Vec<_> = (10..20).map(|n| format!("signatures.created/{n}")).collect();
    assert_eq!(of("document-1"), expected);
}

async fn signatures_are_listed_by_document_and_state(office: &Office) {
    let records = &office.records;
    records.commit_all(&[created(25), created(11), created(12), created(13)]).await.unwrap();
    records
        .commit(&Effect::default().change(moved(12, SignatureState::Created, SignatureState::Invalid)))
        .await
        .unwrap();
    let list = SignatureList { limit: 10, ..SignatureList::default() };
    let ids = async |list: SignatureList| {
        let found = records.signatures(&list).await.unwrap();
        found.iter().map(|signature| signature.id[0]).collect::<Vec<_>>()
    };
    assert_eq!(ids(list.clone()).await, [11, 12, 13, 25]);
    assert_eq!(ids(SignatureList { hash: Some([1; 32]), ..list.clone() }).await, [11, 12, 13]);
    let open = SignatureList { state: Some(SignatureState::Created), ..list.clone() };
    assert_eq!(ids(open.clone()).await, [11, 13, 25]);
    assert_eq!(ids(SignatureList { hash: Some([1; 32]), ..open.clone() }).await, [11, 13]);
    let after = SignatureList { after: Some((NOW + 11, [11; 32])), limit: 1, ..open };
    assert_eq!(ids(after).await, [13]);
}

async fn events_are_read_in_order_and_none_is_skipped(office: &Office) {
    const WRITERS: usize = 6;
    const EACH: usize = 30;
    let write = async |writer: usize| {
        for n in 0..EACH {
            let told = event(Topic::Alerts, &format!("s-{writer}"), &format!("{writer}-{n}"));
            office.records.commit(&Effect::default().tell(told)).await.unwrap();
        }
    };
    // Read while they write: what is passed is never added to.
    let read = async {
        let mut places: Vec<_> = (0..PARTITIONS)
            .map(|partition| (Way { topic: Topic::Alerts, partition }, Cursor::START))
            .collect();
        let mut read: Vec<String> = Vec::new();
        while read.len() < WRITERS * EACH {
            for StoredEvent { way, at, event } in office.records.events(&places, 7).await.unwrap() {
                let (_, place) = places.iter_mut().find(|(one, _)| *one == way).unwrap();
                assert!(at > *place);
                *place = at;
                read.push(event.id);
            }
        }
        read
    };
    let writing = join_all((0..WRITERS).map(write));
    let (_, read) =
        tokio::time::timeout(std::time::Duration::from_secs(60), futures_util::future::join(writing, read))
            .await
            .expect("every event is read");
    for writer in 0..WRITERS {
        let prefix = format!("alerts/{writer}-");
        let of: Vec<_> =
            read.iter().filter_map(|id| id.strip_prefix(&prefix)?.parse::<usize>().ok()).collect();
        assert_eq!(of, (0..EACH).collect::<Vec<_>>(), "of writer {writer}");
    }
}

fn ask(member: &str, busy: &[Way]) -> Ask {
    Ask {
        group: group("g"),
        member: member.to_owned(),
        topics: vec![Topic::Alerts],
        busy: busy.to_vec(),
        ttl_ms: 60_000,
    }
}

async fn ways_are_shared_and_a_former_owner_moves_nothing(office: &Office) {
    let records = &office.records;
    let first = records.hold(&ask("one", &[])).await.unwrap();
    assert_eq!(first.len(), usize::from(PARTITIONS));
    assert!(records.hold(&ask("two", &[])).await.unwrap().is_empty(), "all of them are held");
    let busy = first[7].way;
    let kept = records.hold(&ask("one", &[busy])).await.unwrap();
    assert_eq!(kept.len(), 4);
    assert!(kept.iter().any(|held| held.way == busy && !held.leaving));
    let second = records.hold(&ask("two", &[])).await.unwrap();
    assert_eq!(second.len(), 4);
    assert!(second.iter().all(|held| kept.iter().all(|kept| kept.way != held.way)));

    // The former owner's token does not count any more; the owner's does, and never backwards.
    let (mine, theirs) = (second[0], *first.iter().find(|held| held.way == second[0].way).unwrap());
    assert!(mine.token > theirs.token);
    let at = |position| Cursor { xid: 0, position };
    let goes = async |held: crate::records::Held, position| {
        let held = crate::records::Held { at: at(position), ..held };
        records.advance(&group("g"), &[held]).await.unwrap();
        let held = records.hold(&ask("two", &[])).await.unwrap();
        held.into_iter().find(|held| held.way == mine.way).unwrap().at
    };
    assert!(goes(theirs, 9).await < at(9));
    assert_eq!(goes(mine, 9).await, at(9));
    assert_eq!(goes(mine, 8).await, at(9));

    records.leave(&group("g"), "one").await.unwrap();
    assert_eq!(records.hold(&ask("two", &[])).await.unwrap().len(), usize::from(PARTITIONS));
    records.forget(&group("g")).await.unwrap();
    assert!(records.behind().await.unwrap().is_empty());
    let anew = records.hold(&ask("three", &[])).await.unwrap();
    assert!(anew.iter().all(|held| held.at <= at(0)));
}

async fn what_every_group_has_passed_is_deleted_when_it_is_old(office: &Office) {
    let records = &office.records;
    records.commit(&Effect::of(&group("x"), "e").tell(event(Topic::Alerts, "s", "1"))).await.unwrap();
    records.commit(&Effect::default().tell(event(Topic::SignaturesCreated, "s", "1"))).await.unwrap();
    all(office, &[Topic::Alerts, Topic::SignaturesCreated]).await;
    let held = records.hold(&ask("one", &[])).await.unwrap();
    let prune = async |only: Option<&Group>| records.prune(NOW + 1, NOW + 10, only, 10).await.unwrap();
    assert_eq!(records.prune(NOW, NOW, None, 10).await.unwrap(), 0, "they are not old enough");
    assert_eq!(prune(None).await, 1, "the group is behind in its topic");
    let behind = records.behind().await.unwrap();
    assert_eq!((behind.len(), behind[0].events, behind[0].oldest), (1, 1, Some(NOW)));
    assert_eq!(prune(Some(&group("other"))).await, 1, "the group does not count");
    assert_eq!(all(office, &[Topic::Alerts]).await.len(), 0);

    records.commit(&Effect::default().tell(event(Topic::Alerts, "s", "2"))).await.unwrap();
    let told = all(office, &[Topic::Alerts]).await;
    let done = held.iter().find(|held| held.way == told[0].way).unwrap();
    assert_eq!(prune(None).await, 0);
    let done = crate::records::Held { at: told[0].at, ..*done };
    records.advance(&group("g"), &[done]).await.unwrap();
    assert_eq!(prune(None).await, 1);
    assert_eq!(records.behind().await.unwrap()[0].events, 0);

    // A mark goes when its event cannot come any more.
    let later = crate::clock::now() + 1_000;
    assert_eq!(records.prune(later - 10_000_000, later, None, 10).await.unwrap(), 0);
    assert_eq!(records.prune(later, later, None, 10).await.unwrap(), 1);
    assert!(records.commit(&Effect::of(&group("x"), "e")).await.unwrap());
}

async fn a_dead_letter_is_seen_told_and_revived(office: &Office) {
    let records = &office.records;
    let letter = NewDeadLetter {
        group: group("verifier"),
        event: "signatures.created/1".to_owned(),
        topic: Topic::SignaturesCreated,
        content: b"\x00\xff no event".to_vec(),
        reason: "it is poison".to_owned(),
        tries: 5,
        at: NOW,
    };
    records.bury(&letter).await.unwrap();
    let all_letters = LettersWanted { limit: 10, ..LettersWanted::default() };
    let seen = records.dead_letters(&all_letters).await.unwrap();
    let id = seen[0].id;
    let whole = records.dead_letter(id).await.unwrap().unwrap();
    assert_eq!((seen.len(), &whole.letter, whole.revived), (1, &letter, false));
    let listed = NewDeadLetter { content: Vec::new(), ..letter.clone() };
    assert_eq!((&seen[0].letter, records.dead_letter(id + 1).await.unwrap()), (&listed, None));
    for (group_is, topic, found) in [
        (Some("verifier"), None, 1),
        (Some("recorder"), None, 0),
        (None, Some(Topic::SignaturesCreated), 1),
        (Some("verifier"), Some(Topic::Alerts), 0),
    ] {
        let wanted = LettersWanted { group: group_is.map(group), topic, ..all_letters.clone() };
        assert_eq!(records.dead_letters(&wanted).await.unwrap().len(), found, "{wanted:?}");
    }
    let count = LetterCount { group: group("verifier"), topic: Topic::SignaturesCreated, letters: 1 };
    assert_eq!(records.count_letters().await.unwrap(), [count]);
    let told = all(office, &[Topic::DeadLetters]).await;
    assert_eq!(told[0].event.data["event"], "signatures.created/1");
    assert_eq!(told[0].event.data["id"], id);

    assert!(records.revived(&group("verifier"), 60_000, 10).await.unwrap().is_empty());
    assert!(records.revive(id).await.unwrap());
    assert!(!records.revive(id + 1).await.unwrap());
    assert!(records.revived(&group("recorder"), 60_000, 10).await.unwrap().is_empty());
    assert_eq!(records.revived(&group("verifier"), 1, 10).await.unwrap().len(), 1);
    let again = loop {
        // It is another's once the first one's time is over.
        let again = records.revived(&group("verifier"), 60_000, 10).await.unwrap();
        if !again.is_empty() {
            break again;
        }
    };
    assert!(again[0].revived);
    assert!(records.revived(&group("verifier"), 60_000, 10).await.unwrap().is_empty());
    let anew = NewDeadLetter { reason: "still poison".to_owned(), tries: 2, at: NOW + 9, ..letter.clone() };
    records.bury(&anew).await.unwrap();
    let seen = records.dead_letters(&all_letters).await.unwrap();
    assert_eq!((seen[0].id, seen[0].letter.tries, seen[0].revived), (id, 7, false));
    assert_eq!(seen[0].letter.reason, "still poison");
    let after = LettersWanted { after: id, ..all_letters.clone() };
    assert!(records.dead_letters(&after).await.unwrap().is_empty());
    let decided =
        Discarded { by: "office/OfficeMSP".to_owned(), reason: "it is noise".to_owned(), at: NOW + 10 };
    assert!(records.discard(id, Some(&decided)).await.unwrap());
    assert!(!records.discard(id, Some(&decided)).await.unwrap());
    let told = all(office, &[Topic::DeadLetters]).await;
    assert_eq!((told.len(), &told[2].event.data["discarded"]["reason"]), (3, &json!("it is noise")));
    assert_eq!(told[2].event.data["reason"], "still poison");
    // What was handled is told by those who did.
    records.bury(&letter).await.unwrap();
    let id = records.dead_letters(&all_letters).await.unwrap()[0].id;
    assert!(records.discard(id, None).await.unwrap());
    assert_eq!(all(office, &[Topic::DeadLetters]).await.len(), 4);
    assert!(records.count_letters().await.unwrap().is_empty());
}

async fn what_is_too_large_is_refused(office: &Office) {
    let data = json!("x".repeat(crate::records::MAX_DATA));
    let large = NewEvent::new(Topic::Alerts, "s", "large", NOW, data);
    let effect = created(1).tell(large);
    assert!(office.records.commit(&effect).await.is_err());
    assert_eq!(office.records.signature(&[1; 32]).await.unwrap(), None);
}

/// With queries of their form, as in the field: what is told of an entry is read off its bytes.
async fn a_batch_that_came_to_rest_is_told_once(office: &Office) {
    let sql = "INSERT INTO notes (year, area, number, content) VALUES (2026, 'club', $1, 'x')";
    let mut request =
        office.request("one", &[("learner-1", sql, &[json!(1)]), ("learner-1", "SELECT 1 AS one", &[])]);
    for (query, params) in request.queries.iter_mut().zip([json!([1]), json!([])]) {
        let salt = "AAAAAAAAAAAAAAAAAAAAAA";
        let sql = if params == json!([1]) { sql } else { "SELECT 1 AS one" };
        query.bytes =
            json!({"learner": "learner-1", "sql": sql, "params": params, "salt": salt}).to_string().into();
    }
    let entries: Vec<_> =
        office.executes(&request).await.unwrap().results.iter().map(|result| result.entry).collect();
    let lease = office.records.claim(&school(), "gateway", 60_000).await.unwrap().unwrap();
    let batch = StoredBatch {
        school: school(),
        sequence: 1,
        header: vec![1; 40],
        entries: entries.clone(),
        body: None,
        submitted: None,
        recorded: None,
    };
    office.records.form(&lease, &batch).await.unwrap();
    assert!(all(office, &[Topic::RecordsEntries]).await.is_empty());
    for _ in 0..2 {
        office.records.finish(&lease, 1, b"{}", "tx-1", 7).await.unwrap();
    }
    let told = all(office, &[Topic::RecordsEntries]).await;
    assert_eq!(told.len(), 1);
    let event = &told[0].event;
    assert_eq!((event.id.as_str(), event.subject.as_str()), ("records.entries/school-1/1", "school-1"));
    let recorded: EntriesRecorded = serde_json::from_value(event.data.clone()).unwrap();
    assert_eq!((recorded.sequence, recorded.transaction.as_str(), recorded.block), (1, "tx-1", 7));
    let of: Vec<_> =
        recorded.entries.iter().map(|entry| (entry.entry, entry.action, entry.count())).collect();
    assert_eq!(of, [(entries[0], Action::Inserted, 1), (entries[1], Action::Read, 0)]);
    assert!(!event.data.to_string().contains("club"), "no row's data");
}

async fn an_alert_is_told_when_it_is_raised(office: &Office) {
    let alert = NewAlert { fingerprint: "f-1".to_owned(), finding: Finding::new("write.unrecorded") };
    let raised = office.records.raise(std::slice::from_ref(&alert)).await.unwrap();
    assert!(office.records.raise(&[alert]).await.unwrap().is_empty());
    let told = all(office, &[Topic::Alerts]).await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].event.subject.as_str(), told[0].event.time), ("write.unrecorded", raised[0].seen_at));
    assert_eq!(serde_json::from_value::<Alert>(told[0].event.data.clone()).unwrap(), raised[0]);
}
