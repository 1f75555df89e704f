//! Where speech is: short-time level against a noise floor that follows the recording.

use super::level::FRAMES_PER_SECOND;

/// A frame this far above the floor may start speech.
const ENTER_DB: f32 = 9.0;
/// A frame this far above the floor keeps speech going.
const STAY_DB: f32 = 6.0;
/// Below this nothing starts speech.
const ENTER_LEVEL_DB_MIN: f32 = -50.0;
/// Below this nothing keeps speech going.
const STAY_LEVEL_DB_MIN: f32 = -53.0;
/// The floor before anything was heard: room noise is below it, speech above.
const FLOOR_START_DB: f32 = -40.0;
const FLOOR_DB_MIN: f32 = -70.0;
/// Higher the floor never goes, so that a steady loud tone stays audible.
const FLOOR_DB_MAX: f32 = -30.0;
/// How fast the floor falls towards a quieter frame.
const FLOOR_FALL: f32 = 0.25;
/// How fast it rises, in dB per frame: 6 dB a second between segments, 1 dB within.
const FLOOR_RISE_DB: f32 = 0.12;
const FLOOR_RISE_IN_SPEECH_DB: f32 = 0.02;
/// Voiced frames that make speech (100 ms), so that a click is none.
const ONSET_FRAMES: u64 = 5;
/// Kept before the first voiced frame and after the last one.
const LEAD_FRAMES: u64 = 2;
const TAIL_FRAMES: u64 = 3;
/// Silence that ends a segment (500 ms), unless a session asks for less.
pub(crate) const SILENCE_FRAMES: u64 = 25;

/// A stretch of speech, in frames of 20 ms from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// False where the speech went on and was only cut because it got long.
    pub(crate) complete: bool,
}

impl Segment {
    pub(crate) fn start_seconds(&self) -> f64 {
        seconds(self.start)
    }

    pub(crate) fn end_seconds(&self) -> f64 {
        seconds(self.end)
    }
}

/// Frames as seconds.
pub(crate) fn seconds(frames: u64) -> f64 {
    frames as f64 / FRAMES_PER_SECOND as f64
}

/// When a segment ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Silence that ends a segment.
    pub(crate) silence_frames: u64,
    /// Speech that is cut although it goes on; `None` for never.
    pub(crate) segment_frames_max: Option<u64>,
}

impl Pace {
    /// The pace of a whole file: segments as long as they are.
    pub(crate) fn whole_file() -> Pace {
        Pace { silence_frames: SILENCE_FRAMES, segment_frames_max: None }
    }
}

#[derive(Debug, Clone, Copy)]
enum State {
    Quiet { voiced: u64, since: u64 },
    Speech { start: u64, last_voiced: u64 },
}

/// Finds segments in a stream of levels.
#[derive(Debug)]
pub(crate) struct Segmenter {
    pub(crate) pace: Pace,
    frame: u64,
    floor_db: f32,
    state: State,
    /// Where the last segment ended: the next one can't start before it.
    earliest: u64,
}

impl Segmenter {
    pub(crate) fn new(pace: Pace) -> Segmenter {
        Segmenter {
            pace,
            frame: 0,
            floor_db: FLOOR_START_DB,
            state: State::Quiet { voiced: 0, since: 0 },
            earliest: 0,
        }
    }

    /// Frames taken so far.
    pub(crate) fn now(&self) -> u64 {
        self.frame
    }

    /// The start of the segment that is going on.
    pub(crate) fn speaking_since(&self) -> Option<u64> {
        match self.state {
            State::Speech { start, .. } => Some(start),
            State::Quiet { .. } => None,
        }
    }

    /// Takes the next frame's level; gives back the segment that it ends.
    pub(crate) fn push(&mut self, level_db: f32) -> Option<Segment> {
        let frame = self.frame;
        self.frame += 1;
        let voiced = self.is_voiced(level_db);
        self.follow(level_db);
        match self.state {
            State::Quiet { voiced: run, since } => {
                self.listen(frame, voiced, run, since);
                None
            }
            State::Speech { start, .. } if voiced => {
                self.state = State::Speech { start, last_voiced: frame };
                self.cut(start)
            }
            State::Speech { last_voiced, .. } => {
                if frame - last_voiced < self.pace.silence_frames {
                    return None;
                }
                self.end()
            }
        }
    }

    /// Ends what is going on, at the end of the stream or because a client asks for it.
    pub(crate) fn end(&mut self) -> Option<Segment> {
        let State::Speech { start, last_voiced } = self.state else { return None };
        let end = (last_voiced + 1 + TAIL_FRAMES).min(self.frame).max(start);
        self.state = State::Quiet { voiced: 0, since: 0 };
        self.earliest = end;
        Some(Segment { start, end, complete: true })
    }

    fn is_voiced(&self, level_db: f32) -> bool {
        let threshold = match self.state {
            State::Quiet { .. } => (self.floor_db + ENTER_DB).max(ENTER_LEVEL_DB_MIN),
            State::Speech { .. } => (self.floor_db + STAY_DB).max(STAY_LEVEL_DB_MIN),
        };
        level_db > threshold
    }

    fn follow(&mut self, level_db: f32) {
        if level_db < self.floor_db {
            self.floor_db += (level_db - self.floor_db) * FLOOR_FALL;
        } else {
            let rise = match self.state {
                State::Quiet { .. } => FLOOR_RISE_DB,
                State::Speech { .. } => FLOOR_RISE_IN_SPEECH_DB,
            };
            self.floor_db = (self.floor_db + rise).min(level_db);
        }
        self.floor_db = self.floor_db.clamp(FLOOR_DB_MIN, FLOOR_DB_MAX);
    }

    /// Counts voiced frames; a dip takes back two, so that speech with short gaps still starts.
    fn listen(&mut self, frame: u64, voiced: bool, run: u64, since: u64) {
        let since = if run == 0 { frame } else { since };
        let run = if voiced { run + 1 } else { run.saturating_sub(2) };
        self.state = if run < ONSET_FRAMES {
            State::Quiet { voiced: run, since }
        } else {
            State::Speech { start: since.saturating_sub(LEAD_FRAMES).max(self.earliest), last_voiced: frame }
        };
    }

    fn cut(&mut self, start: u64) -> Option<Segment> {
        let end = start + self.pace.segment_frames_max?;
        if self.frame < end {
            return None;
        }
        self.state = State::Speech { start: end, last_voiced: self.frame - 1 };
        Some(Segment { start, end, complete: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::level::LevelMeter;
    use proptest::prelude::*;

    const RATE_HZ: u32 = 8_000;

    /// One part of a synthetic recording.
    #[derive(Debug, Clone, Copy)]
    enum Part {
        Silence(f64),
        Tone(f64, f32),
        Noise(f64, f32),
    }

    fn recording(parts: &[Part]) -> Vec<f32> {
        let mut samples = Vec::new();
        let mut noise = 12_345_u32;
        for part in parts {
            let (seconds, level) = match *part {
                Part::Silence(seconds) => (seconds, 0.0),
                Part::Tone(seconds, level) | Part::Noise(seconds, level) => (seconds, level),
            };
            for i in 0..(seconds * f64::from(RATE_HZ)) as usize {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                samples.push(match part {
                    Part::Noise(..) => level * ((noise >> 8) as f32 / 8_388_608.0 - 1.0),
                    _ => level * (i as f32 * 440.0 * std::f32::consts::TAU / RATE_HZ as f32).sin(),
                });
            }
        }
        samples
    }

    fn segments(pace: Pace, parts: &[Part]) -> Vec<Segment> {
        let (mut meter, mut segmenter) = (LevelMeter::new(RATE_HZ), Segmenter::new(pace));
        let mut found: Vec<Segment> = recording(parts)
            .into_iter()
            .filter_map(|sample| meter.push(sample))
            .filter_map(|level| segmenter.push(level))
            .collect();
        found.extend(segmenter.end());
        found
    }

    fn whole(parts: &[Part]) -> Vec<(f64, f64)> {
        segments(Pace::whole_file(), parts)
            .iter()
            .map(|segment| (segment.start_seconds(), segment.end_seconds()))
            .collect()
    }

    fn assert_near(found: &[(f64, f64)], expected: &[(f64, f64)]) {
        assert_eq!(found.len(), expected.len(), "{found:?}, expected {expected:?}");
        for (found, expected) in found.iter().zip(expected) {
            let near = (found.0 - expected.0).abs() <= 0.1 && (found.1 - expected.1).abs() <= 0.1;
            assert!(near, "{found:?}, expected {expected:?}");
        }
    }

    /// Silence and quiet noise hold no speech.
    #[test]
    fn silence_and_quiet_noise_hold_no_speech() {
        assert_eq!(whole(&[Part::Silence(5.0)]), []);
        assert_eq!(whole(&[Part::Noise(10.0, 0.01)]), []);
        assert_eq!(whole(&[]), []);
    }

    /// Tones are found where they are, in silence and in noise, at the very start too.
    #[test]
    fn tones_are_found_where_they_are() {
        let (quiet, loud) = (Part::Silence(1.0), Part::Tone(1.5, 0.3));
        assert_near(&whole(&[quiet, loud, quiet, loud, quiet]), &[(1.0, 2.5), (3.5, 5.0)]);
        let hiss = Part::Noise(1.0, 0.01);
        assert_near(&whole(&[hiss, loud, hiss, loud, hiss]), &[(1.0, 2.5), (3.5, 5.0)]);
        assert_near(&whole(&[loud]), &[(0.0, 1.5)]);
        assert_near(&whole(&[Part::Tone(60.0, 0.3)]), &[(0.0, 60.0)]);
    }

    /// A pause shorter than the silence that ends a segment joins what is around it.
    #[test]
    fn short_pauses_do_not_end_a_segment() {
        let parts = [Part::Tone(1.0, 0.3), Part::Silence(0.3), Part::Tone(1.0, 0.3), Part::Silence(1.0)];
        assert_near(&whole(&parts), &[(0.0, 2.3)]);
    }

    /// A click is not speech.
    #[test]
    fn clicks_are_not_speech() {
        assert_eq!(whole(&[Part::Silence(1.0), Part::Tone(0.04, 0.9), Part::Silence(1.0)]), []);
    }

    /// Speech that goes on is cut at exactly the length asked for, and its parts join without a gap.
    #[test]
    fn long_speech_is_cut_without_a_gap() {
        let pace = Pace { silence_frames: SILENCE_FRAMES, segment_frames_max: Some(100) };
        let found = segments(pace, &[Part::Silence(1.0), Part::Tone(5.0, 0.3), Part::Silence(1.0)]);
        assert_eq!(found.len(), 3);
        assert!(!found[0].complete && !found[1].complete && found[2].complete);
        assert_eq!(found[0].end - found[0].start, 100);
        assert_eq!(found[0].end, found[1].start);
        assert_eq!(found[1].end, found[2].start);
        let whole =
            segments(Pace::whole_file(), &[Part::Silence(1.0), Part::Tone(5.0, 0.3), Part::Silence(1.0)]);
        assert_eq!((found[0].start, found[2].end), (whole[0].start, whole[0].end));
    }

    proptest! {
        /// Segments lie in order, within the recording, and never overlap, whatever the levels are.
        #[test]
        fn segments_are_ordered(
            levels in proptest::collection::vec(-130.0_f32..10.0, 0..2_000),
            silence_frames in 1..40_u64,
            segment_frames_max in proptest::option::of(20..200_u64),
        ) {
            let mut segmenter = Segmenter::new(Pace { silence_frames, segment_frames_max });
            let mut found: Vec<Segment> = levels.iter().filter_map(|&level| segmenter.push(level)).collect();
            found.extend(segmenter.end());
            let mut earliest = 0;
            for segment in found {
                prop_assert!(segment.start >= earliest && segment.end >= segment.start);
                earliest = segment.end;
            }
            prop_assert!(earliest <= levels.len() as u64);
        }
    }
}
