//! What the demo shows: chapters, steps with a mark, a progress bar where a wait is long. Nothing with `--json`.

use std::time::Duration;

use console::{Emoji, style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

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

    /// A bar for `length` things; drawn only in a terminal.
    pub(super) fn bar(self, length: u64, unit: &str) -> ProgressBar {
        let bar = ProgressBar::new(length);
        if self.silent {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let template =
            format!("  {{bar:32.cyan/dim}} {{pos}}/{{len}} {unit}  {{elapsed_precise}}  {{msg:.dim}}");
        let look = ProgressStyle::with_template(&template).expect("the template is well formed");
        bar.set_style(look);
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }
}
