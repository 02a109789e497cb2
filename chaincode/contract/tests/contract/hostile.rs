//! Bytes from somebody who means harm: whatever comes, the answer is a refusal.

use proptest::prelude::*;
use std::io::Write;

use prost::Message;
use sillok_contract::{
    Code,
    batch::{MAX_BODY, MAX_COMPRESSED, MAX_ENTRIES},
    certificate::Certificate,
    entry::{Entry, MAX_ENTRY},
    request::SignedRequest,
};
use sillok_proto::ledger::{BatchBody, Read, RowImage, Written, entry::Result as Outcome};

use super::world::*;

/// The answer to a body sealed as it is, under the header of these entries.
fn answer(world: &mut World, draft: &Draft, entries: &[Vec<u8>], body: Vec<u8>) -> (Code, Option<u32>) {
    let header = header(draft, entries).encode_to_vec();
    let refusal = world.record_bytes(header, body, NOW).unwrap_err();
    (refusal.code, refusal.entry)
}

/// The answer to the usual batch with the bytes of its entry 1 changed.
fn with_entry(change: impl FnOnce(&mut Vec<u8>)) -> (Code, Option<u32>) {
    let mut world = World::new();
    let draft = world.draft();
    let mut entries = draft.entry_bytes();
    change(&mut entries[1]);
    let body = BatchBody { requests: draft.requests.clone(), entries: entries.clone(), erased: vec![] };
    answer(&mut world, &draft, &entries, compress(&body.encode_to_vec()))
}

/// The answer to the usual batch with a result changed.
fn with_result(result: Option<Outcome>) -> (Code, Option<u32>) {
    let mut world = World::new();
    let mut draft = world.draft();
    draft.entries[1].result = result;
    let refusal = world.record(&draft).err();
    refusal.map_or((Code::NotFound, None), |refusal| (refusal.code, refusal.entry))
}

const MALFORMED: (Code, Option<u32>) = (Code::EntryMalformed, Some(1));

#[test]
fn an_entry_has_one_encoding() {
    assert_eq!(with_entry(|entry| entry.extend([0xf8, 0x01, 0x01])), MALFORMED, "an unknown field");
    assert_eq!(with_entry(|entry| entry.extend([0x18, 0x01])), MALFORMED, "a field twice");
    assert_eq!(
        with_entry(|entry| entry.splice(0..0, [0x18, 0x01]).for_each(drop)),
        MALFORMED,
        "out of order"
    );
    assert_eq!(with_entry(|entry| entry.truncate(entry.len() - 1)), MALFORMED, "cut short");
    assert_eq!(with_entry(|entry| *entry = vec![0xff; 40]), MALFORMED, "no message at all");
    let over_long = with_entry(|entry| {
        // The time's varint with a zero byte more at its end.
        let place = entry.windows(2).position(|window| window == [0x38, 0x80 | (NOW + 1) as u8]).unwrap();
        let end = place + 1 + entry[place + 1..].iter().position(|byte| byte & 0x80 == 0).unwrap();
        entry[end] |= 0x80;
        entry.insert(end + 1, 0);
    });
    assert_eq!(over_long, MALFORMED, "a number written longer");
}

#[test]
fn an_entry_has_all_its_parts() {
    let changed = |change: fn(&mut sillok_proto::ledger::Entry)| {
        with_entry(|bytes| {
            let mut entry = sillok_proto::ledger::Entry::decode(bytes.as_slice()).unwrap();
            change(&mut entry);
            *bytes = entry.encode_to_vec();
        })
    };
    assert_eq!(changed(|entry| entry.request_digest.truncate(31)), MALFORMED);
    assert_eq!(changed(|entry| entry.result = None), MALFORMED);
    assert_eq!(changed(|entry| entry.query.clear()), (Code::QueryMalformed, Some(1)));
    assert_eq!(changed(|entry| entry.educator.clear()), (Code::IdentifierMalformed, Some(1)));
    assert_eq!(changed(|entry| entry.learner = "a/b".into()), (Code::IdentifierMalformed, Some(1)));
    assert_eq!(changed(|entry| entry.school = "../".into()), (Code::IdentifierMalformed, Some(1)));
    assert_eq!(changed(|entry| entry.query = vec![b' '; MAX_ENTRY]), (Code::EntryTooLarge, Some(1)));
    assert_eq!(changed(|entry| entry.query = vec![b' '; MAX_ENTRY / 2]), (Code::QueryTooLarge, Some(1)));
}

#[test]
fn a_result_is_well_formed() {
    let image = |table: &str, key: &str, image: &str| {
        let image = RowImage { table: table.into(), key: key.into(), image: image.into(), deleted: false };
        with_result(Some(Outcome::Written(Written { rows: 1, images: vec![image] })))
    };
    let good = (Code::NotFound, None);
    assert_eq!(image("grades", r#"{"id":7}"#, r#"{"grade":"A","id":7}"#), good);
    assert_eq!(image("", r#"{"id":7}"#, r#"{"id":7}"#), MALFORMED, "no table");
    assert_eq!(image(&"t".repeat(64), r#"{"id":7}"#, r#"{"id":7}"#), MALFORMED, "a long table");
    assert_eq!(image("grades", r#"{"id":7}"#, r#"{"id":7,"grade":"A"}"#), MALFORMED, "not in order");
    assert_eq!(image("grades", r#"{"id": 7}"#, r#"{"id":7}"#), MALFORMED, "a space");
    assert_eq!(image("grades", r#"{"id":7}"#, r#"{"id":8}"#), MALFORMED, "another row's key");
    assert_eq!(image("grades", "{}", r#"{"id":7}"#), MALFORMED, "no key");
    assert_eq!(image("grades", r#"{"id":7}"#, r#"{"id":7,"id":7}"#), MALFORMED, "a column twice");
    assert_eq!(image("grades", r#"[["id",7]]"#, r#"{"id":7}"#), MALFORMED, "no object");
    assert_eq!(with_result(Some(Outcome::Written(Written { rows: 0, images: vec![] }))), good);
    assert_eq!(with_result(Some(Outcome::Written(Written { rows: 1, images: vec![] }))), MALFORMED);
    assert_eq!(with_result(Some(Outcome::Read(Read { rows: 0, digest: vec![0; 31] }))), MALFORMED);
    assert_eq!(with_result(None), MALFORMED);
}

#[test]
fn a_body_is_one_canonical_message_in_one_frame() {
    let mut world = World::new();
    let draft = world.draft();
    let (entries, plain) = (draft.entry_bytes(), draft.body().encode_to_vec());
    let whole = compress(&plain);
    let mut check = |body: Vec<u8>, why: &str| {
        assert_eq!(answer(&mut world, &draft, &entries, body), (Code::BatchMalformed, None), "{why}");
    };
    check(vec![], "empty");
    check(plain.clone(), "not compressed");
    check(whole[..whole.len() - 1].to_vec(), "cut short");
    check([whole.as_slice(), &[0]].concat(), "a byte after it");
    check([whole.as_slice(), &compress(b"")].concat(), "a second frame");
    check(compress(&[plain.as_slice(), &[0xf8, 0x01, 0x01]].concat()), "an unknown field");
    check(compress(&[&plain[..], b"\x0a\x01x"].concat()), "a request after the entries");
    let erased = BatchBody { erased: vec![0], ..draft.body() };
    check(compress(&erased.encode_to_vec()), "an entry is erased already");
    check(compress(b""), "no entries");
    check(compress(&[0xff; 99]), "no message");
    check(vec![0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0], "a frame to be skipped");
}

#[test]
fn a_body_that_swells_is_stopped() {
    let mut world = World::new();
    let draft = world.draft();
    let bomb = compress(&vec![0; 512 * 1024 * 1024]);
    assert!(bomb.len() < MAX_COMPRESSED);
    assert_eq!(answer(&mut world, &draft, &draft.entry_bytes(), bomb), (Code::BatchTooLarge, None));

    // A frame that does not tell its size could ask for 2 GiB to look back on.
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.write_all(&draft.body().encode_to_vec()).unwrap();
    let streamed = encoder.finish().unwrap();
    assert_eq!(answer(&mut world, &draft, &draft.entry_bytes(), streamed), (Code::BatchMalformed, None));

    // One that tells another size than it has, either way.
    let whole = compress(&draft.body().encode_to_vec());
    for change in [1, 0xff] {
        let mut lying = whole.clone();
        lying[5] = lying[5].wrapping_add(change);
        assert_eq!(answer(&mut world, &draft, &draft.entry_bytes(), lying), (Code::BatchMalformed, None));
    }
}

#[test]
fn a_batch_is_bounded() {
    let mut world = World::new();
    let draft = world.draft();
    let long = vec![0; MAX_COMPRESSED + 1];
    assert_eq!(answer(&mut world, &draft, &draft.entry_bytes(), long), (Code::BatchTooLarge, None));

    let entries = vec![draft.entry_bytes()[0].clone(); MAX_ENTRIES + 1];
    let body = BatchBody { requests: draft.requests.clone(), entries: entries.clone(), erased: vec![] };
    let body = compress(&body.encode_to_vec());
    assert_eq!(answer(&mut world, &draft, &entries, body), (Code::BatchTooLarge, None));

    let requests = vec!["x".repeat(MAX_BODY)];
    let body =
        compress(&BatchBody { requests, entries: draft.entry_bytes(), erased: vec![] }.encode_to_vec());
    assert_eq!(answer(&mut world, &draft, &draft.entry_bytes(), body), (Code::BatchTooLarge, None));
}

#[test]
fn the_largest_batch_is_recorded() {
    let mut world = World::new();
    let mut draft = Draft::new("school-1");
    for request in 0..4 {
        let queries: Vec<_> = (0..250).map(|number| query("L1", number)).collect();
        let jws = world.kim.sign(&payload(&request.to_string(), "school-1", &queries));
        draft.add_entries("kim", &jws, &["L1"; 250], queries);
        draft.requests.push(jws);
    }
    assert_eq!(draft.entries.len(), MAX_ENTRIES);
    world.record(&draft).unwrap();
}

#[test]
fn no_bit_of_a_certificate_can_be_changed() {
    let world = World::new();
    let authority = Certificate::from_pem(&world.authority.pem).unwrap();
    let der = world.kim.certificate().der().to_vec();
    for bit in 0..der.len() * 8 {
        let mut changed = der.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let accepted =
            Certificate::from_der(&changed).and_then(|certificate| certificate.issued_by(&authority));
        assert!(accepted.is_err(), "bit {} of byte {} of {}", bit % 8, bit / 8, der.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_bytes_are_refused_everywhere(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Entry::parse(&bytes).is_err());
        prop_assert!(Certificate::from_der(&bytes).is_err());
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(SignedRequest::parse(&text).is_err());
        prop_assert!(Certificate::from_pem(&text).is_err());
    }

    #[test]
    fn a_changed_byte_is_refused_or_changes_the_entrys_id(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let world = World::new();
        let original = world.draft().entry_bytes().swap_remove(0);
        let mut changed = original.clone();
        let place = place.index(changed.len());
        changed[place] = byte;
        if let (Ok(entry), true) = (Entry::parse(&changed), changed != original) {
            prop_assert_ne!(entry.id, Entry::parse(&original).unwrap().id);
        }
    }

    #[test]
    fn a_changed_byte_anywhere_in_a_batch_is_refused(
        place in any::<prop::sample::Index>(), bit in 0u8..8, in_header in any::<bool>(),
    ) {
        let mut world = World::new();
        let draft = world.draft();
        let (mut header, mut plain) = (draft.header().encode_to_vec(), draft.body().encode_to_vec());
        let bytes = if in_header { &mut header } else { &mut plain };
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        prop_assert!(world.record_bytes(header, compress(&plain), NOW).is_err());
    }

    #[test]
    fn random_arguments_never_panic(
        function in prop::sample::select(sillok_contract::function::FUNCTIONS.iter().map(|f| f.name).collect::<Vec<_>>()),
        msp in prop::sample::select(vec!["OfficeMSP", "SupportMSP"]),
        role in prop::sample::select(vec!["admin", "client"]),
        arguments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..4),
    ) {
        let mut world = World::new();
        let creator = world.creator(msp, role);
        let _ = world.call(creator, function, &arguments);
    }
}
