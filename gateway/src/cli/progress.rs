//! Progress on standard error, for people at a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Output;

/// A bar over so many steps. It shows nothing with `--json` or where nobody looks, and goes when it is dropped.
pub(super) fn bar(output: &Output, steps: u64, what: &str) -> ProgressBar {
    let target = if output.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template(
        "  {bar:32.cyan/dim} {pos}/{len} {prefix}  {elapsed_precise}  {msg:.dim}",
    )
    .expect("the template is well-formed");
    let bar =
        ProgressBar::with_draw_target(Some(steps), target).with_style(style).with_prefix(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_finish(indicatif::ProgressFinish::AndClear)
}
