//! Who handles events together.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name, in bytes.
const MOST: usize = 64;

/// Consumers that share work: each event is handled by one of them. By convention a role's name, such as `verifier`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Group(String);

impl Group {
    /// 1 to 64 letters, digits, `.`, `_` and `-`.
    pub fn new(name: impl Into<String>) -> Result<Self, MalformedGroup> {
        let name = name.into();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if (1..=MOST).contains(&name.len()) && name.bytes().all(fits) {
            return Ok(Self(name));
        }
        Err(MalformedGroup(name.chars().take(MOST).collect()))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Group {
    type Error = MalformedGroup;

    fn try_from(name: String) -> Result<Self, MalformedGroup> {
        Self::new(name)
    }
}

impl From<Group> for String {
    fn from(Group(name): Group) -> Self {
        name
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// No group can have this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a group's name is 1 to 64 letters, digits, '.', '_' or '-', not {0:?}")]
pub struct MalformedGroup(String);
