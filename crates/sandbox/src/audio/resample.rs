//! Resampling to what recognisers like best.

use super::sample::to_s16;

/// The rate that recognisers are given.
pub(crate) const RECOGNIZER_RATE_HZ: u32 = 16_000;

/// Zero crossings of the filter on each side.
const CROSSINGS: f64 = 16.0;
/// Positions between two samples that have their own filter; the nearest one is taken.
const PHASES_MAX: u64 = 512;
/// Cut-off as part of the lower of both half rates; the filter's slope needs the rest.
const CUT_OFF: f64 = 0.92;

/// Turns samples of any rate into 16 kHz, by a windowed sinc.
#[derive(Debug)]
pub(crate) struct Resampler {
    rate_hz: u64,
    phases: u64,
    half: usize,
    /// One filter of `2 * half` taps per phase.
    filters: Vec<Vec<f32>>,
    /// Samples that filters still need; the first one is number `base` of the input, counted with `half` zeros in front.
    window: Vec<f32>,
    base: u64,
    taken: u64,
    given: u64,
}

impl Resampler {
    pub(crate) fn new(rate_hz: u32) -> Resampler {
        let (input, output) = (u64::from(rate_hz), u64::from(RECOGNIZER_RATE_HZ));
        let phases = (output / gcd(input, output)).min(PHASES_MAX);
        let scale = (output as f64 / input as f64).min(1.0);
        let half = (CROSSINGS / scale).ceil() as usize;
        let filters = (0..phases).map(|phase| filter(half, scale, phase as f64 / phases as f64)).collect();
        let window = vec![0.0; half];
        Resampler { rate_hz: input, phases, half, filters, window, base: 0, taken: 0, given: 0 }
    }

    /// Takes samples; appends those of the new rate that are complete.
    pub(crate) fn push(&mut self, samples: &[f32], output: &mut Vec<i16>) {
        self.taken += samples.len() as u64;
        if self.rate_hz == u64::from(RECOGNIZER_RATE_HZ) {
            output.extend(samples.iter().map(|&sample| to_s16(sample)));
            return;
        }
        self.window.extend_from_slice(samples);
        self.drain(output);
    }

    /// Gives what the filter still holds back.
    pub(crate) fn finish(&mut self, output: &mut Vec<i16>) {
        if self.rate_hz == u64::from(RECOGNIZER_RATE_HZ) {
            return;
        }
        self.window.extend(std::iter::repeat_n(0.0, self.half + 1));
        self.drain(output);
    }

    fn drain(&mut self, output: &mut Vec<i16>) {
        let out_rate = u64::from(RECOGNIZER_RATE_HZ);
        loop {
            let position = self.given * self.rate_hz;
            let mut whole = position / out_rate;
            let mut phase = ((position % out_rate) * self.phases + out_rate / 2) / out_rate;
            if phase == self.phases {
                (whole, phase) = (whole + 1, 0);
            }
            if position >= self.taken * out_rate {
                break;
            }
            // Sample `whole` stands at `whole + half` of the padded input; the filter covers `half - 1` before to `half` after it.
            let first = (whole + 1 - self.base) as usize;
            let Some(samples) = self.window.get(first..first + 2 * self.half) else { break };
            let filter = &self.filters[phase as usize];
            let sum: f32 = samples.iter().zip(filter).map(|(sample, tap)| sample * tap).sum();
            output.push(to_s16(sum));
            self.given += 1;
        }
        let next = self.given * self.rate_hz / out_rate;
        let spent = ((next - self.base) as usize).min(self.window.len());
        self.window.drain(..spent);
        self.base += spent as u64;
    }
}

/// The taps for a point `fraction` of a sample after the middle, of unit gain at zero frequency.
fn filter(half: usize, scale: f64, fraction: f64) -> Vec<f32> {
    let taps: Vec<f64> = (0..2 * half)
        .map(|tap| {
            let distance = tap as f64 - (half as f64 - 1.0) - fraction;
            let window = (std::f64::consts::FRAC_PI_2 * (distance / half as f64).clamp(-1.0, 1.0)).cos();
            sinc(distance * scale * CUT_OFF) * window * window
        })
        .collect();
    let gain: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / gain) as f32).collect()
}

fn sinc(x: f64) -> f64 {
    let angle = std::f64::consts::PI * x;
    if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tone(rate_hz: u32, frequency_hz: f64, seconds: f64) -> Vec<f32> {
        let step = frequency_hz * std::f64::consts::TAU / f64::from(rate_hz);
        (0..(f64::from(rate_hz) * seconds) as usize).map(|i| (0.5 * (i as f64 * step).sin()) as f32).collect()
    }

    fn resample(rate_hz: u32, samples: &[f32], piece: usize) -> Vec<i16> {
        let mut output = Vec::new();
        let mut resampler = Resampler::new(rate_hz);
        for piece in samples.chunks(piece) {
            resampler.push(piece, &mut output);
        }
        resampler.finish(&mut output);
        output
    }

    fn rms(samples: impl Iterator<Item = f64>) -> f64 {
        let squares: Vec<f64> = samples.map(|sample| sample * sample).collect();
        (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
    }

    /// A tone within the band comes out as the same tone at 16 kHz, without delay.
    #[test]
    fn tones_within_the_band_are_kept() {
        for rate in [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 44_101, 192_000] {
            let output = resample(rate, &tone(rate, 440.0, 1.0), 1_000);
            let expected = tone(16_000, 440.0, 1.0);
            let errors = output.iter().zip(&expected).skip(400).take(15_000);
            let error = rms(errors.map(|(&found, &wanted)| f64::from(found) / 32_767.0 - f64::from(wanted)));
            assert!(error < 0.003, "{rate}: {error}");
        }
    }

    /// A tone above 8 kHz is filtered out instead of folding back as another one.
    #[test]
    fn tones_above_the_band_are_removed() {
        for rate in [44_100, 48_000] {
            let output = resample(rate, &tone(rate, 12_000.0, 1.0), 4_096);
            let left = rms(output.iter().skip(400).take(15_000).map(|&sample| f64::from(sample) / 32_767.0));
            assert!(left < 0.002, "{rate}: {left}");
        }
    }

    proptest! {
        /// The length is right to a sample, and cuts change nothing.
        #[test]
        fn length_is_right_and_cuts_change_nothing(rate in 4_000_u32..192_001, length in 0..5_000_usize, piece in 1..700_usize) {
            let samples: Vec<f32> = (0..length).map(|i| ((i * 37) % 100) as f32 / 100.0 - 0.5).collect();
            let whole = resample(rate, &samples, length.max(1));
            prop_assert_eq!(&whole, &resample(rate, &samples, piece));
            prop_assert_eq!(whole.len() as u64, (length as u64 * 16_000).div_ceil(u64::from(rate)));
        }
    }
}
