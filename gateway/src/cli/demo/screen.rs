//! What the demo shows: chapters, steps with a mark, a progress bar where a wait is long. Nothing with `--json`.

use console::{Emoji, style};
use indicatif::ProgressBar;

use crate::cli::{Output, progress};

static DONE: Emoji<'_, '_> = Emoji("✓", "ok");
static REFUSED: Emoji<'_, '_> = Emoji("✗", "no");

/// The terminal, or nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    silent: bool,
}

impl Screen {
    pub(super) fn new(silent: bool) -> Self {
        Self { silent }
    }

    /// Begins a chapter.
    pub(super) fn chapter(self, title: &str) {
        self.line(&format!("\n{}", style(title).bold().cyan()));
    }

    /// Something was done.
    pub(super) fn done(self, text: &str) {
        self.line(&format!("  {} {text}", style(DONE).green()));
    }

    /// Something was refused, as it should be.
    pub(super) fn refused(self, what: &str, code: &str, detail: &str) {
        self.line(&format!("  {} {what}", style(REFUSED).red()));
        self.line(&format!("      {} {}", style(code).yellow(), style(detail).dim()));
    }

    /// A detail below the step before.
    pub(super) fn detail(self, name: &str, text: &str) {
        self.line(&format!("      {} {text}", style(format!("{name:<11}")).dim()));
    }

    /// Plain text.
    pub(super) fn line(self, text: &str) {
        if !self.silent {
            eprintln!("{text}");
        }
    }

    /// A progress bar over so many steps.
    pub(super) fn bar(self, steps: u64, what: &'static str) -> ProgressBar {
        progress::bar(&Output { json: self.silent }, steps, what)
    }
}
