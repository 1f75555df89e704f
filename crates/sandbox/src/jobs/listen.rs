//! Listening to a file: how long it is, where speech is, and the audio as recognisers like it.

use crate::audio::level::LevelMeter;
use crate::audio::resample::{RECOGNIZER_RATE_HZ, Resampler};
use crate::audio::sample::Decoder;
use crate::audio::segment::{Pace, Segment, Segmenter};
use crate::audio::wav::{self, WavError, WavReader};
use crate::limits::RECOGNIZER_AUDIO_SECONDS_MAX;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Read at once.
const BLOCK_BYTES: usize = 64 << 10;

/// What was heard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heard {
    pub(crate) seconds: f64,
    pub(crate) segments: Vec<Segment>,
}

/// Why a file can't be listened to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    #[error(transparent)]
    Audio(#[from] WavError),
    #[error(
        "the audio is longer than {RECOGNIZER_AUDIO_SECONDS_MAX} seconds, the most that the recogniser is given"
    )]
    TooLong,
    #[error("the audio could not be read: {0}")]
    Io(#[from] io::Error),
    #[error("the work was stopped")]
    Cancelled,
}

/// Listens to a file, in constant memory. With `copy`, writes the audio there as 16 kHz mono WAV.
pub(crate) fn listen(
    data: &Path,
    copy: Option<&Path>,
    cancel: &CancellationToken,
) -> Result<Heard, ListenError> {
    let mut file = File::open(data)?;
    let mut ear = Ear::new(copy.map(Copy::create).transpose()?);
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        if cancel.is_cancelled() {
            return Err(ListenError::Cancelled);
        }
        match file.read(&mut block) {
            Ok(0) => return ear.finish(),
            Ok(count) => ear.push(&block[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(error.into()),
        }
    }
}

struct Ear {
    reader: WavReader,
    track: Option<Track>,
    copy: Option<Copy>,
    samples: Vec<f32>,
    segments: Vec<Segment>,
}

/// What depends on the format.
struct Track {
    decoder: Decoder,
    meter: LevelMeter,
    segmenter: Segmenter,
    resampler: Resampler,
}

impl Ear {
    fn new(copy: Option<Copy>) -> Ear {
        Ear { reader: WavReader::new(), track: None, copy, samples: Vec::new(), segments: Vec::new() }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), ListenError> {
        let audio = self.reader.push(bytes)?;
        let Some(format) = self.reader.format() else { return Ok(()) };
        let track = self.track.get_or_insert_with(|| Track {
            decoder: Decoder::new(format),
            meter: LevelMeter::new(format.rate_hz),
            segmenter: Segmenter::new(Pace::whole_file()),
            resampler: Resampler::new(format.rate_hz),
        });
        self.samples.clear();
        track.decoder.push(audio, &mut self.samples);
        for &sample in &self.samples {
            let level = track.meter.push(sample);
            self.segments.extend(level.and_then(|level| track.segmenter.push(level)));
        }
        let Some(copy) = &mut self.copy else { return Ok(()) };
        if track.meter.seconds() > RECOGNIZER_AUDIO_SECONDS_MAX as f64 {
            return Err(ListenError::TooLong);
        }
        copy.add(|output| track.resampler.push(&self.samples, output))
    }

    fn finish(mut self) -> Result<Heard, ListenError> {
        self.reader.finish()?;
        let Some(mut track) = self.track else { return Ok(Heard { seconds: 0.0, segments: Vec::new() }) };
        self.segments.extend(track.segmenter.end());
        if let Some(mut copy) = self.copy {
            copy.add(|output| track.resampler.finish(output))?;
            copy.finish()?;
        }
        Ok(Heard { seconds: track.meter.seconds(), segments: self.segments })
    }
}

/// The WAV file for the recogniser.
struct Copy {
    file: BufWriter<File>,
    samples: Vec<i16>,
    bytes: u64,
}

impl Copy {
    fn create(path: &Path) -> io::Result<Copy> {
        let mut file = BufWriter::with_capacity(BLOCK_BYTES, File::create(path)?);
        file.write_all(&wav::header_s16_mono(RECOGNIZER_RATE_HZ, 0))?;
        Ok(Copy { file, samples: Vec::new(), bytes: 0 })
    }

    fn add(&mut self, fill: impl FnOnce(&mut Vec<i16>)) -> Result<(), ListenError> {
        self.samples.clear();
        fill(&mut self.samples);
        for sample in &self.samples {
            self.file.write_all(&sample.to_le_bytes())?;
        }
        self.bytes += 2 * self.samples.len() as u64;
        Ok(())
    }

    /// Goes back to the header, now that the length is known.
    fn finish(mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        let bytes = u32::try_from(self.bytes).unwrap_or(u32::MAX);
        self.file.write_all(&wav::header_s16_mono(RECOGNIZER_RATE_HZ, bytes))?;
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone_file(rate_hz: u32, silence_seconds: f64, tone_seconds: f64) -> Vec<u8> {
        let rate = f64::from(rate_hz);
        let silence = (rate * silence_seconds) as usize;
        let tone = (0..(rate * tone_seconds) as usize)
            .map(|i| ((i as f64 * 440.0 * std::f64::consts::TAU / rate).sin() * 10_000.0) as i16);
        let samples = std::iter::repeat_n(0, silence).chain(tone).chain(std::iter::repeat_n(0, silence));
        let audio: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
        [wav::header_s16_mono(rate_hz, audio.len() as u32), audio].concat()
    }

    /// Speech is found, and the copy for the recogniser is a WAV of 16 kHz that holds the same.
    #[test]
    fn files_are_heard_and_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
        std::fs::write(&data, tone_file(44_100, 1.0, 1.5)).unwrap();
        let heard = listen(&data, Some(&copy), &CancellationToken::new()).unwrap();
        assert!((heard.seconds - 3.5).abs() < 0.001);
        assert_eq!(heard.segments.len(), 1);
        assert!((heard.segments[0].start_seconds() - 1.0).abs() < 0.1);
        let again = listen(&copy, None, &CancellationToken::new()).unwrap();
        assert!((again.seconds - 3.5).abs() < 0.001);
        assert_eq!(again.segments, heard.segments);
        assert_eq!(std::fs::read(&copy).unwrap().len(), 44 + 2 * 56_000);
    }

    /// A WAV without a sample is silence, what is no WAV is an error, and work can be stopped.
    #[test]
    fn odd_files_are_handled() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let hear = |bytes: &[u8], cancel: &CancellationToken| {
            std::fs::write(&data, bytes).unwrap();
            listen(&data, None, cancel)
        };
        let go = CancellationToken::new();
        let empty = hear(&tone_file(16_000, 0.0, 0.0), &go).unwrap();
        assert_eq!(empty, Heard { seconds: 0.0, segments: Vec::new() });
        assert!(matches!(hear(b"ID3 is not it", &go), Err(ListenError::Audio(WavError::OtherContainer(_)))));
        assert!(matches!(hear(b"", &go), Err(ListenError::Audio(WavError::OtherContainer(_)))));
        let stop = CancellationToken::new();
        stop.cancel();
        assert!(matches!(hear(&tone_file(16_000, 1.0, 1.0), &stop), Err(ListenError::Cancelled)));
    }
}
