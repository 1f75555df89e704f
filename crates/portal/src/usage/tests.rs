//! What the page and the file show is what was counted, whatever things are called.

use std::collections::BTreeMap;

use askama::Template as _;
use control::Refusals;
use domain::usage::{Day, Mode, UsageCounts, UsageGroup, UsageKey};
use domain::{ApiKeyId, ClientRef, ProjectId, Reason, Region};
use proptest::prelude::*;

use super::ask::{Address, Asked};
use super::plot::Drawing;
use super::shown::Shown;
use super::view::{BARS_MAX, Names, View, view};
use crate::web::Page;
use crate::weight::{PAGE_BYTES_MAX, bytes_of};

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn asked(group: UsageGroup, days: i64) -> Asked {
    let until = day("2026-11-26");
    let since = until.plus_days(1 - days);
    Asked { since, until, group, ..Address::default().read(until.start()).unwrap() }
}

fn counts(requests: u64, sessions: u64, audio_millis: u64, refusals: u64) -> UsageCounts {
    UsageCounts { requests, sessions, audio_millis, received_bytes: 0, refusals }
}

fn of_day(text: &str, counts: UsageCounts) -> (UsageKey, UsageCounts) {
    (UsageKey { day: Some(day(text)), ..UsageKey::default() }, counts)
}

fn of_client_ref(name: &str, counts: UsageCounts) -> (UsageKey, UsageCounts) {
    let client_ref = Some(ClientRef::new(name).ok());
    (UsageKey { client_ref, ..UsageKey::default() }, counts)
}

fn page(asked: &Asked, view: View) -> String {
    let page = Page::bare("Usage");
    let now = day("2026-11-26").start();
    Shown::of(&page, asked, &Names::default(), Ok(view), now).render().unwrap()
}

/// What the numbers of a plot say, read from the drawing alone: each with half of the smallest step that can be drawn.
fn drawn(drawing: &Drawing, top: f64, items: usize) -> Vec<(f64, f64)> {
    match drawing {
        Drawing::Columns(columns) => {
            let mut values = vec![(0.0, 0.0); items];
            for column in columns.path.split('M').skip(1) {
                let (x, rest) = column.split_once(' ').unwrap();
                let (y, rest) = rest.split_once('h').unwrap();
                let (_, rest) = rest.split_once('v').unwrap();
                let (height, _) = rest.split_once('h').unwrap();
                let (x, y, height): (usize, f64, f64) =
                    (x.parse().unwrap(), y.parse().unwrap(), height.parse().unwrap());
                assert!((y + height - 10_000.0).abs() < 0.5, "every column stands on the ground");
                values[x / 10] = (top * height / 10_000.0, top / 20_000.0);
            }
            values
        }
        Drawing::Bars(bars) => bars
            .bars
            .iter()
            .map(|bar| (top * bar.percent.parse::<f64>().unwrap() / 100.0, top / 20_000.0))
            .collect(),
    }
}

fn number(said: &str) -> f64 {
    said.replace(',', "").parse().unwrap()
}

/// Every plot of a view shows what its table says.
fn assert_true(view: &View) {
    for plot in &view.plots {
        let said: Vec<f64> = plot.rows.iter().map(|row| number(&row.said)).collect();
        let top = match &plot.drawing {
            Drawing::Columns(columns) => axis_top(columns.lines.last().unwrap().1.as_str()),
            Drawing::Bars(_) => said.iter().copied().fold(0.0, f64::max),
        };
        let drawn = drawn(&plot.drawing, top, said.len());
        assert_eq!(drawn.len(), said.len(), "{}", plot.title);
        for ((drawn, exact), said) in drawn.iter().zip(&said) {
            // A table says hours and minutes to a hundredth, seconds to a tenth.
            let rounded = if plot.heading.contains("seconds") { 0.05 } else { 0.005 };
            let off = exact + rounded + top * rounded / top.max(rounded) + 1e-6;
            assert!((drawn - said).abs() <= off, "{}: {drawn} is drawn, {said} is said", plot.title);
        }
    }
}

fn axis_top(said: &str) -> f64 {
    let times = match said.chars().last() {
        Some('k') => 1e3,
        Some('M') => 1e6,
        Some('G') => 1e9,
        Some('T') => 1e12,
        _ => 1.0,
    };
    said.trim_end_matches(['k', 'M', 'G', 'T']).parse::<f64>().unwrap() * times
}

fn any_counts() -> impl Strategy<Value = UsageCounts> {
    (0_u64..1_000_000, 0_u64..200, 0_u64..100_000_000, 0_u64..9)
        .prop_map(|(requests, sessions, audio, refusals)| counts(requests, sessions, audio, refusals))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Columns and their table say the same, and days without usage are there.
    #[test]
    fn columns_show_what_the_table_says(all in prop::collection::btree_map(0_i64..30, any_counts(), 0..12)) {
        let asked = asked(UsageGroup::Day, 30);
        let rows: Vec<_> = all
            .iter()
            .map(|(back, counts)| of_day(&asked.until.plus_days(-back).to_string(), *counts))
            .collect();
        let view = view(&asked, &rows, &Refusals::new(), &Names::default());
        prop_assert!(view.plots.iter().all(|plot| plot.rows.len() == 30));
        assert_true(&view);
    }

    /// Bars and their table say the same; what has no bar of its own is in the last one, so that nothing is lost.
    #[test]
    fn bars_show_what_the_table_says(all in prop::collection::vec(any_counts(), 0..40)) {
        let asked = asked(UsageGroup::ClientRef, 30);
        let rows: Vec<_> =
            all.iter().enumerate().map(|(index, counts)| of_client_ref(&format!("u{index}"), *counts)).collect();
        let view = view(&asked, &rows, &Refusals::new(), &Names::default());
        assert_true(&view);
        for plot in view.plots.iter().filter(|plot| plot.heading == "Requests") {
            prop_assert!(plot.rows.len() <= BARS_MAX + 1);
            let sum: f64 = plot.rows.iter().map(|row| number(&row.said)).sum();
            prop_assert_eq!(sum, all.iter().map(|counts| counts.requests as f64).sum::<f64>());
        }
    }
}

/// The page as it is for a few days, and for a few end users.
#[test]
fn pages_look_as_they_do() {
    let rows = [
        of_day("2026-11-20", counts(120, 4, 5_400_000, 0)),
        of_day("2026-11-22", counts(80, 2, 900_000, 3)),
        of_day("2026-11-26", counts(1_204, 12, 14_400_000, 1)),
    ];
    let by_day = asked(UsageGroup::Day, 7);
    insta::assert_snapshot!(
        "by_day",
        page(&by_day, view(&by_day, &rows, &Refusals::new(), &Names::default()))
    );
    let rows = [
        of_client_ref("alice", counts(12, 3, 4_000, 0)),
        (UsageKey { client_ref: Some(None), ..UsageKey::default() }, counts(3, 0, 0, 9)),
    ];
    let by_client_ref = asked(UsageGroup::ClientRef, 7);
    let refusals = Refusals::from([(Reason::QuotaReached, 2), (Reason::RateLimited, 7)]);
    insta::assert_snapshot!(
        "by_client_ref",
        page(&by_client_ref, view(&by_client_ref, &rows, &refusals, &Names::default()))
    );
}

/// Whatever an end user, a project or a key is called, it is text on the page and in the drawing.
#[test]
fn names_are_escaped() {
    let evil = "</title><script>alert(1)</script>\"'&";
    let project = ProjectId::new(7);
    let names = Names { projects: BTreeMap::from([(project, evil.to_owned())]), ..Names::default() };
    let used = counts(1, 1, 1, 1);
    let by_project = asked(UsageGroup::Project, 7);
    let of_project = (UsageKey { project_id: Some(project), ..UsageKey::default() }, used);
    let by_client_ref = asked(UsageGroup::ClientRef, 7);
    let mut narrowed = by_client_ref.clone();
    narrowed.client_ref = ClientRef::new(evil).ok();
    for html in [
        page(&by_project, view(&by_project, &[of_project], &Refusals::new(), &names)),
        page(&by_client_ref, view(&by_client_ref, &[of_client_ref(evil, used)], &Refusals::new(), &names)),
        page(&narrowed, view(&narrowed, &[of_client_ref(evil, used)], &Refusals::new(), &names)),
    ] {
        assert!(html.contains("alert(1)"), "the name is shown");
        assert!(
            !html.contains("<script") && !html.contains("alert(1)</") && !html.contains("\"'&\""),
            "{html}"
        );
    }
}

/// Where nothing was used, the page says what to do next; where something was, it doesn't.
#[test]
fn an_empty_page_says_what_to_do() {
    let asked = asked(UsageGroup::Day, 30);
    let empty = page(&asked, view(&asked, &[], &Refusals::new(), &Names::default()));
    assert!(empty.contains("Nothing was used in this time") && !empty.contains("<svg"));
    let used = page(
        &asked,
        view(&asked, &[of_day("2026-11-26", counts(1, 0, 0, 0))], &Refusals::new(), &Names::default()),
    );
    assert!(!used.contains("Nothing was used in this time") && used.contains("<svg"));
}

/// The heaviest pages stay light: the most days, and the longest names.
#[test]
fn pages_are_light() {
    let by_day = asked(UsageGroup::Day, super::ask::PAGE_DAYS_MAX);
    let rows: Vec<_> = (0..by_day.days())
        .map(|back| {
            let big = counts(9_876_543, 98_765, 1_000 * 3_600_000, 87_654);
            of_day(&by_day.until.plus_days(-back).to_string(), big)
        })
        .collect();
    let by_client_ref = asked(UsageGroup::ClientRef, 30);
    let long: Vec<_> = (0..50)
        .map(|index| of_client_ref(&format!("{index}{}", "x".repeat(200)), counts(9, 9, 9, 9)))
        .collect();
    for html in [
        page(&by_day, view(&by_day, &rows, &Refusals::new(), &Names::default())),
        page(&by_client_ref, view(&by_client_ref, &long, &Refusals::new(), &Names::default())),
    ] {
        let bytes = bytes_of(&html);
        assert!(bytes <= PAGE_BYTES_MAX, "{bytes}: {}", html.len());
    }
}

fn cells(file: &[u8]) -> Vec<Vec<String>> {
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(file);
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn full_key(client_ref: &str) -> UsageKey {
    UsageKey {
        day: Some(day("2026-11-26")),
        project_id: Some(ProjectId::new(7)),
        api_key_id: Some(ApiKeyId::from_u128(1)),
        client_ref: Some(ClientRef::new(client_ref).ok()),
        region: Some(Region::Eu1),
        mode: Some(Mode::Realtime),
    }
}

/// The file as it is.
#[test]
fn files_look_as_they_do() {
    let names = Names {
        projects: BTreeMap::from([(ProjectId::new(7), "A, \"B\"".to_owned())]),
        keys: BTreeMap::from([(ApiKeyId::from_u128(1), "=cmd|'/c calc'!A1".to_owned())]),
    };
    let rows = [(full_key("alice"), counts(12, 3, 4_250, 1)), (full_key("+1 (555)"), counts(1, 0, 0, 0))];
    let refusals = Refusals::from([(Reason::QuotaReached, 2), (Reason::RateLimited, 7)]);
    let refusals = BTreeMap::from([(full_key("alice"), refusals)]);
    let file = super::csv::file(&rows, &refusals, &names).unwrap();
    insta::assert_snapshot!("file", String::from_utf8(file).unwrap().replace('\r', ""));
}

proptest! {
    /// No cell is a formula to a spreadsheet, every line has every column, and a harmless name comes back as it was.
    #[test]
    fn files_are_harmless(name in "[^\\p{Cc}]{1,30}", first in "[=+@\\-\t\"', a-z]?") {
        let name = format!("{first}{name}");
        let Ok(client_ref) = ClientRef::new(&name) else { return Ok(()) };
        let names = Names { keys: BTreeMap::from([(ApiKeyId::from_u128(1), name.clone())]), ..Names::default() };
        let file = super::csv::file(&[(full_key(client_ref.as_str()), counts(1, 1, 1, 1))], &BTreeMap::new(), &names).unwrap();
        let lines = cells(&file);
        prop_assert_eq!(lines.len(), 2);
        prop_assert!(lines.iter().all(|line| line.len() == lines[0].len()));
        for cell in &lines[1] {
            prop_assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
        }
        let quoted = format!("'{name}");
        for column in ["client_ref", "api_key"] {
            let at = lines[0].iter().position(|name| name == column).unwrap();
            prop_assert!([&name, &quoted].contains(&&lines[1][at]));
        }
    }

    /// A name that no spreadsheet could take for a formula comes back as it was.
    #[test]
    fn files_keep_names(name in "[a-zA-Z0-9\"',;äλ][^\\p{Cc}]{0,30}") {
        let file = super::csv::file(&[(full_key(&name), counts(1, 1, 1, 1))], &BTreeMap::new(), &Names::default()).unwrap();
        let lines = cells(&file);
        let at = lines[0].iter().position(|name| name == "client_ref").unwrap();
        prop_assert_eq!(&lines[1][at], &name);
    }
}
