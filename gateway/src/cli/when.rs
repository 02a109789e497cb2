//! Times as people write them.

use std::str::FromStr;

use jiff::Timestamp;
use serde::Deserialize;

use crate::clock::now;

/// A time that was asked for: RFC 3339, or `now`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum When {
    /// The moment of the call.
    Now,
    /// Microseconds since the Unix epoch.
    At(i64),
}

impl When {
    /// The time, given what stands on the ledger already: `now` said once more means the time it meant at first, so
    /// that a call may be made again.
    pub(super) fn or_standing(self, standing: Option<i64>) -> i64 {
        match (self, standing) {
            (Self::At(time), _) => time,
            (Self::Now, Some(standing)) if standing <= now() => standing,
            (Self::Now, _) => now(),
        }
    }
}

impl FromStr for When {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "now" {
            return Ok(Self::Now);
        }
        match text.parse::<Timestamp>() {
            Ok(time) => Ok(Self::At(time.as_microsecond())),
            Err(_) => Err(format!(
                "{text:?} is neither `now` nor a time of RFC 3339 with its offset, such as 2026-03-02T09:00:00+09:00"
            )),
        }
    }
}

impl TryFrom<String> for When {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Microseconds since the Unix epoch as RFC 3339, UTC.
pub(super) fn written(time: i64) -> String {
    Timestamp::from_microsecond(time).map_or_else(|_| format!("{time} µs"), |time| time.to_string())
}

/// The same, or nothing.
pub(super) fn written_if(time: Option<i64>) -> String {
    time.map(written).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn a_time_is_read_with_its_offset_and_never_without() {
        let expected = When::At(1_772_409_600_000_000);
        for text in ["2026-03-02T00:00:00Z", "2026-03-02T09:00:00+09:00", "2026-03-02T09:00:00.000000+09:00"]
        {
            assert_eq!(text.parse::<When>().unwrap(), expected, "{text}");
        }
        for text in ["", "Now", "2026-03-02", "2026-03-02T00:00:00", "1772409600", "2026-13-02T00:00:00Z"] {
            assert!(text.parse::<When>().unwrap_err().contains("RFC 3339"), "{text}");
        }
        assert_eq!(written(1_772_409_600_000_000), "2026-03-02T00:00:00Z");
    }

    #[test]
    fn now_said_again_means_what_it_meant_at_first() {
        assert_eq!(When::Now.or_standing(Some(5)), 5);
        assert_eq!(When::At(7).or_standing(Some(5)), 7);
        let later = now() + 1_000_000_000;
        assert!(When::Now.or_standing(Some(later)) < later);
        assert!(When::Now.or_standing(None) > 5);
    }
}
