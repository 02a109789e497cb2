//! A client of the gateway's REST face: what `sillok request`, `sillok proof` and the demo call it with.

mod error;
mod letters;
mod signatures;

use std::{net::IpAddr, path::Path, time::Duration};

use reqwest::{Method, RequestBuilder, Response, Url, header::CONTENT_TYPE, redirect::Policy};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sillok_contract::{
    entry::EntryId,
    id::{LearnerId, ObjectionId, SchoolId},
};

pub use error::{ClientError, Refused};

use crate::{
    certificate::{CertificateId, Draft, Language, Verdict},
    clock,
    drift::{History, Plan, Selection, SignedReport},
    keys::{AccessToken, Expected, SignedQueries},
    ledger::Receipt,
    records::Alert,
    service::{
        Batch, CertificateAct, CertificateRequest, CertificateState, Digest, EntryState, ErasureRequest,
        ErasureState, LearnerEntries, LearnerWithRows, ObjectionDecision, ObjectionFiling, ObjectionState,
        Objections, ObjectionsWanted, RequestState, WaitingCertificates,
    },
};

/// How long one call may take.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// For how many seconds an access token is signed: it is used at once.
const TOKEN_SECONDS: u16 = 60;

/// A gateway, as one caller sees it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    audience: String,
    access: Option<AccessToken>,
}

impl Client {
    /// Of the gateway at `base`, such as `https://gateway.example:8080`, which calls itself `audience`.
    /// `root` is a PEM file of the authority that issued its TLS certificate, besides those the system trusts.
    pub fn new(base: &str, audience: &str, root: Option<&Path>) -> Result<Self, ClientError> {
        let base = address(base)?;
        let mut http = builder();
        if let Some(root) = root {
            let unusable =
                |error: &dyn std::fmt::Display| ClientError::Setting(format!("{}: {error}", root.display()));
            let pem = std::fs::read(root).map_err(|error| unusable(&error))?;
            let roots = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| unusable(&error))?;
            http = http.tls_certs_merge(roots);
        }
        Ok(Self { http: built(http)?, base, audience: audience.to_owned(), access: None })
    }

    /// The same gateway, called from this address of the machine; over TLS only if the system trusts its certificate.
    pub fn from_address(&self, local: IpAddr) -> Result<Self, ClientError> {
        Ok(Self { http: built(builder().local_address(local))?, ..self.clone() })
    }

    /// The same gateway for a caller who may see what is not public.
    pub fn with_access(&self, access: AccessToken) -> Self {
        Self { access: Some(access), ..self.clone() }
    }

    /// Sends a signed request. Sent again, it answers as the first time.
    pub async fn submit(&self, signed: &SignedQueries) -> Result<RequestState, ClientError> {
        let answer = self.submit_json(signed.to_json()).await?;
        serde_json::from_slice(&answer).map_err(|error| ClientError::Malformed(error.to_string()))
    }

    /// Sends what [`SignedQueries::to_json`] made, and gives the answer's JSON as it comes.
    pub async fn submit_json(&self, signed: String) -> Result<Vec<u8>, ClientError> {
        let request = self.http.post(self.url("v1/requests")?).header(CONTENT_TYPE, "application/json");
        let response = request.body(signed).send().await.map_err(ClientError::unreachable)?;
        body(answered(response).await?).await
    }

    /// The state of a request, entry by entry.
    pub async fn request(&self, digest: Digest) -> Result<RequestState, ClientError> {
        read(self.get(&format!("v1/requests/{digest}")).await?).await
    }

    /// The state of an entry.
    pub async fn entry(&self, id: EntryId) -> Result<EntryState, ClientError> {
        read(self.get(&format!("v1/entries/{id}")).await?).await
    }

    /// The proof of a recorded entry: the bytes of its file.
    pub async fn proof(&self, id: EntryId) -> Result<Vec<u8>, ClientError> {
        body(answered(self.get(&format!("v1/entries/{id}/proof")).await?).await?).await
    }

    /// A school's recorded batches after a sequence, at most 100.
    pub async fn batches(&self, school: &SchoolId, after: u64) -> Result<Vec<Batch>, ClientError> {
        let page: Batches =
            read(self.get(&format!("v1/schools/{school}/batches?after={after}")).await?).await?;
        Ok(page.batches)
    }

    /// Whether database and ledger agree about a learner.
    pub async fn verification(&self, learner: &LearnerId) -> Result<SignedReport, ClientError> {
        read(self.post(&format!("v1/learners/{learner}/verification")).await?).await
    }

    /// How a learner's rows would be put back.
    pub async fn restoration(&self, learner: &LearnerId) -> Result<Plan, ClientError> {
        read(self.post(&format!("v1/learners/{learner}/restoration")).await?).await
    }

    /// The lives of a learner's rows: of a table, with these columns in their keys.
    pub async fn history(&self, learner: &LearnerId, rows: &Selection) -> Result<History, ClientError> {
        let mut url = self.url(&format!("v1/learners/{learner}/history"))?;
        if let Some(table) = &rows.table {
            url.query_pairs_mut().append_pair("table", table);
        }
        if !rows.key.is_empty() {
            let key = serde_json::Value::from(rows.key.clone()).to_string();
            url.query_pairs_mut().append_pair("key", &key);
        }
        read(self.call(Method::GET, url).await?).await
    }

    /// A learner asks for a certificate.
    pub async fn request_certificate(
        &self,
        asked: &CertificateRequest,
    ) -> Result<CertificateState, ClientError> {
        read(self.send("v1/certificates", asked).await?).await
    }

    /// Where a certificate stands.
    pub async fn certificate(&self, id: CertificateId) -> Result<CertificateState, ClientError> {
        read(self.get(&format!("v1/certificates/{id}")).await?).await
    }

    /// A page of the certificates that wait for an office; the first one has an empty bookmark.
    pub async fn waiting_certificates(&self, bookmark: &str) -> Result<WaitingCertificates, ClientError> {
        let mut url = self.url("v1/certificates")?;
        if !bookmark.is_empty() {
            url.query_pairs_mut().append_pair("bookmark", bookmark);
        }
        read(self.call(Method::GET, url).await?).await
    }

    /// What an officer is to sign.
    pub async fn certificate_draft(&self, id: CertificateId) -> Result<Draft, ClientError> {
        read(self.get(&format!("v1/certificates/{id}/draft")).await?).await
    }

    /// The bytes of a certificate's file.
    pub async fn certificate_file(&self, id: CertificateId) -> Result<Vec<u8>, ClientError> {
        body(answered(self.get(&format!("v1/certificates/{id}/file")).await?).await?).await
    }

    /// A certificate as it is printed: a PDF.
    pub async fn printed_certificate(
        &self,
        id: CertificateId,
        language: Language,
    ) -> Result<Vec<u8>, ClientError> {
        let path = format!("v1/certificates/{id}/print?language={language}");
        body(answered(self.get(&path).await?).await?).await
    }

    /// An officer refuses, issues or revokes a certificate, or its learner countersigns it.
    pub async fn act_on_certificate(
        &self,
        id: CertificateId,
        asked: &CertificateAct,
    ) -> Result<CertificateState, ClientError> {
        read(self.send(&format!("v1/certificates/{id}/acts"), asked).await?).await
    }

    /// What both offices say of a certificate now: the receipt, which is to be verified.
    pub async fn certificate_status(&self, id: CertificateId, nonce: &str) -> Result<Receipt, ClientError> {
        read(self.get(&format!("v1/certificates/{id}/status?nonce={nonce}")).await?).await
    }

    /// The gateway's verdict on a certificate's file. Who wants to trust no gateway judges it themselves.
    pub async fn judge_certificate(&self, file: Vec<u8>) -> Result<Verdict, ClientError> {
        let request = self.request_to(Method::POST, self.url("v1/verify")?);
        let request = request.header(CONTENT_TYPE, "application/json").body(file);
        read(request.send().await.map_err(ClientError::unreachable)?).await
    }

    /// The answer of a path that is sent JSON.
    async fn send(&self, path: &str, sent: &impl Serialize) -> Result<Response, ClientError> {
        let request = self.request_to(Method::POST, self.url(path)?).json(sent);
        request.send().await.map_err(ClientError::unreachable)
    }

    /// What of a learner's entries is erased.
    pub async fn erasure(&self, learner: &LearnerId) -> Result<ErasureState, ClientError> {
        read(self.get(&format!("v1/learners/{learner}/erasure")).await?).await
    }

    /// Erases the bodies of a learner's entries. The same act sent again answers as the first time.
    pub async fn erase(
        &self,
        learner: &LearnerId,
        request: &ErasureRequest,
    ) -> Result<ErasureState, ClientError> {
        read(self.send(&format!("v1/learners/{learner}/erasure"), request).await?).await
    }

    /// Files an objection. The same act sent again answers as the first time.
    pub async fn file_objection(&self, filing: &ObjectionFiling) -> Result<ObjectionState, ClientError> {
        read(self.send("v1/objections", filing).await?).await
    }

    /// A page of objections.
    pub async fn objections(&self, wanted: &ObjectionsWanted) -> Result<Objections, ClientError> {
        let mut url = self.url("v1/objections")?;
        let mut query = |name: &str, value: &str| {
            url.query_pairs_mut().append_pair(name, value);
        };
        if let Some(open) = wanted.open {
            query("state", if open { "open" } else { "all" });
        }
        if let Some(learner) = &wanted.learner {
            query("learner", learner.as_str());
        }
        if !wanted.bookmark.is_empty() {
            query("bookmark", &wanted.bookmark);
        }
        read(self.call(Method::GET, url).await?).await
    }

    /// An objection with its reasons.
    pub async fn objection(&self, id: &ObjectionId) -> Result<ObjectionState, ClientError> {
        read(self.get(&format!("v1/objections/{id}")).await?).await
    }

    /// Upholds an objection or dismisses it. The same act sent again answers as the first time.
    pub async fn decide_objection(
        &self,
        id: &ObjectionId,
        decision: &ObjectionDecision,
    ) -> Result<ObjectionState, ClientError> {
        read(self.send(&format!("v1/objections/{id}/decision"), decision).await?).await
    }

    /// The answer of any path that is called for what it does, without a body.
    async fn post(&self, path: &str) -> Result<Response, ClientError> {
        self.call(Method::POST, self.url(path)?).await
    }

    /// What both offices attest of a learner's trail now: the receipt, which is to be verified.
    pub async fn trail(&self, learner: &LearnerId, nonce: &str) -> Result<Receipt, ClientError> {
        read(self.get(&format!("v1/learners/{learner}/trail?nonce={nonce}")).await?).await
    }

    /// A learner's recorded entries with numbers greater than `after`, at most `limit`, which is at most 100.
    pub async fn learner_entries(
        &self,
        learner: &LearnerId,
        after: u64,
        limit: u32,
    ) -> Result<LearnerEntries, ClientError> {
        let path = format!("v1/learners/{learner}/entries?after={after}&limit={limit}");
        read(self.get(&path).await?).await
    }

    /// Learners who have rows in the database, after this one, at most 1,000. For the offices' people.
    pub async fn learners(&self, after: &str) -> Result<Vec<LearnerWithRows>, ClientError> {
        let mut url = self.url("v1/learners")?;
        url.query_pairs_mut().append_pair("after", after).append_pair("limit", "1000");
        let page: Learners = read(self.call(Method::GET, url).await?).await?;
        Ok(page.learners)
    }

    /// What was found in the database that did not come through the gateway, after the alert with this number, at most
    /// 100. For officers.
    pub async fn alerts(&self, after: i64) -> Result<Vec<Alert>, ClientError> {
        let page: Alerts = read(self.get(&format!("v1/alerts?after={after}")).await?).await?;
        Ok(page.alerts)
    }

    /// The answer of any path that is read, such as `v1/schools/S/entries`, as it comes.
    pub async fn get(&self, path: &str) -> Result<Response, ClientError> {
        self.call(Method::GET, self.url(path)?).await
    }

    async fn call(&self, method: Method, url: Url) -> Result<Response, ClientError> {
        self.request_to(method, url).send().await.map_err(ClientError::unreachable)
    }

    /// A call in the caller's name.
    fn request_to(&self, method: Method, url: Url) -> RequestBuilder {
        let mut request = self.http.request(method.clone(), url.clone());
        if let Some(access) = &self.access {
            let (uri, now) = (url.as_str(), clock::now());
            let call = Expected { audience: &self.audience, method: method.as_str(), uri, now };
            request = request.bearer_auth(access.sign(&call, TOKEN_SECONDS));
        }
        request
    }

    fn url(&self, path: &str) -> Result<Url, ClientError> {
        self.base.join(path).map_err(|error| ClientError::Setting(format!("{path:?}: {error}")))
    }
}

fn builder() -> reqwest::ClientBuilder {
    // A token is for one address: following a redirect would show it to another.
    reqwest::Client::builder().timeout(TIME_LIMIT).tcp_nodelay(true).redirect(Policy::none())
}

fn built(http: reqwest::ClientBuilder) -> Result<reqwest::Client, ClientError> {
    http.build().map_err(|error| ClientError::Setting(error.to_string()))
}

/// A page of a school's batches.
#[derive(Deserialize)]
struct Batches {
    batches: Vec<Batch>,
}

/// A page of learners.
#[derive(Deserialize)]
struct Learners {
    learners: Vec<LearnerWithRows>,
}

/// A page of alerts.
#[derive(Deserialize)]
struct Alerts {
    alerts: Vec<Alert>,
}

/// An address that paths can be put behind.
fn address(text: &str) -> Result<Url, ClientError> {
    let refused = |why: &dyn std::fmt::Display| {
        ClientError::Setting(format!("{text:?}: {why}; give an address such as https://gateway.example:8080"))
    };
    let mut url = Url::parse(text).map_err(|error| refused(&error))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(&"it is neither http nor https"));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// The answer, or the gateway's problem document.
async fn answered(response: Response) -> Result<Response, ClientError> {
    if response.status().is_success() {
        return Ok(response);
    }
    Err(ClientError::told(response).await)
}

async fn body(response: Response) -> Result<Vec<u8>, ClientError> {
    Ok(response.bytes().await.map_err(ClientError::unreachable)?.into())
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, ClientError> {
    let bytes = body(answered(response).await?).await?;
    serde_json::from_slice(&bytes).map_err(|error| ClientError::Malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn an_address_is_http_and_keeps_its_path() {
        for (text, path) in [("http://g:1", "http://g:1/v1/x"), ("https://g/sillok", "https://g/sillok/v1/x")]
        {
            assert_eq!(address(text).unwrap().join("v1/x").unwrap().as_str(), path);
        }
        for text in ["", "g", "g:8080", "localhost:8080", "ftp://g/"] {
            assert!(matches!(address(text), Err(ClientError::Setting(_))), "{text}");
        }
    }
}
