//! What may be adopted: whole rows of one table, so that their images are those that a write would have left.

use sqlparser::ast::{
    Expr, GroupByExpr, Query, Select, SelectItem, SetExpr, Statement, TableFactor, TableWithJoins,
};

use super::{
    OutputColumn, Policy, PolicyCode,
    refusal::{Result, refuse},
    scope::single,
};

const RULE: &str =
    "what is adopted is SELECT * or every column by name, FROM one protected table, with or without WHERE";

impl Policy {
    /// The table whose rows the statement gives whole and as they are.
    pub(super) fn adopted_table(&self, statement: &Statement) -> Result<String> {
        let Some(select) = plain_select(statement) else { return refuse(PolicyCode::Baseline, RULE) };
        let [TableWithJoins { relation: TableFactor::Table { name, .. }, joins }] = select.from.as_slice()
        else {
            return refuse(PolicyCode::Baseline, RULE);
        };
        if !joins.is_empty() || !is_whole(&select.projection) {
            return refuse(PolicyCode::Baseline, RULE);
        }
        let name = single(name, PolicyCode::Table)?;
        self.schema
            .tables
            .contains_key(&name)
            .then_some(name)
            .map_or_else(|| refuse(PolicyCode::Table, "what is adopted is of a protected table"), Ok)
    }

    /// Refuses a statement that does not give each of the table's columns.
    pub(super) fn check_whole(&self, table: &str, given: &[OutputColumn]) -> Result<()> {
        let whole = self.schema.tables.get(table).is_some_and(|table| {
            table.columns.len() == given.len()
                && given.iter().all(|column| table.columns.contains_key(&column.name))
        });
        match whole {
            true => Ok(()),
            false => refuse(PolicyCode::Baseline, RULE),
        }
    }
}

/// The SELECT, if there is nothing around it and its rows are those of its FROM.
fn plain_select(statement: &Statement) -> Option<&Select> {
    let Statement::Query(query) = statement else { return None };
    let Query { with: None, body, order_by: None, limit_clause: None, fetch: None, .. } = &**query else {
        return None;
    };
    let SetExpr::Select(select) = &**body else { return None };
    let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(keys, modifiers) if keys.is_empty() && modifiers.is_empty());
    (ungrouped && select.distinct.is_none() && select.having.is_none()).then_some(&**select)
}

/// `*`, or columns each under its own name.
fn is_whole(projection: &[SelectItem]) -> bool {
    let is_column = |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(Expr::Identifier(_)));
    matches!(projection, [SelectItem::Wildcard(_)]) || projection.iter().all(is_column)
}
