//! Results as the published transcript formats have them.

use super::language::Language;
use super::words::Word;
use serde::{Deserialize, Serialize};

/// Marks that are results of their own when they end a word.
const MARKS: [char; 6] = ['.', ',', '?', '!', ';', ':'];

/// What a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Word,
    Punctuation,
}

/// One item of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecognitionResult {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) start_time: f64,
    pub(crate) end_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attaches_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_eos: Option<bool>,
    pub(crate) alternatives: Vec<Alternative>,
}

/// What was said. Neither the placeholders nor the recogniser's line tell a confidence, so it is always 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alternative {
    pub(crate) content: String,
    pub(crate) confidence: f64,
    pub(crate) language: String,
    pub(crate) display: Display,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) speaker: Option<String>,
}

/// How it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Display {
    pub(crate) direction: String,
}

/// What all results of a job or a channel share.
#[derive(Debug, Clone)]
pub(crate) struct Style {
    pub(crate) language: Language,
    /// The language as the client named it.
    pub(crate) language_code: String,
    /// `UU`, unknown, where speakers are asked for: the sandbox doesn't tell them apart.
    pub(crate) speaker: Option<String>,
    pub(crate) channel: Option<String>,
}

impl Style {
    /// The results of one segment. A complete one ends with a full stop, unless its text ends with a mark of its own.
    pub(crate) fn results(&self, words: &[Word], complete: bool, end: f64) -> Vec<RecognitionResult> {
        let mut results = Vec::with_capacity(words.len() + 1);
        for word in words {
            self.word(word, &mut results);
        }
        let marked = results.last().is_some_and(|result| result.kind == Kind::Punctuation);
        if complete && !marked {
            results.push(self.mark('.', end));
        }
        results
    }

    fn word(&self, word: &Word, results: &mut Vec<RecognitionResult>) {
        let bare = word.content.trim_end_matches(MARKS);
        if bare.is_empty() {
            results.push(self.result(Kind::Word, word.content.clone(), word.start, word.end));
            return;
        }
        results.push(self.result(Kind::Word, bare.to_owned(), word.start, word.end));
        results.extend(word.content[bare.len()..].chars().map(|mark| self.mark(mark, word.end)));
    }

    fn mark(&self, mark: char, at: f64) -> RecognitionResult {
        let at = (at * 100.0).round() / 100.0;
        RecognitionResult {
            attaches_to: Some("previous".to_owned()),
            is_eos: Some(matches!(mark, '.' | '?' | '!')),
            ..self.result(Kind::Punctuation, mark.to_string(), at, at)
        }
    }

    fn result(&self, kind: Kind, content: String, start_time: f64, end_time: f64) -> RecognitionResult {
        RecognitionResult {
            kind,
            start_time,
            end_time,
            channel: self.channel.clone(),
            attaches_to: None,
            is_eos: None,
            alternatives: vec![Alternative {
                content,
                confidence: 1.0,
                language: self.language_code.clone(),
                display: Display { direction: self.language.direction().to_owned() },
                speaker: self.speaker.clone(),
            }],
        }
    }
}

impl RecognitionResult {
    /// What was said.
    pub(crate) fn content(&self) -> &str {
        self.alternatives.first().map_or("", |alternative| &alternative.content)
    }
}

/// Results as text: words with the delimiter between them, punctuation attached.
pub(crate) fn text(results: &[RecognitionResult], delimiter: &str) -> String {
    let mut text = String::new();
    for result in results {
        if result.kind == Kind::Word && !text.is_empty() {
            text.push_str(delimiter);
        }
        text.push_str(result.content());
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::audio::segment::Segment;
    use crate::speech::words::{split, spread};

    pub(crate) fn english() -> Style {
        Style {
            language: Language::find("en").unwrap(),
            language_code: "en".to_owned(),
            speaker: None,
            channel: None,
        }
    }

    pub(crate) fn results(text: &str, start: u64, end: u64) -> Vec<RecognitionResult> {
        let segment = Segment { start, end, complete: true };
        english().results(&spread(&split(text), segment), true, segment.end_seconds())
    }

    /// A segment without punctuation gets a full stop; one with its own keeps it.
    #[test]
    fn segments_end_with_one_sentence_end() {
        assert_eq!(text(&results("hello there", 0, 100), " "), "hello there.");
        assert_eq!(text(&results("Hello, there! Who?", 0, 100), " "), "Hello, there! Who?");
        assert_eq!(text(&results("well,", 0, 100), " "), "well,");
        let hello = results("hello", 50, 100);
        assert_eq!(hello.len(), 2);
        assert_eq!(
            (hello[1].kind, hello[1].start_time, hello[1].is_eos),
            (Kind::Punctuation, 2.0, Some(true))
        );
        assert_eq!(hello[1].attaches_to.as_deref(), Some("previous"));
    }

    /// A cut segment has no full stop; a mark that stands alone is kept as it is.
    #[test]
    fn cut_segments_have_no_full_stop() {
        let segment = Segment { start: 0, end: 50, complete: false };
        let cut = english().results(&spread(&split("and so ..."), segment), false, 1.0);
        assert_eq!(text(&cut, " "), "and so ...");
    }

    /// The JSON has the published names, and leaves out what is not known.
    #[test]
    fn json_has_the_published_names() {
        let json = serde_json::to_value(results("hi", 0, 50)).unwrap();
        assert_eq!(
            json,
            serde_json::json!([
                {"type": "word", "start_time": 0.0, "end_time": 1.0, "alternatives": [
                    {"content": "hi", "confidence": 1.0, "language": "en", "display": {"direction": "ltr"}}]},
                {"type": "punctuation", "start_time": 1.0, "end_time": 1.0, "attaches_to": "previous", "is_eos": true,
                 "alternatives": [
                    {"content": ".", "confidence": 1.0, "language": "en", "display": {"direction": "ltr"}}]},
            ])
        );
    }
}
