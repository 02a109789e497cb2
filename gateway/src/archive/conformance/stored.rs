//! What is stored, and stays.

use futures_util::future::join_all;

use super::{NOW, Office, SECRET, evidence, id, on_every_archive};
use crate::archive::{Cursor, Evidence, RecordId, Sealed, WrappedKey, WrappedRecord, seal};

on_every_archive!(
    what_was_stored_is_loaded_as_it_was,
    the_first_stays_and_the_same_may_be_put_again,
    of_several_at_once_one_stays_and_all_see_it,
    a_large_record_of_every_byte_comes_back,
    what_rests_is_ciphertext_and_bound_to_its_place,
    each_record_comes_once_however_it_is_paged,
    a_key_is_replaced_only_where_it_is_the_one_that_was_seen,
);

async fn what_was_stored_is_loaded_as_it_was(office: &Office) {
    office.vault.ready().await.unwrap();
    assert_eq!(office.vault.load(&id("a")).await.unwrap(), None);
    assert!(office.vault.store(&id("a"), &evidence("a"), NOW).await.unwrap());
    assert_eq!(office.vault.load(&id("a")).await.unwrap(), Some(evidence("a")));
    assert_eq!(office.another().load(&id("a")).await.unwrap(), Some(evidence("a")));
    assert_eq!(office.vault.load(&id("b")).await.unwrap(), None);
    assert_eq!(office.archive.get(&id("a")).await.unwrap().unwrap().created_at, NOW);
}

async fn the_first_stays_and_the_same_may_be_put_again(office: &Office) {
    let [first, second] =
        ["first", "second"].map(|text| seal(office.vault.keys(), id("a"), text.as_bytes(), NOW).unwrap());
    assert!(office.archive.put(&first).await.unwrap());
    assert!(office.archive.put(&first).await.unwrap());
    assert!(!office.archive.put(&second).await.unwrap());
    assert_eq!(office.archive.get(&id("a")).await.unwrap(), Some(first.clone()));
    assert!(!office.vault.store(&id("a"), &evidence("a"), NOW).await.unwrap());
    // It is the same also under another office key.
    let other = WrappedKey { bytes: b"another".to_vec(), ..first.key.clone() };
    assert!(office.archive.rewrap(&first.id, &first.key, &other).await.unwrap());
    assert!(office.archive.put(&first).await.unwrap());
    assert_eq!(office.archive.get(&id("a")).await.unwrap(), Some(Sealed { key: other, ..first }));
}

async fn of_several_at_once_one_stays_and_all_see_it(office: &Office) {
    let of = |number: usize| Evidence::of(format!("{number}..s"));
    let store = async |number: usize| {
        let stands = office.vault.store(&id("a"), &of(number), NOW).await.unwrap();
        (number, stands, office.vault.load(&id("a")).await.unwrap().unwrap())
    };
    let stored = join_all((0..8).map(store)).await;
    let first: Vec<_> = stored.iter().filter(|(_, stands, _)| *stands).collect();
    assert_eq!(first.len(), 1, "{stored:?}");
    assert!(stored.iter().all(|(_, _, seen)| *seen == of(first[0].0)), "{stored:?}");
}

async fn a_large_record_of_every_byte_comes_back(office: &Office) {
    let large =
        Evidence::of((0..2 * 1024 * 1024).map(|n| char::from(33 + (n % 94) as u8)).collect::<String>());
    assert!(office.vault.store(&id("large"), &large, NOW).await.unwrap());
    assert_eq!(office.vault.load(&id("large")).await.unwrap(), Some(large));
}

async fn what_rests_is_ciphertext_and_bound_to_its_place(office: &Office) {
    for of in ["a", "b"] {
        office.vault.store(&id(of), &evidence(of), NOW).await.unwrap();
    }
    let a = office.archive.get(&id("a")).await.unwrap().unwrap();
    let rests = |what: &[u8]| a.ciphertext.windows(what.len()).any(|window| window == what);
    assert!(!rests(SECRET.as_bytes()) && !rests(b"CERTIFICATE") && !rests(b"signature"));
    // The administrator puts one record in another's place.
    let forged = Sealed { id: id("c"), ..a };
    assert!(office.archive.put(&forged).await.unwrap());
    assert_eq!(office.vault.load(&id("c")).await.unwrap_err().code(), "archive.damaged");
}

async fn each_record_comes_once_however_it_is_paged(office: &Office) {
    let sealed: Vec<_> = (0..25)
        .map(|number| seal(office.vault.keys(), id(&number.to_string()), b"content", NOW).unwrap())
        .collect();
    for record in &sealed {
        office.archive.put(record).await.unwrap();
    }
    let mut expected: Vec<_> =
        sealed.iter().map(|record| WrappedRecord { id: record.id, key: record.key.clone() }).collect();
    expected.sort_by_key(|record| record.id);
    for limit in [1, 2, 5, 24, 25, 26, 1_000] {
        let (mut after, mut found): (Option<Cursor>, Vec<_>) = (None, Vec::new());
        loop {
            let page = office.archive.page(after.as_ref(), limit).await.unwrap();
            assert!(page.records.len() <= limit as usize);
            found.extend(page.records);
            let Some(next) = page.next else { break };
            let part = |cursor: &Option<Cursor>| cursor.as_ref().map(Cursor::part);
            assert!(part(&Some(next.clone())) >= part(&after), "{next:?} is not after {after:?}");
            after = Some(next);
        }
        found.sort_by_key(|record| record.id);
        assert_eq!(found, expected, "{limit} at once");
    }
}

async fn a_key_is_replaced_only_where_it_is_the_one_that_was_seen(office: &Office) {
    let sealed = seal(office.vault.keys(), id("a"), b"content", NOW).unwrap();
    office.archive.put(&sealed).await.unwrap();
    let [one, two] = ["one", "two"].map(|bytes| WrappedKey { bytes: bytes.into(), ..sealed.key.clone() });
    assert!(office.archive.rewrap(&sealed.id, &sealed.key, &one).await.unwrap());
    // The same again, as after an error.
    assert!(office.archive.rewrap(&sealed.id, &sealed.key, &one).await.unwrap());
    assert!(!office.archive.rewrap(&sealed.id, &sealed.key, &two).await.unwrap());
    assert_eq!(office.archive.get(&sealed.id).await.unwrap().unwrap().key, one);
    // What is not there does not come into being.
    let nowhere: RecordId = id("nowhere");
    assert!(!office.archive.rewrap(&nowhere, &sealed.key, &one).await.unwrap());
    assert_eq!(office.archive.get(&nowhere).await.unwrap(), None);
}
