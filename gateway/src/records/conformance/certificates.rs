//! What is kept of certificates, beside their states on the ledger.

use sillok_contract::id::LearnerId;

use super::{NOW, Office, on_every_engine};
use crate::{certificate::CertificateId, records::StoredCertificate};

on_every_engine!(
    what_was_asked_is_kept_and_gets_its_file,
    a_learners_certificates_are_theirs_in_the_order_of_the_asking,
    what_of_a_certificate_is_settled_is_not_written_over,
);

fn asked(learner: &str, later: i64) -> StoredCertificate {
    StoredCertificate {
        id: CertificateId::draw().unwrap(),
        learner: LearnerId::new(learner).unwrap(),
        asked_at: NOW + later,
        agrees: true,
        report: "보고서 of what was compared".to_owned(),
        file: None,
    }
}

async fn what_was_asked_is_kept_and_gets_its_file(office: &Office) {
    let certificate = asked("learner-1", 0);
    assert_eq!(office.records.certificate(&certificate.id).await.unwrap(), None);
    office.records.store_certificate(&certificate).await.unwrap();
    assert_eq!(office.records.certificate(&certificate.id).await.unwrap(), Some(certificate.clone()));
    // Of every byte, and long: a file is no text to a database.
    let file: Vec<u8> = (0..=u8::MAX).cycle().take(3 * 1024 * 1024).collect();
    let issued = StoredCertificate { file: Some(file), ..certificate.clone() };
    office.records.store_certificate(&issued).await.unwrap();
    office.records.store_certificate(&issued).await.unwrap();
    assert_eq!(office.records.certificate(&issued.id).await.unwrap(), Some(issued.clone()));
    assert_eq!(office.records.certificates(&issued.learner).await.unwrap(), [issued]);
}

async fn a_learners_certificates_are_theirs_in_the_order_of_the_asking(office: &Office) {
    let [late, early, between] = [2, 0, 1].map(|later| asked("learner-1", later));
    let other = StoredCertificate { agrees: false, ..asked("learner-2", 0) };
    for certificate in [&late, &other, &early, &between] {
        office.records.store_certificate(certificate).await.unwrap();
    }
    let of =
        async |learner: &str| office.records.certificates(&LearnerId::new(learner).unwrap()).await.unwrap();
    assert_eq!(of("learner-1").await, [early, between, late]);
    assert_eq!(of("learner-2").await, [other]);
    assert_eq!(of("learner-3").await, []);
}

/// Whose it is, when it was asked for and what came of it then: stored again, only report and file are new.
async fn what_of_a_certificate_is_settled_is_not_written_over(office: &Office) {
    let certificate = asked("learner-1", 0);
    office.records.store_certificate(&certificate).await.unwrap();
    let claimed = StoredCertificate {
        learner: LearnerId::new("learner-2").unwrap(),
        asked_at: NOW + 5,
        agrees: false,
        file: Some(b"file".to_vec()),
        ..certificate.clone()
    };
    office.records.store_certificate(&claimed).await.unwrap();
    let kept = StoredCertificate { file: Some(b"file".to_vec()), ..certificate };
    assert_eq!(office.records.certificate(&kept.id).await.unwrap(), Some(kept.clone()));
    assert_eq!(office.records.certificates(&claimed.learner).await.unwrap(), []);
}
