//! What educators ask, in the words of the example schema.

use serde_json::json;
use sillok_contract::id::LearnerId;
use sillok_gateway::keys::Asked;

/// The year of every lesson.
pub const YEAR: u16 = 2026;

/// Any statement.
pub fn ask(learner: &LearnerId, sql: &str, params: Vec<serde_json::Value>) -> Asked {
    Asked { learner: learner.clone(), sql: sql.to_owned(), params }
}

/// Who the learner is.
pub fn person(learner: &LearnerId, name: &str) -> Asked {
    ask(learner, "INSERT INTO learner (name, sex) VALUES ($1, 'F')", vec![json!(name)])
}

/// A mark.
pub fn grade(learner: &LearnerId, term: u16, subject: &str, score: u16) -> Asked {
    ask(
        learner,
        "INSERT INTO grades (year, term, subject, score) VALUES ($1, $2, $3, $4)",
        vec![json!(YEAR), json!(term), json!(subject), json!(score)],
    )
}

/// A mark corrected.
pub fn correction(learner: &LearnerId, term: u16, subject: &str, score: u16) -> Asked {
    ask(
        learner,
        "UPDATE grades SET score = $1 WHERE year = $2 AND term = $3 AND subject = $4",
        vec![json!(score), json!(YEAR), json!(term), json!(subject)],
    )
}

/// A mark taken back.
pub fn withdrawal(learner: &LearnerId, term: u16, subject: &str) -> Asked {
    ask(
        learner,
        "DELETE FROM grades WHERE year = $1 AND term = $2 AND subject = $3",
        vec![json!(YEAR), json!(term), json!(subject)],
    )
}

/// A term's report, read.
pub fn report(learner: &LearnerId, term: u16) -> Asked {
    ask(
        learner,
        "SELECT subject, score FROM grades WHERE year = $1 AND term = $2 ORDER BY subject",
        vec![json!(YEAR), json!(term)],
    )
}
