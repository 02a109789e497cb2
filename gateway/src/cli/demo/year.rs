//! A school year as educators would send it: class by class, term by term, each lesson one signed request.

use serde_json::{Value, json};

use super::pupils::Pupil;
use crate::keys::Asked;

/// How many learners are in one class, and so under one signature.
const CLASS: usize = 30;

/// The year that the records are of.
const YEAR: u16 = 2026;

/// What is sent under one signature.
pub(super) struct Lesson {
    /// What it is, for people.
    pub(super) what: &'static str,
    pub(super) queries: Vec<Asked>,
}

/// The learners, class by class.
pub(super) fn classes(pupils: &[Pupil]) -> impl ExactSizeIterator<Item = &[Pupil]> {
    pupils.chunks(CLASS)
}

/// A class's year: enrolment, three terms of grades and their confirmation, absences, and reads in between.
pub(super) fn of_class(school: &str, number: usize, class: &[Pupil]) -> Vec<Lesson> {
    let lesson = |what, ask: &dyn Fn(usize, &Pupil) -> Asked| Lesson {
        what,
        queries: class.iter().enumerate().map(|(seat, pupil)| ask(seat + 1, pupil)).collect(),
    };
    let mut year = vec![
        lesson("who they are", &|_, pupil| person(pupil)),
        lesson("enrolment", &|seat, pupil| enrolment(school, number, seat, pupil)),
        lesson("absences, opened", &|_, pupil| attendance(pupil)),
    ];
    for term in 1..=3 {
        year.push(lesson("grades of a term", &|_, pupil| grade(pupil, term)));
        year.push(lesson("reports read", &|_, pupil| report(pupil, term)));
    }
    year.push(lesson("grades confirmed", &|_, pupil| confirmation(pupil)));
    year.push(lesson("absences of the year", &|_, pupil| absences(pupil)));
    year
}

fn person(pupil: &Pupil) -> Asked {
    let born = format!("{}-03-02", YEAR - pupil.age);
    ask(
        pupil,
        "INSERT INTO learner (name, sex, birth_date) VALUES ($1, $2, $3)",
        vec![json!(pupil.name), json!(pupil.sex), json!(born)],
    )
}

fn enrolment(school: &str, class: usize, seat: usize, pupil: &Pupil) -> Asked {
    ask(
        pupil,
        "INSERT INTO enrolment (year, school, grade, class, number) VALUES ($1, $2, $3, $4, $5)",
        vec![json!(YEAR), json!(school), json!(1), json!(class), json!(seat)],
    )
}

fn attendance(pupil: &Pupil) -> Asked {
    ask(pupil, "INSERT INTO attendance (year, term, school_days) VALUES ($1, 1, 190)", vec![json!(YEAR)])
}

fn grade(pupil: &Pupil, term: u16) -> Asked {
    let score = pupil.grades[usize::from(term) - 1];
    ask(
        pupil,
        "INSERT INTO grades (year, term, subject, score) VALUES ($1, $2, 'language', $3)",
        vec![json!(YEAR), json!(term), json!(score)],
    )
}

fn confirmation(pupil: &Pupil) -> Asked {
    ask(
        pupil,
        "UPDATE grades SET confirmed = true WHERE year = $1 AND term = 3 AND subject = 'language'",
        vec![json!(YEAR)],
    )
}

fn absences(pupil: &Pupil) -> Asked {
    ask(
        pupil,
        "UPDATE attendance SET absent = $1 WHERE year = $2 AND term = 1",
        vec![json!(pupil.absences), json!(YEAR)],
    )
}

fn report(pupil: &Pupil, term: u16) -> Asked {
    ask(
        pupil,
        "SELECT subject, score FROM grades WHERE year = $1 AND term = $2 ORDER BY subject",
        vec![json!(YEAR), json!(term)],
    )
}

fn ask(pupil: &Pupil, sql: &str, params: Vec<Value>) -> Asked {
    Asked { learner: pupil.id.clone(), sql: sql.to_owned(), params }
}
