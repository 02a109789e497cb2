//! JSON values as PostgreSQL's parameters and results.

use std::error::Error;

use jiff::{Timestamp, civil::Date};
use prost::bytes::BytesMut;
use serde_json::{Number, Value};
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::records::schema::ColumnType;

type Fault = Box<dyn Error + Sync + Send>;

/// A parameter, sent as text: PostgreSQL reads it as whatever type it has inferred.
#[derive(Debug)]
pub(super) struct Parameter<'v>(pub(super) &'v Value);

impl ToSql for Parameter<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        match self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::Bool(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Value::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Value::String(text) => out.extend_from_slice(text.as_bytes()),
            Value::Array(_) | Value::Object(_) => return Err("a parameter is a single value".into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// A cell of a result, as JSON.
pub(super) struct Cell(Value);

impl Cell {
    /// It, if it is what a column of this type holds.
    pub(super) fn of(self, column_type: ColumnType) -> Option<Value> {
        match (column_type, self.0) {
            (_, Value::Null) => Some(Value::Null),
            (ColumnType::Boolean, value @ Value::Bool(_)) => Some(value),
            (ColumnType::Integer, Value::Number(number)) if number.is_i64() => Some(Value::Number(number)),
            (ColumnType::Real, Value::Number(number)) => {
                Number::from_f64(number.as_f64()?).map(Value::Number)
            }
            (ColumnType::Text | ColumnType::Date | ColumnType::Timestamp, value @ Value::String(_)) => {
                Some(value)
            }
            _ => None,
        }
    }
}

impl<'a> FromSql<'a> for Cell {
    fn from_sql(of: &Type, raw: &'a [u8]) -> Result<Self, Fault> {
        Ok(Self(match *of {
            Type::BOOL => bool::from_sql(of, raw)?.into(),
            Type::INT2 => i16::from_sql(of, raw)?.into(),
            Type::INT4 => i32::from_sql(of, raw)?.into(),
            Type::INT8 => i64::from_sql(of, raw)?.into(),
            Type::FLOAT4 => real(f32::from_sql(of, raw)?.into())?,
            Type::FLOAT8 => real(f64::from_sql(of, raw)?)?,
            Type::DATE => date(i32::from_be_bytes(raw.try_into()?))?.into(),
            Type::TIMESTAMP | Type::TIMESTAMPTZ => timestamp(i64::from_be_bytes(raw.try_into()?))?.into(),
            _ => <&str>::from_sql(of, raw)?.into(),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Fault> {
        Ok(Self(Value::Null))
    }

    fn accepts(of: &Type) -> bool {
        matches!(
            *of,
            Type::BOOL
                | Type::INT2
                | Type::INT4
                | Type::INT8
                | Type::FLOAT4
                | Type::FLOAT8
                | Type::DATE
                | Type::TIMESTAMP
                | Type::TIMESTAMPTZ
        ) || <&str as FromSql>::accepts(of)
    }
}

fn real(value: f64) -> Result<Value, Fault> {
    Number::from_f64(value).map(Value::Number).ok_or_else(|| "not a finite number".into())
}

/// Days since 2000-01-01.
fn date(days: i32) -> Result<String, Fault> {
    let day = Date::constant(2000, 1, 1).checked_add(jiff::Span::new().try_days(days)?)?;
    Ok(day.to_string())
}

/// Microseconds since 2000-01-01 00:00 UTC.
fn timestamp(microseconds: i64) -> Result<String, Fault> {
    /// From the Unix epoch to PostgreSQL's.
    const EPOCH: i64 = 946_684_800_000_000;
    let moment = microseconds.checked_add(EPOCH).ok_or("a timestamp without end")?;
    Ok(format!("{:.6}", Timestamp::from_microsecond(moment)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn days_and_moments_are_counted_from_2000() {
        assert_eq!(date(0).unwrap(), "2000-01-01");
        assert_eq!(date(-1).unwrap(), "1999-12-31");
        assert_eq!(timestamp(1).unwrap(), "2000-01-01T00:00:00.000001Z");
        assert!(date(i32::MAX).is_err() && timestamp(i64::MAX).is_err() && timestamp(i64::MIN).is_err());
    }
}
