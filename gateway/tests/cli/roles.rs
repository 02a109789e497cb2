//! One role of the gateway as a process of its own.

use serde_json::json;

use crate::{program::Program, served::Served};

/// Without `api` the faces tell how the process is, and take nothing.
#[test]
fn a_role_alone_tells_how_it_is_and_takes_nothing() {
    let program = Program::new();
    let served = Served::start(&program, &[("SILLOK_ROLE", "verifier,recorder")]);
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let status = |path: &str| {
        let url = format!("{}{path}", served.rest);
        runtime.block_on(async { reqwest::get(url).await.unwrap().status().as_u16() })
    };
    assert_eq!(status("/healthz"), 200);
    assert_eq!(status("/metrics"), 200);
    assert_eq!(status("/v1/alerts"), 404);
    assert_eq!(status("/v1/signatures/none"), 404);
    assert_eq!(served.end("TERM").code(), Some(0));
}

/// A role that there is not is told with those that there are.
#[test]
fn a_role_that_there_is_not_is_refused() {
    let (_, code, detail) = Program::new().refused("serve --role notary");
    assert_eq!(code, "usage");
    assert!(detail.contains("api, signer, verifier, recorder, monitor"), "{detail}");
}

/// An administrator reads what a role is granted before giving it.
#[test]
fn what_a_role_is_granted_is_told() {
    let program = Program::new();
    let lines = |arguments: &str| program.json(arguments)["lines"].as_array().unwrap().clone();
    let roles = lines("role list");
    assert!(roles.contains(&json!("api")) && roles.contains(&json!("verifier")), "{roles:?}");
    for role in roles {
        let role = role.as_str().unwrap();
        assert!(!lines(&format!("role sql {role} --login somebody")).is_empty());
        assert!(!lines(&format!("role acls {role} --principal User:CN=somebody")).is_empty());
    }
}
