//! The monitor's rules, each with its cause: what stays below the limit raises nothing, one more is told, wherever alerts
//! are to be told. On the production engines events go through Kafka.

use sillok_contract::digest::Digest;
use sillok_gateway::{
    ledger::signer::Signer,
    monitor::{
        BURST, ChangeSettings, DRIFT, DriftSettings, FAILING, FailingSettings, HOURS, HoursSettings, LAG,
        LagSettings, READS, REVOKED, ReadSettings,
    },
    records::{Alert, SignatureState},
    service::SignatureSubmission,
};
use sillok_tests::{
    cut::Switch,
    engine::Engine,
    lesson::{correction, grade, report, withdrawal},
    patience::until,
    refusal::done,
    school::{Plan, now},
    signing::{forged, paper, revoke, signed, signer},
    world::World,
};

/// Signatures that do not verify, by whose name they bear and by who hands them in; and a key that was revoked.
pub(crate) async fn about_signatures(world: &mut World) {
    let failing = FailingSettings { window_s: 600, signer: 3, source: 5 };
    let mut alarm = world.is_monitored(|rules| rules.failing = failing).await;
    let (han, kim, lee) =
        (signer(world, "Han").await, signer(world, "Kim").await, signer(world, "Lee").await);
    let forge = async |world: &World, named: &Signer, number: u8| {
        let hash = paper(world, &format!("Forged {number}")).1;
        assert_eq!(handed_in(world, &lee, &forged(named, &lee, hash)).await, SignatureState::Invalid);
    };
    let genuine = paper(world, "A contract").1;
    let first = world.signature_rests(&han, &signed(&han, genuine)).await.signature;
    forge(world, &han, 1).await;
    forge(world, &han, 2).await;
    alarm.is_silent(world).await;

    forge(world, &han, 3).await;
    let told = alarm.hears(world, FAILING, &[("signer", han.id.as_str())]).await;
    says(&told, "3 signatures in the name of");
    rests_on(&told, 3, "signatures.verified/");
    assert!(told.advice.contains("Ask the signer"));

    // Two in another's name are too many from one source.
    forge(world, &kim, 4).await;
    alarm.is_silent(world).await;
    forge(world, &kim, 5).await;
    let source = format!("signer/{}", lee.id);
    let told = alarm.hears(world, FAILING, &[("source", &source)]).await;
    says(&told, "handed in did not verify within 10 minutes");
    rests_on(&told, 5, "signatures.verified/");

    let before = signed(&han, paper(world, "From before").1);
    revoke(world, &han).await;
    let first = Digest::try_from(first).unwrap();
    until("the revocation acts", async || world.as_seen_by_signer(&han).signature(&first).await.err()).await;
    alarm.is_silent(world).await;
    assert_eq!(handed_in(world, &kim, &before).await, SignatureState::Invalid);
    let about = [("certificate", &*hex::encode(han.certificate.thumbprint())), ("signer", han.id.as_str())];
    let told = alarm.hears(world, REVOKED, &about).await;
    says(&told, &format!("signer/{} handed in", kim.id));
    rests_on(&told, 1, "signatures.verified/");
    assert!(told.advice.contains("Nothing of it is recorded"));
    world.check_everything().await;
}

/// One who overwrites, a school that does, one who writes, and one who reads many.
pub(crate) async fn about_records(world: &mut World) {
    let changes = ChangeSettings {
        window_s: 600,
        educator_overwrites: 4,
        school_overwrites: 6,
        educator_writes: 11,
        school_writes: 100,
    };
    let reads = ReadSettings { window_s: 600, learners: 4 };
    let mut alarm = world
        .is_monitored(|rules| {
            rules.changes = changes;
            rules.reads = reads;
        })
        .await;
    let school = world.school(Plan::new("Seongun")).await;
    let [first, second] = &school.educators[..] else { panic!("two educators") };
    let learners = &school.learners;
    let by_first = [("educator", first.id.as_str()), ("school", school.id.as_str())];
    world.done(first, learners.iter().map(|learner| grade(learner, 1, "law", 70))).await;
    world.done(first, learners[..3].iter().map(|learner| correction(learner, 1, "law", 75))).await;
    world.done(first, learners[..3].iter().map(|learner| report(learner, 1))).await;
    world.done(first, learners[..3].iter().map(|learner| report(learner, 1))).await;
    world.check_everything().await;
    alarm.is_silent(world).await;

    world.done(first, [correction(&learners[3], 1, "law", 75)]).await;
    let told = alarm.hears(world, BURST, &by_first).await;
    says(&told, &format!("4 rows were overwritten or deleted by educator {} within 10 minutes", first.id));
    rests_on(&told, 4, "records.entries/");
    assert!(told.finding.rows == 4 && told.advice.contains("revoke their key"));

    world.done(second, [withdrawal(&learners[4], 1, "law")]).await;
    alarm.is_silent(world).await;
    world.done(second, [correction(&learners[0], 1, "law", 80)]).await;
    let told = alarm.hears(world, BURST, &by_first[1..]).await;
    says(&told, &format!("6 rows were overwritten or deleted by school {}", school.id));

    world.done(first, learners[..2].iter().map(|learner| grade(learner, 2, "law", 60))).await;
    let told = alarm.hears(world, BURST, &by_first).await;
    says(&told, "11 rows were written by educator");

    world.done(first, [report(&learners[3], 1)]).await;
    let told = alarm.hears(world, READS, &by_first).await;
    says(&told, &format!("{} read the records of 4 learners within 10 minutes", first.id));
    rests_on(&told, 4, "records.entries/");
    assert!(told.advice.contains("for what they needed it"));
    world.check_everything().await;
}

/// At noon nobody is told of; at three in the night an educator and a signer are, once.
pub(crate) async fn about_hours(world: &mut World) {
    let mut alarm = world.is_monitored(|rules| rules.hours = at_hour(12)).await;
    let school = world.school(Plan::new("Ganghwa")).await;
    let (teacher, learner) = (&school.educators[0], &school.learners[0]);
    let han = signer(world, "Han").await;
    world.done(teacher, [grade(learner, 1, "art", 90)]).await;
    assert_eq!(
        world.signature_rests(&han, &signed(&han, paper(world, "By day").1)).await.state,
        SignatureState::Recorded
    );
    world.check_everything().await;
    alarm.is_silent(world).await;

    let mut alarm = world.is_monitored(|rules| rules.hours = at_hour(3)).await;
    alarm.is_silent(world).await;
    world.done(teacher, [correction(learner, 1, "art", 95)]).await;
    let told =
        alarm.hears(world, HOURS, &[("educator", teacher.id.as_str()), ("school", school.id.as_str())]).await;
    says(&told, &format!("{} was at work at 03:", teacher.id));
    rests_on(&told, 1, "records.entries/");
    assert!(told.advice.contains("Ask them whether it was they"));
    let by_night = signed(&han, paper(world, "By night").1);
    assert_eq!(world.signature_rests(&han, &by_night).await.state, SignatureState::Recorded);
    let told = alarm.hears(world, HOURS, &[("signer", han.id.as_str())]).await;
    rests_on(&told, 1, "signatures.verified/");
    world.done(teacher, [report(learner, 1)]).await;
    world.check_everything().await;
    alarm.is_silent(world).await;
}

/// Rows that are changed past the gateway are each told by themselves; many of them are told together. Where there is no
/// watch, an audit in the background finds them.
pub(crate) async fn about_the_database(world: &mut World) {
    if world.site.engine == Engine::Embedded {
        world.settings.service.audit.every_s = 1;
    }
    let drift = DriftSettings { window_s: 600, alerts: 3 };
    let mut alarm = world.is_monitored(|rules| rules.drift = drift).await;
    let school = world.school(Plan::new("Odaesan")).await;
    let learners = &school.learners;
    world.done(&school.educators[0], learners.iter().map(|learner| grade(learner, 1, "law", 50))).await;
    world.check_everything().await;
    alarm.is_silent(world).await;

    let meddled = async |world: &World, number: usize, score: u8| {
        let learner = &learners[number];
        let sql = format!("UPDATE grades SET score = {score} WHERE learner = '{learner}'");
        world.site.database.change(&sql).await;
    };
    for number in 0..2 {
        meddled(world, number, 99).await;
        alarm.hears_of_the_database(world, "grades").await;
    }
    alarm.is_silent(world).await;
    meddled(world, 2, 99).await;
    alarm.hears_of_the_database(world, "grades").await;
    let told = alarm.hears(world, DRIFT, &[]).await;
    says(&told, "3 alerts within 10 minutes say that the database is not what the ledger says");
    rests_on(&told, 3, "alerts/");
    assert!(told.advice.contains("Stop whoever writes past the gateway"));
    for number in 0..3 {
        meddled(world, number, 50).await;
    }
    world.check_everything().await;
}

/// The recorder cannot go on for a while, because the ledger takes nothing.
pub(crate) async fn about_consumers(world: &mut World) {
    let lag = LagSettings { older_s: 2, events: 0 };
    let mut alarm = world.is_monitored(|rules| rules.lag = lag).await;
    let han = signer(world, "Han").await;
    let first = signed(&han, paper(world, "One").1);
    assert_eq!(world.signature_rests(&han, &first).await.state, SignatureState::Recorded);
    alarm.is_silent(world).await;

    let line = world.line.clone().unwrap();
    line.send_replace(Switch::Held);
    let second = signed(&han, paper(world, "Two").1);
    done(world.as_seen_by_signer(&han).submit_signature(&second).await);
    let told = alarm.hears(world, LAG, &[("group", "recorder"), ("topic", "signatures.verified")]).await;
    says(&told, "recorder has not confirmed 1 events of signatures.verified, the oldest of them for");
    assert!(told.advice.contains("whether a process of the group runs"));
    line.send_replace(Switch::Through);
    assert_eq!(world.signature_rests(&han, &second).await.state, SignatureState::Recorded);
    alarm.is_silent(world).await;
    world.check_everything().await;
}

/// Where a signature comes to rest that somebody hands in, be it theirs or not.
async fn handed_in(world: &World, by: &Signer, sent: &SignatureSubmission) -> SignatureState {
    let status = done(world.as_seen_by_signer(by).submit_signature(sent).await);
    let (office, digest) = (world.as_seen_by_the_office(), status.signature.try_into().unwrap());
    until("the signature rests", async || {
        let state = office.signature(&digest).await.ok()?.state;
        state.is_at_rest().then_some(state)
    })
    .await
}

/// The rule with its ordinary time, where this moment is within this hour of the office's clock.
fn at_hour(hour: i64) -> HoursSettings {
    const DAY: i64 = 24 * 60;
    let minute = now().div_euclid(60_000_000).rem_euclid(DAY);
    // In the middle of the hour; the office is at most half a day ahead or behind.
    let ahead = (hour * 60 + 20 - minute + DAY / 2).rem_euclid(DAY) - DAY / 2;
    HoursSettings { offset_minutes: ahead as i16, ..HoursSettings::default() }
}

fn says(alert: &Alert, what: &str) {
    let detail = alert.finding.detail.as_deref().unwrap();
    assert!(detail.contains(what), "{what:?} is not in {detail:?}");
}

/// Its evidence is so much, and events of this kind.
fn rests_on(alert: &Alert, count: u64, events: &str) {
    let evidence = alert.finding.evidence.as_ref().unwrap();
    assert_eq!(evidence.count, count, "{alert:?}");
    let named = evidence.events.iter().all(|event| event.starts_with(events));
    assert!(named && !evidence.events.is_empty(), "{alert:?}");
}
