//! The OpenAPI document: what is the same for many operations is written once, here.

use utoipa::{
    OpenApi as _,
    openapi::{
        ComponentsBuilder, ContentBuilder, Header, HeaderBuilder, OpenApi, Ref, Response, ResponseBuilder,
        path::{Operation, PathItem},
        schema::{ObjectBuilder, Type},
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use super::problem::{Document, MEDIA_TYPE};

/// The name of the security scheme.
const ACCESS: &str = "access";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Sillok",
        description = "Every query on a learner's record, recorded provably.\n\nErrors are problem documents (RFC 9457); \
            their `code` is stable and `retry` says whether sending the same again may help.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Document)),
    tags(
        (name = "requests", description = "Educators' signed requests."),
        (name = "entries", description = "Queries on their way to the ledger, and their proofs."),
        (name = "schools", description = "A school's batches and entries."),
        (name = "learners", description = "What was recorded about a learner, and whether the database still holds it."),
        (name = "learners", description = "What ledger and database hold about a learner, compared."),
        (name = "alerts", description = "What was found that did not come through the gateway."),
        (name = "dead letters", description = "Events that could not be handled and were put aside."),
        (name = "certificates", description = "What offices certify of learners' records, and whether it is in force."),
        (name = "objections", description = "What learners say is wrong, and what the offices decide."),
        (name = "signatures", description = "Signatures of documents, documents of several parties, claims of works."),
        (name = "operation", description = "For those who run the gateway.")
    )
)]
struct Outline;

/// The document without its operations.
pub(super) fn outline() -> OpenApi {
    Outline::openapi()
}

/// The document with the security scheme, and with every problem that each operation may answer.
pub(super) fn complete(mut api: OpenApi) -> OpenApi {
    let components = api.components.take().map_or_else(ComponentsBuilder::new, Into::into);
    api.components = Some(components.security_scheme(ACCESS, scheme()).build());
    api.security = Some(vec![SecurityRequirement::new(ACCESS, [] as [&str; 0])]);
    for (path, item) in &mut api.paths.paths {
        for operation in operations(item) {
            add_problems(path, operation);
        }
    }
    api
}

fn scheme() -> SecurityScheme {
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.bearer_format = Some("sillok-access+jwt".to_owned());
    bearer.description = Some(
        "A compact JWS (ES256) of the caller's own key, `typ` `sillok-access+jwt`, with `x5t#S256`, `aud`, `htm`, `htu`, \
         `iat` and `exp` (at most 300 s ahead)."
            .to_owned(),
    );
    SecurityScheme::Http(bearer)
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    item.get.as_mut().into_iter().chain(item.post.as_mut())
}

fn add_problems(path: &str, operation: &mut Operation) {
    let submits = operation.request_body.is_some();
    let is_api = path.starts_with("/v1/");
    let problems = [
        (400, is_api, "Something in the request is not of its form."),
        (401, is_api, "There is no proof of who asks, or not a good one."),
        (403, is_api || path == "/metrics", "The caller may not do this."),
        (404, is_api, "There is no such thing, or not for this caller."),
        (409, is_api, "It contradicts what is already there, or comes too early."),
        (413, submits, "The body, a query or a result is larger than it may be."),
        (415, submits, "The body is not JSON."),
        (422, submits, "The database refused a statement; nothing took effect."),
        (429, true, "The caller sends more requests than they may."),
        (431, true, "The head of the request is larger than it may be."),
        (500, true, "The gateway failed."),
        (503, is_api, "A part that is needed is away, or the gateway is busy; try again."),
        (504, true, "It took too long; send the same again to learn what became of it."),
    ];
    for (status, _, description) in problems.into_iter().filter(|(_, applies, _)| *applies) {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_string()).or_insert_with(|| problem(status, description).into());
    }
}

fn problem(status: u16, description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new().description(description).content(MEDIA_TYPE, content);
    match status {
        401 => response.header("WWW-Authenticate", header(Type::String, "The scheme to use: Bearer.")),
        429 | 503 => {
            response.header("Retry-After", header(Type::Integer, "Seconds to wait, where that is known."))
        }
        _ => response,
    }
    .build()
}

fn header(kind: Type, description: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(kind).build();
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}
