//! What an officer adopts is whole rows of one table.

use serde_json::json;

use super::policy;
use crate::records::{
    Effect, Statement,
    policy::{PolicyCode, PolicyError},
};

fn adopt(sql: &str) -> Result<Statement, PolicyError> {
    policy().adopt(&"learner-1".parse().unwrap(), sql, &[])
}

#[test]
fn whole_rows_of_one_table_are_adopted_and_confined_like_any() {
    let columns = "achievement, confirmed, credits, graded_on, learner, score, subject, term, year";
    for sql in [
        "SELECT * FROM grades".to_owned(),
        "select * from Grades as g where g.year >= 2025 and exists (select * from notes)".to_owned(),
        format!("SELECT {columns} FROM grades"),
        "SELECT year, term, subject, score, learner, graded_on, credits, confirmed, achievement FROM grades"
            .into(),
    ] {
        let statement = adopt(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(statement.effect, Effect::Adopt { table: "grades".into() });
        assert_eq!(statement.columns.len(), 9);
        assert_eq!(statement.parameters[0], json!("learner-1"), "{sql}");
        assert!(statement.sql.contains(r#"WHERE "t2"."learner" = CAST($1 AS text)"#), "{}", statement.sql);
    }
}

#[test]
fn what_is_not_a_row_as_it_stands_is_not_adopted() {
    for sql in [
        "SELECT year, term, subject, score FROM grades",
        "SELECT *, 1 AS one FROM grades",
        "SELECT *, year FROM grades",
        "SELECT g.* FROM grades g",
        "SELECT DISTINCT * FROM grades",
        "SELECT * FROM grades ORDER BY year",
        "SELECT * FROM grades LIMIT 1",
        "SELECT * FROM grades OFFSET 1",
        "SELECT * FROM grades, notes",
        "SELECT * FROM grades g JOIN notes n ON g.year = n.year",
        "SELECT * FROM (SELECT * FROM grades) AS grades",
        "WITH grades AS (SELECT * FROM notes) SELECT * FROM grades",
        "SELECT * FROM grades UNION ALL SELECT * FROM grades",
        "(SELECT * FROM grades)",
        "SELECT count(*) FROM grades",
        "SELECT achievement, confirmed, credits, graded_on, learner, score AS score, subject, term, year FROM grades",
        "SELECT achievement, confirmed, credits, graded_on, learner, term AS score, subject, score AS term, year FROM grades",
        "SELECT achievement, confirmed, credits, graded_on, learner, score + 0, subject, term, year FROM grades",
        "SELECT achievement, confirmed, credits, graded_on, learner, score, subject, term, year FROM grades GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9",
        "SELECT 1 AS one",
        "INSERT INTO grades (year, term, subject) VALUES (2026, 1, 'a')",
        "UPDATE grades SET score = 1",
        "DELETE FROM grades",
    ] {
        let code = adopt(sql).map(|statement| statement.sql).map_err(|error| error.code);
        assert_eq!(code, Err(PolicyCode::Baseline), "{sql}");
    }
    for (sql, expected) in [
        ("SELECT * FROM secrets", PolicyCode::Table),
        ("SELECT * FROM public.grades", PolicyCode::Table),
        ("SELECT * FROM grades FOR UPDATE", PolicyCode::Clause),
        ("SELECT * FROM grades TABLESAMPLE SYSTEM (1)", PolicyCode::Clause),
        ("SELECT * INTO copy FROM grades", PolicyCode::Clause),
        (
            "SELECT achievement, confirmed, credits, graded_on, learner, score, subject, term, term FROM grades",
            PolicyCode::Column,
        ),
        ("SELECT * FROM grades; SELECT * FROM grades", PolicyCode::Statement),
    ] {
        let code = adopt(sql).map(|statement| statement.sql).map_err(|error| error.code);
        assert_eq!(code, Err(expected), "{sql}");
    }
}
