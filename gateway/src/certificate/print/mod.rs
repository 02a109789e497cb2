//! The printed form of a certificate: a PDF for people, in Korean and English. The paper proves nothing by itself; its QR
//! code leads to the page at which both offices say whether the certificate of this number and digest is in force.
//!
//! A certificate has one printed form: the same file makes the same bytes, with the same fonts.

mod date;
mod document;
mod error;
mod face;
mod paper;
mod qr;
mod record;
mod table;
mod words;

#[cfg(test)]
mod tests;

use std::{fs, path::PathBuf};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use error::PrintError;
pub use words::Language;

use super::{CertificateFile, address};
use document::Printed;

/// The fonts that certificates are printed in: TrueType, with the letters of the record's languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FontFiles {
    /// The font of the text. The default is that of Debian's package fonts-nanum.
    #[schema(value_type = String)]
    pub regular: PathBuf,
    /// The font of titles and names.
    #[schema(value_type = String)]
    pub bold: PathBuf,
}

impl Default for FontFiles {
    fn default() -> Self {
        let nanum = |name: &str| PathBuf::from("/usr/share/fonts/truetype/nanum").join(name);
        Self { regular: nanum("NanumMyeongjo.ttf"), bold: nanum("NanumMyeongjoBold.ttf") }
    }
}

/// Fonts, read.
#[derive(Clone)]
pub struct Fonts {
    regular: Vec<u8>,
    bold: Vec<u8>,
}

impl Fonts {
    /// Reads them from their files.
    pub fn read(files: &FontFiles) -> Result<Self, PrintError> {
        let read = |path: &PathBuf| {
            fs::read(path).map_err(|error| PrintError::FontMissing { path: path.clone(), error })
        };
        Ok(Self { regular: read(&files.regular)?, bold: read(&files.bold)? })
    }
}

/// Prints a certificate: a PDF. It must be countersigned, and name the public address of its office. That its officer
/// signed it is checked; whether it is true, and in force, its verdict tells.
pub fn print(file: &CertificateFile, fonts: &Fonts, language: Language) -> Result<Vec<u8>, PrintError> {
    let signed = file.read()?;
    signed.check_signature()?;
    if file.countersigned.is_none() {
        return Err(PrintError::NotCountersigned);
    }
    let address = address::page(&signed.credential, &signed.digest()).ok_or(PrintError::NoAddress)?;
    document::print(&Printed { signed: &signed, address: &address, language }, fonts)
}
