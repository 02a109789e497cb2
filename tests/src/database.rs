//! The records database, looked at directly: what the gateway says of itself is not taken for granted.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use sillok_contract::{
    entry::EntryId,
    id::{LearnerId, SchoolId},
};
use tokio_postgres::NoTls;

use crate::patience::until;

/// A records database that a scenario has for its own.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file.
    Sqlite(PathBuf),
    /// A database on a server.
    Postgres {
        /// Of the server's own database: makes and drops others.
        server: String,
        /// The database's name.
        name: String,
    },
}

/// Where an entry stands in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outboxed {
    /// The entry.
    pub id: EntryId,
    /// 0 pending, 1 recorded, 2 set aside.
    pub state: i64,
    /// Its batch.
    pub batch: Option<i64>,
    /// Its leaf.
    pub leaf: Option<i64>,
    /// Why it was set aside.
    pub code: Option<String>,
}

/// Where a signature stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Its id.
    pub id: [u8; 32],
    /// SHA-256 of the document.
    pub hash: [u8; 32],
    /// `created`, `valid`, `invalid`, `recorded` or `refused`.
    pub state: String,
    /// The ledger's transaction, once it is recorded.
    pub transaction: Option<String>,
}

/// A mark: learner, year, term, subject and score.
pub type Mark = (String, i64, i64, String, Option<i64>);

impl Database {
    /// A database of its own on a server.
    pub async fn make(server: &str, name: &str) -> Self {
        let made = Self::Postgres { server: server.to_owned(), name: name.to_owned() };
        run(server, &format!("CREATE DATABASE {name}")).await;
        made
    }

    /// As the gateway's configuration names it.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres { server, name } => {
                format!("{}/{name}", server.rsplit_once('/').expect("a URL names a database").0)
            }
        }
    }

    /// The same, its server reached at this address.
    pub fn url_by(&self, address: SocketAddr) -> String {
        self.url().replace(&self.server().to_string(), &address.to_string())
    }

    /// Where its server listens.
    pub fn server(&self) -> SocketAddr {
        let url = self.url();
        let address = url.rsplit_once('@').and_then(|(_, rest)| rest.split_once('/'));
        address.expect("a server's URL names an address").0.parse().unwrap()
    }

    /// Keeps a copy of it as it is. Nobody has it open.
    pub async fn back_up(&self) {
        match self {
            Self::Sqlite(path) => {
                let copy = path.with_extension("backup");
                rusqlite::Connection::open(path).unwrap().execute("VACUUM INTO ?1", [copy.to_str()]).unwrap();
            }
            Self::Postgres { server, name } => {
                self.let_everybody_go().await;
                run(server, &format!("CREATE DATABASE {name}_backup TEMPLATE {name}")).await;
            }
        }
    }

    /// Puts the copy in its place, as the database's administrator can. Nobody has it open.
    pub async fn restore_backup(&self) {
        changed().insert(self.url());
        match self {
            Self::Sqlite(path) => {
                let connection = rusqlite::Connection::open(path).unwrap();
                connection.busy_timeout(crate::patience::PATIENCE).unwrap();
                let copy = path.with_extension("backup");
                connection.execute("ATTACH ?1 AS old", [copy.to_str()]).unwrap();
                let tables =
                    "SELECT name FROM old.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
                let mut tables = connection.prepare(tables).unwrap();
                let each = tables.query_map([], |row| row.get::<_, String>(0)).unwrap().map(|name| {
                    let name = name.unwrap();
                    format!("DELETE FROM main.{name}; INSERT INTO main.{name} SELECT * FROM old.{name};")
                });
                let each: String = each.collect();
                connection.execute_batch(&format!("BEGIN IMMEDIATE; {each} COMMIT")).unwrap();
            }
            Self::Postgres { server, name } => {
                self.let_everybody_go().await;
                let slots = format!(
                    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '{name}'"
                );
                run(server, &slots).await;
                run(server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
                run(server, &format!("CREATE DATABASE {name} TEMPLATE {name}_backup")).await;
                run(server, &format!("DROP DATABASE {name}_backup")).await;
            }
        }
    }

    /// Ends every connection to a database of a server.
    async fn let_everybody_go(&self) {
        let Self::Postgres { server, name } = self else { return };
        let client = connect(server).await.unwrap();
        until("nobody has the database open", async || {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
            client.query(end, &[name]).await.unwrap().is_empty().then_some(())
        })
        .await;
    }

    /// Runs statements on a database of a server.
    pub async fn run(&self, sql: &str) {
        run(&self.url(), sql).await;
    }

    /// Changes something, as the database's administrator can: past the gateway.
    pub async fn change(&self, sql: &str) {
        changed().insert(self.url());
        match self {
            Self::Postgres { .. } => self.run(sql).await,
            Self::Sqlite(path) => {
                let connection = rusqlite::Connection::open(path).unwrap();
                connection.busy_timeout(crate::patience::PATIENCE).unwrap();
                connection.execute_batch(sql).unwrap();
            }
        }
    }

    /// Whether [`Database::change`] was used on it: then there may be more alerts than a scenario knows of.
    pub fn was_changed(&self) -> bool {
        changed().contains(&self.url())
    }

    /// Bytes as a literal of SQL.
    pub fn blob(&self, bytes: &[u8]) -> String {
        match self {
            Self::Sqlite(_) => format!("x'{}'", hex::encode(bytes)),
            Self::Postgres { .. } => format!("'\\x{}'::bytea", hex::encode(bytes)),
        }
    }

    /// Keeps a copy of some entries of the outbox beside it.
    pub async fn keep(&self, condition: &str) -> Kept<'_> {
        let table = format!("kept_{}", hex::encode(rand::random::<[u8; 4]>()));
        self.change(&format!("CREATE TABLE {table} AS SELECT * FROM sillok_entries WHERE {condition}")).await;
        Kept { database: self, table }
    }

    /// How many rows a query gives on a database of a server.
    pub async fn count(&self, sql: &str) -> usize {
        connect(&self.url()).await.unwrap().query(sql, &[]).await.unwrap().len()
    }

    /// How many rows of Sillok's own tables hold this text.
    pub async fn rows_with(&self, text: &str) -> usize {
        let mut found = 0;
        for (table, column) in
            [("sillok_entries", "bytes"), ("sillok_requests", "outcome"), ("sillok_batches", "receipt")]
        {
            let place = match self {
                Self::Sqlite(_) => format!("instr({column}, {}) > 0", self.blob(text.as_bytes())),
                Self::Postgres { .. } => {
                    format!("position({} in {column}) > 0", self.blob(text.as_bytes()))
                }
            };
            let sql = format!("SELECT 1 FROM {table} WHERE {place}");
            found += match self {
                Self::Sqlite(path) => {
                    let connection = open(path);
                    let mut rows = connection.prepare(&sql).unwrap();
                    rows.query_map([], |_| Ok(())).unwrap().count()
                }
                Self::Postgres { .. } => self.count(&sql).await,
            };
        }
        found
    }

    /// Drops it from its server; a file goes with its directory.
    pub async fn drop_it(&self) {
        let Self::Postgres { server, name } = self else { return };
        let client = connect(server).await.unwrap();
        // For a moment somebody may still hear its replication slot, or vacuum it.
        until("the scenario's database is dropped", async || {
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            client.batch_execute(&drop).await.ok()
        })
        .await;
    }

    /// A school's outbox in the order of execution.
    pub async fn outbox(&self, school: &SchoolId) -> Vec<Outboxed> {
        const COLUMNS: &str = "SELECT id, CASE WHEN code IS NOT NULL THEN 2
                WHEN batch IN (SELECT sequence FROM sillok_batches b WHERE b.school = e.school AND receipt IS NOT NULL)
                THEN 1 ELSE 0 END, batch, leaf, code FROM sillok_entries e WHERE school =";
        match self {
            Self::Sqlite(path) => {
                let connection = open(path);
                let mut statement = connection.prepare(&format!("{COLUMNS} ?1 ORDER BY number")).unwrap();
                let read = |row: &rusqlite::Row<'_>| {
                    Ok(Outboxed {
                        id: entry(&row.get::<_, Vec<u8>>(0)?),
                        state: row.get(1)?,
                        batch: row.get(2)?,
                        leaf: row.get(3)?,
                        code: row.get(4)?,
                    })
                };
                statement.query_map([school.as_str()], read).unwrap().map(Result::unwrap).collect()
            }
            Self::Postgres { .. } => {
                let client = connect(&self.url()).await.unwrap();
                let sql = format!("{COLUMNS} $1 ORDER BY number");
                let rows = client.query(&sql, &[&school.as_str()]).await.unwrap();
                let read = |row: &tokio_postgres::Row| Outboxed {
                    id: entry(&row.get::<_, Vec<u8>>(0)),
                    state: row.get::<_, i32>(1).into(),
                    batch: row.get(2),
                    leaf: row.get::<_, Option<i32>>(3).map(i64::from),
                    code: row.get(4),
                };
                rows.iter().map(read).collect()
            }
        }
    }

    /// All signatures, in the order of their ids.
    pub async fn signatures(&self) -> Vec<Signed> {
        const SIGNATURES: &str = "SELECT id, hash, state, transaction_id FROM sillok_signatures ORDER BY id";
        let digest = |bytes: Vec<u8>| bytes.try_into().expect("a digest has 32 bytes");
        match self {
            Self::Sqlite(path) => {
                let connection = open(path);
                let mut statement = connection.prepare(SIGNATURES).unwrap();
                let read = |row: &rusqlite::Row<'_>| {
                    let (id, hash) = (digest(row.get(0)?), digest(row.get(1)?));
                    Ok(Signed { id, hash, state: row.get(2)?, transaction: row.get(3)? })
                };
                statement.query_map([], read).unwrap().map(Result::unwrap).collect()
            }
            Self::Postgres { .. } => {
                let rows = connect(&self.url()).await.unwrap().query(SIGNATURES, &[]).await.unwrap();
                let read = |row: &tokio_postgres::Row| {
                    let (id, hash) = (digest(row.get(0)), digest(row.get(1)));
                    Signed { id, hash, state: row.get(2), transaction: row.get(3) }
                };
                rows.iter().map(read).collect()
            }
        }
    }

    /// How many signatures are in one of these states.
    pub async fn signatures_in(&self, states: &[&str]) -> usize {
        let states: Vec<_> = states.iter().map(|state| format!("'{state}'")).collect();
        let sql = format!("SELECT count(*) FROM sillok_signatures WHERE state IN ({})", states.join(", "));
        let count: i64 = match self {
            Self::Sqlite(path) => open(path).query_row(&sql, [], |row| row.get(0)).unwrap(),
            Self::Postgres { .. } => {
                connect(&self.url()).await.unwrap().query_one(&sql, &[]).await.unwrap().get(0)
            }
        };
        count.unsigned_abs() as usize
    }

    /// The bytes of all entries, in the order of execution.
    pub async fn entries(&self) -> Vec<Vec<u8>> {
        const ENTRIES: &str = "SELECT bytes FROM sillok_entries ORDER BY number";
        match self {
            Self::Sqlite(path) => {
                let connection = open(path);
                let mut statement = connection.prepare(ENTRIES).unwrap();
                statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            }
            Self::Postgres { .. } => {
                let rows = connect(&self.url()).await.unwrap().query(ENTRIES, &[]).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// The marks of a learner, in the order of their key.
    pub async fn marks(&self, learner: &LearnerId) -> Vec<Mark> {
        const COLUMNS: &str = "SELECT learner, year, term, subject, score FROM grades WHERE learner =";
        const ORDER: &str = "ORDER BY year, term, subject";
        match self {
            Self::Sqlite(path) => {
                let connection = open(path);
                let mut statement = connection.prepare(&format!("{COLUMNS} ?1 {ORDER}")).unwrap();
                let read = |row: &rusqlite::Row<'_>| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
                };
                statement.query_map([learner.as_str()], read).unwrap().map(Result::unwrap).collect()
            }
            Self::Postgres { .. } => {
                let client = connect(&self.url()).await.unwrap();
                let sql = format!("{COLUMNS} $1 {ORDER}");
                let rows = client.query(&sql, &[&learner.as_str()]).await.unwrap();
                rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))).collect()
            }
        }
    }

    /// Each learner's marks in the order of the terms, and days absent.
    pub async fn years(&self) -> Vec<(Vec<i64>, i64)> {
        const MARKS: &str = "SELECT learner, score FROM grades ORDER BY learner, term";
        const ABSENCES: &str = "SELECT learner, absent FROM attendance ORDER BY learner";
        let mut years: BTreeMap<String, (Vec<i64>, i64)> = BTreeMap::new();
        for (learner, score) in self.numbers(MARKS).await {
            years.entry(learner).or_default().0.push(score);
        }
        for (learner, absent) in self.numbers(ABSENCES).await {
            years.entry(learner).or_default().1 += absent;
        }
        years.into_values().collect()
    }

    async fn numbers(&self, sql: &str) -> Vec<(String, i64)> {
        match self {
            Self::Sqlite(path) => {
                let connection = open(path);
                let mut statement = connection.prepare(sql).unwrap();
                let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
                rows.unwrap().map(Result::unwrap).collect()
            }
            Self::Postgres { .. } => {
                let rows = connect(&self.url()).await.unwrap().query(sql, &[]).await.unwrap();
                rows.iter().map(|row| (row.get(0), row.get(1))).collect()
            }
        }
    }

    /// Which gateway writes a school's batches, by the name in its lease.
    pub async fn owner(&self, school: &SchoolId) -> Option<String> {
        const OWNER: &str = "SELECT owner FROM sillok_leases WHERE school =";
        match self {
            Self::Sqlite(path) => {
                open(path).query_row(&format!("{OWNER} ?1"), [school.as_str()], |row| row.get(0)).ok()
            }
            Self::Postgres { .. } => {
                let client = connect(&self.url()).await.ok()?;
                let row = client.query_opt(&format!("{OWNER} $1"), &[&school.as_str()]).await.ok()?;
                row.map(|row| row.get(0))
            }
        }
    }
}

/// The databases that were changed past the gateway.
fn changed() -> MutexGuard<'static, BTreeSet<String>> {
    static CHANGED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    CHANGED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Entries of the outbox, kept as they were.
pub struct Kept<'d> {
    database: &'d Database,
    table: String,
}

impl Kept<'_> {
    /// Deletes them from the outbox.
    pub async fn delete(&self) {
        let Self { database, table } = self;
        database.change(&format!("DELETE FROM sillok_entries WHERE id IN (SELECT id FROM {table})")).await;
    }

    /// Puts them back as they were.
    pub async fn put_back(&self) {
        self.delete().await;
        let Self { database, table } = self;
        let overriding = match database {
            Database::Sqlite(_) => "",
            Database::Postgres { .. } => "OVERRIDING SYSTEM VALUE",
        };
        database.change(&format!("INSERT INTO sillok_entries {overriding} SELECT * FROM {table}")).await;
    }

    /// Lets the copy go.
    pub async fn forget(self) {
        self.database.change(&format!("DROP TABLE {}", self.table)).await;
    }
}

fn open(path: &Path) -> rusqlite::Connection {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = rusqlite::Connection::open_with_flags(path, flags).unwrap();
    connection.busy_timeout(crate::patience::PATIENCE).unwrap();
    connection
}

async fn connect(url: &str) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn run(url: &str, sql: &str) {
    connect(url).await.unwrap().batch_execute(sql).await.unwrap();
}

fn entry(bytes: &[u8]) -> EntryId {
    EntryId(bytes.try_into().expect("an entry's id has 32 bytes"))
}
