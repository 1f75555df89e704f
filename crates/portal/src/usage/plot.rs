//! Plots: where things stand. The template draws them as SVG and puts the same numbers into a table beneath.
//!
//! Widths are parts of whatever room there is, heights are pixels, so that text keeps its size on any screen.

use domain::usage::UsageCounts;

use super::measure::{Measure, Unit, say_line};
use super::scale::Scale;

/// Height of the part with the columns, in pixels; as in the template.
const COLUMNS_HEIGHT: f64 = 150.0;
/// Where it begins.
const COLUMNS_TOP: f64 = 8.0;
/// Units that a column takes in the columns' own coordinates, and its width.
const COLUMN_STEP: usize = 10;
const COLUMN_WIDTH: usize = 8;
/// Units from foot to top in the columns' own coordinates.
const COLUMN_UNITS: f64 = 10_000.0;
/// Names beneath the columns, at most.
const LABELS_MAX: usize = 4;
/// Height of one bar with its name, in pixels.
const ROW_HEIGHT: usize = 38;
/// Characters of a name in a plot; the table has all of them.
const LABEL_CHARACTERS_MAX: usize = 36;

/// What one column or bar stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// Its name.
    pub(crate) name: String,
    /// A shorter one for the axis.
    pub(crate) short: String,
    /// Where a closer look at it is.
    pub(crate) link: Option<String>,
    /// What it came to.
    pub(crate) counts: UsageCounts,
}

/// What items are: over their names, and in a sentence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By {
    /// Over their names.
    pub(crate) head: &'static str,
    /// In a sentence.
    pub(crate) said: &'static str,
}

/// One measure of all items, drawn and told.
#[derive(Debug)]
pub(crate) struct Plot {
    /// Its name in ids.
    pub(crate) id: &'static str,
    /// What it shows, with its unit.
    pub(crate) title: String,
    /// The name of the measure, with its unit, over the numbers.
    pub(crate) heading: String,
    /// What items are, over their names.
    pub(crate) by: &'static str,
    /// The same in a sentence.
    pub(crate) description: String,
    /// The table.
    pub(crate) rows: Vec<Row>,
    /// The drawing.
    pub(crate) drawing: Drawing,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    /// What it is.
    pub(crate) name: String,
    /// Where a closer look at it is.
    pub(crate) link: Option<String>,
    /// What it came to, as it is said.
    pub(crate) said: String,
}

/// The drawing: columns over time, or bars of things that have no order.
#[derive(Debug)]
pub(crate) enum Drawing {
    /// Columns over time.
    Columns(Columns),
    /// Bars, one below the other.
    Bars(Bars),
}

/// Columns over time.
#[derive(Debug)]
pub(crate) struct Columns {
    /// Width in the columns' own coordinates.
    pub(crate) width: usize,
    /// All columns, as one path.
    pub(crate) path: String,
    /// The lines of the axis: where, and the number.
    pub(crate) lines: Vec<(String, String)>,
    /// Names beneath: where, in percent of the columns' room, and what.
    pub(crate) labels: Vec<(String, String)>,
}

/// Bars, one below the other.
#[derive(Debug)]
pub(crate) struct Bars {
    /// Height in pixels.
    pub(crate) height: usize,
    /// The bars.
    pub(crate) bars: Vec<Bar>,
}

/// One bar.
#[derive(Debug)]
pub(crate) struct Bar {
    /// Where its name stands, in pixels.
    pub(crate) text_y: usize,
    /// Where it begins.
    pub(crate) y: usize,
    /// Its length, in percent.
    pub(crate) percent: String,
    /// What it stands for.
    pub(crate) label: String,
    /// What it came to.
    pub(crate) said: String,
}

impl Plot {
    /// Draws one measure of some items: as columns if they are days, else as bars.
    pub(crate) fn of(measure: Measure, items: &[Item], by: By, is_over_time: bool) -> Self {
        let counted = |item: &Item| measure.counted(item.counts);
        let max = items.iter().map(counted).max().unwrap_or(0);
        let unit = measure.unit(max);
        let heading = match unit.name {
            Some(name) => format!("{}, {name}", measure.name()),
            None => measure.name().to_owned(),
        };
        let rows = items.iter().map(|item| Row {
            name: item.name.clone(),
            link: item.link.clone(),
            said: unit.say(counted(item)),
        });
        let values: Vec<(&Item, u64)> = items.iter().map(|item| (item, counted(item))).collect();
        Self {
            id: measure.id(),
            by: by.head,
            title: match unit.name {
                Some(name) => format!("{} by {}, in {name}", measure.name(), by.said),
                None => format!("{} by {}", measure.name(), by.said),
            },
            description: describe(&values, unit),
            rows: rows.collect(),
            drawing: if is_over_time {
                Drawing::Columns(columns(&values, unit, max))
            } else {
                Drawing::Bars(bars(&values, unit, max))
            },
            heading,
        }
    }
}

fn describe(values: &[(&Item, u64)], unit: Unit) -> String {
    let Some((item, most)) = values.iter().max_by_key(|(_, counted)| *counted).filter(|(_, most)| *most > 0)
    else {
        return String::from("Nothing in this time.");
    };
    format!("Most: {} at {}. All numbers stand in the table below.", unit.say(*most), item.name)
}

fn columns(values: &[(&Item, u64)], unit: Unit, max: u64) -> Columns {
    use std::fmt::Write as _;
    let scale = Scale::of(unit.of(max), unit.is_whole());
    let mut path = String::new();
    for (index, (_, counted)) in values.iter().enumerate().filter(|(_, (_, counted))| *counted > 0) {
        let height = (scale.part(unit.of(*counted)) * COLUMN_UNITS).round();
        let (x, y) = (index * COLUMN_STEP + (COLUMN_STEP - COLUMN_WIDTH) / 2, COLUMN_UNITS - height);
        // Writing to a String can't fail.
        let _ = write!(path, "M{x} {y}h{COLUMN_WIDTH}v{height}h-{COLUMN_WIDTH}z");
    }
    let line = |value: f64| {
        let y = COLUMNS_TOP + COLUMNS_HEIGHT * (1.0 - scale.part(value));
        (format!("{y:.1}"), say_line(value))
    };
    Columns {
        width: values.len().max(1) * COLUMN_STEP,
        path,
        lines: scale.lines().map(line).collect(),
        labels: labels(values),
    }
}

/// Names of some columns, evenly apart.
fn labels(values: &[(&Item, u64)]) -> Vec<(String, String)> {
    let every = values.len().div_ceil(LABELS_MAX).max(1);
    let named = values.iter().enumerate().step_by(every);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
    let middle = |index: usize| (index as f64 + 0.5) / values.len() as f64;
    named
        .map(|(index, (item, _))| {
            (format!("{:.1}", 100.0 * (GUTTER + (1.0 - GUTTER) * middle(index))), item.short.clone())
        })
        .collect()
}

/// The part of the width that the numbers of the axis take; as in the template.
const GUTTER: f64 = 0.12;

fn bars(values: &[(&Item, u64)], unit: Unit, max: u64) -> Bars {
    let scale = if max == 0 { 1.0 } else { unit.of(max) };
    let bars = values.iter().enumerate().map(|(index, (item, counted))| Bar {
        text_y: index * ROW_HEIGHT + 13,
        y: index * ROW_HEIGHT + 19,
        percent: format!("{:.2}", 100.0 * unit.of(*counted) / scale),
        label: shortened(&item.short),
        said: unit.say(*counted),
    });
    Bars { height: values.len() * ROW_HEIGHT, bars: bars.collect() }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= LABEL_CHARACTERS_MAX {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(LABEL_CHARACTERS_MAX - 1).collect();
    short.push('…');
    short
}
