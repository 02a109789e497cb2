//! FROM: protected tables, each held to the learner's rows, sub-queries, and joins of both.

use sqlparser::ast::{
    Expr, Ident, Join, JoinConstraint, JoinOperator, TableAlias, TableFactor, TableWithJoins,
};

use super::{
    OutputColumn, PolicyCode, Rewriter,
    refusal::{Result, absent, refuse},
    scope::{Frame, Relation, quoted, single},
    weight::Weight,
};

impl Rewriter<'_> {
    /// FROM with its keyword, and what it gives.
    pub(super) fn from(&mut self, from: &[TableWithJoins]) -> Result<(String, Vec<Relation>)> {
        let (mut chains, mut relations) = (Vec::new(), Vec::new());
        for table in from {
            let (sql, mut found) = self.nested(|this| this.chain(table))?;
            chains.push(sql);
            relations.append(&mut found);
        }
        let mut names: Vec<_> = relations.iter().map(|relation| &relation.name).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return refuse(
                PolicyCode::Table,
                format!("{:?} is named twice; tell them apart with AS", pair[0]),
            );
        }
        let keyword = if chains.is_empty() { "" } else { " FROM " };
        Ok((format!("{keyword}{}", chains.join(", ")), relations))
    }

    /// A table and what is joined to it. A condition sees what is joined so far.
    fn chain(&mut self, table: &TableWithJoins) -> Result<(String, Vec<Relation>)> {
        let TableWithJoins { relation, joins } = table;
        let (mut sql, first) = self.factor(relation)?;
        let mut relations = vec![first];
        for Join { relation, global, join_operator } in joins {
            absent(*global, "GLOBAL")?;
            let (keyword, constraint) = join(join_operator)?;
            let (right, found) = self.factor(relation)?;
            relations.push(found);
            let on = match constraint {
                Some(condition) => {
                    let frame = Frame::over(relations.clone());
                    self.within(frame, |this| this.condition(" ON ", Some(condition)))?.0
                }
                None => String::new(),
            };
            sql = format!("{sql} {keyword} {right}{on}");
        }
        Ok((sql, relations))
    }

    fn factor(&mut self, factor: &TableFactor) -> Result<(String, Relation)> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => {
                absent(args.is_some() || *with_ordinality, "a function in FROM")?;
                absent(!with_hints.is_empty() || !index_hints.is_empty(), "a hint")?;
                absent(version.is_some() || !partitions.is_empty(), "a version or partition of a table")?;
                absent(json_path.is_some() || sample.is_some(), "a sample or path of a table")?;
                self.table(&single(name, PolicyCode::Table)?, alias.as_ref())
            }
            TableFactor::Derived { lateral, subquery, alias, sample } => {
                absent(*lateral, "LATERAL")?;
                absent(sample.is_some(), "a sample of a table")?;
                let Some(alias) = alias else {
                    return refuse(PolicyCode::Table, "a sub-query in FROM needs a name (AS)");
                };
                let query = self.subquery(subquery)?;
                let written = query.columns.clone();
                let relation = self.relation(alias, query.columns)?;
                let list: Vec<_> = written
                    .iter()
                    .zip(&relation.columns)
                    .map(|(from, to)| format!("{} AS {}", quoted(&from.name), quoted(&to.name)))
                    .collect();
                let inner = quoted(&self.fresh());
                let sql = format!(
                    "(SELECT {} FROM ({}) AS {inner}) AS {}",
                    list.join(", "),
                    query.sql,
                    quoted(&relation.alias)
                );
                Ok((sql, relation))
            }
            _ => refuse(PolicyCode::Table, "FROM takes protected tables and sub-queries"),
        }
    }

    /// A table by name: a common table expression in sight, or this learner's rows of a protected table.
    fn table(&mut self, name: &str, alias: Option<&TableAlias>) -> Result<(String, Relation)> {
        self.tables += 1;
        if self.tables > self.policy.limits.tables {
            let limit = self.policy.limits.tables;
            return refuse(PolicyCode::Size, format!("a statement may name tables {limit} times"));
        }
        absent(
            alias.is_some_and(|alias| !alias.columns.is_empty()),
            "a list of names for a table's columns",
        )?;
        let plain =
            TableAlias { explicit: true, name: Ident::with_quote('"', name), columns: vec![], at: None };
        let alias = alias.unwrap_or(&plain);
        let common =
            self.frames.iter().rev().flat_map(|frame| &frame.common).find(|common| common.name == name);
        if let Some(common) = common.cloned() {
            let relation = self.relation(alias, common.columns)?;
            return Ok((format!("{} AS {}", quoted(&common.alias), quoted(&relation.alias)), relation));
        }
        let (table, columns) = self.protected(name)?;
        let relation = self.relation(alias, columns)?;
        self.add(Weight::columns(relation.columns.len()));
        let inner = quoted(&self.fresh());
        let list: Vec<_> =
            relation.columns.iter().map(|column| format!("{inner}.{}", quoted(&column.name))).collect();
        let sql = format!(
            "(SELECT {} FROM {} AS {inner} WHERE {inner}.{} = {}) AS {}",
            list.join(", "),
            quoted(name),
            quoted(&table.learner),
            self.learner_value()?,
            quoted(&relation.alias)
        );
        Ok((sql, relation))
    }

    /// A protected table and its columns.
    pub(super) fn protected(&self, name: &str) -> Result<(crate::records::schema::Table, Vec<OutputColumn>)> {
        let Some(table) = self.policy.schema.tables.get(name) else {
            return refuse(PolicyCode::Table, format!("{name:?} is not a protected table"));
        };
        let columns = table.columns.iter();
        let columns = columns.map(|(name, column_type)| OutputColumn {
            name: name.clone(),
            column_type: *column_type,
            weight: Weight::stored(*column_type),
        });
        Ok((table.clone(), columns.collect()))
    }
}

fn join(operator: &JoinOperator) -> Result<(&'static str, Option<&Expr>)> {
    let (keyword, constraint) = match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => ("JOIN", constraint),
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => ("LEFT JOIN", constraint),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => ("RIGHT JOIN", constraint),
        JoinOperator::FullOuter(constraint) => ("FULL JOIN", constraint),
        JoinOperator::CrossJoin(JoinConstraint::None) => return Ok(("CROSS JOIN", None)),
        _ => return refuse(PolicyCode::Clause, "this kind of join is not allowed"),
    };
    match constraint {
        JoinConstraint::On(condition) => Ok((keyword, Some(condition))),
        JoinConstraint::Using(_) | JoinConstraint::Natural | JoinConstraint::None => {
            refuse(PolicyCode::Clause, "a join says its condition with ON")
        }
    }
}
