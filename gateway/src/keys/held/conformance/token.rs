//! A token to test on, and what befalls tokens alone.

use std::{env, fs, path::Path, sync::RwLock};

use cryptoki::context::Pkcs11;

use super::{Settings, label, open, verifies};

/// Held for writing by a test that ends the module, which is one for the whole process.
pub(super) static DISTURBED: RwLock<()> = RwLock::new(());

/// The token of `SILLOK_TEST_PKCS11`, if there is one.
pub(super) fn settings() -> Option<Settings> {
    let Ok(directory) = env::var("SILLOK_TEST_PKCS11") else {
        println!("SKIPPED on PKCS#11: SILLOK_TEST_PKCS11 names no directory");
        return None;
    };
    #[derive(serde::Deserialize)]
    struct File {
        held: Settings,
    }
    let text = fs::read_to_string(Path::new(&directory).join("held.toml")).unwrap();
    let file: File =
        figment::Figment::from(<figment::providers::Toml as figment::providers::Format>::string(&text))
            .extract()
            .unwrap();
    Some(file.held)
}

/// The module ends under everybody's hands, as when a token is taken out or its service restarts: sessions and login are
/// gone. Whoever signs meanwhile has it done.
#[test]
fn after_a_restart_it_signs_on() {
    let Some(settings) = settings() else { return };
    let _alone = DISTURBED.write();
    let keys = open(&settings, Path::new("nowhere")).unwrap();
    let label = label();
    let public = keys.generate(&label).unwrap();
    for _ in 0..3 {
        Pkcs11::new(&settings.pkcs11.module).unwrap().finalize().unwrap();
        verifies(&public, b"message", &keys.sign(&label, b"message").unwrap());
    }
    Pkcs11::new(&settings.pkcs11.module).unwrap().finalize().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| verifies(&public, b"message", &keys.sign(&label, b"message").unwrap()));
        }
    });
}

#[test]
fn a_wrong_setting_is_told() {
    let Some(settings) = settings() else { return };
    let _alone = DISTURBED.write();
    let directory = tempfile::tempdir().unwrap();
    let fails = |change: &dyn Fn(&mut Settings)| {
        let mut wrong = settings.clone();
        change(&mut wrong);
        open(&wrong, directory.path()).err().unwrap()
    };
    let no_token = fails(&|wrong| wrong.pkcs11.token = "another".to_owned());
    assert_eq!(no_token.code(), "held.unavailable");
    assert!(no_token.to_string().contains("another"), "{no_token}");
    let no_module = fails(&|wrong| wrong.pkcs11.module = directory.path().join("none.so"));
    assert_eq!(no_module.code(), "held.setting");
    let no_pin = fails(&|wrong| wrong.pkcs11.pin_file = directory.path().join("none"));
    assert!(no_pin.to_string().starts_with("held.pkcs11.pin_file: "), "{no_pin}");
}
