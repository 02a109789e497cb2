//! The learners of the demo: made up, or read from a school's own records.

use std::path::Path;

use serde::Deserialize;
use sillok_contract::id::LearnerId;

use crate::cli::Failure;

/// How many learners each made-up school has: one class.
const MADE_UP: usize = 30;

/// One learner with the record that the year will write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pupil {
    /// The pseudonym.
    pub(super) id: LearnerId,
    /// The name in the database; never on the channel.
    pub(super) name: String,
    /// As the school writes it.
    pub(super) sex: String,
    /// In years, at the start of the year.
    pub(super) age: u16,
    /// Days missed in the year.
    pub(super) absences: u16,
    /// The grade at the end of each term.
    pub(super) grades: [u16; 3],
}

/// What is read of a row in the form of the Student Performance data set; its other columns are no school record.
#[derive(Debug, Deserialize)]
struct Row {
    school: String,
    sex: String,
    age: u16,
    absences: u16,
    #[serde(rename = "G1")]
    first: u16,
    #[serde(rename = "G2")]
    second: u16,
    #[serde(rename = "G3")]
    third: u16,
}

/// A class for each school, the same in every run.
pub(super) fn made_up(school: usize, run: &str) -> Result<Vec<Pupil>, Failure> {
    const FAMILY: [&str; 10] = ["김", "이", "박", "최", "정", "강", "조", "윤", "장", "임"];
    const GIVEN: [&str; 9] = ["서연", "민준", "지우", "하윤", "도윤", "시우", "예은", "지호", "수아"];
    (0..MADE_UP)
        .map(|number| {
            let seed = school * MADE_UP + number;
            let grade = |term: usize| 60 + ((seed * 37 + term * 11) % 41) as u16;
            Ok(Pupil {
                id: pseudonym(seed + 1, run)?,
                name: format!("{}{}", FAMILY[seed % FAMILY.len()], GIVEN[seed % GIVEN.len()]),
                sex: if seed.is_multiple_of(2) { "F" } else { "M" }.to_owned(),
                age: 12 + (seed % 2) as u16,
                absences: (seed % 7) as u16,
                grades: [grade(0), grade(1), grade(2)],
            })
        })
        .collect()
}

/// The learners of a file, by school in the order of the file: `;` between fields, the first line names the columns.
pub(super) fn read(file: &Path, run: &str) -> Result<Vec<(String, Vec<Pupil>)>, Failure> {
    let unreadable = |error: csv::Error| {
        Failure::usage(format!(
            "{} cannot be read: {error}; it must have the columns school, sex, age, absences, G1, G2 and G3, with \
             `;` between fields",
            file.display()
        ))
    };
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_path(file).map_err(unreadable)?;
    let mut schools: Vec<(String, Vec<Pupil>)> = Vec::new();
    for (number, row) in reader.deserialize().enumerate() {
        let row: Row = row.map_err(unreadable)?;
        let pupil = Pupil {
            id: pseudonym(number + 1, run)?,
            name: format!("Learner {}", number + 1),
            sex: row.sex,
            age: row.age,
            absences: row.absences,
            grades: [row.first, row.second, row.third],
        };
        match schools.iter_mut().find(|(school, _)| *school == row.school) {
            Some((_, pupils)) => pupils.push(pupil),
            None => schools.push((row.school, vec![pupil])),
        }
    }
    if schools.is_empty() {
        return Err(Failure::usage(format!("{} holds no learner", file.display())));
    }
    Ok(schools)
}

/// Ends with the run's mark: a ledger forgets nothing, so each run brings learners of its own.
fn pseudonym(number: usize, run: &str) -> Result<LearnerId, Failure> {
    LearnerId::new(format!("L{number:05}.{run}")).map_err(|refusal| Failure::usage(refusal.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("records.csv");
        std::fs::write(&path, text).unwrap();
        (directory, path)
    }

    #[test]
    fn a_made_up_class_is_the_same_every_time() {
        assert_eq!(made_up(1, "r").unwrap(), made_up(1, "r").unwrap());
        assert_eq!(made_up(0, "r").unwrap().len(), MADE_UP);
        assert_ne!(made_up(0, "r").unwrap()[0].id, made_up(1, "r").unwrap()[0].id);
    }

    #[test]
    fn records_are_read_by_school() {
        let (_directory, path) =
            file("school;sex;age;absences;G1;G2;G3\nGP;F;18;4;0;11;6\nMS;M;16;0;9;9;9\nGP;M;15;6;12;13;7\n");
        let schools = read(&path, "r").unwrap();
        assert_eq!(
            schools.iter().map(|(school, pupils)| (school.as_str(), pupils.len())).collect::<Vec<_>>(),
            [("GP", 2), ("MS", 1)]
        );
        assert_eq!(schools[0].1[1].grades, [12, 13, 7]);
        assert_eq!(schools[0].1[1].id.as_str(), "L00003.r");
    }

    #[test]
    fn what_is_not_of_the_form_is_refused() {
        for text in ["", "school;sex\nGP;F\n", "school;sex;age;absences;G1;G2;G3\nGP;F;x;4;0;11;6\n"] {
            let (_directory, path) = file(text);
            assert_eq!(read(&path, "r").unwrap_err().code, "usage", "{text:?}");
        }
    }
}
