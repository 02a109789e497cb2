//! What educators and officers have in common: a certificate that is good during some time.

use super::{check_time, earlier_end};
use crate::{
    Code, Refusal,
    certificate::{Certificate, Curve},
};

/// From when until when somebody stands.
pub(super) struct Term {
    pub(super) from: i64,
    pub(super) until: Option<i64>,
    pub(super) revoked_since: Option<i64>,
}

/// The codes under which somebody is refused who does not stand.
pub(super) struct TermCodes {
    pub(super) not_yet: Code,
    pub(super) no_longer: Code,
    pub(super) revoked: Code,
}

impl Term {
    /// Refuses times that are none, and an end before the beginning.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        check_time("from", self.from)?;
        for (what, end) in [("until", self.until), ("revoked_since", self.revoked_since)] {
            end.map_or(Ok(()), |time| check_time(what, time))?;
        }
        match self.until {
            Some(until) if until <= self.from => {
                Err(Refusal::new(Code::ArgumentMalformed, "until is later than from"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a time before `from`, from `until` on, and from `revoked_since` on.
    pub(super) fn holds_at(&self, time: i64, who: &str, codes: &TermCodes) -> Result<(), Refusal> {
        let refuse = |code, what| Err(Refusal::new(code, format!("{who} {what} at that time")));
        if self.revoked_since.is_some_and(|revoked| time >= revoked) {
            return refuse(codes.revoked, "is revoked");
        }
        if time < self.from {
            return refuse(codes.not_yet, "has not begun");
        }
        if self.until.is_some_and(|until| time >= until) {
            return refuse(codes.no_longer, "has left");
        }
        Ok(())
    }

    /// From when on it is revoked if `since` is asked for; never later than before.
    pub(super) fn revoked(&self, since: i64) -> Result<i64, Refusal> {
        check_time("since", since)?;
        earlier_end("revoked_since", self.revoked_since, since)
    }
}

/// The certificate of somebody who signs, and its thumbprint in hexadecimal digits, which must be the one given if one
/// is. `who` is such as `an educator`.
pub(super) fn signer(who: &str, pem: &str, thumbprint: &str) -> Result<(Certificate, String), Refusal> {
    let certificate = Certificate::from_pem(pem)?;
    if certificate.public_key().curve != Curve::P256 {
        return Err(Refusal::new(Code::CertificateUnsupported, format!("{who}'s key is a P-256 key")));
    }
    if certificate.is_authority() || !certificate.is_signer() {
        return Err(Refusal::new(
            Code::CertificateUnsupported,
            format!("{who}'s certificate is one for digital signatures, not an authority's"),
        ));
    }
    let derived = hex::encode(certificate.thumbprint());
    if !thumbprint.is_empty() && thumbprint != derived {
        return Err(Refusal::new(
            Code::ArgumentMalformed,
            format!("the thumbprint is not the certificate's, {derived}; leave it out"),
        ));
    }
    Ok((certificate, derived))
}
