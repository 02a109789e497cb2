//! Composite keys: several strings in one key, so that a range finds all keys with the same first ones.
//!
//! Fabric's form, as every other chaincode reads it: U+0000, then each part followed by U+0000. The leading U+0000 keeps
//! composite keys apart from simple ones.

use crate::LedgerError;

/// Ends each part, and starts the key.
const SEPARATOR: char = '\u{0}';

/// Sorts after everything a part may hold.
const MAXIMUM: char = char::MAX;

/// The key of an object type and its attributes.
///
/// # Errors
///
/// [`LedgerError::InvalidArgument`] if a part holds U+0000 or U+10FFFF.
///
/// ```
/// use sillok_shim::composite_key;
///
/// let key = composite_key::join("entry", &["학교-1", "42"])?;
/// assert_eq!(composite_key::split(&key)?, ("entry", vec!["학교-1", "42"]));
/// # Ok::<(), sillok_shim::LedgerError>(())
/// ```
pub fn join<A: AsRef<str>>(object_type: &str, attributes: &[A]) -> Result<String, LedgerError> {
    let mut key = String::from(SEPARATOR);
    for part in std::iter::once(object_type).chain(attributes.iter().map(AsRef::as_ref)) {
        check(part)?;
        key.push_str(part);
        key.push(SEPARATOR);
    }
    Ok(key)
}

/// The object type and the attributes of a key.
///
/// # Errors
///
/// [`LedgerError::InvalidArgument`] if [`join`] does not make such a key.
pub fn split(key: &str) -> Result<(&str, Vec<&str>), LedgerError> {
    let parts = key.strip_prefix(SEPARATOR).and_then(|rest| rest.strip_suffix(SEPARATOR));
    let mut parts = parts.ok_or(LedgerError::invalid("key", "is not a composite key"))?.split(SEPARATOR);
    let object_type = parts.next().unwrap_or_default();
    let attributes: Vec<_> = parts.collect();
    for part in std::iter::once(&object_type).chain(&attributes) {
        check(part)?;
    }
    Ok((object_type, attributes))
}

/// First and last key of all that start with these parts.
pub(crate) fn range<A: AsRef<str>>(
    object_type: &str,
    attributes: &[A],
) -> Result<(String, String), LedgerError> {
    let start = join(object_type, attributes)?;
    let end = format!("{start}{MAXIMUM}");
    Ok((start, end))
}

fn check(part: &str) -> Result<(), LedgerError> {
    if part.contains([SEPARATOR, MAXIMUM]) {
        return Err(LedgerError::invalid("composite key", "must not hold U+0000 or U+10FFFF in a part"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn has_the_form_other_chaincode_reads() {
        assert_eq!(join("owner~name", &["tom", "car"]).unwrap(), "\u{0}owner~name\u{0}tom\u{0}car\u{0}");
        assert_eq!(join::<&str>("", &[]).unwrap(), "\u{0}\u{0}");
    }

    #[test]
    fn refuses_what_is_no_composite_key() {
        for key in ["", "a", "\u{0}", "\u{0}a", "a\u{0}", "\u{0}a\u{10ffff}\u{0}"] {
            assert_eq!(split(key).unwrap_err().code(), "LEDGER_INVALID_ARGUMENT", "{key:?}");
        }
        for part in ["a\u{0}b", "\u{10ffff}"] {
            assert!(join(part, &["x"]).is_err() && join("x", &[part]).is_err(), "{part:?}");
        }
    }

    fn part() -> impl Strategy<Value = String> {
        any::<String>().prop_filter("no reserved characters", |part| check(part).is_ok())
    }

    proptest! {
        #[test]
        fn what_was_joined_splits(kind in part(), attributes in prop::collection::vec(part(), 0..5)) {
            let key = join(&kind, &attributes).unwrap();
            let (found, rest) = split(&key).unwrap();
            prop_assert_eq!(found, kind.as_str());
            prop_assert_eq!(rest, attributes.iter().map(String::as_str).collect::<Vec<_>>());
        }

        #[test]
        fn what_splits_joins(key in any::<String>().prop_map(|inner| format!("\u{0}{inner}\u{0}"))) {
            if let Ok((kind, attributes)) = split(&key) {
                prop_assert_eq!(join(kind, &attributes).unwrap(), key);
            }
        }

        #[test]
        fn a_range_holds_longer_keys_and_no_others(
            kind in part(),
            attributes in prop::collection::vec(part(), 0..4),
            other in part(),
        ) {
            let (start, end) = range(&kind, &attributes).unwrap();
            let longer = join(&kind, &[attributes.clone(), vec![other.clone()]].concat()).unwrap();
            prop_assert!(start <= longer && longer < end);
            if other != kind {
                let foreign = join(&other, &attributes).unwrap();
                prop_assert!(foreign < start || foreign >= end);
            }
        }
    }
}
