//! An educator, or an officer, signs a request: one signature for all its queries.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sillok_contract::{
    certificate::Certificate,
    id::{LearnerId, SchoolId},
    purpose::Purpose,
    request::{Payload, Query, compact, query_hash},
};

use super::{KeyError, PrivateKey, PublicKey, random};

/// What an educator asks about one learner.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Whom it is about.
    pub learner: LearnerId,
    /// The statement, with places for the parameters.
    pub sql: String,
    /// The parameters: null, booleans, numbers or text.
    pub params: Vec<serde_json::Value>,
}

/// A request ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedQueries {
    /// The compact JWS.
    pub request: String,
    /// The queries beside it, each the JSON that was hashed.
    pub queries: Vec<String>,
}

impl SignedQueries {
    /// The JSON that the gateway's REST takes.
    pub fn to_json(&self) -> String {
        serde_json::json!({ "request": self.request, "queries": self.queries }).to_string()
    }
}

/// Signs requests with an educator's key, or an officer's for a purpose. `Debug` shows nothing of it.
#[derive(Clone, Debug)]
pub struct RequestSigner {
    school: SchoolId,
    audience: String,
    purpose: Option<Purpose>,
    thumbprint: [u8; 32],
    key: PrivateKey,
}

impl RequestSigner {
    /// For a school's educator, or an officer, and the gateway that calls itself `audience`; key and certificate must be a pair.
    pub fn new(
        school: SchoolId,
        audience: impl Into<String>,
        certificate: &Certificate,
        key: PrivateKey,
    ) -> Result<Self, KeyError> {
        if PublicKey::of_certificate(certificate)? != *key.public_key() {
            return Err(KeyError::NotAPair);
        }
        Ok(Self {
            school,
            audience: audience.into(),
            purpose: None,
            thumbprint: certificate.thumbprint(),
            key,
        })
    }

    /// The same for an officer, whose requests have a purpose.
    pub fn with_purpose(self, purpose: Purpose) -> Self {
        Self { purpose: Some(purpose), ..self }
    }

    /// Salts the queries and signs for them. `now` is microseconds since the Unix epoch.
    pub fn sign(&self, asked: impl IntoIterator<Item = Asked>, now: i64) -> Result<SignedQueries, KeyError> {
        let queries = asked.into_iter().map(salted).collect::<Result<Vec<_>, _>>()?;
        let payload = Payload {
            jti: URL_SAFE_NO_PAD.encode(random::<16>()?),
            iat: now.div_euclid(1_000_000),
            aud: self.audience.clone(),
            school: self.school.clone(),
            purpose: self.purpose,
            queries: queries.iter().map(|query| query_hash(query.as_bytes())).collect(),
        };
        let signing_input = payload.signing_input(&self.thumbprint);
        let signature = self.key.sign_fixed(signing_input.as_bytes());
        Ok(SignedQueries { request: compact(&signing_input, &signature), queries })
    }
}

fn salted(asked: Asked) -> Result<String, KeyError> {
    let query = Query { learner: asked.learner, sql: asked.sql, params: asked.params, salt: random()? };
    Ok(serde_json::to_string(&query).expect("text, numbers and lists have a JSON form"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use sillok_contract::request::SignedRequest;

    use super::*;
    use crate::keys::{Authority, Validity};

    const NOW: i64 = 1_790_000_000_500_000;

    fn asked(learner: &str) -> Asked {
        Asked { learner: LearnerId::new(learner).unwrap(), sql: "SELECT 1".into(), params: vec![1.into()] }
    }

    #[test]
    fn the_contract_takes_what_it_signs() {
        let school = Authority::generate("School CA", "School", Validity::days(NOW, 10)).unwrap();
        let educator = school.issue("T1", "client", Validity::days(NOW, 10)).unwrap();
        let id = SchoolId::new("school-1").unwrap();
        let signer = RequestSigner::new(id.clone(), "gateway", &educator.certificate, educator.key).unwrap();
        let signed = signer.sign([asked("L1"), asked("L1")], NOW).unwrap();
        let request = SignedRequest::parse(&signed.request).unwrap();
        request.verify(educator.certificate.der()).unwrap();
        assert_eq!((request.payload.iat, &request.payload.school), (1_790_000_000, &id));
        for (hash, query) in request.payload.queries.iter().zip(&signed.queries) {
            assert_eq!(*hash, query_hash(query.as_bytes()));
            assert_eq!(Query::parse(query.as_bytes()).unwrap().learner.as_str(), "L1");
        }
        assert_ne!(signed.queries[0], signed.queries[1], "each query has a salt of its own");
        assert_ne!(signer.sign([asked("L1")], NOW).unwrap(), signer.sign([asked("L1")], NOW).unwrap());
        let other = PrivateKey::generate().unwrap();
        assert_eq!(
            RequestSigner::new(id, "gateway", &educator.certificate, other).unwrap_err().code(),
            "key.not_a_pair"
        );
    }
}
