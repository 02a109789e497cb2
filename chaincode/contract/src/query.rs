//! A query: one SQL statement about one learner, as the educator sent it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{Code, Refusal, digest::sha256, id::LearnerId, json};

/// The longest query, in bytes of JSON.
pub const MAX_QUERY: usize = 64 * 1024;
/// The most parameters a query may have.
pub const MAX_PARAMETERS: usize = 1000;

/// One SQL statement about one learner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Whom it is about.
    pub learner: LearnerId,
    /// The statement, with places for the parameters.
    pub sql: String,
    /// The parameters in order: null, booleans, numbers or strings.
    pub params: Vec<serde_json::Value>,
    /// Random, so that nobody can guess the query from its hash; base64url without padding.
    #[serde(with = "salt")]
    pub salt: [u8; 16],
}

impl Query {
    /// Reads a query from its JSON. Refuses unknown, missing and repeated members, parameters that are not scalars,
    /// and anything longer than [`MAX_QUERY`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_QUERY {
            return Err(Refusal::new(Code::QueryTooLarge, format!("a query has at most {MAX_QUERY} bytes")));
        }
        let query: Self = json::object(bytes).map_err(|error| {
            malformed(format!("the query is not {{learner, sql, params, salt}}: {error}"))
        })?;
        if query.params.len() > MAX_PARAMETERS {
            return Err(malformed(format!("a query has at most {MAX_PARAMETERS} parameters")));
        }
        if query.params.iter().any(|parameter| parameter.is_array() || parameter.is_object()) {
            return Err(malformed("a parameter is null, a boolean, a number or a string"));
        }
        Ok(query)
    }
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::QueryMalformed, message)
}

/// What a request names a query by: the SHA-256 of its bytes as sent.
pub fn query_hash(bytes: &[u8]) -> [u8; 32] {
    sha256(&[bytes])
}

pub(crate) mod salt {
    use serde::{Deserializer, Serializer, de::Error};

    use super::*;

    pub(crate) fn serialize<S: Serializer>(salt: &[u8; 16], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_URL_SAFE_NO_PAD.encode(salt))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 16], D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(D::Error::custom)?;
        bytes.try_into().map_err(|_| D::Error::custom("the salt is 16 bytes in base64url without padding"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str =
        r#"{"learner":"L1","sql":"SELECT 1","params":[1,"a",null,true,0.5],"salt":"AAECAwQFBgcICQoLDA0ODw"}"#;

    #[test]
    fn reads_what_is_well_formed() {
        let query = Query::parse(GOOD.as_bytes()).unwrap();
        assert_eq!((query.learner.as_str(), query.sql.as_str(), query.params.len()), ("L1", "SELECT 1", 5));
        assert_eq!(query.salt, std::array::from_fn(|i| i as u8));
        assert_eq!(serde_json::to_string(&query).unwrap(), GOOD);
    }

    #[test]
    fn refuses_every_other_form() {
        let changes = [
            ("\"sql\"", "\"SQL\""),
            ("{", "{\"more\":1,"),
            ("{", "{\"sql\":\"DELETE\","),
            ("\"params\":[1,", "\"params\":[[1],"),
            ("\"params\":[1,", "\"params\":[{},"),
            ("Dw\"", "Dw==\""),
            ("Dw\"", "Dx\""),
            ("Dw\"", "\""),
            ("\"L1\"", "\"../L1\""),
            ("}", "} {}"),
        ];
        for (from, to) in changes {
            let changed = GOOD.replacen(from, to, 1);
            assert_ne!(changed, GOOD);
            assert_eq!(Query::parse(changed.as_bytes()).unwrap_err().code, Code::QueryMalformed, "{changed}");
        }
        let long = GOOD.replace("SELECT 1", &"x".repeat(MAX_QUERY));
        assert_eq!(Query::parse(long.as_bytes()).unwrap_err().code, Code::QueryTooLarge);
        let many = GOOD.replace("[1,", &format!("[{}", "1,".repeat(MAX_PARAMETERS)));
        assert_eq!(Query::parse(many.as_bytes()).unwrap_err().code, Code::QueryMalformed);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Query::parse(&bytes);
        }
    }
}
