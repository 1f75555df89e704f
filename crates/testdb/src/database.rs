//! Making and dropping databases with PostgreSQL's own programs.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable that holds the URL of a server on which tests may make databases.
pub const SERVER_VARIABLE: &str = "VOXGATE_TEST_POSTGRES";
/// Where Debian has the programs of each version.
const PROGRAMS: &str = "/usr/lib/postgresql";

static MADE: AtomicU32 = AtomicU32::new(0);

/// An empty database, dropped when this is.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    server: String,
}

impl TestDatabase {
    /// Makes one.
    ///
    /// # Panics
    /// When there is no server; with how to get one.
    pub fn create() -> Self {
        Self::with_schemas(&[])
    }

    /// Makes one with schemas beside the usual one.
    ///
    /// # Panics
    /// When there is no server; with how to get one.
    pub fn with_schemas(schemas: &[&str]) -> Self {
        let server = server();
        let name = format!("test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        psql(&server, &[&format!("DROP DATABASE IF EXISTS {name}"), &format!("CREATE DATABASE {name}")]);
        let database = Self { name, server };
        if !schemas.is_empty() {
            let made: Vec<String> = schemas.iter().map(|schema| format!("CREATE SCHEMA {schema}")).collect();
            psql(&database.url(), &made.iter().map(String::as_str).collect::<Vec<_>>());
        }
        database
    }

    /// Its URL.
    pub fn url(&self) -> String {
        url_of(&self.server, &self.name)
    }

    /// The URL of one of its schemas.
    pub fn schema_url(&self, schema: &str) -> String {
        let url = self.url();
        let mark = if url.contains('?') { '&' } else { '?' };
        format!("{url}{mark}options[search_path]={schema}")
    }

    /// Runs SQL in it and gives what comes out, one line for each row, columns apart by `|`.
    ///
    /// # Panics
    /// When the SQL fails.
    pub fn sql(&self, text: &str) -> String {
        psql(&self.url(), &[text])
    }

    /// Lets nobody in any more and ends every connection, as an outage would; or lets everybody in again.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn set_reachable(&self, is_reachable: bool) {
        let name = &self.name;
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        psql(&self.server, &[&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {is_reachable}"), &end]);
    }

    /// All that it holds, as SQL.
    ///
    /// # Panics
    /// When it can't be dumped.
    pub fn dump(&self) -> String {
        run(Command::new(program("pg_dump")).arg("--dbname").arg(self.url()))
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // The whole server goes when the tests have ended; a panic here would hide the test's own.
        let mut psql = command(&self.server, &[&drop]);
        let _ = psql.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// The same server's URL with another database.
fn url_of(server: &str, database: &str) -> String {
    let (start, query) = server.split_once('?').unwrap_or((server, ""));
    let scheme_end = start.find("://").map_or(0, |at| at + 3);
    let authority_end = start[scheme_end..].find('/').map_or(start.len(), |at| scheme_end + at);
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}/{database}{mark}{query}", &start[..authority_end])
}

#[expect(clippy::disallowed_methods, reason = "tests are told by xtask where the server is")]
fn server() -> String {
    std::env::var(SERVER_VARIABLE).unwrap_or_else(|_| {
        panic!(
            "{SERVER_VARIABLE} isn't set: this test needs a PostgreSQL, 15 or later. `cargo xtask test` starts one; for \
             single tests use `cargo xtask postgres cargo nextest run …`, or set the variable to the URL of a server on \
             which databases may be made and dropped"
        )
    })
}

fn command(url: &str, statements: &[&str]) -> Command {
    let mut psql = Command::new(program("psql"));
    psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"])
        .arg(format!("--dbname={}", for_libpq(url)))
        .stdin(Stdio::null());
    for statement in statements {
        psql.arg("--command").arg(statement);
    }
    psql
}

/// libpq writes a session's settings in another way than our driver.
fn for_libpq(url: &str) -> String {
    url.replace("options[search_path]=", "options=-csearch_path%3D")
}

fn psql(url: &str, statements: &[&str]) -> String {
    run(&mut command(url, statements))
}

fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {said}");
    String::from_utf8(output.stdout).expect("the programs of PostgreSQL write UTF-8")
}

/// A program of PostgreSQL: of the newest version that Debian has here, else wherever the system finds it.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir(PROGRAMS).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| Some((version.file_name().to_str()?.parse().ok()?, version.path())))
        .map(|(version, folder)| (version, folder.join("bin").join(name)))
        .filter(|(_, path)| path.exists())
        .collect();
    found.sort();
    found.pop().map_or_else(|| PathBuf::from(name), |(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only the database changes in a URL, whatever else is in it.
    #[test]
    fn the_database_of_a_url_is_replaced() {
        for (server, expected) in [
            (
                "postgres://postgres@localhost/postgres?host=/tmp/x",
                "postgres://postgres@localhost/t?host=/tmp/x",
            ),
            ("postgres://postgres@localhost", "postgres://postgres@localhost/t"),
            ("postgres://a:b@[::1]:5/x", "postgres://a:b@[::1]:5/t"),
        ] {
            assert_eq!(url_of(server, "t"), expected);
        }
    }
}
