//! The policy's tests: what gets through, what does not, and that what gets through stays within its learner.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod attacks;
mod baseline;
mod confinement;
mod legitimate;
mod weight;

pub(in crate::records) use legitimate::LEGITIMATE;

use std::sync::Arc;

use serde_json::Value;
use sillok_contract::id::LearnerId;

use super::{Limits, Policy, PolicyError};
use crate::records::{Statement, schema::Schema};

fn policy() -> Policy {
    Policy::new(Arc::new(Schema::school_record()), Limits::default())
}

fn admit(sql: &str, params: &[Value]) -> Result<Statement, PolicyError> {
    policy().admit(&LearnerId::new("learner-1").unwrap(), sql, params)
}
