//! The office signs for people whose keys it holds, what they approved and nothing else.

use std::sync::Arc;

use sillok_contract::{digest::Digest, document::State, signature::Subject};
use sillok_gateway::{
    keys::{ActSigner, PrivateKey},
    records::SignatureState,
    service::SigningRequest,
};
use sillok_tests::{
    call::{AUDIENCE, Caller},
    gateway::Running,
    held::signer_held,
    patience::until,
    refusal::{done, refused},
    school::now,
    signing::{approving, approving_part, declining, opening, paper, revoke, signed_part, signer, statement},
    world::World,
};

const MINUTE: i64 = 60_000_000;
const SECOND: i64 = 1_000_000;

/// A contract by three in their order, of whom one has an office sign.
pub(crate) async fn are_made(world: &mut World) {
    use_held_keys(world).await;
    let (han, lee) = (signer(world, "Han").await, signer(world, "Lee").await);
    let cha = signer_held(world, "Cha").await;
    let (_, hash) = paper(world, "A contract by three");
    let (as_han, as_cha) = (world.as_seen_by_signer(&han), world.as_seen_by_signer(&cha));
    let sent = opening(&han, hash, &[&han, &cha, &lee], true, MINUTE);
    let document = done(as_han.open_document(&sent).await);

    refused(as_cha.request_signing(&approving_part(&cha, &document)).await, "document.not_their_turn", 409);
    let rested = world.signature_rests(&han, &signed_part(&han, &document)).await;
    assert_eq!(rested.state, SignatureState::Recorded, "{:?}", rested.verdict);

    // Her part, once; its name is known before it is made.
    let approval = approving_part(&cha, &document);
    let asked = done(as_cha.request_signing(&approval).await);
    let rested = rests(&as_cha, &asked.signature).await;
    assert_eq!((rested.0, rested.1.as_deref()), (SignatureState::Recorded, None));
    let again = done(as_cha.request_signing(&approval).await);
    assert_eq!((again.state, again.signature), (SignatureState::Recorded, asked.signature.clone()));

    let rested = world.signature_rests(&lee, &signed_part(&lee, &document)).await;
    assert_eq!(rested.state, SignatureState::Recorded, "{:?}", rested.verdict);
    let complete = done(as_cha.document(&document.document).await);
    assert_eq!(complete.state, State::Complete);
    assert_eq!(complete.parties[1].signature.as_ref(), Some(&asked.signature));
    let digest = Digest::try_from(asked.signature).unwrap();
    refused(world.as_seen_by_signer(&lee).signature(&digest).await, "not_found", 404);

    // Who has a key of approval alone opens documents and declines them, too.
    let sent = opening(&cha, paper(world, "Another").1, &[&cha, &lee], false, MINUTE);
    let other = done(as_cha.open_document(&sent).await);
    let declined = done(as_cha.act_on_document(&other.document, &declining(&cha, &other)).await);
    assert_eq!((declined.state, declined.declined_by), (State::Refused, Some(cha.id.clone())));
    world.check_everything().await;
}

/// Somebody else's approval, one of another document, one of long ago, one that was used.
pub(crate) async fn are_refused(world: &mut World) {
    use_held_keys(world).await;
    let (han, cha) = (signer(world, "Han").await, signer_held(world, "Cha").await);
    let (_, hash) = paper(world, "A form");
    let (as_han, as_cha) = (world.as_seen_by_signer(&han), world.as_seen_by_signer(&cha));
    let by = |key: &PrivateKey, at: i64| {
        let act = ActSigner::of_approver(cha.id.clone(), AUDIENCE, key.clone());
        let statement = statement(hash, Subject::Hash(hash), None);
        SigningRequest { approval: act.sign(statement.approval(), at).unwrap() }
    };
    let own = cha.own.clone().unwrap();
    for (sent, code, status) in [
        (by(&PrivateKey::generate().unwrap(), now()), "approval.signature_invalid", 401),
        (by(han.key.as_ref().unwrap(), now()), "approval.signature_invalid", 401),
        (by(&own, now() - 400 * SECOND), "approval.time_out_of_bounds", 400),
        (by(&own, now() + 200 * SECOND), "approval.time_out_of_bounds", 400),
        (SigningRequest { approval: "none".to_owned() }, "act.malformed", 400),
    ] {
        refused(as_cha.request_signing(&sent).await, code, status);
        refused(as_han.request_signing(&sent).await, code, status);
    }
    let unapproved = ActSigner::of_approver(han.id.clone(), AUDIENCE, han.key.clone().unwrap());
    let approval = unapproved.sign(statement(hash, Subject::Hash(hash), None).approval(), now()).unwrap();
    refused(as_han.request_signing(&SigningRequest { approval }).await, "approval.unexpected", 400);
    refused(as_han.recorded_signatures(&hash).await, "signature.not_found", 404);

    // An approval is of one signature: of another document it gives that one's, and once.
    let other = paper(world, "Another form").1;
    let asked = done(as_cha.request_signing(&approving(&cha, other)).await);
    assert_eq!(asked.hash, other.to_string());
    assert_eq!(rests(&as_cha, &asked.signature).await.0, SignatureState::Recorded);
    refused(as_han.recorded_signatures(&hash).await, "signature.not_found", 404);

    // Approved anew, the same document is not signed again.
    let twice = until("a second later", async || {
        let asked_again = done(as_cha.request_signing(&approving(&cha, other)).await);
        (asked_again.signature != asked.signature).then_some(asked_again)
    })
    .await;
    let (state, why) = rests(&as_cha, &twice.signature).await;
    assert_eq!((state, why.as_deref()), (SignatureState::Refused, Some("signature.already_exists")));
    assert_eq!(done(as_han.recorded_signatures(&other).await).signatures.len(), 1);

    revoke(world, &cha).await;
    let digest = Digest::try_from(asked.signature).unwrap();
    until("the revocation acts", async || as_cha.signature(&digest).await.err()).await;
    refused(as_cha.request_signing(&approving(&cha, hash)).await, "signer.revoked", 403);
    refused(as_han.request_signing(&approving(&cha, hash)).await, "signer.revoked", 403);
    refused(as_han.recorded_signatures(&hash).await, "signature.not_found", 404);
    world.check_everything().await;
}

/// Each role is a process of its own, and the signer alone has the keys. It is killed in the middle, and the keys go away:
/// whatever was approved comes to rest on the ledger, once.
pub(crate) async fn survive_the_signer(world: &mut World) {
    const SIGNINGS: usize = 200;
    world.use_kafka_and_cassandra();
    let safe = world.hold_keys();
    let cha = signer_held(world, "Cha").await;
    world.stop_and_let_go().await;
    let place = world.site.directory.path().to_owned();
    let with_keys = Arc::new(world.settings.clone());
    world.settings.held = sillok_gateway::keys::held::Settings::default();
    let start =
        async |settings, name: &str, role: &str| Running::in_role(settings, &place.join(name), role).await;
    let settings = world.settings.clone();
    world.turn_to(start(&settings, "api", "api,monitor,verifier,recorder").await);
    let mut signers =
        vec![start(&with_keys, "signer-1", "signer").await, start(&with_keys, "signer-2", "signer").await];

    let mut sent = Vec::new();
    for number in 0..SIGNINGS {
        let (_, hash) = paper(world, &format!("Form {number}"));
        let approval = approving(&cha, hash);
        let as_cha = world.as_seen_by_signer(&cha);
        let status = until("it is taken in", async || as_cha.request_signing(&approval).await.ok()).await;
        sent.push((hash, status.signature));
        match number {
            50 => signers.remove(0).kill().await,
            80 => {
                signers.remove(0).kill().await;
                safe.goes_away();
                signers.push(start(&with_keys, "signer-3", "signer").await);
            }
            130 => safe.is_back(),
            _ => {}
        }
    }
    let as_cha = world.as_seen_by_signer(&cha);
    for (hash, signature) in &sent {
        let (state, why) = rests(&as_cha, signature).await;
        assert_eq!((state, why.as_deref()), (SignatureState::Recorded, None));
        let recorded = done(as_cha.recorded_signatures(hash).await).signatures;
        let digests: Vec<_> = recorded.iter().map(|record| record.digest.to_string()).collect();
        assert_eq!(digests, std::slice::from_ref(signature));
    }
    for running in signers {
        running.stop().await;
    }
    world.stop().await;
    world.serve().await;
    world.check_everything().await;
}

/// The world's gateway with held keys.
async fn use_held_keys(world: &mut World) {
    world.hold_keys();
    world.stop_and_let_go().await;
    world.serve().await;
}

/// Where a signature comes to rest, and why it was refused, if it was.
async fn rests(caller: &Caller, signature: &str) -> (SignatureState, Option<String>) {
    let digest = Digest::try_from(signature.to_owned()).unwrap();
    let status = until("the signature rests", async || {
        let status = caller.signature(&digest).await.ok()?;
        status.state.is_at_rest().then_some(status)
    })
    .await;
    (status.state, status.refusal.map(|refusal| refusal.code))
}
