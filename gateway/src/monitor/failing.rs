//! Failed verifications, by signer and by source.

use super::{
    Limit, SignatureVerified,
    alert::{FAILING, Raised, by_kind, span},
    kept::Kept,
    settings::{FailingSettings, Settings},
    window::{Mark, Window},
};
use crate::records::NewAlert;

/// See [`FailingSettings`].
pub(super) struct Failing {
    signer: Limit,
    source: Limit,
    signers: Kept<Window>,
    sources: Kept<Window>,
}

impl Failing {
    pub(super) fn new(settings: &Settings) -> Self {
        let FailingSettings { window_s, signer, source } = settings.failing;
        let limit = |most| settings.limit(window_s, most);
        Self {
            signer: limit(signer),
            source: limit(source),
            signers: Kept::new(settings.remembered),
            sources: Kept::new(settings.remembered),
        }
    }

    pub(super) fn see(&mut self, event: &str, verified: &SignatureVerified, now: i64) -> Vec<NewAlert> {
        let Some(failure) = &verified.failure else { return Vec::new() };
        let mark = Mark { at: verified.received_at.min(now), weight: 1, event, note: &failure.code };
        let SignatureVerified { signer, source, .. } = verified;
        let by_signer = self.signers.of(signer).count(mark, self.signer).map(|sum| {
            let detail = format!(
                "{} signatures in the name of {signer} did not verify within {} ({})",
                sum.count,
                span(self.signer.span),
                by_kind(&sum)
            );
            let about = [("signer", signer.as_str())];
            let raised = Raised { kind: FAILING, about: &about, matter: "signer", rows: 0, detail };
            raised.resting_on(sum, self.signer)
        });
        let by_source = self.sources.of(source).count(mark, self.source).map(|sum| {
            let detail = format!(
                "{} signatures that {source} handed in did not verify within {} ({})",
                sum.count,
                span(self.source.span),
                by_kind(&sum)
            );
            let about = [("source", source.as_str())];
            let raised = Raised { kind: FAILING, about: &about, matter: "source", rows: 0, detail };
            raised.resting_on(sum, self.source)
        });
        by_signer.into_iter().chain(by_source).collect()
    }
}
