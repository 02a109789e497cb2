//! Expressions: each of the allowed forms, typed and written anew.

use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, Expr, TimezoneInfo, TypedString, UnaryOperator,
    Value as Literal, ValueWithSpan,
};

use super::{
    PolicyCode, Rewriter,
    refusal::{Result, refuse},
    value::{Operand, Source, number, operand},
    weight::Weight,
};
use crate::records::schema::ColumnType::{self, Boolean, Integer, Real, Text};

impl Rewriter<'_> {
    /// An expression, with the type it has by itself.
    #[recursive::recursive]
    pub(super) fn expression(&mut self, expression: &Expr) -> Result<Operand> {
        let bare = self.frame().bare;
        let before = self.weight;
        let operand = self.nested(|this| this.form(expression))?;
        self.weigh(before, expression, &operand)?;
        if let Operand::Typed(sql, _) = &operand {
            let frame = self.frame();
            if frame.keys.contains(sql) {
                frame.bare = bare;
            }
        }
        Ok(operand)
    }

    /// An expression of a given type.
    pub(super) fn typed(&mut self, expression: &Expr, wanted: ColumnType) -> Result<String> {
        let operand = self.expression(expression)?;
        self.settle(operand, wanted)
    }

    /// An expression of whatever type; a string by itself is text, and so is NULL.
    pub(super) fn any(&mut self, expression: &Expr) -> Result<(String, ColumnType)> {
        match self.expression(expression)? {
            Operand::Typed(sql, found) => Ok((sql, found)),
            Operand::Loose(source) => Ok((self.slots.bind(source, Text)?, Text)),
            Operand::Null => Ok(("CAST(NULL AS text)".to_owned(), Text)),
        }
    }

    /// An operand as one of the given type, or a refusal.
    pub(super) fn settle(&mut self, operand: Operand, wanted: ColumnType) -> Result<String> {
        match operand {
            Operand::Null => Ok("NULL".to_owned()),
            Operand::Loose(source) if matches!(wanted, Text | ColumnType::Date | ColumnType::Timestamp) => {
                self.slots.bind(source, wanted)
            }
            Operand::Typed(sql, found) if found == wanted || (found, wanted) == (Integer, Real) => Ok(sql),
            Operand::Typed(_, found) => mismatch(found, wanted),
            Operand::Loose(_) => mismatch(Text, wanted),
        }
    }

    /// Operands that are compared, or of which one is the result: all of one type.
    pub(super) fn unify(&mut self, operands: Vec<Operand>) -> Result<(Vec<String>, ColumnType)> {
        let mut common = None;
        for operand in &operands {
            if let Operand::Typed(_, found) = operand {
                common = Some(match (common, *found) {
                    (None, found) => found,
                    (Some(a), b) if a == b => a,
                    (Some(Integer | Real), Integer | Real) => Real,
                    (Some(a), b) => return mismatch(b, a),
                });
            }
        }
        let common = common.unwrap_or(Text);
        let sql = operands.into_iter().map(|operand| self.settle(operand, common)).collect::<Result<_>>()?;
        Ok((sql, common))
    }

    fn form(&mut self, expression: &Expr) -> Result<Operand> {
        match expression {
            Expr::Identifier(ident) => self.column(ident),
            Expr::CompoundIdentifier(path) => self.qualified_column(path),
            Expr::Nested(inner) => self.expression(inner),
            Expr::Value(value) => self.value(value),
            Expr::TypedString(typed) => self.typed_string(typed),
            Expr::IsNull(inner) | Expr::IsUnknown(inner) => self.is(inner, "IS NULL", None),
            Expr::IsNotNull(inner) | Expr::IsNotUnknown(inner) => self.is(inner, "IS NOT NULL", None),
            Expr::IsTrue(inner) => self.is(inner, "IS TRUE", Some(Boolean)),
            Expr::IsNotTrue(inner) => self.is(inner, "IS NOT TRUE", Some(Boolean)),
            Expr::IsFalse(inner) => self.is(inner, "IS FALSE", Some(Boolean)),
            Expr::IsNotFalse(inner) => self.is(inner, "IS NOT FALSE", Some(Boolean)),
            Expr::IsDistinctFrom(left, right) => self.compare(left, "IS DISTINCT FROM", right),
            Expr::IsNotDistinctFrom(left, right) => self.compare(left, "IS NOT DISTINCT FROM", right),
            Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            Expr::InSubquery { expr, subquery, negated } => self.in_query(expr, subquery, *negated),
            Expr::Between { expr, negated, low, high } => self.between(expr, *negated, low, high),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right),
            Expr::UnaryOp { op, expr } => self.unary(*op, expr),
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                self.like(expr, *negated, pattern, false)
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
                self.like(expr, *negated, pattern, true)
            }
            Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, format: None } => {
                self.cast(expr, data_type)
            }
            Expr::Case { case_token: _, end_token: _, operand, conditions, else_result } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            Expr::Exists { subquery, negated } => {
                let query = self.subquery(subquery)?;
                boolean(format!("({}EXISTS ({}))", not(*negated), query.sql))
            }
            Expr::Subquery(query) => self.scalar(query),
            Expr::Function(function) => self.function(function),
            Expr::Trim { trim_where: None, trim_what: None, expr, trim_characters: None } => self.trim(expr),
            Expr::Substring { expr, substring_from, substring_for, special: _, shorthand: _ } => {
                self.substring(expr, substring_from.as_deref(), substring_for.as_deref())
            }
            other => {
                refuse(PolicyCode::Expression, format!("{} is not allowed in a statement", named(other)))
            }
        }
    }

    /// Where a value comes from; none for anything but a literal or a placeholder.
    pub(super) fn source(&mut self, value: &ValueWithSpan) -> Result<Source> {
        let ValueWithSpan { value, span: _ } = value;
        match value {
            Literal::Number(text, false) => Ok(Source::Literal(number(text)?)),
            Literal::SingleQuotedString(text) => {
                self.add(Weight::text(text.len() as u64));
                Ok(Source::Literal(text.as_str().into()))
            }
            Literal::Boolean(value) => Ok(Source::Literal((*value).into())),
            Literal::Null => Ok(Source::Literal(serde_json::Value::Null)),
            Literal::Placeholder(name) => self.placeholder(name),
            _ => refuse(PolicyCode::Expression, "text is written 'so', or better sent as a parameter"),
        }
    }

    fn placeholder(&mut self, name: &str) -> Result<Source> {
        let digits = name.strip_prefix('$').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let index = digits.and_then(|digits| digits.parse::<usize>().ok()).and_then(|n| n.checked_sub(1));
        match index.and_then(|index| Some((index, self.params.get(index)?))) {
            Some((index, value)) => {
                self.used[index] = true;
                self.add(Weight::text(value.as_str().map_or(0, str::len) as u64));
                Ok(Source::Parameter(index, value.clone()))
            }
            None => refuse(PolicyCode::Parameters, format!("there is no parameter {name}")),
        }
    }

    fn value(&mut self, value: &ValueWithSpan) -> Result<Operand> {
        let source = self.source(value)?;
        operand(source, &mut self.slots)
    }

    /// `DATE '2026-03-02'`, `TIMESTAMP '…'`.
    fn typed_string(&mut self, typed: &TypedString) -> Result<Operand> {
        let TypedString { data_type, value, uses_odbc_syntax } = typed;
        let source = self.source(value)?;
        match (cast_type(data_type), &source) {
            (Some(as_type), Source::Literal(serde_json::Value::String(_))) if !uses_odbc_syntax => {
                let operand = operand(source, &mut self.slots)?;
                Ok(Operand::Typed(self.settle(operand, as_type)?, as_type))
            }
            _ => refuse(PolicyCode::Expression, "typed text is a DATE or TIMESTAMP"),
        }
    }

    fn is(&mut self, inner: &Expr, test: &str, wanted: Option<ColumnType>) -> Result<Operand> {
        let sql = match wanted {
            Some(wanted) => self.typed(inner, wanted)?,
            None => self.any(inner)?.0,
        };
        boolean(format!("({sql} {test})"))
    }

    fn compare(&mut self, left: &Expr, sign: &str, right: &Expr) -> Result<Operand> {
        let operands = vec![self.expression(left)?, self.expression(right)?];
        let (sql, _) = self.unify(operands)?;
        boolean(format!("({} {sign} {})", sql[0], sql[1]))
    }

    fn in_list(&mut self, expr: &Expr, list: &[Expr], negated: bool) -> Result<Operand> {
        let (first, weight) = self.weighed(|this| this.expression(expr))?;
        // PostgreSQL writes it out once an item, unless all are constants.
        self.add(weight.times(list.len()));
        let mut operands = vec![first];
        for item in list {
            operands.push(self.expression(item)?);
        }
        let (sql, _) = self.unify(operands)?;
        boolean(format!("({} {}IN ({}))", sql[0], not(negated), sql[1..].join(", ")))
    }

    fn in_query(&mut self, expr: &Expr, query: &sqlparser::ast::Query, negated: bool) -> Result<Operand> {
        let query = self.subquery(query)?;
        let [column] = query.columns.as_slice() else {
            return refuse(PolicyCode::Expression, "IN takes a sub-query of one column");
        };
        let sql = self.typed(expr, column.column_type)?;
        boolean(format!("({sql} {}IN ({}))", not(negated), query.sql))
    }

    fn between(&mut self, expr: &Expr, negated: bool, low: &Expr, high: &Expr) -> Result<Operand> {
        let (first, weight) = self.weighed(|this| this.expression(expr))?;
        // PostgreSQL writes it out twice.
        self.add(weight);
        let operands = vec![first, self.expression(low)?, self.expression(high)?];
        let (sql, _) = self.unify(operands)?;
        boolean(format!("({} {}BETWEEN {} AND {})", sql[0], not(negated), sql[1], sql[2]))
    }

    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Operand> {
        match op {
            BinaryOperator::Plus => self.arithmetic(left, "+", right),
            BinaryOperator::Minus => self.arithmetic(left, "-", right),
            BinaryOperator::Multiply => self.arithmetic(left, "*", right),
            BinaryOperator::Divide => self.arithmetic(left, "/", right),
            BinaryOperator::Modulo => self.arithmetic(left, "%", right),
            BinaryOperator::Eq => self.compare(left, "=", right),
            BinaryOperator::NotEq => self.compare(left, "<>", right),
            BinaryOperator::Lt => self.compare(left, "<", right),
            BinaryOperator::LtEq => self.compare(left, "<=", right),
            BinaryOperator::Gt => self.compare(left, ">", right),
            BinaryOperator::GtEq => self.compare(left, ">=", right),
            BinaryOperator::And => self.both(left, "AND", right, Boolean),
            BinaryOperator::Or => self.both(left, "OR", right, Boolean),
            BinaryOperator::StringConcat => self.both(left, "||", right, Text),
            _ => refuse(PolicyCode::Expression, format!("the operator {op} is not allowed")),
        }
    }

    /// Numbers. Division by zero gives NULL on both databases; SQLite has no other answer.
    fn arithmetic(&mut self, left: &Expr, sign: &str, right: &Expr) -> Result<Operand> {
        let operands = vec![self.expression(left)?, self.expression(right)?];
        if operands.iter().all(|operand| matches!(operand, Operand::Null)) {
            return Ok(Operand::Null);
        }
        match self.unify(operands)? {
            (sql, Integer) if matches!(sign, "/" | "%") => {
                Ok(Operand::Typed(format!("({} {sign} NULLIF({}, 0))", sql[0], sql[1]), Integer))
            }
            (sql, Real) if sign == "/" => {
                Ok(Operand::Typed(format!("({} / NULLIF({}, 0))", sql[0], sql[1]), Real))
            }
            (sql, found @ (Integer | Real)) if sign != "%" => {
                Ok(Operand::Typed(format!("({} {sign} {})", sql[0], sql[1]), found))
            }
            (_, found) => mismatch(found, Integer),
        }
    }

    fn both(&mut self, left: &Expr, sign: &str, right: &Expr, of: ColumnType) -> Result<Operand> {
        let (left, right) = (self.typed(left, of)?, self.typed(right, of)?);
        Ok(Operand::Typed(format!("({left} {sign} {right})"), of))
    }

    fn unary(&mut self, op: UnaryOperator, expr: &Expr) -> Result<Operand> {
        match (op, self.expression(expr)?) {
            (UnaryOperator::Not, operand) => {
                let sql = self.settle(operand, Boolean)?;
                boolean(format!("(NOT {sql})"))
            }
            (UnaryOperator::Plus, Operand::Typed(sql, found @ (Integer | Real))) => {
                Ok(Operand::Typed(sql, found))
            }
            (UnaryOperator::Minus, Operand::Typed(sql, found @ (Integer | Real))) => {
                Ok(Operand::Typed(format!("(- {sql})"), found))
            }
            (UnaryOperator::Plus | UnaryOperator::Minus, _) => {
                refuse(PolicyCode::Type, "+ and - are for numbers")
            }
            _ => refuse(PolicyCode::Expression, format!("the operator {op} is not allowed")),
        }
    }

    /// Both databases get PostgreSQL's escape character; SQLite's connection is told to mind the case.
    fn like(&mut self, expr: &Expr, negated: bool, pattern: &Expr, fold: bool) -> Result<Operand> {
        let (mut text, long) = self.weighed(|this| this.typed(expr, Text))?;
        let (mut pattern, short) = self.weighed(|this| this.typed(pattern, Text))?;
        self.add(Weight::searching(long.bytes(), short.bytes()));
        if fold {
            (text, pattern) = (format!("lower({text})"), format!("lower({pattern})"));
            self.add(Weight::making(long.and(short).bytes()));
        }
        boolean(format!("({text} {}LIKE {pattern} ESCAPE '\\')", not(negated)))
    }

    fn cast(&mut self, expr: &Expr, data_type: &DataType) -> Result<Operand> {
        let operand = self.expression(expr)?;
        let Some(as_type) = cast_type(data_type) else {
            return refuse(PolicyCode::Expression, format!("a cast to {data_type} is not allowed"));
        };
        let to = match as_type {
            Text => "text",
            Integer => "bigint",
            Real => "double precision",
            Boolean => "boolean",
            ColumnType::Date | ColumnType::Timestamp => "",
        };
        match operand {
            Operand::Typed(sql, found) if found == as_type => Ok(Operand::Typed(sql, found)),
            Operand::Typed(sql, Integer) if matches!(as_type, Text | Real) => {
                Ok(Operand::Typed(format!("CAST({sql} AS {to})"), as_type))
            }
            Operand::Typed(sql, ColumnType::Date) if as_type == Text => {
                Ok(Operand::Typed(format!("CAST({sql} AS text)"), Text))
            }
            Operand::Null if !to.is_empty() => Ok(Operand::Typed(format!("CAST(NULL AS {to})"), as_type)),
            operand => Ok(Operand::Typed(self.settle(operand, as_type)?, as_type)),
        }
    }

    fn case(
        &mut self,
        of: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Result<Operand> {
        let mut tests = of.map(|of| self.expression(of)).transpose()?.into_iter().collect::<Vec<_>>();
        let mut results = Vec::new();
        for CaseWhen { condition, result } in conditions {
            tests.push(match of {
                None => Operand::Typed(self.typed(condition, Boolean)?, Boolean),
                Some(_) => self.expression(condition)?,
            });
            results.push(self.expression(result)?);
        }
        results.push(otherwise.map_or(Ok(Operand::Null), |otherwise| self.expression(otherwise))?);
        let (mut tests, _) = self.unify(tests)?;
        let (results, found) = self.unify(results)?;
        let of = of.map(|_| format!(" {}", tests.remove(0))).unwrap_or_default();
        let arms: String =
            tests.iter().zip(&results).map(|(test, result)| format!(" WHEN {test} THEN {result}")).collect();
        Ok(Operand::Typed(format!("(CASE{of}{arms} ELSE {} END)", results[tests.len()]), found))
    }

    /// A sub-query that cannot give two rows: PostgreSQL would fail, SQLite take the first.
    fn scalar(&mut self, query: &sqlparser::ast::Query) -> Result<Operand> {
        let query = self.subquery(query)?;
        match query.columns.as_slice() {
            [column] if query.one_row => {
                self.add(Weight::text(column.weight.bytes()));
                Ok(Operand::Typed(format!("({})", query.sql), column.column_type))
            }
            [_] => refuse(
                PolicyCode::Expression,
                "a sub-query that stands for a value is an aggregate without GROUP BY or has LIMIT 1",
            ),
            _ => refuse(PolicyCode::Expression, "a sub-query that stands for a value has one column"),
        }
    }
}

fn not(negated: bool) -> &'static str {
    if negated { "NOT " } else { "" }
}

fn boolean(sql: String) -> Result<Operand> {
    Ok(Operand::Typed(sql, Boolean))
}

fn mismatch<T>(found: ColumnType, wanted: ColumnType) -> Result<T> {
    let name = |column_type: ColumnType| format!("{column_type:?}").to_lowercase();
    refuse(PolicyCode::Type, format!("a {} stands where a {} is wanted", name(found), name(wanted)))
}

/// The types that can be named, without lengths: what is cut off or rounded would differ between the databases.
fn cast_type(data_type: &DataType) -> Option<ColumnType> {
    match data_type {
        DataType::Text => Some(Text),
        DataType::BigInt(None) | DataType::Integer(None) | DataType::Int(None) => Some(Integer),
        DataType::DoublePrecision => Some(Real),
        DataType::Boolean | DataType::Bool => Some(Boolean),
        DataType::Date => Some(ColumnType::Date),
        DataType::Timestamp(None, TimezoneInfo::None | TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => {
            Some(ColumnType::Timestamp)
        }
        _ => None,
    }
}

/// What to call a form in a refusal: the first word of its name in the parser.
fn named(expression: &Expr) -> String {
    let mut name = FirstWord(String::new());
    // It fails on purpose, as soon as it has the word: the rest may be deep.
    let _ = std::fmt::write(&mut name, format_args!("{expression:?}"));
    format!("an expression of the form {}", name.0)
}

struct FirstWord(String);

impl std::fmt::Write for FirstWord {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let word = text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        self.0.push_str(word);
        if word.len() == text.len() { Ok(()) } else { Err(std::fmt::Error) }
    }
}
