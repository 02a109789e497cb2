//! A gateway that lies to a learner, played by a proxy before a real one: whatever it leaves out or changes, the wallet
//! finds, keeps what is true, and is whole again once it hears the truth.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use crate::{
    program::Program,
    served::Served,
    wallet::{ROOTS, mark, school},
};

/// What becomes of an answer, by its path; none is an answer that there is no such thing.
type Lie = Box<dyn Fn(&str, Vec<u8>) -> Option<Vec<u8>> + Send + Sync>;

/// A proxy before a gateway, and what it tells instead.
struct Liar {
    gateway: String,
    lie: Mutex<Lie>,
}

impl Liar {
    /// Its address too.
    async fn before(served: &Served) -> (Arc<Self>, String) {
        // Fails only where one is installed already, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let lie: Lie = Box::new(|_, body| Some(body));
        let liar = Arc::new(Self { gateway: served.rest.clone(), lie: Mutex::new(lie) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(liar.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (liar, address)
    }

    fn tells(&self, lie: impl Fn(&str, Vec<u8>) -> Option<Vec<u8>> + Send + Sync + 'static) {
        *self.lie.lock().unwrap() = Box::new(lie);
    }
}

async fn pass(State(liar): State<Arc<Liar>>, uri: Uri, headers: HeaderMap) -> Response {
    let url = format!("{}{}", liar.gateway, uri.path_and_query().unwrap());
    let mut request = reqwest::Client::new().get(url);
    for name in [header::HOST, header::AUTHORIZATION] {
        request = request.header(&name, &headers[&name]);
    }
    let answer = request.send().await.unwrap();
    let (status, body) = (answer.status(), answer.bytes().await.unwrap());
    let told = match status {
        StatusCode::OK => liar.lie.lock().unwrap()(uri.path(), body.to_vec()),
        _ => Some(body.to_vec()),
    };
    match told {
        Some(body) => {
            (status, [(header::CONTENT_TYPE, "application/json")], Bytes::from(body)).into_response()
        }
        None => (StatusCode::NOT_FOUND, r#"{"code":"not_found","detail":"…"}"#).into_response(),
    }
}

/// An answer's JSON, changed.
fn changed(body: &[u8], change: impl FnOnce(&mut Value)) -> Option<Vec<u8>> {
    let mut value = serde_json::from_slice(body).unwrap();
    change(&mut value);
    Some(serde_json::to_vec(&value).unwrap())
}

/// The page without the entry of this number.
fn without(number: u64) -> impl Fn(&str, Vec<u8>) -> Option<Vec<u8>> {
    move |path, body| match path.ends_with("/entries") {
        true => changed(&body, |page| {
            page["entries"].as_array_mut().unwrap().retain(|entry| entry["number"] != number);
            page["count"] = (page["count"].as_u64().unwrap() - 1).into();
        }),
        false => Some(body),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_gateway_leaves_out_or_changes_the_wallet_finds() {
    let program = Program::new();
    school(&program);
    let served = Served::start(&program, &[]);
    for subject in ["art", "history", "music"] {
        mark(&program, &served, "L1", subject);
    }
    mark(&program, &served, "L2", "art");
    let (liar, address) = Liar::before(&served).await;
    let sync = format!("wallet sync own/L1.wallet --gateway {address} --patience 1 --passphrase-file secret");
    let refused = |what: &str, exit: i32, code: &str| {
        let told = tokio::task::block_in_place(|| program.refused(&sync));
        assert_eq!((told.0, told.1.as_str()), (exit, code), "{what}: {}", told.2);
        told.2
    };
    let held = || {
        program.json("wallet show own/L1.wallet --passphrase-file secret")["entries"]
            .as_array()
            .unwrap()
            .len()
    };

    liar.tells(without(1));
    let detail = refused("the first is left out", 6, "wallet.incomplete");
    assert!(detail.contains("entry 1 is missing: there are 3"), "{detail}");
    liar.tells(without(2));
    refused("the second is left out", 6, "wallet.incomplete");
    assert_eq!(held(), 1, "the first is true, and kept");
    let (exit, code, _) =
        program.refused(&format!("wallet verify own/L1.wallet --roots {ROOTS} --passphrase-file secret"));
    assert_eq!((exit, code.as_str()), (6, "wallet.incomplete"), "and what is missing shows offline");
    liar.tells(without(3));
    refused("the last is left out", 6, "wallet.incomplete");
    assert_eq!(held(), 2);
    liar.tells(|path, body| Some(body).filter(|_| !path.ends_with("/proof")));
    refused("no proof is given", 6, "wallet.incomplete");

    liar.tells(|path, body| match path.ends_with("/trail") {
        true => changed(&body, |receipt| drop(receipt["endorsements"].as_array_mut().unwrap().pop())),
        false => Some(body),
    });
    refused("one office has not signed", 5, "wallet.attestation");
    let first = Mutex::new(None::<Vec<u8>>);
    liar.tells(move |path, body| match path.ends_with("/trail") {
        true => Some(first.lock().unwrap().get_or_insert(body).clone()),
        false if path.ends_with("/proof") => None,
        false => Some(body),
    });
    refused("an attestation, once", 6, "wallet.incomplete");
    refused("the same attestation again", 5, "wallet.nonce");
    liar.tells(|path, body| match path.ends_with("/proof") {
        true => changed(&body, |proof| proof["index"] = (proof["index"].as_u64().unwrap() + 1).into()),
        false => Some(body),
    });
    refused("an edited proof", 5, "wallet.proof");

    liar.tells(|_, body| Some(body));
    let done = tokio::task::block_in_place(|| program.json(&sync));
    assert_eq!((&done["entries"], &done["new"]), (&3.into(), &1.into()));
    program.json(&format!("wallet verify own/L1.wallet --roots {ROOTS} --passphrase-file secret"));
}
