//! What is kept of a certificate beside its state, which stands on the ledger.

use sillok_contract::id::LearnerId;

use crate::certificate::CertificateId;

/// A certificate that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCertificate {
    /// Its id.
    pub id: CertificateId,
    /// Whose record.
    pub learner: LearnerId,
    /// When it was asked for, microseconds since the Unix epoch.
    pub asked_at: i64,
    /// Whether database and ledger agreed then.
    pub agrees: bool,
    /// What came of comparing them: the signed report.
    pub report: String,
    /// The certificate's file, once it is issued.
    pub file: Option<Vec<u8>>,
}

/// The columns of a [`StoredCertificate`].
pub(super) const CERTIFICATE: &str = "id, learner, asked_at, agrees, report, file";
