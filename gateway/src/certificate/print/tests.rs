//! Papers, read back by other programs: their text by `pdftotext`, their QR code by `zbarimg`.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{path::Path, process::Command};

use serde_json::{Value, json};
use sillok_contract::id::{LearnerId, MspId};

use super::*;
use crate::{
    certificate::{
        CertificateFile, CertificateId, Countersigned, Credential, Issuer, Parts, Record, Second,
        SignedCredential, status_address,
    },
    keys::{Authority, PrivateKey, Validity},
    ledger::{Engine, Receipt},
    proof::Proofs,
};

const NOW: i64 = 1_790_000_000_000_000;
const GATEWAY: &str = "https://sillok.example";

/// A certificate of this record, signed by an officer. What the ledger would say is left out: paper does not tell it.
fn certificate(record: &Value, gateway: Option<&str>) -> (CertificateId, CertificateFile) {
    let authority = Authority::generate("Office CA", "Office", Validity::days(NOW, 3650)).unwrap();
    let officer = authority.issue("han", "client", Validity::days(NOW, 365)).unwrap();
    let id = CertificateId::draw().unwrap();
    let credential = Credential::new(Parts {
        id,
        issuer: Issuer::new(MspId::new("OfficeMSP").unwrap(), authority.certificate()),
        valid: (Second::of(NOW), Second::of(NOW + 365 * 86_400_000_000)),
        learner: LearnerId::new("L1.north").unwrap(),
        wallet: *PrivateKey::generate().unwrap().public_key(),
        salt: [7; 16],
        record: serde_json::from_value::<Record>(record.clone()).unwrap(),
        evidence: Vec::new(),
        status_address: gateway.map(|gateway| status_address(gateway, id)),
    });
    let credential = SignedCredential::sign(&credential, &officer.certificate, &officer.key).unwrap();
    let receipt = Receipt {
        engine: Engine::Embedded,
        transaction: "t".into(),
        block: 1,
        payload: Vec::new(),
        endorsements: Vec::new(),
    };
    let countersigned = Some(Countersigned { act: "x".into(), receipt: receipt.clone() });
    (id, CertificateFile { credential, proofs: Proofs::default(), issued: receipt, countersigned })
}

fn school_record() -> Value {
    let learner = "L1.north";
    let grades: Vec<_> = (1..=90)
        .map(|number| {
            json!({"learner": learner, "year": 2026, "term": number % 2 + 1, "subject": format!("과목{number}"),
                "score": 100 - number, "achievement": "A", "credits": 3, "confirmed": number % 2 == 0,
                "graded_on": "2026-07-15"})
        })
        .collect();
    let long: Vec<_> = (1..=600).map(|number| format!("문장{number}입니다.")).collect();
    json!({
        "learner": [{"learner": learner, "name": "남궁민서", "birth_date": "2010-03-02", "sex": "F",
            "address": "서울특별시 중구 세종대로 110", "admitted_on": "2026-03-02"}],
        "grades": grades,
        "notes": [{"learner": learner, "year": 2026, "area": "행동특성", "number": 1, "content": long.join(" "),
            "written_at": "2026-12-20T01:02:03Z"}],
        "club": [{"learner": learner, "title": "\u{1112}\u{1161}\u{11ab}글 동아리 🎈", "hours": 34, "left": null}],
    })
}

/// What another program makes of a file; none, if it is not there.
fn read_by(program: &str, arguments: &[&str], directory: &Path) -> Option<String> {
    let output = Command::new(program).args(arguments).current_dir(directory).output();
    let Ok(output) = output else {
        eprintln!("skipped: there is no {program} (Debian: poppler-utils, zbar-tools)");
        return None;
    };
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(program != "pdftotext" || told.is_empty(), "pdftotext finds fault with it: {told}");
    Some(String::from_utf8(output.stdout).unwrap())
}

fn fonts() -> Option<Fonts> {
    let fonts = Fonts::read(&FontFiles::default());
    fonts.inspect_err(|error| eprintln!("skipped: {error}")).ok()
}

#[test]
fn all_that_is_certified_stands_on_the_paper_and_its_code_leads_to_its_page() {
    let Some(fonts) = fonts() else { return };
    let (id, file) = certificate(&school_record(), Some(GATEWAY));
    let pdf = print(&file, &fonts, Language::Both).unwrap();
    assert!(pdf.len() < 300_000, "only what is used of the fonts is in it: {}", pdf.len());
    assert_eq!(print(&file, &fonts, Language::Both).unwrap(), pdf, "a certificate has one printed form");
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("x.pdf"), &pdf).unwrap();
    let Some(text) = read_by("pdftotext", &["-layout", "x.pdf", "-"], directory.path()) else { return };

    let digest = hex::encode(file.read().unwrap().digest());
    let told = [
        "학교생활기록 증명서",
        "Certificate of School Record",
        "남궁민서",
        "2010-03-02",
        "L1.north",
        "OfficeMSP",
        "2026-09-21 23:13:20",
        "2027-09-21 23:13:20",
        "서울특별시 중구 세종대로 110",
        "한글 동아리 [U+1F388]",
        "진위 확인",
        "sillok certificate verify",
    ];
    for told in told {
        assert!(text.contains(told), "{told} is missing from:\n{text}");
    }
    assert!(text.contains(&id.to_string()));
    let together: String = text.split_whitespace().collect();
    assert!(together.contains(&digest));
    for number in 1..=90 {
        let row = format!("과목{number} ");
        let line =
            text.lines().find(|line| line.contains(&row)).unwrap_or_else(|| panic!("{row} is missing"));
        assert!(line.contains(&format!(" {} ", 100 - number)), "{line}");
    }
    for number in 1..=600 {
        assert!(together.contains(&format!("문장{number}입니다.")), "sentence {number} is missing");
    }
    let sheets: Vec<_> = text.split('\u{c}').filter(|sheet| !sheet.trim().is_empty()).collect();
    assert!(sheets.len() > 4, "{} sheets", sheets.len());
    for (number, sheet) in (1..).zip(&sheets) {
        let numbered = format!("{number}/{}", sheets.len());
        assert!(sheet.replace(' ', "").contains(&numbered), "{numbered}: {sheet}");
        assert!(sheet.contains(&id.to_string()), "each sheet says of which certificate it is");
        assert!(number == sheets.len() || sheet.lines().count() > 30, "it is full: {sheet}");
        if sheet.contains("과목") {
            assert!(sheet.contains("성취도"), "the headings stand on each sheet: {sheet}");
        }
    }

    let last = sheets.len().to_string();
    let Some(_) = read_by(
        "pdftoppm",
        &["-r", "110", "-f", &last, "-png", "-singlefile", "x.pdf", "x"],
        directory.path(),
    ) else {
        return;
    };
    let Some(code) = read_by("zbarimg", &["--quiet", "--raw", "x.png"], directory.path()) else { return };
    assert_eq!(code.trim(), format!("{GATEWAY}/v1/certificates/{id}/page?digest={digest}"));
}

#[test]
fn one_language_alone_is_printed_if_one_is_wanted() {
    let Some(fonts) = fonts() else { return };
    let (_, file) = certificate(&school_record(), Some(GATEWAY));
    let directory = tempfile::tempdir().unwrap();
    for (language, there, absent) in
        [(Language::Ko, "교과학습발달상황", "Academic"), (Language::En, "Academic", "교과학습발달상황")]
    {
        std::fs::write(directory.path().join("x.pdf"), print(&file, &fonts, language).unwrap()).unwrap();
        let Some(text) = read_by("pdftotext", &["x.pdf", "-"], directory.path()) else { return };
        assert!(text.contains(there) && !text.contains(absent), "{language}: {text}");
    }
}

#[test]
fn what_cannot_be_printed_is_refused_by_name() {
    let (_, file) = certificate(&school_record(), Some(GATEWAY));
    let nowhere = FontFiles { regular: "nowhere.ttf".into(), ..FontFiles::default() };
    let refused = Fonts::read(&nowhere).err().unwrap();
    assert_eq!(refused.code(), "print.font_missing");
    assert!(refused.to_string().contains("fonts-nanum"), "{refused}");
    let none = Fonts { regular: b"no font".to_vec(), bold: Vec::new() };
    let code = |file: &CertificateFile| print(file, &none, Language::Ko).unwrap_err().code();
    assert_eq!(code(&file), "print.font");
    assert_eq!(
        code(&CertificateFile { countersigned: None, ..file.clone() }),
        "certificate.not_countersigned"
    );
    assert_eq!(code(&certificate(&school_record(), None).1), "print.no_address");
    let (signed, _) = file.credential.rsplit_once('.').unwrap();
    let foreign = certificate(&school_record(), Some(GATEWAY)).1;
    let (_, signature) = foreign.credential.rsplit_once('.').unwrap();
    let forged = CertificateFile { credential: format!("{signed}.{signature}"), ..file.clone() };
    assert_eq!(code(&forged), "certificate.signature");
}
