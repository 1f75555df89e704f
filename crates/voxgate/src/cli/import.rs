//! `voxgate keys import`: a file of keys, read twice. First everything is checked, here and by the instance, and every mistake
//! told; only a file without mistakes is taken in.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use control::{ImportFormat, ImportRow, ImportRows, LineProblem};
use domain::{ProjectId, SecretHash, WorkspaceId};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::args::{WorkspaceArgs, parse_project};
use super::progress::Progress;
use super::{Failure, instance, output};
use crate::operator::{CallError, KeyCall, Line};

/// Keys in one batch: few enough that other changes need not wait long for their turn.
const BATCH_KEYS: usize = 5_000;
/// Batches under way at once: the instance reads one while it stores the one before.
const BATCHES_UNDER_WAY_MAX: usize = 2;
/// Keys of one file.
const KEYS_MAX: u64 = 20_000_000;
/// Mistakes that are told one by one; of more the number is told.
const PROBLEMS_TOLD_MAX: usize = 100;

#[derive(Debug, Args)]
#[command(after_help = "\
The file is CSV with a header, or JSON Lines. Its columns: name; key or sha256 (hexadecimal or base64); project, areas, products,
expires_at, networks and client_ref if they differ from what a new key gets. Lists in CSV have blanks or semicolons between
their items. A key in the clear is hashed here and sent nowhere; it needs 20 characters at least. Nothing is taken in unless the
whole file can be. Importing a file again changes nothing.

Examples:
  voxgate keys import keys.csv --project 2 --dry-run --config voxgate.toml
  voxgate keys import keys.jsonl --data-dir ./try")]
pub(super) struct ImportArgs {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The project of keys whose line names none; the default one if left out
    #[arg(long, value_name = "ID", value_parser = parse_project)]
    project: Option<ProjectId>,
    /// How the file is written; told by its name if left out (.jsonl, .ndjson and .json are JSON Lines)
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatArg>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: WorkspaceArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatArg {
    Csv,
    Jsonl,
}

/// What a pass over the file came to.
#[derive(Debug, Default)]
struct Tally {
    imported: u64,
    known: u64,
    problems: Vec<LineProblem>,
    /// Those beyond the ones that are kept.
    more_problems: u64,
}

impl Tally {
    fn problem(&mut self, problem: LineProblem) {
        if self.problems.len() < PROBLEMS_TOLD_MAX {
            self.problems.push(problem);
        } else {
            self.more_problems += 1;
        }
    }

    fn mistakes(&self) -> u64 {
        self.problems.len() as u64 + self.more_problems
    }

    fn json(&self, dry_run: bool) -> Value {
        let problems: Vec<Value> = self
            .problems
            .iter()
            .map(|problem| json!({"line": problem.line, "problem": problem.problem}))
            .collect();
        json!({"imported": self.imported, "known": self.known, "mistakes": self.mistakes(), "problems": problems,
               "dry_run": dry_run})
    }
}

/// One file on its way into one workspace.
struct Import<'a> {
    file: &'a Path,
    format: ImportFormat,
    project: ProjectId,
    workspace: Option<WorkspaceId>,
    line: Arc<Line>,
}

pub(super) async fn run(arguments: ImportArgs) -> Result<(), Failure> {
    let ImportArgs { file, project, format, dry_run, place } = arguments;
    let line = Arc::new(instance::line(&place.instance).await?);
    let done = async {
        let call = KeyCall::Project { workspace: place.workspace, project };
        let project = line.call(call.into()).await.map_err(|error| Failure(error.0))?;
        let project = ProjectId::new(project["project_id"].as_i64().unwrap_or_default());
        let format = format_of(format, &file);
        let import =
            Import { file: &file, format, project, workspace: place.workspace, line: Arc::clone(&line) };
        import.run(dry_run).await
    }
    .await;
    // Nothing is under way any more, so this is the only one.
    if let Some(line) = Arc::into_inner(line) {
        line.close().await;
    }
    let tally = done?;
    tell(&tally, dry_run, place.instance.json)
}

fn tell(tally: &Tally, dry_run: bool, as_json: bool) -> Result<(), Failure> {
    if as_json {
        output::say_json(&tally.json(dry_run))?;
    } else {
        let would = if dry_run { "would import" } else { "imported" };
        output::say(&format!("{would} {}, known already {}", keys(tally.imported), tally.known));
        for problem in &tally.problems {
            output::remark(&format!("  {problem}"));
        }
        if tally.more_problems > 0 {
            output::remark(&format!("  and {} more", tally.more_problems));
        }
    }
    match tally.mistakes() {
        0 => Ok(()),
        mistakes if dry_run || tally.imported == 0 => {
            Err(Failure(format!("{} to correct; nothing was imported", lines(mistakes))))
        }
        mistakes => Err(Failure(format!(
            "{} could not be imported, since something changed after the file was checked; all others were. Correct them \
             and import the file again",
            lines(mistakes)
        ))),
    }
}

fn keys(count: u64) -> String {
    if count == 1 { "1 key".to_owned() } else { format!("{count} keys") }
}

fn lines(count: u64) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}

fn format_of(given: Option<FormatArg>, file: &Path) -> ImportFormat {
    match given {
        Some(FormatArg::Csv) => ImportFormat::Csv,
        Some(FormatArg::Jsonl) => ImportFormat::JsonLines,
        None => match file.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl" | "ndjson" | "json") => ImportFormat::JsonLines,
            _ => ImportFormat::Csv,
        },
    }
}

impl Import<'_> {
    async fn run(&self, dry_run: bool) -> Result<Tally, Failure> {
        let checked = self.pass("checking", None, true).await?;
        if dry_run || checked.mistakes() > 0 || checked.imported == 0 {
            let imported = if dry_run { checked.imported } else { 0 };
            return Ok(Tally { imported, ..checked });
        }
        let total = checked.imported + checked.known;
        self.pass("importing", Some(total), false).await
    }

    /// Reads the file once, batch by batch.
    async fn pass(&self, what: &str, total: Option<u64>, dry_run: bool) -> Result<Tally, Failure> {
        let unreadable = |error: &dyn std::error::Error| {
            let Failure(why) = Failure::from_error(error);
            Failure(format!("{}: {why}", self.file.display()))
        };
        let file = File::open(self.file).map_err(|error| unreadable(&error))?;
        let rows = ImportRows::open(file, self.format, self.project).map_err(|error| unreadable(&error))?;
        let mut pass = Pass {
            tally: Tally::default(),
            dry_run,
            progress: Progress::start(what, total),
            calls: VecDeque::new(),
        };
        let read = self.send_all(rows, &mut pass).await;
        // What is under way is waited for in any case: it may have been taken in.
        let settled = pass.settle_until(0).await;
        pass.progress.finish();
        match (read, settled) {
            (Ok(()), Ok(())) => {
                pass.tally.problems.sort_by_key(|problem| problem.line);
                Ok(pass.tally)
            }
            (Err(Failure(why)), _) | (Ok(()), Err(Failure(why))) => {
                let so_far = match (dry_run, pass.tally.imported) {
                    (true, _) | (false, 0) => "nothing was imported".to_owned(),
                    (false, imported) => {
                        format!("{} were imported; import the file again for the rest", keys(imported))
                    }
                };
                Err(Failure(format!("{why}; {so_far}")))
            }
        }
    }

    async fn send_all(&self, rows: ImportRows<File>, pass: &mut Pass) -> Result<(), Failure> {
        let mut seen = Seen::default();
        let mut batch = Vec::with_capacity(BATCH_KEYS);
        for row in rows {
            match row {
                Err(problem) => pass.tally.problem(problem),
                Ok(row) => match seen.first_line(&row) {
                    Some(first) => {
                        let problem = format!("the same key stands in line {first}");
                        pass.tally.problem(LineProblem::new(row.line, problem));
                    }
                    None => batch.push(row),
                },
            }
            if seen.count() > KEYS_MAX {
                return Err(Failure(format!("a file has at most {KEYS_MAX} keys: divide it")));
            }
            if batch.len() == BATCH_KEYS {
                self.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH_KEYS)), pass).await?;
            }
        }
        if batch.is_empty() { Ok(()) } else { self.send(batch, pass).await }
    }

    async fn send(&self, rows: Vec<ImportRow>, pass: &mut Pass) -> Result<(), Failure> {
        pass.settle_until(BATCHES_UNDER_WAY_MAX - 1).await?;
        let (line, count) = (Arc::clone(&self.line), rows.len() as u64);
        let call = KeyCall::Import { workspace: self.workspace, dry_run: pass.dry_run, rows };
        pass.calls.push_back((count, tokio::spawn(async move { line.call(call.into()).await })));
        Ok(())
    }
}

/// One pass over the file, and the batches that are under way.
struct Pass {
    tally: Tally,
    dry_run: bool,
    progress: Progress,
    calls: VecDeque<(u64, JoinHandle<Result<Value, CallError>>)>,
}

impl Pass {
    /// Waits until only so many batches are under way. The first failure is told, after all that had to be waited for.
    async fn settle_until(&mut self, under_way: usize) -> Result<(), Failure> {
        let mut outcome = Ok(());
        while self.calls.len() > under_way
            && let Some((count, call)) = self.calls.pop_front()
        {
            match call.await {
                Ok(Ok(answer)) => self.count(count, &answer),
                Ok(Err(CallError(why))) => outcome = outcome.and(Err(Failure(why))),
                Err(error) => outcome = outcome.and(Err(Failure::from_error(&error))),
            }
        }
        outcome
    }

    fn count(&mut self, count: u64, answer: &Value) {
        self.tally.imported += answer["imported"].as_u64().unwrap_or_default();
        self.tally.known += answer["known"].as_u64().unwrap_or_default();
        for refused in answer["refused"].as_array().into_iter().flatten() {
            let line = refused["line"].as_u64().unwrap_or_default();
            self.tally.problem(LineProblem::new(line, refused["problem"].as_str().unwrap_or_default()));
        }
        self.progress.advance(count);
    }
}

/// Which keys stood in which line. Half of a hash tells a file's keys apart.
#[derive(Debug, Default)]
struct Seen(HashMap<u128, u32>);

impl Seen {
    /// The line where this key stood before.
    fn first_line(&mut self, row: &ImportRow) -> Option<u32> {
        let line = u32::try_from(row.line).unwrap_or(u32::MAX);
        match self.0.entry(half(&row.hash)) {
            std::collections::hash_map::Entry::Occupied(entry) => Some(*entry.get()),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(line);
                None
            }
        }
    }

    fn count(&self) -> u64 {
        self.0.len() as u64
    }
}

fn half(hash: &SecretHash) -> u128 {
    hash.as_bytes().iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The format is told by the name unless it is said.
    #[test]
    fn formats_by_name() {
        for (name, format) in [
            ("keys.csv", ImportFormat::Csv),
            ("keys", ImportFormat::Csv),
            ("keys.jsonl", ImportFormat::JsonLines),
            ("a/b.ndjson", ImportFormat::JsonLines),
        ] {
            assert_eq!(format_of(None, Path::new(name)), format, "{name}");
        }
        assert_eq!(format_of(Some(FormatArg::Jsonl), Path::new("keys.csv")), ImportFormat::JsonLines);
    }
}
