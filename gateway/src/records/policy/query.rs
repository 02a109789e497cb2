//! Queries: SELECT with joins, grouping, set operations and common table expressions, every table confined.

use sqlparser::ast::{
    Cte, Distinct, Expr, GroupByExpr, Ident, OrderBy, Query, Select, SelectFlavor, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, TableAlias, TableAliasColumnDef,
    WildcardAdditionalOptions, With,
};

use super::{
    OutputColumn, PolicyCode, Rewriter,
    order::position,
    refusal::{Result, absent, refuse},
    scope::{Frame, Relation, distinct, fold, quoted, quoted_list, single},
};
use crate::records::schema::ColumnType::Boolean;

/// A query written anew.
pub(super) struct Rewritten {
    /// Its SQL.
    pub(super) sql: String,
    /// What it gives.
    pub(super) columns: Vec<OutputColumn>,
    /// Whether it cannot give a second row.
    pub(super) one_row: bool,
}

impl Rewriter<'_> {
    /// A query within another.
    pub(super) fn subquery(&mut self, query: &Query) -> Result<Rewritten> {
        if self.frames.iter().any(|frame| frame.in_aggregate) {
            return refuse(PolicyCode::Function, "an aggregate is not over a sub-query");
        }
        self.query(query)
    }

    /// A query.
    #[recursive::recursive]
    pub(super) fn query(&mut self, query: &Query) -> Result<Rewritten> {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        absent(fetch.is_some(), "FETCH (write LIMIT)")?;
        absent(!locks.is_empty(), "a row lock")?;
        absent(for_clause.is_some(), "FOR")?;
        absent(settings.is_some(), "SETTINGS")?;
        absent(format_clause.is_some(), "FORMAT")?;
        absent(!pipe_operators.is_empty(), "a pipe operator")?;
        let before = self.weight;
        let (mut rewritten, _) = self.nested(|this| {
            this.within(Frame::default(), |this| {
                let with = with.as_ref().map(|with| this.with(with)).transpose()?.unwrap_or_default();
                let mut rewritten = this.body(body, order_by.as_ref())?;
                rewritten.sql.insert_str(0, &with);
                Ok(rewritten)
            })
        })?;
        if let Some(clause) = limit_clause {
            let (limit, at_most_one) = self.limit(clause)?;
            rewritten.sql.push_str(&limit);
            rewritten.one_row |= at_most_one;
        }
        self.forget_text(before);
        Ok(rewritten)
    }

    fn with(&mut self, with: &With) -> Result<String> {
        let With { with_token: _, recursive, cte_tables } = with;
        absent(*recursive, "WITH RECURSIVE")?;
        let mut tables = Vec::new();
        for Cte { alias, query, from, materialized, closing_paren_token: _ } in cte_tables {
            absent(from.is_some() || materialized.is_some(), "MATERIALIZED or FROM in WITH")?;
            let query = self.subquery(query)?;
            let relation = self.relation(alias, query.columns)?;
            if self.frame().common.iter().any(|other| other.name == relation.name) {
                return refuse(PolicyCode::Table, format!("WITH names {:?} twice", relation.name));
            }
            let columns = quoted_list(relation.columns.iter().map(|column| column.name.as_str()));
            tables.push(format!("{}({columns}) AS ({})", quoted(&relation.alias), query.sql));
            self.frame().common.push(relation);
        }
        Ok(format!("WITH {} ", tables.join(", ")))
    }

    /// A new relation under the caller's name for it, with the caller's names of its columns.
    pub(super) fn relation(
        &mut self,
        alias: &TableAlias,
        mut columns: Vec<OutputColumn>,
    ) -> Result<Relation> {
        let TableAlias { explicit: _, name, columns: names, at } = alias;
        absent(at.is_some(), "AT")?;
        if names.len() > columns.len() {
            return refuse(PolicyCode::Column, "there are more names than columns");
        }
        for (column, TableAliasColumnDef { name, data_type }) in columns.iter_mut().zip(names) {
            absent(data_type.is_some(), "a type in a list of names")?;
            column.name = fold(name)?;
        }
        distinct(&columns)?;
        Ok(Relation { name: fold(name)?, alias: self.fresh(), columns })
    }

    fn body(&mut self, body: &SetExpr, order_by: Option<&OrderBy>) -> Result<Rewritten> {
        match body {
            SetExpr::Select(select) => self.select(select, order_by),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let mut rewritten = self.set_operation(left, *op, *set_quantifier, right)?;
                let order = self.order_of_output(order_by, &rewritten.columns)?;
                rewritten.sql.push_str(&order);
                Ok(rewritten)
            }
            SetExpr::Query(query) => {
                let inner = self.subquery(query)?;
                let alias = self.fresh();
                let order = self.order_of_output(order_by, &inner.columns)?;
                let columns = quoted_list(inner.columns.iter().map(|column| column.name.as_str()));
                Ok(Rewritten {
                    sql: format!("SELECT {columns} FROM ({}) AS {}{order}", inner.sql, quoted(&alias)),
                    ..inner
                })
            }
            SetExpr::Values(_) => refuse(PolicyCode::Clause, "VALUES stands in an INSERT only"),
            SetExpr::Table(_) => refuse(PolicyCode::Clause, "TABLE is not allowed; write SELECT"),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                refuse(PolicyCode::Statement, "only the statement itself may write")
            }
        }
    }

    fn set_operation(
        &mut self,
        left: &SetExpr,
        op: SetOperator,
        quantifier: SetQuantifier,
        right: &SetExpr,
    ) -> Result<Rewritten> {
        let op = match (op, quantifier) {
            (SetOperator::Union, SetQuantifier::All) => "UNION ALL",
            (SetOperator::Union, SetQuantifier::None | SetQuantifier::Distinct) => "UNION",
            (SetOperator::Intersect, SetQuantifier::None | SetQuantifier::Distinct) => "INTERSECT",
            (SetOperator::Except, SetQuantifier::None | SetQuantifier::Distinct) => "EXCEPT",
            _ => return refuse(PolicyCode::Clause, format!("{op} {quantifier} is not allowed")),
        };
        let (mut left, right) = (self.side(left)?, self.side(right)?);
        let types =
            |side: &Rewritten| side.columns.iter().map(|column| column.column_type).collect::<Vec<_>>();
        if types(&left) != types(&right) {
            return refuse(PolicyCode::Type, format!("both sides of {op} have the same columns"));
        }
        for (column, other) in left.columns.iter_mut().zip(&right.columns) {
            column.weight = column.weight.or(other.weight);
        }
        Ok(Rewritten {
            sql: format!("{} {op} {}", left.sql, right.sql),
            columns: left.columns,
            one_row: false,
        })
    }

    /// One side of a set operation: within a derived table, for SQLite knows no parentheses there.
    fn side(&mut self, side: &SetExpr) -> Result<Rewritten> {
        let inner = self.nested(|this| this.body(side, None))?;
        let columns = quoted_list(inner.columns.iter().map(|column| column.name.as_str()));
        let sql = format!("SELECT {columns} FROM ({}) AS {}", inner.sql, quoted(&self.fresh()));
        Ok(Rewritten { sql, ..inner })
    }

    fn select(&mut self, select: &Select, order_by: Option<&OrderBy>) -> Result<Rewritten> {
        let Select {
            select_token: _,
            optimizer_hints: _,
            distinct: distinction,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        absent(into.is_some(), "INTO")?;
        absent(!named_window.is_empty(), "WINDOW")?;
        absent(select_modifiers.is_some() || top.is_some() || exclude.is_some(), "a modifier of SELECT")?;
        absent(!lateral_views.is_empty() || !connect_by.is_empty(), "LATERAL VIEW or CONNECT BY")?;
        absent(prewhere.is_some() || qualify.is_some(), "PREWHERE or QUALIFY")?;
        absent(!cluster_by.is_empty() || !distribute_by.is_empty() || !sort_by.is_empty(), "SORT BY")?;
        absent(
            value_table_mode.is_some() || *flavor != SelectFlavor::Standard,
            "a form of SELECT that is not standard",
        )?;
        let unique = match distinction {
            None | Some(Distinct::All) => false,
            Some(Distinct::Distinct) => true,
            Some(Distinct::On(_)) => return refuse(PolicyCode::Clause, "DISTINCT ON is not allowed"),
        };
        let (from, relations) = self.from(from)?;
        let (rewritten, _) = self.within(Frame::over(relations), |this| {
            let condition = this.condition(" WHERE ", selection.as_ref())?;
            let grouping = this.grouping(group_by, projection)?;
            this.frame().bare = 0;
            this.frame().aggregates_allowed = true;
            let (items, columns) = this.projection(projection)?;
            if having.is_some() && !this.frame().is_grouped() {
                return refuse(PolicyCode::Clause, "HAVING needs GROUP BY, or an aggregate after SELECT");
            }
            let having_sql = this.condition(" HAVING ", having.as_ref())?;
            let order = this.order(order_by, &items, &columns, unique)?;
            let alone = this.check_grouping()?;
            let list: Vec<_> = items
                .iter()
                .zip(&columns)
                .map(|(sql, column)| format!("{sql} AS {}", quoted(&column.name)))
                .collect();
            let unique = if unique { "DISTINCT " } else { "" };
            let sql =
                format!("SELECT {unique}{}{from}{condition}{grouping}{having_sql}{order}", list.join(", "));
            Ok(Rewritten { sql, columns, one_row: alone })
        })?;
        Ok(rewritten)
    }

    /// Refuses columns that are neither grouped by nor aggregated, which SQLite would take from any row. Whether all
    /// rows are one group.
    fn check_grouping(&mut self) -> Result<bool> {
        let frame = self.frame();
        let grouped = frame.is_grouped();
        if grouped && frame.bare > 0 {
            return refuse(PolicyCode::Column, "beside aggregates, a column has to be in GROUP BY");
        }
        Ok(grouped && frame.keys.is_empty())
    }

    /// A condition under its keyword, if there is one.
    pub(super) fn condition(&mut self, keyword: &str, condition: Option<&Expr>) -> Result<String> {
        match condition {
            None => Ok(String::new()),
            Some(condition) => Ok(format!("{keyword}{}", self.typed(condition, Boolean)?)),
        }
    }

    fn grouping(&mut self, group_by: &GroupByExpr, projection: &[SelectItem]) -> Result<String> {
        let GroupByExpr::Expressions(keys, modifiers) = group_by else {
            return refuse(PolicyCode::Clause, "GROUP BY ALL is not allowed");
        };
        absent(!modifiers.is_empty(), "a modifier of GROUP BY")?;
        let mut written = Vec::new();
        for key in keys {
            let key = meant(key, projection).unwrap_or(key);
            written.push(self.any(key)?.0);
        }
        self.frame().keys.clone_from(&written);
        let keyword = if written.is_empty() { "" } else { " GROUP BY " };
        Ok(format!("{keyword}{}", written.join(", ")))
    }

    fn projection(&mut self, projection: &[SelectItem]) -> Result<(Vec<String>, Vec<OutputColumn>)> {
        let mut found = Vec::new();
        for item in projection {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let name = default_name(expr).unwrap_or_else(|| format!("column{}", found.len() + 1));
                    let ((sql, column_type), weight) = self.weighed(|this| this.any(expr))?;
                    found.push((sql, OutputColumn { name, column_type, weight }));
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let ((sql, column_type), weight) = self.weighed(|this| this.any(expr))?;
                    found.push((sql, OutputColumn { name: fold(alias)?, column_type, weight }));
                }
                SelectItem::Wildcard(options) => {
                    plain_wildcard(options)?;
                    self.expand(None, &mut found)?;
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    plain_wildcard(options)?;
                    self.expand(Some(single(name, PolicyCode::Table)?), &mut found)?;
                }
                SelectItem::ExprWithAliases { .. } | SelectItem::QualifiedWildcard(..) => {
                    return refuse(
                        PolicyCode::Expression,
                        "the list after SELECT names columns and expressions",
                    );
                }
            }
        }
        let (items, columns): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        if columns.is_empty() {
            return refuse(PolicyCode::Column, "a SELECT gives at least one column");
        }
        distinct(&columns)?;
        Ok((items, columns))
    }

    /// What `*` or `table.*` stands for.
    fn expand(&mut self, of: Option<String>, found: &mut Vec<(String, OutputColumn)>) -> Result<()> {
        let relations: Vec<_> = self
            .frame()
            .relations
            .iter()
            .filter(|r| of.as_ref().is_none_or(|of| *of == r.name))
            .cloned()
            .collect();
        if relations.is_empty() {
            return refuse(PolicyCode::Table, "* stands for the columns of a table in FROM");
        }
        for relation in relations {
            for column in relation.columns {
                let path = [Ident::with_quote('"', &relation.name), Ident::with_quote('"', &column.name)];
                let (sql, _) = self.any(&Expr::CompoundIdentifier(path.into()))?;
                found.push((sql, column));
            }
        }
        Ok(())
    }
}

fn plain_wildcard(options: &WildcardAdditionalOptions) -> Result<()> {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude,
        opt_except,
        opt_replace,
        opt_rename,
        opt_alias,
    } = options;
    let options = opt_ilike.is_some() || opt_exclude.is_some() || opt_except.is_some();
    absent(options || opt_replace.is_some() || opt_rename.is_some() || opt_alias.is_some(), "an option of *")
}

/// The expression that a number or an alias in GROUP BY stands for.
fn meant<'e>(key: &Expr, projection: &'e [SelectItem]) -> Option<&'e Expr> {
    if let Some(position) = position(key) {
        return match projection.get(position.checked_sub(1)?)? {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
            _ => None,
        };
    }
    let Expr::Identifier(name) = key else { return None };
    projection.iter().find_map(|item| match item {
        SelectItem::ExprWithAlias { expr, alias }
            if alias == name && !matches!(expr, Expr::Identifier(_)) =>
        {
            Some(expr)
        }
        _ => None,
    })
}

/// What a column without AS is called, as in PostgreSQL.
fn default_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => fold(name).ok(),
        Expr::CompoundIdentifier(path) => fold(path.last()?).ok(),
        Expr::Nested(inner) => default_name(inner),
        Expr::Cast { expr, .. } => default_name(expr),
        Expr::Function(function) => single(&function.name, PolicyCode::Function).ok(),
        _ => None,
    }
}
