//! What the contract answers when it will not do a thing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A stable code for each reason to refuse. The text form is part of the interface and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Code {
    /// An identifier has a form that is not allowed.
    #[serde(rename = "identifier.malformed")]
    IdentifierMalformed,
    /// An argument is missing, too many, or not of its type.
    #[serde(rename = "argument.malformed")]
    ArgumentMalformed,
    /// There is no such function.
    #[serde(rename = "function.unknown")]
    FunctionUnknown,
    /// The creator's MSP or role may not do this.
    #[serde(rename = "creator.forbidden")]
    CreatorForbidden,
    /// What was asked for is not on the ledger.
    #[serde(rename = "not_found")]
    NotFound,
    /// It is on the ledger already, with other content.
    #[serde(rename = "already_exists")]
    AlreadyExists,
    /// The ledger could not be asked; trying again may help.
    #[serde(rename = "ledger.unavailable")]
    LedgerUnavailable,
}

/// A refusal: its code, a sentence that says what happened and what to do, and the entry it is about if it is one's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// For people.
    pub message: String,
    /// The entry's index in its batch, from 0, where one entry is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<u32>,
}

impl Refusal {
    /// A refusal that no single entry is to blame for.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), entry: None }
    }

    /// The same refusal, blamed on an entry.
    pub fn at_entry(mut self, index: u32) -> Self {
        self.entry = Some(index);
        self
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
