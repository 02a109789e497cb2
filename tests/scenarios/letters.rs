//! Dead letters: what cannot be handled is put aside and seen, replayed once it can be, and holds nobody up.

use serde_json::json;
use sillok_gateway::{
    events::{Event, Group, Topic},
    monitor::{DEAD, DeadLetterTold},
    records::SignatureState,
    service::{DeadLetterState, DeadLettersWanted},
};
use sillok_tests::{
    alarm::metric,
    letters::by_program,
    patience::until,
    refusal::{done, refused},
    signing::{paper, signed, signer, unregistered_signer},
    world::World,
};

/// A message that is no event, one that is none of its topic's form, and one that came too early: each is put aside, with
/// its reason; the others go on. Replayed, what can be handled by now is; the rest is dead again, and is discarded.
pub(crate) async fn are_seen_and_replayed(world: &mut World) {
    let mut alarm = world.is_monitored(|rules| rules.dead_letters.window_s = 3_600).await;
    let kim = signer(world, "Kim").await;
    let han = unregistered_signer(world, "Han");
    let hash = paper(world, "A contract").1;
    assert_eq!(world.signature_rests(&kim, &signed(&kim, hash)).await.state, SignatureState::Recorded);
    alarm.is_silent(world).await;

    let early = world.takes_in(&han, &signed(&han, hash)).await;
    let verifier = alarm.hears(world, DEAD, &[("group", "verifier")]).await;
    assert!(verifier.finding.detail.unwrap().contains("have it registered first"));
    let second = paper(world, "Another").1;
    world.tells(Topic::SignaturesCreated, &second.to_string(), "nonsense", json!({ "jws": 1 })).await;
    let is_foreign = world.pollutes(Topic::SignaturesCreated, b"no event \xff").await;

    // What is behind them on their way is not held up.
    let lee = signer(world, "Lee").await;
    for hash in [hash, second] {
        assert_eq!(world.signature_rests(&lee, &signed(&lee, hash)).await.state, SignatureState::Recorded);
    }
    let letters = all(world, 2 + usize::from(is_foreign)).await;
    let of = |found: &dyn Fn(&DeadLetterState) -> bool| letters.iter().find(|letter| found(letter)).unwrap();
    let too_early = of(&|letter| letter.event.contains(&early.digest.to_string()));
    let nonsense = of(&|letter| letter.event == "signatures.created/nonsense");
    for letter in &letters {
        assert_eq!((letter.group.as_str(), letter.topic.as_str()), ("verifier", "signatures.created"));
        assert!(!letter.replaying && letter.content.is_none() && letter.content_hex.is_none(), "{letter:?}");
    }
    assert!(too_early.reason.contains("registered") && too_early.tries == world.settings.events.tries);
    assert!(nonsense.reason.contains("missing field"), "{nonsense:?}");
    is_listed_by_what_it_is_of(world, &letters).await;
    let whole = done(world.as_seen_by_the_office().dead_letter(nonsense.id).await);
    let event = Event::parse(whole.content.unwrap().as_bytes()).unwrap();
    assert_eq!((event.id.as_str(), &event.data), ("signatures.created/nonsense", &json!({ "jws": 1 })));
    if is_foreign {
        let foreign = of(&|letter| letter.reason.contains("not an event"));
        let whole = done(world.as_seen_by_the_office().dead_letter(foreign.id).await);
        assert_eq!((whole.content, whole.content_hex), (None, Some(hex::encode(b"no event \xff"))));
        is_dead_again(world, foreign).await;
        discarded(world, foreign, "somebody's test message").await;
    }

    // One cause is mended, the other is not.
    han.enter(world.consortium()).await.unwrap();
    is_replayed(world, too_early).await;
    let as_office = world.as_seen_by_the_office();
    until("the signature that came early rests", async || {
        let status = as_office.signature(&early.digest).await.ok()?;
        (status.state == SignatureState::Recorded).then_some(())
    })
    .await;
    is_dead_again(world, nonsense).await;
    is_seen_by_the_program(world, nonsense).await;
    discarded(world, nonsense, "it was never a signature").await;
    assert!(all(world, 0).await.is_empty());
    let found = done(as_office.recorded_signatures(&hash).await).signatures;
    assert_eq!(found.len(), 3, "each once");
    alarm.is_silent(world).await;
    world.check_everything().await;
}

/// All dead letters, once there are so many; the metrics count them, too.
async fn all(world: &World, count: usize) -> Vec<DeadLetterState> {
    let office = world.as_seen_by_the_office();
    let wanted = DeadLettersWanted::default();
    let letters = until(&format!("there are {count} dead letters"), async || {
        let letters = office.dead_letters(&wanted).await.ok()?;
        (letters.len() == count).then_some(letters)
    })
    .await;
    // Other worlds of this process count in the same metrics.
    until("they are counted", async || {
        let series = "sillok_events_dead_letters{group=\"verifier\",topic=\"signatures.created\"}";
        let counted = metric(&world.metrics().await, series);
        (count == 0 || counted.is_some_and(|counted| counted > 0)).then_some(())
    })
    .await;
    letters
}

/// By group, by topic and by pages; and by nobody but the offices.
async fn is_listed_by_what_it_is_of(world: &World, letters: &[DeadLetterState]) {
    let office = world.as_seen_by_the_office();
    let group = |name: &str| Some(Group::new(name).unwrap());
    for (wanted, found) in [
        (DeadLettersWanted { group: group("verifier"), ..Default::default() }, letters),
        (DeadLettersWanted { group: group("recorder"), ..Default::default() }, &[]),
        (DeadLettersWanted { topic: Some(Topic::SignaturesCreated), ..Default::default() }, letters),
        (DeadLettersWanted { topic: Some(Topic::Alerts), ..Default::default() }, &[]),
        (DeadLettersWanted { limit: 1, ..Default::default() }, &letters[..1]),
        (DeadLettersWanted { after: letters[0].id, ..Default::default() }, &letters[1..]),
    ] {
        assert_eq!(done(office.dead_letters(&wanted).await), found, "{wanted:?}");
    }
    let school = world.schools.first();
    if let Some(teacher) = school.and_then(|school| school.educators.first()) {
        let answer = world.as_seen_by(teacher).dead_letters(&DeadLettersWanted::default()).await;
        refused(answer, "access.offices_only", 403);
    }
}

/// The program lists it, shows it and replays it.
async fn is_seen_by_the_program(world: &World, letter: &DeadLetterState) {
    let listed = by_program(world, &["list", "--group", "verifier", "--topic", "signatures.created"]).await;
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &json!(letter.id)));
    assert_eq!(by_program(world, &["list", "--group", "recorder"]).await, json!([]));
    let shown = by_program(world, &["show", &letter.id.to_string()]).await;
    assert!(shown["content"].as_str().unwrap().contains("signatures.created/nonsense"), "{shown}");
    let replayed = by_program(world, &["replay", "--all", "--group", "verifier"]).await;
    assert_eq!((&replayed[0]["id"], &replayed[0]["replaying"]), (&json!(letter.id), &json!(true)));
}

async fn is_replayed(world: &World, letter: &DeadLetterState) {
    let replayed = done(world.as_seen_by_the_office().replay_dead_letter(letter.id).await);
    assert!(replayed.replaying && replayed.id == letter.id);
}

/// It is put aside again, under the same number and for the same reason.
async fn is_dead_again(world: &World, letter: &DeadLetterState) {
    is_replayed(world, letter).await;
    let office = world.as_seen_by_the_office();
    let again = until("it is dead again", async || {
        let again = office.dead_letter(letter.id).await.ok()?;
        (!again.replaying && again.tries > letter.tries).then_some(again)
    })
    .await;
    assert_eq!((&again.reason, &again.event), (&letter.reason, &letter.event));
}

/// It is gone, and it is told who decided that and why.
async fn discarded(world: &World, letter: &DeadLetterState, reason: &str) {
    let office = world.as_seen_by_the_office();
    refused(office.discard_dead_letter(letter.id, " ").await, "letter.reason", 400);
    assert_eq!(done(office.discard_dead_letter(letter.id, reason).await).id, letter.id);
    refused(office.dead_letter(letter.id).await, "not_found", 404);
    refused(office.replay_dead_letter(letter.id).await, "not_found", 404);
    refused(office.discard_dead_letter(letter.id, reason).await, "not_found", 404);
    let group = Group::new(format!("reader-{}", letter.id)).unwrap();
    let mut topic = world.parts().bus.subscribe(&group, &[Topic::DeadLetters]).await.unwrap();
    let decided = until("it is told who discarded it", async || {
        let deliveries = topic.next(100, std::time::Duration::from_millis(200)).await.unwrap();
        let told = deliveries.into_iter().map(|delivery| delivery.event.unwrap().data);
        let told: Vec<DeadLetterTold> = told.map(|data| serde_json::from_value(data).unwrap()).collect();
        told.into_iter().find(|told| told.id == letter.id && told.discarded.is_some())
    })
    .await;
    topic.leave().await;
    let who = decided.discarded.unwrap();
    assert_eq!((who.by.as_str(), who.reason.as_str()), ("office/OfficeMSP", reason));
}
