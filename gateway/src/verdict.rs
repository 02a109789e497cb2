//! What came of checking a file link by link, as the verdicts on certificates and signatures tell it.

use serde::{Deserialize, Serialize};
use sillok_contract::Refusal;
use utoipa::ToSchema;

/// What came of a link, one of `L`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check<L> {
    /// Which.
    pub link: L,
    /// Whether it holds.
    pub holds: bool,
    /// Why not: stable, such as `certificate.signature`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Why a link does not hold: stable, and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) code: String,
    pub(crate) detail: String,
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        Self { code: refusal.code.as_str().to_owned(), detail: refusal.to_string() }
    }
}

/// Links in the making.
#[derive(Debug)]
pub(crate) struct Checks<L>(Vec<Check<L>>);

impl<L> Default for Checks<L> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<L> Checks<L> {
    /// A link, and what was found.
    pub(crate) fn look<T, E: Into<Wrong>>(&mut self, link: L, found: Result<T, E>) -> Option<T> {
        match found {
            Ok(found) => {
                self.found(link, None);
                Some(found)
            }
            Err(wrong) => {
                self.found(link, Some(wrong.into()));
                None
            }
        }
    }

    /// A link, and what is wrong with it.
    pub(crate) fn found(&mut self, link: L, wrong: Option<Wrong>) {
        let holds = wrong.is_none();
        let (code, detail) = wrong.map(|Wrong { code, detail }| (code, detail)).unzip();
        self.0.push(Check { link, holds, code, detail });
    }

    /// All that was looked at, in order.
    pub(crate) fn told(self) -> Vec<Check<L>> {
        self.0
    }
}

/// The first link that does not hold.
pub(crate) fn broken<L>(checks: &[Check<L>]) -> Option<&Check<L>> {
    checks.iter().find(|check| !check.holds)
}
