//! What stands between two parts of the system, and can hold or cut what passes, as a network can: a switch before a
//! ledger in this process, and a proxy before a process of its own.

mod front;
mod ledger;
mod lines;
mod owner;

use std::time::Duration;

pub use front::{Callers, Front};
pub use ledger::Switched;
pub use lines::Lines;

/// What a switch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Everything passes.
    Through,
    /// Everything passes, so much later.
    Slow(Duration),
    /// What is sent waits, as when packets are lost.
    Held,
    /// Nothing passes: the other side is away, and says so.
    Cut,
}
