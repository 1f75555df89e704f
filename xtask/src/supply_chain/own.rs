//! No `unsafe` of ours: the workspace forbids it, and every crate takes part in that.

use toml::Value;

use crate::Fault;
use crate::repo::Repo;

pub(super) fn unsafe_is_forbidden(repo: &Repo, found: &mut Vec<String>) -> Result<(), Fault> {
    let root: Value = parse(&repo.read("Cargo.toml")?, "Cargo.toml")?;
    let lint =
        |name: &str| root.get("workspace")?.get("lints")?.get("rust")?.get(name)?.as_str().map(str::to_owned);
    if lint("unsafe_code").as_deref() != Some("forbid") {
        found.push("Cargo.toml: [workspace.lints.rust] must say unsafe_code = \"forbid\"".to_owned());
    }
    for file in repo.files()? {
        let is_member = file.ends_with("/Cargo.toml") && !file.starts_with("fuzz/");
        if is_member && !inherits(&parse(&repo.read(&file)?, &file)?) {
            found.push(format!("{file}: it must have [lints] workspace = true"));
        }
    }
    Ok(())
}

fn parse(text: &str, file: &str) -> Result<Value, Fault> {
    toml::from_str(text).map_err(|error| format!("{file}: {error}"))
}

fn inherits(manifest: &Value) -> bool {
    manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crate that goes its own way is found.
    #[test]
    fn crates_take_part() {
        assert!(inherits(&parse("[lints]\nworkspace = true", "x").unwrap()));
        assert!(!inherits(&parse("[package]\nname = \"x\"", "x").unwrap()));
        assert!(!inherits(&parse("[lints.rust]\nunsafe_code = \"allow\"", "x").unwrap()));
    }
}
