//! Which words, and when: placeholders or a recogniser's text, timed over the segments of speech.

use crate::audio::segment::Segment;

/// Frames of one placeholder word: 400 ms, two and a half words a second.
pub(crate) const FRAMES_PER_WORD: u64 = 20;

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
/// After "ninety-nine" the sequence says again what it is.
const ROUND_WORDS: u64 = 101;

/// One word, or a mark of punctuation, with its time in seconds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Word {
    pub(crate) content: String,
    pub(crate) start: f64,
    pub(crate) end: f64,
}

/// The placeholder sequence: "sandbox word one two three …".
#[derive(Debug, Clone, Default)]
pub(crate) struct Placeholders {
    given: u64,
}

impl Placeholders {
    /// The words of a segment: as many as are spoken in its time, at least one in speech that isn't cut off from a longer one.
    pub(crate) fn words(&mut self, segment: Segment, continued: bool) -> Vec<Word> {
        let frames = segment.end - segment.start;
        // In whole frames, so that a segment has as many words as the parts that it may be cut into.
        let count = ((frames + FRAMES_PER_WORD / 2) / FRAMES_PER_WORD).max(u64::from(!continued));
        let text: Vec<String> = (0..count).map(|_| self.next_word()).collect();
        spread(&text, segment)
    }

    fn next_word(&mut self) -> String {
        let number = self.given % ROUND_WORDS;
        self.given += 1;
        match number {
            0 => "sandbox".to_owned(),
            1 => "word".to_owned(),
            _ => number_word(number - 1),
        }
    }
}

fn number_word(number: u64) -> String {
    let (tens, ones) = ((number / 10) as usize, (number % 10) as usize);
    match (number, ones) {
        (0..20, _) => ONES[number as usize].to_owned(),
        (_, 0) => TENS[tens].to_owned(),
        _ => format!("{}-{}", TENS[tens], ONES[ones]),
    }
}

/// Spreads words over one segment, each with time in proportion to its length.
pub(crate) fn spread(words: &[String], segment: Segment) -> Vec<Word> {
    let total: usize = words.iter().map(|word| weight(word)).sum();
    let (start, length) = (segment.start_seconds(), segment.end_seconds() - segment.start_seconds());
    let mut before = 0;
    let mut spread = Vec::with_capacity(words.len());
    for word in words {
        let from = start + length * before as f64 / total as f64;
        before += weight(word);
        let to = start + length * before as f64 / total as f64;
        spread.push(Word { content: word.clone(), start: hundredths(from), end: hundredths(to) });
    }
    spread
}

/// Spreads a text over segments: each word goes to the segment in which its middle falls.
pub(crate) fn spread_over(text: &[String], segments: &[Segment]) -> Vec<(Segment, Vec<Word>)> {
    let total: usize = text.iter().map(|word| weight(word)).sum();
    let speech: u64 = segments.iter().map(|segment| segment.end - segment.start).sum();
    let mut placed = Vec::with_capacity(segments.len());
    let (mut word, mut weight_before, mut speech_before) = (0, 0, 0);
    for (number, segment) in segments.iter().enumerate() {
        speech_before += segment.end - segment.start;
        let last = number + 1 == segments.len();
        let first = word;
        while let Some(content) = text.get(word) {
            let middle = weight_before as f64 + weight(content) as f64 / 2.0;
            if !last && middle * speech as f64 > speech_before as f64 * total as f64 {
                break;
            }
            weight_before += weight(content);
            word += 1;
        }
        placed.push((*segment, spread(&text[first..word], *segment)));
    }
    placed
}

/// A recogniser's text as words.
pub(crate) fn split(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A word takes time for its letters and for the gap after it.
fn weight(word: &str) -> usize {
    word.chars().count() + 1
}

fn hundredths(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segment(start: u64, end: u64) -> Segment {
        Segment { start, end, complete: true }
    }

    /// The placeholders say what they are, count on over segments, and start again after ninety-nine.
    #[test]
    fn placeholders_say_what_they_are() {
        let mut placeholders = Placeholders::default();
        let first: Vec<String> =
            placeholders.words(segment(50, 150), false).into_iter().map(|word| word.content).collect();
        assert_eq!(first, ["sandbox", "word", "one", "two", "three"]);
        let second = placeholders.words(segment(200, 205), false);
        assert_eq!(second, [Word { content: "four".into(), start: 4.0, end: 4.1 }]);
        assert_eq!(placeholders.words(segment(205, 205), true), []);
        let more = placeholders.words(segment(0, 20 * 100), false);
        assert_eq!(more[25].content, "thirty");
        assert_eq!(more[26].content, "thirty-one");
        assert_eq!((&*more[94].content, &*more[95].content), ("ninety-nine", "sandbox"));
    }

    /// A text goes to the segments by the time that they have.
    #[test]
    fn text_is_spread_over_segments_by_their_length() {
        let text = split("aaa bbb  ccc\tddd ");
        let placed = spread_over(&text, &[segment(0, 50), segment(100, 250)]);
        let words: Vec<(&str, f64, f64)> = placed
            .iter()
            .flat_map(|(_, words)| words)
            .map(|word| (&*word.content, word.start, word.end))
            .collect();
        assert_eq!(words, [("aaa", 0.0, 1.0), ("bbb", 2.0, 3.0), ("ccc", 3.0, 4.0), ("ddd", 4.0, 5.0)]);
        assert_eq!(spread_over(&text, &[]), []);
        assert_eq!(spread_over(&[], &[segment(0, 9)]), [(segment(0, 9), Vec::new())]);
    }

    proptest! {
        /// No word is lost, doubled, moved, or timed outside its segment or before the word in front of it.
        #[test]
        fn every_word_is_kept_and_in_time(
            text in proptest::collection::vec("[a-zé]{1,12}", 0..40),
            lengths in proptest::collection::vec((0..50_u64, 1..300_u64), 1..8),
        ) {
            let mut at = 0;
            let segments: Vec<Segment> = lengths.iter().map(|&(gap, length)| {
                let start = at + gap;
                at = start + length;
                segment(start, at)
            }).collect();
            let placed = spread_over(&text, &segments);
            let contents: Vec<String> = placed.iter().flat_map(|(_, words)| words.iter().map(|word| word.content.clone())).collect();
            prop_assert_eq!(contents, text);
            for (segment, words) in placed {
                let mut earliest = segment.start_seconds() - 0.006;
                for word in words {
                    prop_assert!(word.start >= earliest && word.end >= word.start);
                    prop_assert!(word.end <= segment.end_seconds() + 0.006);
                    earliest = word.start;
                }
            }
        }
    }
}
