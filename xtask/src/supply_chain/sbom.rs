//! The bill of materials: every crate that the program is built from, as CycloneDX 1.6 in JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::repo::Repo;
use crate::{Fault, process};

/// The crate whose parts are listed.
const PROGRAM: &str = "voxgate";

/// Writes the bill of materials of the program to a file, or shows it.
pub(crate) fn write(repo: &Repo, file: Option<&str>) -> Result<(), Fault> {
    let mut cargo = repo.command("cargo");
    cargo.args([
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--filter-platform",
        "x86_64-unknown-linux-gnu",
    ]);
    let metadata = process::capture(&mut cargo)?;
    let metadata: Value =
        serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let lock: Value = {
        let lock: toml::Value =
            toml::from_str(&repo.read("Cargo.lock")?).map_err(|error| format!("Cargo.lock: {error}"))?;
        serde_json::to_value(lock).map_err(|error| format!("Cargo.lock: {error}"))?
    };
    let text = format!("{:#}\n", bill(&metadata, &lock)?);
    match file {
        Some(file) => std::fs::write(file, text).map_err(|error| format!("{file} can't be written: {error}")),
        None => {
            print!("{text}");
            Ok(())
        }
    }
}

/// The bill: the program, its parts, and which part needs which.
fn bill(metadata: &Value, lock: &Value) -> Result<Value, Fault> {
    let packages: BTreeMap<&str, &Value> = list(&metadata["packages"])
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect();
    let nodes: BTreeMap<&str, &Value> = list(&metadata["resolve"]["nodes"])
        .iter()
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let program = packages
        .iter()
        .find(|(_, package)| package["name"] == PROGRAM && package["source"].is_null())
        .map(|(id, _)| *id)
        .ok_or("the program isn't in the workspace")?;
    let mut parts: BTreeSet<&str> = BTreeSet::from([program]);
    let mut open = vec![program];
    let mut needs = Vec::new();
    while let Some(id) = open.pop() {
        let below: BTreeSet<&str> = nodes.get(id).map(|node| needed(node)).unwrap_or_default();
        open.extend(below.iter().filter(|next| !parts.contains(*next)));
        parts.extend(&below);
        let names: Vec<String> = below.iter().filter_map(|next| Some(purl(packages.get(next)?))).collect();
        needs.push(json!({"ref": packages.get(id).map(|package| purl(package)), "dependsOn": names}));
    }
    needs.sort_by_key(|need| need["ref"].to_string());
    needs.dedup();
    let hashes = checksums(lock);
    let components: Vec<Value> = parts
        .iter()
        .filter(|id| **id != program)
        .filter_map(|id| Some(component(packages.get(id)?, &hashes)))
        .collect();
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(packages[program], &hashes)},
        "components": components,
        "dependencies": needs,
    }))
}

/// What a part is built from and with; what only its tests need is none of the program's parts.
fn needed(node: &Value) -> BTreeSet<&str> {
    let is_part =
        |dependency: &&Value| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev");
    list(&node["deps"]).iter().filter(is_part).filter_map(|dependency| dependency["pkg"].as_str()).collect()
}

fn component(package: &Value, hashes: &BTreeMap<(String, String), String>) -> Value {
    let (name, version) = (text(package, "name"), text(package, "version"));
    let mut component = json!({
        "type": if name == PROGRAM { "application" } else { "library" },
        "bom-ref": purl(package),
        "name": name,
        "version": version,
        "purl": purl(package),
    });
    if let Some(license) = package["license"].as_str() {
        component["licenses"] = json!([{"expression": license.replace('/', " OR ")}]);
    }
    if let Some(hash) = hashes.get(&(name, version)) {
        component["hashes"] = json!([{"alg": "SHA-256", "content": hash}]);
    }
    component
}

fn purl(package: &Value) -> String {
    format!("pkg:cargo/{}@{}", text(package, "name"), text(package, "version"))
}

fn checksums(lock: &Value) -> BTreeMap<(String, String), String> {
    let checksum = |package: &Value| {
        let hash = package["checksum"].as_str()?;
        Some(((text(package, "name"), text(package, "version")), hash.to_owned()))
    };
    list(&lock["package"]).iter().filter_map(checksum).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every part is listed once, with its hash; what only tests need is not.
    #[test]
    fn parts_are_listed() {
        let package = |name: &str, source: Value| json!({"id": format!("{name} id"), "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0", "source": source});
        let metadata = json!({
            "packages": [package("voxgate", Value::Null), package("part", json!("registry")), package("deep", json!("registry")), package("probe", json!("registry"))],
            "resolve": {"nodes": [
                {"id": "voxgate id", "deps": [
                    {"pkg": "part id", "dep_kinds": [{"kind": null}]},
                    {"pkg": "probe id", "dep_kinds": [{"kind": "dev"}]},
                ]},
                {"id": "part id", "deps": [{"pkg": "deep id", "dep_kinds": [{"kind": "build"}]}]},
                {"id": "deep id", "deps": []},
            ]},
        });
        let lock = json!({"package": [{"name": "part", "version": "1.0.0", "checksum": "ab"}]});
        let bill = bill(&metadata, &lock).unwrap();
        let names: Vec<&str> =
            list(&bill["components"]).iter().filter_map(|part| part["name"].as_str()).collect();
        assert_eq!(names, ["deep", "part"]);
        assert_eq!(bill["components"][1]["hashes"][0]["content"], "ab");
        assert_eq!(bill["components"][1]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bill["dependencies"].as_array().map(Vec::len), Some(3));
    }
}
