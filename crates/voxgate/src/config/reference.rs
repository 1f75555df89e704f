//! The reference page of the configuration file.
//!
//! Nothing stands here a second time: which settings there are and what each takes, the reader of the file says; what they mean and
//! what they are when nothing is said, the example file says, which is tested to be the defaults.

use std::collections::HashMap;

use toml::de::DeTable;

use super::problem::Report;
use super::{EXAMPLE, load};

/// The region and the plan that stand for all of theirs on the page.
const ONE_REGION: &str = "regions.eu1.";
const ONE_PLAN: &str = "plans.free.";

/// What the example file says of a setting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Shown {
    /// Its value; none where it is only shown as a comment.
    default: Option<String>,
    meaning: String,
}

/// What the example file says.
#[derive(Debug, Default)]
struct Example {
    settings: HashMap<String, Shown>,
    sections: HashMap<String, String>,
}

/// All settings and what each takes, in the order in which they are read.
fn settings() -> Vec<(String, String)> {
    let mut report = Report::recording();
    drop(load::settings(&DeTable::new(), &mut report));
    report.into_record()
}

impl Example {
    fn read(text: &str) -> Self {
        let mut example = Self::default();
        let (mut section, mut comment, mut is_told) = (String::new(), String::new(), false);
        for line in text.lines() {
            let setting = line.strip_prefix('#').unwrap_or(line);
            if line.is_empty() {
                (comment, is_told) = (String::new(), false);
            } else if line == "#" || line.starts_with("# ") {
                if std::mem::take(&mut is_told) {
                    comment.clear();
                }
                comment.push_str(line.trim_start_matches('#'));
            } else if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').trim_start_matches('[').to_owned();
                if line.starts_with("[[") {
                    section.push_str("[]");
                }
                example.sections.insert(section.clone(), comment.trim().to_owned());
                (comment, is_told) = (String::new(), false);
                section.push('.');
            } else if let Some((key, value)) = setting.split_once(" = ") {
                is_told = true;
                let shown = Shown {
                    default: (setting == line).then(|| value.to_owned()),
                    meaning: comment.trim().to_owned(),
                };
                example.add(&format!("{section}{key}"), value, &shown);
            }
        }
        example
    }

    /// A setting's row of its section's table.
    fn row(&self, section: &str, name: &str, takes: &str) -> String {
        let key = name.strip_prefix(section).unwrap_or(name).trim_start_matches('.');
        let shown = self.settings.get(name).cloned().unwrap_or_default();
        let default =
            shown.default.as_deref().map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
        let default = self.of_other_plans(name, &default).unwrap_or(default);
        format!("| `{key}` | {} | {} | {} |\n", cell(takes), cell(&default), cell(&shown.meaning))
    }

    /// The defaults of the plans where they differ from each other.
    fn of_other_plans(&self, name: &str, free: &str) -> Option<String> {
        let key = name.strip_prefix(ONE_PLAN)?;
        let of = |plan: &str| self.settings.get(&format!("plans.{plan}.{key}"))?.default.clone();
        let (pro, enterprise) = (of("pro")?, of("enterprise")?);
        let same = [&pro, &enterprise].iter().all(|value| format!("`{value}`") == free);
        (!same).then(|| format!("{free} free, `{pro}` pro, `{enterprise}` enterprise"))
    }

    /// Adds a setting, or those of a table that stands in one line.
    fn add(&mut self, name: &str, value: &str, shown: &Shown) {
        let Some(inner) = value.strip_prefix('{').and_then(|value| value.strip_suffix('}')) else {
            self.settings.insert(name.to_owned(), shown.clone());
            return;
        };
        for (key, value) in inner.split(',').filter_map(|pair| pair.trim().split_once(" = ")) {
            let shown = Shown { default: Some(value.to_owned()), ..shown.clone() };
            self.settings.insert(format!("{name}.{key}"), shown);
        }
    }
}

/// The section of a setting, as the page has it.
fn section_of(name: &str) -> &str {
    let section = name.rsplit_once('.').map_or("", |(section, _)| section);
    // These stand in one line of the example each.
    if section.starts_with("ttl_seconds.") { "ttl_seconds" } else { section }
}

/// `docs/reference/configuration.md`.
pub fn reference() -> String {
    let example = Example::read(EXAMPLE);
    let mut page = String::from(
        "# Configuration\n\n\
         Every setting of the file that `voxgate serve --config` reads. Generated from the code; a test keeps it current.\n\
         `voxgate config example` prints a whole file with every setting, `voxgate config check FILE` tells all mistakes of one.\n\
         A setting that isn't known is a mistake. A setting without a default does nothing until it is set.\n",
    );
    let settings = settings().into_iter().filter(|(name, _)| stands_for_its_kind(name));
    let mut sections: Vec<(String, Vec<(String, String)>)> = vec![(String::new(), Vec::new())];
    for (name, takes) in settings {
        let section = section_of(&name);
        match sections.iter_mut().find(|(known, _)| known == section) {
            Some((_, settings)) => settings.push((name, takes)),
            None => sections.push((section.to_owned(), vec![(name, takes)])),
        }
    }
    for (section, settings) in sections {
        begin_section(&mut page, &example, &section);
        for (name, takes) in settings {
            page.push_str(&example.row(&section, &name, &takes));
        }
    }
    page
}

fn begin_section(page: &mut String, example: &Example, section: &str) {
    let title = match section {
        "" => "At the top of the file".to_owned(),
        "regions.eu1" => "`[regions.NAME]`, NAME being `eu1`, `us1`, `au1`, `eu2` or `us2`".to_owned(),
        "plans.free" => "`[plans.NAME]`, NAME being `free`, `pro` or `enterprise`".to_owned(),
        list if list.ends_with("[]") => format!("`[[{}]]`", list.trim_end_matches("[]")),
        section => format!("`[{section}]`"),
    };
    let meaning = example.sections.get(section).map_or("", String::as_str);
    page.push_str(&format!("\n## {title}\n\n"));
    if !meaning.is_empty() {
        page.push_str(&format!("{meaning}\n\n"));
    }
    page.push_str("| setting | takes | default | meaning |\n|---|---|---|---|\n");
}

/// Regions and plans have the same settings each: one stands for all.
fn stands_for_its_kind(name: &str) -> bool {
    (!name.starts_with("regions.") || name.starts_with(ONE_REGION))
        && (!name.starts_with("plans.") || name.starts_with(ONE_PLAN))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every setting that can be read stands in the example file, so that people find it, and has a meaning on the page.
    #[test]
    fn every_setting_is_documented() {
        let example = Example::read(EXAMPLE);
        let settings = settings();
        assert!(settings.len() > 80, "{}", settings.len());
        let missing: Vec<_> =
            settings.iter().filter(|(name, _)| !example.settings.contains_key(name)).collect();
        assert!(missing.is_empty(), "not in assets/voxgate.toml: {missing:#?}");
        let untold: Vec<_> = settings
            .iter()
            .filter(|(name, _)| stands_for_its_kind(name))
            .filter(|(name, takes)| {
                let shown = &example.settings[name];
                let told = !shown.meaning.is_empty()
                    || example.sections.get(section_of(name)).is_some_and(|meaning| !meaning.is_empty());
                takes.is_empty() || !told
            })
            .collect();
        assert!(untold.is_empty(), "without a meaning, or taking anything: {untold:#?}");
    }

    /// The page says what each setting takes, from the reader itself.
    #[test]
    fn the_page_tells_what_is_allowed() {
        let page = reference();
        for told in [
            "| `format` | one of \"people\", \"json\" | `\"people\"` |",
            "| `connections_max` | a whole number from 1 to 10000000 | `20000` |",
            "## `[regions.NAME]`",
            "| `batch.min` | a whole number from 1 to 31536000 | `60` |",
        ] {
            assert!(page.contains(told), "{told}\n{page}");
        }
    }
}
