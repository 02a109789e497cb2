//! What is erased is gone, and nothing else is.

use serde_json::json;

use super::{Office, on_every_engine};

on_every_engine!(an_entry_is_erased_and_its_neighbour_is_not);

async fn an_entry_is_erased_and_its_neighbour_is_not(office: &Office) {
    let sql = "INSERT INTO notes (year, area, number, content) VALUES (2026, 'club', 1, $1)";
    let (secret, other) = ([json!("secret")], [json!("other")]);
    let request = office.request("r", &[("learner-1", sql, &secret), ("learner-2", sql, &other)]);
    let outcome = office.executes(&request).await.unwrap();
    let ids = [outcome.results[0].entry, outcome.results[1].entry];
    assert_eq!(office.records.erase(&ids[..1]).await.unwrap(), 1);
    assert_eq!(office.records.erase(&ids[..1]).await.unwrap(), 0, "again, it is no error");
    let erased = office.records.entry(&ids[0]).await.unwrap().unwrap();
    assert_eq!((erased.bytes.len(), erased.learner.as_str()), (0, "learner-1"));
    assert!(!office.records.entry(&ids[1]).await.unwrap().unwrap().bytes.is_empty());
    let answer = office.executes(&request).await.unwrap();
    assert_eq!((answer.results[0].entry, answer.results[0].rows), (ids[0], 1));
    assert!(answer.results[0].data.is_empty(), "its rows are gone from the answer");
    assert_eq!(answer.results[1], outcome.results[1]);
}
