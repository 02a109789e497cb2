//! Certificates that are trusted, from files.

use std::path::Path;

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// The certificates of a PEM file, of which there has to be one. What is wrong names the file.
pub(crate) fn roots(file: &Path) -> Result<RootCertStore, String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| named(&error))? {
        roots.add(certificate.map_err(|error| named(&error))?).map_err(|error| named(&error))?;
    }
    match roots.is_empty() {
        true => Err(named(&"it holds no certificate")),
        false => Ok(roots),
    }
}
