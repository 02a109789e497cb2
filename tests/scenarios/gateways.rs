//! Two gateways on one PostgreSQL.

use std::time::Duration;

use sillok_tests::{
    load::Load,
    patience::{until, within},
    school::Plan,
    world::World,
};

/// Within this time a dead gateway's schools are another's.
const TAKEOVER: Duration = Duration::from_secs(10);

/// The gateway that writes the school's batches is killed in the middle of load; the other takes over.
pub(crate) async fn one_killed(world: &mut World) {
    let school = world.school(Plan::new("Sangsaeng").batches(10, 200)).await;
    let other = world.school(Plan::new("Gongdong").batches(10, 200)).await;
    world.stop().await;
    world.serve_by_program().await;
    let mut by_first = Load::start(&world.clients, &school, 25);
    let database = world.site.database.clone();
    let first = until("the first gateway writes the school", async || database.owner(&school.id).await).await;

    let (second, clients) = world.second_program().await;
    let by_second = Load::start(&clients, &other, 25);
    by_first.goes_on(4).await;
    world.kill().await;
    world.turn_to(second);
    let owner = within(TAKEOVER, "the second gateway takes over", async || {
        database.owner(&school.id).await.filter(|owner| *owner != first)
    });
    owner.await;
    by_first.finish().await;
    by_second.finish().await;
    world.stop().await;
    world.serve().await;
    world.check_everything().await;
}
