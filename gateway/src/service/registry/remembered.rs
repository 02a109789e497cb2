//! One kind of the registry's documents, remembered.

use std::{
    future::Future,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use moka::{future::Cache, ops::compute::Op};

use crate::ledger::LedgerError;

/// Documents by key; also that there is none.
pub(super) struct Remembered<K, V> {
    known: Cache<K, Known<V>>,
    /// Counts what was forgotten: what was being read meanwhile may be from before, and is not kept.
    forgotten: AtomicU64,
}

struct Known<V> {
    value: Option<Arc<V>>,
    read: Instant,
}

impl<V> Clone for Known<V> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), read: self.read }
    }
}

/// How old what is remembered may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tolerance {
    /// A document.
    pub(super) present: Duration,
    /// That there is none.
    pub(super) absent: Duration,
    /// A document, while it cannot be read again.
    pub(super) stale: Duration,
}

impl Tolerance {
    fn takes<V>(&self, known: &Known<V>) -> bool {
        known.read.elapsed() < if known.value.is_some() { self.present } else { self.absent }
    }

    fn takes_stale<V>(&self, known: &Known<V>) -> bool {
        known.value.is_some() && known.read.elapsed() < self.stale
    }
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static, V: Send + Sync + 'static> Remembered<K, V> {
    pub(super) fn new(capacity: u64) -> Self {
        Self { known: Cache::new(capacity), forgotten: AtomicU64::new(0) }
    }

    /// The document as remembered, else as read; several callers at once share one reading.
    pub(super) async fn get(
        &self,
        key: &K,
        tolerance: Tolerance,
        read: impl Future<Output = Result<Option<V>, LedgerError>>,
    ) -> Result<Option<Arc<V>>, LedgerError> {
        if let Some(known) = self.known.get(key).await.filter(|known| tolerance.takes(known)) {
            return Ok(known.value);
        }
        let before = self.forgotten.load(Ordering::Acquire);
        let mut answer = None;
        let computed = self.known.entry_by_ref(key).and_try_compute_with(async |entry| {
            let known = entry.map(moka::Entry::into_value);
            if let Some(known) = known.as_ref().filter(|known| tolerance.takes(known)) {
                answer = Some(known.value.clone());
                return Ok(Op::Nop);
            }
            match read.await {
                Ok(value) => {
                    let value = value.map(Arc::new);
                    answer = Some(value.clone());
                    Ok(Op::Put(Known { value, read: Instant::now() }))
                }
                Err(error) => match known.filter(|known| tolerance.takes_stale(known)) {
                    Some(known) => {
                        answer = Some(known.value);
                        Ok(Op::Nop)
                    }
                    None => Err(error),
                },
            }
        });
        computed.await?;
        if before != self.forgotten.load(Ordering::Acquire) {
            self.known.invalidate(key).await;
        }
        Ok(answer.flatten())
    }

    /// The document as remembered, however old.
    pub(super) async fn peek(&self, key: &K) -> Option<Arc<V>> {
        self.known.get(key).await.and_then(|known| known.value)
    }

    /// Forgets one.
    pub(super) async fn forget(&self, key: &K) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.known.invalidate(key).await;
    }

    /// Forgets all.
    pub(super) fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.known.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);
    const FRESH: Tolerance = Tolerance { present: LONG, absent: Duration::ZERO, stale: LONG };
    const OLD: Tolerance = Tolerance { present: Duration::ZERO, absent: Duration::ZERO, stale: LONG };
    const NONE: Tolerance =
        Tolerance { present: Duration::ZERO, absent: Duration::ZERO, stale: Duration::ZERO };

    async fn away() -> Result<Option<u8>, LedgerError> {
        Err(LedgerError::Evaluate("away".to_owned()))
    }

    async fn is(value: Option<u8>) -> Result<Option<u8>, LedgerError> {
        Ok(value)
    }

    #[tokio::test]
    async fn what_is_fresh_is_not_read_again_and_what_was_forgotten_is() {
        let remembered = Remembered::new(10);
        assert_eq!(remembered.get(&1, FRESH, is(Some(7))).await.unwrap().as_deref(), Some(&7));
        assert_eq!(remembered.get(&1, FRESH, is(Some(8))).await.unwrap().as_deref(), Some(&7));
        remembered.forget(&1).await;
        assert_eq!(remembered.get(&1, FRESH, is(Some(8))).await.unwrap().as_deref(), Some(&8));
        remembered.forget_all();
        assert_eq!(remembered.get(&1, FRESH, is(None)).await.unwrap(), None);
        assert_eq!(
            remembered.get(&1, FRESH, is(Some(9))).await.unwrap().as_deref(),
            Some(&9),
            "absence ends soon"
        );
    }

    #[tokio::test]
    async fn while_the_ledger_is_away_the_old_will_do_up_to_a_limit() {
        let remembered = Remembered::new(10);
        assert!(remembered.get(&1, OLD, away()).await.is_err(), "nothing is remembered");
        remembered.get(&1, OLD, is(Some(7))).await.unwrap();
        assert_eq!(remembered.get(&1, OLD, away()).await.unwrap().as_deref(), Some(&7));
        assert!(remembered.get(&1, NONE, away()).await.is_err());
        assert_eq!(remembered.get(&1, OLD, is(Some(8))).await.unwrap().as_deref(), Some(&8));
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_kept() {
        let remembered = Remembered::new(10);
        let read = async {
            remembered.forget(&1).await;
            Ok(Some(7))
        };
        assert_eq!(remembered.get(&1, FRESH, read).await.unwrap().as_deref(), Some(&7));
        assert_eq!(remembered.get(&1, FRESH, is(Some(8))).await.unwrap().as_deref(), Some(&8));
    }
}
