//! Each rule and its cause.

use serde_json::{Value, json, to_value};

use super::*;
use crate::{events::NewEvent, records::Evidence};

/// So many events, two seconds apart.
fn each(count: usize, event: impl Fn(usize, i64) -> Seen) -> Vec<Seen> {
    (0..count).map(|number| event(number, TEN + number as i64 * 2 * SECOND)).collect()
}

/// Batches of 25 entries by one educator, two seconds apart.
fn batches(entries: usize, action: Action, learners: usize) -> Vec<Seen> {
    let one = |number: usize, at| entry("E-1", &format!("L-{}", number % learners), action, at);
    each(entries / 25, |sequence, at| {
        let entries = (0..25).map(|seat| one(sequence * 25 + seat, at)).collect();
        batch("S-1", sequence as u64 + 1, entries)
    })
}

fn forged(number: usize, at: i64) -> Seen {
    verified(failed(signature(number, "P-1", "10.0.0.7", at), "signature.invalid"))
}

fn of_many(number: usize, at: i64) -> Seen {
    let signer = format!("P-{number}");
    verified(failed(signature(number, &signer, "10.0.0.7", at), "certificate.expired"))
}

fn revoked(number: usize, at: i64) -> Seen {
    let signature = SignatureVerified {
        revoked_since: Some(TEN - DAY),
        ..failed(signature(number, "P-1", "10.0.0.7", at), "signer.revoked")
    };
    verified(signature)
}

fn changed(number: usize, at: i64) -> Seen {
    alerted(number as i64 + 1, "row.changed", at)
}

fn at_night(number: usize, at: i64) -> Seen {
    batch("S-1", number as u64 + 1, vec![entry("E-1", "L-1", Action::Changed, at - 7 * HOUR)])
}

#[test]
fn each_cause_is_told_once_and_less_of_it_is_not() {
    let cases: [(&str, Vec<Seen>, Vec<Seen>); 9] = [
        (FAILING, each(60, forged)[..19].to_vec(), each(4, forged)),
        (FAILING, each(60, of_many), each(19, of_many)),
        (REVOKED, each(4, revoked), Vec::new()),
        (BURST, batches(900, Action::Changed, 30), batches(575, Action::Changed, 30)),
        (BURST, batches(5_500, Action::Inserted, 1_000), batches(4_975, Action::Inserted, 1_000)),
        (READS, batches(1_000, Action::Read, 900), batches(1_000, Action::Read, 499)),
        (DRIFT, each(30, changed), each(9, changed)),
        (HOURS, each(20, at_night), Vec::new()),
        (DEAD, each(20, put_aside), Vec::new()),
    ];
    for (kind, cause, less) in cases {
        assert_eq!(kinds(&cause), [kind]);
        assert_eq!(kinds(&less), [""; 0], "less than {kind}");
    }
    assert_eq!(kinds(&batches(5_500, Action::Adopted, 1_000)), [""; 0], "what is adopted is no change");
}

#[test]
fn an_alert_says_what_was_seen_and_what_it_rests_on() {
    let [alert] = &raised(&Settings::default(), &each(7, forged))[..] else { panic!("one") };
    let finding = &alert.finding;
    assert_eq!(to_value(&finding.key).unwrap(), json!({"signer": "P-1"}));
    let detail = "5 signatures in the name of P-1 did not verify within 10 minutes (signature.invalid 5)";
    assert_eq!(finding.detail.as_deref(), Some(detail));
    let Some(Evidence { count, from, until, events }) = &finding.evidence else { panic!("{finding:?}") };
    assert_eq!((*count, *from, *until), (5, TEN, TEN + 8 * SECOND));
    assert_eq!((events.len(), events[0].as_str()), (5, format!("signatures.verified/{:064x}", 0).as_str()));
    assert!(!Alert::new(1, TEN, finding.clone()).advice.is_empty());
}

#[test]
fn a_schools_burst_is_told_of_the_school() {
    let many = each(200, |number, at| {
        let by = |seat: usize| entry(&format!("E-{seat}"), &format!("L-{seat}"), Action::Deleted, at);
        batch("S-1", number as u64 + 1, (0..25).map(by).collect())
    });
    let [alert] = &raised(&Settings::default(), &many)[..] else { panic!("one") };
    assert_eq!(to_value(&alert.finding.key).unwrap(), json!({"school": "S-1"}));
    assert_eq!(alert.finding.rows, 3_000);
}

#[test]
fn what_was_handed_in_before_the_revocation_stands() {
    let before = SignatureVerified { revoked_since: Some(TEN + HOUR), ..signature(1, "P-1", "x", TEN) };
    assert_eq!(kinds(&[verified(before.clone())]), [""; 0]);
    let backdated = SignatureVerified { received_at: TEN + 2 * HOUR, ..failed(before, "signer.revoked") };
    let [alert] = &raised(&Settings::default(), &[verified(backdated)])[..] else { panic!("one") };
    assert!(alert.finding.detail.as_ref().unwrap().ends_with("by its own word it was signed before that"));
}

#[test]
fn the_monitors_own_alerts_feed_nothing() {
    let own = each(50, |number, at| alerted(number as i64, KINDS[number % KINDS.len()], at));
    assert_eq!(kinds(&own), [""; 0]);
}

#[test]
fn an_event_again_counts_once_and_gives_the_same_alerts() {
    let mut monitor = Monitor::new(&Settings::default());
    let events = each(6, forged);
    for event in &events[..4] {
        assert_eq!((monitor.look(event, i64::MAX), monitor.look(event, i64::MAX)), (vec![], vec![]));
    }
    let first = monitor.look(&events[4], i64::MAX);
    assert_eq!((first.len(), monitor.look(&events[4], i64::MAX)), (1, first));
    assert_eq!(monitor.look(&events[5], i64::MAX), []);
}

#[test]
fn monitors_of_the_same_events_raise_the_same() {
    let mut events = each(40, of_many);
    let one = raised(&Settings::default(), &events);
    // Partitions are read in another order.
    events.rotate_left(3);
    let other = raised(&Settings::default(), &events);
    let fingerprints =
        |alerts: &[NewAlert]| alerts.iter().map(|alert| alert.fingerprint.clone()).collect::<Vec<_>>();
    assert_eq!(fingerprints(&one), fingerprints(&other));
}

#[test]
fn a_wrong_clock_elsewhere_blinds_no_rule() {
    let mut monitor = Monitor::new(&Settings::default());
    let ahead = verified(failed(signature(900, "P-1", "10.0.0.7", TEN + 900 * DAY), "x"));
    assert_eq!(monitor.look(&ahead, TEN), []);
    let mut see = |(number, event): (usize, &Seen)| monitor.look(event, TEN + number as i64 * 2 * SECOND);
    let told: Vec<_> = each(7, forged).iter().enumerate().flat_map(&mut see).collect();
    assert_eq!(told.len(), 1);
}

#[test]
fn a_group_that_is_behind_is_told_until_it_is_not() {
    let mut monitor = Monitor::new(&Settings::default());
    let group = Group::new("recorder").unwrap();
    let mut told = |events, oldest: Option<i64>, minute| {
        let oldest = oldest.map(|minute| TEN + minute * MINUTE);
        let lag = Lag { topic: Topic::SignaturesVerified, events, oldest };
        monitor.measured(&group, &[lag], TEN + minute * MINUTE).len()
    };
    assert_eq!(told(50_000, Some(-4), 0), 0, "many, and young");
    assert_eq!(told(0, Some(-400), 1), 0, "none is behind, whatever the oldest was");
    assert_eq!(told(3, Some(-4), 1), 1, "old");
    assert_eq!(told(9, Some(-4), 2), 0, "it goes on");
    assert_eq!(told(0, None, 20), 0);
    assert_eq!(told(100_000, None, 30), 1, "too many, and another episode");
}

#[test]
fn a_limit_of_0_is_off() {
    let mut off = Settings::default();
    off.failing = FailingSettings { signer: 0, source: 0, ..off.failing };
    off.revoked.window_s = 0;
    off.changes = ChangeSettings {
        educator_overwrites: 0,
        school_overwrites: 0,
        educator_writes: 0,
        school_writes: 0,
        ..off.changes
    };
    off.hours = HoursSettings { from_hour: 0, to_hour: 24, ..off.hours };
    off.reads.learners = 0;
    off.drift.alerts = 0;
    off.dead_letters.window_s = 0;
    off.lag = LagSettings { older_s: 0, events: 0 };
    assert_eq!(off.check(), Ok(()));
    let mut events = each(60, revoked);
    events.extend(batches(50_000, Action::Changed, 30));
    events.extend(batches(50_000, Action::Read, 9_000));
    events.extend(each(60, changed));
    events.extend(each(5, at_night));
    events.extend(each(5, put_aside));
    assert_eq!(raised(&off, &events), []);
    let lag = Lag { topic: Topic::Alerts, events: u64::MAX, oldest: Some(0) };
    assert_eq!(Monitor::new(&off).measured(&Group::new("g").unwrap(), &[lag], TEN), []);
}

#[test]
fn what_producers_write_is_read() {
    let read = |topic, data: Value| {
        let told = NewEvent::new(topic, "subject", "S-1/7", TEN + 2 * SECOND, data);
        Seen::of(&Event::told("/sillok", told))
    };
    let batch = batch("S-1", 7, vec![entry("E", "L", Action::Read, TEN)]);
    let What::Recorded(recorded) = &batch.what else { panic!("a batch") };
    let mut data = to_value(recorded).unwrap();
    data["added_later"] = json!(1);
    assert_eq!(data["entries"][0]["action"], "read");
    assert_eq!(read(Topic::RecordsEntries, data).unwrap().unwrap(), batch);
    let signature = failed(signature(1, "P-1", "x", TEN), "a.b");
    let data = to_value(&signature).unwrap();
    let seen = read(Topic::SignaturesVerified, data).unwrap().unwrap();
    assert_eq!(seen.what, What::Verified(signature));
    assert!(read(Topic::SignaturesVerified, json!({"signer": 1})).is_err());
    assert_eq!(read(Topic::SignaturesCreated, json!(null)).unwrap(), None);
}

#[test]
fn hours_that_were_told_before_a_restart_are_known_after_it() {
    let night = |day: i64| {
        let at = MONDAY + day * DAY + 2 * HOUR;
        batch("S-1", day as u64 + 1, vec![entry("E-1", "L-1", Action::Changed, at)])
    };
    let nights: Vec<_> = (0..3).map(night).collect();
    let alerts: Vec<_> = raised(&Settings::default(), &nights)
        .into_iter()
        .zip(1..)
        .map(|(alert, number)| Alert::new(number, TEN, alert.finding))
        .collect();
    assert_eq!(alerts.len(), 3);
    let mut monitor = Monitor::new(&Settings::default());
    monitor.recall(&alerts);
    assert_eq!(monitor.look(&night(2), i64::MAX), [], "told before");
    assert_eq!(monitor.look(&night(3), i64::MAX), [], "known");
    assert_eq!(kinds(&[night(3)]), [HOURS], "but not without them");
}
