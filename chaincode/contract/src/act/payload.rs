//! The acts there are, each with its members.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    entry::EntryId,
    id::{CertificateId, DocumentId, LearnerId, ObjectionId, SchoolId, SignerId},
    signature::{Commitment, Subject},
};

/// Who an act is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// A learner.
    Learner,
    /// An officer of either office.
    Officer,
    /// A signer.
    Signer,
    /// A signer whose certificate's key the office holds, and nobody else.
    Approver,
}

macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $party:ident;)*) => {
        /// What is done, with its members beside `act`.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "act")]
        pub enum Act {
            $($(#[$doc])* #[serde(rename = $text)] $name($name),)*
        }

        impl Act {
            /// The text in `act`.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $text,)*
                }
            }

            /// Who may do it.
            pub fn party(&self) -> Party {
                match self {
                    $(Self::$name(_) => Party::$party,)*
                }
            }
        }

        $(impl From<$name> for Act {
            fn from(act: $name) -> Self {
                Self::$name(act)
            }
        })*
    };
}

acts! {
    /// A learner asks for a certificate of their record.
    CertificateRequest = "certificate.request", Learner;
    /// An officer refuses it.
    CertificateRefuse = "certificate.refuse", Officer;
    /// An officer issues it.
    CertificateIssue = "certificate.issue", Officer;
    /// The learner agrees to what was issued.
    CertificateCountersign = "certificate.countersign", Learner;
    /// An officer revokes it.
    CertificateRevoke = "certificate.revoke", Officer;
    /// A learner objects to an entry.
    ObjectionFile = "objection.file", Learner;
    /// An officer upholds the objection: a correcting entry stands.
    ObjectionUphold = "objection.uphold", Officer;
    /// An officer dismisses the objection.
    ObjectionDismiss = "objection.dismiss", Officer;
    /// An officer erases the bodies of a learner's entries.
    Erase = "erase", Officer;
    /// A signer opens a document for several to sign.
    DocumentOpen = "document.open", Signer;
    /// A party will not sign it: the document is refused.
    DocumentDecline = "document.decline", Signer;
    /// Who opened it takes it back.
    DocumentWithdraw = "document.withdraw", Signer;
    /// A signer claims that a work was theirs to show at this time.
    WorkClaim = "work.claim", Signer;
    /// A signer approves one use of the key that the office holds for them. It counts beside that signature alone.
    SignatureApprove = "signature.approve", Approver;
}

/// See [`Act::CertificateRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRequest {
    /// The certificate's id: drawn at random, it tells nothing.
    pub certificate: CertificateId,
}

/// See [`Act::CertificateRefuse`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRefuse {
    /// Which.
    pub certificate: CertificateId,
    /// SHA-256 of the signed report that says why.
    pub digest: Digest,
}

/// See [`Act::CertificateIssue`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateIssue {
    /// Which.
    pub certificate: CertificateId,
    /// SHA-256 of the compact JWT of the verifiable credential.
    pub digest: Digest,
    /// From this time on it is worth nothing, in microseconds since the Unix epoch.
    pub expires_at: i64,
}

/// See [`Act::CertificateCountersign`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateCountersign {
    /// Which.
    pub certificate: CertificateId,
    /// The digest that was issued.
    pub digest: Digest,
}

/// See [`Act::CertificateRevoke`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRevoke {
    /// Which.
    pub certificate: CertificateId,
    /// Why.
    pub reason: RevocationReason,
}

/// Why a certificate is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    /// What it certifies was wrong, or is no longer what the record says.
    Erroneous,
    /// Another takes its place.
    Superseded,
    /// A key that signed it is no longer its owner's alone.
    KeyCompromise,
    /// The learner does not want it any more.
    Withdrawn,
}

/// See [`Act::ObjectionFile`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectionFile {
    /// The objection's id: drawn at random, it tells nothing.
    pub objection: ObjectionId,
    /// The entry that is objected to.
    pub entry: EntryId,
    /// Where it stands: the school.
    pub school: SchoolId,
    /// The batch.
    pub sequence: u64,
    /// The leaf, from 0.
    pub index: u32,
    /// SHA-256 of the reason as it travels beside the act.
    pub digest: Digest,
}

/// See [`Act::ObjectionUphold`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectionUphold {
    /// Which.
    pub objection: ObjectionId,
    /// The entry that puts it right.
    pub entry: EntryId,
    /// Where it stands: the school.
    pub school: SchoolId,
    /// The batch.
    pub sequence: u64,
    /// The leaf, from 0.
    pub index: u32,
}

/// See [`Act::ObjectionDismiss`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectionDismiss {
    /// Which.
    pub objection: ObjectionId,
    /// SHA-256 of the reason as it travels beside the act.
    pub digest: Digest,
}

/// See [`Act::Erase`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// Whose entries.
    pub learner: LearnerId,
    /// On what grounds.
    pub grounds: Grounds,
    /// In which batches; their redacted bodies travel beside the act.
    pub places: Vec<Place>,
}

/// See [`Act::DocumentOpen`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentOpen {
    /// The document's id: drawn at random, it tells nothing.
    pub document: DocumentId,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// What who signs it commits to.
    pub purpose: Commitment,
    /// Whether the parties sign in their order, each after the one before.
    pub ordered: bool,
    /// From this time on nobody signs it any more, in microseconds since the Unix epoch.
    pub deadline: i64,
    /// Who is to sign, each once: 1 to 50.
    pub parties: Vec<SignerId>,
}

/// See [`Act::DocumentDecline`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentDecline {
    /// Which.
    pub document: DocumentId,
}

/// See [`Act::DocumentWithdraw`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentWithdraw {
    /// Which.
    pub document: DocumentId,
}

/// See [`Act::WorkClaim`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkClaim {
    /// SHA-256 of the work's bytes.
    pub digest: Digest,
}

/// See [`Act::SignatureApprove`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureApprove {
    /// SHA-256 of the document to be signed.
    pub digest: Digest,
    /// What the signature is to name it by.
    pub subject: Subject,
    /// What the signature is to commit to, if to anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Commitment>,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The school.
    pub school: SchoolId,
    /// The batch's number.
    pub sequence: u64,
}

/// The legal grounds of an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grounds {
    /// The time for which records are kept is over.
    RetentionExpired,
    /// The learner, or who acts for them, asked for it and has a right to it.
    DataSubjectRequest,
    /// A court or an authority ordered it.
    Order,
    /// It should never have been recorded.
    UnlawfulProcessing,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Learner => "a learner, named by kid,",
            Self::Officer => "an officer, named by x5t#S256,",
            Self::Signer => "a signer, named by x5t#S256 or by the kid signer/ID,",
            Self::Approver => "a signer, named by the kid signer/ID,",
        })
    }
}
