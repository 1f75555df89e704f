//! Links between our own documents lead somewhere.

use crate::Fault;
use crate::repo::Repo;

/// Every relative link in a Markdown file names a file or folder that exists.
pub(super) fn resolve(repo: &Repo, files: &[String], found: &mut Vec<String>) -> Result<(), Fault> {
    for file in files.iter().filter(|file| file.ends_with(".md")) {
        for (line, target) in relative_links(&repo.read(file)?) {
            let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
            let path = match target.strip_prefix('/') {
                Some(from_root) => repo.path(from_root),
                None => repo.path(folder).join(&target),
            };
            if !path.exists() {
                found.push(format!("{file}:{line}: the link to {target} leads nowhere"));
            }
        }
    }
    Ok(())
}

/// The relative targets of a text, with their line numbers. Code, anchors and other sites' addresses are left out.
fn relative_links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            in_code = !in_code;
            continue;
        }
        if in_code {
            continue;
        }
        // Inline code is every second piece between backticks.
        for prose in line.split('`').step_by(2) {
            for target in targets(prose) {
                let target = target.split('#').next().unwrap_or_default();
                if !target.is_empty() && !target.contains(':') {
                    links.push((number + 1, target.to_owned()));
                }
            }
        }
    }
    links
}

fn targets(prose: &str) -> impl Iterator<Item = &str> {
    // A link's text may have been inline code, so its opening bracket may be in another piece: only the middle counts.
    prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| {
        let target = target.trim();
        target.split_once(char::is_whitespace).map_or(target, |(target, _title)| target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> Vec<String> {
        relative_links(text).into_iter().map(|(_, target)| target).collect()
    }

    /// Links of our own are found in every form that we write.
    #[test]
    fn relative_links_are_found() {
        assert_eq!(
            links("See [a](docs/a.md) and [`b`](../b.md#part), ![c](c.png \"title\")."),
            ["docs/a.md", "../b.md", "c.png"]
        );
        assert_eq!(relative_links("one\n\n[x](y.md)"), [(3, "y.md".to_owned())]);
    }

    /// What isn't a link to a file of ours isn't looked for on disk.
    #[test]
    fn code_anchors_and_addresses_are_left_alone() {
        for text in [
            "[a](#part)",
            "[a](https://example.org/x)",
            "[a](mailto:a@b)",
            "`[a](b.md)`",
            "```\n[a](b.md)\n```",
            "f](g",
        ] {
            assert_eq!(links(text), Vec::<String>::new(), "{text}");
        }
    }
}
