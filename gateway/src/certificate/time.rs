//! Times in a credential: whole seconds, UTC, as RFC 3339 writes them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const MICROS: i64 = 1_000_000;

/// A second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Second(Timestamp);

impl Second {
    /// The second that these microseconds since the Unix epoch are in; the first or last that is counted, beyond.
    pub fn of(micros: i64) -> Self {
        let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        let second = Timestamp::from_second(micros.div_euclid(MICROS).clamp(first, last));
        Self(second.expect("it is between the first and the last"))
    }

    /// Its beginning, in microseconds since the Unix epoch.
    pub fn micros(self) -> i64 {
        self.0.as_microsecond()
    }
}

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Second> for String {
    fn from(second: Second) -> Self {
        second.to_string()
    }
}

impl TryFrom<String> for Second {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let second = text.parse().ok().filter(|time: &Timestamp| time.subsec_nanosecond() == 0).map(Self);
        let refuse =
            || format!("{text:?} is not a whole second of RFC 3339 in UTC, such as 2026-03-02T00:00:00Z");
        second.filter(|second| second.to_string() == text).ok_or_else(refuse)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_form_alone_is_taken() {
        let second = Second::try_from("2026-03-02T00:00:00Z".to_owned()).unwrap();
        assert_eq!(second, Second::of(1_772_409_600_999_999));
        for text in [
            "",
            "2026-03-02",
            "2026-03-02T00:00:00.000Z",
            "2026-03-02T09:00:00+09:00",
            "2026-03-02T00:00:00z",
        ] {
            assert!(Second::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_time_has_a_second(micros: i64) {
            let _ = Second::of(micros).to_string();
        }
    }
}
