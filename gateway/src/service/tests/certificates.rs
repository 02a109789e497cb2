//! Certificates, from the learner's asking to the verdict of a third party, and every forgery of one.

use std::sync::{Arc, atomic::Ordering};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sillok_contract::{
    act::{
        Act, CertificateCountersign, CertificateIssue, CertificateRefuse, CertificateRequest as Request,
        CertificateRevoke, RevocationReason,
    },
    credential::State,
    digest::Digest,
    entry::EntryId,
    id::{LearnerId, MspId, OfficerId},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    faults::{Faults, FaultyLedger},
    town::{AUDIENCE, Town, mark, officer as caller, settings, until},
};
use crate::{
    certificate::{
        Asked, CertificateFile, CertificateId, Draft, Link, Outcome, Second, SignedCredential, Verdict,
    },
    clock::now,
    keys::{ActSigner, PrivateKey},
    ledger::{consortium::Consortium, officer::Officer, receipt::Roots},
    problem::Problem,
    proof::Proof,
    records::EntryStatus,
    service::{Caller, CertificateAct, CertificateRequest, CertificateState, Service, system_clock},
};

/// A learner with their wallet's key, an officer, and a gateway that records.
struct Scene {
    town: Town,
    service: Service,
    learner: LearnerId,
    wallet: PrivateKey,
    officer: Officer,
    roots: Roots,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

impl Scene {
    async fn set() -> Self {
        let town = Town::found(2, 50).await;
        let service = town.service(settings());
        let consortium = Consortium::Embedded(town.ledger.clone());
        let office = MspId::new("OfficeMSP").unwrap();
        let officer = Officer::register(&consortium, office, OfficerId::new("han").unwrap()).await.unwrap();
        let (learner, wallet) = (town.schools[0].learners[0].clone(), PrivateKey::generate().unwrap());
        let support = consortium.administrator("SupportMSP").unwrap();
        support.register_wallet_key(&learner, &wallet.public_key().of_wallet(0)).await.unwrap();
        let roots = Roots::read_dir(&consortium.roots().unwrap()).unwrap();
        let shutdown = CancellationToken::new();
        let running = tokio::spawn({
            let (service, shutdown) = (service.clone(), shutdown.clone());
            async move { service.run(shutdown).await }
        });
        let scene = Self { town, service, learner, wallet, officer, roots, shutdown, running };
        scene.marks(&["수학", "국어"]).await;
        scene
    }

    /// Marks of the learner in these subjects, one after the other, seen on the ledger.
    async fn marks(&self, subjects: &[&str]) {
        for subject in subjects {
            self.does(mark(&self.learner, subject)).await;
        }
    }

    async fn does(&self, asked: crate::keys::Asked) {
        let sent: super::town::Sent = self.town.schools[0].educators[0].signs([asked]).unwrap().into();
        let entry = sent.to(&self.service).await.unwrap().results[0].entry.entry;
        until("the entry is recorded", || async {
            let stored = self.town.records.entry(&entry).await.unwrap().unwrap();
            matches!(stored.status, EntryStatus::Recorded { .. })
        })
        .await;
    }

    fn as_learner(&self) -> Caller {
        Caller::Learner { id: self.learner.clone() }
    }

    fn by_learner(&self, act: impl Into<Act>) -> String {
        let signer = ActSigner::of_learner(self.learner.clone(), AUDIENCE, self.wallet.clone());
        signer.sign(act, now()).unwrap()
    }

    fn by_officer(&self, act: impl Into<Act>) -> String {
        let Officer { certificate, key, .. } = &self.officer;
        ActSigner::of_officer(certificate, AUDIENCE, key.clone()).unwrap().sign(act, now()).unwrap()
    }

    /// What the wallet holds.
    async fn held(&self) -> Vec<EntryId> {
        let page = self.town.office.entries(&self.learner, 100, "").await.unwrap();
        page.items.iter().rev().map(|entry| entry.entry).collect()
    }

    async fn asks(&self, id: CertificateId) -> Result<CertificateState, Problem> {
        let act = self.by_learner(Request { certificate: id.named() });
        let asked = CertificateRequest { act, wallet: self.held().await };
        self.service.request_certificate(&self.as_learner(), asked).await
    }

    async fn draft(&self, id: CertificateId) -> Result<Draft, Problem> {
        self.service.certificate_draft(&caller(), id).await
    }

    /// What the officer sends, once they have checked the draft on their own machine.
    fn signed(&self, id: CertificateId, draft: &Draft) -> CertificateAct {
        draft.check(&self.roots).unwrap();
        let jwt = SignedCredential::sign(&draft.credential, &self.officer.certificate, &self.officer.key);
        let jwt = jwt.unwrap();
        let digest = Digest::of(jwt.as_bytes());
        let expires_at = draft.credential.valid_until.micros();
        let act = self.by_officer(CertificateIssue { certificate: id.named(), digest, expires_at });
        CertificateAct { act, credential: Some(jwt) }
    }

    async fn does_as(
        &self,
        caller: &Caller,
        id: CertificateId,
        act: String,
    ) -> Result<CertificateState, Problem> {
        let asked = CertificateAct { act, credential: None };
        self.service.act_on_certificate(caller, id, asked).await
    }

    async fn countersigns(&self, id: CertificateId) -> Result<CertificateState, Problem> {
        let digest = Digest::of(self.file(id).await.credential.as_bytes());
        let act = self.by_learner(CertificateCountersign { certificate: id.named(), digest });
        self.does_as(&self.as_learner(), id, act).await
    }

    async fn file(&self, id: CertificateId) -> CertificateFile {
        let file = self.service.certificate_file(&self.as_learner(), id).await.unwrap();
        CertificateFile::parse(file.as_bytes()).unwrap()
    }

    /// A certificate, all the way to both signatures.
    async fn certified(&self) -> CertificateId {
        let id = CertificateId::draw().unwrap();
        self.asks(id).await.unwrap();
        let signed = self.signed(id, &self.draft(id).await.unwrap());
        self.service.act_on_certificate(&caller(), id, signed).await.unwrap();
        self.countersigns(id).await.unwrap();
        id
    }

    async fn verdict(&self, file: &CertificateFile) -> Verdict {
        self.service.judge_certificate(file.to_json().into_bytes()).await.unwrap()
    }

    async fn end(self) {
        self.shutdown.cancel();
        self.running.await.unwrap();
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Problem>) -> &'static str {
    result.unwrap_err().code
}

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

/// The file with one change, as a forger would write it.
fn forged(file: &CertificateFile, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut json: Value = serde_json::from_str(&file.to_json()).unwrap();
    change(&mut json);
    serde_json_canonicalizer::to_vec(&json).unwrap()
}

#[tokio::test]
async fn no_forgery_is_taken() {
    let scene = Scene::set().await;
    let (one, other) = (scene.certified().await, scene.certified().await);
    let (file, foreign) = (scene.file(one).await, scene.file(other).await);
    let answered = |id: CertificateId, nonce: &'static str| {
        let service = scene.service.clone();
        async move {
            let receipt = service.certificate_status(id, nonce).await.unwrap();
            Asked::Answered { receipt, nonce: nonce.to_owned() }
        }
    };
    const NONCE: &str = "00112233445566778899aabbccddeeff";
    let asked = answered(one, NONCE).await;
    let judged = |bytes: &[u8], asked: &Asked| Verdict::of(bytes, &scene.roots, asked, now());
    let good = judged(file.to_json().as_bytes(), &asked);
    assert_eq!(good.outcome, Outcome::Valid, "{good:?}");
    let broken = |bytes: &[u8]| {
        let verdict = judged(bytes, &asked);
        assert_eq!(verdict.outcome, Outcome::Refuted, "{verdict:?}");
        let check = verdict.broken().unwrap();
        (check.link, check.code.clone().unwrap())
    };
    let of = |link, code: &str| (link, code.to_owned());

    // Parts of another certificate of the same learner.
    let take = |path: &str| {
        let source: Value = serde_json::from_str(&foreign.to_json()).unwrap();
        let value = source.pointer(path).unwrap().clone();
        forged(&file, |json| *json.pointer_mut(path).unwrap() = value)
    };
    assert_eq!(broken(&take("/issued")), of(Link::Issued, "certificate.other_receipt"));
    assert_eq!(
        broken(&take("/countersigned")),
        of(Link::Countersigned, "certificate.other_countersignature")
    );
    assert_eq!(
        broken(&take("/countersigned/act")),
        of(Link::Countersigned, "certificate.other_countersignature")
    );
    assert_eq!(broken(&take("/countersigned/receipt")), of(Link::Countersigned, "certificate.other_receipt"));
    assert_eq!(broken(&take("/credential")), of(Link::Issued, "certificate.other_receipt"));

    // Proofs that are missing, twice, swapped, or changed.
    let proofs = |change: fn(&mut Vec<Value>)| {
        broken(&forged(&file, |json| change(json["proofs"]["proofs"].as_array_mut().unwrap())))
    };
    let changed = |change: &dyn Fn(&mut Vec<Proof>)| {
        let mut all: Vec<_> = file.proofs.iter().cloned().collect();
        change(&mut all);
        let file = CertificateFile { proofs: all.into_iter().collect(), ..file.clone() };
        broken(file.to_json().as_bytes())
    };
    let missing = CertificateFile { proofs: file.proofs.iter().take(1).cloned().collect(), ..file.clone() };
    assert_eq!(broken(missing.to_json().as_bytes()), of(Link::Evidence, "certificate.proofs"));
    assert_eq!(changed(&|all| all.swap(0, 1)), of(Link::Evidence, "certificate.other_proof"));
    assert_eq!(changed(&|all| all[1] = all[0].clone()), of(Link::Evidence, "certificate.other_proof"));
    let request = |all: &mut Vec<Value>| all[0]["request"] = all[1]["request"].clone();
    assert_eq!(proofs(request), of(Link::Evidence, "certificate.proof"));
    // Receipts that are not there, that nobody names, that are there twice, or that another proof names.
    assert_eq!(proofs(|all| drop(all.pop())), of(Link::Form, "certificate.file"));
    assert_eq!(proofs(|all| all[0] = json!({})), of(Link::Form, "certificate.file"));
    let crossed = |all: &mut Vec<Value>| {
        let (one, other) = all.split_at_mut(1);
        std::mem::swap(&mut one[0]["receipt"], &mut other[0]["receipt"]);
    };
    assert_eq!(proofs(crossed), of(Link::Form, "certificate.file"), "not in their order");
    let receipts = |change: fn(&mut Vec<Value>)| {
        broken(&forged(&file, |json| change(json["proofs"]["receipts"].as_array_mut().unwrap())))
    };
    assert_eq!(receipts(|all| drop(all.pop())), of(Link::Form, "certificate.file"));
    assert_eq!(receipts(|all| all.push(all[0].clone())), of(Link::Form, "certificate.file"));
    assert_eq!(receipts(|all| all[0]["transaction"] = json!("x")), of(Link::Form, "certificate.file"));

    // The JWT's parts.
    let [header, payload, signature] = parts(&file.credential);
    let with = |header: &str, payload: &str, signature: &str| {
        forged(&file, |json| json["credential"] = format!("{header}.{payload}.{signature}").into())
    };
    let twin = twin(&signature);
    assert_eq!(broken(&with(&header, &payload, &twin)), of(Link::Issued, "certificate.other_digest"));
    let flipped = change_text(&signature, 10);
    assert_eq!(broken(&with(&header, &payload, &flipped)), of(Link::Signature, "certificate.signature"));
    let raised = edit(&payload, |credential| {
        credential["credentialSubject"]["record"]["grades"][0]["score"] = json!(100)
    });
    assert_eq!(broken(&with(&header, &raised, &signature)), of(Link::Signature, "certificate.signature"));
    for change in [
        (|header: &mut Value| header["alg"] = json!("none")) as fn(&mut Value),
        |header| header["typ"] = json!("JWT"),
        |header| header["kid"] = json!("x"),
        |header| header["x5c"] = json!([]),
    ] {
        assert_eq!(broken(&with(&edit(&header, change), &payload, &signature)).0, Link::Form);
    }

    // Signed anew by somebody else, about the same: another officer of the office, of the other, a teacher, a peer's CA.
    let credential = &file.read().unwrap().credential;
    let consortium = Consortium::Embedded(scene.town.ledger.clone());
    let (office, support) = (MspId::new("OfficeMSP").unwrap(), MspId::new("SupportMSP").unwrap());
    let colleague = Officer::register(&consortium, office, OfficerId::new("kim").unwrap()).await.unwrap();
    let stranger = Officer::register(&consortium, support, OfficerId::new("seo").unwrap()).await.unwrap();
    let teacher = &scene.town.schools[0].educators[0];
    let peer = consortium
        .authority("OfficeMSP")
        .unwrap()
        .issue("peer0", "peer", crate::keys::Validity::days(now(), 10))
        .unwrap();
    for (certificate, key, link, code) in [
        (&colleague.certificate, &colleague.key, Link::Issued, "certificate.other_digest"),
        (&stranger.certificate, &stranger.key, Link::Issuer, "certificate.other_office"),
        (&teacher.certificate, &teacher.key, Link::Issuer, "certificate.no_office"),
        (&peer.certificate, &peer.key, Link::Issuer, "certificate.not_an_officer"),
    ] {
        let jwt = SignedCredential::sign(credential, certificate, key).unwrap();
        assert_eq!(broken(&forged(&file, |json| json["credential"] = jwt.into())), of(link, code));
    }
    // The very officer signs something else: the proofs do not hold it.
    let mut better = credential.clone();
    better.credential_subject.record.get_mut("grades").unwrap()[0].insert("score".into(), json!(100));
    let jwt = SignedCredential::sign(&better, &scene.officer.certificate, &scene.officer.key).unwrap();
    let found = broken(&forged(&file, |json| json["credential"] = jwt.into()));
    assert_eq!(found, of(Link::Record, "certificate.row"));
    let mut less = credential.clone();
    less.credential_subject.record.get_mut("grades").unwrap().pop();
    let jwt = SignedCredential::sign(&less, &scene.officer.certificate, &scene.officer.key).unwrap();
    let found = broken(&forged(&file, |json| json["credential"] = jwt.into()));
    assert_eq!(found, of(Link::Record, "certificate.superfluous"));

    // Status answers that are not this question's tell nothing.
    let unsure = |asked: &Asked| {
        let verdict = judged(file.to_json().as_bytes(), asked);
        assert_eq!(verdict.outcome, Outcome::CannotTell, "{verdict:?}");
        verdict.broken().unwrap().code.clone().unwrap()
    };
    assert_eq!(unsure(&answered(other, NONCE).await), "certificate.other_status");
    let Asked::Answered { receipt, .. } = asked.clone() else { unreachable!() };
    let old = Asked::Answered { receipt: receipt.clone(), nonce: "ff".repeat(16) };
    assert_eq!(unsure(&old), "certificate.nonce");
    let mut alone = receipt.clone();
    alone.endorsements.pop();
    assert_eq!(unsure(&Asked::Answered { receipt: alone, nonce: NONCE.into() }), "certificate.status");
    let trail = scene.town.office.trail(&scene.learner, NONCE).await.unwrap();
    assert_eq!(unsure(&Asked::Answered { receipt: trail, nonce: NONCE.into() }), "certificate.other_answer");
    let issued = Asked::Answered { receipt: file.issued.clone(), nonce: NONCE.into() };
    assert_eq!(unsure(&issued), "certificate.other_answer");

    // Other offices' roots.
    let elsewhere = Town::found(1, 50).await;
    let roots = Consortium::Embedded(elsewhere.ledger.clone()).roots().unwrap();
    let verdict = Verdict::of(file.to_json().as_bytes(), &Roots::read_dir(&roots).unwrap(), &asked, now());
    assert_eq!(verdict.broken().unwrap().code.as_deref(), Some("certificate.no_office"));
    scene.end().await;
}

#[tokio::test]
async fn no_letter_of_a_certificate_can_be_changed() {
    let scene = Scene::set().await;
    let file = scene.file(scene.certified().await).await.to_json();
    let unasked = Asked::Unanswered { code: "x".into(), detail: String::new() };
    let outcome = |bytes: &[u8]| Verdict::of(bytes, &scene.roots, &unasked, now()).outcome;
    assert_eq!(outcome(file.as_bytes()), Outcome::CannotTell, "all that can be told alone holds");
    let step = (file.len() / 1_500).max(1);
    for place in (0..file.len()).step_by(step) {
        let mut changed = file.clone().into_bytes();
        changed[place] ^= 1;
        // The number of a receipt's block is told by the ledger and signed by nobody.
        let block = &file[place.saturating_sub(12)..place];
        if block.contains("\"block\":") && changed[place].is_ascii_digit() {
            continue;
        }
        assert_eq!(
            outcome(&changed),
            Outcome::Refuted,
            "{place}: {}",
            &file[place.saturating_sub(30)..place]
        );
    }
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

fn parts(jwt: &str) -> [String; 3] {
    let parts: Vec<_> = jwt.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

fn edit(part: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut json: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    change(&mut json);
    URL_SAFE_NO_PAD.encode(serde_json_canonicalizer::to_vec(&json).unwrap())
}

fn change_text(text: &str, place: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

/// The other valid signature: (r, n - s).
fn twin(signature: &str) -> String {
    let signature = p256::ecdsa::Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let (r, s) = signature.split_scalars();
    let twin = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
    URL_SAFE_NO_PAD.encode(twin.to_bytes())
}

#[test]
fn a_second_is_what_a_credential_says() {
    assert_eq!(Second::of(1_790_000_000_999_999).to_string(), "2026-09-21T14:13:20Z");
}
