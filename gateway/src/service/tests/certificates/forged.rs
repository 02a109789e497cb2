//! Every forgery of a certificate, none taken.

use super::*;

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
