//! What the contract answers when it will not do a thing.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A stable code for each reason to refuse. The text form is part of the interface and never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The text form.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Code::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// An identifier has a form that is not allowed.
    IdentifierMalformed = "identifier.malformed",
    /// An argument is missing, too many, or not of its type.
    ArgumentMalformed = "argument.malformed",
    /// There is no such function.
    FunctionUnknown = "function.unknown",
    /// The creator's MSP or role may not do this.
    CreatorForbidden = "creator.forbidden",
    /// What was asked for is not on the ledger.
    NotFound = "not_found",
    /// It is on the ledger already, with other content.
    AlreadyExists = "already_exists",
    /// The ledger could not be asked; trying again may help.
    LedgerUnavailable = "ledger.unavailable",
    /// What the ledger holds under a key is not what the contract wrote there.
    LedgerCorrupt = "ledger.corrupt",

    /// The request is not a compact JWS of the agreed form.
    RequestMalformed = "request.malformed",
    /// The request, or the list of its queries, is longer than allowed.
    RequestTooLarge = "request.too_large",
    /// The request names another certificate than the one registered for who signed.
    RequestCertificate = "request.certificate_mismatch",
    /// The request's signature is not the certificate's.
    RequestSignature = "request.signature_invalid",
    /// The signer's `jti` stands on the ledger already, with other content.
    RequestReused = "request.jti_reused",

    /// The query is not JSON of the agreed form.
    QueryMalformed = "query.malformed",
    /// The query is longer than allowed.
    QueryTooLarge = "query.too_large",
    /// The request does not name this query at this index.
    QueryNotRequested = "query.not_requested",

    /// The entry is not a canonical message with all its parts.
    EntryMalformed = "entry.malformed",
    /// The entry is longer than allowed.
    EntryTooLarge = "entry.too_large",
    /// The entry, its request and its batch do not name the same school.
    EntrySchool = "entry.school_mismatch",
    /// The entry and its query do not name the same learner.
    EntryLearner = "entry.learner_mismatch",
    /// The batch holds the same query of the same request twice.
    EntryRepeated = "entry.repeated",
    /// An earlier batch holds this query of this request.
    EntryRecorded = "entry.already_recorded",
    /// The time of execution does not fit the request's time or the transaction's.
    EntryTime = "entry.time_out_of_bounds",
    /// The result is not one that a request of that purpose can have.
    EntryPurpose = "entry.purpose_mismatch",

    /// The batch's header or body is not of the agreed form.
    BatchMalformed = "batch.malformed",
    /// The batch has more entries or bytes than allowed.
    BatchTooLarge = "batch.too_large",
    /// The header is not the one that follows from the entries.
    BatchHeader = "batch.header_mismatch",
    /// Another batch stands under this sequence number.
    BatchTaken = "batch.sequence_taken",
    /// The sequence number is not the next one.
    BatchGap = "batch.sequence_gap",
    /// The header does not name the hash of the one before.
    BatchPrevious = "batch.previous_mismatch",

    /// The certificate cannot be read.
    CertificateMalformed = "certificate.malformed",
    /// The certificate's key or signature is of a kind that is not allowed.
    CertificateUnsupported = "certificate.unsupported",
    /// The certificate is not valid yet at that time.
    CertificateNotYetValid = "certificate.not_yet_valid",
    /// The certificate is no longer valid at that time.
    CertificateExpired = "certificate.expired",
    /// The authority of the school, or of the officer's or signer's office, did not issue the certificate.
    CertificateIssuer = "certificate.not_issued_by_authority",

    /// The act is not a compact JWS of the agreed form.
    ActMalformed = "act.malformed",
    /// The act is longer than allowed.
    ActTooLarge = "act.too_large",
    /// The act is not for such a signer: a learner's is signed by their wallet, an officer's by their certificate's key, a
    /// signer's by that or, where an office holds it, by their own key of approval.
    ActSigner = "act.wrong_signer",
    /// The act's signature is not that of the officer's or signer's certificate, or of the signer's key of approval.
    ActSignature = "act.signature_invalid",
    /// The act counts beside the signature that it approves, and not by itself.
    ActBeside = "act.only_beside_signature",
    /// The act's time does not fit the transaction's.
    ActTime = "act.time_out_of_bounds",

    /// The certificate is not in a state in which this can be done.
    CredentialState = "credential.wrong_state",
    /// The certificate is another learner's.
    CredentialLearner = "credential.other_learner",
    /// Another digest was issued.
    CredentialDigest = "credential.digest_mismatch",
    /// The certificate's time is over.
    CredentialExpired = "credential.expired",

    /// The objection is decided already.
    ObjectionState = "objection.wrong_state",
    /// No such entry of the learner stands there.
    ObjectionEntry = "objection.entry_mismatch",
    /// The reason is missing, or not of its form, or not the one that the act names.
    ObjectionReason = "objection.reason_mismatch",

    /// The redacted body is missing, or not the standing one with exactly the learner's entries blank.
    ErasureBody = "erasure.body_mismatch",
    /// There is nothing of the learner's to erase.
    ErasureNothing = "erasure.nothing_to_erase",

    /// The signature is not a compact JWS of the agreed form.
    SignatureMalformed = "signature.malformed",
    /// The signature is longer than allowed.
    SignatureTooLarge = "signature.too_large",
    /// The signature brings other certificates than the signer's registered one and that of their office's authority.
    SignatureCertificate = "signature.certificate_mismatch",
    /// The certificate's key did not make the signature.
    SignatureInvalid = "signature.invalid",
    /// The signature's time does not fit the transaction's.
    SignatureTime = "signature.time_out_of_bounds",
    /// The signer has signed this document already, by another signature.
    SignatureExists = "signature.already_exists",
    /// There is no such signature on the ledger.
    SignatureNotFound = "signature.not_found",
    /// The hash is not that of the signature which the counter-signature names.
    SignatureSubject = "signature.subject_mismatch",
    /// An office holds the signer's key, and their approval is missing.
    ApprovalMissing = "approval.missing",
    /// The signer holds their own key, and there is an approval.
    ApprovalUnexpected = "approval.unexpected",
    /// The approval is another person's, or of another signature.
    ApprovalMismatch = "approval.mismatch",
    /// The approval was not signed about when the signature was made.
    ApprovalTime = "approval.time_out_of_bounds",
    /// The approval's signature is not that of the signer's key of approval.
    ApprovalSignature = "approval.signature_invalid",
    /// The key of approval is not a P-256 public key as a JWK has it, or it is the certificate's.
    ApprovalKeyMalformed = "approval.key_malformed",

    /// The document is complete, refused or withdrawn, or the party has signed it.
    DocumentState = "document.wrong_state",
    /// The document's deadline is over.
    DocumentExpired = "document.expired",
    /// The parties are too many or none, or one is named twice.
    DocumentParties = "document.parties_malformed",
    /// Who signs, declines or withdraws is not who may.
    DocumentParty = "document.other_party",
    /// It is another party's turn.
    DocumentTurn = "document.not_their_turn",
    /// Other bytes were signed than the document's.
    DocumentDigest = "document.digest_mismatch",
    /// The signature commits to something else than the document is for.
    DocumentPurpose = "document.purpose_mismatch",
    /// Somebody has claimed the work already.
    ClaimExists = "claim.already_exists",

    /// The school is not registered.
    SchoolUnknown = "school.unknown",
    /// The school is closed at that time.
    SchoolClosed = "school.closed",
    /// The educator is not registered.
    EducatorUnknown = "educator.unknown",
    /// The educator's time has not begun.
    EducatorNotYet = "educator.not_yet",
    /// The educator's time is over.
    EducatorNoLonger = "educator.no_longer",
    /// The educator's certificate is revoked at that time.
    EducatorRevoked = "educator.revoked",
    /// The educator belongs to another school.
    EducatorElsewhere = "educator.other_school",
    /// The officer is not registered.
    OfficerUnknown = "officer.unknown",
    /// The officer's time has not begun.
    OfficerNotYet = "officer.not_yet",
    /// The officer's time is over.
    OfficerNoLonger = "officer.no_longer",
    /// The officer's certificate is revoked at that time.
    OfficerRevoked = "officer.revoked",
    /// The signer is not registered.
    SignerUnknown = "signer.unknown",
    /// The signer's time has not begun.
    SignerNotYet = "signer.not_yet",
    /// The signer's time is over.
    SignerNoLonger = "signer.no_longer",
    /// The signer's certificate is revoked at that time.
    SignerRevoked = "signer.revoked",
    /// The learner is not registered.
    LearnerUnknown = "learner.unknown",
    /// The learner is at no school at that time.
    LearnerNotEnrolled = "learner.not_enrolled",
    /// The learner is at another school at that time.
    LearnerElsewhere = "learner.other_school",
    /// The learner has no wallet key at that time.
    WalletNone = "wallet.none",
    /// The learner's wallet key is revoked at that time.
    WalletRevoked = "wallet.revoked",
    /// The wallet's key is not a P-256 public key as a JWK has it.
    WalletKeyMalformed = "wallet.key_malformed",
    /// The signature is not that of the learner's wallet key.
    WalletSignature = "wallet.signature_invalid",
}

impl Code {
    /// Whether the same call may succeed later without a change to it.
    pub const fn retry(self) -> bool {
        matches!(self, Code::LedgerUnavailable)
    }
}

/// The longest message, in bytes. It may quote what it is about, and travels on in gRPC's status, which clients bound.
const MAX_MESSAGE: usize = 1024;

/// A refusal: its code, a sentence that says what happened and what to do, and the entry it is about if it is one's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// For people, at most 1024 bytes.
    pub message: String,
    /// The entry's index in its batch, or the document's in its array, from 0, where one is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<u32>,
}

impl Refusal {
    /// A refusal that no single entry is to blame for.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let mut message = message.into();
        message.truncate(message.floor_char_boundary(MAX_MESSAGE));
        Self { code, message, entry: None }
    }

    /// The same refusal, blamed on an entry.
    pub fn at_entry(mut self, index: u32) -> Self {
        self.entry = Some(index);
        self
    }

    /// The refusal as JSON: what a chaincode answers as its error message.
    pub fn to_message(&self) -> String {
        serde_json::to_string(self).expect("a refusal has only text and numbers")
    }

    /// Reads a refusal back from an error message, whatever stands before or after it: Fabric puts words such as
    /// "chaincode response 500, " in front. `None` if the message holds no refusal.
    pub fn from_message(message: &str) -> Option<Self> {
        message.match_indices("{\"code\":").find_map(|(start, _)| {
            serde_json::Deserializer::from_str(&message[start..]).into_iter().next()?.ok()
        })
    }
}

/// Names the entry a refusal is about.
pub(crate) fn blame(index: usize) -> impl Fn(Refusal) -> Refusal {
    move |refusal| refusal.at_entry(index as u32)
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn a_refusal_survives_what_fabric_puts_around_it() {
        let refusal = Refusal::new(Code::EducatorRevoked, "said \"no\" {twice}").at_entry(7);
        for (before, after) in [("", ""), ("chaincode response 500, ", ""), ("a { b: ", " } and more")] {
            let message = format!("{before}{}{after}", refusal.to_message());
            assert_eq!(Refusal::from_message(&message).unwrap(), refusal, "{message}");
        }
        for other in
            ["", "chaincode response 500, no", "{\"code\":\"unheard.of\",\"message\":\"\"}", "{\"code\":"]
        {
            assert_eq!(Refusal::from_message(other), None, "{other}");
        }
    }

    #[test]
    fn a_message_is_bounded_whatever_it_quotes() {
        let refusal = Refusal::new(Code::QueryMalformed, format!("unknown field {}", "쿼".repeat(20_000)));
        assert!((1000..=MAX_MESSAGE).contains(&refusal.message.len()));
        assert!(refusal.message.starts_with("unknown field 쿼"));
    }

    #[test]
    fn the_text_of_a_code_is_its_json_and_no_two_share_one() {
        let mut texts: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
