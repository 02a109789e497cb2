//! Who asks, once an access token has proved it.

use sillok_contract::id::{EducatorId, LearnerId, MspId, SchoolId, SignerId};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A registered educator: sees the requests they sent, the entries of those, and their school's batch headers.
    Educator {
        /// The educator's pseudonym.
        id: EducatorId,
        /// Their school.
        school: SchoolId,
    },
    /// Somebody whose certificate an office's registered authority issued: sees everything.
    Officer {
        /// The office's MSP.
        msp: MspId,
    },
    /// A learner with the key of their wallet: sees every entry about themselves, whoever asked, and nothing else.
    Learner {
        /// The learner's pseudonym.
        id: LearnerId,
    },
    /// A registered signer of documents: sees the signatures and documents that they have a part in, and no records.
    Signer {
        /// The signer's pseudonym.
        id: SignerId,
    },
}
