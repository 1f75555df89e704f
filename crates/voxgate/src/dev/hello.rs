//! A WAV file to try with, made here: three syllable-like sounds with pauses between them.

use std::f64::consts::TAU;

const SAMPLES_PER_SECOND: u32 = 16_000;
const SYLLABLE_SECONDS: f64 = 0.45;
const PAUSE_SECONDS: f64 = 0.35;
/// Pitch of each sound, in Hertz.
const PITCHES_HERTZ: [f64; 3] = [140.0, 165.0, 120.0];

/// The file.
pub(super) fn wav() -> Vec<u8> {
    let mut samples = silence();
    for pitch in PITCHES_HERTZ {
        samples.extend(syllable(pitch));
        samples.extend(silence());
    }
    with_header(&samples)
}

fn count(seconds: f64) -> u32 {
    // Both factors are small constants.
    (seconds * f64::from(SAMPLES_PER_SECOND)) as u32
}

fn silence() -> Vec<i16> {
    vec![0; count(PAUSE_SECONDS) as usize]
}

/// A voice-like sound: a pitch with falling harmonics that swells and fades.
fn syllable(pitch_hertz: f64) -> impl Iterator<Item = i16> {
    let length = count(SYLLABLE_SECONDS);
    (0..length).map(move |index| {
        let seconds = f64::from(index) / f64::from(SAMPLES_PER_SECOND);
        let swell = (f64::from(index) / f64::from(length) * TAU / 2.0).sin();
        let voice: f64 = (1..=8)
            .map(|harmonic| (TAU * pitch_hertz * f64::from(harmonic) * seconds).sin() / f64::from(harmonic))
            .sum();
        (voice * swell * 9_000.0) as i16
    })
}

/// RIFF with 16-bit mono PCM.
fn with_header(samples: &[i16]) -> Vec<u8> {
    let data_bytes = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(44 + samples.len() * 2);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + data_bytes).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&SAMPLES_PER_SECOND.to_le_bytes());
    file.extend_from_slice(&(SAMPLES_PER_SECOND * 2).to_le_bytes());
    file.extend_from_slice(&2_u16.to_le_bytes());
    file.extend_from_slice(&16_u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&data_bytes.to_le_bytes());
    for sample in samples {
        file.extend_from_slice(&sample.to_le_bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file is a WAV whose header tells its real length, with sound and silence in it.
    #[test]
    fn it_is_a_wav_file() {
        let file = wav();
        assert_eq!(&file[..4], b"RIFF");
        assert_eq!(u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize, file.len() - 8);
        assert_eq!(u32::from_le_bytes(file[40..44].try_into().unwrap()) as usize, file.len() - 44);
        let loudest = file[44..]
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs())
            .max();
        assert!((8_000..30_000).contains(&loudest.unwrap()));
        assert!(file[44..1044].iter().all(|byte| *byte == 0));
    }
}
