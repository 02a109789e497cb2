//! What the embedded ledger owes besides: it outlives its process, alone on its file.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use sillok_contract::{Code, Ledger as ContractLedger, Refusal};
use sillok_gateway::{
    clock::now,
    ledger::{
        Call, Endorsed, Ledger, LedgerError,
        embedded::{Embedded, OpenError},
        transact,
    },
};

use super::{
    engines::{Network, OnFile},
    school::{Registered, document},
};

/// A small contract that reaches every corner of the state.
fn contract(
    ledger: &mut dyn ContractLedger,
    function: &str,
    arguments: &[Vec<u8>],
) -> Result<Vec<u8>, Refusal> {
    let text =
        |index: usize| arguments.get(index).map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    let key = text(0);
    match function {
        "put" => ledger.put(&key, arguments[1].clone()).map(|()| Vec::new()),
        "delete" => ledger.delete(&key).map(|()| Vec::new()),
        "get" => Ok(ledger.get(&key)?.unwrap_or_default()),
        "increase" => {
            let value = ledger.get(&key)?.map_or(0, |value| value[0]) + 1;
            ledger.put(&key, vec![value])?;
            let seen = ledger.get(&key)?.map_or(0, |value| value[0]);
            assert_eq!(seen + 1, value, "a transaction does not see its own writes");
            ledger.set_event("increased", vec![value])?;
            Ok(vec![value])
        }
        "range" => {
            let page = ledger.range(&key, &text(1), 2, &text(2))?;
            Ok(page
                .entries
                .iter()
                .map(|(key, _)| format!("{key} "))
                .chain([format!("[{}]", page.bookmark)])
                .collect::<String>()
                .into())
        }
        "range and put" => {
            ledger.range("", "", 1, "")?;
            ledger.put(&key, vec![1]).map(|()| Vec::new())
        }
        "hide" => ledger.private_put("bodies", &key, ledger.transient("body").unwrap()).map(|()| Vec::new()),
        "show" => Ok(ledger.private_get("bodies", &key)?.unwrap_or_default()),
        "hash" => Ok(ledger.private_hash("bodies", &key)?.unwrap_or_default()),
        "purge" => ledger.private_purge("bodies", &key).map(|()| Vec::new()),
        "touch" => {
            ledger.private_get("bodies", &key)?;
            ledger.put("touched", vec![1]).map(|()| Vec::new())
        }
        _ => Err(Refusal::new(Code::FunctionUnknown, function)),
    }
}

struct Small {
    ledger: Embedded,
    _directory: tempfile::TempDir,
}

impl Small {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ledger = Embedded::open_with(directory.path().join("l.redb"), now, contract).unwrap();
        Self { ledger, _directory: directory }
    }

    async fn write(&self, call: Call) -> Result<Vec<u8>, LedgerError> {
        transact(&self.ledger, call).await.map(|(answer, _)| answer)
    }

    async fn read(&self, function: &str, arguments: &[&str]) -> String {
        let call = Call::new(function, arguments.iter().copied());
        String::from_utf8(self.ledger.evaluate(call).await.unwrap()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_come_in_pages() {
    let small = Small::new();
    for key in ["b/2", "a/1", "b/1", "b/3", "c/1"] {
        small.write(Call::new("put", [key, "value"])).await.unwrap();
    }
    assert_eq!(small.read("range", &["b/", "b0", ""]).await, "b/1 b/2 [b/3]");
    assert_eq!(small.read("range", &["b/", "b0", "b/3"]).await, "b/3 []");
    assert_eq!(small.read("range", &["b/3", "", ""]).await, "b/3 c/1 []");
    assert_eq!(small.read("range", &["z", "a", ""]).await, "[]");
    small.write(Call::new("delete", ["b/1"])).await.unwrap();
    assert_eq!(small.read("range", &["b/", "b0", ""]).await, "b/2 b/3 []");
    let refused = small.write(Call::new("range and put", ["x"])).await;
    assert!(matches!(refused, Err(LedgerError::Endorse { .. })), "{refused:?}");
    small.ledger.verify_chain().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn private_values_stay_off_the_blocks_and_can_be_purged() {
    let small = Small::new();
    let secret = "a body that must not be in a block";
    let hide = Call::new("hide", ["k"]).with_transient("body", secret.into());
    small.write(hide).await.unwrap();
    assert_eq!(small.read("show", &["k"]).await, secret);
    let hash = small.ledger.evaluate(Call::new("hash", ["k"])).await.unwrap();
    assert_eq!(hash, aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes()).as_ref());
    let stale = small.ledger.endorse(Call::new("touch", ["k"])).await.unwrap();
    small.ledger.verify_chain().unwrap();
    small.write(Call::new("purge", ["k"])).await.unwrap();
    assert_eq!(small.read("show", &["k"]).await, "");
    assert_eq!(small.read("hash", &["k"]).await, "");
    small.ledger.submit(&stale).await.unwrap();
    let status = small.ledger.commit_status(&stale.transaction).await.unwrap();
    assert_eq!(status.status, "MVCC_READ_CONFLICT");
    small.ledger.verify_chain().unwrap();
    small.ledger.ready().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_increases_lose_nothing_and_share_blocks() {
    let small = Small::new();
    let begun = Instant::now();
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let ledger = small.ledger.clone();
            tokio::spawn(async move {
                transact(&ledger, Call::new("increase", [format!("k{n}")])).await.unwrap().1
            })
        })
        .collect();
    let mut last = 0;
    for task in tasks {
        last = task.await.unwrap().block.max(last);
    }
    eprintln!("200 transactions in {last} blocks, {:?}", begun.elapsed());
    assert!(last < 200, "they were grouped");
    assert_eq!(small.ledger.verify_chain().unwrap(), last);
    let mut valid = 0;
    for _ in 0..20 {
        valid += u8::from(small.write(Call::new("increase", ["k0"])).await.is_ok());
    }
    assert_eq!(small.ledger.evaluate(Call::new("get", ["k0"])).await.unwrap(), [1 + valid]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_envelope_is_not_taken() {
    let small = Small::new();
    let endorsed = small.ledger.endorse(Call::new("put", ["key", "value"])).await.unwrap();
    let other = small.ledger.endorse(Call::new("put", ["key", "other"])).await.unwrap();
    for bit in (0..endorsed.envelope.len() * 8).step_by(7) {
        let mut changed = endorsed.clone();
        changed.envelope[bit / 8] ^= 1 << (bit % 8);
        let taken = small.ledger.submit(&changed).await;
        assert!(matches!(taken, Err(LedgerError::Rejected { .. })), "bit {bit}: {taken:?}");
    }
    let swapped = Endorsed { transaction: other.transaction.clone(), ..endorsed.clone() };
    assert!(small.ledger.submit(&swapped).await.is_err());
    small.ledger.submit(&endorsed).await.unwrap();
    assert_eq!(small.read("get", &["key"]).await, "value");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_is_opened_by_one_and_goes_on_after_a_restart() {
    let OnFile { ledger, directory } = OnFile::new();
    let path = directory.path().join("ledger.redb");
    let school = document("restart");
    let office = ledger.as_identity("OfficeMSP", "admin").unwrap();
    let register = Call::new("RegisterSchool", [serde_json::to_vec(&school).unwrap()]);
    transact(office.as_ref(), register).await.unwrap();
    match Embedded::open(&path, now) {
        Err(OpenError::InUse(held)) => assert_eq!(held, path),
        other => panic!("{:?}", other.map(drop)),
    }
    drop((ledger, office));
    let again = OnFile { ledger: Embedded::open(&path, now).unwrap(), directory };
    assert_eq!(again.ledger.verify_chain().unwrap(), 1);
    let read = again.gateway().evaluate(Call::new("GetSchool", [school.id.as_str()])).await.unwrap();
    assert!(!read.is_empty());
    let recorded = Registered::new(&again, "after").await.record(2).await;
    recorded.proof(0).verify(&again.roots()).unwrap();
    assert!(again.ledger.as_identity("OfficeMSP", "janitor").is_none());
    drop(again.ledger);
    let identities = path.with_extension("identities");
    fs::rename(&identities, identities.with_extension("gone")).unwrap();
    assert!(matches!(Embedded::open(&path, now), Err(OpenError::IdentitiesGone(_))));
    drop(Embedded::open(again.directory.path().join("other.redb"), now).unwrap());
    fs::rename(again.directory.path().join("other.identities"), &identities).unwrap();
    assert!(matches!(Embedded::open(&path, now), Err(OpenError::Damaged { .. })));
}

const WRITE_TO: &str = "SILLOK_TEST_WRITE_TO";

/// Not a test of its own: the process that is killed. It tells each transaction once it was answered.
#[tokio::test(flavor = "multi_thread")]
async fn writes_until_it_is_killed() {
    let Some(path) = env::var_os(WRITE_TO) else { return };
    let ledger = Embedded::open_with(path, now, contract).unwrap();
    for writer in 0..8 {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            loop {
                let call = Call::new("put", [format!("{writer}"), "x".repeat(2000)]);
                let endorsed = ledger.endorse(call).await.unwrap();
                ledger.submit(&endorsed).await.unwrap();
                println!("answered {}", endorsed.transaction);
            }
        });
    }
    std::future::pending::<()>().await;
}

fn start_writer(path: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "embedded::writes_until_it_is_killed", "--nocapture"])
        .env(WRITE_TO, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("killed.redb");
    let mut answered = Vec::new();
    for round in 1..=5 {
        let mut writer = start_writer(&path);
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut told = lines.filter_map(|line| line.split_once("answered ").map(|(_, id)| id.to_owned()));
        answered.extend(told.by_ref().take(40 * round));
        writer.kill().unwrap();
        answered.extend(told.filter(|id| id.len() == 64));
        writer.wait().unwrap();
    }
    assert!(answered.len() >= 600, "the writers wrote");
    let ledger = Embedded::open_with(&path, now, contract).unwrap();
    for transaction in &answered {
        assert!(ledger.commit_status(transaction).await.unwrap().valid);
    }
    ledger.verify_chain().unwrap();
}
