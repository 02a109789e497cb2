//! Where anybody may ask about a certificate, at a gateway that has a public address.

use super::{CertificateId, Credential};

/// What the page about a certificate is told, besides its id.
const DIGEST: &str = "digest";

/// The address at which a gateway tells the status.
pub fn status(gateway: &str, id: CertificateId) -> String {
    format!("{}{}", gateway.trim_end_matches('/'), path(id, "status"))
}

/// The address of the page that tells people whether the certificate with this digest is in force; none where the
/// credential names no gateway of its office.
pub(super) fn page(credential: &Credential, digest: &[u8; 32]) -> Option<String> {
    let id = credential.id();
    let gateway = credential.credential_status.id.as_deref()?.strip_suffix(&path(id, "status"))?;
    Some(format!("{gateway}{}?{DIGEST}={}", path(id, "page"), hex::encode(digest)))
}

fn path(id: CertificateId, what: &str) -> String {
    format!("/v1/certificates/{id}/{what}")
}
