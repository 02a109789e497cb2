//! What one process does of all that a gateway does.

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::{
    events::{Group, Topic},
    monitor,
};

/// A part of the work that can be a process of its own. Any number of each may run; none keeps anything that is lost with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Answers callers, records queries, audits and watches.
    Api,
    /// Signs with the keys that the office holds, what their owners approved.
    Signer,
    /// Verifies signatures that came in.
    Verifier,
    /// Brings verified signatures to the ledger and the archive.
    Recorder,
    /// Sees every event, and raises alerts.
    Monitor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Api, Self::Signer, Self::Verifier, Self::Recorder, Self::Monitor];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Signer => "signer",
            Self::Verifier => "verifier",
            Self::Recorder => "recorder",
            Self::Monitor => "monitor",
        }
    }

    /// The events that it handles; the processes of a role share them out.
    pub const fn handles(self) -> &'static [Topic] {
        match self {
            Self::Api => &[],
            Self::Signer => &[Topic::SignaturesRequested],
            Self::Verifier => &[Topic::SignaturesCreated],
            Self::Recorder => &[Topic::SignaturesVerified],
            Self::Monitor => &monitor::TOPICS,
        }
    }

    /// The consumers of a role are one group; a monitor's is what its settings say.
    pub fn group(self, monitor: &monitor::Settings) -> Group {
        match self {
            Self::Monitor => monitor.group.clone(),
            _ => Group::new(self.as_str()).expect("a role's name is letters"),
        }
    }

    /// Whether it works with the archive, whose keys are for nobody else.
    pub const fn opens_archive(self) -> bool {
        matches!(self, Self::Api | Self::Recorder)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == name.trim());
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("there is no role {:?}; there are all, {known}", name.trim())
        })
    }
}

/// The roles of one process: one at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// All of them: a gateway in one process.
    pub fn all() -> Self {
        Self(Role::ALL.into())
    }

    /// Whether this is one of them.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Whether one of them works with the archive.
    pub fn open_archive(&self) -> bool {
        self.0.iter().any(|role| role.opens_archive())
    }
}

/// `all`, or names with commas between them.
impl FromStr for Roles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::all());
        }
        text.split(',').map(Role::from_str).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn roles_are_named_one_by_one_or_all_at_once() {
        assert_eq!("all".parse::<Roles>().unwrap(), Roles::all());
        let two: Roles = "verifier, recorder".parse().unwrap();
        assert!(two.has(Role::Verifier) && two.has(Role::Recorder) && !two.has(Role::Api));
        for wrong in ["", "api,", "signers", "All"] {
            assert!(wrong.parse::<Roles>().unwrap_err().contains("api, signer, verifier"), "{wrong}");
        }
    }
}
