//! Load: educators who send through either gateway, whatever happens, and mind every answer. They lose patience, send
//! the same again, or give up.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex as Shared},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use sillok_contract::id::LearnerId;
use sillok_gateway::{
    keys::{Asked, SignedQueries},
    server::Addresses,
    service::RequestState,
};
use sillok_tests::{
    call::{Caller, Face},
    lesson::{ask, correction, grade, report, withdrawal},
    refusal::{Failed, Refusal},
    school::School,
    told::Told,
};
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
};

/// How long a caller waits for an answer before giving up on it, in milliseconds.
const PATIENCE: [u64; 3] = [700, 3_000, 12_000];
/// How often a request is sent at most.
const TRIES: u32 = 6;
/// Between two requests of one educator, in milliseconds.
const PAUSE: std::ops::Range<u64> = 200..900;
/// Refusals that say themselves that nobody knows whether the request was done.
const IN_DOUBT: [&str; 2] = ["database.in_doubt", "limit.time"];

/// What came of the requests so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) done: u64,
    pub(crate) queries: u64,
    pub(crate) refused: u64,
    pub(crate) unclear: u64,
    /// How often each refusal was told, those that were tried again among them.
    pub(crate) codes: BTreeMap<String, u64>,
}

impl Tally {
    /// What came since then.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let codes = self
            .codes
            .iter()
            .map(|(code, count)| (code.clone(), count - before.codes.get(code).copied().unwrap_or_default()));
        Self {
            done: self.done - before.done,
            queries: self.queries - before.queries,
            refused: self.refused - before.refused,
            unclear: self.unclear - before.unclear,
            codes: codes.filter(|(_, count)| *count > 0).collect(),
        }
    }

    pub(crate) fn requests(&self) -> u64 {
        self.done + self.refused + self.unclear
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} done, {} refused, {} without an answer", self.done, self.refused, self.unclear)
    }
}

/// A load under way.
pub(crate) struct Traffic {
    stop: watch::Sender<bool>,
    senders: JoinSet<(Sender, Vec<SignedQueries>)>,
    tally: Arc<Shared<Tally>>,
}

impl Traffic {
    /// Every educator of these schools sends through these gateways until told to stop.
    pub(crate) fn start(
        schools: &[Arc<School>],
        gateways: &[Addresses],
        told: &Arc<Mutex<Told>>,
        seed: u64,
        tally: &Arc<Shared<Tally>>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut senders = JoinSet::new();
        for (number, (school, educator)) in schools
            .iter()
            .flat_map(|school| (0..school.educators.len()).map(move |e| (school, e)))
            .enumerate()
        {
            let face = if number % 2 == 0 { Face::Rest } else { Face::Grpc };
            let access = || school.educators[educator].access();
            let callers = gateways.iter().map(|addresses| Caller::new(face, addresses, access())).collect();
            let sender = Sender {
                school: school.clone(),
                educator,
                callers,
                told: told.clone(),
                tally: tally.clone(),
                random: StdRng::seed_from_u64(seed.wrapping_add(number as u64)),
                count: 0,
            };
            senders.spawn(sender.run(stopped.clone()));
        }
        Self { stop, senders, tally: tally.clone() }
    }

    /// What came so far. A sender that failed fails the caller.
    pub(crate) fn look(&mut self) -> Tally {
        while let Some(ended) = self.senders.try_join_next() {
            ended.unwrap();
        }
        self.tally.lock().unwrap().clone()
    }

    /// What came so far, as it goes on.
    pub(crate) fn tally(&self) -> Arc<Shared<Tally>> {
        self.tally.clone()
    }

    /// Ends the load, and has every second request without an answer sent once more, until there is one.
    pub(crate) async fn finish(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.senders.join_next().await {
            let (mut sender, unclear) = ended.unwrap();
            for signed in unclear.iter().step_by(2) {
                sender.ask_again(signed).await;
            }
        }
    }
}

/// How an attempt ended.
enum Attempt {
    Done(RequestState),
    Refused(Refusal),
    Unanswered,
}

/// One educator.
struct Sender {
    school: Arc<School>,
    educator: usize,
    callers: Vec<Caller>,
    told: Arc<Mutex<Told>>,
    tally: Arc<Shared<Tally>>,
    random: StdRng,
    count: u64,
}

impl Sender {
    /// Sends until told to stop; what remained without an answer.
    async fn run(mut self, mut stopped: watch::Receiver<bool>) -> (Self, Vec<SignedQueries>) {
        let mut unclear = Vec::new();
        while !*stopped.borrow() {
            let asked = self.asks();
            let signed = self.school.educators[self.educator].signs(asked).unwrap();
            if self.send(&signed).await {
                unclear.push(signed);
            }
            let pause = Duration::from_millis(self.random.random_range(PAUSE));
            let _ = tokio::time::timeout(pause, stopped.wait_for(|stop| *stop)).await;
        }
        (self, unclear)
    }

    /// One to four queries; some on rows that others change too, some that must be refused.
    fn asks(&mut self) -> Vec<Asked> {
        self.count += 1;
        let many = self.random.random_range(1..=4);
        (0..many).map(|index| self.asks_one(index)).collect()
    }

    fn asks_one(&mut self, index: u32) -> Asked {
        let learner = self.learner();
        let (term, score) = (self.random.random_range(1..=2), self.random.random_range(0..=100));
        let own = format!("e{} n{} q{index}", self.educator, self.count);
        let shared = format!("subject {}", self.random.random_range(1..=3));
        match self.random.random_range(0..100) {
            0..40 => grade(&learner, term, &own, score),
            40..50 => grade(&learner, term, &shared, score),
            50..70 => correction(&learner, term, &shared, score),
            70..77 => withdrawal(&learner, term, &shared),
            77..98 => report(&learner, term),
            _ => ask(&learner, "SELECT jws FROM sillok_requests", Vec::new()),
        }
    }

    /// The first ones often, the last one seldom: who asks for certificates has time to be certified.
    fn learner(&mut self) -> LearnerId {
        let learners = &self.school.learners;
        let [one, other] = [0, 1].map(|_| self.random.random_range(0..learners.len()));
        learners[one.min(other)].clone()
    }

    /// Sends one request to one gateway or the other until there is an answer, or patience ends. Whether there was none.
    async fn send(&mut self, signed: &SignedQueries) -> bool {
        let (mut refusal, mut unanswered) = (None, false);
        for _ in 0..self.random.random_range(1..=TRIES) {
            let patience = *PATIENCE.choose(&mut self.random).expect("there are some");
            match self.attempt(signed, patience).await {
                Attempt::Done(state) => {
                    self.done(signed, &state).await;
                    return false;
                }
                Attempt::Refused(told) => {
                    let again = told.retry;
                    refusal = Some(told);
                    if !again {
                        break;
                    }
                }
                Attempt::Unanswered => unanswered = true,
            }
            tokio::time::sleep(Duration::from_millis(self.random.random_range(20..400))).await;
        }
        let mut told = self.told.lock().await;
        let mut tally = self.tally.lock().unwrap();
        match refusal.filter(|_| !unanswered) {
            Some(refusal) => {
                tally.refused += 1;
                told.refused(signed, refusal);
            }
            None => {
                tally.unclear += 1;
                told.unclear(&self.school.id, signed);
            }
        }
        unanswered
    }

    async fn done(&self, signed: &SignedQueries, state: &RequestState) {
        self.told.lock().await.done(&self.school.id, signed, state);
        let mut tally = self.tally.lock().unwrap();
        tally.done += 1;
        tally.queries += signed.queries.len() as u64;
    }

    async fn attempt(&mut self, signed: &SignedQueries, patience: u64) -> Attempt {
        let caller = self.callers.choose(&mut self.random).expect("there are gateways");
        let answer = tokio::time::timeout(Duration::from_millis(patience), caller.submit(signed)).await;
        match answer {
            Ok(Ok(state)) => Attempt::Done(state),
            Ok(Err(Failed::Refused(refusal))) => {
                *self.tally.lock().unwrap().codes.entry(refusal.code.clone()).or_default() += 1;
                match IN_DOUBT.contains(&refusal.code.as_str()) {
                    true => Attempt::Unanswered,
                    false => Attempt::Refused(refusal),
                }
            }
            Ok(Err(Failed::Unanswered(_))) | Err(_) => Attempt::Unanswered,
        }
    }

    /// Asks once more what became of a request, now that nothing is in the way. If it is refused, it was signed too
    /// long ago, and remains without an answer.
    async fn ask_again(&mut self, signed: &SignedQueries) {
        let patience =
            sillok_tests::patience::Patience::new(sillok_tests::patience::PATIENCE, "an answer at last");
        loop {
            match self.attempt(signed, 12_000).await {
                Attempt::Done(state) => {
                    return self.told.lock().await.done(&self.school.id, signed, &state);
                }
                Attempt::Refused(refusal) if !refusal.retry => return,
                _ => patience.pause().await,
            }
        }
    }
}
