//! Rules about crates: `lib.rs` is a table of contents, and every crate says what it is.

use std::collections::BTreeSet;

use super::crate_of;
use crate::Fault;
use crate::repo::Repo;

/// `lib.rs` holds documentation, modules and re-exports only.
pub(super) fn shapes(repo: &Repo, files: &[String], found: &mut Vec<String>) -> Result<(), Fault> {
    for file in files.iter().filter(|file| is_library(file)) {
        if let Some(fault) = shape_fault(&repo.read(file)?) {
            found.push(format!(
                "{file}: {fault}; move it into a module: lib.rs holds docs, modules and re-exports"
            ));
        }
    }
    Ok(())
}

fn is_library(file: &str) -> bool {
    crate_of(file).is_some_and(|name| file == format!("crates/{name}/src/lib.rs"))
}

/// Every crate has a README of its own.
pub(super) fn readmes(files: &[String], found: &mut Vec<String>) {
    let crates: BTreeSet<&str> = files.iter().filter_map(|file| crate_of(file)).collect();
    for name in crates {
        let readme = format!("crates/{name}/README.md");
        if !files.contains(&readme) {
            found
                .push(format!("{readme} is missing: its single job, what it is not, where to start reading"));
        }
    }
}

/// The first thing in a `lib.rs` that is no module, re-export or documentation.
fn shape_fault(source: &str) -> Option<String> {
    let code: String =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut rest = code.trim_start();
    while !rest.is_empty() {
        if let Some(attribute) = rest.strip_prefix("#![").or_else(|| rest.strip_prefix("#[")) {
            let Some(end) = attribute_end(attribute) else {
                return Some("an attribute that doesn't end".to_owned());
            };
            rest = attribute[end..].trim_start();
            continue;
        }
        let end = rest.find(';').map_or(rest.len(), |at| at + 1);
        let item = &rest[..end];
        if !is_index_item(item) {
            return Some(format!("`{}`", item.lines().next().unwrap_or_default().trim()));
        }
        rest = rest[end..].trim_start();
    }
    None
}

fn is_index_item(item: &str) -> bool {
    let mut words = item.strip_suffix(';').unwrap_or_default().split_whitespace();
    let mut first = words.next().unwrap_or_default();
    if first == "pub" || first.starts_with("pub(") {
        first = words.next().unwrap_or_default();
    }
    match first {
        "mod" => words.next().is_some_and(|name| !name.contains('{')) && words.next().is_none(),
        "use" => true,
        _ => false,
    }
}

/// Where the attribute's closing bracket ends, brackets inside it counted.
fn attribute_end(attribute: &str) -> Option<usize> {
    let mut open = 1_usize;
    for (at, byte) in attribute.bytes().enumerate() {
        match byte {
            b'[' => open += 1,
            b']' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of contents passes in every form that one can have.
    #[test]
    fn docs_modules_and_reexports_are_fine() {
        let source = "//! What it is; and why.\n#![forbid(unsafe_code)]\n\nmod a;\n/// Documented; well.\n#[doc(hidden)]\n\
                      pub mod b;\npub(crate) mod c;\n#[cfg(test)]\nmod tests;\n\npub use a::{\n    One,\n    Two,\n};\nuse b::X;\n";
        assert_eq!(shape_fault(source), None);
        assert_eq!(shape_fault("//! Only words.\n"), None);
        assert_eq!(shape_fault(""), None);
    }

    /// Code in lib.rs is named, wherever it stands.
    #[test]
    fn code_is_a_fault() {
        for (source, named) in [
            ("mod a;\npub fn run() { a::go(); }\nmod b;\n", "pub fn run()"),
            ("pub struct A;\n", "pub struct A;"),
            ("mod a { pub fn f() {} }\n", "mod a {"),
            ("const X: u8 = 1;\n", "const X"),
            ("impl A {}\n", "impl A {}"),
            ("#[derive(Debug)]\npub enum E { A }\n", "pub enum E"),
            ("macro_rules! m { () => {}; }\n", "macro_rules! m"),
        ] {
            let fault = shape_fault(source).unwrap_or_default();
            assert!(fault.contains(named), "{source:?} gave {fault:?}");
        }
    }

    /// A crate can't come in without a word about itself.
    #[test]
    fn a_crate_without_a_readme_is_found() {
        let files = ["crates/a/README.md", "crates/a/src/lib.rs", "crates/b/src/lib.rs", "README.md"]
            .map(String::from);
        let mut found = Vec::new();
        readmes(&files, &mut found);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/b/README.md is missing"));
    }
}
