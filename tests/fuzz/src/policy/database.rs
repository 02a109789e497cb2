//! A statement runs on two databases that differ in other learners' rows alone. It changes none of these, and what it
//! gives and leaves of its own learner's rows is the same on both: so it neither reads nor writes them.

use rusqlite::{Connection, ErrorCode, config::DbConfig, limits::Limit, types::ValueRef};
use serde_json::Value;
use sillok_gateway::records::{Statement, schema::Schema};

use super::LEARNER;

/// SQLite's steps after which a statement is given up.
const MAX_STEPS: i32 = 1_000_000;
/// The longest text a statement may make, in bytes.
const MAX_TEXT: i32 = 1 << 20;

thread_local! {
    static CROWDED: Connection = database(&[(LEARNER, "mine", 0), ("learner-2", "theirs", 7000)]);
    static ALONE: Connection = database(&[(LEARNER, "mine", 0)]);
}

/// Runs it on both, and takes it back.
pub(crate) fn stays_confined(sql: &str, statement: &Statement) {
    let ran = |connection: &Connection| run(connection, statement);
    let (crowded, alone) = (CROWDED.with(ran), ALONE.with(ran));
    assert_eq!(
        crowded.others,
        CROWDED.with(|connection| rows(connection, "<>")),
        "{sql}\nran as {}",
        statement.sql
    );
    assert!(alone.others.is_empty(), "{sql}\nran as {}", statement.sql);
    // Which rows a LIMIT keeps may depend on how the database walks its tables, and how long that takes on their size.
    let comparable = !statement.sql.contains(" LIMIT ") && !crowded.given_up && !alone.given_up;
    if comparable {
        assert_eq!(crowded.given, alone.given, "{sql}\nran as {}", statement.sql);
        assert_eq!(crowded.left, alone.left, "{sql}\nran as {}", statement.sql);
    }
}

/// What came of it.
struct Ran {
    /// The rows it gave, sorted; none if the database refused it.
    given: Option<Vec<String>>,
    /// Whether it was too much to run to its end.
    given_up: bool,
    /// Its learner's rows afterwards.
    left: Vec<String>,
    /// The others' rows afterwards.
    others: Vec<String>,
}

fn run(connection: &Connection, statement: &Statement) -> Ran {
    connection.execute_batch("BEGIN").expect("no transaction is open");
    let given = cells(connection, &statement.sql, &statement.parameters);
    let given_up = given.as_ref().is_err_and(|error| *error == ErrorCode::OperationInterrupted);
    let (left, others) = (rows(connection, "="), rows(connection, "<>"));
    let ran = Ran { given: given.ok(), given_up, left, others };
    connection.execute_batch("ROLLBACK").expect("a transaction is open");
    ran
}

fn database(learners: &[(&str, &str, i64)]) -> Connection {
    let mut connection = Connection::open_in_memory().expect("memory is there");
    let mut set_up = || {
        connection.pragma_update(None, "case_sensitive_like", true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_TEXT)?;
        // A statement may join a table with itself again and again.
        connection.progress_handler(MAX_STEPS, Some(|| true))?;
        connection.execute_batch(include_str!(
            "../../../../gateway/src/records/schema/sqlite/001_school_record.sql"
        ))
    };
    set_up().expect("the example schema is SQL");
    learners.iter().for_each(|(learner, text, base)| fill(&connection, learner, text, *base));
    connection
}

fn fill(connection: &Connection, learner: &str, text: &str, base: i64) {
    let mut sql =
        format!("INSERT INTO learner VALUES ('{learner}', '{text}', NULL, '{text}', '{text}', NULL);");
    for n in 1..3 {
        sql += &format!(
            "INSERT INTO grades VALUES ('{learner}', {base} + {n}, 1, '{text}{n}', 50, '{text}', 1, 1, NULL);
             INSERT INTO notes VALUES ('{learner}', {base} + {n}, '{text}', {n}, '{text}', '{text}');
             INSERT INTO awards VALUES ('{learner}', '2026-01-0{n}', '{text}', '{text}', '{text}', {base});
             INSERT INTO attendance VALUES ('{learner}', {base} + {n}, 1, {base}, {base}, 0, 0, '{text}');
             INSERT INTO enrolment VALUES ('{learner}', {base} + {n}, '{text}', 1, 1, 1, '{text}', NULL);"
        );
    }
    connection.execute_batch(&sql).expect("the rows are of the example schema");
}

/// All rows of the tables whose learner compares so with the query's.
fn rows(connection: &Connection, comparison: &str) -> Vec<String> {
    let of_table = |table: &String| {
        let sql = format!("SELECT * FROM {table} WHERE learner {comparison} $1");
        cells(connection, &sql, &[LEARNER.into()]).expect("the table is there")
    };
    Schema::school_record().tables.keys().flat_map(of_table).collect()
}

/// What the statement gives, sorted, or why the database refuses it once it runs. That it is SQL to SQLite is certain.
fn cells(connection: &Connection, sql: &str, parameters: &[Value]) -> Result<Vec<String>, ErrorCode> {
    let mut prepared = connection.prepare_cached(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    for (index, value) in parameters.iter().enumerate() {
        let place = prepared.parameter_index(&format!("${}", index + 1)).expect("it has a name");
        let place = place.unwrap_or_else(|| panic!("{sql} lacks ${}", index + 1));
        let bound = match value {
            Value::String(text) => prepared.raw_bind_parameter(place, text),
            Value::Bool(truth) => prepared.raw_bind_parameter(place, truth),
            number => match number.as_i64() {
                Some(integer) => prepared.raw_bind_parameter(place, integer),
                None => prepared.raw_bind_parameter(place, number.as_f64()),
            },
        };
        bound.expect("the place is there");
    }
    let columns = prepared.column_count();
    let (mut rows, mut found) = (prepared.raw_query(), Vec::new());
    let refused = |error: rusqlite::Error| error.sqlite_error_code().unwrap_or(ErrorCode::Unknown);
    while let Some(row) = rows.next().map_err(refused)? {
        let cell = |index| match row.get_ref(index) {
            Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            other => format!("{other:?}"),
        };
        found.push((0..columns).map(cell).collect::<Vec<_>>().join("|"));
    }
    found.sort_unstable();
    Ok(found)
}
