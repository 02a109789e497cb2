//! What is remembered of many keys, in bounded memory.

use std::{collections::HashMap, mem};

/// A value a key, of the keys seen last: at least half of `most`, never more. In two generations: what is not touched
/// while the young one fills up once is forgotten, and no touch costs more than a look into both.
pub(super) struct Kept<T> {
    young: HashMap<String, T>,
    old: HashMap<String, T>,
    /// How many fit into a generation.
    half: usize,
}

impl<T: Default> Kept<T> {
    /// For at most so many keys; at least two.
    pub(super) fn new(most: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: (most / 2).max(1) }
    }

    /// The key's value, new where it was not seen or is forgotten.
    pub(super) fn of(&mut self, key: &str) -> &mut T {
        if !self.young.contains_key(key) {
            let value = self.old.remove(key).unwrap_or_default();
            if self.young.len() >= self.half {
                self.old = mem::take(&mut self.young);
            }
            self.young.insert(key.to_owned(), value);
        }
        self.young.get_mut(key).expect("it was there, or was put there")
    }

    /// How many keys are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_bounded_and_forgets_only_what_was_long_untouched(
            most in 2_usize..20, keys in prop::collection::vec(0_u8..40, 0..300)
        ) {
            let mut kept = Kept::<u32>::new(most);
            let mut counts = HashMap::<u8, u32>::new();
            for (place, key) in keys.iter().enumerate() {
                *kept.of(&key.to_string()) += 1;
                prop_assert!(kept.len() <= most);
                let last = keys[..place].iter().rposition(|before| before == key);
                let between = last.map(|last| keys[last + 1..place].iter().collect::<BTreeSet<_>>().len());
                let count = counts.entry(*key).or_default();
                *count += 1;
                let found = *kept.of(&key.to_string());
                if between.is_some_and(|others| others < most / 2) {
                    prop_assert!(found > 1, "{key} was forgotten after {between:?} others of {most}");
                }
                prop_assert!(found <= *count);
            }
        }
    }
}
