//! Walks a TOML table: each setting is asked for by name, and what nobody asked for is an unknown setting.

use ipnet::IpNet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Report;

/// One table of the file.
pub(crate) struct Section<'a> {
    table: Option<&'a DeTable<'a>>,
    /// The names of the sections above and of this one, each followed by a dot.
    path: String,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(crate) const fn root(table: &'a DeTable<'a>) -> Self {
        Self { table: Some(table), path: String::new(), asked: Vec::new() }
    }

    /// The name of a setting with its sections.
    pub(crate) fn name(&self, key: &str) -> String {
        format!("{}{key}", self.path)
    }

    /// The line of a setting, if it is there.
    pub(crate) fn line(&self, report: &Report, key: &str) -> Option<usize> {
        self.find(key).map(|value| report.line(value.span().start))
    }

    fn find(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table?.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// A setting that may be left out; a mistake counts as left out, after it was told.
    pub(crate) fn read<T>(
        &mut self,
        report: &mut Report,
        key: &'static str,
        parse: impl Fn(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<T> {
        self.asked.push(key);
        if report.records() {
            report.record(self.name(key), expectation(parse));
            return None;
        }
        let value = self.find(key)?;
        match parse(value.get_ref()) {
            Ok(parsed) => Some(parsed),
            Err(message) => {
                report.add(report.line(value.span().start), self.name(key), message);
                None
            }
        }
    }

    /// A table below this one; one that is left out has no settings.
    pub(crate) fn section(&mut self, report: &mut Report, key: &'static str) -> Section<'a> {
        self.asked.push(key);
        let path = format!("{}{key}.", self.path);
        let table = match self.find(key) {
            None => None,
            Some(value) => {
                let table = value.get_ref().as_table();
                if table.is_none() {
                    let message = format!("expected a section, as in [{}{key}]", self.path);
                    report.add(report.line(value.span().start), self.name(key), message);
                }
                table
            }
        };
        Section { table, path, asked: Vec::new() }
    }

    /// Whether there is such a table.
    pub(crate) const fn is_there(&self) -> bool {
        self.table.is_some()
    }

    /// A list of tables below this one; `None` when it is left out.
    pub(crate) fn sections(
        &mut self,
        report: &mut Report,
        key: &'static str,
    ) -> Option<Vec<(usize, Section<'a>)>> {
        self.asked.push(key);
        if report.records() {
            let path = format!("{}{key}[].", self.path);
            return Some(vec![(1, Section { table: None, path, asked: Vec::new() })]);
        }
        let value = self.find(key)?;
        let line = report.line(value.span().start);
        let Some(items) = value.get_ref().as_array() else {
            report.add(line, self.name(key), format!("expected a list of sections, as in [[{key}]]"));
            return None;
        };
        let mut sections = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let line = report.line(item.span().start);
            match item.get_ref().as_table() {
                Some(table) => sections.push((
                    line,
                    Section {
                        table: Some(table),
                        path: format!("{}{key}[{index}].", self.path),
                        asked: Vec::new(),
                    },
                )),
                None => report.add(line, self.name(key), format!("expected a section, as in [[{key}]]")),
            }
        }
        Some(sections)
    }

    /// Tells every setting that nobody asked for.
    pub(crate) fn finish(self, report: &mut Report) {
        for (name, _) in self.table.into_iter().flatten() {
            let key = name.get_ref().as_ref();
            if !self.asked.contains(&key) {
                let message = format!("unknown setting: expected one of {}", self.asked.join(", "));
                report.add(report.line(name.span().start), self.name(key), message);
            }
        }
    }
}

/// What a setting's reader says that it expects, when it is shown what it can't take.
fn expectation<T>(parse: impl Fn(&DeValue<'_>) -> Result<T, String>) -> String {
    const NONSENSE: &str = "?";
    let table = || DeValue::Table(DeTable::new());
    let mut said = parse(&table()).err().unwrap_or_default();
    if said.contains(A_TEXT) {
        said = parse(&DeValue::String(NONSENSE.into())).err().unwrap_or(said);
    }
    if said.contains(A_LIST) {
        let entry = |value| DeValue::Array([Spanned::new(0..0, value)].into_iter().collect());
        let of = parse(&entry(table())).err().unwrap_or_default();
        let of = if of.contains(A_TEXT) {
            parse(&entry(DeValue::String(NONSENSE.into()))).err().unwrap_or(of)
        } else {
            of
        };
        said = format!("{said}; each entry: {}", of.trim_start_matches("entry 1: expected "));
    }
    for found in [", found table", ", found array", ", found \"?\""] {
        said = said.replace(found, "");
    }
    said.trim_start_matches("expected ").to_owned()
}

const A_TEXT: &str = "a text in quotes";
const A_LIST: &str = "a list in brackets";

/// A text.
pub(crate) fn text(value: &DeValue<'_>) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("expected {A_TEXT}, found {}", value.type_str()))
}

/// A text that isn't empty.
pub(crate) fn filled(value: &DeValue<'_>) -> Result<String, String> {
    text(value).and_then(|text| {
        if text.is_empty() { Err("expected a text that isn't empty".to_owned()) } else { Ok(text) }
    })
}

/// `true` or `false`.
pub(crate) fn flag(value: &DeValue<'_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("expected true or false, found {}", value.type_str()))
}

/// A whole number within bounds.
pub(crate) fn integer(min: u64, max: u64) -> impl Fn(&DeValue<'_>) -> Result<u64, String> {
    move |value| {
        let expected = || format!("expected a whole number from {min} to {max}");
        let integer =
            value.as_integer().ok_or_else(|| format!("{}, found {}", expected(), value.type_str()))?;
        u64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .filter(|number| (min..=max).contains(number))
            .ok_or_else(|| format!("{}, found {}", expected(), integer.as_str()))
    }
}

/// A whole number within bounds that fits 32 bits.
pub(crate) fn small_integer(min: u32, max: u32) -> impl Fn(&DeValue<'_>) -> Result<u32, String> {
    let parse = integer(u64::from(min), u64::from(max));
    move |value| parse(value).map(|number| u32::try_from(number).unwrap_or(max))
}

/// One of a few names.
pub(crate) fn choice<T: Copy>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl Fn(&DeValue<'_>) -> Result<T, String> {
    move |value| {
        let found = value.as_str().and_then(|text| all.iter().copied().find(|item| name(*item) == text));
        found.ok_or_else(|| {
            let names: Vec<String> = all.iter().map(|item| format!("\"{}\"", name(*item))).collect();
            format!("expected one of {}{}", names.join(", "), found_text(value))
        })
    }
}

fn found_text(value: &DeValue<'_>) -> String {
    match value.as_str() {
        Some(text) => format!(", found \"{text}\""),
        None => format!(", found {}", value.type_str()),
    }
}

/// A list whose entries are all read alike.
pub(crate) fn list<T>(
    parse: impl Fn(&DeValue<'_>) -> Result<T, String>,
) -> impl Fn(&DeValue<'_>) -> Result<Vec<T>, String> {
    move |value| {
        let items =
            value.as_array().ok_or_else(|| format!("expected {A_LIST}, found {}", value.type_str()))?;
        items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                parse(item.get_ref()).map_err(|message| format!("entry {}: {message}", index + 1))
            })
            .collect()
    }
}

/// A text that something else reads.
pub(crate) fn parsed<T>(
    parse: impl Fn(&str) -> Result<T, String>,
) -> impl Fn(&DeValue<'_>) -> Result<T, String> {
    move |value| parse(&filled(value)?)
}

/// A host name, as it stands in a `Host` header: lower-cased, without a port.
pub(crate) fn host(value: &DeValue<'_>) -> Result<String, String> {
    let host = filled(value)?.to_ascii_lowercase();
    let plain = host.len() <= 253
        && host.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
    if plain {
        Ok(host)
    } else {
        Err(format!("expected a host name such as eu1.asr.example.org, found \"{host}\""))
    }
}

/// Reads a network; `everybody` says why one of all addresses is refused.
pub(super) fn network(text: &str, everybody: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
    match network {
        Ok(network) if network.prefix_len() == 0 => Err(format!("{text} is everybody: {everybody}")),
        Ok(network) if network.trunc() != network => {
            Err(format!("{text} has bits beyond its length: write {}", network.trunc()))
        }
        Ok(network) => Ok(network),
        Err(_) => Err(format!("expected a network, as in 10.0.0.0/8 or 2001:db8::/32, found \"{text}\"")),
    }
}
