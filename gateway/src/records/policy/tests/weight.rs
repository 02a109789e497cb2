//! Statements of a few lines that come to far more than they say.

use serde_json::{Value, json};

use super::{super::PolicyCode::Size, admit};

/// `form` around itself, `levels` times: each `?` is the column of the one within.
fn nested(form: &str, innermost: &str, levels: usize) -> String {
    let around = |inner: String, _| format!("SELECT {} AS x FROM ({inner}) AS s", form.replace('?', "x"));
    (0..levels).fold(innermost.to_owned(), around)
}

fn too_large(sql: &str, params: &[Value]) {
    match admit(sql, params) {
        Err(error) => assert_eq!(error.code, Size, "{sql}: {error}"),
        Ok(_) => panic!("admitted: {sql}"),
    }
}

fn admitted(sql: &str, params: &[Value]) {
    if let Err(error) = admit(sql, params) {
        panic!("{sql}: {error}");
    }
}

/// Forms that name a column of the query within more than once, and what they start from.
const DOUBLINGS: &[(&str, &str)] = &[
    ("? || ?", "SELECT name AS x FROM learner"),
    ("(((?))) || (?)", "SELECT 'a' AS x"),
    ("replace(?, 'a', ?)", "SELECT 'aaaa' AS x"),
    ("replace(replace(?, 'a', 'bb'), 'b', 'aa')", "SELECT name AS x FROM learner"),
    ("coalesce(?, ?)", "SELECT name AS x FROM learner"),
    ("CASE WHEN ? > 'a' THEN ? ELSE lower(?) END", "SELECT name AS x FROM learner"),
    ("substr(?, 1, 9) || substr(?, 2)", "SELECT name AS x FROM learner"),
    ("upper(trim(?)) || lower(?)", "SELECT 'a' AS x"),
    ("CAST(? AS text) || ?", "SELECT name AS x FROM learner"),
    ("max(?) || min(?)", "SELECT name AS x FROM learner"),
    ("(SELECT max(name) FROM learner) || ? || ?", "SELECT name AS x FROM learner"),
    // A database writes out what is no text as well.
    ("? + ?", "SELECT year AS x FROM grades"),
    ("-? * abs(?)", "SELECT 1.5 AS x"),
    ("? AND NOT ?", "SELECT confirmed AS x FROM grades"),
    ("CASE WHEN ? > 1 THEN ? ELSE ? END", "SELECT year AS x FROM grades"),
    ("nullif(?, ?)", "SELECT year AS x FROM grades"),
    ("? IS DISTINCT FROM ?", "SELECT TRUE AS x"),
    ("? IN (?, TRUE)", "SELECT TRUE AS x"),
    ("length(CAST(? AS text) || CAST(? AS text))", "SELECT year AS x FROM grades"),
    (
        "CASE WHEN EXISTS (SELECT 1 AS one FROM notes WHERE year > ?) THEN ? ELSE 0 END",
        "SELECT year AS x FROM grades",
    ),
];

#[test]
fn sub_queries_that_double_what_they_name() {
    for (form, innermost) in DOUBLINGS {
        admitted(&nested(form, innermost, 2), &[]);
        too_large(&nested(form, innermost, 20), &[]);
    }
}

#[test]
fn the_same_through_tables_expressions_and_set_operations() {
    let chain = |link: &str| {
        let links: String =
            (1..20).map(|n| format!(", c{n} AS ({})", link.replace('?', &(n - 1).to_string()))).collect();
        format!("WITH c0 AS (SELECT 'a' AS x){links} SELECT count(x) AS n FROM c19")
    };
    // Each link names a table expression, and those may be named eight times in all.
    too_large(&chain("SELECT x || x AS x FROM c?"), &[]);
    too_large(&chain("SELECT a.x || b.x AS x FROM c? AS a CROSS JOIN c? AS b"), &[]);
    let unions = nested("? || ?", "SELECT 'a' AS x UNION ALL SELECT 'b'", 20);
    too_large(&unions, &[]);
    let ends: String = (0..20).fold("SELECT 'a' AS x".to_owned(), |inner, _| {
        format!("SELECT 'b' AS x EXCEPT SELECT x || x FROM ({inner}) AS s")
    });
    too_large(&ends, &[]);
    let joined = (0..20).fold("SELECT 'a' AS x".to_owned(), |inner, _| {
        format!("SELECT a.x || b.x || a.x AS x FROM ({inner}) AS a CROSS JOIN (SELECT 'b' AS x) AS b")
    });
    too_large(&joined, &[]);
    let (insert, update) = (
        "INSERT INTO notes (year, area, number, content) SELECT 1, 'a', 1, x FROM",
        "UPDATE notes SET content =",
    );
    let text = nested("? || ?", "SELECT max(name) AS x FROM learner", 20);
    too_large(&format!("{insert} ({text}) AS s"), &[]);
    too_large(&format!("{update} ({text} LIMIT 1)"), &[]);
    too_large(&format!("DELETE FROM notes WHERE content IN ({text})"), &[]);
    too_large(&format!("SELECT year FROM notes ORDER BY ({text} LIMIT 1)"), &[]);
    too_large(
        &format!("SELECT count(*) AS n FROM notes GROUP BY year HAVING max(content) = ({text} LIMIT 1)"),
        &[],
    );
    too_large(&format!("SELECT n.year FROM notes n JOIN grades g ON n.content = ({text} LIMIT 1)"), &[]);
}

#[test]
fn one_expression_that_makes_much_text() {
    let long = json!("a".repeat(100_000));
    // Each `||` of a row makes all that is to the left of it once more.
    admitted(&format!("SELECT $1{} AS x", " || $1".repeat(5)), std::slice::from_ref(&long));
    too_large(&format!("SELECT $1{} AS x", " || $1".repeat(30)), std::slice::from_ref(&long));
    too_large(&format!("SELECT name{} AS x FROM learner", " || name".repeat(100)), &[]);
    let columns: Vec<_> = (0..200).map(|n| format!("$1 || 'b' AS x{n}")).collect();
    too_large(&format!("SELECT {}", columns.join(", ")), std::slice::from_ref(&long));
    // One character becomes a long text, everywhere.
    too_large("SELECT replace($1, 'a', $2) AS x", &[long.clone(), long.clone()]);
    too_large("SELECT replace(content, 'a', $1) AS x FROM notes", &[json!("b".repeat(10_000))]);
    too_large("SELECT replace(content, area, content) AS x FROM notes", &[]);
    admitted("SELECT replace($1, 'a', 'bb') AS x", std::slice::from_ref(&long));
    admitted("SELECT replace(replace(replace(content, 'a', 'b'), 'c', ''), '', 'd') AS x FROM notes", &[]);
    admitted("SELECT replace(content, $1, $1) AS x FROM notes", &[json!("b".repeat(1000))]);
}

#[test]
fn a_long_pattern_in_a_long_text() {
    let (text, pattern) = (json!("a".repeat(100_000)), json!(format!("%{}b", "a".repeat(50_000))));
    for sql in ["SELECT $1 LIKE $2 AS x", "SELECT $1 NOT ILIKE $2 AS x", "SELECT replace($1, $2, '') AS x"] {
        too_large(sql, &[text.clone(), pattern.clone()]);
        admitted(sql, &[text.clone(), json!("%word%")]);
    }
    admitted("SELECT n.year FROM notes n JOIN learner l ON n.content LIKE '%' || l.name || '%'", &[]);
}

/// PostgreSQL writes out what is between two bounds, or in a list, more than once.
#[test]
fn comparisons_that_are_written_out() {
    let around = |form: &str| (0..23).fold("TRUE".to_owned(), |inner, _| form.replace('?', &inner));
    too_large(&format!("SELECT {} AS x", around("(?) BETWEEN FALSE AND TRUE")), &[]);
    too_large(&format!("SELECT {} AS x FROM grades", around("(?) IN (confirmed, TRUE)")), &[]);
}

/// The limits are far from what people ask for.
#[test]
fn what_is_long_and_honest_is_admitted() {
    let columns = "subject || coalesce(achievement, '-') || CAST(score AS text)";
    admitted(&format!("SELECT {} AS x FROM grades", [columns; 8].join(" || ', ' || ")), &[]);
    let one_of: Vec<_> = (0..30).map(|n| format!("subject = 's{n}'")).collect();
    admitted(&format!("SELECT * FROM grades WHERE {}", one_of.join(" OR ")), &[]);
    let like: Vec<_> = (0..30).map(|n| format!("content LIKE '%the word number {n}%'")).collect();
    admitted(&format!("SELECT * FROM notes WHERE {}", like.join(" OR ")), &[]);
    let arms: String = (0..100).map(|n| format!(" WHEN score < {n} THEN 'mark {n}'")).collect();
    let marks = format!("SELECT year, term, CASE{arms} ELSE 'none' END AS mark FROM grades");
    admitted(
        &format!(
            "SELECT mark, count(*) AS n, min(mark) AS a FROM ({marks}) AS m WHERE mark <> 'none' GROUP BY mark ORDER BY mark"
        ),
        &[],
    );
    let rows: Vec<_> = (0..150).map(|n| format!("(2026, 'area', {n}, $1)")).collect();
    admitted(
        &format!("INSERT INTO notes (year, area, number, content) VALUES {}", rows.join(", ")),
        &[json!("x".repeat(10_000))],
    );
    let wide =
        (0..10).fold("SELECT * FROM learner".to_owned(), |inner, _| format!("SELECT * FROM ({inner}) AS s"));
    admitted(&wide, &[]);
}

/// A stack that is too small ends the process, and with it everybody's requests.
#[test]
fn nothing_nests_so_deep_that_the_stack_ends() {
    let form = |before: &str, after: &str| format!("{}1{}", before.repeat(200), after.repeat(200));
    for sql in [
        nested("?", "SELECT 1 AS x", 200),
        format!("SELECT {}", form("(SELECT ", ")")),
        format!("SELECT {}", form("((SELECT max(year) FROM grades WHERE year = (", ")))")),
        format!("SELECT 1 WHERE {}", form("EXISTS (SELECT 1 AS x WHERE ", ")")),
        form("WITH a AS (", ")"),
        form("(", ")"),
    ] {
        assert!(admit(&sql, &[]).is_err(), "{sql}");
    }
    for levels in 1..48 {
        let _ = admit(&nested("(? + (SELECT max(year) FROM grades LIMIT 1))", "SELECT 1 AS x", levels), &[]);
    }
}
