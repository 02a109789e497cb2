//! Names of offices, schools, people and what they sign, checked once where they come in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Code, Refusal};

/// The longest identifier, in bytes.
pub const MAX_LENGTH: usize = 64;

/// Letters, digits, `.`, `_` and `-`; first a letter or digit; 1 to [`MAX_LENGTH`] bytes.
fn well_formed(text: &str) -> bool {
    text.len() <= MAX_LENGTH
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes a well-formed identifier; refuses others with [`Code::IdentifierMalformed`].
            pub fn new(text: impl Into<String>) -> Result<Self, Refusal> {
                let text = text.into();
                if well_formed(&text) {
                    return Ok(Self(text));
                }
                Err(Refusal::new(
                    Code::IdentifierMalformed,
                    format!(
                        "the {} {:?} is not 1 to 64 letters, digits, '.', '_' or '-' that begin with a letter or digit",
                        $what,
                        text.chars().take(MAX_LENGTH).collect::<String>(),
                    ),
                ))
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = Refusal;
            fn from_str(text: &str) -> Result<Self, Refusal> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Refusal;
            fn try_from(text: String) -> Result<Self, Refusal> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier!(
    /// A school.
    SchoolId, "school"
);
identifier!(
    /// An educator, by a pseudonym.
    EducatorId, "educator"
);
identifier!(
    /// An officer: somebody of an office who restores, adopts, certifies or decides; by a pseudonym.
    OfficerId, "officer"
);
identifier!(
    /// A signer: somebody who signs documents; by a pseudonym.
    SignerId, "signer"
);
identifier!(
    /// A document that several parties sign: drawn at random, it tells nothing about them.
    DocumentId, "document"
);
identifier!(
    /// A learner, by a pseudonym: it stands on the channel, so it must not tell who they are.
    LearnerId, "learner"
);
identifier!(
    /// A certificate of a learner's record: drawn at random, it tells nothing about them.
    CertificateId, "certificate"
);
identifier!(
    /// An objection: drawn at random, it tells nothing about the learner.
    ObjectionId, "objection"
);
identifier!(
    /// What an educator is at their school, such as `teacher`.
    EducatorRole, "role"
);
identifier!(
    /// An organisation's MSP, as Fabric names it.
    MspId, "MSP"
);

/// As an entry names who signed: an officer signs in an educator's place. No officer has an educator's id.
impl From<OfficerId> for EducatorId {
    fn from(id: OfficerId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn takes_what_is_well_formed_and_refuses_the_rest() {
        for good in ["a", "school-1", "L0001", "x.y_z-9", &"k".repeat(64)] {
            assert_eq!(LearnerId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", ".a", "a/b", "a b", "학교", "a\0", &"k".repeat(65)] {
            assert_eq!(LearnerId::new(bad).unwrap_err().code, Code::IdentifierMalformed, "{bad:?}");
        }
    }

    #[test]
    fn json_is_checked_too() {
        assert!(serde_json::from_str::<SchoolId>("\"school-1\"").is_ok());
        assert!(serde_json::from_str::<SchoolId>("\"../x\"").is_err());
    }
}
