//! Everybody besides the educators, while faults act: learners with their wallets, officers who verify, put back, certify
//! and revoke, signers of documents, a third party who is shown certificates, and a database administrator who changes rows past the gateway.
//! Each minds what they are told, and what they are told must hold of database and ledger.

mod administrator;
mod asking;
mod cases;
mod officer;
mod pupil;
mod signer;
mod tampers;

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sillok_contract::id::{LearnerId, MspId, OfficerId};
use sillok_gateway::{
    ledger::{officer::Officer, receipt::Roots},
    server::Addresses,
};
use sillok_tests::{call::Caller, pupil::Pupil, school::School, signing::signer, told::Told, world::World};
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
};

use self::{
    administrator::Administrator, asking::Asking, cases::Cases, officer::Clerk, pupil::Holder,
    signer::Signing, tampers::Tampers,
};
use crate::{bench::Away, journal::Journal};

/// Between two things that somebody does, in milliseconds.
const PAUSE: std::ops::Range<u64> = 300..2_500;
/// How many sign documents.
const SIGNERS: u64 = 2;

/// What they share: they are all of one thread.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) officer: Officer,
    pub(crate) roots: Roots,
    pub(crate) told: Arc<Mutex<Told>>,
    pub(crate) tampers: Rc<RefCell<Tampers>>,
    pub(crate) cases: Rc<RefCell<Cases>>,
    pub(crate) away: Away,
    pub(crate) journal: Arc<Journal>,
    pub(crate) learners: Vec<LearnerId>,
    addresses: Vec<Addresses>,
    database: String,
    seed: u64,
    stopped: watch::Receiver<bool>,
}

impl Shared {
    /// What somebody draws from, who is known by a number.
    fn random(&self, who: u64) -> StdRng {
        StdRng::seed_from_u64(self.seed.wrapping_mul(31).wrapping_add(who))
    }

    fn asking(&self, who: u64, caller: impl Fn(&Addresses) -> Caller) -> Asking {
        Asking::new(self.addresses.iter().map(caller).collect(), self.random(who))
    }

    fn is_over(&self) -> bool {
        *self.stopped.borrow()
    }

    /// A while, or until all is over.
    async fn pause(&self, random: &mut StdRng) {
        let time = Duration::from_millis(random.random_range(PAUSE));
        let _ = tokio::time::timeout(time, self.stopped.clone().wait_for(|over| *over)).await;
    }
}

/// All of them, at work in one round.
pub(crate) struct People {
    stop: watch::Sender<bool>,
    shared: Shared,
    holders: JoinSet<Holder>,
    signers: JoinSet<Signing>,
    others: JoinSet<()>,
    clerk: JoinSet<Clerk>,
}

impl People {
    /// One learner of each school has a wallet; the others are verified, changed and put back as those are.
    pub(crate) async fn start(
        world: &World,
        schools: &[Arc<School>],
        gateways: &[Addresses],
        seed: u64,
        away: Away,
        journal: &Arc<Journal>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let id = OfficerId::new(format!("officer-{:016x}", rand::random::<u64>())).unwrap();
        let office = MspId::new("OfficeMSP").unwrap();
        let shared = Shared {
            officer: Officer::register(world.consortium(), office, id).await.unwrap(),
            roots: Roots::read_dir(&world.consortium().roots().unwrap()).unwrap(),
            told: world.clients.share(),
            tampers: Rc::default(),
            cases: Rc::default(),
            away,
            journal: journal.clone(),
            learners: schools.iter().flat_map(|school| school.learners.clone()).collect(),
            addresses: gateways.to_vec(),
            database: world.site.database.url(),
            seed,
            stopped,
        };
        let (mut holders, mut others, mut clerk) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
        for (who, school) in (1..).zip(schools) {
            let learner = school.learners.last().expect("a school has learners");
            let pupil = Pupil::new(world, learner).await;
            holders.spawn_local(Holder::new(&shared, who, pupil.wallet).run());
        }
        let mut signers = JoinSet::new();
        for who in 0..SIGNERS {
            let mark: u32 = rand::random();
            let one = signer(world, &format!("S{who}-{mark:08x}")).await;
            let other = signer(world, &format!("F{who}-{mark:08x}")).await;
            signers.spawn_local(Signing::new(&shared, who, one, other).run());
        }
        others.spawn_local(Administrator::new(&shared).run());
        others.spawn_local(officer::verify(shared.clone()));
        clerk.spawn_local(Clerk::new(&shared).run());
        Self { stop, shared, holders, signers, others, clerk }
    }

    /// Somebody who failed fails the caller.
    pub(crate) fn look(&mut self) {
        while let Some(ended) = self.others.try_join_next() {
            ended.unwrap();
        }
        let ended = [
            self.holders.try_join_next().map(rethrown),
            self.signers.try_join_next().map(rethrown),
            self.clerk.try_join_next().map(rethrown),
        ];
        assert_eq!(ended, [None; 3], "nobody ends before time");
    }

    /// Everybody ends what they have begun. Nothing is in the way any more: what had no answer is asked for again, and
    /// all that they were told is held against database and ledger; in the end nothing is changed that was not put back.
    pub(crate) async fn finish(mut self, world: &World) {
        self.stop.send_replace(true);
        let (mut holders, mut clerk) = (Vec::new(), None);
        while let Some(ended) = self.others.join_next().await {
            ended.unwrap();
        }
        while let Some(ended) = self.holders.join_next().await {
            holders.push(ended.unwrap());
        }
        while let Some(ended) = self.clerk.join_next().await {
            clerk = Some(ended.unwrap());
        }
        let mut signers = Vec::new();
        while let Some(ended) = self.signers.join_next().await {
            signers.push(ended.unwrap());
        }
        let mut clerk = clerk.expect("one puts back");
        clerk.finish().await;
        tampers::check(world, &self.shared, &mut clerk).await;
        cases::check(world, &self.shared).await;
        for holder in holders {
            holder.finish(world).await;
        }
        for signer in signers {
            signer.finish(world).await;
        }
        let (tampers, cases) = (self.shared.tampers.borrow(), self.shared.cases.borrow());
        self.shared.journal.note(format!("{tampers}; {cases}"));
    }
}

/// Somebody's failure, as the caller's.
fn rethrown<T>(ended: Result<T, tokio::task::JoinError>) {
    ended.unwrap_or_else(|error| panic!("{error}"));
}
