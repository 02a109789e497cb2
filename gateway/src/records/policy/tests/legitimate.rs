//! What schools ask for, and what becomes of it.

use serde_json::json;

use super::admit;
use crate::records::Effect;

#[test]
fn a_select_reads_from_the_learners_rows_alone() {
    let statement =
        admit("SELECT subject, score FROM grades WHERE year = $1 ORDER BY score DESC", &[json!(2026)])
            .unwrap();
    assert_eq!(
        statement.sql,
        concat!(
            r#"SELECT "t1"."subject" AS "subject", "t1"."score" AS "score" FROM (SELECT "t2"."achievement", "#,
            r#""t2"."confirmed", "t2"."credits", "t2"."graded_on", "t2"."learner", "t2"."score", "t2"."subject", "#,
            r#""t2"."term", "t2"."year" FROM "grades" AS "t2" WHERE "t2"."learner" = CAST($1 AS text)) AS "t1" "#,
            r#"WHERE ("t1"."year" = CAST($2 AS bigint)) ORDER BY 2 DESC NULLS FIRST"#
        )
    );
    assert_eq!(statement.parameters, [json!("learner-1"), json!(2026)]);
    assert_eq!(statement.effect, Effect::Read);
}

#[test]
fn a_write_is_confined_and_gives_whole_images() {
    let columns = r#""achievement", "confirmed", "credits", "graded_on", "learner", "score", "subject", "term", "year""#;
    let update =
        admit("UPDATE grades SET score = 90 WHERE subject = '국어' OR TRUE RETURNING score", &[]).unwrap();
    assert_eq!(
        update.sql,
        format!(
            "{} RETURNING {columns}",
            concat!(
                r#"UPDATE "grades" AS "t0" SET "score" = CAST($1 AS bigint) WHERE "t0"."learner" = CAST($2 AS text) "#,
                r#"AND (("t0"."subject" = CAST($3 AS text)) OR CAST($4 AS boolean))"#
            )
        )
    );
    assert_eq!(update.effect, Effect::Write { table: "grades".into() });
    let delete = admit("DELETE FROM grades", &[]).unwrap();
    assert_eq!(
        delete.sql,
        format!(
            r#"DELETE FROM "grades" AS "t0" WHERE "t0"."learner" = CAST($1 AS text) RETURNING {columns}"#
        )
    );
    assert_eq!(delete.effect, Effect::Delete { table: "grades".into() });
    let insert = admit("INSERT INTO learner (name, learner) VALUES ('김', 'learner-1')", &[]).unwrap();
    assert_eq!(
        insert.sql,
        concat!(
            r#"INSERT INTO "learner" AS "t0" ("learner", "name") VALUES (CAST($1 AS text), CAST($2 AS text)) "#,
            r#"RETURNING "address", "admitted_on", "birth_date", "learner", "name", "sex""#
        )
    );
}

/// Statements that have to be admitted; the conformance suite runs them on each database and compares.
pub(in crate::records) const LEGITIMATE: &[&str] = &[
    "SELECT * FROM grades",
    "SELECT g.* FROM grades AS g",
    "select SUBJECT, Score from GRADES where \"score\" >= 50 order by score desc, subject limit 3",
    "SELECT subject FROM grades ORDER BY subject LIMIT 2 OFFSET 1",
    "SELECT subject FROM grades ORDER BY subject OFFSET 1",
    "SELECT DISTINCT year FROM grades ORDER BY year",
    "SELECT DISTINCT lower(subject) AS s FROM grades ORDER BY lower(subject)",
    "SELECT count(*) FROM grades",
    "SELECT count(*) AS n, count(DISTINCT year) AS years, min(score) AS a, max(score) AS b, avg(score) AS c, \
     sum(score) AS d FROM grades WHERE confirmed",
    "SELECT avg(score) AS none FROM grades WHERE year = 1900",
    "SELECT year, term, avg(score) AS average FROM grades GROUP BY year, term HAVING count(*) > 0 ORDER BY year, term",
    "SELECT year % 2 AS odd, count(*) AS n FROM grades GROUP BY year % 2 ORDER BY 1",
    "SELECT year AS y, count(*) AS n FROM grades GROUP BY 1 ORDER BY y DESC NULLS LAST",
    "SELECT g.subject, a.absent FROM grades g LEFT JOIN attendance a ON g.year = a.year AND g.term = a.term ORDER BY 1, 2",
    "SELECT g.subject, n.content FROM grades g, notes n WHERE g.year = n.year ORDER BY g.subject, n.number",
    "SELECT a.subject AS s, b.subject AS t FROM grades a CROSS JOIN grades b ORDER BY 1, 2",
    "SELECT g.year AS gy, n.year AS ny FROM grades g FULL JOIN notes n ON g.year = n.year ORDER BY 1, 2",
    "SELECT g.year AS gy, n.number AS k FROM notes n RIGHT JOIN grades g ON g.year = n.year ORDER BY 1, 2",
    "WITH best AS (SELECT max(score) AS score FROM grades) SELECT subject FROM grades g JOIN best b ON g.score = b.score \
     ORDER BY 1",
    "WITH a(x) AS (SELECT score FROM grades), b AS (SELECT x FROM a WHERE x > 10) SELECT count(*) AS n FROM b",
    "SELECT subject FROM grades WHERE score = (SELECT max(score) FROM grades) ORDER BY subject",
    "SELECT subject FROM grades g WHERE EXISTS (SELECT 1 AS one FROM notes n WHERE n.year = g.year) ORDER BY subject",
    "SELECT subject FROM grades WHERE year IN (SELECT year FROM notes) ORDER BY subject",
    "SELECT subject FROM grades WHERE subject NOT IN ('수학', '영어') ORDER BY subject",
    "SELECT subject FROM grades WHERE score BETWEEN 1 AND 100 AND NOT (year = 1999) ORDER BY subject",
    "SELECT subject FROM grades WHERE subject LIKE '수%' OR subject ILIKE 'MATH_' ORDER BY subject",
    "SELECT subject FROM grades WHERE subject LIKE 'a\\%b' ORDER BY subject",
    "SELECT subject FROM grades WHERE graded_on IS NOT NULL AND graded_on >= '2026-03-02' ORDER BY subject",
    "SELECT subject FROM grades WHERE graded_on < DATE '2027-01-01' ORDER BY subject",
    "SELECT subject FROM grades WHERE confirmed IS TRUE OR confirmed IS UNKNOWN ORDER BY subject",
    "SELECT subject FROM grades WHERE achievement IS DISTINCT FROM 'A' ORDER BY subject",
    "SELECT content FROM notes WHERE written_at > '2026-01-01T00:00:00+09:00' ORDER BY content",
    "SELECT written_at FROM notes ORDER BY written_at",
    "SELECT subject, CASE WHEN score >= 90 THEN 'A' WHEN score >= 80 THEN 'B' ELSE 'C' END AS mark FROM grades ORDER BY 1",
    "SELECT CASE term WHEN 1 THEN 'first' ELSE 'other' END AS t, count(*) AS n FROM grades GROUP BY 1 ORDER BY t",
    "SELECT score + 1 AS a, score - 1 AS b, score * 2 AS c, score / 7 AS d, score % 7 AS e, -score AS f, score / 0 AS g \
     FROM grades ORDER BY a",
    "SELECT score * 1.5 AS a, CAST(score AS double precision) / 7 AS b FROM grades ORDER BY a",
    "SELECT coalesce(achievement, '-') AS a, nullif(score, 80) AS b, abs(-score) AS c FROM grades ORDER BY 1, 2, 3",
    "SELECT subject || ':' || CAST(score AS text) AS a FROM grades ORDER BY 1",
    "SELECT upper(trim(subject)) AS u, length(subject) AS l, substr(subject, 1, 2) AS s, replace(subject, 'a', 'b') AS r \
     FROM grades ORDER BY 1",
    "SELECT substring(subject FROM 2) AS s FROM grades ORDER BY 1",
    "SELECT score > 50 AS passed, confirmed FROM grades ORDER BY 1, 2",
    "SELECT score FROM grades UNION SELECT absent FROM attendance ORDER BY score",
    "SELECT score FROM grades UNION ALL SELECT score FROM grades INTERSECT SELECT score FROM grades ORDER BY 1",
    "(SELECT score FROM grades) EXCEPT (SELECT absent FROM attendance ORDER BY absent LIMIT 1) ORDER BY 1",
    "SELECT x.n FROM (SELECT year, count(*) AS n FROM grades GROUP BY year) AS x WHERE x.n > 0 ORDER BY x.year",
    "SELECT NULL AS nothing, TRUE AS yes, 1 AS one, 'it''s' AS text, 1.25 AS real",
    "SELECT score AS \"점수\" FROM grades /* a comment; DROP TABLE grades */ ORDER BY 1 -- and another",
    "INSERT INTO awards (awarded_on, title, place) VALUES ('2026-05-01', '과학', '1'), ('2026-05-02', '수학', NULL)",
    "INSERT INTO grades (year, term, subject, score, confirmed, graded_on) VALUES (2026, 2, 'art', 90 + 5, TRUE, NULL)",
    "INSERT INTO grades (year, term, subject, score) SELECT year, 3, subject, max(score) FROM grades \
     WHERE term = 1 GROUP BY year, subject",
    "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, '수학', 1) ON CONFLICT DO NOTHING",
    "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, '수학', 77) ON CONFLICT (learner, year, term, subject) \
     DO UPDATE SET score = excluded.score WHERE grades.score < excluded.score OR grades.score IS NULL",
    "INSERT INTO notes (year, area, number, content, written_at) VALUES (2026, 'club', 9, '가\n나', '2026-06-01T12:00:00+09:00')",
    "UPDATE grades SET score = score + 1, achievement = CASE WHEN score > 80 THEN 'A' ELSE achievement END WHERE score < 100",
    "UPDATE grades AS g SET score = (SELECT min(score) FROM grades x WHERE x.year = g.year) WHERE g.term = 3",
    "UPDATE grades SET graded_on = '2026-07-01', confirmed = NOT confirmed WHERE subject = 'art' RETURNING *",
    "UPDATE grades SET achievement = NULL",
    "DELETE FROM awards WHERE awarded_on = '2026-05-01'",
    "DELETE FROM grades g WHERE g.term = 3 AND EXISTS (SELECT 1 AS one FROM notes n WHERE n.year = g.year) RETURNING 1",
    "DELETE FROM notes",
    "SELECT 1;",
];

#[test]
fn what_schools_ask_for_is_admitted() {
    for sql in LEGITIMATE {
        if let Err(error) = admit(sql, &[]) {
            panic!("{sql}: {error}");
        }
    }
}

#[test]
fn the_sql_that_runs_does_not_depend_on_values() {
    let sql = "UPDATE grades SET score = $1, graded_on = $2 WHERE subject = $3";
    let a = admit(sql, &[json!(1), json!("2026-01-01"), json!("x")]).unwrap();
    let b = admit(sql, &[json!(100), json!("2026-12-31"), json!("'; DROP TABLE grades; --")]).unwrap();
    assert_eq!(a.sql, b.sql);
    assert!(!a.sql.contains('\''), "{}", a.sql);
}

#[test]
fn values_are_bound_in_one_form() {
    let sql = "INSERT INTO notes (year, area, number, content, written_at) VALUES ($1, 'a', 1, 'b', $2)";
    let statement = admit(sql, &[json!(2026), json!("2026-06-01T12:00:00+09:00")]).unwrap();
    assert!(
        statement.parameters.contains(&json!("2026-06-01T03:00:00.000000Z")),
        "{:?}",
        statement.parameters
    );
}
