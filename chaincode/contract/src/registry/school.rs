//! Offices and schools.

use serde::{Deserialize, Serialize};

use super::{check_name, check_time, earlier_end};
use crate::{
    Code, Refusal,
    certificate::Certificate,
    id::{MspId, SchoolId},
};

/// An education office.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Office {
    /// Its MSP.
    pub id: MspId,
    /// Its name.
    pub name: String,
    /// The authority that issues its people's certificates, PEM.
    pub authority: String,
}

/// A school.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct School {
    /// Its id.
    pub id: SchoolId,
    /// Its name.
    pub name: String,
    /// The district it lies in.
    pub district: String,
    /// The office it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<MspId>,
    /// The authority that issues its people's certificates, PEM.
    pub authority: String,
    /// When a batch closes.
    #[serde(default)]
    pub batch: BatchSettings,
    /// From this time on nothing is recorded for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_since: Option<i64>,
}

/// When a school's batch closes: whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchSettings {
    /// At this many entries, 1 to 1,000.
    pub max_entries: u32,
    /// When its oldest entry is this old, in milliseconds, 1 to 600,000.
    pub max_age_ms: u32,
}

impl Default for BatchSettings {
    fn default() -> Self {
        Self { max_entries: 40, max_age_ms: 2000 }
    }
}

/// What may change about a school; what is absent stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchoolChange {
    /// Which school.
    pub id: SchoolId,
    /// Its new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its new district.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// When its batches close from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchSettings>,
    /// Closes it. A time that stands can only become earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_since: Option<i64>,
}

impl Office {
    /// Checks every member and gives the document as the registry stores it.
    pub fn checked(mut self) -> Result<Self, Refusal> {
        check_name("name", &self.name)?;
        self.authority = authority(&self.authority)?.to_pem();
        Ok(self)
    }

    /// The authority, read.
    pub fn authority(&self) -> Result<Certificate, Refusal> {
        authority(&self.authority)
    }
}

impl School {
    /// Checks every member and gives the document as the registry stores it.
    pub fn checked(mut self) -> Result<Self, Refusal> {
        check_name("name", &self.name)?;
        check_name("district", &self.district)?;
        self.batch.check()?;
        if let Some(time) = self.closed_since {
            check_time("closed_since", time)?;
        }
        self.authority = authority(&self.authority)?.to_pem();
        Ok(self)
    }

    /// Refuses a time from which on the school is closed.
    pub fn open_at(&self, time: i64) -> Result<(), Refusal> {
        match self.closed_since {
            Some(closed) if time >= closed => Err(Refusal::new(
                Code::SchoolClosed,
                format!("the school {} is closed at that time", self.id),
            )),
            _ => Ok(()),
        }
    }

    /// The authority, read.
    pub fn authority(&self) -> Result<Certificate, Refusal> {
        authority(&self.authority)
    }

    /// The school after a change.
    pub(crate) fn changed(mut self, change: SchoolChange) -> Result<Self, Refusal> {
        if let Some(closed) = change.closed_since {
            self.closed_since = Some(earlier_end("closed_since", self.closed_since, closed)?);
        }
        self.name = change.name.unwrap_or(self.name);
        self.district = change.district.unwrap_or(self.district);
        self.batch = change.batch.unwrap_or(self.batch);
        self.checked()
    }
}

impl BatchSettings {
    fn check(&self) -> Result<(), Refusal> {
        if (1..=1000).contains(&self.max_entries) && (1..=600_000).contains(&self.max_age_ms) {
            return Ok(());
        }
        Err(Refusal::new(
            Code::ArgumentMalformed,
            "max_entries is 1 to 1000, max_age_ms 1 to 600000 milliseconds",
        ))
    }
}

fn authority(pem: &str) -> Result<Certificate, Refusal> {
    let certificate = Certificate::from_pem(pem)?;
    if certificate.is_authority() {
        return Ok(certificate);
    }
    Err(Refusal::new(
        Code::CertificateUnsupported,
        "the authority's certificate may not issue certificates (CA:TRUE)",
    ))
}
