//! Alerts that the database is not what the ledger says, gathered.

use super::{
    Limit,
    alert::{DRIFT, KINDS, Raised, by_kind, span},
    settings::Settings,
    window::{Mark, Window},
};
use crate::records::{Alert, NewAlert};

/// See [`super::DriftSettings`].
pub(super) struct Drift {
    limit: Limit,
    alerts: Window,
}

impl Drift {
    pub(super) fn new(settings: &Settings) -> Self {
        let limit = settings.limit(settings.drift.window_s, settings.drift.alerts);
        Self { limit, alerts: Window::default() }
    }

    /// The monitor's own alerts are about other things, and would feed on themselves.
    pub(super) fn see(&mut self, event: &str, alert: &Alert, now: i64) -> Option<NewAlert> {
        let kind = alert.finding.kind.as_str();
        if KINDS.contains(&kind) {
            return None;
        }
        let mark = Mark { at: alert.seen_at.min(now), weight: 1, event, note: kind };
        let sum = self.alerts.count(mark, self.limit)?;
        let detail = format!(
            "{} alerts within {} say that the database is not what the ledger says ({})",
            sum.count,
            span(self.limit.span),
            by_kind(&sum)
        );
        let raised = Raised { kind: DRIFT, about: &[], matter: "", rows: 0, detail };
        Some(raised.resting_on(sum, self.limit))
    }
}
