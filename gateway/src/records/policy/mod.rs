//! The SQL policy: what a statement may do, and its confinement to one learner.
//!
//! Nothing of the caller's text reaches a database. The statement is parsed; its tree is walked by code that knows the
//! few forms that are allowed and refuses all others; and new SQL is written from it, in which
//!
//! - every table is a derived table that holds this learner's rows alone, and the target of an UPDATE or DELETE has the
//!   learner's predicate beside the caller's condition;
//! - every inserted row is the learner's;
//! - every name was resolved against the configuration, and is written quoted;
//! - every literal is a bound parameter;
//! - every expression has a type, so that PostgreSQL and SQLite, which does not care about types, answer alike.
//!
//! So what is not understood is not let through, and what is let through was written here.

mod baseline;
mod expression;
mod from;
mod function;
mod insert;
mod order;
mod query;
mod refusal;
mod scope;
mod value;
mod weight;
mod write;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use sillok_contract::id::LearnerId;
use sqlparser::{
    ast,
    dialect::PostgreSqlDialect,
    parser::Parser,
    tokenizer::{Token, TokenWithSpan, Tokenizer},
};

pub use function::FUNCTIONS;
pub use refusal::{PolicyCode, PolicyError};
use refusal::{Result, refuse};
use scope::Frame;
#[cfg(test)]
pub(super) use tests::LEGITIMATE;
use value::{Slots, Source};
use weight::Weight;

use super::{Effect, Statement, schema::ColumnType, schema::Schema};

/// How large a statement may be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of SQL.
    pub bytes: usize,
    /// Words and signs.
    pub tokens: usize,
    /// How deep expressions and sub-queries nest.
    pub depth: usize,
    /// How many times tables are named.
    pub tables: usize,
    /// Bytes of all parameters, as JSON.
    pub parameter_bytes: usize,
    /// Expressions that it comes to, with each column of a sub-query written out where it is named.
    pub expressions: usize,
    /// Bytes of text that it makes for one row, by `||`, `replace` and the like. A table's text counts as 16 KiB.
    pub text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 16 * 1024,
            tokens: 2000,
            depth: 48,
            tables: 8,
            parameter_bytes: 256 * 1024,
            expressions: 20_000,
            text_bytes: 16 * 1024 * 1024,
        }
    }
}

/// Bytes of stack below which the parser and the walk go on upon another: more than they use from one look to the next,
/// also where nothing is optimised.
const STACK: usize = 512 * 1024;

/// The policy over one schema.
#[derive(Clone, Debug)]
pub struct Policy {
    schema: Arc<Schema>,
    limits: Limits,
}

impl Policy {
    /// What it is over.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The policy over a schema that was checked.
    pub fn new(schema: Arc<Schema>, limits: Limits) -> Self {
        recursive::set_minimum_stack_size(STACK);
        Self { schema, limits }
    }

    /// The statement that does what `sql` asks for, on this learner's rows alone; or the rule it breaks. `$1`, `$2`, …
    /// in it stand for `params`, which are strings, numbers, booleans or null; each has to be used.
    pub fn admit(
        &self,
        learner: &LearnerId,
        sql: &str,
        params: &[serde_json::Value],
    ) -> std::result::Result<Statement, PolicyError> {
        self.limit(params)?;
        self.rewrite(learner, &self.parse(sql)?, params)
    }

    /// As [`Policy::admit`], for a SELECT whose rows are adopted as they are: it gives all columns of one table.
    pub fn adopt(
        &self,
        learner: &LearnerId,
        sql: &str,
        params: &[serde_json::Value],
    ) -> std::result::Result<Statement, PolicyError> {
        self.limit(params)?;
        let parsed = self.parse(sql)?;
        let table = self.adopted_table(&parsed)?;
        let statement = self.rewrite(learner, &parsed, params)?;
        self.check_whole(&table, &statement.columns)?;
        Ok(Statement { effect: Effect::Adopt { table }, ..statement })
    }

    fn rewrite(
        &self,
        learner: &LearnerId,
        statement: &ast::Statement,
        params: &[serde_json::Value],
    ) -> Result<Statement> {
        let mut rewriter = Rewriter::new(self, learner, params);
        let (sql, effect, columns) = rewriter.statement(statement)?;
        if let Some(unused) = rewriter.used.iter().position(|used| !used) {
            return refuse(PolicyCode::Parameters, format!("${} is not in the statement", unused + 1));
        }
        Ok(Statement { sql, parameters: rewriter.slots.into_values(), effect, columns })
    }

    fn limit(&self, params: &[serde_json::Value]) -> Result<()> {
        let bytes: usize = params.iter().map(|value| value.as_str().map_or(8, str::len)).sum();
        if bytes > self.limits.parameter_bytes || params.len() > self.limits.tokens {
            return refuse(
                PolicyCode::Size,
                format!("parameters may have {} bytes in sum", self.limits.parameter_bytes),
            );
        }
        Ok(())
    }

    fn parse(&self, sql: &str) -> Result<ast::Statement> {
        if sql.len() > self.limits.bytes {
            return refuse(PolicyCode::Size, format!("a statement may have {} bytes", self.limits.bytes));
        }
        let tokens = self.tokens(sql)?;
        // The parser counts each nesting of an expression several times.
        let mut parser = Parser::new(&PostgreSqlDialect {})
            .with_recursion_limit(self.limits.depth * 4)
            .with_tokens_with_locations(tokens);
        let mut statements = match parser.parse_statements() {
            Ok(statements) => statements,
            Err(sqlparser::parser::ParserError::RecursionLimitExceeded) => return self.too_deep(),
            Err(_) => return refuse(PolicyCode::Syntax, "the statement is not SQL as PostgreSQL writes it"),
        };
        match (statements.pop(), statements.is_empty()) {
            (Some(statement), true) => Ok(statement),
            _ => refuse(PolicyCode::Statement, "a query is exactly one statement"),
        }
    }

    fn tokens(&self, sql: &str) -> Result<Vec<TokenWithSpan>> {
        let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location();
        let Ok(mut tokens) = tokens else {
            return refuse(PolicyCode::Syntax, "the statement is not SQL as PostgreSQL writes it");
        };
        tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
        if tokens.len() > self.limits.tokens {
            return refuse(PolicyCode::Size, format!("a statement may have {} words", self.limits.tokens));
        }
        Ok(tokens)
    }

    fn too_deep<T>(&self) -> Result<T> {
        refuse(PolicyCode::Size, format!("a statement may nest {} deep", self.limits.depth))
    }
}

/// A column of what a statement gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputColumn {
    /// Its name, unique in the statement.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// What it comes to where it is named.
    weight: Weight,
}

/// Writes one statement anew. The state of one walk over its tree.
struct Rewriter<'a> {
    policy: &'a Policy,
    learner: &'a LearnerId,
    params: &'a [serde_json::Value],
    /// Which of them the statement has named.
    used: Vec<bool>,
    slots: Slots,
    /// What names mean, the innermost query last.
    frames: Vec<Frame>,
    depth: usize,
    /// How many tables and derived tables have a name; each gets its own.
    relations: usize,
    /// How many times tables were named.
    tables: usize,
    /// What all that was walked so far comes to.
    weight: Weight,
}

impl<'a> Rewriter<'a> {
    fn new(policy: &'a Policy, learner: &'a LearnerId, params: &'a [serde_json::Value]) -> Self {
        Self {
            policy,
            learner,
            params,
            used: vec![false; params.len()],
            slots: Slots::default(),
            frames: Vec::new(),
            depth: 0,
            relations: 0,
            tables: 0,
            weight: Weight::default(),
        }
    }

    fn statement(&mut self, statement: &ast::Statement) -> Result<(String, Effect, Vec<OutputColumn>)> {
        match statement {
            ast::Statement::Query(query) => {
                let query = self.query(query)?;
                Ok((query.sql, Effect::Read, query.columns))
            }
            ast::Statement::Insert(insert) => self.insert(insert),
            ast::Statement::Update(update) => self.update(update),
            ast::Statement::Delete(delete) => self.delete(delete),
            _ => refuse(PolicyCode::Statement, "a query is a SELECT, INSERT, UPDATE or DELETE"),
        }
    }

    /// Goes one level deeper, within limits.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= self.policy.limits.depth {
            return self.policy.too_deep();
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// The learner's id, bound.
    fn learner_value(&mut self) -> Result<String> {
        self.slots.bind(Source::Learner(self.learner.as_str().into()), ColumnType::Text)
    }
}
