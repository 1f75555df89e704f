//! The audio that a recogniser may still be asked about.

use crate::audio::resample::{RECOGNIZER_RATE_HZ, Resampler};
use crate::audio::segment::Segment;
use crate::audio::{level::FRAMES_PER_SECOND, wav};

const SAMPLES_PER_FRAME: u64 = RECOGNIZER_RATE_HZ as u64 / FRAMES_PER_SECOND;

/// Recent audio at the recogniser's rate.
#[derive(Debug)]
pub(crate) struct Clip {
    resampler: Resampler,
    samples: Vec<i16>,
    /// The number of the first sample that is kept.
    base: u64,
}

impl Clip {
    pub(crate) fn new(rate_hz: u32) -> Clip {
        Clip { resampler: Resampler::new(rate_hz), samples: Vec::new(), base: 0 }
    }

    pub(crate) fn push(&mut self, samples: &[f32]) {
        self.resampler.push(samples, &mut self.samples);
    }

    /// Takes what the filter holds back, at the end of the stream.
    pub(crate) fn finish(&mut self) {
        self.resampler.finish(&mut self.samples);
    }

    /// The audio of a segment, as a WAV file.
    pub(crate) fn wav(&self, segment: Segment) -> Vec<u8> {
        let samples = &self.samples[self.index(segment.start)..self.index(segment.end)];
        let mut file = wav::header_s16_mono(RECOGNIZER_RATE_HZ, 2 * samples.len() as u32);
        file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        file
    }

    /// Drops what is before a frame.
    pub(crate) fn forget_before(&mut self, frame: u64) {
        let spent = self.index(frame);
        self.samples.drain(..spent);
        self.base += spent as u64;
    }

    /// Where a frame starts, or the nearest that is kept.
    fn index(&self, frame: u64) -> usize {
        (frame * SAMPLES_PER_FRAME).saturating_sub(self.base).min(self.samples.len() as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A segment's audio is what was pushed at its time; what is forgotten is gone, and nothing else.
    #[test]
    fn segments_are_cut_from_what_is_kept() {
        let mut clip = Clip::new(16_000);
        let samples: Vec<f32> = (0..3_200).map(|i| i as f32 / 32_767.0).collect();
        clip.push(&samples);
        let segment = |start, end| Segment { start, end, complete: true };
        let first = |wav: &[u8]| i16::from_le_bytes([wav[44], wav[45]]);
        assert_eq!(first(&clip.wav(segment(2, 4))), 640);
        clip.forget_before(3);
        assert_eq!((first(&clip.wav(segment(3, 4))), clip.wav(segment(3, 4)).len()), (960, 44 + 640));
        assert_eq!(first(&clip.wav(segment(2, 4))), 960);
        assert_eq!(clip.wav(segment(9, 99)).len(), 44 + 640);
        clip.forget_before(1_000);
        assert_eq!(clip.wav(segment(0, 1_000)).len(), 44);
    }
}
