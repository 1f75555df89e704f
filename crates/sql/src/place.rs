//! Where a database is: a file of SQLite, or the URL of a PostgreSQL.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};
use zeroize::Zeroizing;

/// Connections to a PostgreSQL unless told otherwise: one writes, the others read.
pub const CONNECTIONS_DEFAULT: u32 = 9;
/// What a URL of PostgreSQL may say behind its `?`.
const PARAMETERS: [&str; 9] = [
    "application_name",
    "host",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
];

/// Where a database is. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub enum DbPlace {
    /// The file of an SQLite database; made when it is opened and missing.
    File(PathBuf),
    /// A database of a PostgreSQL server, version 15 or later.
    Postgres(PostgresUrl),
}

/// A URL as in `postgres://voxgate@127.0.0.1:5432/voxgate`, with or without a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    url: Zeroizing<String>,
    /// How many connections may be open at once; two at least.
    pub connections_max: u32,
}

/// Why a text is no database URL. Says nothing of the text itself, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDbUrl {
    /// It begins with something else.
    #[error("expected a URL that begins with postgres:// or sqlite://")]
    Kind,
    /// It has a parameter that isn't known.
    #[error("unknown parameter: behind the ? may stand {}", PARAMETERS.join(", "))]
    Parameter,
    /// It is on another machine, and whoever answers there would be believed.
    #[error(
        "on another machine the server must be verified: say sslmode=verify-full (or verify-ca), with sslrootcert where its \
         authority is none of the system's; or sslmode=disable where nobody else is on the way"
    )]
    Unverified,
    /// It can't be read.
    #[error("expected postgres://USER@HOST:PORT/DATABASE, each part written as in URLs")]
    Malformed,
}

impl DbPlace {
    /// Reads `postgres://…`, `postgresql://…` or `sqlite://PATH`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(url: &str) -> Result<Self, InvalidDbUrl> {
        if let Some(path) = url.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            return Ok(Self::File(PathBuf::from(path)));
        }
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(InvalidDbUrl::Kind);
        }
        if parameters(url).any(|(name, _)| !PARAMETERS.contains(&name)) {
            return Err(InvalidDbUrl::Parameter);
        }
        let options = PgConnectOptions::from_str(url).map_err(|_| InvalidDbUrl::Malformed)?;
        if !is_here(&options) && !is_decided(options.get_ssl_mode()) {
            return Err(InvalidDbUrl::Unverified);
        }
        let url = Zeroizing::new(url.to_owned());
        Ok(Self::Postgres(PostgresUrl { url, connections_max: CONNECTIONS_DEFAULT }))
    }

    /// The same place with another number of connections; a file has its own.
    #[must_use]
    pub fn with_connections(self, connections_max: u32) -> Self {
        match self {
            Self::File(path) => Self::File(path),
            Self::Postgres(url) => Self::Postgres(PostgresUrl { connections_max, ..url }),
        }
    }

    /// The same database with its tables in another schema, which must be there.
    #[must_use]
    pub fn in_schema(self, schema: &str) -> Self {
        match self {
            Self::File(path) => Self::File(path),
            Self::Postgres(PostgresUrl { url, connections_max }) => {
                let mark = if url.contains('?') { '&' } else { '?' };
                let url = Zeroizing::new(format!("{}{mark}options[search_path]={schema}", *url));
                Self::Postgres(PostgresUrl { url, connections_max })
            }
        }
    }

    /// Whether other processes may write to it too.
    pub const fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }

    /// Whether a password stands in it, so that it is a secret as a whole.
    pub fn has_password(&self) -> bool {
        match self {
            Self::File(_) => false,
            Self::Postgres(PostgresUrl { url, .. }) => {
                let (user, _) = authority(url);
                user.is_some_and(|user| user.contains(':'))
                    || parameters(url).any(|(name, _)| name == "password")
            }
        }
    }
}

impl PostgresUrl {
    /// What the driver makes of it.
    pub(crate) fn options(&self) -> Result<PgConnectOptions, InvalidDbUrl> {
        PgConnectOptions::from_str(&self.url).map_err(|_| InvalidDbUrl::Malformed)
    }
}

/// Whether the server is on this machine, by a socket or by loopback.
fn is_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_start_matches('[').trim_end_matches(']');
    options.get_socket().is_some()
        || host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a mode verifies the server, or goes without TLS by decision. All others fall back to what whoever is on the way
/// wishes, or encrypt for them.
const fn is_decided(mode: PgSslMode) -> bool {
    match mode {
        PgSslMode::VerifyFull | PgSslMode::VerifyCa | PgSslMode::Disable => true,
        PgSslMode::Allow | PgSslMode::Prefer | PgSslMode::Require => false,
    }
}

/// The user's part, if there is one, and what comes after it.
fn authority(url: &str) -> (Option<&str>, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
        None => (None, rest),
    }
}

fn parameters(url: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (name.split_once('[').map_or(name, |(name, _)| name), value))
}

impl fmt::Display for DbPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Postgres(PostgresUrl { url, .. }) => {
                let (user, rest) = authority(url);
                let rest = rest.split_once(['?', '#']).map_or(rest, |(rest, _)| rest);
                let user = user.map(|user| user.split_once(':').map_or(user, |(name, _)| name));
                let at = if user.is_some() { "@" } else { "" };
                write!(f, "postgres://{}{at}{rest}", user.unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for DbPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DbPlace({self})")
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresUrl").field("connections_max", &self.connections_max).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A password is recognised wherever it stands, and never shown.
    #[test]
    fn passwords_are_hidden() {
        for (url, shown, has_password) in [
            (
                "postgres://ann:hunter2@db.example:5433/voxgate?sslmode=verify-full",
                "postgres://ann@db.example:5433/voxgate",
                true,
            ),
            (
                "postgresql://ann@db.example/voxgate?password=hunter2&sslmode=verify-ca",
                "postgres://ann@db.example/voxgate",
                true,
            ),
            ("postgres://ann:a%40hunter2@db/v?sslmode=disable", "postgres://ann@db/v", true),
            ("postgres://ann@localhost/v", "postgres://ann@localhost/v", false),
            ("postgres:///v?host=/run/postgresql", "postgres:///v", false),
            ("sqlite:///var/lib/voxgate/voxgate.db", "/var/lib/voxgate/voxgate.db", false),
        ] {
            let place = DbPlace::parse(url).unwrap();
            assert_eq!(place.to_string(), shown);
            assert_eq!(place.has_password(), has_password, "{url}");
            assert!(!format!("{place:?} {place:#?}").contains("hunter2"), "{url}");
        }
    }

    /// A server on another machine is verified or goes without TLS because somebody said so; on this machine nobody is between.
    #[test]
    fn a_server_elsewhere_is_verified() {
        for host in ["db.example", "192.0.2.1", "[2001:db8::1]", "localhost.example"] {
            for (mode, is_taken) in [
                ("", false),
                ("?sslmode=prefer", false),
                ("?sslmode=allow", false),
                ("?sslmode=require", false),
                ("?sslmode=verify-ca", true),
                ("?sslmode=verify-full", true),
                ("?sslmode=disable", true),
            ] {
                let read = DbPlace::parse(&format!("postgres://ann:hunter2@{host}/v{mode}"));
                assert_eq!(read.is_ok(), is_taken, "{host} {mode}");
                assert!(is_taken || read == Err(InvalidDbUrl::Unverified), "{host} {mode}");
            }
        }
        let moved = DbPlace::parse("postgres://ann@localhost/v?host=db.example");
        assert_eq!(moved, Err(InvalidDbUrl::Unverified), "the last host counts");
        for here in ["localhost/v", "127.0.0.1:5433/v", "[::1]/v", "localhost/v?host=/run/postgresql"] {
            assert!(DbPlace::parse(&format!("postgres://ann@{here}")).is_ok(), "{here}");
        }
    }

    /// What is no URL of a database is refused, and the refusal doesn't repeat it.
    #[test]
    fn other_urls_are_refused() {
        for (url, error) in [
            ("mysql://ann:hunter2@db/v", InvalidDbUrl::Kind),
            ("", InvalidDbUrl::Kind),
            ("sqlite://", InvalidDbUrl::Kind),
            ("postgres://ann:hunter2@db/v?sslmod=require", InvalidDbUrl::Parameter),
            ("postgres://ann@db/v?p%61ssword=hunter2", InvalidDbUrl::Parameter),
            ("postgres://ann:hunter2@db:notaport/v", InvalidDbUrl::Malformed),
            ("postgres://ann:hunter2@db/v", InvalidDbUrl::Unverified),
            ("postgres://ann:hunter2@db/v?sslmode=hunter2", InvalidDbUrl::Malformed),
        ] {
            let refused = DbPlace::parse(url).unwrap_err();
            assert_eq!(refused, error, "{url}");
            assert!(!refused.to_string().contains("hunter2"));
        }
    }
}
