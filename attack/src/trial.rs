//! What became of the cases: counted, and judged at the end.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde_json::{Value, json};

/// What became of one attack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was refused as documented, or led to the very resource that was authorised.
    Held,
    /// It was refused otherwise than documented.
    Otherwise(String),
    /// Something reached the engine that must not.
    Reached(String),
}

impl Verdict {
    /// Held if `is_held`, else what was seen instead.
    pub(crate) fn held_if(is_held: bool, seen: impl FnOnce() -> String) -> Self {
        if is_held { Self::Held } else { Self::Otherwise(seen()) }
    }
}

/// The cases of one class.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    class: &'static str,
    names: BTreeSet<String>,
    cases: usize,
    held: usize,
    reached: usize,
    controls: usize,
    accepted: usize,
    panics: usize,
    misses: Vec<String>,
    least: usize,
}

impl Trial {
    /// A class that must have at least so many cases.
    pub(crate) fn new(class: &'static str, least: usize) -> Self {
        Self { class, least, ..Self::default() }
    }

    /// Notes an attack. A name stands for one case: the same name again is a mistake of the suite.
    pub(crate) fn attack(&mut self, name: impl Display, verdict: Verdict) {
        let name = name.to_string();
        self.cases += 1;
        match verdict {
            Verdict::Held => self.held += 1,
            Verdict::Otherwise(seen) => self.misses.push(format!("{name}: {seen}")),
            Verdict::Reached(what) => {
                self.reached += 1;
                self.misses.push(format!("{name}: REACHED THE ENGINE: {what}"));
            }
        }
        if !self.names.insert(name.clone()) {
            self.misses.push(format!("{name}: two cases have this name"));
        }
    }

    /// Whether there was an attack of this name, or of this name with more behind it.
    pub(crate) fn has_case(&self, name: &str) -> bool {
        self.names.iter().any(|one| {
            one.strip_prefix(name)
                .is_some_and(|rest| !rest.starts_with(|next: char| next == '_' || next.is_alphanumeric()))
        })
    }

    /// Notes a control: a valid request that must be accepted.
    pub(crate) fn control(&mut self, name: impl Display, outcome: Result<(), String>) {
        self.controls += 1;
        match outcome {
            Ok(()) => self.accepted += 1,
            Err(seen) => self.misses.push(format!("control {name}: {seen}")),
        }
    }

    /// Notes what went wrong beside the cases.
    pub(crate) fn miss(&mut self, what: impl Display) {
        self.misses.push(what.to_string());
    }

    /// Notes that this much reached the engine wrongly, beside the cases.
    pub(crate) fn stray(&mut self, what: &str) {
        self.reached += 1;
        self.misses.push(format!("REACHED THE ENGINE: {what}"));
    }

    /// Notes panics of the instance while the class ran.
    pub(crate) fn panicked(&mut self, panics: usize) {
        self.panics += panics;
    }

    /// Whether everything was as it must be.
    pub(crate) fn is_fine(&self) -> bool {
        self.misses.is_empty()
            && self.panics == 0
            && self.held == self.cases
            && self.accepted == self.controls
            && self.cases >= self.least
            && self.controls > 0
    }

    fn line(&self) -> String {
        format!(
            "{:<18} {:>6} cases, {:>6} held, {:>4} wrongly reached the engine, {:>2} panics, {:>4} of {} controls accepted{}",
            self.class,
            self.cases,
            self.held,
            self.reached,
            self.panics,
            self.accepted,
            self.controls,
            if self.cases < self.least {
                format!("; at least {} are due", self.least)
            } else {
                String::new()
            }
        )
    }

    /// What went wrong, a bounded part of it.
    pub(crate) fn show(&self) {
        const SHOWN_MAX: usize = 25;
        println!("{}", self.line());
        for miss in self.misses.iter().take(SHOWN_MAX) {
            println!("    {miss}");
        }
        if self.misses.len() > SHOWN_MAX {
            println!("    … and {} more", self.misses.len() - SHOWN_MAX);
        }
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "class": self.class, "cases": self.cases, "held": self.held, "reached": self.reached, "panics": self.panics,
            "controls": self.controls, "controls_accepted": self.accepted, "misses": self.misses,
        })
    }
}

/// The line that closes every run.
pub(crate) fn closing_line(trials: &[Trial]) -> String {
    let sum = |of: fn(&Trial) -> usize| trials.iter().map(of).sum::<usize>();
    format!(
        "attack: {} cases, {} held, {} controls accepted, {} reached the engine wrongly, {} panics",
        sum(|trial| trial.cases),
        sum(|trial| trial.held),
        sum(|trial| trial.accepted),
        sum(|trial| trial.reached),
        sum(|trial| trial.panics)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A class passes only if all of it does: a case, a control, a panic or a missing case each fail it.
    #[test]
    fn any_miss_fails_its_class() {
        let good = || {
            let mut trial = Trial::new("x", 1);
            trial.attack("a", Verdict::Held);
            trial.control("c", Ok(()));
            trial
        };
        assert!(good().is_fine());
        let mut one = good();
        one.attack("b", Verdict::Otherwise("200".to_owned()));
        assert!(!one.is_fine());
        let mut one = good();
        one.attack("b", Verdict::Reached("it".to_owned()));
        assert!(!one.is_fine());
        let mut one = good();
        one.control("d", Err("401".to_owned()));
        assert!(!one.is_fine());
        let mut one = good();
        one.panicked(1);
        assert!(!one.is_fine());
        let mut one = good();
        one.attack("a", Verdict::Held);
        assert!(!one.is_fine(), "a case that is there twice counts once");
        let mut few = Trial::new("x", 2);
        few.attack("a", Verdict::Held);
        few.control("c", Ok(()));
        assert!(!few.is_fine());
        let mut bare = Trial::new("x", 0);
        bare.attack("a", Verdict::Held);
        assert!(!bare.is_fine(), "a class without a control shows nothing");
    }

    /// The closing line has the form that others look for.
    #[test]
    fn the_closing_line() {
        let mut trial = Trial::new("x", 1);
        trial.attack("a", Verdict::Held);
        trial.attack("b", Verdict::Reached("it".to_owned()));
        trial.control("c", Ok(()));
        assert_eq!(
            closing_line(&[trial]),
            "attack: 2 cases, 1 held, 1 controls accepted, 1 reached the engine wrongly, 0 panics"
        );
    }
}
