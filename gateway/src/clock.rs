//! The system's clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since the Unix epoch. A clock before 1970 or after the year 294246 stands at the nearest end.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
