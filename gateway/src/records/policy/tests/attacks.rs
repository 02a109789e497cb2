//! Every way around the policy that we know of, and the rule that stops it.

use serde_json::json;

use super::super::PolicyCode::{self, *};
use super::admit;

fn refused(cases: &[(&str, PolicyCode)]) {
    let cases: Vec<_> = cases.iter().map(|(sql, code)| (*sql, &[][..], *code)).collect();
    refused_with(&cases);
}

fn refused_with(cases: &[(&str, &[serde_json::Value], PolicyCode)]) {
    let wrong = cases.iter().filter_map(|(sql, params, code)| match admit(sql, params) {
        Err(error) if error.code == *code => None,
        Err(error) => Some(format!("{sql}\n    not {code} but {error}")),
        Ok(statement) => Some(format!("{sql}\n    admitted as {}", statement.sql)),
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn more_or_other_than_one_statement() {
    refused(&[
        ("", Statement),
        (";", Statement),
        ("-- nothing", Statement),
        ("SELECT 1; SELECT 2", Statement),
        ("SELECT 1; DROP TABLE grades", Statement),
        ("SELECT * FROM grades; DELETE FROM grades WHERE TRUE; --", Statement),
        ("DROP TABLE grades", Statement),
        ("CREATE TABLE x (a text)", Statement),
        ("CREATE TABLE x AS SELECT * FROM grades", Statement),
        ("ALTER TABLE grades ADD COLUMN x text", Statement),
        ("TRUNCATE grades", Statement),
        ("COPY grades TO '/tmp/x'", Statement),
        ("COPY grades TO PROGRAM 'sh'", Statement),
        ("GRANT ALL ON grades TO public", Statement),
        ("SET search_path = pg_catalog", Statement),
        ("SET ROLE postgres", Statement),
        ("RESET ALL", Statement),
        ("SHOW ALL", Statement),
        ("BEGIN", Statement),
        ("COMMIT", Statement),
        ("ROLLBACK", Statement),
        ("SAVEPOINT a", Statement),
        ("EXPLAIN SELECT * FROM grades", Statement),
        ("EXPLAIN ANALYZE DELETE FROM grades", Statement),
        ("VACUUM", Statement),
        ("PRAGMA writable_schema = 1", Statement),
        ("ATTACH DATABASE 'x' AS y", Statement),
        ("PREPARE p AS SELECT * FROM grades", Statement),
        ("EXECUTE p", Statement),
        ("DEALLOCATE p", Statement),
        ("LISTEN x", Statement),
        ("NOTIFY x, 'y'", Statement),
        ("LOCK TABLE grades", Statement),
        ("CALL f()", Statement),
        ("DECLARE c CURSOR FOR SELECT * FROM grades", Statement),
        ("MERGE INTO grades g USING notes n ON g.year = n.year WHEN MATCHED THEN DELETE", Statement),
        ("CREATE FUNCTION f() RETURNS int AS $$ SELECT 1 $$ LANGUAGE sql", Statement),
        ("DO $$ BEGIN DELETE FROM grades; END $$", Syntax),
        ("SELEKT * FROM grades", Syntax),
        ("SELECT * FROM grades WHERE subject = 'open", Syntax),
        ("SELECT /* open FROM grades", Syntax),
        ("SELECT $tag$ open", Syntax),
    ]);
}

#[test]
fn tables_that_are_not_protected() {
    refused(&[
        ("SELECT * FROM pg_class", Table),
        ("SELECT * FROM pg_catalog.pg_class", Table),
        ("SELECT * FROM information_schema.tables", Table),
        ("SELECT * FROM public.grades", Table),
        ("SELECT * FROM main.grades", Table),
        ("SELECT * FROM \"public\".\"grades\"", Table),
        ("SELECT * FROM sqlite_master", Table),
        ("SELECT * FROM sillok_entries", Table),
        ("SELECT * FROM \"GRADES\"", Table),
        ("SELECT * FROM \"grades \"", Table),
        ("SELECT * FROM \"grades\"\"\"", Syntax),
        ("SELECT * FROM \"grades\"\" AS t\"", Syntax),
        ("SELECT * FROM `grades`", Syntax),
        ("SELECT * FROM [grades]", Syntax),
        ("SELECT * FROM U&\"gr\\0061des\"", Syntax),
        ("SELECT * FROM grades, pg_user", Table),
        ("SELECT * FROM grades g JOIN pg_user u ON TRUE", Table),
        ("SELECT (SELECT max(passwd) FROM pg_shadow) FROM grades", Table),
        ("SELECT * FROM grades WHERE EXISTS (SELECT 1 FROM pg_user)", Table),
        ("SELECT * FROM grades WHERE subject IN (SELECT usename FROM pg_user)", Table),
        ("SELECT subject FROM grades UNION SELECT usename FROM pg_user", Table),
        ("WITH x AS (SELECT * FROM pg_user) SELECT * FROM x", Table),
        ("SELECT * FROM (SELECT * FROM pg_user) AS x", Table),
        ("WITH x AS (SELECT 1 AS a) SELECT * FROM (SELECT * FROM y) AS z", Table),
        ("SELECT * FROM generate_series(1, 1000000000)", Clause),
        ("SELECT * FROM pg_ls_dir('.')", Clause),
        ("SELECT * FROM LATERAL (SELECT 1 AS a) AS x", Clause),
        ("SELECT * FROM grades g, LATERAL (SELECT g.score AS s) AS x", Clause),
        ("SELECT * FROM ROWS FROM (pg_ls_dir('.'))", Syntax),
        ("SELECT * FROM unnest(ARRAY[1,2])", Table),
        ("SELECT * FROM json_each('[1]')", Clause),
        ("SELECT * FROM ONLY grades", Table),
        ("SELECT * FROM grades TABLESAMPLE SYSTEM (10)", Clause),
        ("SELECT * FROM (grades JOIN notes ON TRUE)", Table),
        ("UPDATE pg_class SET relname = 'x'", Table),
        ("UPDATE sillok_entries SET batch = 1", Table),
        ("UPDATE public.grades SET score = 1", Table),
        ("DELETE FROM sillok_entries", Table),
        ("INSERT INTO sillok_entries (id) VALUES ('x')", Table),
        ("INSERT INTO pg_catalog.pg_class (relname) VALUES ('x')", Table),
    ]);
}

#[test]
fn columns_that_are_not_configured() {
    refused(&[
        ("SELECT ctid FROM grades", Column),
        ("SELECT xmin FROM grades", Column),
        ("SELECT tableoid FROM grades", Column),
        ("SELECT rowid FROM grades", Column),
        ("SELECT oid FROM grades", Column),
        ("SELECT _rowid_ FROM grades", Column),
        ("SELECT grades FROM grades", Column),
        ("SELECT \"no such\" FROM grades", Column),
        ("SELECT \"SUBJECT\" FROM grades", Column),
        ("SELECT grades.ctid FROM grades", Column),
        ("SELECT public.grades.score FROM grades", Column),
        ("SELECT (grades).score FROM grades", Expression),
        ("SELECT (g.*).score FROM grades g", Expression),
        ("SELECT other.score FROM grades", Table),
        ("SELECT score FROM grades WHERE secret = 1", Column),
        ("SELECT current_user FROM grades", Function),
        ("SELECT session_user", Function),
        ("SELECT current_date", Function),
        ("SELECT user", Function),
        ("SELECT year FROM grades g JOIN notes n ON g.year = n.year", Column),
        ("SELECT * FROM grades g JOIN notes n ON g.year = n.year", Column),
        ("SELECT score, score FROM grades", Column),
        ("SELECT score AS a, year AS \"A\" FROM grades", Column),
        ("SELECT score AS \"a\"\"b\" FROM grades", Syntax),
        ("UPDATE grades SET ctid = 1", Column),
        ("UPDATE grades SET score = 1 WHERE ctid = '(0,1)'", Column),
        ("INSERT INTO grades (rowid, year) VALUES (1, 2)", Column),
        ("INSERT INTO grades VALUES ('learner-2', 2026, 1, 'math', 1)", Column),
        ("INSERT INTO grades (year, year) VALUES (1, 2)", Column),
        ("SELECT max(score), subject FROM grades", Column),
        ("SELECT max(score) FROM grades GROUP BY year ORDER BY subject", Column),
        ("SELECT year FROM grades ORDER BY 2", Column),
    ]);
}

#[test]
fn functions_that_are_not_on_the_list() {
    refused(&[
        ("SELECT pg_sleep(10)", Function),
        ("SELECT pg_read_file('/etc/passwd')", Function),
        ("SELECT set_config('role', 'postgres', false)", Function),
        ("SELECT current_setting('x')", Function),
        ("SELECT lo_import('/etc/passwd')", Function),
        ("SELECT lo_export(1, '/tmp/x')", Function),
        ("SELECT dblink('x', 'y')", Function),
        ("SELECT query_to_xml('select * from grades', true, true, '')", Function),
        ("SELECT load_extension('x')", Function),
        ("SELECT writefile('x', 'y')", Function),
        ("SELECT randomblob(1000000000)", Function),
        ("SELECT hex('x')", Function),
        ("SELECT repeat('x', 1000000000)", Function),
        ("SELECT random()", Function),
        ("SELECT now()", Function),
        ("SELECT last_insert_rowid()", Function),
        ("SELECT nextval('grades_id_seq')", Function),
        ("SELECT pg_catalog.lower('X')", Function),
        ("SELECT public.lower('X')", Function),
        ("SELECT \"LOWER\"('X')", Function),
        ("SELECT row_to_json(grades) FROM grades", Function),
        ("SELECT string_agg(subject, ',') FROM grades", Function),
        ("SELECT array_agg(subject) FROM grades", Function),
        ("SELECT lower(VARIADIC ARRAY['x'])", Syntax),
        ("SELECT lower(subject => 'x') FROM grades", Function),
        ("SELECT count(DISTINCT *) FROM grades", Function),
        ("SELECT sum(score) OVER () FROM grades", Clause),
        ("SELECT count(*) FILTER (WHERE TRUE) FROM grades", Clause),
        ("SELECT max(score ORDER BY year) FROM grades", Clause),
        ("SELECT max(max(score)) FROM grades", Function),
        ("SELECT score FROM grades WHERE max(score) = 1", Function),
        ("SELECT (SELECT max(g.score)) FROM grades g", Function),
        ("SELECT max((SELECT 1)) FROM grades", Function),
        ("UPDATE grades SET score = max(score)", Function),
        ("SELECT EXTRACT(year FROM graded_on) FROM grades", Expression),
        ("SELECT OVERLAY(subject PLACING 'x' FROM 1) FROM grades", Expression),
        ("SELECT POSITION('x' IN subject) FROM grades", Expression),
        ("SELECT trim(BOTH 'x' FROM subject) FROM grades", Expression),
        ("SELECT substr(subject, -1) FROM grades", Value),
        ("SELECT substr(subject, score) FROM grades", Value),
        ("SELECT ceil(score) FROM grades", Expression),
    ]);
}

#[test]
fn clauses_that_are_not_allowed() {
    refused(&[
        ("SELECT * INTO x FROM grades", Clause),
        ("SELECT * FROM grades FOR UPDATE", Clause),
        ("SELECT * FROM grades FOR SHARE", Clause),
        ("SELECT * FROM grades FOR UPDATE SKIP LOCKED", Clause),
        ("SELECT * FROM (SELECT * FROM grades FOR UPDATE) AS x", Clause),
        ("TABLE grades", Syntax),
        ("VALUES (1)", Clause),
        ("SELECT * FROM (VALUES (1)) AS x(a)", Clause),
        ("SELECT score FROM grades UNION TABLE grades", Clause),
        ("SELECT DISTINCT ON (year) score FROM grades", Clause),
        ("SELECT 1 AS one HAVING TRUE", Clause),
        ("SELECT 1 AS one FROM grades HAVING count(*) > 0", Clause),
        ("WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM x) SELECT * FROM x", Clause),
        ("WITH x AS MATERIALIZED (SELECT 1 AS a) SELECT * FROM x", Clause),
        ("WITH x AS (DELETE FROM grades RETURNING *) SELECT * FROM x", Statement),
        ("WITH x AS (UPDATE grades SET score = 1 RETURNING *) SELECT * FROM x", Statement),
        ("WITH x AS (INSERT INTO grades (year) VALUES (1) RETURNING *) SELECT * FROM x", Statement),
        ("WITH x AS (SELECT 1 AS a) UPDATE grades SET score = 1", Statement),
        ("WITH x AS (SELECT 1 AS a) DELETE FROM grades", Statement),
        ("WITH x AS (SELECT 1 AS a), x AS (SELECT 2 AS a) SELECT * FROM x", Table),
        ("SELECT * FROM grades NATURAL JOIN notes", Clause),
        ("SELECT g.score FROM grades g JOIN notes n USING (year)", Clause),
        ("SELECT score FROM grades GROUP BY ROLLUP (score)", Expression),
        ("SELECT score FROM grades GROUP BY GROUPING SETS ((score), ())", Expression),
        ("SELECT score FROM grades FETCH FIRST 1 ROW ONLY", Clause),
        ("SELECT score FROM grades LIMIT (SELECT 1)", Value),
        ("SELECT score FROM grades LIMIT score", Value),
        ("SELECT score FROM grades LIMIT -1", Value),
        ("SELECT sum(score) OVER w FROM grades WINDOW w AS (PARTITION BY year)", Clause),
        ("SELECT score FROM grades INTERSECT ALL SELECT score FROM grades", Clause),
        ("SELECT score FROM grades ORDER BY score USING >", Clause),
        ("UPDATE grades SET score = 1 FROM notes WHERE TRUE", Clause),
        ("UPDATE grades SET (score, credits) = (1, 2)", Clause),
        ("UPDATE grades g JOIN notes n ON TRUE SET score = 1", Clause),
        ("DELETE FROM grades USING notes WHERE TRUE", Clause),
        ("DELETE FROM grades, notes", Table),
        ("INSERT INTO grades DEFAULT VALUES", Column),
        ("INSERT OR REPLACE INTO grades (year) VALUES (1)", Clause),
        ("REPLACE INTO grades (year) VALUES (1)", Syntax),
        ("INSERT INTO grades (year) VALUES (DEFAULT)", Column),
        (
            "INSERT INTO notes (year, area, number, content) VALUES (1, 'a', 1, 'x') ON DUPLICATE KEY UPDATE year = 1",
            Clause,
        ),
        ("INSERT INTO grades (year) OVERRIDING SYSTEM VALUE VALUES (1)", Syntax),
    ]);
}

#[test]
fn expressions_that_are_not_allowed() {
    refused(&[
        ("SELECT subject::regclass FROM grades", Expression),
        ("SELECT CAST('grades' AS regclass)", Expression),
        ("SELECT 'x'::oid", Expression),
        ("SELECT subject::xml FROM grades", Expression),
        ("SELECT subject::varchar(3) FROM grades", Expression),
        ("SELECT subject::int FROM grades", Type),
        ("SELECT CAST(subject AS date) FROM grades", Type),
        ("SELECT score OPERATOR(pg_catalog.+) 1 FROM grades", Expression),
        ("SELECT subject ~ 'x' FROM grades", Expression),
        ("SELECT subject SIMILAR TO 'x' FROM grades", Expression),
        ("SELECT score # 1 FROM grades", Expression),
        ("SELECT score | 1 FROM grades", Expression),
        ("SELECT ~score FROM grades", Expression),
        ("SELECT ARRAY[1]", Expression),
        ("SELECT ARRAY(SELECT learner FROM learner)", Function),
        ("SELECT ROW(1, 2)", Function),
        ("SELECT (1, 2)", Expression),
        ("SELECT score FROM grades WHERE (year, term) = (1, 2)", Expression),
        ("SELECT score FROM grades WHERE score = ANY (SELECT 1)", Expression),
        ("SELECT score FROM grades WHERE score > ALL (SELECT 1)", Expression),
        ("SELECT subject COLLATE \"C\" FROM grades", Expression),
        ("SELECT graded_on AT TIME ZONE 'UTC' FROM grades", Expression),
        ("SELECT INTERVAL '1 day'", Expression),
        ("SELECT E'a\\'b'", Expression),
        ("SELECT U&'\\0061'", Expression),
        ("SELECT $$text$$", Expression),
        ("SELECT $x$text$x$", Expression),
        ("SELECT B'101'", Expression),
        ("SELECT X'ff'", Expression),
        ("SELECT N'x'", Expression),
        ("SELECT score FROM grades WHERE subject LIKE 'a' ESCAPE 'b'", Expression),
        ("SELECT subject[1] FROM grades", Expression),
        ("SELECT subject -> 'a' FROM grades", Expression),
        ("SELECT (SELECT score FROM grades) AS a", Expression),
        ("SELECT (SELECT score, year FROM grades LIMIT 1) AS a", Expression),
        ("SELECT score FROM grades WHERE score IN (SELECT score, year FROM grades)", Expression),
        ("SELECT subject || 1 FROM grades", Type),
        ("SELECT score FROM grades WHERE score", Type),
        ("SELECT score FROM grades WHERE 1", Type),
        ("SELECT score FROM grades WHERE 'true'", Type),
        ("SELECT score FROM grades WHERE subject = 1", Type),
        ("SELECT score FROM grades WHERE confirmed = 1", Type),
        ("SELECT score FROM grades WHERE graded_on = 'today'", Value),
        ("SELECT score FROM grades WHERE graded_on = 'infinity'", Value),
        ("SELECT score FROM grades WHERE score = 99999999999999999999", Value),
        ("SELECT score FROM grades UNION SELECT subject FROM grades", Type),
        ("UPDATE grades SET score = 'x'", Type),
        ("UPDATE grades SET score = 1.5", Type),
    ]);
}

#[test]
fn writes_into_another_learners_row() {
    refused(&[
        ("UPDATE grades SET learner = 'learner-2'", Learner),
        ("UPDATE grades SET \"learner\" = 'learner-2'", Learner),
        ("UPDATE grades SET LEARNER = 'learner-1'", Learner),
        ("UPDATE grades SET grades.learner = 'learner-2'", Column),
        ("UPDATE grades AS g SET g.score = 1", Column),
        ("UPDATE grades SET year = 2025", Key),
        ("UPDATE grades SET score = 1, score = 2", Column),
        ("INSERT INTO learner (learner, name) VALUES ('learner-2', 'x')", Learner),
        ("INSERT INTO learner (learner, name) VALUES ('learner-1', 'x'), ('learner-2', 'y')", Learner),
        ("INSERT INTO learner (learner, name) VALUES (NULL, 'x')", Learner),
        ("INSERT INTO learner (learner, name) VALUES (lower('learner-1'), 'x')", Learner),
        ("INSERT INTO learner (learner, name) VALUES ('learner-' || '2', 'x')", Learner),
        ("INSERT INTO learner (LEARNER, name) VALUES ('learner-2', 'x')", Learner),
        ("INSERT INTO learner (learner, name) SELECT 'learner-2', 'x'", Learner),
        ("INSERT INTO learner (name) SELECT passwd FROM pg_shadow", Table),
        (
            "INSERT INTO learner (name) VALUES ('a') ON CONFLICT (learner) DO UPDATE SET learner = 'learner-2'",
            Learner,
        ),
        ("INSERT INTO learner (name) VALUES ('a') ON CONFLICT (name) DO UPDATE SET name = 'x'", Key),
        ("INSERT INTO learner (name) VALUES ('a') ON CONFLICT DO UPDATE SET name = 'x'", Clause),
        (
            "INSERT INTO learner (name) VALUES ('a') ON CONFLICT ON CONSTRAINT learner_pkey DO UPDATE SET name = 'x'",
            Clause,
        ),
        (
            "INSERT INTO learner (name) VALUES ('a'), ('b') ON CONFLICT (learner) DO UPDATE SET name = 'x'",
            Clause,
        ),
        (
            "INSERT INTO learner (name) SELECT name FROM learner WHERE TRUE ON CONFLICT (learner) DO UPDATE SET name = 'x'",
            Clause,
        ),
    ]);
}

#[test]
fn parameters_that_do_not_match() {
    let cases: &[(&str, &[serde_json::Value], PolicyCode)] = &[
        ("SELECT score FROM grades WHERE year = $1", &[], Parameters),
        ("SELECT score FROM grades WHERE year = $2", &[json!(1)], Parameters),
        ("SELECT score FROM grades WHERE year = $0", &[json!(1)], Parameters),
        ("SELECT score FROM grades WHERE year = $1", &[json!(1), json!(2)], Parameters),
        ("SELECT score FROM grades WHERE year = ?", &[json!(1)], Syntax),
        ("SELECT score FROM grades WHERE year = :a", &[json!(1)], Parameters),
        ("SELECT score FROM grades WHERE year = $a", &[json!(1)], Parameters),
        ("SELECT score FROM grades WHERE year = $99999999999999999999", &[json!(1)], Parameters),
        ("SELECT score FROM grades WHERE year = $1", &[json!([1])], Parameters),
        ("SELECT score FROM grades WHERE year = $1", &[json!({"a": 1})], Parameters),
        ("SELECT score FROM grades WHERE year = $1", &[json!("2026")], Type),
        ("SELECT score FROM grades WHERE year = $1", &[json!("1 OR 1=1")], Type),
        ("SELECT score FROM grades WHERE subject = $1", &[json!("a\0b")], Value),
        ("SELECT score FROM grades WHERE graded_on = $1", &[json!("2026-02-30")], Value),
        ("SELECT score FROM grades WHERE year = $1", &[json!(u64::MAX)], Value),
        ("SELECT * FROM $1", &[json!("grades")], Syntax),
        ("INSERT INTO learner (learner, name) VALUES ($1, 'x')", &[json!("learner-2")], Learner),
        ("SELECT score FROM grades ORDER BY score LIMIT $1", &[json!(-1)], Value),
        ("SELECT score FROM grades ORDER BY score LIMIT $1", &[json!("1; DROP TABLE grades")], Value),
    ];
    refused_with(cases);
}

#[test]
fn statements_that_are_too_large() {
    let repeat = |n: usize, text: &str| text.repeat(n);
    let cases = [
        format!("SELECT {}1", repeat(10_000, "1+")),
        format!("SELECT {}1{}", repeat(500, "("), repeat(500, ")")),
        format!("SELECT {}1", repeat(900, "1+")),
        format!("SELECT {}1", repeat(900, "- ")),
        format!("SELECT score FROM grades WHERE TRUE{}", repeat(300, " AND TRUE")),
        format!("SELECT {}1{}", repeat(100, "(SELECT "), repeat(100, ")")),
        format!("SELECT {}1{}", repeat(60, "CASE WHEN TRUE THEN "), repeat(60, " END")),
        format!("SELECT count(*) FROM grades a{}", repeat(8, ", grades b")),
        format!("SELECT count(*) FROM grades{}", repeat(9, " UNION SELECT count(*) FROM grades")),
        format!("SELECT '{}'", repeat(20_000, "x")),
        format!("SELECT 1{}", repeat(9_000, "\n--")),
    ];
    let cases: Vec<_> = cases.iter().map(|sql| (sql.as_str(), Size)).collect();
    refused(&cases);
    let error = admit("SELECT $1 AS a", &[json!("x".repeat(1 << 20))]).unwrap_err();
    assert_eq!(error.code, Size);
}

#[test]
fn nesting_that_the_parser_itself_stops() {
    let deep = |before: &str, after: &str| format!("SELECT {}1{}", before.repeat(900), after.repeat(900));
    for (before, after) in
        [("NOT ", ""), ("(", ")"), ("abs(", ")"), ("CAST(", " AS text)"), ("CASE WHEN ", "")]
    {
        let error = admit(&deep(before, after), &[]).unwrap_err();
        assert!([Size, Syntax].contains(&error.code), "{before}: {error}");
    }
}
