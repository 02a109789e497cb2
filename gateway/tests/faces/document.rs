//! The OpenAPI document: true to the routes, and complete.

use reqwest::{Client, Method};
use serde_json::Value;

use crate::running::start;

fn every_reference(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| every_reference(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| every_reference(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_document_is_whole() {
    let gateway = start(|_| {}).await;
    let document: Value =
        Client::new().get(gateway.url("/openapi.json")).send().await.unwrap().json().await.unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let mut references = Vec::new();
    every_reference(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    assert!(document["components"]["securitySchemes"]["access"].is_object());
    gateway.stop().await;
}

#[tokio::test]
async fn every_operation_is_served_and_says_what_it_answers() {
    let gateway = start(|_| {}).await;
    let document: Value =
        Client::new().get(gateway.url("/openapi.json")).send().await.unwrap().json().await.unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 44, "{:?}", paths.keys());
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(operation["summary"].is_string() && operation["operationId"].is_string(), "{name}");
            let responses = operation["responses"].as_object().unwrap();
            let is_answered = ["200", "202"].iter().any(|status| responses.contains_key(*status));
            assert!(is_answered && responses.contains_key("429"), "{name}");
            for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                let documented = &response["content"]["application/problem+json"]["schema"]["$ref"];
                let is_readiness = path == "/readyz" && status == "503";
                assert!(is_readiness || documented == "#/components/schemas/Problem", "{name} {status}");
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            let served = Client::new()
                .request(method, gateway.url(&path.replace(['{', '}'], "")))
                .send()
                .await
                .unwrap();
            let status = served.status().as_u16().to_string();
            assert!(responses.contains_key(&status), "{name} answered {status}, which is not documented");
            assert!(!["404", "405"].contains(&status.as_str()), "{name} is not served");
        }
    }
    gateway.stop().await;
}
