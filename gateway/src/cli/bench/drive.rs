//! The load generator: callers that each do one thing after the other, or at a pace, against whatever is measured.

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::cli::Failure;

/// How much more is made ready than the warm-up says will be needed.
const MARGIN: f64 = 1.4;
/// The longest time that is told apart, in microseconds.
const LONGEST: u64 = 120_000_000;

/// What callers do.
pub(super) trait Work: Send + Sync + 'static {
    /// One thing to do, made ready: what costs the caller and not what is measured.
    type Ready: Send + 'static;
    /// What came of it.
    type Done: Send + 'static;

    /// Makes one thing ready.
    fn ready(&self, caller: usize) -> Self::Ready;
    /// Does it.
    fn perform(
        &self,
        caller: usize,
        ready: Self::Ready,
    ) -> impl Future<Output = Result<Self::Done, Refused>> + Send;
}

/// How long a run goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Before anything counts, so that what lies behind is as busy as it will be.
    pub(super) ramp: Duration,
    /// While it counts.
    pub(super) run: Duration,
}

/// A thing that was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// Why: a stable code.
    pub(super) code: String,
    /// How long the caller waits before the next.
    pub(super) wait: Duration,
    /// Whether it may have been done after all.
    pub(super) unclear: bool,
}

/// Something done: when it was begun (or should have been, at a pace), and what came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Performed<T> {
    pub(super) began: Instant,
    pub(super) caller: usize,
    pub(super) done: T,
}

/// What callers did.
pub(super) struct Driven<T> {
    /// When counting began and ended.
    pub(super) window: (Instant, Instant),
    /// How many were done in the window.
    pub(super) count: u64,
    /// Microseconds from begin to answer, of those.
    pub(super) latency: Histogram<u64>,
    /// Everything that was done, before and in the window.
    pub(super) performed: Vec<Performed<T>>,
    /// What was refused in the window, by code.
    pub(super) refused: BTreeMap<String, u64>,
    /// How many may have been done or not.
    pub(super) unclear: u64,
    /// How many were made ready in the window, because more was done than the warm-up had foretold.
    pub(super) made_late: u64,
}

impl<T> Driven<T> {
    fn new(window: (Instant, Instant)) -> Self {
        Self {
            window,
            count: 0,
            latency: histogram(),
            performed: Vec::new(),
            refused: BTreeMap::new(),
            unclear: 0,
            made_late: 0,
        }
    }

    /// How many were done a second.
    pub(super) fn rate(&self) -> f64 {
        self.count as f64 / self.window.1.duration_since(self.window.0).as_secs_f64()
    }

    /// How many failed in the window, and the first reason.
    pub(super) fn failed(&self) -> (u64, Option<&str>) {
        (self.refused.values().sum(), self.refused.keys().next().map(String::as_str))
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.latency.add(&other.latency).expect("both have the same bounds");
        self.performed.extend(other.performed);
        for (code, count) in other.refused {
            *self.refused.entry(code).or_default() += count;
        }
        self.unclear += other.unclear;
        self.made_late += other.made_late;
    }

    fn note(&mut self, began: Instant, caller: usize, outcome: Result<T, Refused>) -> Option<Duration> {
        let now = Instant::now();
        let counts = now >= self.window.0 && now < self.window.1;
        match outcome {
            Ok(done) => {
                self.performed.push(Performed { began, caller, done });
                if counts {
                    self.count += 1;
                    self.latency.saturating_record(micros(now.duration_since(began)));
                }
                None
            }
            Err(refused) => {
                self.unclear += u64::from(refused.unclear);
                if counts {
                    *self.refused.entry(refused.code).or_default() += 1;
                }
                Some(refused.wait)
            }
        }
    }
}

/// An empty histogram of microseconds.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order and three digits are allowed")
}

/// As the histograms hold it.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Callers that have warmed up, with what they will do made ready.
pub(super) struct Driver<W: Work> {
    work: Arc<W>,
    ready: Vec<VecDeque<W::Ready>>,
    /// How many a second all callers together begin; none: each as soon as its last is done.
    pace: Option<f64>,
    /// What was done while warming up.
    warm: Vec<Performed<W::Done>>,
    unclear: u64,
}

impl<W: Work> Driver<W> {
    /// Has so many callers warm up, and makes ready what a run will need.
    pub(super) async fn warm_up(
        work: Arc<W>,
        callers: usize,
        pace: Option<f64>,
        warm_up: Duration,
        span: Span,
    ) -> Result<Self, Failure> {
        let idle = (0..callers).map(|_| VecDeque::new()).collect();
        let warming = Span { ramp: Duration::ZERO, run: warm_up };
        let driven = all(&work, idle, pace, warming).await?;
        let rate = pace.unwrap_or_else(|| driven.rate());
        let each = (rate * (span.ramp + span.run).as_secs_f64() * MARGIN / callers as f64).ceil() as usize;
        let ready = make_ready(&work, callers, each).await?;
        Ok(Self { work, ready, pace, warm: driven.performed, unclear: driven.unclear })
    }

    /// Has the callers do what was made ready.
    pub(super) async fn run(self, span: Span) -> Result<Driven<W::Done>, Failure> {
        let mut driven = all(&self.work, self.ready, self.pace, span).await?;
        driven.performed.extend(self.warm);
        driven.unclear += self.unclear;
        Ok(driven)
    }
}

/// Makes so many things ready for each caller, on all cores.
async fn make_ready<W: Work>(
    work: &Arc<W>,
    callers: usize,
    each: usize,
) -> Result<Vec<VecDeque<W::Ready>>, Failure> {
    let mut makers = JoinSet::new();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for core in 0..cores {
        let work = work.clone();
        makers.spawn_blocking(move || {
            let mine = (core..callers).step_by(cores);
            mine.map(|caller| (caller, (0..each).map(|_| work.ready(caller)).collect())).collect::<Vec<_>>()
        });
    }
    let mut ready: Vec<_> = makers.join_all().await.into_iter().flatten().collect();
    ready.sort_by_key(|(caller, _)| *caller);
    Ok(ready.into_iter().map(|(_, queue)| queue).collect())
}

/// All callers at once, for as long as ramp and run together.
async fn all<W: Work>(
    work: &Arc<W>,
    ready: Vec<VecDeque<W::Ready>>,
    pace: Option<f64>,
    span: Span,
) -> Result<Driven<W::Done>, Failure> {
    let start = Instant::now();
    let window = (start + span.ramp, start + span.ramp + span.run);
    let interval = pace.map(|rate| Duration::from_secs_f64(ready.len() as f64 / rate.max(0.001)));
    let mut callers = JoinSet::new();
    let count = ready.len() as u32;
    for (caller, ready) in ready.into_iter().enumerate() {
        let first = interval.map_or(start, |interval| start + interval * caller as u32 / count.max(1));
        let work = work.clone();
        callers.spawn(async move { one(&*work, caller, ready, Times { first, interval, window }).await });
    }
    let mut driven = Driven::new(window);
    while let Some(ended) = callers.join_next().await {
        driven.add(ended.map_err(|error| Failure::failed("bench.caller", error.to_string()))?);
    }
    Ok(driven)
}

/// When a caller begins, how often it does, and what counts.
struct Times {
    first: Instant,
    interval: Option<Duration>,
    window: (Instant, Instant),
}

/// One caller until the window ends. At a pace a thing counts from when it should have begun, so that a slow answer
/// also counts for those that had to wait behind it.
async fn one<W: Work>(
    work: &W,
    caller: usize,
    mut queue: VecDeque<W::Ready>,
    times: Times,
) -> Driven<W::Done> {
    let mut driven = Driven::new(times.window);
    let prepared = !queue.is_empty();
    let mut due = times.first;
    loop {
        tokio::time::sleep_until(due.into()).await;
        if Instant::now() >= times.window.1 {
            return driven;
        }
        let ready = queue.pop_front().unwrap_or_else(|| {
            driven.made_late += u64::from(prepared);
            work.ready(caller)
        });
        let began = if times.interval.is_some() { due } else { Instant::now() };
        let wait = driven.note(began, caller, work.perform(caller, ready).await);
        due = match times.interval {
            Some(interval) => due + interval,
            None => Instant::now(),
        } + wait.unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Counts what is done; every tenth is refused.
    #[derive(Default)]
    struct Counter {
        done: AtomicU64,
    }

    impl Work for Counter {
        type Ready = ();
        type Done = u64;

        fn ready(&self, _: usize) {}

        async fn perform(&self, _: usize, (): ()) -> Result<u64, Refused> {
            tokio::time::sleep(Duration::from_millis(2)).await;
            match self.done.fetch_add(1, Ordering::Relaxed) {
                number if number % 10 == 9 => {
                    Err(Refused { code: "tenth".to_owned(), wait: Duration::from_millis(1), unclear: true })
                }
                number => Ok(number),
            }
        }
    }

    #[tokio::test]
    async fn everything_done_is_told_and_what_is_in_the_window_counts() {
        for pace in [None, Some(400.0)] {
            let (work, tenth) = (Arc::new(Counter::default()), Duration::from_millis(100));
            let span = Span { ramp: tenth, run: tenth * 3 };
            let driver = Driver::warm_up(work.clone(), 4, pace, tenth, span).await.unwrap();
            let driven = driver.run(span).await.unwrap();
            let done = work.done.load(Ordering::Relaxed);
            assert_eq!(driven.performed.len() as u64 + driven.unclear, done);
            assert!(driven.count < driven.performed.len() as u64, "warming up does not count");
            assert_eq!(driven.latency.len(), driven.count);
            assert!(driven.refused.values().sum::<u64>() <= driven.unclear);
        }
    }
}
