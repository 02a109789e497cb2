//! What is not issued, and whose it is not to ask.

use super::*;

#[tokio::test]
async fn what_an_officer_signed_is_issued_only_if_it_is_what_is_recorded() {
    let scene = Scene::set().await;
    let id = CertificateId::draw().unwrap();
    scene.asks(id).await.unwrap();
    let draft = scene.draft(id).await.unwrap();
    let issues = |draft: &Draft| {
        let jwt = SignedCredential::sign(&draft.credential, &scene.officer.certificate, &scene.officer.key);
        let jwt = jwt.unwrap();
        let (digest, expires_at) = (Digest::of(jwt.as_bytes()), draft.credential.valid_until.micros());
        let act = scene.by_officer(CertificateIssue { certificate: id.named(), digest, expires_at });
        CertificateAct { act, credential: Some(jwt) }
    };
    let refused =
        async |asked: CertificateAct| code(scene.service.act_on_certificate(&caller(), id, asked).await);
    let mut better = draft.clone();
    better.credential.credential_subject.record.get_mut("grades").unwrap()[0]
        .insert("score".into(), json!(100));
    assert_eq!(refused(issues(&better)).await, "certificate.stale");
    assert!(better.check(&scene.roots).is_err(), "the officer sees it by themselves");
    // An act for another credential than the one beside it, and an officer's for another's signature.
    let mut crossed = scene.signed(id, &draft);
    crossed.credential = issues(&draft).credential;
    assert_eq!(refused(crossed).await, "certificate.other_digest");
    let by_teacher = {
        let teacher = &scene.town.schools[0].educators[0];
        let jwt = SignedCredential::sign(&draft.credential, &teacher.certificate, &teacher.key).unwrap();
        CertificateAct { credential: Some(jwt), ..scene.signed(id, &draft) }
    };
    assert_eq!(refused(by_teacher).await, "certificate.no_office");
    assert_eq!(
        refused(CertificateAct { credential: None, ..issues(&draft) }).await,
        "certificate.credential_missing"
    );
    // The record went on since it was drafted.
    scene.marks(&["영어"]).await;
    assert_eq!(refused(issues(&draft)).await, "certificate.stale");
    let signed = scene.signed(id, &scene.draft(id).await.unwrap());
    scene.service.act_on_certificate(&caller(), id, signed).await.unwrap();
    scene.end().await;
}

#[tokio::test]
async fn only_the_learner_asks_and_countersigns_and_only_with_their_whole_wallet() {
    let scene = Scene::set().await;
    let other = Caller::Learner { id: scene.town.schools[0].learners[1].clone() };
    let id = CertificateId::draw().unwrap();
    let act = scene.by_learner(Request { certificate: id.named() });
    let asks = async |caller: &Caller, wallet: Vec<EntryId>| {
        let asked = CertificateRequest { act: act.clone(), wallet };
        code(scene.service.request_certificate(caller, asked).await)
    };
    let held = scene.held().await;
    assert_eq!(asks(&caller(), held.clone()).await, "access.learners_only");
    assert_eq!(asks(&other, held.clone()).await, "act.other_signer");
    assert_eq!(asks(&scene.as_learner(), held[..1].to_vec()).await, "certificate.wallet_behind");
    let forged = [held.clone(), vec![EntryId([7; 32])]].concat();
    assert_eq!(asks(&scene.as_learner(), forged).await, "certificate.wallet_behind");
    let swapped: Vec<_> = held.iter().rev().copied().collect();
    assert_eq!(asks(&scene.as_learner(), swapped).await, "certificate.wallet_differs");

    let id = scene.certified().await;
    assert_eq!(code(scene.service.certificate(&other, id).await), "not_found");
    assert_eq!(code(scene.service.certificate_file(&other, id).await), "not_found");
    assert_eq!(code(scene.service.certificate_draft(&scene.as_learner(), id).await), "access.offices_only");
    let revoke =
        scene.by_officer(CertificateRevoke { certificate: id.named(), reason: RevocationReason::Withdrawn });
    assert_eq!(code(scene.does_as(&other, id, revoke).await), "not_found");
    scene.end().await;
}
