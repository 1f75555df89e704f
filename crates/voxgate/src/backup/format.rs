//! The file: written under another name until it is whole, read only if its checksum is right.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use domain::Timestamp;
use domain::link::Revision;
use serde::{Deserialize, Serialize};
use sql::{Cell, Table};

use super::{BackupError, cells};

/// The number of this format.
const FORMAT: u32 = 1;
/// How the first line begins.
const MAGIC: &str = "voxgate-backup ";
/// How the last line begins; the checksum follows.
const END: &str = "sha256 ";
/// The longest line, in bytes: a row holds names, lists and the last object of a job, each bounded far below.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version that made it.
    pub version: String,
    /// When.
    pub made_at: Timestamp,
    /// The instance's id.
    pub instance: String,
    /// The newest revision in it.
    pub revision: Revision,
    /// Something sealed under the master key, by which a wrong one is found out; as base64.
    pub sentinel: String,
    /// The databases.
    pub parts: Vec<Part>,
}

/// One database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// `control`, or `ledger/` and a region.
    pub name: String,
    /// The migrations that made its schema, oldest first.
    pub migrations: Vec<String>,
    /// Its tables, in the order of their rows.
    pub tables: Vec<PartTable>,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartTable {
    /// Its columns.
    pub table: Table,
    /// How many rows follow.
    pub rows: u64,
}

impl Header {
    /// How many rows it holds in all.
    pub fn rows(&self) -> u64 {
        self.parts.iter().flat_map(|part| &part.tables).map(|table| table.rows).sum()
    }

    /// How many rows a table of the control plane has.
    pub fn rows_of(&self, name: &str) -> u64 {
        let control = self.parts.iter().filter(|part| part.name == super::make::CONTROL);
        control
            .flat_map(|part| &part.tables)
            .filter(|table| table.table.name == name)
            .map(|table| table.rows)
            .sum()
    }
}

/// A backup that is being written.
pub(super) struct Writer {
    out: BufWriter<File>,
    digest: Context,
    path: PathBuf,
    unfinished: PathBuf,
    bytes: u64,
    line: Vec<u8>,
}

impl Writer {
    /// Begins; a file that is there already is not overwritten.
    pub(super) fn create(path: &Path, header: &Header) -> Result<Self, BackupError> {
        let at = BackupError::file(path);
        if path.exists() {
            return Err(at(io::Error::from(io::ErrorKind::AlreadyExists)));
        }
        let unfinished = path.with_added_extension("unfinished");
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished);
        let mut writer = Self {
            out: BufWriter::with_capacity(1 << 20, file.map_err(BackupError::file(&unfinished))?),
            digest: Context::new(&SHA256),
            path: path.to_owned(),
            unfinished,
            bytes: 0,
            line: Vec::new(),
        };
        writer.write(format!("{MAGIC}{FORMAT}\n").as_bytes()).map_err(&at)?;
        let mut line = serde_json::to_vec(header).map_err(|error| at(error.into()))?;
        line.push(b'\n');
        writer.write(&line).map_err(at)?;
        Ok(writer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// Adds a row.
    pub(super) fn row(&mut self, row: &[Cell]) -> Result<(), BackupError> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        let written = serde_json::to_writer(&mut line, &cells::Row(row)).map_err(io::Error::from);
        line.push(b'\n');
        let written = written.and_then(|()| self.write(&line));
        self.line = line;
        written.map_err(BackupError::file(&self.unfinished))
    }

    /// Ends: the file is on the disk and has its name when this returns. Tells its size, in bytes.
    pub(super) fn finish(mut self) -> Result<u64, BackupError> {
        let end = format!("{END}{}\n", hex(self.digest.finish().as_ref()));
        let finished = self
            .out
            .write_all(end.as_bytes())
            .and_then(|()| self.out.flush())
            .and_then(|()| self.out.get_ref().sync_all())
            .and_then(|()| fs::rename(&self.unfinished, &self.path));
        finished.map_err(BackupError::file(&self.path))?;
        Ok(self.bytes + end.len() as u64)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A backup that is being read.
pub(super) struct Reader {
    input: BufReader<File>,
    path: PathBuf,
    line_number: u64,
    line: String,
}

impl Reader {
    /// Opens a backup after its checksum was found right.
    pub(super) fn open(path: &Path) -> Result<(Self, Header), BackupError> {
        let file = File::open(path).map_err(BackupError::file(path))?;
        let mut reader = Self {
            input: BufReader::with_capacity(1 << 20, file),
            path: path.to_owned(),
            line_number: 0,
            line: String::new(),
        };
        let no_backup = || BackupError::NoBackup { path: path.to_owned() };
        reader.next_line().map_err(|_| no_backup())?;
        let format: u32 =
            reader.line.strip_prefix(MAGIC).and_then(|number| number.parse().ok()).ok_or_else(no_backup)?;
        if format != FORMAT {
            return Err(BackupError::Newer { path: path.to_owned(), format });
        }
        check(path)?;
        reader.next_line()?;
        let header = serde_json::from_str(&reader.line).map_err(|_| reader.damaged())?;
        Ok((reader, header))
    }

    fn damaged(&self) -> BackupError {
        BackupError::Damaged { path: self.path.clone() }
    }

    fn next_line(&mut self) -> Result<(), BackupError> {
        self.line.clear();
        self.line_number += 1;
        let read = self.input.by_ref().take(LINE_BYTES_MAX).read_line(&mut self.line);
        read.map_err(BackupError::file(&self.path))?;
        match self.line.pop() {
            Some('\n') => Ok(()),
            _ => Err(self.damaged()),
        }
    }

    /// The next row, which must be this table's.
    pub(super) fn row(&mut self, table: &Table) -> Result<Vec<Cell>, BackupError> {
        self.next_line()?;
        cells::row(&self.line, table).ok_or_else(|| BackupError::Row {
            path: self.path.clone(),
            line: self.line_number,
            table: table.name.clone(),
        })
    }
}

/// Compares the checksum in the last line with what stands before it.
fn check(path: &Path) -> Result<(), BackupError> {
    const LAST_LINE_BYTES: usize = END.len() + 64 + 1;
    let at = BackupError::file(path);
    let mut file = File::open(path).map_err(&at)?;
    let size = file.metadata().map_err(&at)?.len();
    let damaged = || BackupError::Damaged { path: path.to_owned() };
    let mut left = size.checked_sub(LAST_LINE_BYTES as u64).ok_or_else(damaged)?;
    let mut digest = Context::new(&SHA256);
    let mut piece = vec![0; 1 << 20];
    while left > 0 {
        let some = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        file.read_exact(&mut piece[..some]).map_err(&at)?;
        digest.update(&piece[..some]);
        left -= some as u64;
    }
    let mut last = Vec::new();
    file.read_to_end(&mut last).map_err(&at)?;
    let expected = format!("{END}{}\n", hex(digest.finish().as_ref()));
    if last == expected.as_bytes() { Ok(()) } else { Err(damaged()) }
}
