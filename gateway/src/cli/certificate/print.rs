//! `sillok certificate print`

use std::path::PathBuf;

use clap::Args;

use super::file;
use crate::{
    certificate::{self, CertificateFile, FontFiles, Fonts, Language, PrintError},
    cli::{Exit, Failure, Program, private_file},
};

/// Prints a certificate: a PDF with a QR code, by which whoever holds the paper asks whether it is in force.
///
/// Nobody is asked and no socket is opened. Whether what is printed is true, `sillok certificate verify` tells of the file.
/// The fonts are those of Debian's package fonts-nanum, if no others are named.
///
/// Example: sillok certificate print certificate.json --out certificate.pdf --language ko
#[derive(Debug, Args)]
pub(super) struct Print {
    /// The certificate's file.
    file: PathBuf,
    /// Keeps the PDF under this name.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// ko, en or both.
    #[arg(long, value_name = "LANGUAGE", default_value_t)]
    language: Language,
    /// A TrueType font for the text.
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
    /// One for titles and names.
    #[arg(long, value_name = "FILE")]
    bold_font: Option<PathBuf>,
}

impl Print {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        let file = CertificateFile::parse(&file::read(&self.file)?)?;
        let usual = FontFiles::default();
        let files = FontFiles {
            regular: self.font.unwrap_or(usual.regular),
            bold: self.bold_font.unwrap_or(usual.bold),
        };
        let pdf = certificate::print(&file, &Fonts::read(&files)?, self.language)?;
        private_file::write(&self.out, &pdf)?;
        let told = serde_json::json!({ "pdf": self.out, "bytes": pdf.len() });
        program.output.result(&told, |_| format!("printed to {}", self.out.display()));
        Ok(())
    }
}

impl From<PrintError> for Failure {
    fn from(error: PrintError) -> Self {
        let exit = match &error {
            PrintError::FontMissing { .. } | PrintError::Font(_) => Exit::Usage,
            PrintError::NotCountersigned => Exit::NotInForce,
            PrintError::NoAddress | PrintError::Address | PrintError::Certificate(_) => Exit::Unverified,
        };
        Self::new(exit, error.code(), error.to_string())
    }
}
