//! The scenarios, in the words of the domain: each runs on every engine and through both faces, and every step is
//! followed by the check of all guarantees.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod alerts;
mod away;
mod baseline;
mod batches;
mod certificates;
mod class;
mod drift;
mod educators;
mod erasure;
mod faults;
mod gateways;
mod letters;
mod lost;
mod objections;
mod poison;
mod policy;
mod reads;
mod replay;
mod schools;
mod signatures;
mod signings;
mod term;
mod throng;
mod wallets;
mod watch;
mod year;

use sillok_tests::{call::Face, engine::Engine, world::World};

/// Plays a story, if its engines are to be had.
async fn play(engine: Engine, face: Face, story: impl AsyncFnOnce(&mut World)) {
    if let Some(mut world) = World::open(engine, face).await {
        story(&mut world).await;
        world.close().await;
    }
}

/// A test for each engine and face.
macro_rules! scenarios {
    ($($engines:tt $name:ident: $story:path;)*) => {
        $(mod $name {
            use super::*;
            on!($engines $story);
        })*
    };
}

/// A test for each face: on both engines, or on the production engines where the embedded ones have no such part; or where
/// it is a large one by REST alone, on both engines or on the production engines alone.
macro_rules! on {
    (both $story:path) => {
        test!(embedded_by_rest, Embedded, Rest, $story);
        test!(embedded_by_grpc, Embedded, Grpc, $story);
        on!(production $story);
    };
    (rest $story:path) => {
        test!(embedded_by_rest, Embedded, Rest, $story);
        on!(large $story);
    };
    (large $story:path) => {
        test!(production_by_rest, Production, Rest, $story);
    };
    (production $story:path) => {
        test!(production_by_rest, Production, Rest, $story);
        test!(production_by_grpc, Production, Grpc, $story);
    };
}

macro_rules! test {
    ($name:ident, $engine:ident, $face:ident, $story:path) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            play(Engine::$engine, Face::$face, $story).await;
        }
    };
}

scenarios! {
    both a_term_of_grades: term::of_grades;
    both a_class_of_thirty_under_one_signature: class::of_thirty;
    both reads_are_recorded: reads::are_recorded;
    both two_schools_at_once: schools::two_at_once;
    both a_learner_who_is_not_theirs: schools::a_learner_who_is_not_theirs;
    both a_revoked_educator: educators::a_revoked_one;
    both a_replay_of_a_request: replay::of_a_request;
    both forgeries: replay::of_forgers;
    both ways_around_the_policy: policy::ways_around;
    both a_batch_by_count: batches::by_count;
    both a_batch_by_time: batches::by_time;
    both a_batch_grown_in_flight: batches::grown_in_flight;
    both a_poisoned_entry_set_aside: poison::is_set_aside;
    both the_ledger_away_and_back: away::and_back;
    both rows_changed_behind_the_ledger: drift::of_rows_is_found;
    both the_gateways_tables_changed: drift::of_the_gateways_tables_is_found;
    both what_is_kept_of_the_ledger_changed: drift::of_what_is_kept_of_the_ledger_is_put_back;
    both an_old_backup_restored: drift::an_old_backup_is_made_good;
    both what_is_on_its_way_changed: drift::of_what_is_on_its_way_is_found;
    both wallets_that_hold_all_of_it: wallets::hold_all_of_it;
    both wallets_that_are_the_learners_own: wallets::are_the_learners_own;
    both wallets_that_change_their_keys: wallets::change_their_keys;
    both wallets_that_miss_what_is_withheld: wallets::miss_what_is_withheld;
    both what_was_changed_is_restored: drift::is_put_back;
    both a_certificate_from_asking_to_revoked: certificates::from_asking_to_revoked;
    rest the_real_year_certified: year::certified_and_tampered_with;
    both rows_from_before_adopted: baseline::of_a_school;
    large a_hundred_thousand_rows_adopted: baseline::of_a_hundred_thousand_rows;
    both entries_that_are_erased: erasure::of_one_learner;
    both objections_that_are_decided: objections::are_decided;
    both objections_that_are_nobody_elses: objections::are_nobody_elses;
    both objections_that_become_overdue: objections::become_overdue;
    both signatures_that_are_recorded: signatures::are_recorded;
    both signatures_that_do_not_hold: signatures::do_not_hold;
    both signatures_that_are_approved: signatures::are_approved;
    both signings_by_the_office: signings::are_made;
    both signings_that_are_refused: signings::are_refused;
    large signings_whose_signer_is_killed: signings::survive_the_signer;
    production signatures_through_kafka_to_cassandra: signatures::go_through_kafka_to_cassandra;
    large a_throng_of_signatures_while_roles_and_broker_are_killed: throng::survives_its_roles;
    both dead_letters_that_are_replayed: letters::are_seen_and_replayed;
    both alerts_about_signatures: alerts::about_signatures;
    both alerts_about_records: alerts::about_records;
    both alerts_about_hours: alerts::about_hours;
    both alerts_about_the_database: alerts::about_the_database;
    both alerts_about_consumers: alerts::about_consumers;
    both documents_of_several_parties: signatures::of_several_parties;
    both documents_that_are_not_signed: signatures::of_documents_that_are_not_signed;
    both works_that_are_claimed: signatures::of_works_that_are_claimed;
    both the_gateway_killed: faults::of_the_gateway;
    production the_chaincode_killed: faults::of_the_chaincode;
    production the_peers_killed: faults::of_the_peers;
    production the_orderer_killed: faults::of_the_orderer;
    production postgresql_killed: faults::of_postgresql;
    production the_database_lost_while_it_commits: lost::while_it_commits;
    production two_gateways_one_killed: gateways::one_killed;
    production written_past_the_gateway: watch::in_the_middle_of_load;
    production written_while_the_gateway_is_away: watch::while_the_gateway_is_away;
    production watched_by_one_of_two_gateways: watch::by_one_of_two_gateways;
}
