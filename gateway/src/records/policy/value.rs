//! Operands and the statement's parameters: every literal becomes a bound value, so that no text of the caller's is in
//! the SQL that runs.

use serde_json::{Number, Value};

use super::{
    PolicyCode,
    refusal::{Result, refuse},
};
use crate::records::schema::ColumnType;

/// What an expression became.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    /// SQL of a known type.
    Typed(String, ColumnType),
    /// A string, whose type its neighbours decide: text, a date or a timestamp.
    Loose(Source),
    /// NULL, of any type.
    Null,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// It stands in the statement.
    Literal(Value),
    /// The caller's parameter, from 0.
    Parameter(usize, Value),
    /// The learner's id.
    Learner(Value),
}

impl Source {
    fn value(&self) -> &Value {
        match self {
            Self::Literal(value) | Self::Parameter(_, value) | Self::Learner(value) => value,
        }
    }
}

/// The statement's parameters: one for each pair of source and type, so that the same expression written twice stays
/// the same expression (GROUP BY asks for that), and the SQL's text does not depend on the values.
#[derive(Debug, Default)]
pub(super) struct Slots(Vec<(Source, Form)>);

/// As what a parameter is bound.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Column(ColumnType),
    /// What PostgreSQL's `substr` wants.
    Small,
}

impl Slots {
    /// The SQL for a value of this type.
    pub(super) fn bind(&mut self, source: Source, as_type: ColumnType) -> Result<String> {
        let source = normal(source, as_type)?;
        let number = self.number(source, Form::Column(as_type));
        Ok(match as_type {
            ColumnType::Text => format!("CAST(${number} AS text)"),
            ColumnType::Integer => format!("CAST(${number} AS bigint)"),
            ColumnType::Real => format!("CAST(${number} AS double precision)"),
            ColumnType::Boolean => format!("CAST(${number} AS boolean)"),
            // SQLite has no such types to cast to; PostgreSQL infers them from the other side.
            ColumnType::Date | ColumnType::Timestamp => format!("${number}"),
        })
    }

    /// The SQL for a 32-bit integer.
    pub(super) fn bind_small(&mut self, source: Source) -> String {
        format!("CAST(${} AS integer)", self.number(source, Form::Small))
    }

    fn number(&mut self, source: Source, form: Form) -> usize {
        let found = self.0.iter().position(|slot| slot.0 == source && slot.1 == form);
        found.unwrap_or_else(|| {
            self.0.push((source, form));
            self.0.len() - 1
        }) + 1
    }

    /// The values, in order.
    pub(super) fn into_values(self) -> Vec<Value> {
        self.0.into_iter().map(|(source, _)| source.value().clone()).collect()
    }
}

/// A literal or parameter as an operand.
pub(super) fn operand(source: Source, slots: &mut Slots) -> Result<Operand> {
    let as_type = match source.value() {
        Value::Null => return Ok(Operand::Null),
        Value::String(text) if text.contains('\0') => {
            return refuse(PolicyCode::Value, "text must not hold U+0000");
        }
        Value::String(_) => return Ok(Operand::Loose(source)),
        Value::Bool(_) => ColumnType::Boolean,
        Value::Number(number) if number.is_i64() => ColumnType::Integer,
        Value::Number(number) if number.is_f64() => ColumnType::Real,
        Value::Number(number) => {
            return refuse(PolicyCode::Value, format!("{number} does not fit into 64 bits"));
        }
        Value::Array(_) | Value::Object(_) => {
            return refuse(PolicyCode::Parameters, "a parameter is a string, number, boolean or null");
        }
    };
    Ok(Operand::Typed(slots.bind(source, as_type)?, as_type))
}

/// The number that a literal stands for.
pub(super) fn number(text: &str) -> Result<Value> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        if let Ok(integer) = text.parse::<i64>() {
            return Ok(Value::from(integer));
        }
    } else if text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        && let Some(real) = text.parse().ok().and_then(Number::from_f64)
    {
        return Ok(Value::Number(real));
    }
    refuse(PolicyCode::Value, "a number is a 64-bit integer or an IEEE 754 double")
}

/// Brings a string to the one form its type has, so that both databases compare it alike.
fn normal(source: Source, as_type: ColumnType) -> Result<Source> {
    let Value::String(text) = source.value() else { return Ok(source) };
    let text = match as_type {
        ColumnType::Date => date(text)?,
        ColumnType::Timestamp => timestamp(text)?,
        _ => return Ok(source),
    };
    Ok(match source {
        Source::Literal(_) => Source::Literal(text.into()),
        Source::Parameter(index, _) => Source::Parameter(index, text.into()),
        Source::Learner(_) => Source::Learner(text.into()),
    })
}

fn date(text: &str) -> Result<String> {
    match text.parse::<jiff::civil::Date>() {
        Ok(date) if date.year() > 0 && date.to_string() == text => Ok(date.to_string()),
        _ => refuse(PolicyCode::Value, "a date is written 2026-03-02"),
    }
}

fn timestamp(text: &str) -> Result<String> {
    let moment = text.parse::<jiff::Timestamp>().ok();
    match moment.map(|moment| (moment, moment.to_zoned(jiff::tz::TimeZone::UTC).year())) {
        Some((moment, 1..)) if moment.subsec_nanosecond() % 1000 == 0 => Ok(format!("{moment:.6}")),
        _ => refuse(
            PolicyCode::Value,
            "a timestamp is written 2026-03-02T09:00:00Z, to the microsecond at most",
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn dates_and_timestamps_have_one_form() {
        assert_eq!(date("2026-03-02").unwrap(), "2026-03-02");
        for bad in ["2026-3-2", "20260302", "2026-02-30", "today", "infinity", "-000044-03-15", ""] {
            assert_eq!(date(bad).unwrap_err().code, PolicyCode::Value, "{bad}");
        }
        for same in ["2026-03-02T09:00:00Z", "2026-03-02T18:00:00+09:00", "2026-03-02 09:00:00.000000Z"] {
            assert_eq!(timestamp(same).unwrap(), "2026-03-02T09:00:00.000000Z");
        }
        for bad in ["2026-03-02T09:00:00", "2026-03-02", "now", "2026-03-02T09:00:00.0000001Z", "infinity"] {
            assert_eq!(timestamp(bad).unwrap_err().code, PolicyCode::Value, "{bad}");
        }
    }

    #[test]
    fn numbers_are_what_both_databases_hold() {
        assert_eq!(number("42").unwrap(), Value::from(42));
        assert_eq!(number("1.5e3").unwrap(), Value::from(1500.0));
        for bad in ["9223372036854775808", "0x10", "1_000", "1e999", "NaN", "."] {
            assert_eq!(number(bad).unwrap_err().code, PolicyCode::Value, "{bad}");
        }
    }
}
