//! Prometheus' text form.

use std::fmt::{Display, Write as _};

use gateway::metrics::Histogram;

use super::{Family, Kind};

/// The text so far.
#[derive(Debug, Default)]
pub(super) struct Text(String);

/// The samples of one metric.
pub(super) struct Samples<'a> {
    text: &'a mut String,
    family: &'static Family,
}

impl Text {
    /// Begins a metric.
    pub(super) fn family(&mut self, family: &'static Family) -> Samples<'_> {
        let Family { name, kind, help, .. } = family;
        // Writing to a string can't fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {}", kind.as_str());
        Samples { text: &mut self.0, family }
    }

    /// A metric that has one number.
    pub(super) fn one(&mut self, family: &'static Family, value: impl Display) {
        self.family(family).add(&[], value);
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

impl Samples<'_> {
    /// One number, with the values of the metric's labels in their order.
    pub(super) fn add(&mut self, values: &[&str], value: impl Display) {
        self.line("", values, None, value);
    }

    /// A histogram of times.
    pub(super) fn histogram(&mut self, values: &[&str], histogram: &Histogram) {
        debug_assert_eq!(self.family.kind, Kind::Histogram);
        for (bound_micros, count) in &histogram.up_to {
            self.line("_bucket", values, Some(&seconds(*bound_micros)), count);
        }
        self.line("_bucket", values, Some("+Inf"), histogram.count);
        self.line("_sum", values, None, seconds(histogram.sum_micros));
        self.line("_count", values, None, histogram.count);
    }

    fn line(&mut self, suffix: &str, values: &[&str], bound: Option<&str>, value: impl Display) {
        debug_assert_eq!(values.len(), self.family.labels.len(), "{}", self.family.name);
        self.text.push_str(self.family.name);
        self.text.push_str(suffix);
        let labels = self.family.labels.iter().copied().zip(values.iter().copied());
        let labels = labels.chain(bound.map(|bound| ("le", bound)));
        let mut separator = '{';
        for (name, value) in labels {
            self.text.push(separator);
            self.text.push_str(name);
            self.text.push_str("=\"");
            escape(self.text, value);
            self.text.push('"');
            separator = ',';
        }
        if separator == ',' {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

fn escape(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            plain => text.push(plain),
        }
    }
}

/// Microseconds as seconds, exactly.
fn seconds(micros: u64) -> String {
    const SECOND_MICROS: u64 = 1_000_000;
    let (whole, part) = (micros / SECOND_MICROS, micros % SECOND_MICROS);
    if part == 0 {
        return whole.to_string();
    }
    format!("{whole}.{part:06}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::families::{BUILD_INFO, REQUEST_SECONDS};
    use super::*;

    /// What a scraper reads is exactly what the format says, whatever stands in a label.
    #[test]
    fn the_text_form() {
        let mut text = Text::default();
        text.family(BUILD_INFO).add(&["a\"b\\c\nd"], 1);
        let histogram = Histogram { up_to: vec![(500, 2), (1_000_000, 3)], count: 4, sum_micros: 2_000_001 };
        text.family(REQUEST_SECONDS).histogram(&["job_list"], &histogram);
        let lines: Vec<String> = text.finish().lines().map(str::to_owned).collect();
        assert_eq!(lines[2], r#"voxgate_build_info{version="a\"b\\c\nd"} 1"#);
        assert_eq!(lines[4], "# TYPE voxgate_request_seconds histogram");
        assert_eq!(
            lines[5..],
            [
                r#"voxgate_request_seconds_bucket{route="job_list",le="0.0005"} 2"#,
                r#"voxgate_request_seconds_bucket{route="job_list",le="1"} 3"#,
                r#"voxgate_request_seconds_bucket{route="job_list",le="+Inf"} 4"#,
                r#"voxgate_request_seconds_sum{route="job_list"} 2.000001"#,
                r#"voxgate_request_seconds_count{route="job_list"} 4"#,
            ]
        );
    }
}
