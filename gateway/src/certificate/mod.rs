//! Certificates: what an office certifies of a learner's record, with all that shows it to be true. Whoever holds one needs
//! nobody to check it, but for whether it is still in force.
//!
//! # The credential
//!
//! A W3C Verifiable Credential (data model 2.0) as a JWT (VC-JOSE-COSE), which an officer of the office signs with ES256.
//!
//! Header: `alg` `ES256`, `typ` `vc+jwt`, `cty` `vc`, and `x5c`: one certificate, the officer's, which a root certificate of
//! the office issued. Neither `kid` nor `iss` is there: the certificate names the key. Payload, canonical JSON (RFC 8785):
//!
//! | member | what |
//! |---|---|
//! | `@context`, `type` | W3C's own, with `undefined-terms`; `VerifiableCredential` and `SchoolRecordCertificate` |
//! | `id` | `urn:uuid:` and the certificate's id, random (RFC 9562, version 4) |
//! | `issuer` | `name`: the office's MSP; `id`: `ni:///sha-256;` and the base64url SHA-256 of its root certificate's DER (RFC 6920) |
//! | `validFrom`, `validUntil` | whole seconds, RFC 3339, UTC |
//! | `credentialSubject` | `id`: the thumbprint of the wallet's key (RFC 7638 as RFC 9278 has it); `learner`: a pseudonym; `salt`: 16 random bytes, base64url; `record`: rows by table, each an object of all its columns as it was last recorded |
//! | `evidence` | the entries that the record rests on, in the order of the learner's trail: `type` `SillokEntry`; `entry`, its id; `number` on the trail, from 1; `school`, `sequence` of the batch, `index` in it; `transaction`; `proof`, the base64url SHA-256 of the proof in the file |
//! | `credentialStatus` | `type` `SillokLedgerStatus`, and `id`, the address to ask at, where the office has a public one |
//! | `cnf` | `jwk`: the wallet's public key, which alone may countersign (RFC 7800) |
//!
//! Base64url is without padding. A verifier of ours takes exactly this form, and no member more.
//!
//! # The file
//!
//! Canonical JSON: `version` 2; `credential`, the JWT; `proofs`, an object of `proofs`, in the order of `evidence`, and the
//! `receipts` that they name (its form is told in [`crate::proof`]; the digest in `evidence` is that of a member of `proofs` as
//! canonical JSON); `issued`, the ledger's receipt of the transaction that took the certificate; and
//! once the learner has agreed `countersigned`: `act`, what they signed, and `receipt`, that of its transaction.
//!
//! The countersignature is a compact JWS (ES256) by the key in `cnf`, `typ` `sillok-act+jws`, `kid` the learner's id. Its
//! payload has `act` `certificate.countersign`, `certificate` the certificate's id and `digest` the SHA-256 of the JWT in
//! hexadecimal digits, besides `jti`, `iat` and `aud`. The ledger holds the same digest, which covers the officer's
//! signature: of two valid signatures over one credential it knows one.
//!
//! # Whether it is in force
//!
//! Only the ledger knows. `GET /v1/certificates/{id}/status?nonce=N`, with 16 to 64 random bytes as `nonce` in hexadecimal
//! digits, answers a receipt in no block: what both offices say of this certificate, with that nonce, signed by both. Who
//! cannot get such an answer cannot tell, and must not take the certificate for valid.
//!
//! [`Verdict::of`] looks at every link and never opens a socket. [`print()`] makes the form on paper, which names id and digest;
//! with these two alone [`Glance::of`] tells whether the certificate is in force, and not whether the paper says what it
//! says.

mod address;
mod credential;
mod draft;
mod error;
mod file;
mod glance;
mod holder;
mod id;
mod jwt;
mod print;
mod record;
mod standing;
mod time;
mod verdict;

#[cfg(test)]
mod whole;

pub use address::status as status_address;
pub use credential::{Credential, Evidence, Issuer, Parts, Record, Status, Subject};
pub use draft::Draft;
pub use error::CertificateError;
pub use file::{CertificateFile, Countersigned, MAX_FILE};
pub use glance::Glance;
pub use holder::Confirmation;
pub use id::{CertificateId, NotAnId};
pub use jwt::{MAX_JWT, SignedCredential};
pub use print::{FontFiles, Fonts, Language, PrintError, print};
pub use time::Second;
pub use verdict::{Asked, Link, Outcome, Summary, Verdict};
