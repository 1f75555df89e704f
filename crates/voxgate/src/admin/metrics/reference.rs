//! The reference page of the metrics.

use super::FAMILIES;

/// `docs/reference/metrics.md`, made from [`FAMILIES`].
pub fn reference() -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         What `/metrics` on the administration listener tells, in Prometheus' text form. Generated from the code; a test keeps it\n\
         current. Labels hold names from fixed lists, and names that the operator gave (`gateway`, `file`): never a credential, a\n\
         client_ref or a key's id. A label that has nothing to tell is `none`.\n\n\
         | metric | kind | labels | what it says |\n|---|---|---|---|\n",
    );
    for family in FAMILIES {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        page.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            family.name,
            family.kind.as_str(),
            labels.join(" "),
            family.help
        ));
    }
    page
}
