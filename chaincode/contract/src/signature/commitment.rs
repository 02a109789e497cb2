//! What who signs commits to.

use serde::{Deserialize, Serialize};

use super::malformed;
use crate::Refusal;

macro_rules! commitments {
    ($($(#[$doc:meta])* $name:ident = $uri:literal;)*) => {
        /// A commitment type, as ETSI names them (TS 119 172-1, annex B): what a signature is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Commitment {
            $($(#[$doc])* $name,)*
        }

        impl Commitment {
            /// Every one.
            pub const ALL: &'static [Commitment] = &[$(Commitment::$name,)*];

            /// Its URI.
            pub const fn uri(self) -> &'static str {
                match self {
                    $(Commitment::$name => concat!("http://uri.etsi.org/01903/v1.2.2#", $uri),)*
                }
            }
        }
    };
}

commitments! {
    /// The signer made the document, approved it, and sent it.
    ProofOfOrigin = "ProofOfOrigin";
    /// The signer received the document.
    ProofOfReceipt = "ProofOfReceipt";
    /// The signer delivered the document to its recipient.
    ProofOfDelivery = "ProofOfDelivery";
    /// The signer sent the document, and need not have made it.
    ProofOfSender = "ProofOfSender";
    /// The signer approves what the document says.
    ProofOfApproval = "ProofOfApproval";
    /// The signer made the document, and need not approve or send it.
    ProofOfCreation = "ProofOfCreation";
}

impl Commitment {
    /// The one with this URI.
    pub(super) fn of_uri(uri: &str) -> Result<Self, Refusal> {
        let found = Self::ALL.iter().copied().find(|commitment| commitment.uri() == uri);
        found.ok_or_else(|| malformed("srCms names one of ETSI's commitment types by its URI"))
    }
}
