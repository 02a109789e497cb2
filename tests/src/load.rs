//! Load: every educator of a school sends one request after the other, whatever happens to the gateway meanwhile.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::task::JoinSet;

use crate::{
    clients::Clients,
    lesson::{grade, report},
    patience::until,
    school::School,
};

/// A load under way.
pub struct Load {
    answered: Arc<AtomicUsize>,
    senders: JoinSet<()>,
}

impl Load {
    /// Each educator sends so many requests, of two marks and a read each.
    pub fn start(clients: &Clients, school: &Arc<School>, requests: usize) -> Self {
        let answered = Arc::new(AtomicUsize::new(0));
        let mut senders = JoinSet::new();
        for educator in 0..school.educators.len() {
            let (clients, school, answered) = (clients.clone(), school.clone(), answered.clone());
            senders.spawn(async move {
                let teacher = &school.educators[educator];
                for number in 0..requests {
                    let learner = &school.learners[number % school.learners.len()];
                    let subject = format!("e{educator} n{number}");
                    let marks = [1, 2].map(|term| grade(learner, term, &subject, 50));
                    let signed = teacher.signs(marks.into_iter().chain([report(learner, 1)])).unwrap();
                    clients.send(teacher, &signed).await;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self { answered, senders }
    }

    /// Waits until so many more requests are answered, or all are.
    pub async fn goes_on(&mut self, more: usize) {
        let enough = self.answered.load(Ordering::Relaxed) + more;
        until("the load goes on", async || {
            self.rethrow();
            let done = self.senders.is_empty() || self.answered.load(Ordering::Relaxed) >= enough;
            done.then_some(())
        })
        .await;
    }

    /// A failed sender fails the scenario.
    fn rethrow(&mut self) {
        while let Some(ended) = self.senders.try_join_next() {
            ended.unwrap();
        }
    }

    /// Whether requests are still to be sent.
    pub fn is_under_way(&mut self) -> bool {
        self.rethrow();
        !self.senders.is_empty()
    }

    /// Waits until every request is answered.
    pub async fn finish(mut self) {
        while let Some(ended) = self.senders.join_next().await {
            ended.unwrap();
        }
    }
}
