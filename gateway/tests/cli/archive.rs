//! `sillok archive`

use std::{fs, sync::Arc};

use serde_json::Value;
use sillok_gateway::{
    archive::{self, ArchiveError, Evidence, RecordId, Vault},
    clock, records,
};

use crate::program::Program;

/// The archive that the program's own configuration names, as a service has it open meanwhile.
async fn vault(program: &Program) -> Vault {
    let data = program.path("data");
    let url = format!("sqlite:{}", data.join("records.db").display());
    let settings = records::Settings { url, ..records::Settings::default() };
    let records = async { Ok::<Arc<_>, ArchiveError>(records::open(&settings).await.unwrap()) };
    archive::open_vault(&archive::Settings::default(), &data, records).await.unwrap()
}

fn keys(shown: &Value) -> Vec<(u64, bool, bool)> {
    let keys = shown["keys"].as_array().unwrap().iter();
    keys.map(|key| (key["records"].as_u64().unwrap(), key["wraps"] == true, key["here"] == true)).collect()
}

#[tokio::test]
async fn a_rotation_wraps_what_a_service_stored_which_loads_it_on() {
    let program = Program::new();
    assert_eq!(keys(&program.json("archive show")), [(0, true, true)]);
    let vault = vault(&program).await;
    let id = |number: u8| RecordId([number; 32]);
    let evidence = |number: u8| Evidence::of(format!("{number}..signature"));
    for number in 0..5 {
        vault.store(&id(number), &evidence(number), clock::now()).await.unwrap();
    }
    let made = program.json("archive key");
    assert!(fs::exists(made["file"].as_str().map(|file| program.path(file)).unwrap()).unwrap());
    // The service wraps by it from now on.
    vault.store(&id(5), &evidence(5), clock::now()).await.unwrap();
    assert_eq!(keys(&program.json("archive show")), [(5, false, true), (1, true, true)]);
    let rotated = program.json("archive rotate");
    assert_eq!((rotated["rewrapped"].as_u64(), rotated["left"].as_u64()), (Some(6), Some(0)));
    assert_eq!(program.json("archive rotate --keep-key")["rewrapped"], 0);
    let shown = program.run("archive show").stdout;
    assert_eq!(shown.matches("not needed any more").count(), 2, "{shown}");
    for key in
        program.json("archive show")["keys"].as_array().unwrap().iter().filter(|key| key["wraps"] == false)
    {
        let name = format!("data/archive-office-keys/{}.key", key["key"].as_str().unwrap());
        fs::remove_file(program.path(name)).unwrap();
    }
    for number in 0..6 {
        assert_eq!(vault.load(&id(number)).await.unwrap(), Some(evidence(number)));
    }
}

#[tokio::test]
async fn a_key_that_is_missing_is_told_and_a_directory_that_was_named_is_not_filled_by_itself() {
    let program = Program::new();
    let vault = vault(&program).await;
    vault.store(&RecordId([1; 32]), &Evidence::of("a..b"), clock::now()).await.unwrap();
    let first = vault.keys().ids().unwrap().pop().unwrap();
    fs::remove_file(program.path(format!("data/archive-office-keys/{first}.key"))).unwrap();
    let (exit, code, _) = program.refused("archive rotate");
    assert_eq!((exit, code.as_str()), (1, "archive.left"));
    assert!(program.run("archive show").stdout.contains("MISSING"));
    program.write("sillok.toml", "data = \"data\"\n[archive]\nkeys = \"named\"\n");
    let (exit, code, detail) = program.refused("--config sillok.toml archive show");
    assert_eq!((exit, code.as_str()), (2, "archive.no_key"), "{detail}");
    program.json("--config sillok.toml archive key");
    assert_eq!(
        keys(&program.json("--config sillok.toml archive show")),
        [(0, true, true), (1, false, false)]
    );
}
