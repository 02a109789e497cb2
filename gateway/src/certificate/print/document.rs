//! What stands on the paper, from its title to how it is verified.

use super::{
    Fonts, Language, PrintError,
    date::{day_in_english, day_in_korean, exact, korean},
    paper::{About, Align, MEASURE, Paper, Type, margin},
    qr::Qr,
    record::{of_person, tables},
    table,
    words::{
        BIRTH_DATE, DIGEST, EXPIRES, HOW, ISSUED, ISSUER, LEARNER, NAME, NO_ROWS, NUMBER, SCHOOL, SIGNER,
        STATEMENT, TITLE, VERIFY, Words,
    },
};
use crate::certificate::{Credential, SignedCredential};

/// How wide the names of fields are.
const NAMES: f32 = 150.0;
const FIELD: Type = Type::of(9.5);
/// The side of the QR code.
const CODE: f32 = 104.0;
const SMALL: Type = Type::of(8.0);

/// What is printed.
pub(super) struct Printed<'a> {
    pub(super) signed: &'a SignedCredential,
    /// Where the paper leads to.
    pub(super) address: &'a str,
    pub(super) language: Language,
}

/// Prints it.
pub(super) fn print(printed: &Printed<'_>, fonts: &Fonts) -> Result<Vec<u8>, PrintError> {
    let qr = Qr::of(printed.address)?;
    let mut paper = Paper::new(fonts)?;
    printed.head(&mut paper);
    for printout in tables(&printed.credential().credential_subject, printed.language) {
        table::write(&mut paper, &printout, &NO_ROWS.line(printed.language));
    }
    printed.signature(&mut paper);
    printed.verification(&mut paper, &qr);
    let foot = format!("{} {}", NUMBER.line(printed.language), printed.credential().id());
    let title = TITLE.line(printed.language);
    paper.finish(&About {
        title: &title,
        author: printed.credential().issuer.name.as_str(),
        language: printed.language.first(),
        made: korean(printed.credential().valid_from),
        foot: &foot,
        id: printed.signed.digest(),
    })
}

impl Printed<'_> {
    fn credential(&self) -> &Credential {
        &self.signed.credential
    }

    fn head(&self, paper: &mut Paper<'_>) {
        let number = format!("{} {}", NUMBER.line(self.language), self.credential().id());
        paper.paragraph(&number, SMALL.gray(), Align::Left);
        paper.feed(12.0);
        for (line, look) in
            TITLE.lines(self.language).iter().zip([Type::of(25.0).bold(), Type::of(12.0).gray()])
        {
            paper.paragraph(line, look, Align::Center);
        }
        paper.feed(16.0);
        self.fields(paper, &self.about());
        paper.feed(14.0);
        for (line, look) in STATEMENT.lines(self.language).iter().zip([Type::of(11.0), Type::of(9.0).gray()])
        {
            paper.paragraph(line, look, Align::Left);
            paper.feed(3.0);
        }
        paper.feed(12.0);
    }

    /// Whose record it is, who certifies it, and for how long.
    fn about(&self) -> Vec<(Words, String)> {
        let credential = self.credential();
        let record = &credential.credential_subject.record;
        let mut schools: Vec<&str> = Vec::new();
        for school in credential.evidence.iter().map(|evidence| evidence.school.as_str()) {
            if !schools.contains(&school) {
                schools.push(school);
            }
        }
        let person = [(NAME, of_person(record, "name")), (BIRTH_DATE, of_person(record, "birth_date"))];
        let person = person.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned())));
        let others = [
            (LEARNER, credential.credential_subject.learner.to_string()),
            (SCHOOL, schools.join(", ")),
            (ISSUER, credential.issuer.name.to_string()),
            (ISSUED, exact(credential.valid_from)),
            (EXPIRES, exact(credential.valid_until)),
        ];
        person.chain(others).collect()
    }

    fn fields(&self, paper: &mut Paper<'_>, fields: &[(Words, String)]) {
        let pad = 6.0;
        for (name, value) in fields {
            let lines = paper.wrap(value, FIELD, MEASURE - NAMES - 2.0 * pad);
            let height = lines.len() as f32 * FIELD.line() + pad;
            paper.need(height);
            let (x, top) = (margin(), paper.y());
            paper.fill([x, top, NAMES, height], 0.94);
            let name = name.line(self.language);
            paper.write(&name, FIELD.bold(), [x + pad, top + pad / 2.0, NAMES], Align::Left);
            for (number, line) in lines.iter().enumerate() {
                let y = top + pad / 2.0 + number as f32 * FIELD.line();
                paper.write(line, FIELD, [x + NAMES + pad, y, MEASURE], Align::Left);
            }
            paper.rule([x, top], [x + MEASURE, top], 0.4);
            paper.rule([x, top + height], [x + MEASURE, top + height], 0.4);
            paper.feed(height);
        }
    }

    /// When and by whom, as a letter ends.
    fn signature(&self, paper: &mut Paper<'_>) {
        let issued = self.credential().valid_from;
        let (day, office) = (Type::of(11.0), Type::of(17.0).bold());
        paper.need(3.0 * day.line() + office.line() + 24.0);
        paper.feed(8.0);
        if self.language != Language::En {
            paper.paragraph(&day_in_korean(issued), day, Align::Center);
        }
        if self.language != Language::Ko {
            paper.paragraph(&day_in_english(issued), Type::of(9.5).gray(), Align::Center);
        }
        paper.feed(6.0);
        paper.paragraph(self.credential().issuer.name.as_str(), office, Align::Center);
        paper.feed(12.0);
    }

    /// The QR code, and beside it how to verify, with what.
    fn verification(&self, paper: &mut Paper<'_>, qr: &Qr) {
        let (gap, pad) = (14.0, 10.0);
        let width = MEASURE - CODE - gap - 2.0 * pad;
        let lines = self.explained(paper, width);
        let text: f32 = lines.iter().map(|(_, look)| look.line()).sum();
        let height = text.max(CODE) + 2.0 * pad;
        paper.need(height);
        let (x, top) = (margin(), paper.y());
        for (from, to) in corners(x, top, MEASURE, height) {
            paper.rule(from, to, 0.8);
        }
        qr.draw(paper, x + pad, top + pad, CODE);
        paper.link([x + pad, top + pad, CODE, CODE], self.address);
        let mut y = top + pad;
        for (line, look) in lines {
            paper.write(&line, look, [x + pad + CODE + gap, y, width], Align::Left);
            y += look.line();
        }
        paper.feed(height);
    }

    fn explained(&self, paper: &Paper<'_>, width: f32) -> Vec<(String, Type)> {
        let (title, exact) = (Type::of(10.0).bold(), Type::of(7.0));
        let signer = hex::encode(self.signed.officer.thumbprint());
        let digest = hex::encode(self.signed.digest());
        let mut lines = vec![(VERIFY.line(self.language), title)];
        let mut add = |text: &str, look: Type| {
            lines.extend(paper.wrap(text, look, width).into_iter().map(|line| (line, look)));
        };
        for (text, look) in HOW.lines(self.language).into_iter().zip([SMALL, SMALL.gray()]) {
            add(text, look);
        }
        add(self.address, exact);
        let id = self.credential().id().to_string();
        for (name, value) in [(NUMBER, id), (DIGEST, digest), (SIGNER, signer)] {
            add(&name.line(self.language), exact.bold());
            add(&value, exact);
        }
        lines
    }
}

/// The sides of a box.
fn corners(x: f32, y: f32, width: f32, height: f32) -> [([f32; 2], [f32; 2]); 4] {
    let [a, b, c, d] = [[x, y], [x + width, y], [x + width, y + height], [x, y + height]];
    [(a, b), (b, c), (c, d), (d, a)]
}
