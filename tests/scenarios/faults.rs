//! kill -9 in the middle of load, then a restart: nothing is lost, nothing is there twice.

use sillok_tests::{load::Load, school::Plan, world::World};

/// How many requests each educator sends.
const REQUESTS: usize = 40;
/// How many are answered between one event and the next.
const SOME: usize = 8;

/// The gateway is killed, twice, and its program started again.
pub(crate) async fn of_the_gateway(world: &mut World) {
    let school = world.school(Plan::new("Dasan").batches(10, 200)).await;
    world.stop().await;
    world.serve_by_program().await;
    let mut load = Load::start(&world.clients, &school, REQUESTS);
    for _ in 0..2 {
        load.goes_on(SOME).await;
        assert!(load.is_under_way(), "it is killed in the middle of load");
        world.kill().await;
        world.serve_by_program().await;
    }
    load.finish().await;
    world.stop().await;
    world.serve().await;
    world.check_everything().await;
}

/// The chaincode of one office is killed.
pub(crate) async fn of_the_chaincode(world: &mut World) {
    of_nodes(world, &["chaincode-office"]).await;
}

/// Each office's peer is killed, one after the other.
pub(crate) async fn of_the_peers(world: &mut World) {
    of_nodes(world, &["peer-office", "peer-support"]).await;
}

/// An ordering node is killed: of three, the other two go on; one alone is waited for.
pub(crate) async fn of_the_orderer(world: &mut World) {
    of_nodes(world, &["orderer1"]).await;
}

/// The database server is killed.
pub(crate) async fn of_postgresql(world: &mut World) {
    of_nodes(world, &["postgres"]).await;
}

async fn of_nodes(world: &mut World, killed: &[&str]) {
    // A school each: queries go on while a node is away, so one load may end before the next node's turn.
    for (node, name) in killed.iter().zip(["Dasan", "Eunha"]) {
        let school = world.school(Plan::new(name).batches(10, 200)).await;
        let mut load = Load::start(&world.clients, &school, REQUESTS);
        load.goes_on(SOME).await;
        assert!(load.is_under_way(), "{node} is killed in the middle of load");
        world.kill_node(node);
        world.start_node(node).await;
        load.finish().await;
        world.check_everything().await;
    }
}
