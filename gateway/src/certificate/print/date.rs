//! Times as Korea's clocks show them.

use jiff::{Timestamp, civil::DateTime, tz::Offset};

use crate::certificate::Second;

/// Korea Standard Time; there is no summer time.
const KST: Offset = Offset::constant(9);
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// As a field has it.
pub(super) fn exact(second: Second) -> String {
    format!("{} (KST, UTC+9)", korean(second).strftime("%Y-%m-%d %H:%M:%S"))
}

/// The day, as a Korean letter has it.
pub(super) fn day_in_korean(second: Second) -> String {
    let day = korean(second);
    format!("{}년 {}월 {}일", day.year(), day.month(), day.day())
}

/// The day, as an English letter has it.
pub(super) fn day_in_english(second: Second) -> String {
    let day = korean(second);
    let month = usize::try_from(day.month() - 1).ok().and_then(|month| MONTHS.get(month)).unwrap_or(&"");
    format!("{} {month} {}", day.day(), day.year())
}

/// For the document's own account of when it was made: year, month, day, hour, minute, second.
pub(super) fn korean(second: Second) -> DateTime {
    KST.to_datetime(Timestamp::from_microsecond(second.micros()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn a_day_begins_when_it_begins_in_korea() {
        let second = Second::try_from("2026-03-01T15:00:00Z".to_owned()).unwrap();
        assert_eq!(day_in_korean(second), "2026년 3월 2일");
        assert_eq!(day_in_english(second), "2 March 2026");
        assert_eq!(exact(second), "2026-03-02 00:00:00 (KST, UTC+9)");
    }
}
