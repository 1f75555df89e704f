//! Reading `[database]`, and the URLs of ledgers.

use std::path::PathBuf;

use control::Retention;
use sql::{CONNECTIONS_DEFAULT, DbPlace};

use super::problem::Report;
use super::reader::{Section, filled, parsed, small_integer};
use super::settings::{DatabaseSettings, DbUrl, SecretPlace};

/// One connection writes and one reads.
const CONNECTIONS_MIN: u32 = 2;
/// A hundred years.
const DAYS_MAX: u32 = 36_500;
/// More than any PostgreSQL takes without a pooler.
const CONNECTIONS_MAX: u32 = 1000;

/// Reads `[database]`.
pub(super) fn database(root: &mut Section<'_>, report: &mut Report) -> DatabaseSettings {
    let mut section = root.section(report, "database");
    let url = url(&mut section, report, "url", "url_file", "url_env");
    let connections_max = section
        .read(report, "connections_max", small_integer(CONNECTIONS_MIN, CONNECTIONS_MAX))
        .unwrap_or(CONNECTIONS_DEFAULT);
    let default = Retention::default();
    let retention = Retention {
        feed_days_max: section
            .read(report, "feed_days_max", small_integer(1, DAYS_MAX))
            .unwrap_or(default.feed_days_max),
        revoked_key_days_max: section
            .read(report, "revoked_key_days_max", small_integer(0, DAYS_MAX))
            .unwrap_or(default.revoked_key_days_max),
    };
    section.finish(report);
    DatabaseSettings { url, connections_max, retention }
}

/// Reads the URL of a database, which has three places to stand in.
pub(super) fn url(
    section: &mut Section<'_>,
    report: &mut Report,
    plain: &'static str,
    file: &'static str,
    variable: &'static str,
) -> Option<DbUrl> {
    let last_line = [variable, file, plain].iter().find_map(|key| section.line(report, key));
    let places = [
        section.read(report, plain, parsed(without_password)).map(DbUrl::Plain),
        section.read(report, file, filled).map(|path| DbUrl::Secret(SecretPlace::File(PathBuf::from(path)))),
        section.read(report, variable, filled).map(|name| DbUrl::Secret(SecretPlace::Variable(name))),
    ];
    let mut said = places.into_iter().flatten();
    let first = said.next();
    if said.next().is_some() {
        let message = format!("{plain}, {file} and {variable} say the same: keep one of them");
        report.add(last_line.unwrap_or(1), section.name(plain), message);
    }
    first
}

fn without_password(text: &str) -> Result<DbPlace, String> {
    let place = DbPlace::parse(text).map_err(|error| error.to_string())?;
    if place.has_password() {
        return Err("this URL holds a password, which doesn't belong here: put the URL into a file or an environment \
                    variable, and name that"
            .to_owned());
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;

    /// A URL is taken from one of its three places.
    #[test]
    fn the_three_places_are_read() {
        let secret = |place| Some(DbUrl::Secret(place));
        for (text, expected) in [
            (
                "url = \"postgres://ann@localhost/v\"",
                DbPlace::parse("postgres://ann@localhost/v").ok().map(DbUrl::Plain),
            ),
            ("url_file = \"/etc/url\"", secret(SecretPlace::File(PathBuf::from("/etc/url")))),
            ("url_env = \"URL\"", secret(SecretPlace::Variable("URL".to_owned()))),
        ] {
            let loaded = load(&format!("[database]\n{text}\n")).unwrap();
            assert_eq!(loaded.settings.database.url, expected);
            let ledger = format!("[regions.us1]\nledger_{text}\n");
            let regions = load(&ledger).unwrap().settings.regions;
            assert_eq!(regions.iter().filter(|region| region.ledger_url == expected).count(), 1, "{ledger}");
        }
    }

    /// A password in the file is refused, and the refusal doesn't repeat it; so are two places at once.
    #[test]
    fn passwords_and_contradictions_are_refused() {
        for text in [
            "url = \"postgres://ann:hunter2@localhost/v\"",
            "url = \"postgres://ann:hunter2@db/v\"",
            "url = \"postgres://localhost/v?password=hunter2\"",
            "url = \"mysql://ann:hunter2@db/v\"",
            "url = \"postgres://ann@localhost/v\"\nurl_env = \"URL\"",
            "connections_max = 1",
        ] {
            let problems = load(&format!("[database]\n{text}\n")).unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(!problems[0].to_string().contains("hunter2"));
        }
    }
}
