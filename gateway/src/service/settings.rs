//! The service's settings: each field's text is its reference.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use sillok_contract::{
    batch::{MAX_BODY, MAX_ENTRIES, MAX_WAIT, SKEW},
    id::MspId,
    request::{MAX_QUERIES, MAX_QUERY, MAX_REQUEST},
};
use utoipa::ToSchema;

use super::AuditSettings;
use crate::certificate::FontFiles;

/// Settings of the service and its batcher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What requests and access tokens must name as `aud`: this gateway, by a name its callers know it by.
    pub audience: String,
    /// The offices whose people see everything, by the MSP they are registered under on the ledger.
    #[schema(value_type = Vec<String>)]
    pub offices: Vec<MspId>,
    /// Limits of requests.
    pub requests: RequestSettings,
    /// How the registry is remembered.
    pub standing: StandingSettings,
    /// When batches close and how they are sent.
    pub batches: BatchSettings,
    /// The audit that the gateway makes by itself.
    pub audit: AuditSettings,
    /// What certificates say.
    pub certificates: CertificateSettings,
    /// How objections are watched.
    pub objections: ObjectionSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            audience: "sillok".to_owned(),
            offices: ["OfficeMSP", "SupportMSP"]
                .map(|msp| MspId::new(msp).expect("letters alone are well formed"))
                .into(),
            requests: RequestSettings::default(),
            standing: StandingSettings::default(),
            batches: BatchSettings::default(),
            audit: AuditSettings::default(),
            certificates: CertificateSettings::default(),
            objections: ObjectionSettings::default(),
        }
    }
}

impl Settings {
    /// Refuses what cannot work; names the field, below the service's own section, and says why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        const SECOND: i64 = 1_000_000;
        let ranges = [
            ("requests.max_age_s", self.requests.max_age_s.into(), 1, (MAX_WAIT / SECOND) as u64),
            ("requests.max_ahead_s", self.requests.max_ahead_s.into(), 0, (SKEW / SECOND) as u64),
            ("requests.max_queries", self.requests.max_queries.into(), 1, MAX_QUERIES as u64),
            ("requests.max_jws_bytes", self.requests.max_jws_bytes.into(), 1, MAX_REQUEST as u64),
            ("requests.max_query_bytes", self.requests.max_query_bytes.into(), 1, MAX_QUERY as u64),
            ("standing.ask_ms", self.standing.ask_ms, 1, u64::MAX),
            ("standing.capacity", self.standing.capacity, 1, u64::MAX),
            ("certificates.days", self.certificates.days.into(), 1, 36_525),
            ("batches.count", self.batches.count.into(), 1, MAX_ENTRIES as u64),
            ("batches.max_count", self.batches.max_count.into(), 1, MAX_ENTRIES as u64),
            ("batches.max_bytes", self.batches.max_bytes, 1, MAX_BODY as u64),
            ("batches.poll_ms", self.batches.poll_ms, 1, u64::MAX),
            // Shorter, and one pause of the process would lose the school to another gateway.
            ("batches.lease_ms", self.batches.lease_ms, 100, u64::MAX),
            ("audit.pause_ms", self.audit.pause_ms, 0, 60_000),
            ("batches.retry_min_ms", self.batches.retry_min_ms, 1, self.batches.retry_max_ms),
        ];
        match ranges.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value)) {
            Some((key, _, least, most)) => Err((key, format!("must be {least} to {most}"))),
            None => Ok(()),
        }
    }
}

/// Limits of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RequestSettings {
    /// How old a request's `iat` may be, in seconds.
    pub max_age_s: u32,
    /// How far ahead of this gateway's clock an `iat` may be, in seconds.
    pub max_ahead_s: u32,
    /// How many queries one request may sign for.
    pub max_queries: u32,
    /// The longest compact JWS, in bytes.
    pub max_jws_bytes: u32,
    /// The longest query as sent (learner, statement, parameters and salt), in bytes.
    pub max_query_bytes: u32,
    /// The longest SQL statement, in bytes.
    pub max_statement_bytes: u32,
    /// How many parameters a statement may have.
    pub max_params: u32,
    /// How many entries may be waiting for the ledger before requests are refused with `ledger.backlog`; from half as
    /// many on, some are.
    pub max_unrecorded: u64,
    /// How long the count of waiting entries may be remembered, in milliseconds.
    pub unrecorded_cache_ms: u64,
}

impl RequestSettings {
    /// Between which times a request with this `iat` is taken and executed, in microseconds since the Unix epoch.
    pub(super) fn times(&self, iat: i64) -> RangeInclusive<i64> {
        let at = |seconds: i64| iat.saturating_add(seconds).saturating_mul(1_000_000);
        at(-i64::from(self.max_ahead_s))..=at(i64::from(self.max_age_s))
    }
}

impl Default for RequestSettings {
    fn default() -> Self {
        Self {
            max_age_s: 300,
            max_ahead_s: 60,
            max_queries: 100,
            max_jws_bytes: 16 * 1024,
            max_query_bytes: 64 * 1024,
            max_statement_bytes: 16 * 1024,
            max_params: 200,
            max_unrecorded: 20_000,
            unrecorded_cache_ms: 100,
        }
    }
}

/// How the registry on the ledger is remembered between requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StandingSettings {
    /// After how long a remembered record is read again, in seconds. The ledger's events make changes act at once;
    /// this bounds what a missed event could do.
    pub refresh_s: u32,
    /// After how long something that was not registered is asked for again, in milliseconds.
    pub absent_ms: u32,
    /// While the ledger is away: how old a remembered record may be used, in seconds.
    pub stale_s: u32,
    /// How long the ledger may take to answer, in milliseconds, before it counts as away.
    pub ask_ms: u64,
    /// How many records of each kind are remembered.
    pub capacity: u64,
}

impl Default for StandingSettings {
    fn default() -> Self {
        Self { refresh_s: 60, absent_ms: 1_000, stale_s: 900, ask_ms: 2_000, capacity: 100_000 }
    }
}

/// What certificates say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CertificateSettings {
    /// For how many days a certificate is good.
    pub days: u32,
    /// The gateway's public address, such as `https://sillok.example`: what a certificate names as the place where anybody
    /// may ask for its status, and what its printed form leads to. Without it, it names none.
    pub address: Option<String>,
    /// What they are printed with.
    pub fonts: FontFiles,
}

impl Default for CertificateSettings {
    fn default() -> Self {
        Self { days: 365, address: None, fonts: FontFiles::default() }
    }
}

/// How objections are watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ObjectionSettings {
    /// How often it is looked whether objections are overdue, in seconds; 0 turns it off.
    pub check_s: u64,
}

impl Default for ObjectionSettings {
    fn default() -> Self {
        Self { check_s: 60 }
    }
}

/// When batches close and how they are sent. Schools may have their own count and age on the ledger's registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BatchSettings {
    /// A batch closes when it holds this many entries, where the school's registry record does not say.
    pub count: u32,
    /// A batch closes when its oldest entry is this old, in milliseconds, where the school's record does not say.
    pub age_ms: u32,
    /// The most entries of one batch, also of one that grew while another was in flight.
    pub max_count: u32,
    /// The most bytes of entries in one batch.
    pub max_bytes: u64,
    /// How often the database is asked for other gateways' entries, in milliseconds.
    pub poll_ms: u64,
    /// How long the right to write a school's batches lasts unless renewed, in milliseconds. A dead gateway's
    /// schools are taken over after this.
    pub lease_ms: u64,
    /// The first pause after a failure, in milliseconds; later ones grow.
    pub retry_min_ms: u64,
    /// The longest pause between attempts, in milliseconds.
    pub retry_max_ms: u64,
    /// How long a stopping gateway goes on recording what is waiting, in milliseconds.
    pub drain_ms: u64,
}

impl Default for BatchSettings {
    fn default() -> Self {
        Self {
            count: 40,
            age_ms: 2_000,
            max_count: 1_000,
            max_bytes: 1024 * 1024,
            poll_ms: 500,
            lease_ms: 6_000,
            retry_min_ms: 50,
            retry_max_ms: 5_000,
            drain_ms: 8_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work_and_what_cannot_is_named() {
        assert_eq!(Settings::default().check(), Ok(()));
        let mut settings = Settings::default();
        settings.batches.max_count = 1_001;
        assert_eq!(settings.check(), Err(("batches.max_count", "must be 1 to 1000".to_owned())));
    }
}
