//! Which web pages may call: what a browser asks, and reads off the answers.

use reqwest::{Client, Method, Response, StatusCode};

use crate::running::{Running, start};

const OURS: &str = "https://sign.example";
const ALLOWED: &str = "access-control-allow-origin";

/// What a browser asks before a page of this origin may hand a signature in.
async fn asked(gateway: &Running, origin: &str) -> Response {
    let request = Client::new().request(Method::OPTIONS, gateway.url("/v1/signatures"));
    let request = request.header("origin", origin).header("access-control-request-method", "POST");
    request.header("access-control-request-headers", "authorization,content-type").send().await.unwrap()
}

async fn called(gateway: &Running, origin: &str) -> Response {
    let request = Client::new().post(gateway.url("/v1/signatures")).header("origin", origin);
    request.body("{}").header("content-type", "application/json").send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_page_calls_where_its_origin_is_named() {
    let gateway = start(|settings| settings.listen.origins = vec![OURS.to_owned()]).await;
    let response = asked(&gateway, OURS).await;
    assert_eq!((response.status(), header(&response, ALLOWED)), (StatusCode::OK, Some(OURS)));
    assert_eq!(header(&response, "access-control-allow-methods"), Some("GET,POST"));
    let headers = header(&response, "access-control-allow-headers").unwrap();
    assert!(headers.contains("authorization") && headers.contains("content-type"), "{headers}");
    assert_eq!(header(&response, "access-control-allow-credentials"), None);

    // A refusal is read, too.
    let response = called(&gateway, OURS).await;
    assert_eq!((response.status(), header(&response, ALLOWED)), (StatusCode::UNAUTHORIZED, Some(OURS)));
    assert!(header(&response, "access-control-expose-headers").unwrap().contains("x-request-id"));

    for origin in ["https://other.example", "http://sign.example", "null"] {
        assert_eq!(header(&asked(&gateway, origin).await, ALLOWED), None, "{origin}");
        assert_eq!(header(&called(&gateway, origin).await, ALLOWED), None, "{origin}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn no_page_calls_where_none_is_named() {
    let gateway = start(|_| {}).await;
    let response = asked(&gateway, OURS).await;
    assert_eq!((response.status(), header(&response, ALLOWED)), (StatusCode::METHOD_NOT_ALLOWED, None));
    assert_eq!(header(&called(&gateway, OURS).await, ALLOWED), None);
    gateway.stop().await;
}
