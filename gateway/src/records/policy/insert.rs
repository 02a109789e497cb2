//! INSERT: rows of this learner alone, by VALUES or SELECT, with ON CONFLICT on the key.

use sqlparser::ast::{
    ConflictTarget, DoUpdate, Expr, Insert, ObjectName, OnConflict, OnConflictAction, OnInsert, Parens,
    Query, SetExpr, TableObject, Values,
};

use super::{
    OutputColumn, PolicyCode, Rewriter,
    refusal::{Result, absent, refuse},
    scope::{Frame, Relation, fold, quoted, quoted_list},
    value::{Operand, Source},
    write::{TARGET, Target, Written, returning},
};
use crate::records::Effect;

impl Rewriter<'_> {
    /// An INSERT.
    pub(super) fn insert(&mut self, insert: &Insert) -> Written {
        let Insert {
            insert_token: _,
            optimizer_hints: _,
            or,
            ignore,
            into,
            table,
            table_alias,
            columns,
            overwrite,
            source,
            assignments,
            partitioned,
            after_columns,
            has_table_keyword,
            on,
            returning: _,
            output,
            replace_into,
            priority,
            insert_alias,
            settings,
            format_clause,
            multi_table_insert_type,
            multi_table_into_clauses,
            multi_table_when_clauses,
            multi_table_else_clause,
        } = insert;
        absent(
            or.is_some() || *ignore || *replace_into || *overwrite,
            "INSERT OR, IGNORE, REPLACE or OVERWRITE",
        )?;
        absent(!into || *has_table_keyword, "INSERT without INTO, or with TABLE")?;
        absent(
            !assignments.is_empty() || partitioned.is_some() || !after_columns.is_empty(),
            "SET or PARTITION",
        )?;
        absent(
            output.is_some() || priority.is_some() || insert_alias.is_some(),
            "OUTPUT, a priority or a row alias",
        )?;
        absent(settings.is_some() || format_clause.is_some(), "SETTINGS or FORMAT")?;
        absent(
            multi_table_insert_type.is_some() || !multi_table_into_clauses.is_empty(),
            "INSERT of several tables",
        )?;
        absent(
            !multi_table_when_clauses.is_empty() || multi_table_else_clause.is_some(),
            "INSERT of several tables",
        )?;
        let TableObject::TableName(name) = table else {
            return refuse(PolicyCode::Table, "INSERT takes a protected table");
        };
        let target = self.target(name)?;
        let known_as = match table_alias {
            Some(alias) => fold(&alias.alias)?,
            None => target.name.clone(),
        };
        let given = self.columns_given(&target, columns)?;
        let Some(source) = source else {
            return refuse(PolicyCode::Clause, "INSERT takes VALUES or a SELECT");
        };
        let (rows, count) = self.rows(&target, &given, source)?;
        let others = given.iter().filter(|column| column.name != target.table.learner);
        let names = std::iter::once(&target.table.learner).chain(others.map(|column| &column.name));
        let on = on.as_ref().map(|on| self.on_conflict(&target, &known_as, on, count)).transpose()?;
        let sql = format!(
            "INSERT INTO {} AS {} ({}) {rows}{}{}",
            quoted(&target.name),
            quoted(TARGET),
            quoted_list(names.map(String::as_str)),
            on.unwrap_or_default(),
            returning(&target)
        );
        Ok((sql, Effect::Write { table: target.name }, target.columns))
    }

    /// The columns that an INSERT gives. They have to be named: what their order is would differ by database.
    fn columns_given(&self, target: &Target, columns: &[ObjectName]) -> Result<Vec<OutputColumn>> {
        let mut given: Vec<OutputColumn> = Vec::new();
        for name in columns {
            let column = target.column(name)?;
            if given.contains(&column) {
                return refuse(PolicyCode::Column, format!("{:?} is given twice", column.name));
            }
            given.push(column);
        }
        if given.is_empty() {
            return refuse(PolicyCode::Column, "INSERT names its columns");
        }
        Ok(given)
    }

    /// What is inserted, the learner's id first; and how many rows, where that is known.
    fn rows(
        &mut self,
        target: &Target,
        given: &[OutputColumn],
        source: &Query,
    ) -> Result<(String, Option<usize>)> {
        let SetExpr::Values(values) = &*source.body else {
            return Ok((self.selected(target, given, source)?, None));
        };
        let Query {
            with,
            body: _,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = source;
        absent(with.is_some() || order_by.is_some() || limit_clause.is_some(), "a clause beside VALUES")?;
        absent(fetch.is_some() || !locks.is_empty() || for_clause.is_some(), "a clause beside VALUES")?;
        absent(settings.is_some() || format_clause.is_some(), "a clause beside VALUES")?;
        absent(!pipe_operators.is_empty(), "a clause beside VALUES")?;
        let Values { explicit_row, value_keyword: _, rows } = values;
        absent(*explicit_row, "ROW")?;
        let mut written = Vec::new();
        for Parens { opening_token: _, content, closing_token: _ } in rows {
            let (row, _) = self.within(Frame::default(), |this| this.row(target, given, content))?;
            written.push(row);
        }
        Ok((format!("VALUES {}", written.join(", ")), Some(written.len())))
    }

    fn row(&mut self, target: &Target, given: &[OutputColumn], values: &[Expr]) -> Result<String> {
        if values.len() != given.len() {
            return refuse(PolicyCode::Column, "there are not as many values as columns");
        }
        let mut row = vec![self.learner_value()?];
        for (column, value) in given.iter().zip(values) {
            if column.name == target.table.learner {
                self.is_learner(value)?;
            } else {
                row.push(self.typed(value, column.column_type)?);
            }
        }
        Ok(format!("({})", row.join(", ")))
    }

    /// Refuses a value of the learner's column that is not this learner's id.
    fn is_learner(&mut self, value: &Expr) -> Result<()> {
        if let Expr::Value(value) = value
            && let Source::Literal(value) | Source::Parameter(_, value) = self.source(value)?
            && value.as_str() == Some(self.learner.as_str())
        {
            return Ok(());
        }
        refuse(PolicyCode::Learner, "a row is written for the query's learner; leave their column out")
    }

    fn selected(&mut self, target: &Target, given: &[OutputColumn], source: &Query) -> Result<String> {
        if given.iter().any(|column| column.name == target.table.learner) {
            return refuse(PolicyCode::Learner, "leave the learner's column out of INSERT … SELECT");
        }
        let query = self.query(source)?;
        if query.columns.len() != given.len() {
            return refuse(PolicyCode::Column, "there are not as many values as columns");
        }
        let mut list = vec![self.learner_value()?];
        let alias = self.fresh();
        for (from, to) in query.columns.iter().zip(given) {
            let sql = format!("{}.{}", quoted(&alias), quoted(&from.name));
            list.push(self.settle(Operand::Typed(sql, from.column_type), to.column_type)?);
        }
        // Without the WHERE, SQLite would read a following ON as the condition of a join.
        Ok(format!("SELECT {} FROM ({}) AS {} WHERE TRUE", list.join(", "), query.sql, quoted(&alias)))
    }

    /// ON CONFLICT on the table's key. A row of another learner is not touched.
    fn on_conflict(
        &mut self,
        target: &Target,
        known_as: &str,
        on: &OnInsert,
        rows: Option<usize>,
    ) -> Result<String> {
        let OnInsert::OnConflict(OnConflict { conflict_target, action }) = on else {
            return refuse(PolicyCode::Clause, "ON DUPLICATE KEY is not allowed; write ON CONFLICT");
        };
        let key = match conflict_target {
            None => None,
            Some(ConflictTarget::Columns(columns)) => {
                let mut named = columns.iter().map(fold).collect::<Result<Vec<_>>>()?;
                let mut key = target.table.key.clone();
                named.sort_unstable();
                key.sort_unstable();
                if named != key {
                    return refuse(
                        PolicyCode::Key,
                        format!("ON CONFLICT takes the key ({})", key.join(", ")),
                    );
                }
                Some(format!(" ({})", quoted_list(key.iter().map(String::as_str))))
            }
            Some(ConflictTarget::OnConstraint(_)) => {
                return refuse(PolicyCode::Clause, "ON CONFLICT takes columns, not a constraint");
            }
        };
        match (action, key) {
            (OnConflictAction::DoNothing, key) => {
                Ok(format!(" ON CONFLICT{} DO NOTHING", key.unwrap_or_default()))
            }
            (OnConflictAction::DoUpdate(DoUpdate { assignments, selection }), Some(key))
                if rows == Some(1) =>
            {
                let excluded = Relation {
                    name: "excluded".into(),
                    alias: "excluded".into(),
                    columns: target.columns.clone(),
                };
                let frame = Frame::over(vec![target.relation(known_as.to_owned()), excluded]);
                let ((set, condition), _) = self.within(frame, |this| {
                    Ok((this.assignments(target, assignments)?, this.confined(target, selection.as_ref())?))
                })?;
                Ok(format!(" ON CONFLICT{key} DO UPDATE SET {set}{condition}"))
            }
            (OnConflictAction::DoUpdate(_), _) => {
                refuse(PolicyCode::Clause, "ON CONFLICT DO UPDATE takes the key, and VALUES of one row")
            }
        }
    }
}
