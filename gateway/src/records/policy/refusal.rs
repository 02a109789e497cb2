//! Why a statement is not let through.

/// A statement that the policy refuses: nothing was executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct PolicyError {
    /// Which rule.
    pub code: PolicyCode,
    /// What to do about it.
    pub detail: String,
}

/// The policy's rules, by the stable codes under which they refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyCode {
    /// It is not SQL as PostgreSQL writes it.
    Syntax,
    /// It is not exactly one SELECT, INSERT, UPDATE or DELETE.
    Statement,
    /// It names a table that is not protected, or names it in a way that is not allowed.
    Table,
    /// It names a column that its table does not have.
    Column,
    /// It calls a function that is not on the list, or calls it in a way that is not allowed.
    Function,
    /// It uses a clause that is not allowed.
    Clause,
    /// It uses an expression or operator that is not allowed.
    Expression,
    /// It gives or compares values of types that do not go together.
    Type,
    /// A value is not of its column's form.
    Value,
    /// Parameters and placeholders do not match.
    Parameters,
    /// It would write another learner's row, or change whose row it is.
    Learner,
    /// It would change what tells rows apart.
    Key,
    /// It is to adopt rows, and gives something else than whole rows of one table.
    Baseline,
    /// It is longer, deeper or wider than the limits allow.
    Size,
}

impl PolicyCode {
    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "policy.syntax",
            Self::Statement => "policy.statement",
            Self::Table => "policy.table",
            Self::Column => "policy.column",
            Self::Function => "policy.function",
            Self::Clause => "policy.clause",
            Self::Expression => "policy.expression",
            Self::Type => "policy.type",
            Self::Value => "policy.value",
            Self::Parameters => "policy.parameters",
            Self::Learner => "policy.learner",
            Self::Key => "policy.key",
            Self::Baseline => "policy.baseline",
            Self::Size => "policy.size",
        }
    }
}

impl std::fmt::Display for PolicyCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Short for this module's results.
pub(super) type Result<T> = std::result::Result<T, PolicyError>;

/// A refusal, as the error of any result.
pub(super) fn refuse<T>(code: PolicyCode, detail: impl Into<String>) -> Result<T> {
    Err(PolicyError { code, detail: detail.into() })
}

/// Refuses a clause where it is there.
pub(super) fn absent(is_there: bool, clause: &str) -> Result<()> {
    if is_there {
        return refuse(PolicyCode::Clause, format!("{clause} is not allowed"));
    }
    Ok(())
}
