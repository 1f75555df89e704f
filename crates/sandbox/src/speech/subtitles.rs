//! Transcripts as plain text and as SubRip subtitles.

use super::results::{Kind, RecognitionResult, text};
use std::fmt::Write;

/// A pause that starts a new subtitle.
const PAUSE_SECONDS: f64 = 2.0;

/// The shape of subtitles, from `output_config.srt_overrides`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SubtitleShape {
    pub(crate) line_characters_max: usize,
    pub(crate) lines_max: usize,
}

impl Default for SubtitleShape {
    fn default() -> SubtitleShape {
        SubtitleShape { line_characters_max: 37, lines_max: 2 }
    }
}

/// A transcript as text: one paragraph, a speaker line first where speakers were asked for.
pub(crate) fn txt(results: &[RecognitionResult], delimiter: &str) -> String {
    let speaker = results.first().and_then(|result| result.alternatives.first()?.speaker.clone());
    let paragraph = text(results, delimiter);
    match speaker {
        _ if paragraph.is_empty() => String::new(),
        Some(speaker) => format!("SPEAKER: {speaker}\n{paragraph}\n"),
        None => format!("{paragraph}\n"),
    }
}

#[derive(Debug, Default)]
struct Subtitle {
    lines: Vec<String>,
    start: f64,
    end: f64,
}

/// A transcript as subtitles.
pub(crate) fn srt(results: &[RecognitionResult], delimiter: &str, shape: SubtitleShape) -> String {
    let mut output = String::new();
    let mut number = 0;
    let mut subtitle = Subtitle::default();
    let mut sentence_over = false;
    for (token, start, end) in tokens(results) {
        let pause = start - subtitle.end >= PAUSE_SECONDS;
        if !subtitle.lines.is_empty()
            && (sentence_over || pause || !fits(&subtitle, &token, delimiter, shape))
        {
            number += 1;
            write_subtitle(&mut output, number, &subtitle);
            subtitle = Subtitle::default();
        }
        if subtitle.lines.is_empty() {
            subtitle.start = start;
        }
        subtitle.end = end;
        sentence_over = token.ends_with(['.', '?', '!']);
        add(&mut subtitle.lines, &token, delimiter, shape);
    }
    if !subtitle.lines.is_empty() {
        write_subtitle(&mut output, number + 1, &subtitle);
    }
    output
}

/// Words with the punctuation that belongs to them.
fn tokens(results: &[RecognitionResult]) -> Vec<(String, f64, f64)> {
    let mut tokens: Vec<(String, f64, f64)> = Vec::new();
    for result in results {
        match tokens.last_mut() {
            Some((token, _, end)) if result.kind == Kind::Punctuation => {
                token.push_str(result.content());
                *end = result.end_time;
            }
            _ => tokens.push((result.content().to_owned(), result.start_time, result.end_time)),
        }
    }
    tokens
}

fn joins(line: &str, token: &str, delimiter: &str, shape: SubtitleShape) -> bool {
    let characters = line.chars().count() + delimiter.chars().count() + token.chars().count();
    characters <= shape.line_characters_max
}

fn fits(subtitle: &Subtitle, token: &str, delimiter: &str, shape: SubtitleShape) -> bool {
    subtitle.lines.len() < shape.lines_max
        || subtitle.lines.last().is_some_and(|line| joins(line, token, delimiter, shape))
}

fn add(lines: &mut Vec<String>, token: &str, delimiter: &str, shape: SubtitleShape) {
    match lines.last_mut() {
        Some(line) if joins(line, token, delimiter, shape) => {
            line.push_str(delimiter);
            line.push_str(token);
        }
        _ => lines.push(token.to_owned()),
    }
}

fn write_subtitle(output: &mut String, number: usize, subtitle: &Subtitle) {
    let (start, end) = (clock(subtitle.start), clock(subtitle.end));
    // Writing to a string can't fail.
    let _ = write!(output, "{number}\n{start} --> {end}\n{}\n\n", subtitle.lines.join("\n"));
}

fn clock(seconds: f64) -> String {
    let millis = (seconds.max(0.0) * 1000.0).round() as u64;
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02},{:03}", millis / 1000 % 60, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::results::tests::results;
    use proptest::prelude::*;

    /// Subtitles have numbers, times and lines as SubRip wants them, and sentences start new ones.
    #[test]
    fn subtitles_are_subrip() {
        let mut all = results("hello big world", 25, 100);
        all.extend(results("again", 180_000, 180_050));
        assert_eq!(
            srt(&all, " ", SubtitleShape::default()),
            "1\n00:00:00,500 --> 00:00:02,000\nhello big world.\n\n2\n01:00:00,000 --> 01:00:01,000\nagain.\n\n"
        );
        assert_eq!(srt(&[], " ", SubtitleShape::default()), "");
    }

    /// Lines and subtitles are broken at the lengths asked for.
    #[test]
    fn lines_are_broken_at_their_limit() {
        let shape = SubtitleShape { line_characters_max: 7, lines_max: 2 };
        let output = srt(&results("aaa bbb ccc ddd eee", 0, 50), " ", shape);
        let lines: Vec<&str> = output.lines().filter(|line| line.starts_with(char::is_alphabetic)).collect();
        assert_eq!(lines, ["aaa bbb", "ccc ddd", "eee."]);
        assert!(output.contains("aaa bbb\nccc ddd\n\n2\n"));
    }

    /// Plain text is one paragraph; nothing said is an empty text.
    #[test]
    fn txt_is_one_paragraph() {
        let mut all = results("hello there", 0, 100);
        all.extend(results("bye", 150, 200));
        assert_eq!(txt(&all, " "), "hello there. bye.\n");
        assert_eq!(txt(&[], " "), "");
        for result in &mut all {
            result.alternatives[0].speaker = Some("UU".to_owned());
        }
        assert_eq!(txt(&all, " "), "SPEAKER: UU\nhello there. bye.\n");
    }

    proptest! {
        /// Every word is in the subtitles, once and in order, and no line is longer than its limit or than one word.
        #[test]
        fn subtitles_keep_every_word(text in proptest::collection::vec("[a-z]{1,15}", 0..60), line in 1..50_usize, lines_max in 1..4_usize) {
            let shape = SubtitleShape { line_characters_max: line, lines_max };
            let output = srt(&results(&text.join(" "), 0, 3_000), " ", shape);
            let lines: Vec<&str> = output.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase() || c == '.')).collect();
            let words = lines.join(" ").replace('.', "");
            prop_assert_eq!(words.split_whitespace().map(str::to_owned).collect::<Vec<_>>(), text);
            for found in lines {
                prop_assert!(found.chars().count() <= line || !found.contains(' '), "{}", found);
            }
        }
    }
}
