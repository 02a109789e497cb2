//! What happened when, told as it happens and once more with a failure.

use std::{fmt, sync::Mutex, time::Instant};

/// The journal of a run.
pub(crate) struct Journal {
    began: Instant,
    lines: Mutex<Vec<String>>,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), lines: Mutex::default() }
    }

    /// Notes something.
    pub(crate) fn note(&self, what: impl fmt::Display) {
        let line = format!("{:7.1} s  {what}", self.began.elapsed().as_secs_f32());
        println!("{line}");
        self.lines.lock().unwrap().push(line);
    }

    /// Everything that was noted.
    pub(crate) fn whole(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}
