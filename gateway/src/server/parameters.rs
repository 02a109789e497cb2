//! What a caller names in a call, over REST as over gRPC: made once into what the service takes.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use serde_json::Map;
use sillok_contract::{
    digest::Digest,
    entry::EntryId,
    id::{DocumentId, LearnerId, ObjectionId, SchoolId, SignerId},
};

use crate::{
    certificate::{CertificateId, Language, NotAnId},
    drift::Selection,
    events::{Group, UnknownTopic},
    problem::{Kind, Problem},
    service::{DeadLettersWanted, ObjectionsWanted},
};

/// The id of a request.
pub(crate) fn request_digest(text: &str) -> Result<[u8; 32], Problem> {
    hash(text).ok_or_else(|| {
        let detail = "a request's id is 64 lower-case hexadecimal digits: the SHA-256 of its compact JWS";
        Problem::new(Kind::Invalid, "digest.malformed", detail)
    })
}

/// The id of an entry.
pub(crate) fn entry_id(text: &str) -> Result<EntryId, Problem> {
    hash(text).map(EntryId).ok_or_else(|| {
        let detail = "an entry's id is 64 lower-case hexadecimal digits: its RFC 6962 leaf hash";
        Problem::new(Kind::Invalid, "entry.malformed", detail)
    })
}

/// The id of a school.
pub(crate) fn school_id(text: &str) -> Result<SchoolId, Problem> {
    SchoolId::new(text)
        .map_err(|refusal| Problem::new(Kind::Invalid, "identifier.malformed", refusal.message))
}

/// The id of a learner.
pub(crate) fn learner_id(text: &str) -> Result<LearnerId, Problem> {
    LearnerId::new(text)
        .map_err(|refusal| Problem::new(Kind::Invalid, "identifier.malformed", refusal.message))
}

/// The id of an objection.
pub(crate) fn objection_id(text: &str) -> Result<ObjectionId, Problem> {
    ObjectionId::new(text)
        .map_err(|refusal| Problem::new(Kind::Invalid, "identifier.malformed", refusal.message))
}

/// The id of a document of several parties.
pub(crate) fn document_id(text: &str) -> Result<DocumentId, Problem> {
    DocumentId::new(text)
        .map_err(|refusal| Problem::new(Kind::Invalid, "identifier.malformed", refusal.message))
}

/// The id of a signer.
pub(crate) fn signer_id(text: &str) -> Result<SignerId, Problem> {
    SignerId::new(text)
        .map_err(|refusal| Problem::new(Kind::Invalid, "identifier.malformed", refusal.message))
}

/// The SHA-256 of a document or a work, or of what was signed.
pub(crate) fn digest(text: &str) -> Result<Digest, Problem> {
    hash(text).map(Digest).ok_or_else(|| {
        let detail = "a digest is 64 lower-case hexadecimal digits: a SHA-256";
        Problem::new(Kind::Invalid, "digest.malformed", detail)
    })
}

/// The number of a dead letter.
pub(crate) fn dead_letter_id(text: &str) -> Result<i64, Problem> {
    let digits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| Problem::new(Kind::Invalid, "letter.malformed", "a dead letter has a number"))
}

/// Which dead letters; an empty group or topic is none.
pub(crate) fn dead_letters_wanted(
    after: i64,
    limit: u32,
    group: Option<&str>,
    topic: Option<&str>,
) -> Result<DeadLettersWanted, Problem> {
    let malformed = |detail: String| Problem::new(Kind::Invalid, "query.malformed", detail);
    let group = group.filter(|group| !group.is_empty()).map(Group::new).transpose();
    let topic = topic.filter(|topic| !topic.is_empty()).map(str::parse).transpose();
    let group = group.map_err(|error| malformed(error.to_string()))?;
    let topic = topic.map_err(|error: UnknownTopic| malformed(error.to_string()))?;
    Ok(DeadLettersWanted { after, limit, group, topic })
}

/// Which objections; an empty learner or bookmark is none.
pub(crate) fn objections_wanted(
    open: Option<bool>,
    learner: Option<&str>,
    bookmark: &str,
) -> Result<ObjectionsWanted, Problem> {
    let learner = learner.map(learner_id).transpose()?;
    Ok(ObjectionsWanted { open, learner, bookmark: bookmark.to_owned() })
}

/// Which rows: a table's name, and the members that their keys must have as a JSON object; either may be empty.
pub(crate) fn rows(table: &str, key: &str) -> Result<Selection, Problem> {
    let malformed = |_| {
        let detail =
            "`key` is a JSON object of columns of the key, such as {\"year\":2026,\"subject\":\"music\"}";
        Problem::new(Kind::Invalid, "query.malformed", detail)
    };
    let key = if key.is_empty() { Map::new() } else { serde_json::from_str(key).map_err(malformed)? };
    Ok(Selection { table: (!table.is_empty()).then(|| table.to_owned()), key })
}

/// The id of a certificate.
pub(crate) fn certificate_id(text: &str) -> Result<CertificateId, Problem> {
    text.parse().map_err(|error: NotAnId| Problem::new(Kind::Invalid, "certificate.id", error.to_string()))
}

/// In which language a certificate is printed; in both if it is not said.
pub(crate) fn language_of(text: &str) -> Result<Language, Problem> {
    let text = if text.is_empty() { Language::Both.as_str() } else { text };
    text.parse().map_err(|why: &str| Problem::new(Kind::Invalid, "query.malformed", why))
}

/// The digest of a certificate's JWT.
pub(crate) fn certificate_digest(text: &str) -> Result<[u8; 32], Problem> {
    hash(text).ok_or_else(|| {
        let detail =
            "a certificate's digest is 64 lower-case hexadecimal digits: the SHA-256 of its compact JWT";
        Problem::new(Kind::Invalid, "certificate.digest", detail)
    })
}

/// What an asker marks a question with.
pub(crate) fn nonce(text: &str) -> Result<&str, Problem> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    match (32..=128).contains(&text.len()) && text.len().is_multiple_of(2) && text.bytes().all(is_digit) {
        true => Ok(text),
        false => {
            let detail = "a nonce is 16 to 64 random bytes in lower-case hexadecimal digits";
            Err(Problem::new(Kind::Invalid, "nonce.malformed", detail))
        }
    }
}

/// 32 bytes in the one form that is written here.
fn hash(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    (hex::encode(bytes) == text).then_some(bytes)
}

/// The token of `Authorization: Bearer` (RFC 6750, section 2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    token.filter(|token| !token.is_empty()).ok_or_else(|| {
        let detail = "send Authorization: Bearer with an access token signed by your own key";
        Problem::new(Kind::Unauthenticated, "access.missing", detail)
    })
}
