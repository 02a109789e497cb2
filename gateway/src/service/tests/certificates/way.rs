//! The way of a certificate, and who is told what on it.

use super::*;

#[tokio::test]
async fn a_certificate_goes_its_way_and_everybody_can_check_it() {
    let scene = Scene::set().await;
    let id = CertificateId::draw().unwrap();
    let asked = scene.asks(id).await.unwrap();
    assert_eq!((asked.state, asked.agrees), (State::Requested, true));
    assert_eq!(code(scene.service.certificate_file(&caller(), id).await), "certificate.not_issued");

    let draft = scene.draft(id).await.unwrap();
    let signed = scene.signed(id, &draft);
    let issued = scene.service.act_on_certificate(&caller(), id, signed.clone()).await.unwrap();
    assert_eq!(issued.state, State::Issued);
    let again = scene.service.act_on_certificate(&caller(), id, signed).await.unwrap();
    assert_eq!(again, issued, "the same again answers the same");
    let file = scene.file(id).await;
    assert_eq!(scene.verdict(&file).await.outcome, Outcome::NotCountersigned);

    assert_eq!(scene.countersigns(id).await.unwrap().state, State::Countersigned);
    assert_eq!(scene.verdict(&file).await.outcome, Outcome::NotCountersigned, "the old file says less");
    let file = scene.file(id).await;
    let verdict = scene.verdict(&file).await;
    assert_eq!(verdict.outcome, Outcome::Valid, "{verdict:?}");
    let summary = verdict.certificate.unwrap();
    assert_eq!((summary.id, &summary.learner, summary.rows), (id, &scene.learner, 2));

    let later = draft.credential.valid_until.micros();
    let unasked = Asked::Unanswered { code: "x".into(), detail: String::new() };
    let offline = |time| Verdict::of(file.to_json().as_bytes(), &scene.roots, &unasked, time).outcome;
    assert_eq!(offline(now()), Outcome::CannotTell);
    assert_eq!(offline(later), Outcome::Expired);
    assert_eq!(offline(draft.credential.valid_from.micros() - 61_000_000), Outcome::NotYetValid);

    let revoked = CertificateRevoke { certificate: id.named(), reason: RevocationReason::Erroneous };
    let revoked = scene.does_as(&caller(), id, scene.by_officer(revoked)).await.unwrap();
    assert_eq!(revoked.state, State::Revoked);
    assert_eq!(scene.verdict(&file).await.outcome, Outcome::Revoked);
    scene.end().await;
}

#[tokio::test]
async fn a_row_that_was_changed_behind_the_ledgers_back_is_certified_by_nobody() {
    let scene = Scene::set().await;
    let id = CertificateId::draw().unwrap();
    scene.asks(id).await.unwrap();
    let signed = scene.signed(id, &scene.draft(id).await.unwrap());
    scene.town.tamper("UPDATE grades SET score = 100 WHERE subject = '수학'");
    // Drafted before, and refused all the same.
    let refused = scene.service.act_on_certificate(&caller(), id, signed.clone()).await;
    assert_eq!(code(refused), "certificate.drift");
    assert_eq!(code(scene.draft(id).await), "certificate.drift");

    let other = CertificateId::draw().unwrap();
    let asked = scene.asks(other).await.unwrap();
    assert_eq!((asked.state, asked.agrees), (State::Requested, false));
    let (report, office) = crate::drift::SignedReport::verify(&asked.report, &scene.roots).unwrap();
    assert_eq!((report.differences.len(), office.as_str()), (1, "SupportMSP"));
    let digest = Digest::of(asked.report.as_bytes());
    let refuse = scene.by_officer(CertificateRefuse { certificate: other.named(), digest });
    assert_eq!(scene.does_as(&caller(), other, refuse).await.unwrap().state, State::Refused);
    assert_eq!(code(scene.draft(other).await), "certificate.not_requested");

    scene.town.tamper("UPDATE grades SET score = 90 WHERE subject = '수학'");
    let issued = scene.service.act_on_certificate(&caller(), id, signed).await.unwrap();
    assert_eq!(issued.state, State::Issued);
    scene.end().await;
}

#[tokio::test]
async fn nobody_is_told_valid_while_the_ledger_is_away() {
    let scene = Scene::set().await;
    let id = scene.certified().await;
    let file = scene.file(id).await.to_json().into_bytes();
    let (faults, real) = (Faults::new(1, 0, 0), Arc::new(scene.town.ledger.clone()));
    let ledger =
        Arc::new(FaultyLedger { real, faults: faults.clone(), meddle: Box::new(|| Box::pin(async {})) });
    let service = scene.town.service_on(scene.town.records.clone(), ledger, settings(), system_clock());
    assert_eq!(service.judge_certificate(file.clone()).await.unwrap().outcome, Outcome::Valid);
    faults.away.store(true, Ordering::Release);
    let verdict = service.judge_certificate(file).await.unwrap();
    assert_eq!(verdict.outcome, Outcome::CannotTell);
    assert_eq!(verdict.broken().unwrap().code.as_deref(), Some("ledger.unavailable"));
    scene.end().await;
}

#[test]
fn a_second_is_what_a_credential_says() {
    assert_eq!(Second::of(1_790_000_000_999_999).to_string(), "2026-09-21T14:13:20Z");
}
