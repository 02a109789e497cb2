//! Statements as schools and attackers write them, each with its parameters behind zero bytes.

use super::{Result, write};

const STATEMENTS: &[(&str, &str)] = &[
    (
        "select",
        "SELECT subject, score FROM grades WHERE year = $1 AND subject <> $2 ORDER BY score DESC\x002026\0국어",
    ),
    ("star", "SELECT * FROM notes n WHERE n.written_at > $1 LIMIT 3 OFFSET 1\x002026-03-02T09:00:00Z"),
    ("join", "SELECT g.year AS a, n.content FROM grades g LEFT JOIN notes n ON g.year = n.year, learner l"),
    (
        "group",
        "SELECT year, count(DISTINCT term) AS n, avg(score) FROM grades GROUP BY year HAVING count(*) > 0",
    ),
    (
        "with",
        "WITH a(x) AS (SELECT score FROM grades), grades AS (SELECT x FROM a) SELECT max(x) AS m FROM grades",
    ),
    (
        "sub-query",
        "SELECT name, (SELECT max(content) FROM notes WHERE year IN (SELECT year FROM grades)) AS c FROM learner",
    ),
    (
        "union",
        "(SELECT score FROM grades) EXCEPT SELECT absent FROM attendance UNION ALL SELECT 1 ORDER BY 1",
    ),
    (
        "expressions",
        "SELECT CASE WHEN score / $1 > 1.5 THEN upper(subject) || 'x' ELSE NULL END AS a, -score % 2 AS b, \
         CAST(score AS text) LIKE '9_\\%' AS c, coalesce(achievement, '-') AS d, substring(subject FROM 2) AS e \
         FROM grades WHERE confirmed IS TRUE AND graded_on BETWEEN DATE '2026-01-01' AND $2\x003\x002026-12-31",
    ),
    (
        "insert",
        "INSERT INTO awards (awarded_on, title, learner) VALUES ($1, 'it''s', 'learner-1')\x002026-05-01",
    ),
    (
        "upsert",
        "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, 'a', $1) ON CONFLICT (learner, year, term, \
         subject) DO UPDATE SET score = excluded.score WHERE grades.score < excluded.score\x0077",
    ),
    (
        "insert-select",
        "INSERT INTO notes (year, area, number, content) SELECT year, area, number + 50, content FROM notes",
    ),
    (
        "update",
        "UPDATE grades AS g SET score = score + 1, confirmed = NOT confirmed WHERE g.term = 3 OR TRUE RETURNING *",
    ),
    (
        "delete",
        "DELETE FROM notes WHERE EXISTS (SELECT 1 AS one FROM grades g WHERE g.year = notes.year) /* all */ -- of it",
    ),
    ("attack-or", "SELECT * FROM grades WHERE learner = 'learner-2') OR (TRUE"),
    ("attack-second", "DELETE FROM notes; DROP TABLE grades"),
    ("attack-learner", "UPDATE notes SET learner = 'learner-2' WHERE learner = $1\0learner-1'; --"),
    (
        "attack-doubling",
        "SELECT x || x AS x FROM (SELECT x || x AS x FROM (SELECT replace(name, 'a', $1) AS x FROM learner) AS a) AS \
         b\0bb",
    ),
    ("attack-schema", "SELECT \"sql\" FROM sqlite_master, pg_catalog.pg_tables WHERE $$a$$ = E'\\x41'"),
];

/// One file a statement.
pub(super) fn write_all() -> Result {
    STATEMENTS.iter().try_for_each(|(name, text)| write(&format!("seeds/policy/{name}"), text))
}
