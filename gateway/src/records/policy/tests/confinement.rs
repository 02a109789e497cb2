//! Whatever the policy lets through stays within its learner: statements are made at random out of what SQL and
//! attackers use, mutated, and those that are admitted run on a database with another learner's rows in it.

use proptest::{prelude::*, sample::select};
use rusqlite::{Connection, types::ValueRef};

use super::{super::super::schema::Schema, LEGITIMATE, admit};
use crate::records::Statement;

/// What only the other learner's rows hold.
const SECRET: &str = "SECRET";

/// Beginnings that make more of what follows a statement.
const BEGINNINGS: &[&str] = &[
    "SELECT * FROM grades",
    "SELECT g.subject, n.content FROM grades g JOIN notes n ON g.year = n.year",
    "SELECT count(*) AS n FROM grades",
    "SELECT subject FROM grades WHERE score > 1",
    "UPDATE grades SET score = score + 1",
    "UPDATE notes SET content = 'x' WHERE number = 1",
    "DELETE FROM grades",
    "DELETE FROM notes WHERE number = 1",
    "INSERT INTO notes (year, area, number, content) VALUES (1, 'a', 7, 'x')",
    "INSERT INTO notes (year, area, number, content) SELECT year, area, number + 50, content FROM notes",
];

/// What may follow, or be put anywhere.
const PIECES: &[&str] = &[
    " WHERE TRUE",
    " OR TRUE",
    " OR 1 = 1",
    " AND TRUE",
    ") OR (TRUE",
    " WHERE learner = 'learner-2'",
    " WHERE learner <> 'learner-1'",
    " OR learner = 'learner-2'",
    " OR EXISTS (SELECT 1 AS a FROM notes)",
    " WHERE year IN (SELECT year FROM grades)",
    " UNION SELECT content FROM notes",
    " UNION ALL SELECT subject FROM grades",
    ", learner",
    ", notes",
    ", grades AS other",
    " CROSS JOIN learner AS l",
    " LEFT JOIN grades AS o ON TRUE",
    " FULL JOIN grades AS o ON o.score > 0",
    " ORDER BY 1",
    " LIMIT 5",
    " OFFSET 1",
    " RETURNING *",
    " ON CONFLICT DO NOTHING",
    " ON CONFLICT (learner, year, area, number) DO UPDATE SET content = excluded.content",
    " ON CONFLICT (learner, year, area, number) DO UPDATE SET content = notes.content WHERE TRUE",
    " GROUP BY 1",
    " HAVING TRUE",
    "; DELETE FROM grades",
    " --",
    "/*",
    "*/",
    "'",
    "''",
    "\"",
    "\\",
    "$1",
    "(",
    ")",
    "$$",
    ";",
    "\n",
    " learner",
    " 'learner-2'",
    " SET learner = 'learner-2'",
    ", learner = 'learner-2'",
    " FROM grades",
    " USING notes",
    " FROM notes WHERE TRUE",
    " rowid",
    " sqlite_master",
    " main.grades",
    " \"grades\"",
    " AS grades",
    " AS learner",
    " WITH x AS (SELECT * FROM notes) ",
    "(SELECT max(content) FROM notes)",
    " x",
    " t0",
    " t1",
    " \"t1\".\"learner\"",
];

/// Conditions that hold for others' rows too.
const CONDITIONS: &[&str] = &[
    "TRUE",
    "1 = 1",
    "learner = 'learner-2'",
    "learner <> 'learner-1'",
    "learner IS NOT NULL",
    "year > 7000",
    "year IN (SELECT year FROM grades)",
    "EXISTS (SELECT 1 AS a FROM learner WHERE learner = 'learner-2')",
    "learner IN (SELECT learner FROM learner)",
    "year = (SELECT max(year) FROM notes)",
    "NULL",
    "year BETWEEN 0 AND 9000",
    "learner LIKE '%'",
    "learner ILIKE 'LEARNER-_'",
    "coalesce(NULL, TRUE)",
    "CASE WHEN learner = 'learner-2' THEN TRUE ELSE FALSE END",
    "learner IS DISTINCT FROM 'learner-1'",
];

fn condition() -> impl Strategy<Value = String> {
    let leaf = select(CONDITIONS).prop_map(str::to_owned);
    leaf.prop_recursive(3, 8, 2, |inner| {
        let two =
            (inner.clone(), select(&["AND", "OR", "OR NOT", "IS DISTINCT FROM", "="][..]), inner.clone());
        prop_oneof![
            two.prop_map(|(left, how, right)| format!("({left}) {how} ({right})")),
            inner.prop_map(|inner| format!("NOT ({inner})")),
        ]
    })
}

/// Well-formed statements of which most are admitted.
fn composed() -> impl Strategy<Value = String> {
    let forms: &[&str] = &[
        "SELECT * FROM grades WHERE ?",
        "SELECT * FROM notes WHERE ? ORDER BY 1",
        "SELECT count(*) AS n, max(year) AS y, min(learner) AS l FROM grades WHERE ?",
        "SELECT n.content FROM notes n WHERE ? UNION SELECT name FROM learner",
        "SELECT x.year FROM (SELECT * FROM grades WHERE ?) AS x FULL JOIN awards a ON a.participants = x.year",
        "WITH grades AS (SELECT * FROM notes WHERE ?) SELECT content FROM grades",
        "SELECT l.name, (SELECT max(content) FROM notes WHERE ?) AS c FROM learner l",
        "SELECT year, count(*) AS n FROM attendance WHERE ? GROUP BY year HAVING count(*) > 0",
        "UPDATE grades SET score = 1 WHERE ?",
        "UPDATE notes SET content = (SELECT max(subject) FROM grades WHERE ?)",
        "UPDATE enrolment AS t1 SET status = 'x' WHERE ?",
        "DELETE FROM attendance WHERE year = 1 OR ?",
        "DELETE FROM notes WHERE ?",
        "DELETE FROM grades AS learner WHERE ?",
        "INSERT INTO grades (year, term, subject) SELECT year + 10, 1, area FROM notes WHERE ?",
        "INSERT INTO notes (year, area, number, content) VALUES (1, 'mine', 1, 'x') \
         ON CONFLICT (learner, year, area, number) DO UPDATE SET content = 'x' WHERE notes.year > 0",
    ];
    (select(forms), condition()).prop_map(|(form, condition)| form.replace('?', &condition))
}

fn statement() -> impl Strategy<Value = String> {
    prop_oneof![mutated(), composed()]
}

fn mutated() -> impl Strategy<Value = String> {
    let beginning = select([BEGINNINGS, LEGITIMATE].concat());
    let edit = (any::<prop::sample::Index>(), select(PIECES), 0..8usize, 0..12usize);
    (beginning, prop::collection::vec(edit, 1..4)).prop_map(|(beginning, edits)| {
        let mut sql: Vec<char> = beginning.chars().collect();
        for (place, piece, how, cut) in edits {
            let at = if how < 6 { sql.len() } else { place.index(sql.len() + 1) };
            let until = if how == 7 { (at + cut).min(sql.len()) } else { at };
            sql.splice(at..until, piece.chars());
        }
        sql.into_iter().collect()
    })
}

fn database() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(include_str!("../../schema/sqlite/001_school_record.sql")).unwrap();
    for (learner, text, base) in [("learner-1", "mine", 0), ("learner-2", SECRET, 7000)] {
        for n in 1..4 {
            let sql = format!(
                "INSERT INTO grades VALUES ('{learner}', {base} + {n}, 1, '{text}{n}', 50, '{text}', 1, 1, NULL);
                 INSERT INTO notes VALUES ('{learner}', {base} + {n}, '{text}', {n}, '{text}', '{text}');
                 INSERT INTO awards VALUES ('{learner}', '2026-01-0{n}', '{text}', '{text}', '{text}', {base});
                 INSERT INTO attendance VALUES ('{learner}', {base} + {n}, 1, {base}, {base}, 0, 0, '{text}');
                 INSERT INTO enrolment VALUES ('{learner}', {base} + {n}, '{text}', 1, 1, 1, '{text}', NULL);"
            );
            connection.execute_batch(&sql).unwrap();
        }
        let sql = "INSERT INTO learner VALUES (?1, ?2, NULL, ?2, ?2, NULL)";
        connection.execute(sql, [learner, text]).unwrap();
    }
    connection
}

/// All rows of the tables by a condition on the learner, as text.
fn rows(connection: &Connection, condition: &str) -> Vec<String> {
    let schema = Schema::school_record();
    let of_table = |table: &String| {
        cells(connection, &format!("SELECT * FROM {table} WHERE {condition} ORDER BY 1, 2, 3"), &[])
    };
    schema.tables.keys().flat_map(|table| of_table(table).unwrap()).collect()
}

/// What the statement gives, row by row; none if the database refuses it.
fn cells(connection: &Connection, sql: &str, parameters: &[serde_json::Value]) -> Option<Vec<String>> {
    let mut prepared = connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    for (index, value) in parameters.iter().enumerate() {
        let name = format!("${}", index + 1);
        let position = prepared.parameter_index(&name).unwrap().unwrap();
        match value {
            serde_json::Value::String(text) => prepared.raw_bind_parameter(position, text).unwrap(),
            serde_json::Value::Bool(truth) => prepared.raw_bind_parameter(position, truth).unwrap(),
            number => match number.as_i64() {
                Some(integer) => prepared.raw_bind_parameter(position, integer).unwrap(),
                None => prepared.raw_bind_parameter(position, number.as_f64().unwrap()).unwrap(),
            },
        }
    }
    let columns = prepared.column_count();
    let mut found = Vec::new();
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next().ok()? {
        let cell = |index| match row.get_ref(index).unwrap() {
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
            other => format!("{other:?}"),
        };
        found.push((0..columns).map(cell).collect::<Vec<_>>().join("|"));
    }
    Some(found)
}

/// Runs it, and looks at what it gave and at what is left.
fn stays_confined(sql: &str, statement: &Statement) {
    let connection = database();
    let others = rows(&connection, "learner <> 'learner-1'");
    let given = cells(&connection, &statement.sql, &statement.parameters);
    assert_eq!(rows(&connection, "learner <> 'learner-1'"), others, "{sql}\nran as {}", statement.sql);
    for text in given.unwrap_or_default().into_iter().chain(rows(&connection, "learner = 'learner-1'")) {
        assert!(
            !text.contains(SECRET) && !text.contains("700"),
            "{sql}\nran as {}\nand gave {text}",
            statement.sql
        );
    }
    // Nor does what others have change what it gives.
    let alone = database();
    for table in Schema::school_record().tables.keys() {
        alone.execute_batch(&format!("DELETE FROM {table} WHERE learner <> 'learner-1'")).unwrap();
    }
    let sorted = |rows: Option<Vec<String>>| {
        rows.map(|mut rows| {
            rows.sort();
            rows
        })
    };
    let connection = database();
    let unlimited = !sql.to_uppercase().contains("LIMIT") && !sql.to_uppercase().contains("OFFSET");
    if unlimited {
        assert_eq!(
            sorted(cells(&connection, &statement.sql, &statement.parameters)),
            sorted(cells(&alone, &statement.sql, &statement.parameters)),
            "{sql}\nran as {}",
            statement.sql
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_admitted_stays_within_its_learner(sql in statement()) {
        if let Ok(statement) = admit(&sql, &[]) {
            stays_confined(&sql, &statement);
        }
    }

    #[test]
    fn no_text_makes_it_panic(sql in "\\PC{0,200}", params in prop::collection::vec("\\PC{0,20}", 0..3)) {
        let params: Vec<_> = params.into_iter().map(serde_json::Value::String).collect();
        let _ = admit(&sql, &params);
    }

    #[test]
    fn no_pieces_of_sql_make_it_panic(pieces in prop::collection::vec(select(PIECES), 0..40)) {
        let _ = admit(&format!("SELECT {}", pieces.concat()), &[]);
    }
}

#[test]
fn every_legitimate_statement_stays_within_its_learner() {
    for sql in LEGITIMATE.iter().chain(BEGINNINGS) {
        stays_confined(sql, &admit(sql, &[]).unwrap());
    }
}

/// The generator is worth something only if much of what it makes is admitted, mutated as it is.
#[test]
fn many_of_the_random_statements_are_admitted() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let random = (0..1000).map(|_| statement().new_tree(&mut runner).unwrap().current());
    let admitted =
        random.filter(|sql| !LEGITIMATE.contains(&sql.as_str()) && admit(sql, &[]).is_ok()).count();
    assert!(admitted > 300, "{admitted} of 1000");
}

/// The harness is worth something only if it finds what is not confined.
#[test]
#[should_panic(expected = "SECRET")]
fn the_harness_finds_a_leak() {
    let statement = admit("SELECT content FROM notes", &[]).unwrap();
    let sql = statement.sql.replace("= CAST($1 AS text)", "<> CAST($1 AS text)");
    stays_confined("a leak", &Statement { sql, ..statement });
}
