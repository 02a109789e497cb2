//! Progress on standard error, for people at a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Output;

/// A bar over so many steps. It shows nothing with `--json` or where nobody looks, and goes when it is dropped.
pub(super) fn bar(output: &Output, steps: usize, what: &'static str) -> ProgressBar {
    let target = if output.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {elapsed}")
        .expect("the template is well-formed");
    let bar = ProgressBar::with_draw_target(Some(steps as u64), target).with_style(style).with_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_finish(indicatif::ProgressFinish::AndClear)
}
