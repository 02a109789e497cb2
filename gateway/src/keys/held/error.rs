//! Why a held key could not be used.

use super::Label;
use crate::archive::ArchiveError;

/// Short for this module's results.
pub type Result<T> = std::result::Result<T, HeldError>;

/// Why a held key could not be made or used. Nothing secret is in the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeldError {
    /// What is to be a label has another form.
    #[error("a held key's label is 1 to 64 letters, digits, '.', '_', '-', the first of them no '.'")]
    Label,
    /// There is a key under this label.
    #[error("there is a key under the label {0} already; a held key is never overwritten")]
    Exists(Label),
    /// There is none.
    #[error("no key is held under the label {0}")]
    Unknown(Label),
    /// The token has several keys under one label; which one is meant nobody can tell.
    #[error("the token has several keys under the label {0}; delete all but one with the token's own tools")]
    Ambiguous(Label),
    /// The store or the token is away or busy; the same may be tried again.
    #[error("held keys are not to be had: {0}")]
    Unavailable(String),
    /// The token refuses, and would again: its PIN is wrong or locked, or it lacks a function.
    #[error("the token refuses: {0}")]
    Refused(String),
    /// What the store or the token gives is not a P-256 key or signature.
    #[error("the key under the label {label} cannot be used: {reason}")]
    Damaged {
        /// The label.
        label: Label,
        /// Why not.
        reason: String,
    },
    /// The key under a label is not the one that it is taken for.
    #[error("the key under the label {0} is not that of the certificate which is registered for it")]
    OtherKey(Label),
    /// The office key that a stored key is sealed under.
    #[error(transparent)]
    OfficeKey(#[from] ArchiveError),
    /// The configuration cannot be used: which key, and why.
    #[error("held.{0}")]
    Setting(String),
}

impl HeldError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Label => "held.label",
            Self::Exists(_) => "held.exists",
            Self::Unknown(_) => "held.unknown",
            Self::Ambiguous(_) => "held.ambiguous",
            Self::Unavailable(_) => "held.unavailable",
            Self::Refused(_) => "held.refused",
            Self::Damaged { .. } => "held.damaged",
            Self::OtherKey(_) => "held.other_key",
            Self::OfficeKey(error) => error.code(),
            Self::Setting(_) => "held.setting",
        }
    }

    /// Whether the same may succeed later by itself.
    pub fn retry(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::OfficeKey(error) => error.retry(),
            _ => false,
        }
    }
}
