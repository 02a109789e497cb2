//! Verdicts for people: a line a link.

use serde::Serialize;
use serde_json::Value;

use super::table::plain;
use crate::verdict::Check;

/// What was found of a link.
pub(super) fn line<L: Serialize>(check: &Check<L>) -> String {
    let link = word(&check.link);
    if check.holds {
        return format!("  ok      {link}");
    }
    let [code, detail] = [&check.code, &check.detail].map(|text| text.as_deref().unwrap_or_default());
    format!("  FAILED  {link}: {code}: {}", plain(detail))
}

/// A value that is written as one word.
pub(super) fn word(value: &impl Serialize) -> String {
    let word = serde_json::to_value(value).ok();
    word.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
}
