//! Answers that are good for a moment, so that many who ask cost no more than a few.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// An answer, asked for anew at most every so often.
pub(super) struct Momentary<T> {
    lasts: Duration,
    last: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> Momentary<T> {
    pub(super) fn new(lasts: Duration) -> Self {
        Self { lasts, last: Mutex::new(None) }
    }

    /// The answer; those who want it while it is being asked for wait for that one.
    pub(super) async fn get<E>(&self, ask: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let mut last = self.last.lock().await;
        if let Some((_, answer)) = last.as_ref().filter(|(since, _)| since.elapsed() < self.lasts) {
            return Ok(answer.clone());
        }
        let answer = ask.await?;
        *last = Some((Instant::now(), answer.clone()));
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_asked_for_again_only_when_it_is_old_or_failed() {
        let (long, short) = (Momentary::new(Duration::from_secs(3600)), Momentary::new(Duration::ZERO));
        let ask = async |of: &Momentary<u8>, answer: Result<u8, ()>| of.get(async move { answer }).await;
        assert_eq!(ask(&long, Err(())).await, Err(()));
        assert_eq!((ask(&long, Ok(1)).await, ask(&long, Ok(2)).await), (Ok(1), Ok(1)));
        assert_eq!((ask(&short, Ok(1)).await, ask(&short, Ok(2)).await), (Ok(1), Ok(2)));
    }
}
