//! Progress of long work: a bar on a terminal, nothing elsewhere, always on standard error.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far something is.
#[derive(Debug, Clone)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Begins; `total` is the number of steps, if it is known. Hides itself where standard error is no terminal.
    pub(crate) fn start(what: &str, total: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        let form = match total {
            Some(_) => "{msg} [{bar:30}] {percent}% {human_pos}/{human_len}, {eta} left",
            None => "{spinner} {msg} {human_pos} in {elapsed}",
        };
        // The forms above are right; a wrong one would show the library's own.
        let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("=> "));
        bar.set_message(what.to_owned());
        Self(bar)
    }

    /// Some steps more are done.
    pub(crate) fn advance(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// It turned out how many steps there are.
    pub(crate) fn set_total(&self, total: u64) {
        self.0.set_length(total);
    }

    /// The end: the bar goes, so that what is printed next stands alone.
    pub(crate) fn finish(self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both forms are templates that the library takes, and counting works where nobody sees it.
    #[test]
    fn progress_counts_unseen() {
        for total in [Some(10), None] {
            let progress = Progress::start("counting", total);
            progress.advance(3);
            progress.set_total(12);
            assert_eq!((progress.0.position(), progress.0.length()), (3, Some(12)));
            progress.finish();
        }
    }
}
