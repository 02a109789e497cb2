//! What names mean: tables, derived tables, their columns; one frame a query.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

use super::{
    OutputColumn, PolicyCode, Rewriter,
    refusal::{Result, refuse},
    value::Operand,
};

/// Something with columns that a query reads from.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    /// What the caller calls it.
    pub(super) name: String,
    /// What it is called in the SQL that runs.
    pub(super) alias: String,
    /// What it has.
    pub(super) columns: Vec<OutputColumn>,
}

/// What one query can name, and what is known of its grouping.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// What its FROM gives.
    pub(super) relations: Vec<Relation>,
    /// Its common table expressions.
    pub(super) common: Vec<Relation>,
    /// Whether an aggregate may stand here.
    pub(super) aggregates_allowed: bool,
    /// Whether this is within an aggregate's arguments.
    pub(super) in_aggregate: bool,
    /// How many aggregates it has.
    pub(super) aggregates: usize,
    /// The SQL of what it groups by.
    pub(super) keys: Vec<String>,
    /// How many columns stand outside of aggregates and are not grouped by.
    pub(super) bare: usize,
}

impl Frame {
    /// A frame over these relations.
    pub(super) fn over(relations: Vec<Relation>) -> Self {
        Self { relations, ..Self::default() }
    }

    /// Whether its rows are gathered into groups: by keys, or all into one by an aggregate.
    pub(super) fn is_grouped(&self) -> bool {
        self.aggregates > 0 || !self.keys.is_empty()
    }
}

/// A name as PostgreSQL reads it: folded to lower case unless quoted.
pub(super) fn fold(ident: &Ident) -> Result<String> {
    let Ident { value, quote_style, span: _ } = ident;
    let name = match quote_style {
        None => value.to_lowercase(),
        Some('"') => value.clone(),
        Some(_) => return refuse(PolicyCode::Syntax, "names are quoted with double quotes"),
    };
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
    if (1..=63).contains(&name.len()) && name.chars().all(fits) {
        return Ok(name);
    }
    refuse(PolicyCode::Syntax, "a name is 1 to 63 bytes of letters, digits, '_', '-' and spaces")
}

/// A name without a schema before it.
pub(super) fn single(name: &ObjectName, code: PolicyCode) -> Result<String> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => fold(ident),
        _ => refuse(code, "names are plain: no schema or database before them"),
    }
}

/// A name as it is written: quoted. It holds no quote, see [`fold`].
pub(super) fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// Several names as they are written.
pub(super) fn quoted_list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// Refuses columns of which two have the same name; SQLite does not tell cases apart.
pub(super) fn distinct(columns: &[OutputColumn]) -> Result<()> {
    let mut names: Vec<_> = columns.iter().map(|column| column.name.to_lowercase()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => refuse(
            PolicyCode::Column,
            format!("two columns are called {:?}; name them apart with AS", pair[0]),
        ),
    }
}

impl Rewriter<'_> {
    /// Runs `inner` with another frame on top.
    pub(super) fn within<T>(
        &mut self,
        frame: Frame,
        inner: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<(T, Frame)> {
        self.frames.push(frame);
        let result = inner(self);
        let frame = self.frames.pop().expect("it was pushed above, and every other push has its pop");
        Ok((result?, frame))
    }

    /// The innermost frame.
    pub(super) fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("expressions are walked within a frame")
    }

    /// A name that no other relation of the statement has.
    pub(super) fn fresh(&mut self) -> String {
        self.relations += 1;
        format!("t{}", self.relations)
    }

    /// A column by its own name: of the innermost query that has one.
    pub(super) fn column(&mut self, ident: &Ident) -> Result<Operand> {
        let name = fold(ident)?;
        for level in (0..self.frames.len()).rev() {
            let found: Vec<_> = self.frames[level]
                .relations
                .iter()
                .filter_map(|relation| Some((relation, relation.columns.iter().find(|c| c.name == name)?)))
                .map(|(relation, column)| (relation.alias.clone(), column.clone()))
                .collect();
            match found.as_slice() {
                [] => {}
                [(alias, column)] => return self.refer(level, alias, column),
                _ => return refuse(PolicyCode::Column, format!("{name:?} is in several tables; say which")),
            }
        }
        refuse(PolicyCode::Column, format!("there is no column {name:?} here"))
    }

    /// A column of a named table.
    pub(super) fn qualified_column(&mut self, path: &[Ident]) -> Result<Operand> {
        let [table, column] = path else {
            return refuse(PolicyCode::Column, "a column is named alone or as table.column");
        };
        let (table, name) = (fold(table)?, fold(column)?);
        for level in (0..self.frames.len()).rev() {
            let relation = self.frames[level].relations.iter().find(|relation| relation.name == table);
            if let Some(relation) = relation {
                let found = relation.columns.iter().find(|column| column.name == name);
                return match (relation.alias.clone(), found.cloned()) {
                    (alias, Some(column)) => self.refer(level, &alias, &column),
                    _ => refuse(PolicyCode::Column, format!("{table:?} has no column {name:?}")),
                };
            }
        }
        refuse(PolicyCode::Table, format!("there is no table {table:?} here"))
    }

    fn refer(&mut self, level: usize, alias: &str, column: &OutputColumn) -> Result<Operand> {
        let innermost = level + 1 == self.frames.len();
        if !innermost && self.frame().in_aggregate {
            return refuse(PolicyCode::Function, "an aggregate is over columns of its own query");
        }
        let sql = format!("{}.{}", quoted(alias), quoted(&column.name));
        let frame = &mut self.frames[level];
        if !frame.in_aggregate && !frame.keys.contains(&sql) {
            frame.bare += 1;
        }
        self.add(column.weight);
        Ok(Operand::Typed(sql, column.column_type))
    }
}
