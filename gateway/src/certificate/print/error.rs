//! Why a certificate cannot be printed.

use std::{io, path::PathBuf};

use crate::certificate::CertificateError;

/// Why a certificate cannot be printed.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// A font is not there.
    #[error(
        "the font {} cannot be read: {error}; install Debian's package fonts-nanum, or name another TrueType font",
        path.display()
    )]
    FontMissing {
        /// Its file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A font cannot be used.
    #[error(
        "a font cannot be embedded: {0}; name a TrueType font, such as those of Debian's package fonts-nanum"
    )]
    Font(String),
    /// It is not complete.
    #[error("the learner has not countersigned the certificate; only then it is printed")]
    NotCountersigned,
    /// Nothing could lead from the paper to the certificate.
    #[error(
        "the certificate names no public address at which its paper could be verified; the office sets \
         service.certificates.address before it issues"
    )]
    NoAddress,
    /// The address is none that a QR code holds.
    #[error("the certificate's public address is too long for a QR code")]
    Address,
    /// It is no certificate, or not its officer's.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl PrintError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::FontMissing { .. } => "print.font_missing",
            Self::Font(_) => "print.font",
            Self::NotCountersigned => "certificate.not_countersigned",
            Self::NoAddress => "print.no_address",
            Self::Address => "print.address",
            Self::Certificate(error) => error.code(),
        }
    }
}
