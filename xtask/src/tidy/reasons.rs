//! Every reason code that a client can see has a page, and every page a code.

use std::collections::BTreeSet;

use crate::Fault;
use crate::repo::Repo;

/// Where the domain names its reasons.
const SOURCE: &str = "crates/domain/src/reason.rs";
const PAGES: &str = "docs/errors/";
/// The page that lists the others.
const INDEX: &str = "README";

/// `docs/errors/<code>.md` for each code of the domain's `Reason`, and no page for a code that isn't.
pub(super) fn pages(repo: &Repo, files: &[String], found: &mut Vec<String>) -> Result<(), Fault> {
    let codes = codes(&repo.read(SOURCE)?)?;
    let pages: BTreeSet<&str> = files
        .iter()
        .filter_map(|file| file.strip_prefix(PAGES)?.strip_suffix(".md"))
        .filter(|page| *page != INDEX)
        .collect();
    for code in codes.iter().filter(|code| !pages.contains(code.as_str())) {
        found.push(format!("{PAGES}{code}.md is missing: when it comes, what it means, what to do"));
    }
    for page in pages.iter().filter(|page| !codes.contains(**page)) {
        found.push(format!("{PAGES}{page}.md has no reason in {SOURCE}"));
    }
    Ok(())
}

/// The codes of `named_enum! { Reason { Variant = "code", … } }`.
fn codes(source: &str) -> Result<BTreeSet<String>, Fault> {
    let mut lines = source.lines().map(str::trim).skip_while(|line| *line != "Reason {").skip(1);
    let mut codes = BTreeSet::new();
    for line in lines.by_ref().take_while(|line| *line != "}").filter(|line| !line.starts_with("//")) {
        let code = line.split_once(" = \"").and_then(|(_, code)| code.strip_suffix("\","));
        codes.insert(code.ok_or_else(unclear)?.to_owned());
    }
    if codes.is_empty() { Err(unclear()) } else { Ok(codes) }
}

fn unclear() -> Fault {
    format!(
        "{SOURCE} doesn't hold `Reason {{` with one `Variant = \"code\",` a line; xtask/src/tidy/reasons.rs reads that"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASONS: &str = "
named_enum! {
    /// Why.
    Reason {
        /// The \"first\" one.
        A = \"first_reason\",
        B = \"second_reason\",
    }
}
named_enum! {
    Other {
        C = \"no_reason\",
    }
}";

    /// Codes are read from `Reason` alone, so that other names are not taken for them.
    #[test]
    fn codes_are_those_of_the_enum() {
        let codes = codes(REASONS).unwrap();
        assert_eq!(codes.iter().map(String::as_str).collect::<Vec<_>>(), ["first_reason", "second_reason"]);
    }

    /// If the file changes its form, the check fails; it doesn't pass for want of codes.
    #[test]
    fn an_unknown_form_is_a_fault() {
        assert!(codes("enum Reason {}").is_err());
        assert!(codes("Reason {\n}").is_err());
        assert!(codes("Reason {\nA => \"a\",\n}").is_err());
    }

    /// The domain's own file has the form that is read here.
    #[test]
    fn the_domain_can_be_read() {
        let codes = codes(&Repo::here().read(SOURCE).unwrap()).unwrap();
        assert!(codes.contains("credential_revoked") && codes.contains("job_not_found"));
    }
}
