//! The keys of the world state: simple text, so that they read well in a peer's database and sort by their parts.
//!
//! An identifier holds no `/`, and numbers have twelve digits, so no two things share a key.
//!
//! | key | value | what |
//! |---|---|---|
//! | `office/ID` | JSON | an [`crate::registry::Office`] |
//! | `school/ID` | JSON | a [`crate::registry::School`] |
//! | `educator/ID` | JSON | an [`crate::registry::Educator`] |
//! | `officer/ID` | JSON | a [`crate::registry::Officer`] |
//! | `signer/ID` | JSON | a [`crate::registry::Signer`] |
//! | `certificate/THUMBPRINT` | text | whose certificate it is: the id of an educator, or the key of an officer or signer |
//! | `learner/ID` | JSON | a [`crate::registry::Learner`] |
//! | `head/SCHOOL` | JSON | a [`crate::batch::Head`] |
//! | `batch/SCHOOL/NUMBER` | protobuf | a BatchRecord |
//! | `trail/LEARNER` | protobuf | a LearnerHead |
//! | `request/REPLAY KEY` | protobuf | a RequestRecord |
//! | `act/DIGEST` | JSON | a [`crate::act::ActRecord`] |
//! | `credential/ID` | JSON | a [`crate::credential::Credential`] |
//! | `credential-of/LEARNER/ID` | text | the id of a certificate of the learner's |
//! | `credential-waiting/TIME/ID` | text | the id of a certificate that is neither refused nor issued, by when it was asked for |
//! | `objection/ID` | JSON | a [`crate::objection::Objection`] |
//! | `objection-of/LEARNER/ID` | text | the id of an objection of the learner's |
//! | `objection-due/TIME/ID` | text | the id of an objection that is not decided, by when it is due |
//! | `erasure/SCHOOL/NUMBER` | JSON | a [`crate::erasure::Erasures`], where something was erased |
//! | `signature/HASH/SIGNER` | JSON | a [`crate::signature::SignatureRecord`] |
//! | `signature-digest/DIGEST` | JSON | a [`crate::signature::Place`]: where the signature with this digest stands |
//! | `document/ID` | JSON | a [`crate::document::Document`] |
//! | `document-of/SIGNER/ID` | text | the id of a document that the signer opened or is a party of |
//! | `claim/HASH` | JSON | a [`crate::claim::Claim`] |
//!
//! In the private data collection [`BODIES`]:
//!
//! | key | what |
//! |---|---|
//! | `SCHOOL/NUMBER` | a batch's body: the zstd bytes as they were received |
//! | `SCHOOL/NUMBER/rN` | the same after its Nth erasure; the one before is purged |
//! | `objection/ID/reason`, `objection/ID/answer` | why an objection was filed and dismissed |
//!
//! Recording a batch reads its school and head, each educator, each learner and their trail, and each request; where an
//! officer signed one, the officer and both offices: all in one round trip, all by key, none of it growing with history.
//! It writes three keys (batch, head, body), one for each learner and one for each request: a class of thirty under one
//! signature makes 34.
//!
//! Recording signatures takes two round trips: whose certificates they bring along; then both offices, each signer, each
//! signer's signature of that hash, and what the signatures name. It writes two keys a signature, and each document.

use std::fmt::Display;

/// The private data collection of the offices.
pub const BODIES: &str = "bodies";

/// The key of an office.
pub fn office(id: impl Display) -> String {
    format!("office/{id}")
}

/// The key of a school.
pub fn school(id: impl Display) -> String {
    format!("school/{id}")
}

/// The key of an educator.
pub fn educator(id: impl Display) -> String {
    format!("educator/{id}")
}

/// The key of an officer.
pub fn officer(id: impl Display) -> String {
    format!("officer/{id}")
}

/// The key of a signer.
pub fn signer(id: impl Display) -> String {
    format!("signer/{id}")
}

/// The key that leads from a certificate's thumbprint (64 lower-case hexadecimal digits) to whose it is.
pub fn certificate(thumbprint: &str) -> String {
    format!("certificate/{thumbprint}")
}

/// The key of a learner.
pub fn learner(id: impl Display) -> String {
    format!("learner/{id}")
}

/// The key of a school's last batch.
pub fn head(school: impl Display) -> String {
    format!("head/{school}")
}

/// The key of a batch.
pub fn batch(school: impl Display, sequence: u64) -> String {
    format!("batch/{school}/{sequence:012}")
}

/// The key of a batch's body in the collection [`BODIES`].
pub fn body(school: impl Display, sequence: u64) -> String {
    format!("{school}/{sequence:012}")
}

/// The key of a batch's body in the collection [`BODIES`] after so many erasures.
pub fn revised_body(school: impl Display, sequence: u64, revision: u32) -> String {
    match revision {
        0 => body(school, sequence),
        revision => format!("{}/r{revision}", body(school, sequence)),
    }
}

/// The key of what was erased of a batch's body.
pub fn erasures(school: impl Display, sequence: u64) -> String {
    format!("erasure/{school}/{sequence:012}")
}

/// The key of an act.
pub fn act(digest: impl Display) -> String {
    format!("act/{digest}")
}

/// The key of a certificate.
pub fn credential(id: impl Display) -> String {
    format!("credential/{id}")
}

/// The key that leads from a learner to a certificate of theirs.
pub fn credential_of(learner: impl Display, id: impl Display) -> String {
    format!("credential-of/{learner}/{id}")
}

/// The key under which a certificate waits for an office: those that were asked for first sort first.
pub fn credential_waiting(requested_at: i64, id: impl Display) -> String {
    format!("credential-waiting/{requested_at:020}/{id}")
}

/// The key of an objection.
pub fn objection(id: impl Display) -> String {
    format!("objection/{id}")
}

/// The key that leads from a learner to an objection of theirs.
pub fn objection_of(learner: impl Display, id: impl Display) -> String {
    format!("objection-of/{learner}/{id}")
}

/// The key under which an objection waits to be decided: those that are due first sort first.
pub fn objection_due(due_at: i64, id: impl Display) -> String {
    format!("objection-due/{due_at:020}/{id}")
}

/// The key, in the collection [`BODIES`], of why an objection was filed.
pub fn objection_reason(id: impl Display) -> String {
    format!("objection/{id}/reason")
}

/// The key, in the collection [`BODIES`], of why an objection was dismissed.
pub fn objection_answer(id: impl Display) -> String {
    format!("objection/{id}/answer")
}

/// The key of a signer's signature of a document, by the document's hash.
pub fn signature(hash: impl Display, signer: impl Display) -> String {
    format!("signature/{hash}/{signer}")
}

/// The key that leads from a signature's digest to where it stands.
pub fn signature_place(digest: impl Display) -> String {
    format!("signature-digest/{digest}")
}

/// The key of a document of several parties.
pub fn document(id: impl Display) -> String {
    format!("document/{id}")
}

/// The key that leads from a signer to a document that they opened or are a party of.
pub fn document_of(signer: impl Display, id: impl Display) -> String {
    format!("document-of/{signer}/{id}")
}

/// The key of the claim of a work.
pub fn claim(digest: impl Display) -> String {
    format!("claim/{digest}")
}

/// The key of a learner's newest entry.
pub fn trail(learner: impl Display) -> String {
    format!("trail/{learner}")
}

/// The key of what is recorded of a request, by its replay key.
pub fn request(replay_key: &[u8; 32]) -> String {
    format!("request/{}", hex::encode(replay_key))
}
