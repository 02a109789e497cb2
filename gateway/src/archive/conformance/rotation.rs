//! An office's key changes.

use std::{
    fs,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use super::{NOW, Office, evidence, id, on_every_archive};
use crate::archive::{KeyId, OfficeKeys, Rotation};

on_every_archive!(
    after_a_rotation_the_old_key_is_not_needed,
    a_rotation_goes_on_where_another_was_cut_short,
    what_cannot_be_wrapped_anew_is_named_and_the_rest_is,
    while_it_rotates_everything_is_stored_and_loaded,
);

fn nobody(_: u32) {}

impl Office {
    async fn store(&self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            let of = number.to_string();
            self.vault.store(&id(&of), &evidence(&of), NOW).await.unwrap();
        }
    }

    async fn loads(&self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            let of = number.to_string();
            assert_eq!(self.another().load(&id(&of)).await.unwrap(), Some(evidence(&of)));
        }
    }

    fn new_key(&self) -> KeyId {
        OfficeKeys::make(self.keys.path(), NOW).unwrap()
    }

    fn take_away(&self, key: &KeyId) {
        fs::remove_file(self.keys.path().join(format!("{key}.key"))).unwrap();
    }
}

async fn after_a_rotation_the_old_key_is_not_needed(office: &Office) {
    office.store(0..300).await;
    let old = office.vault.keys().ids().unwrap().pop().unwrap();
    let new = office.new_key();
    let last = AtomicU32::new(0);
    let rotation = office.vault.rotate(&|part| last.store(part, Ordering::Relaxed)).await.unwrap();
    assert_eq!(rotation, Rotation { rewrapped: 300, ..Rotation::default() });
    assert!(last.load(Ordering::Relaxed) > u32::MAX / 2, "{last:?}");
    office.take_away(&old);
    office.loads(0..300).await;
    assert_eq!(office.vault.count(&nobody).await.unwrap(), [(new, 300)].into());
    assert_eq!(office.vault.rotate(&nobody).await.unwrap(), Rotation::default());
}

async fn a_rotation_goes_on_where_another_was_cut_short(office: &Office) {
    office.store(0..20).await;
    let new = office.new_key();
    // The first one got as far as half of a page.
    let page = office.archive.page(None, 10).await.unwrap();
    for record in page.records {
        let key = crate::archive::rewrap(office.vault.keys(), &record).unwrap().unwrap();
        assert!(office.archive.rewrap(&record.id, &record.key, &key).await.unwrap());
    }
    assert_eq!(office.vault.rotate(&nobody).await.unwrap().rewrapped, 10);
    assert_eq!(office.vault.count(&nobody).await.unwrap(), [(new, 20)].into());
    office.loads(0..20).await;
}

async fn what_cannot_be_wrapped_anew_is_named_and_the_rest_is(office: &Office) {
    office.store(0..5).await;
    let lost = office.vault.keys().ids().unwrap().pop().unwrap();
    let second = office.new_key();
    office.store(5..10).await;
    office.take_away(&lost);
    let new = office.new_key();
    let rotation = office.vault.rotate(&nobody).await.unwrap();
    assert_eq!((rotation.rewrapped, rotation.left, rotation.unwrapped.len()), (5, 5, 5));
    for record in &rotation.unwrapped {
        assert_eq!(record.code, "archive.key_missing");
        assert!(record.reason.contains(lost.as_str()), "{}", record.reason);
    }
    assert_eq!(office.vault.load(&id("0")).await.unwrap_err().code(), "archive.key_missing");
    office.loads(5..10).await;
    let counts = office.vault.count(&nobody).await.unwrap();
    assert_eq!(counts, [(lost, 5), (new, 5)].into(), "none is under {second}");
}

async fn while_it_rotates_everything_is_stored_and_loaded(office: &Office) {
    office.store(0..200).await;
    let (old, done) = (office.vault.keys().ids().unwrap().pop().unwrap(), AtomicBool::new(false));
    let new = office.new_key();
    let use_it = async || {
        let mut next = 200;
        while !done.load(Ordering::Relaxed) || next < 220 {
            office.store(next..next + 1).await;
            office.loads(next - 200..next - 199).await;
            next += 1;
        }
        next
    };
    let rotate = async || {
        let rotation = office.vault.rotate(&nobody).await.unwrap();
        done.store(true, Ordering::Relaxed);
        rotation
    };
    let (stored, rotation) = tokio::join!(use_it(), rotate());
    assert_eq!((rotation.rewrapped, rotation.left), (200, 0));
    office.take_away(&old);
    office.loads(0..stored).await;
    assert_eq!(office.vault.count(&nobody).await.unwrap(), [(new, u64::from(stored))].into());
}
