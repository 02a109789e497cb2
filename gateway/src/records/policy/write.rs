//! UPDATE and DELETE of this learner's rows alone; and what INSERT shares with them: the table that is written, and the
//! images of its rows by RETURNING.

use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, Expr, FromTable, ObjectName, TableAlias, TableFactor,
    TableWithJoins, Update,
};

use super::{
    OutputColumn, PolicyCode, Rewriter,
    refusal::{Result, absent, refuse},
    scope::{Frame, Relation, fold, quoted, quoted_list, single},
};
use crate::records::{Effect, schema::Table};

/// What the row that is written is called.
pub(super) const TARGET: &str = "t0";

/// The table that a statement writes.
pub(super) struct Target {
    pub(super) name: String,
    pub(super) table: Table,
    pub(super) columns: Vec<OutputColumn>,
}

/// The SQL, what it does, and the columns it gives.
pub(super) type Written = Result<(String, Effect, Vec<OutputColumn>)>;

impl Rewriter<'_> {
    /// An UPDATE.
    pub(super) fn update(&mut self, update: &Update) -> Written {
        let Update {
            update_token: _,
            optimizer_hints: _,
            table,
            assignments,
            from,
            selection,
            returning: _,
            output,
            or,
            order_by,
            limit,
        } = update;
        absent(from.is_some(), "UPDATE … FROM (use a sub-query)")?;
        absent(output.is_some() || or.is_some(), "OUTPUT or UPDATE OR")?;
        absent(!order_by.is_empty() || limit.is_some(), "ORDER BY or LIMIT in an UPDATE")?;
        let (target, relation) = self.written_table(table)?;
        let ((set, condition), _) = self.within(Frame::over(vec![relation]), |this| {
            Ok((this.assignments(&target, assignments)?, this.confined(&target, selection.as_ref())?))
        })?;
        let sql = format!(
            "UPDATE {} AS {} SET {set}{condition}{}",
            quoted(&target.name),
            quoted(TARGET),
            returning(&target)
        );
        Ok((sql, Effect::Write { table: target.name }, target.columns))
    }

    /// A DELETE.
    pub(super) fn delete(&mut self, delete: &Delete) -> Written {
        let Delete {
            delete_token: _,
            optimizer_hints: _,
            tables,
            from,
            using,
            selection,
            returning: _,
            output,
            order_by,
            limit,
        } = delete;
        absent(using.is_some(), "DELETE … USING (use a sub-query)")?;
        absent(!tables.is_empty() || output.is_some(), "a DELETE of several tables, or OUTPUT")?;
        absent(!order_by.is_empty() || limit.is_some(), "ORDER BY or LIMIT in a DELETE")?;
        let FromTable::WithFromKeyword(from) = from else {
            return refuse(PolicyCode::Clause, "write DELETE FROM");
        };
        let [table] = from.as_slice() else {
            return refuse(PolicyCode::Table, "DELETE takes one table");
        };
        let (target, relation) = self.written_table(table)?;
        let (condition, _) =
            self.within(Frame::over(vec![relation]), |this| this.confined(&target, selection.as_ref()))?;
        let sql = format!(
            "DELETE FROM {} AS {}{condition}{}",
            quoted(&target.name),
            quoted(TARGET),
            returning(&target)
        );
        Ok((sql, Effect::Delete { table: target.name }, target.columns))
    }

    pub(super) fn target(&mut self, name: &ObjectName) -> Result<Target> {
        let name = single(name, PolicyCode::Table)?;
        let (table, columns) = self.protected(&name)?;
        Ok(Target { name, table, columns })
    }

    /// The table of an UPDATE or DELETE.
    fn written_table(&mut self, table: &TableWithJoins) -> Result<(Target, Relation)> {
        let TableWithJoins { relation, joins } = table;
        absent(!joins.is_empty(), "a join in an UPDATE or DELETE (use a sub-query)")?;
        let TableFactor::Table {
            name,
            alias,
            args: None,
            with_hints,
            version: None,
            with_ordinality: false,
            partitions,
            json_path: None,
            sample: None,
            index_hints,
        } = relation
        else {
            return refuse(PolicyCode::Table, "UPDATE and DELETE take a protected table");
        };
        absent(
            !with_hints.is_empty() || !index_hints.is_empty() || !partitions.is_empty(),
            "a hint or partition",
        )?;
        let target = self.target(name)?;
        let known_as = match alias {
            None => target.name.clone(),
            Some(TableAlias { explicit: _, name, columns, at: None }) if columns.is_empty() => fold(name)?,
            Some(_) => return refuse(PolicyCode::Clause, "a table's alias is a plain name"),
        };
        let relation = target.relation(known_as);
        Ok((target, relation))
    }

    pub(super) fn assignments(&mut self, target: &Target, assignments: &[Assignment]) -> Result<String> {
        let (mut written, mut seen) = (Vec::new(), Vec::new());
        for Assignment { target: name, value } in assignments {
            let AssignmentTarget::ColumnName(name) = name else {
                return refuse(PolicyCode::Clause, "SET takes one column at a time");
            };
            let column = target.column(name)?;
            if column.name == target.table.learner {
                return refuse(PolicyCode::Learner, "whose row it is cannot be changed");
            }
            if target.table.key.contains(&column.name) {
                return refuse(
                    PolicyCode::Key,
                    format!("{:?} is of the key: delete the row and insert another", column.name),
                );
            }
            if seen.contains(&column.name) {
                return refuse(PolicyCode::Column, format!("{:?} is given twice", column.name));
            }
            let value = self.typed(value, column.column_type)?;
            written.push(format!("{} = {value}", quoted(&column.name)));
            seen.push(column.name);
        }
        Ok(written.join(", "))
    }

    /// WHERE: the learner's rows, and of them those that the caller means.
    pub(super) fn confined(&mut self, target: &Target, selection: Option<&Expr>) -> Result<String> {
        let learner = self.learner_value()?;
        let condition = self.condition(" AND ", selection)?;
        Ok(format!(" WHERE {}.{} = {learner}{condition}", quoted(TARGET), quoted(&target.table.learner)))
    }
}

impl Target {
    /// A column of it, by name.
    pub(super) fn column(&self, name: &ObjectName) -> Result<OutputColumn> {
        let name = single(name, PolicyCode::Column)?;
        match self.columns.iter().find(|column| column.name == name) {
            Some(column) => Ok(column.clone()),
            None => refuse(PolicyCode::Column, format!("{:?} has no column {name:?}", self.name)),
        }
    }

    pub(super) fn relation(&self, name: String) -> Relation {
        Relation { name, alias: TARGET.to_owned(), columns: self.columns.clone() }
    }
}

/// The images: all columns of the configuration, the same on both databases.
pub(super) fn returning(target: &Target) -> String {
    format!(" RETURNING {}", quoted_list(target.columns.iter().map(|column| column.name.as_str())))
}
