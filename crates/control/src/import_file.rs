//! Files of keys to import: CSV with a header, or JSON Lines. Read line by line, so that a file of any length costs little
//! memory; every line is told of with its number.

use std::borrow::Cow;
use std::io::{BufRead as _, BufReader, Read};

use csv_core::ReadRecordResult;
use domain::ProjectId;
use serde::Deserialize;
use serde_json::error::Category;
use zeroize::Zeroize as _;

use crate::import_row::{ImportRow, LineProblem, Texts};

/// A line, in bytes: the longest key, and as much again for everything else.
pub const IMPORT_LINE_BYTES_MAX: usize = 16 * 1024;
/// Columns of a file: more are none of ours.
const FIELDS_MAX: usize = 32;
const COLUMNS: [&str; 9] =
    ["name", "key", "sha256", "project", "areas", "products", "expires_at", "networks", "client_ref"];

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    /// Comma-separated values under a header that names the columns.
    Csv,
    /// One JSON object on each line.
    JsonLines,
}

/// Why a file can't be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportFileError {
    /// The first line is no header.
    #[error("the first line must name the columns: {problem}. The columns are {}", COLUMNS.join(", "))]
    Header {
        /// What is wrong with it.
        problem: String,
    },
}

/// The keys of a file, one after the other.
pub struct ImportRows<R> {
    lines: Lines<R>,
    csv: CsvLines,
    /// Of CSV: which of [`COLUMNS`] stands where.
    columns: Option<Vec<usize>>,
    default_project: ProjectId,
}

impl<R> std::fmt::Debug for ImportRows<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ImportRows(…)")
    }
}

impl<R: Read> ImportRows<R> {
    /// Begins to read a file. Keys whose line names no project belong to `default_project`.
    ///
    /// # Errors
    /// When it can't be read, or has no header where it needs one.
    pub fn open(input: R, format: ImportFormat, default_project: ProjectId) -> Result<Self, ImportFileError> {
        let mut lines = Lines { reader: BufReader::new(input), number: 0, text: String::new(), ended: false };
        let mut csv = CsvLines::new();
        let columns = match format {
            ImportFormat::JsonLines => None,
            ImportFormat::Csv => Some(lines.header(&mut csv)?),
        };
        Ok(Self { lines, csv, columns, default_project })
    }
}

impl<R: Read> Iterator for ImportRows<R> {
    type Item = Result<ImportRow, LineProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = match self.lines.next()? {
            Ok(number) => number,
            Err(problem) => return Some(Err(problem)),
        };
        let text = self.lines.text.as_str();
        Some(match &self.columns {
            None => read_json(text, number, self.default_project),
            Some(columns) => read_csv(&mut self.csv, text, number, columns, self.default_project),
        })
    }
}

/// The lines of a file that aren't blank. None is gathered that is longer than a line may be.
struct Lines<R> {
    reader: BufReader<R>,
    /// Of the present line, from 1.
    number: u64,
    text: String,
    /// Nothing follows what can't be read.
    ended: bool,
}

impl<R: Read> Lines<R> {
    /// Goes on to the next line, and tells its number. What can't be read on is told once, as the last.
    fn next(&mut self) -> Option<Result<u64, LineProblem>> {
        while !self.ended {
            let mut bytes = std::mem::take(&mut self.text).into_bytes();
            // It holds the key of the line before.
            bytes.zeroize();
            self.number += 1;
            let limit = IMPORT_LINE_BYTES_MAX as u64 + 1;
            let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut bytes);
            let problem = match read {
                Ok(0) => {
                    self.ended = true;
                    return None;
                }
                Ok(count) if count as u64 == limit => {
                    self.ended = true;
                    format!(
                        "it is too long: at most {IMPORT_LINE_BYTES_MAX} bytes, and nothing after it was read"
                    )
                }
                Ok(_) => match String::from_utf8(bytes) {
                    Ok(text) if is_blank(&text) => continue,
                    Ok(text) => {
                        self.text = text;
                        return Some(Ok(self.number));
                    }
                    Err(_) => String::from("it is not UTF-8 text"),
                },
                Err(error) => {
                    self.ended = true;
                    format!("the file can't be read on: {error}")
                }
            };
            return Some(Err(LineProblem::new(self.number, problem)));
        }
        None
    }

    fn header(&mut self, csv: &mut CsvLines) -> Result<Vec<usize>, ImportFileError> {
        let refuse = |problem: &str| Err(ImportFileError::Header { problem: problem.to_owned() });
        match self.next() {
            None => refuse("key or sha256 is missing"),
            Some(Err(problem)) => refuse(&problem.problem),
            Some(Ok(_)) => match csv.read(&self.text) {
                Some(header) => columns(&header),
                None => refuse("it is not a line of CSV"),
            },
        }
    }
}

/// Programs put a mark at the beginning of a file that says it is UTF-8.
const MARK: char = '\u{feff}';

fn is_blank(text: &str) -> bool {
    text.trim_start_matches(MARK).trim().is_empty()
}

/// Reads lines of CSV. A record never goes on in the next line: no value that is allowed has a line break in it.
struct CsvLines {
    reader: csv_core::Reader,
    fields: Vec<u8>,
    /// Where each field ends.
    ends: Vec<usize>,
}

impl CsvLines {
    fn new() -> Self {
        Self { reader: csv_core::Reader::new(), fields: Vec::new(), ends: vec![0; FIELDS_MAX] }
    }

    /// The fields of a line; `None` if it is none.
    fn read(&mut self, line: &str) -> Option<Vec<&str>> {
        let line = line.trim_start_matches(MARK).trim_end_matches(['\r', '\n']).as_bytes();
        if line.iter().filter(|byte| **byte == b'"').count() % 2 != 0 {
            return None;
        }
        // What a line says is never longer than the line.
        self.fields.resize(line.len() + 1, 0);
        self.reader.reset();
        let (mut written, mut count) = (0, 0);
        // Without its end a record is not known to be over.
        for part in [line, b"\n"] {
            let (result, _, more, fields) =
                self.reader.read_record(part, &mut self.fields[written..], &mut self.ends[count..]);
            (written, count) = (written + more, count + fields);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record => break,
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull | ReadRecordResult::End => {
                    return None;
                }
            }
        }
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let fields = starts.zip(&self.ends).take(count);
        fields.map(|(start, end)| std::str::from_utf8(self.fields.get(start..*end)?).ok()).collect()
    }
}

fn read_csv(
    csv: &mut CsvLines,
    line: &str,
    number: u64,
    columns: &[usize],
    default_project: ProjectId,
) -> Result<ImportRow, LineProblem> {
    let Some(fields) = csv.read(line) else {
        return Err(LineProblem::new(number, "it is not a line of CSV: is a quote not closed?"));
    };
    if fields.len() != columns.len() {
        let (found, expected) = (fields.len(), columns.len());
        return Err(LineProblem::new(
            number,
            format!("it has {found} columns, and the header has {expected}"),
        ));
    }
    texts_of(&fields, columns).read(number, default_project)
}

fn texts_of<'a>(fields: &[&'a str], columns: &[usize]) -> Texts<'a> {
    let mut texts = Texts::default();
    for (text, column) in fields.iter().zip(columns) {
        let place = match COLUMNS[*column] {
            "name" => &mut texts.name,
            "key" => &mut texts.key,
            "sha256" => &mut texts.sha256,
            "project" => &mut texts.project,
            "areas" => &mut texts.areas,
            "products" => &mut texts.products,
            "expires_at" => &mut texts.expires_at,
            "networks" => &mut texts.networks,
            _ => &mut texts.client_ref,
        };
        *place = text;
    }
    texts
}

fn columns(header: &[&str]) -> Result<Vec<usize>, ImportFileError> {
    let refuse = |problem: String| Err(ImportFileError::Header { problem });
    let mut columns = Vec::new();
    for name in header {
        let name = name.trim().to_ascii_lowercase();
        let Some(column) = COLUMNS.iter().position(|known| *known == name) else {
            // A file without a header begins with a key: it must not be shown.
            return refuse(format!("column {} is none of them", columns.len() + 1));
        };
        if columns.contains(&column) {
            return refuse(format!("{name} is named twice"));
        }
        columns.push(column);
    }
    let has = |name: &str| columns.iter().any(|column| COLUMNS[*column] == name);
    if !has("key") && !has("sha256") {
        return refuse(String::from("key or sha256 is missing"));
    }
    Ok(columns)
}

/// One line of JSON Lines. Unknown names are refused: a limit that is misspelt must not be a limit that is missing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    sha256: Option<Cow<'a, str>>,
    #[serde(default)]
    project: Option<i64>,
    #[serde(default)]
    areas: Option<List>,
    #[serde(default)]
    products: Option<List>,
    #[serde(borrow, default)]
    expires_at: Option<Cow<'a, str>>,
    #[serde(default)]
    networks: Option<List>,
    #[serde(borrow, default)]
    client_ref: Option<Cow<'a, str>>,
}

/// A list, or a text as it would stand in CSV.
#[derive(Deserialize)]
#[serde(untagged)]
enum List {
    Items(Vec<String>),
    Text(String),
}

impl List {
    fn text(list: Option<Self>) -> String {
        match list {
            None => String::new(),
            Some(Self::Text(text)) => text,
            // An empty list is written so that it is refused, as one of nothing but commas is.
            Some(Self::Items(items)) if items.is_empty() => String::from(","),
            Some(Self::Items(items)) => items.join(","),
        }
    }
}

fn read_json(text: &str, line: u64, default_project: ProjectId) -> Result<ImportRow, LineProblem> {
    let text = text.trim_start_matches(MARK);
    let read: Line<'_> = serde_json::from_str(text).map_err(|error| json_problem(line, &error))?;
    let text = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or_default().to_owned();
    let (areas, products, networks) =
        (List::text(read.areas), List::text(read.products), List::text(read.networks));
    Texts {
        name: &text(&read.name),
        key: read.key.as_deref().unwrap_or_default(),
        sha256: read.sha256.as_deref().unwrap_or_default(),
        project: &read.project.map(|project| project.to_string()).unwrap_or_default(),
        areas: &areas,
        products: &products,
        expires_at: &text(&read.expires_at),
        networks: &networks,
        client_ref: &text(&read.client_ref),
    }
    .read(line, default_project)
}

/// What is wrong and where, without repeating what the line holds.
fn json_problem(line: u64, error: &serde_json::Error) -> LineProblem {
    let what = match error.classify() {
        Category::Data => {
            format!("it holds something else than {}, or a value of the wrong type", COLUMNS.join(", "))
        }
        Category::Eof | Category::Syntax | Category::Io => String::from("it is not a JSON object"),
    };
    LineProblem::new(line, format!("{what}, at column {}", error.column()))
}
