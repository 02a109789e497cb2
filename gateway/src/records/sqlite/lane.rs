//! Threads that own a connection each and do what is asked of them, one thing at a time.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::records::{RecordsError, Result};

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// How many may wait.
const QUEUE: usize = 1024;

/// Threads with one queue. They end when it is dropped.
pub(super) struct Lane {
    queue: mpsc::Sender<Job>,
}

impl Lane {
    /// One thread a connection.
    pub(super) fn start(name: &str, connections: Vec<Connection>) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel::<Job>(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for mut connection in connections {
            let jobs = jobs.clone();
            thread::Builder::new().name(format!("sillok-{name}")).spawn(move || {
                while let Some(job) = next(&jobs) {
                    // Who waits for the job learns of a panic: their channel is dropped. The thread goes on.
                    let _ = catch_unwind(AssertUnwindSafe(|| job(&mut connection)));
                }
            })?;
        }
        Ok(Self { queue })
    }

    /// Does this on one of the threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let _ = answer.send(job(connection));
        });
        if self.queue.try_send(job).is_err() {
            return Err(RecordsError::Unavailable("too many wait for it".to_owned()));
        }
        answered.await.unwrap_or_else(|_| Err(RecordsError::Unavailable("it gave up".to_owned())))
    }
}

fn next(jobs: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
}
