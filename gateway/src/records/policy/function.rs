//! Functions: those that give the same on both databases.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
};

use super::{
    PolicyCode, Rewriter,
    refusal::{Result, absent, refuse},
    scope::single,
    value::{Operand, Source},
    weight::Weight,
};
use crate::records::schema::ColumnType::{self, Boolean, Integer, Real, Text};

/// All functions that a schema may allow. `substring` goes under `substr`.
pub const FUNCTIONS: &[&str] = &[
    "abs", "avg", "coalesce", "count", "length", "lower", "max", "min", "nullif", "replace", "substr", "sum",
    "trim", "upper",
];

impl Rewriter<'_> {
    /// A call of a function from the list.
    pub(super) fn function(&mut self, function: &Function) -> Result<Operand> {
        let Function { name, uses_odbc_syntax, parameters, args, within_group, filter, null_treatment, over } =
            function;
        let name = single(name, PolicyCode::Function)?;
        self.listed(&name)?;
        absent(over.is_some(), "OVER")?;
        absent(filter.is_some() || !within_group.is_empty(), "FILTER or WITHIN GROUP")?;
        absent(null_treatment.is_some() || *uses_odbc_syntax, "a modifier of a function")?;
        absent(!matches!(parameters, FunctionArguments::None), "parameters of a function")?;
        let FunctionArguments::List(FunctionArgumentList { duplicate_treatment, args, clauses }) = args
        else {
            return refuse(PolicyCode::Function, format!("{name} takes its arguments in parentheses"));
        };
        absent(!clauses.is_empty(), "a clause in a function's arguments")?;
        let distinct = matches!(duplicate_treatment, Some(DuplicateTreatment::Distinct));
        match (name.as_str(), args.as_slice()) {
            ("count", [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]) if !distinct => {
                self.aggregate(|_| Ok(Operand::Typed("count(*)".to_owned(), Integer)))
            }
            ("avg" | "count" | "max" | "min" | "sum", [FunctionArg::Unnamed(FunctionArgExpr::Expr(of))]) => {
                self.aggregate(|this| this.aggregate_of(&name, of, distinct))
            }
            _ if distinct => refuse(PolicyCode::Function, format!("DISTINCT is not for {name}")),
            _ => {
                let args = plain(&name, args)?;
                self.scalar_function(&name, &args)
            }
        }
    }

    /// Refuses a function that is not on the list.
    fn listed(&self, name: &str) -> Result<()> {
        if self.policy.schema.functions.contains(name) {
            return Ok(());
        }
        let list: Vec<_> = self.policy.schema.functions.iter().map(String::as_str).collect();
        refuse(PolicyCode::Function, format!("{name} is not one of {}", list.join(", ")))
    }

    fn aggregate(&mut self, inner: impl FnOnce(&mut Self) -> Result<Operand>) -> Result<Operand> {
        let frame = self.frame();
        if !frame.aggregates_allowed || frame.in_aggregate {
            return refuse(PolicyCode::Function, "an aggregate cannot stand here");
        }
        frame.in_aggregate = true;
        frame.aggregates += 1;
        let result = inner(self);
        self.frame().in_aggregate = false;
        result
    }

    fn aggregate_of(&mut self, name: &str, of: &Expr, distinct: bool) -> Result<Operand> {
        let (sql, found) = self.any(of)?;
        let numeric = matches!(found, Integer | Real);
        match (name, distinct) {
            ("count", true) => Ok(Operand::Typed(format!("count(DISTINCT {sql})"), Integer)),
            ("count", false) => Ok(Operand::Typed(format!("count({sql})"), Integer)),
            ("max" | "min", false) if found != Boolean => Ok(Operand::Typed(format!("{name}({sql})"), found)),
            ("sum", false) if found == Integer => {
                Ok(Operand::Typed(format!("CAST(sum({sql}) AS bigint)"), Integer))
            }
            ("sum", false) if found == Real => Ok(Operand::Typed(format!("sum({sql})"), Real)),
            // PostgreSQL's avg is a decimal of its own choice of digits.
            ("avg", false) if numeric => Ok(Operand::Typed(
                format!("(CAST(sum({sql}) AS double precision) / NULLIF(count({sql}), 0))"),
                Real,
            )),
            _ => refuse(PolicyCode::Function, format!("{name} is not for this argument")),
        }
    }

    fn scalar_function(&mut self, name: &str, args: &[&Expr]) -> Result<Operand> {
        match (name, args) {
            ("lower" | "upper", [text]) => {
                Ok(Operand::Typed(format!("{name}({})", self.typed(text, Text)?), Text))
            }
            ("trim", [text]) => self.trim(text),
            ("length", [text]) => {
                Ok(Operand::Typed(format!("CAST(length({}) AS bigint)", self.typed(text, Text)?), Integer))
            }
            ("replace", [text, from, to]) => self.replace(text, from, to),
            ("substr", [text, from]) => self.substring(text, Some(from), None),
            ("substr", [text, from, length]) => self.substring(text, Some(from), Some(length)),
            ("abs", [of]) => match self.expression(of)? {
                Operand::Typed(sql, found @ (Integer | Real)) => {
                    Ok(Operand::Typed(format!("abs({sql})"), found))
                }
                _ => refuse(PolicyCode::Type, "abs is for numbers"),
            },
            ("coalesce", [_, _, ..]) => self.alike("COALESCE", args),
            ("nullif", [_, _]) => self.alike("NULLIF", args),
            _ => refuse(PolicyCode::Function, format!("{name} does not take {} arguments", args.len())),
        }
    }

    /// Each place where `from` is found grows to `to`: in the worst case the whole text does, byte by byte.
    fn replace(&mut self, text: &Expr, from: &Expr, to: &Expr) -> Result<Operand> {
        let (text, long) = self.weighed(|this| this.typed(text, Text))?;
        let (from, short) = self.weighed(|this| this.expression(from))?;
        // How long it is at least is known of a literal or parameter alone.
        let least = if matches!(from, Operand::Loose(_)) { short.bytes().max(1) } else { 1 };
        let from = self.settle(from, Text)?;
        let (to, put) = self.weighed(|this| this.typed(to, Text))?;
        self.add(Weight::searching(long.bytes(), short.bytes()));
        self.add(Weight::text(long.bytes().saturating_mul(put.bytes().div_ceil(least))));
        Ok(Operand::Typed(format!("replace({text}, {from}, {to})"), Text))
    }

    fn alike(&mut self, name: &str, args: &[&Expr]) -> Result<Operand> {
        let mut operands = Vec::new();
        for arg in args {
            operands.push(self.expression(arg)?);
        }
        if operands.iter().all(|operand| matches!(operand, Operand::Null)) {
            return Ok(Operand::Null);
        }
        let (sql, found): (Vec<String>, ColumnType) = self.unify(operands)?;
        Ok(Operand::Typed(format!("{name}({})", sql.join(", ")), found))
    }

    /// Spaces at both ends.
    pub(super) fn trim(&mut self, text: &Expr) -> Result<Operand> {
        self.listed("trim")?;
        Ok(Operand::Typed(format!("trim({})", self.typed(text, Text)?), Text))
    }

    /// Part of a text, by numbers that are known: the databases differ in what is before the first character.
    pub(super) fn substring(
        &mut self,
        text: &Expr,
        from: Option<&Expr>,
        length: Option<&Expr>,
    ) -> Result<Operand> {
        self.listed("substr")?;
        let Some(from) = from else {
            return refuse(PolicyCode::Function, "substring says from where");
        };
        let text = self.typed(text, Text)?;
        let from = self.small(from, 1)?;
        let length = length.map(|length| self.small(length, 0)).transpose()?;
        let length = length.map(|length| format!(", {length}")).unwrap_or_default();
        Ok(Operand::Typed(format!("substr({text}, {from}{length})"), Text))
    }

    fn small(&mut self, expr: &Expr, least: i64) -> Result<String> {
        if let Expr::Value(value) = expr {
            let source = self.source(value)?;
            // Far more than any text has, and their sum still fits.
            if source.integer().is_some_and(|n| (least..=1 << 29).contains(&n)) {
                return Ok(self.slots.bind_small(source));
            }
        }
        refuse(PolicyCode::Value, format!("substr takes numbers from {least}"))
    }
}

impl Source {
    /// Its value, if that is an integer.
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Self::Literal(value) | Self::Parameter(_, value) | Self::Learner(value) => value.as_i64(),
        }
    }
}

fn plain<'e>(name: &str, args: &'e [FunctionArg]) -> Result<Vec<&'e Expr>> {
    let plain = args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr),
        _ => refuse(PolicyCode::Function, format!("{name} takes plain arguments")),
    });
    plain.collect()
}
