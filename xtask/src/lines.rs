//! Faults of a check, gathered so that one run shows them all.

use crate::Fault;

/// Prints a check's findings; any finding is a failure.
pub(crate) fn verdict(check: &str, passed: &str, findings: &[String]) -> Result<(), Fault> {
    if findings.is_empty() {
        println!("{check}: {passed}");
        return Ok(());
    }
    for finding in findings {
        println!("{check}: {finding}");
    }
    Err(format!("{check} found {} to mend", count(findings.len(), "thing")))
}

/// `1 thing`, `2 things`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("{number} {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A finding can't pass unnoticed.
    #[test]
    fn any_finding_fails_the_check() {
        assert!(verdict("check", "all well", &[]).is_ok());
        assert_eq!(verdict("check", "", &["a".into()]).unwrap_err(), "check found 1 thing to mend");
        assert_eq!(
            verdict("check", "", &["a".into(), "b".into()]).unwrap_err(),
            "check found 2 things to mend"
        );
    }
}
