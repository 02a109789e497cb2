//! ORDER BY, LIMIT and OFFSET: said so that both databases mean the same rows.

use sqlparser::ast::{
    Expr, LimitClause, Offset, OrderBy, OrderByExpr, OrderByKind, OrderByOptions, OrderBySort, Value,
};

use super::{
    OutputColumn, PolicyCode, Rewriter,
    refusal::{Result, absent, refuse},
    scope::fold,
};
use crate::records::schema::ColumnType::Integer;

impl Rewriter<'_> {
    /// ORDER BY of a SELECT: by what it gives, or by any expression. Where NULLs stand is said, for the databases differ.
    pub(super) fn order(
        &mut self,
        order_by: Option<&OrderBy>,
        items: &[String],
        columns: &[OutputColumn],
        output_only: bool,
    ) -> Result<String> {
        let mut written = Vec::new();
        for OrderByExpr { expr, options, with_fill } in order_items(order_by)? {
            absent(with_fill.is_some(), "WITH FILL")?;
            let by = match output_position(expr, columns)? {
                Some(position) => position.to_string(),
                None if items.is_empty() => {
                    return refuse(PolicyCode::Column, "ORDER BY takes columns of the result here");
                }
                None => {
                    let (sql, _) = self.any(expr)?;
                    match items.iter().position(|item| *item == sql) {
                        Some(position) => (position + 1).to_string(),
                        None if output_only => {
                            return refuse(
                                PolicyCode::Column,
                                "with DISTINCT, ORDER BY takes columns of the result",
                            );
                        }
                        None => sql,
                    }
                }
            };
            written.push(format!("{by}{}", direction(options)?));
        }
        let keyword = if written.is_empty() { "" } else { " ORDER BY " };
        Ok(format!("{keyword}{}", written.join(", ")))
    }

    pub(super) fn order_of_output(
        &mut self,
        order_by: Option<&OrderBy>,
        columns: &[OutputColumn],
    ) -> Result<String> {
        self.order(order_by, &[], columns, true)
    }

    pub(super) fn limit(&mut self, clause: &LimitClause) -> Result<(String, bool)> {
        let LimitClause::LimitOffset { limit, offset, limit_by } = clause else {
            return refuse(PolicyCode::Clause, "write LIMIT … OFFSET …");
        };
        absent(!limit_by.is_empty(), "LIMIT BY")?;
        let count = limit.as_ref().map(|limit| self.count(limit)).transpose()?;
        let offset = offset.as_ref().map(|Offset { value, rows: _ }| self.count(value)).transpose()?;
        Ok(match (count, offset) {
            (None, None) => (String::new(), false),
            (Some((limit, n)), None) => (format!(" LIMIT {limit}"), n <= 1),
            (Some((limit, n)), Some((offset, _))) => (format!(" LIMIT {limit} OFFSET {offset}"), n <= 1),
            // SQLite has no OFFSET without LIMIT.
            (None, Some((offset, _))) => (format!(" LIMIT {} OFFSET {offset}", i64::MAX), false),
        })
    }

    fn count(&mut self, expr: &Expr) -> Result<(String, i64)> {
        if let Expr::Value(value) = expr {
            let source = self.source(value)?;
            if let Some(n @ 0..) = source.integer() {
                return Ok((self.slots.bind(source, Integer)?, n));
            }
        }
        refuse(PolicyCode::Value, "LIMIT and OFFSET take a number from 0")
    }
}

/// A bare number, which in ORDER BY and GROUP BY is a column's position.
pub(super) fn position(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, false) => text.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn output_position(expr: &Expr, columns: &[OutputColumn]) -> Result<Option<usize>> {
    if let Some(position) = position(expr) {
        if (1..=columns.len()).contains(&position) {
            return Ok(Some(position));
        }
        return refuse(PolicyCode::Column, format!("there is no column {position} to order by"));
    }
    let Expr::Identifier(name) = expr else { return Ok(None) };
    let name = fold(name)?;
    Ok(columns.iter().position(|column| column.name == name).map(|index| index + 1))
}

fn order_items(order_by: Option<&OrderBy>) -> Result<&[OrderByExpr]> {
    match order_by {
        None => Ok(&[]),
        Some(OrderBy { kind: OrderByKind::Expressions(items), interpolate: None }) => Ok(items),
        Some(_) => refuse(PolicyCode::Clause, "ORDER BY takes expressions"),
    }
}

fn direction(options: &OrderByOptions) -> Result<&'static str> {
    let OrderByOptions { sort, nulls_first } = options;
    let descending = match sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        Some(OrderBySort::Using(_)) => return refuse(PolicyCode::Clause, "ORDER BY … USING is not allowed"),
    };
    Ok(match (descending, nulls_first.unwrap_or(descending)) {
        (false, false) => " ASC NULLS LAST",
        (false, true) => " ASC NULLS FIRST",
        (true, false) => " DESC NULLS LAST",
        (true, true) => " DESC NULLS FIRST",
    })
}
