//! Certificates on paper: printed for those who may have the file, and looked up by whoever holds one.

use crate::{
    certificate::{CertificateFile, CertificateId, Fonts, Glance, Language, PrintError, print},
    problem::{Kind, Problem},
    service::{Caller, Core, problems},
};

impl Core {
    /// A certificate as it is printed: a PDF. For its learner and the offices.
    pub(in crate::service) async fn printed_certificate(
        &self,
        caller: &Caller,
        id: CertificateId,
        language: Language,
    ) -> Result<Vec<u8>, Problem> {
        let file = self.certificate_file(caller, id).await?;
        let fonts = self.settings.certificates.fonts.clone();
        let printed = tokio::task::spawn_blocking(move || {
            let file = CertificateFile::parse(file.as_bytes())?;
            print(&file, &Fonts::read(&fonts)?, language)
        });
        printed.await.map_err(|error| problems::internal(&error))?.map_err(of_print)
    }

    /// What both offices say now of the certificate with this id and digest.
    pub(in crate::service) async fn certificate_at_a_glance(
        &self,
        id: CertificateId,
        digest: [u8; 32],
    ) -> Result<Glance, Problem> {
        let roots = self.office_roots().await?;
        Ok(Glance::of(id, digest, &self.asked(id).await?, &roots))
    }
}

/// Where the gateway's files are is for its operator alone.
fn of_print(error: PrintError) -> Problem {
    let kind = match &error {
        PrintError::FontMissing { .. } | PrintError::Font(_) => {
            tracing::error!(%error, "a certificate cannot be printed");
            let detail = "this gateway has no fonts to print with; its operator finds in its log what to install, and \
                          `sillok certificate print` prints the certificate's file on a machine that has them";
            return Problem::new(Kind::Unavailable, error.code(), detail);
        }
        PrintError::NotCountersigned | PrintError::NoAddress | PrintError::Address => Kind::Conflict,
        PrintError::Certificate(_) => return problems::internal(&error),
    };
    Problem::new(kind, error.code(), error.to_string())
}
