//! The record as tables of text: what the built-in school record's tables and columns are called, in their order there; any
//! other goes by its own name.

use serde_json::{Map, Value};

use super::words::{Language, NO, Words, YES, words};
use crate::certificate::{Record, Subject};

/// A column: its name in the database, and for people.
type Column = (&'static str, Words);

/// The column that says whose row it is.
const LEARNER: &str = "learner";
const YEAR: Column = ("year", words("학년도", "Year"));
const TERM: Column = ("term", words("학기", "Term"));

const TABLES: [(&str, Words, &[Column]); 6] = [
    (
        "learner",
        words("인적·학적사항", "Personal details"),
        &[
            ("name", words("성명", "Name")),
            ("birth_date", words("생년월일", "Date of birth")),
            ("sex", words("성별", "Sex")),
            ("address", words("주소", "Address")),
            ("admitted_on", words("입학일", "Admitted on")),
        ],
    ),
    (
        "enrolment",
        words("학적", "Enrolment"),
        &[
            YEAR,
            ("school", words("학교", "School")),
            ("grade", words("학년", "Grade")),
            ("class", words("반", "Class")),
            ("number", words("번호", "Number")),
            ("status", words("학적 상태", "Status")),
            ("since", words("변동일", "Since")),
        ],
    ),
    (
        "attendance",
        words("출결상황", "Attendance"),
        &[
            YEAR,
            TERM,
            ("school_days", words("수업일수", "School days")),
            ("absent", words("결석", "Absent")),
            ("late", words("지각", "Late")),
            ("left_early", words("조퇴", "Left early")),
            ("remark", words("특기사항", "Remark")),
        ],
    ),
    (
        "grades",
        words("교과학습발달상황", "Academic achievement"),
        &[
            YEAR,
            TERM,
            ("subject", words("과목", "Subject")),
            ("score", words("점수", "Score")),
            ("achievement", words("성취도", "Achievement")),
            ("credits", words("단위수", "Credits")),
            ("confirmed", words("확정", "Confirmed")),
            ("graded_on", words("평가일", "Graded on")),
        ],
    ),
    (
        "awards",
        words("수상경력", "Awards"),
        &[
            ("awarded_on", words("수상일", "Awarded on")),
            ("title", words("수상명", "Title")),
            ("place", words("등위", "Place")),
            ("awarded_by", words("수여기관", "Awarded by")),
            ("participants", words("참가인원", "Participants")),
        ],
    ),
    (
        "notes",
        words("세부능력 및 특기사항·종합의견", "Educators' notes"),
        &[
            YEAR,
            ("area", words("영역", "Area")),
            ("number", words("번호", "Number")),
            ("content", words("내용", "Content")),
            ("written_at", words("작성일시", "Written at")),
        ],
    ),
];

/// A table, as it is printed.
pub(super) struct Printout {
    /// What it is called.
    pub(super) title: String,
    /// Each column's heading, in lines.
    pub(super) columns: Vec<Vec<String>>,
    /// The rows' cells.
    pub(super) rows: Vec<Vec<String>>,
}

/// A record's tables, the known ones first.
pub(super) fn tables(subject: &Subject, language: Language) -> Vec<Printout> {
    let known = TABLES.iter().filter_map(|(name, ..)| subject.record.get_key_value(*name));
    let others = subject.record.iter().filter(|(name, _)| TABLES.iter().all(|(known, ..)| known != name));
    known.chain(others).map(|(name, rows)| table(name, rows, subject.learner.as_str(), language)).collect()
}

/// What the record says the learner's name, or date of birth, is.
pub(super) fn of_person<'a>(record: &'a Record, column: &str) -> Option<&'a str> {
    record.get("learner")?.first()?.get(column)?.as_str()
}

fn table(name: &str, rows: &[Map<String, Value>], learner: &str, language: Language) -> Printout {
    let known = TABLES.iter().find(|(known, ..)| *known == name);
    let title = known.map_or_else(|| name.to_owned(), |(_, title, _)| title.line(language));
    let columns = columns(rows, known.map_or(&[], |(.., columns)| columns), learner);
    let heading = |(name, title): &(&str, Option<Words>)| match title {
        Some(title) => title.lines(language).into_iter().map(str::to_owned).collect(),
        None => vec![(*name).to_owned()],
    };
    let cells = |row: &Map<String, Value>| {
        columns.iter().map(|(column, _)| cell(row.get(*column), language)).collect()
    };
    Printout { title, columns: columns.iter().map(heading).collect(), rows: rows.iter().map(cells).collect() }
}

/// The columns that any row has, the known ones first; whose row it is says the certificate's head.
fn columns<'a>(
    rows: &'a [Map<String, Value>],
    known: &[Column],
    learner: &str,
) -> Vec<(&'a str, Option<Words>)> {
    let told = |column: &str| {
        column == LEARNER && rows.iter().all(|row| row.get(LEARNER).is_none_or(|value| value == learner))
    };
    let mut names: Vec<&str> = rows.iter().flat_map(Map::keys).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| !told(name));
    let place = |name: &str| known.iter().position(|(known, _)| *known == name);
    names.sort_by_key(|name| place(name).unwrap_or(known.len()));
    names.into_iter().map(|name| (name, place(name).map(|place| known[place].1))).collect()
}

fn cell(value: Option<&Value>, language: Language) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => YES.line(language),
        Some(Value::Bool(false)) => NO.line(language),
        Some(value) => value.to_string(),
    }
}
