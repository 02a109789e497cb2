//! A town for the tests: real engines, two schools with their educators and learners.

use std::{collections::BTreeSet, future::Future, ops::Deref, path::PathBuf, sync::Arc, time::Duration};

use serde_json::json;
use sillok_contract::{
    id::{LearnerId, MspId, SchoolId},
    registry::BatchSettings,
};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    archive::{OfficeKeys, TableArchive, Vault},
    clock::now,
    events,
    keys::{
        Asked, SignedQueries,
        held::{self, LazyKeys},
    },
    ledger::{
        Ledger,
        consortium::Consortium,
        contract::Contract,
        embedded::Embedded,
        school::{self, Plan, School},
    },
    monitor,
    problem::Problem,
    records::{self, EntryStatus, Records, policy::Policy, schema::Schema},
    service::{Caller, Clock, Parts, RequestState, Service, Settings, system_clock},
};

pub(super) const AUDIENCE: &str = "town";
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Town {
    pub(super) ledger: Embedded,
    pub(super) records: Arc<dyn Records>,
    /// Signed in as the education office's administrator.
    pub(super) office: Contract,
    pub(super) schools: Vec<Classes>,
    /// The records database's file.
    database: PathBuf,
    /// Removed with the town.
    directory: TempDir,
}

/// Tests work at all hours.
fn around_the_clock() -> monitor::Settings {
    let hours = monitor::HoursSettings { from_hour: 0, to_hour: 24, ..Default::default() };
    monitor::Settings { hours, ..Default::default() }
}

pub(super) fn settings() -> Settings {
    let mut settings = Settings { audience: AUDIENCE.to_owned(), ..Settings::default() };
    settings.batches.poll_ms = 20;
    settings.batches.lease_ms = 300;
    settings.batches.retry_min_ms = 5;
    settings.batches.retry_max_ms = 50;
    settings.batches.drain_ms = 20_000;
    settings.standing.absent_ms = 20;
    settings
}

impl Town {
    /// Batches close at `max_entries`, or when the oldest entry is `max_age_ms` old.
    pub(super) async fn found(max_entries: u32, max_age_ms: u32) -> Self {
        Self::found_by(now, max_entries, max_age_ms).await
    }

    /// The same, with this clock in the ledger.
    pub(super) async fn found_by(clock: fn() -> i64, max_entries: u32, max_age_ms: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ledger = Embedded::open(directory.path().join("ledger"), clock).unwrap();
        let database = directory.path().join("records.db");
        let url = format!("sqlite:{}", database.display());
        let records = records::open(&records::Settings { url, ..Default::default() }).await.unwrap();
        let consortium = Consortium::Embedded(ledger.clone());
        school::register_offices(&consortium).await.unwrap();
        let mut schools = Vec::new();
        for name in ["north", "south"] {
            let batch = BatchSettings { max_entries, max_age_ms };
            let plan = Plan { batch, ..Plan::new(SchoolId::new(name).unwrap(), 2, 6).unwrap() };
            schools.push(Classes(school::register(&consortium, &plan, AUDIENCE).await.unwrap()));
        }
        let office = consortium.administrator("OfficeMSP").unwrap();
        Self { ledger, records, office, schools, database, directory }
    }

    pub(super) fn service(&self, settings: Settings) -> Service {
        self.service_on(self.records.clone(), Arc::new(self.ledger.clone()), settings, system_clock())
    }

    pub(super) fn service_on(
        &self,
        records: Arc<dyn Records>,
        ledger: Arc<dyn Ledger>,
        settings: Settings,
        clock: Clock,
    ) -> Service {
        let policy = Policy::new(Arc::new(Schema::school_record()), records::policy::Limits::default());
        let policy = Arc::new(policy);
        let events = events::Settings { poll_ms: 20, ..Default::default() };
        let bus = events::open(&events, records.clone()).unwrap();
        let keys = OfficeKeys::open_or_make(&self.directory.path().join("office-keys"), now()).unwrap();
        let vault = Vault::new(Arc::new(TableArchive::new(records.clone())), Arc::new(keys));
        let held = Arc::new(self.held());
        let monitor = around_the_clock();
        Service::new(
            Parts { records, ledger, bus, events, monitor, vault: Some(vault), held, policy, clock },
            settings,
        )
    }

    /// The keys that the office holds, as [`Town::service`] has them.
    pub(super) fn held(&self) -> LazyKeys {
        LazyKeys::new(&self.of_held(), self.directory.path())
    }

    /// Their settings: the office key has to be made first, with [`Town::make_office_key`].
    fn of_held(&self) -> held::Settings {
        held::Settings { office_keys: Some(self.office_keys()), ..Default::default() }
    }

    /// The directory of what held keys are sealed under.
    pub(super) fn office_keys(&self) -> PathBuf {
        self.directory.path().join("held-under")
    }

    /// From now on held keys can be used.
    pub(super) fn make_office_key(&self) {
        OfficeKeys::make(&self.office_keys(), now()).unwrap();
    }

    /// Changes the database as its administrator can.
    pub(super) fn tamper(&self, sql: &str) {
        let connection = rusqlite::Connection::open(&self.database).unwrap();
        connection.busy_timeout(PATIENCE).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    /// Keeps a copy of the database as it is.
    pub(super) fn back_up(&self) {
        self.tamper(&format!("VACUUM INTO '{}'", self.backup().display()));
    }

    fn backup(&self) -> PathBuf {
        self.database.with_extension("backup")
    }

    /// Makes the database what it was when it was backed up, as its administrator can: under a gateway that runs.
    pub(super) fn restore_backup(&self) {
        let connection = rusqlite::Connection::open(&self.database).unwrap();
        connection.busy_timeout(PATIENCE).unwrap();
        connection.execute("ATTACH ?1 AS old", [self.backup().to_str().unwrap()]).unwrap();
        let tables = "SELECT name FROM old.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'
            AND name NOT LIKE '%leases'";
        let mut tables = connection.prepare(tables).unwrap();
        let tables: Vec<String> =
            tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let each = tables.iter().map(|name| {
            format!("DELETE FROM main.{name}; INSERT INTO main.{name} SELECT * FROM old.{name};")
        });
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {} COMMIT", each.collect::<String>())).unwrap();
    }

    /// That every entry the database holds of these requests is on the ledger, once, without a gap, in the order of
    /// execution, and that the proofs' chain of headers is whole.
    pub(super) async fn check_everything(&self, executed: &[RequestState]) {
        let mut expected = BTreeSet::new();
        for result in executed.iter().flat_map(|state| &state.results) {
            assert!(expected.insert(result.entry.entry), "an entry belongs to one request");
        }
        let mut recorded = BTreeSet::new();
        for school in &self.schools {
            let head = self.office.head(&school.id).await.unwrap();
            let mut last = i64::MIN;
            let mut previous = [0; 32];
            for sequence in 1..=head.sequence {
                let batch = self.office.batch(&school.id, sequence).await.unwrap().expect("no gaps");
                let stored =
                    self.records.batch(&school.id, sequence).await.unwrap().expect("the database knows");
                assert_eq!(batch.previous, previous);
                assert_eq!(batch.header, stored.header);
                previous = batch.header_hash;
                for (index, leaf) in (0..).zip(&batch.leaves) {
                    assert!(recorded.insert(leaf.entry), "{} is on the ledger twice", leaf.entry);
                    let entry = self.records.entry(&leaf.entry).await.unwrap().unwrap();
                    assert_eq!(entry.status, EntryStatus::Recorded { sequence, index });
                    assert!(entry.number > last, "the order of execution is kept");
                    last = entry.number;
                }
            }
            let last = self.records.last_batch(&school.id).await.unwrap().map_or(0, |batch| batch.sequence);
            assert_eq!(last, head.sequence);
        }
        assert_eq!(recorded, expected);
        assert_eq!(self.records.unrecorded().await.unwrap(), 0);
    }
}

/// A school with two educators and six learners.
pub(super) struct Classes(School);

impl Deref for Classes {
    type Target = School;
    fn deref(&self) -> &School {
        &self.0
    }
}

impl Classes {
    pub(super) fn caller(&self, educator: usize) -> Caller {
        Caller::Educator { id: self.educators[educator].id.clone(), school: self.id.clone() }
    }

    /// A request that marks this many of the school's learners, in a subject of its own.
    pub(super) fn marks(&self, educator: usize, subject: &str, learners: usize) -> Sent {
        let asked = self.learners.iter().take(learners).map(|learner| mark(learner, subject));
        self.educators[educator].signs(asked).unwrap().into()
    }
}

pub(super) fn mark(learner: &LearnerId, subject: &str) -> Asked {
    Asked {
        learner: learner.clone(),
        sql: "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, $1, 90)".to_owned(),
        params: vec![json!(subject)],
    }
}

/// A request as it goes over the wire.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) jws: String,
    pub(super) queries: Vec<Vec<u8>>,
}

impl From<SignedQueries> for Sent {
    fn from(signed: SignedQueries) -> Self {
        let queries = signed.queries.into_iter().map(String::into_bytes).collect();
        Self { jws: signed.request, queries }
    }
}

impl Sent {
    pub(super) async fn to(&self, service: &Service) -> Result<RequestState, Problem> {
        service.submit(&self.jws, self.queries.clone()).await
    }
}

pub(super) fn officer() -> Caller {
    Caller::Officer { msp: MspId::new("OfficeMSP").unwrap() }
}

/// Polls until it is so.
pub(super) async fn until<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let end = Instant::now() + PATIENCE;
    while !so().await {
        assert!(Instant::now() < end, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
