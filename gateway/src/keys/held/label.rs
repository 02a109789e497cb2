//! What a held key is found by.

use std::{fmt, str::FromStr};

use super::HeldError;

/// A held key's label: the pseudonym of its owner. 1 to 64 letters, digits, '.', '_', '-', the first no '.': so it is the
/// name of a file, too.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(String);

impl Label {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = HeldError;

    fn from_str(text: &str) -> Result<Self, HeldError> {
        let of_form = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        match !text.starts_with('.') && (1..=64).contains(&text.len()) && text.bytes().all(of_form) {
            true => Ok(Self(text.to_owned())),
            false => Err(HeldError::Label),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn a_label_is_a_plain_name() {
        for good in ["a", "T0042", "parent-7.b_c", &"x".repeat(64)] {
            assert!(good.parse::<Label>().is_ok_and(|label| label.as_str() == good), "{good}");
        }
        for bad in ["", ".", "..", ".a", "a/b", "a b", "가", "a\0", &"x".repeat(65)] {
            assert_eq!(bad.parse::<Label>().unwrap_err(), HeldError::Label, "{bad}");
        }
    }
}
