//! The lines between places, each with a switch.

use std::{collections::BTreeMap, sync::Mutex};

use tokio::sync::watch;

use super::Switch;

/// A line's two ends, in the order of their names: what is cut is cut both ways.
type Ends = (String, String);

/// The lines between any two places. One that nobody has asked for lets everything through.
#[derive(Debug, Default)]
pub struct Lines {
    switches: Mutex<BTreeMap<Ends, watch::Sender<Switch>>>,
}

impl Lines {
    /// Puts the switch of the line between two places.
    pub fn put(&self, one: &str, other: &str, switch: Switch) {
        self.with(one, other, |line| line.send_replace(switch));
    }

    /// Lets everything through on every line.
    pub fn mend(&self) {
        for line in self.switches.lock().unwrap().values() {
            line.send_replace(Switch::Through);
        }
    }

    /// The switch of the line between two places.
    pub(super) fn between(&self, one: &str, other: &str) -> watch::Receiver<Switch> {
        self.with(one, other, |line| line.subscribe())
    }

    fn with<T>(&self, one: &str, other: &str, work: impl FnOnce(&watch::Sender<Switch>) -> T) -> T {
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        let mut switches = self.switches.lock().unwrap();
        let ends = (first.to_owned(), second.to_owned());
        work(switches.entry(ends).or_insert_with(|| watch::Sender::new(Switch::Through)))
    }
}
