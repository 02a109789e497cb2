//! Alerts, as whoever raises them leaves them.

use serde_json::json;

use super::{NOW, Office, on_every_engine};
use crate::records::{Evidence, Finding, NewAlert};

on_every_engine!(an_alert_is_raised_once_with_all_that_it_rests_on);

async fn an_alert_is_raised_once_with_all_that_it_rests_on(office: &Office) {
    let events = vec!["signatures.verified/0a".to_owned(), "signatures.verified/0b".to_owned()];
    let seen = Finding {
        key: json!({"signer": "학부모-1"}).as_object().cloned(),
        rows: 3,
        detail: Some("5 signatures did not verify".to_owned()),
        evidence: Some(Evidence { count: 5, from: NOW, until: NOW + 1, events }),
        ..Finding::new("signature.failing")
    };
    let alert = NewAlert { fingerprint: "monitor:1".to_owned(), finding: seen.clone() };
    let other = NewAlert { fingerprint: "watch:1".to_owned(), finding: Finding::new("watch.gap") };
    let raised = office.records.raise(&[alert.clone(), other]).await.unwrap();
    assert_eq!(
        raised.iter().map(|alert| &alert.finding).collect::<Vec<_>>(),
        [&seen, &Finding::new("watch.gap")]
    );
    assert!(raised.iter().all(|alert| !alert.advice.is_empty()));
    assert_eq!(office.records.raise(&[alert]).await.unwrap(), [], "raised before");
    assert_eq!(office.records.alerts(0, 10).await.unwrap(), raised);
}
