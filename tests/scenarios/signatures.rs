//! People sign documents, and anybody finds out who signed what when.

use sillok_contract::{
    digest::Digest,
    document::State,
    signature::{Check, Commitment, Subject},
};
use sillok_gateway::{records::SignatureState, service::SignatureSubmission};
use sillok_tests::{
    patience::until,
    refusal::{done, refused},
    signing::{
        claiming, declining, forged, opening, paper, revoke, signed, signed_as, signed_before, signed_part,
        signer, signer_by_approval, withdrawing,
    },
    told::Past,
    world::World,
};

const MINUTE: i64 = 60_000_000;

/// Signed, verified, recorded, found by the document alone; and once only.
pub(crate) async fn are_recorded(world: &mut World) {
    let (han, kim) = (signer(world, "Han").await, signer(world, "Kim").await);
    let (_, hash) = paper(world, "A consent");
    let as_han = world.as_seen_by_signer(&han);
    refused(as_han.recorded_signatures(&hash).await, "signature.not_found", 404);

    let sent = signed(&han, hash);
    let status = world.signature_rests(&han, &sent).await;
    assert_eq!((status.state, &status.hash), (SignatureState::Recorded, &hash.to_string()));
    let verdict = status.verdict.clone().unwrap();
    assert!(verdict.holds && verdict.checks.len() == Check::ALL.len(), "{verdict:?}");
    assert!(status.transaction.is_some() && status.block.is_some());
    assert_eq!(done(as_han.submit_signature(&sent).await), status, "sent again, it answers where it stands");

    // A second one of the same signer is refused by the ledger; another signer's is not.
    let again = signed_as(&han, hash, Subject::Hash(hash), Some(Commitment::ProofOfReceipt));
    assert_eq!(world.signature_rests(&han, &again).await.state, SignatureState::Refused);
    assert_eq!(world.signature_rests(&kim, &signed(&kim, hash)).await.state, SignatureState::Recorded);

    let found = done(as_han.recorded_signatures(&hash).await).signatures;
    let signers: Vec<_> = found.iter().map(|record| record.signer.clone()).collect();
    assert_eq!(signers, [han.id.clone(), kim.id.clone()]);
    assert_eq!(Some(&found[0].transaction), status.transaction.as_ref());

    // A signature is signed in its turn.
    let counter = Digest::of(sent.signature.as_bytes());
    let subject = Subject::Signature(Digest::try_from(status.signature.clone()).unwrap());
    let countersigned = signed_as(&kim, counter, subject, None);
    assert_eq!(world.signature_rests(&kim, &countersigned).await.state, SignatureState::Recorded);

    // Another's is not there to be seen, but for the offices.
    let digest = Digest::try_from(status.signature.clone()).unwrap();
    refused(world.as_seen_by_signer(&kim).signature(&digest).await, "not_found", 404);
    assert_eq!(done(world.as_seen_by_the_office().signature(&digest).await), status);
    world.check_everything().await;
}

/// The same where events go through Kafka and evidence rests in Cassandra.
pub(crate) async fn go_through_kafka_to_cassandra(world: &mut World) {
    world.use_kafka_and_cassandra();
    world.stop_and_let_go().await;
    world.serve().await;
    are_recorded(world).await;
}

/// A forged signature, one of a revoked key, one of somebody else's certificate, a document that was changed by one bit.
pub(crate) async fn do_not_hold(world: &mut World) {
    let (han, kim) = (signer(world, "Han").await, signer(world, "Kim").await);
    let (mut bytes, hash) = paper(world, "A contract");

    let status = world.signature_rests(&han, &forged(&han, &kim, hash)).await;
    assert_eq!(status.state, SignatureState::Invalid);
    let verdict = status.verdict.unwrap();
    let failed: Vec<_> = verdict.checks.iter().filter(|check| !check.holds).collect();
    assert_eq!((failed.len(), failed[0].check), (1, Check::Signature), "{failed:?}");
    refused(world.as_seen_by_signer(&han).recorded_signatures(&hash).await, "signature.not_found", 404);

    // Whoever spoils a signature on its way does not keep its signer from handing in the true one.
    let genuine = signed(&kim, hash);
    let (header, _) = genuine.signature.rsplit_once('.').unwrap();
    let spoilt = format!("{header}.{}", forged(&kim, &han, hash).signature.rsplit_once('.').unwrap().1);
    let spoilt = SignatureSubmission { signature: spoilt, approval: None };
    assert_eq!(world.signature_rests(&kim, &spoilt).await.state, SignatureState::Invalid);
    assert_eq!(world.signature_rests(&kim, &spoilt).await.state, SignatureState::Invalid);
    assert_eq!(world.signature_rests(&kim, &genuine).await.state, SignatureState::Recorded);

    let status = world.signature_rests(&han, &signed_before(&han, hash, 8 * 86_400_000_000)).await;
    assert_eq!(status.state, SignatureState::Invalid);
    let failed = status.verdict.unwrap().checks.into_iter().find(|check| !check.holds).unwrap();
    assert_eq!(failed.code.as_deref(), Some("signature.time_out_of_bounds"));

    assert_eq!(world.signature_rests(&han, &signed(&han, hash)).await.state, SignatureState::Recorded);
    bytes[0] ^= 1;
    let as_kim = world.as_seen_by_signer(&kim);
    refused(as_kim.recorded_signatures(&Digest::of(&bytes)).await, "signature.not_found", 404);

    // What a key signed before it was revoked stands; afterwards it opens and signs nothing.
    revoke(world, &han).await;
    assert_eq!(done(as_kim.recorded_signatures(&hash).await).signatures.len(), 2);
    let late = signed(&han, paper(world, "Another").1);
    until("the revocation acts", async || world.as_seen_by_signer(&han).submit_signature(&late).await.err())
        .await;
    refused(world.as_seen_by_signer(&han).submit_signature(&late).await, "signer.revoked", 403);
    // Somebody else who hands it in does not make it any better.
    let status = done(world.as_seen_by_the_office().submit_signature(&late).await);
    let digest = Digest::try_from(status.signature).unwrap();
    let rested = until("the signature rests", async || {
        let status = world.as_seen_by_the_office().signature(&digest).await.ok()?;
        (status.state != SignatureState::Created).then_some(status)
    })
    .await;
    assert_eq!(rested.state, SignatureState::Invalid);
    let alert = until("the use of a revoked key is told", async || {
        let alerts = done(world.as_seen_by_the_office().alerts().await);
        alerts.into_iter().find(|alert| alert.finding.kind == "key.revoked_used")
    })
    .await;
    world.told().await.past.push(Past::of(&alert));
    world.check_everything().await;
}

/// The office holds the key, and the person approves each use of it.
pub(crate) async fn are_approved(world: &mut World) {
    let (han, kim) = (signer_by_approval(world, "Han").await, signer(world, "Kim").await);
    let (_, hash) = paper(world, "A form");
    let approved = signed(&han, hash);
    assert!(approved.approval.is_some());
    let failed = async |signer, sent: &SignatureSubmission| {
        let verdict = world.signature_rests(signer, sent).await.verdict.unwrap();
        let failed = verdict.checks.into_iter().find(|check| !check.holds).unwrap();
        (failed.check, failed.code.unwrap())
    };

    let alone = SignatureSubmission { approval: None, ..approved.clone() };
    assert_eq!(failed(&han, &alone).await, (Check::Approval, "approval.missing".to_owned()));
    let another = signed(&han, paper(world, "Another form").1);
    let swapped =
        SignatureSubmission { approval: another.approval.clone(), ..signed(&han, Digest::of(b"?")) };
    assert_eq!(failed(&han, &swapped).await, (Check::Approval, "approval.mismatch".to_owned()));
    let uncalled = SignatureSubmission { approval: another.approval.clone(), ..signed(&kim, hash) };
    assert_eq!(failed(&kim, &uncalled).await, (Check::Approval, "approval.unexpected".to_owned()));

    for sent in [&another, &approved] {
        assert_eq!(world.signature_rests(&han, sent).await.state, SignatureState::Recorded);
    }
    world.check_everything().await;
}

/// A contract by three parties, in their order.
pub(crate) async fn of_several_parties(world: &mut World) {
    let (han, kim, lee) =
        (signer(world, "Han").await, signer(world, "Kim").await, signer(world, "Lee").await);
    let (_, hash) = paper(world, "A contract by three");
    let as_han = world.as_seen_by_signer(&han);
    let sent = opening(&han, hash, &[&han, &kim, &lee], true, MINUTE);
    let document = done(as_han.open_document(&sent).await);
    assert_eq!((document.state, document.parties.len()), (State::Open, 3));
    assert_eq!(done(as_han.open_document(&sent).await), document, "sent again, it answers as the first time");

    let as_kim = world.as_seen_by_signer(&kim);
    let early = as_kim.submit_signature(&signed_part(&kim, &document)).await;
    refused(early, "document.not_their_turn", 409);
    for signer in [&han, &kim, &lee] {
        let rested = world.signature_rests(signer, &signed_part(signer, &document)).await;
        assert_eq!(rested.state, SignatureState::Recorded, "{:?}", rested.verdict);
    }
    let complete = done(as_kim.document(&document.document).await);
    assert_eq!(complete.state, State::Complete);
    assert!(complete.parties.iter().all(|party| party.signature.is_some() && party.signed_at.is_some()));
    let late = as_han.act_on_document(&document.document, &declining(&han, &document)).await;
    refused(late, "document.wrong_state", 409);

    // Nobody else sees it, and nobody else signs it.
    let park = signer(world, "Park").await;
    let as_park = world.as_seen_by_signer(&park);
    refused(as_park.document(&document.document).await, "not_found", 404);
    let stranger = as_park.submit_signature(&signed_part(&park, &document)).await;
    refused(stranger, "document.other_party", 403);
    world.check_everything().await;
}

/// One is declined, one taken back, one too late.
pub(crate) async fn of_documents_that_are_not_signed(world: &mut World) {
    let (han, kim) = (signer(world, "Han").await, signer(world, "Kim").await);
    let (as_han, as_kim) = (world.as_seen_by_signer(&han), world.as_seen_by_signer(&kim));
    let open = async |name: &str, lasts: i64| {
        let sent = opening(&han, paper(world, name).1, &[&han, &kim], false, lasts);
        done(as_han.open_document(&sent).await)
    };
    let declined = open("One that is declined", MINUTE).await;
    let state = done(as_kim.act_on_document(&declined.document, &declining(&kim, &declined)).await);
    assert_eq!((state.state, state.declined_by.as_ref()), (State::Refused, Some(&kim.id)));
    let late = as_han.submit_signature(&signed_part(&han, &declined)).await;
    refused(late, "document.wrong_state", 409);

    let withdrawn = open("One that is withdrawn", MINUTE).await;
    let others = as_kim.act_on_document(&withdrawn.document, &withdrawing(&kim, &withdrawn)).await;
    refused(others, "document.other_party", 403);
    let state = done(as_han.act_on_document(&withdrawn.document, &withdrawing(&han, &withdrawn)).await);
    assert_eq!(state.state, State::Withdrawn);

    let expired = open("One that is too late", 2_000_000).await;
    until("the deadline is over", async || {
        let state = as_han.document(&expired.document).await.ok()?;
        (state.state == State::Expired).then_some(())
    })
    .await;
    refused(as_han.submit_signature(&signed_part(&han, &expired)).await, "document.expired", 409);
    world.check_everything().await;
}

/// The first claim stands.
pub(crate) async fn of_works_that_are_claimed(world: &mut World) {
    let (han, kim) = (signer(world, "Han").await, signer(world, "Kim").await);
    let (_, work) = paper(world, "A song");
    let (as_han, as_kim) = (world.as_seen_by_signer(&han), world.as_seen_by_signer(&kim));
    refused(as_han.claim(&work).await, "claim.not_found", 404);
    let sent = claiming(&han, work);
    let claim = done(as_han.claim_work(&sent).await);
    assert_eq!((&claim.by, &claim.hash), (&han.id, &work.to_string()));
    assert_eq!(done(as_han.claim_work(&sent).await), claim);
    refused(as_kim.claim_work(&claiming(&kim, work)).await, "claim.already_exists", 409);
    assert_eq!(done(as_kim.claim(&work).await), claim);
    world.check_everything().await;
}
