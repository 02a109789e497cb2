//! Signatures of documents, as anybody verifies them: a portable proof that both offices recorded one, and the verdict on
//! it, check by check, offline.
//!
//! The proof is canonical JSON (RFC 8785):
//!
//! | member | what |
//! |---|---|
//! | `version` | 1 |
//! | `jws` | the signature: the compact JWS of [`sillok_contract::signature`] |
//! | `approval` | the act by which its signer approved it; there where an office holds their key |
//! | `receipt` | what both offices endorsed, the signature's record in its write set, and their signatures |
//!
//! The document is not in it: who verifies has it, or its SHA-256.

mod proof;
#[cfg(test)]
mod tests;
mod verdict;

pub use proof::{MAX_PROOF, SignatureProof, SignatureProofError, VERSION};
pub use verdict::{Link, Outcome, Summary, Verdict};
