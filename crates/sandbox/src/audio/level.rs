//! Loudness, one number every 20 ms.

/// Frames of loudness in a second.
pub(crate) const FRAMES_PER_SECOND: u64 = 50;

/// Level of digital silence.
const SILENCE_DB: f32 = -120.0;

/// Measures the level of each 20 ms of samples at any rate.
#[derive(Debug)]
pub(crate) struct LevelMeter {
    rate_hz: u64,
    samples: u64,
    frames: u64,
    frame_end: u64,
    frame_samples: u32,
    sum: f64,
    squares: f64,
}

impl LevelMeter {
    pub(crate) fn new(rate_hz: u32) -> LevelMeter {
        let rate_hz = u64::from(rate_hz);
        LevelMeter {
            rate_hz,
            samples: 0,
            frames: 0,
            frame_end: rate_hz / FRAMES_PER_SECOND,
            frame_samples: 0,
            sum: 0.0,
            squares: 0.0,
        }
    }

    /// Takes one sample; gives back the level of the frame that it completes, in dB of full scale.
    pub(crate) fn push(&mut self, sample: f32) -> Option<f32> {
        let sample = f64::from(sample);
        self.sum += sample;
        self.squares += sample * sample;
        self.samples += 1;
        self.frame_samples += 1;
        if self.samples < self.frame_end {
            return None;
        }
        let level = self.level();
        self.frames += 1;
        // From the start each time, so that rates which 50 doesn't divide don't drift.
        self.frame_end = (self.frames + 1) * self.rate_hz / FRAMES_PER_SECOND;
        (self.frame_samples, self.sum, self.squares) = (0, 0.0, 0.0);
        Some(level)
    }

    /// Samples taken so far, as seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.samples as f64 / self.rate_hz as f64
    }

    /// The variance, not the power, so that a constant offset counts as silence.
    fn level(&self) -> f32 {
        let count = f64::from(self.frame_samples);
        let mean = self.sum / count;
        let variance = (self.squares / count - mean * mean).max(0.0);
        (10.0 * (variance + 1e-12).log10()).max(f64::from(SILENCE_DB)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(rate_hz: u32, samples: impl Iterator<Item = f32>) -> Vec<f32> {
        let mut meter = LevelMeter::new(rate_hz);
        samples.filter_map(|sample| meter.push(sample)).collect()
    }

    /// A full-scale square wave is 0 dB, silence and a constant are the bottom.
    #[test]
    fn levels_are_decibels_of_full_scale() {
        let square = levels(8_000, (0..8_000).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }));
        assert_eq!(square.len(), 50);
        assert!(square.iter().all(|level| level.abs() < 0.01));
        assert!(levels(8_000, (0..8_000).map(|_| 0.0)).iter().all(|&level| level == SILENCE_DB));
        assert!(levels(8_000, (0..8_000).map(|_| 0.5)).iter().all(|&level| level < -90.0));
    }

    /// Rates that 50 doesn't divide still give 50 frames a second.
    #[test]
    fn odd_rates_do_not_drift() {
        for rate in [4_001, 11_025, 44_100, 22_049] {
            assert_eq!(levels(rate, (0..rate * 10).map(|_| 0.1)).len(), 500, "{rate}");
        }
    }
}
