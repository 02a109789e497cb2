//! The words that are printed, in both languages.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// In which language a certificate is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Korean.
    Ko,
    /// English.
    En,
    /// Both.
    #[default]
    Both,
}

impl Language {
    const ALL: [Self; 3] = [Self::Ko, Self::En, Self::Both];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ko => "ko",
            Self::En => "en",
            Self::Both => "both",
        }
    }

    /// The language that a program that reads the document aloud begins with.
    pub(super) fn first(self) -> &'static str {
        if self == Self::En { "en" } else { "ko" }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Language {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|language| language.as_str() == text);
        found.ok_or("a certificate is printed in ko, en or both")
    }
}

/// A text in both languages.
#[derive(Clone, Copy)]
pub(super) struct Words {
    pub(super) ko: &'static str,
    pub(super) en: &'static str,
}

/// A text in both languages.
pub(super) const fn words(ko: &'static str, en: &'static str) -> Words {
    Words { ko, en }
}

impl Words {
    /// In the languages that are wanted, a line each.
    pub(super) fn lines(self, language: Language) -> Vec<&'static str> {
        match language {
            Language::Ko => vec![self.ko],
            Language::En => vec![self.en],
            Language::Both => vec![self.ko, self.en],
        }
    }

    /// The same in one line.
    pub(super) fn line(self, language: Language) -> String {
        self.lines(language).join(" / ")
    }
}

pub(super) const TITLE: Words = words("학교생활기록 증명서", "Certificate of School Record");
pub(super) const NUMBER: Words = words("증명서 번호", "Certificate no.");
pub(super) const NAME: Words = words("성명", "Name");
pub(super) const BIRTH_DATE: Words = words("생년월일", "Date of birth");
pub(super) const LEARNER: Words = words("학습자 번호", "Learner's id");
pub(super) const SCHOOL: Words = words("기록한 학교", "Recorded by school");
pub(super) const ISSUER: Words = words("발급 기관", "Issued by");
pub(super) const ISSUED: Words = words("발급 일시", "Issued at");
pub(super) const EXPIRES: Words = words("유효 기한", "Good until");
pub(super) const DIGEST: Words = words("디지털 지문 (SHA-256)", "Digest (SHA-256)");
pub(super) const SIGNER: Words = words("서명자 인증서 (SHA-256)", "Signer's certificate (SHA-256)");
pub(super) const VERIFY: Words = words("진위 확인", "Verification");
pub(super) const NO_ROWS: Words = words("기록 없음", "no rows");
pub(super) const YES: Words = words("예", "yes");
pub(super) const NO: Words = words("아니요", "no");

pub(super) const STATEMENT: Words = words(
    "위 학습자의 학교생활기록이 아래와 같음을 증명합니다. 이 증명서는 원장과 학교생활기록 데이터베이스의 내용이 서로 \
     일치함을 확인한 뒤, 발급 기관과 학습자가 함께 전자서명하여 발급하였습니다.",
    "This is to certify that the school record of the learner named above is as set out below. It was issued after the \
     ledger and the records database were found to agree, and was signed electronically by the office and by the learner.",
);
pub(super) const HOW: Words = words(
    "QR 코드를 스캔하거나 아래 주소를 열면 이 증명서가 지금 유효한지 두 기관의 원장에서 확인합니다. 화면의 증명서 번호와 \
     디지털 지문이 이 종이와 같아야 하며, 확인되지 않으면 유효한 것으로 보지 마십시오. 기재 내용은 소지자에게 증명서 파일을 \
     받아 「sillok certificate verify」로 검증합니다.",
    "Scan the QR code or open the address: both offices are asked whether this certificate is in force. Number and digest \
     must be those of this paper; what cannot be verified must not be taken for valid. To check what it says, ask its \
     holder for the certificate's file and run “sillok certificate verify”.",
);
