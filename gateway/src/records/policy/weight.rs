//! What a statement comes to when it runs. A database writes the columns of a sub-query out where they are named, and
//! what is named twice is there twice: twenty sub-queries of one line each, every one of which names the column of the
//! next twice, come to a million expressions, or to a text of a million copies. So every expression is weighed with
//! all that it names written out, and what comes to too much is refused before a database sees it.

use sqlparser::ast::Expr;

use super::{
    PolicyCode, Rewriter,
    refusal::{Result, refuse},
    value::Operand,
};
use crate::records::schema::ColumnType::{self, Text};

/// Bytes that a text in a table counts as; how long it is, only the database knows.
const STORED: u64 = 16 * 1024;
/// How many bytes of text are compared in the time in which one is made.
const COMPARED: u64 = 64;

/// What an expression comes to, or all of them so far. What does not fit stays at the greatest number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    /// Expressions, each of its parts one.
    expressions: u64,
    /// Bytes of text that are made on the way to its value: by each `||`, the whole of its result.
    made: u64,
    /// Bytes that its value has at most, if that is text.
    text: u64,
}

impl Weight {
    /// So many columns, which are named and not looked into.
    pub(super) fn columns(count: usize) -> Self {
        Self { expressions: count as u64, ..Self::default() }
    }

    /// A column of a table.
    pub(super) fn stored(column_type: ColumnType) -> Self {
        Self { text: if column_type == Text { STORED } else { 0 }, ..Self::columns(1) }
    }

    /// A text that is there already.
    pub(super) fn text(bytes: u64) -> Self {
        Self { text: bytes, ..Self::default() }
    }

    /// Making so many bytes of text.
    pub(super) fn making(bytes: u64) -> Self {
        Self { made: bytes, ..Self::default() }
    }

    /// Looking for a pattern in a text: in the worst case it is compared at each place anew.
    pub(super) fn searching(text: u64, pattern: u64) -> Self {
        Self::making(text.saturating_mul(pattern) / COMPARED)
    }

    /// Bytes that its value has at most, if that is text.
    pub(super) fn bytes(self) -> u64 {
        self.text
    }

    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            expressions: self.expressions.saturating_add(other.expressions),
            made: self.made.saturating_add(other.made),
            text: self.text.saturating_add(other.text),
        }
    }

    /// A column of a set operation: its value is that of either side, and what names it is run on both.
    pub(super) fn or(self, other: Self) -> Self {
        Self { text: self.text.max(other.text), ..self.and(other) }
    }

    /// So many times the same.
    pub(super) fn times(self, times: usize) -> Self {
        let times = times as u64;
        Self {
            expressions: self.expressions.saturating_mul(times),
            made: self.made.saturating_mul(times),
            text: self.text.saturating_mul(times),
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            expressions: self.expressions.saturating_sub(before.expressions),
            made: self.made.saturating_sub(before.made),
            text: self.text.saturating_sub(before.text),
        }
    }
}

impl Rewriter<'_> {
    /// Adds to what all comes to.
    pub(super) fn add(&mut self, weight: Weight) {
        self.weight = self.weight.and(weight);
    }

    /// What a walk gives, with what that comes to.
    pub(super) fn weighed<T>(&mut self, walk: impl FnOnce(&mut Self) -> Result<T>) -> Result<(T, Weight)> {
        let before = self.weight;
        let walked = walk(self)?;
        Ok((walked, self.weight.since(before)))
    }

    /// What was walked since `before` is no text, whatever its parts are.
    pub(super) fn forget_text(&mut self, before: Weight) {
        self.weight.text = before.text;
    }

    /// Weighs an expression whose parts have been, and refuses what is too much. `before` is what all came to without
    /// any of it.
    pub(super) fn weigh(&mut self, before: Weight, expression: &Expr, operand: &Operand) -> Result<()> {
        let only_named =
            matches!(expression, Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Nested(_));
        if !only_named {
            self.add(Weight::columns(1));
        }
        match operand {
            Operand::Typed(_, Text) if !only_named => {
                self.add(Weight::making(self.weight.since(before).text));
            }
            Operand::Typed(_, Text) | Operand::Loose(_) => {}
            Operand::Typed(..) | Operand::Null => self.forget_text(before),
        }
        self.check_weight()
    }

    fn check_weight(&self) -> Result<()> {
        let limits = &self.policy.limits;
        let (expressions, text) = (limits.expressions, limits.text_bytes);
        if self.weight.expressions > expressions as u64 {
            let detail = format!(
                "a statement may come to {expressions} expressions, with the columns of sub-queries written out"
            );
            return refuse(PolicyCode::Size, detail);
        }
        if self.weight.made > text as u64 {
            let detail =
                format!("a statement may make {text} bytes of text a row; a table's text counts as {STORED}");
            return refuse(PolicyCode::Size, detail);
        }
        Ok(())
    }
}
