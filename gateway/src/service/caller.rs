//! Who asks, once an access token has proved it.

use sillok_contract::id::{EducatorId, MspId, SchoolId};

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
}
