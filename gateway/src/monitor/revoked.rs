//! A revoked key, used.

use super::{
    Limit, SignatureVerified,
    alert::{REVOKED, Raised},
    kept::Kept,
    settings::Settings,
    window::{Mark, Window},
};
use crate::records::NewAlert;

/// See [`super::RevokedSettings`].
pub(super) struct Revoked {
    limit: Limit,
    certificates: Kept<Window>,
}

impl Revoked {
    pub(super) fn new(settings: &Settings) -> Self {
        let window_s = settings.revoked.window_s;
        let limit = settings.limit(window_s, u64::from(window_s > 0));
        Self { limit, certificates: Kept::new(settings.remembered) }
    }

    /// What was handed in before the revocation stands, whenever it is verified. What was handed in after it is told also
    /// where it says that it was signed before: that is what a thief would say.
    pub(super) fn see(&mut self, event: &str, verified: &SignatureVerified, now: i64) -> Option<NewAlert> {
        let SignatureVerified { signer, certificate, source, signed_at, received_at, .. } = verified;
        let since = verified.revoked_since.filter(|since| since <= received_at)?;
        let mark = Mark { at: (*received_at).min(now), weight: 1, event, note: "" };
        let sum = self.certificates.of(certificate).count(mark, self.limit)?;
        let said = if *signed_at < since { "; by its own word it was signed before that" } else { "" };
        let detail = format!(
            "{source} handed in a signature of {signer} under the certificate {certificate}, which was revoked before{said}"
        );
        let about = [("signer", signer.as_str()), ("certificate", certificate.as_str())];
        let raised = Raised { kind: REVOKED, about: &about, matter: "", rows: 0, detail };
        Some(raised.resting_on(sum, self.limit))
    }
}
