//! What a printed certificate's QR code leads to: a page for people, whose words are in both languages.

use axum::{
    extract::State,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use sillok_contract::credential::CredentialStatus;
use utoipa::IntoParams;

use super::{
    Rest,
    parameters::{InPath, InQuery},
    problem::HttpProblem,
};
use crate::{
    certificate::{CertificateId, Glance, Outcome, Second},
    server::{certificate_digest, certificate_id},
};

/// Which certificate it is that has this id.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Paper {
    /// The digest on the paper: SHA-256 of the credential's JWT.
    #[param(pattern = "^[0-9a-f]{64}$")]
    digest: String,
}

/// A page that tells people whether the certificate on a paper is in force.
///
/// Both offices are asked now. Where they do not both answer the page says so, and never that the certificate is in force.
/// It tells nothing of what the certificate says; for that there is its file. For anybody who has the paper.
#[utoipa::path(
    get,
    path = "/v1/certificates/{certificate}/page",
    tag = "certificates",
    params(
        ("certificate" = String, Path, description = "The certificate's id: a random UUID.", pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"),
        Paper
    ),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
    security(())
)]
pub(super) async fn page(
    State(rest): State<Rest>,
    InPath(id): InPath<String>,
    InQuery(paper): InQuery<Paper>,
) -> Result<Response, HttpProblem> {
    let (id, digest) = (certificate_id(&id)?, certificate_digest(&paper.digest)?);
    let glance = rest.service.certificate_at_a_glance(id, digest).await?;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    Ok((headers, html(id, &paper.digest, &glance)).into_response())
}

const STYLE: &str = "body{font:1.05rem/1.6 serif;max-width:38rem;margin:2rem auto;padding:0 1rem;color:#222}\
    h1{font-size:1.4rem}h2{padding:.7rem 1rem;color:#fff;font-size:1.25rem}.valid{background:#1b6e3a}.no{background:#a11d2a}\
    .unknown{background:#7a5b00}dt{color:#666;font-size:.9rem}dd{margin:0 0 .7rem;overflow-wrap:anywhere}";

fn html(id: CertificateId, digest: &str, glance: &Glance) -> String {
    let (class, ko, en) = words(glance.outcome);
    let mut rows = vec![
        ("증명서 번호 / Certificate no.", id.to_string()),
        ("디지털 지문 / Digest (SHA-256)", digest.to_owned()),
    ];
    rows.extend(glance.status.iter().flat_map(details));
    let rows: String =
        rows.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>", escaped(value))).collect();
    format!(
        "<!DOCTYPE html><html lang=\"ko\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><meta name=\"sillok-outcome\" content=\"{}\"><title>진위 확인 / Verification</title>\
         <style>{STYLE}</style></head><body><h1>학교생활기록 증명서 진위 확인<br>Verification of a Certificate of School \
         Record</h1><h2 class=\"{class}\">{ko}<br>{en}</h2><dl>{rows}</dl><p>{}</p><p lang=\"en\">{}</p></body></html>",
        glance.outcome.as_str(),
        "증명서 번호와 디지털 지문이 종이에 인쇄된 것과 같은지 확인하십시오. 이 화면은 종이에 적힌 내용까지 확인하지는 \
         않습니다. 내용은 소지자에게 증명서 파일을 받아 검증하십시오.",
        "Compare number and digest with those on the paper. This page does not tell whether the paper says what the \
         certificate says: ask its holder for the certificate's file, and verify that.",
    )
}

fn words(outcome: Outcome) -> (&'static str, &'static str, &'static str) {
    match outcome {
        Outcome::Valid => ("valid", "유효한 증명서입니다", "This certificate is in force"),
        Outcome::Revoked => ("no", "취소된 증명서입니다", "This certificate was revoked"),
        Outcome::Expired => ("no", "유효 기한이 지난 증명서입니다", "This certificate has expired"),
        Outcome::NotYetValid => {
            ("no", "아직 유효하지 않은 증명서입니다", "This certificate is not in force yet")
        }
        Outcome::NotCountersigned => (
            "no",
            "학습자가 서명하지 않은 증명서입니다",
            "This certificate was not countersigned by the learner",
        ),
        Outcome::Refuted => (
            "no",
            "원장에 기록된 증명서와 다릅니다. 위조되었을 수 있습니다",
            "The ledger knows another certificate under this number: the paper may be forged",
        ),
        Outcome::CannotTell => (
            "unknown",
            "확인할 수 없습니다. 유효한 것으로 보지 마십시오",
            "It cannot be told whether this certificate is in force: do not take it for valid",
        ),
    }
}

fn details(status: &CredentialStatus) -> Vec<(&'static str, String)> {
    let time = |micros: i64| Second::of(micros).to_string();
    let times = [
        ("발급 / Issued", status.issued_at),
        ("유효 기한 / Good until", status.expires_at),
        ("취소 / Revoked", status.revoked_at),
        ("확인 시각 / Asked at", Some(status.time)),
    ];
    let issuer = status.issued_by.iter().map(|officer| ("서명자 / Signed by", officer.to_string()));
    let learner = ("학습자 번호 / Learner's id", status.learner.to_string());
    let times = times.into_iter().filter_map(|(name, at)| Some((name, time(at?))));
    [learner].into_iter().chain(issuer).chain(times).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
