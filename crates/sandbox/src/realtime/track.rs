//! One channel of a session: bytes in, segments of speech out.

use super::clip::Clip;
use super::error::{ErrorKind, SessionError};
use super::settings::{AudioFormat, Pacing};
use crate::audio::level::LevelMeter;
use crate::audio::sample::{Decoder, Format};
use crate::audio::segment::{Segment, Segmenter, seconds};
use crate::audio::wav::WavReader;
use crate::speech::words::{Placeholders, Word};

/// Speech between two partials: 500 ms.
const PARTIAL_FRAMES: u64 = 25;
/// Kept of the audio while nobody speaks, for the start of the next segment.
const LOOK_BACK_FRAMES: u64 = 25;

/// Something that happened on a channel.
#[derive(Debug)]
pub(crate) enum Event {
    /// The audio's rate is known.
    Rate(u32),
    /// A segment ended.
    Segment(Spoken),
    /// A segment goes on.
    Partial(Spoken),
    /// An utterance ended, at so many seconds.
    Utterance { at: f64, forced: bool },
}

/// A segment with what is needed to put words to it.
#[derive(Debug)]
pub(crate) struct Spoken {
    pub(crate) segment: Segment,
    /// It goes on from one that was cut.
    pub(crate) continued: bool,
    pub(crate) forced: bool,
    pub(crate) said: Said,
}

/// Where the words of a segment come from.
#[derive(Debug)]
pub(crate) enum Said {
    /// They are known.
    Words(Vec<Word>),
    /// The recogniser has to be asked, about this WAV file.
    Audio(Vec<u8>),
}

/// A channel.
#[derive(Debug)]
pub(crate) struct Track {
    recognizer: bool,
    pacing: Pacing,
    /// Reads the header, for as long as the audio is a file.
    reader: Option<WavReader>,
    audio: Option<Audio>,
    segmenter: Segmenter,
    placeholders: Placeholders,
    continued: bool,
    /// The frame at which the utterance is over, if nobody speaks before.
    utterance_due: Option<u64>,
    next_partial: u64,
    samples: Vec<f32>,
    pub(crate) received: u64,
    pub(crate) ended: bool,
}

/// What depends on the format.
#[derive(Debug)]
struct Audio {
    decoder: Decoder,
    meter: LevelMeter,
    clip: Option<Clip>,
}

impl Track {
    pub(crate) fn new(format: AudioFormat, pacing: Pacing, recognizer: bool) -> Track {
        let mut track = Track {
            recognizer,
            pacing,
            reader: None,
            audio: None,
            segmenter: Segmenter::new(pacing.pace(recognizer)),
            placeholders: Placeholders::default(),
            continued: false,
            utterance_due: None,
            next_partial: PARTIAL_FRAMES,
            samples: Vec::new(),
            received: 0,
            ended: false,
        };
        match format {
            AudioFormat::Raw(format) => track.audio = Some(Audio::new(format, recognizer)),
            AudioFormat::File => track.reader = Some(WavReader::new()),
        }
        track
    }

    /// Changes the pace from now on.
    pub(crate) fn set_pacing(&mut self, pacing: Pacing) {
        self.pacing = pacing;
        self.segmenter.pace = pacing.pace(self.recognizer);
    }

    /// Takes the next bytes of the audio.
    pub(crate) fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), SessionError> {
        let bytes = self.unpack(bytes, events)?;
        let Some(audio) = &mut self.audio else { return Ok(()) };
        self.samples.clear();
        audio.decoder.push(bytes, &mut self.samples);
        if let Some(clip) = &mut audio.clip {
            clip.push(&self.samples);
        }
        for number in 0..self.samples.len() {
            let Some(audio) = &mut self.audio else { return Ok(()) };
            let Some(level) = audio.meter.push(self.samples[number]) else { continue };
            let ended = self.segmenter.push(level);
            self.frame(ended, events);
        }
        self.forget();
        Ok(())
    }

    /// Ends what is being said, because the client asks for it.
    pub(crate) fn force(&mut self, events: &mut Vec<Event>) {
        let now = self.segmenter.now();
        let segment = self.segmenter.end().unwrap_or(Segment { start: now, end: now, complete: true });
        events.push(Event::Segment(self.spoken(segment, true)));
        self.continued = false;
        self.utterance_due = None;
        events.push(Event::Utterance { at: seconds(now), forced: true });
    }

    /// Ends the channel.
    pub(crate) fn end(&mut self, events: &mut Vec<Event>) -> Result<(), SessionError> {
        self.ended = true;
        if let Some(reader) = &self.reader
            && self.received > 0
        {
            reader.finish().map_err(|error| wrong_audio(&error))?;
        }
        if let Some(clip) = self.audio.as_mut().and_then(|audio| audio.clip.as_mut()) {
            clip.finish();
        }
        let spoke = self.segmenter.speaking_since().is_some() || self.utterance_due.is_some();
        if let Some(segment) = self.segmenter.end() {
            events.push(Event::Segment(self.spoken(segment, false)));
        }
        if spoke && self.pacing.utterance_frames().is_some() {
            events.push(Event::Utterance { at: seconds(self.segmenter.now()), forced: false });
        }
        Ok(())
    }

    /// The audio within the bytes: all of them, or what is behind the header of a file.
    fn unpack<'a>(&mut self, bytes: &'a [u8], events: &mut Vec<Event>) -> Result<&'a [u8], SessionError> {
        let Some(reader) = &mut self.reader else { return Ok(bytes) };
        let bytes = reader.push(bytes).map_err(|error| wrong_audio(&error))?;
        if let (None, Some(format)) = (&self.audio, reader.format()) {
            self.audio = Some(Audio::new(format, self.recognizer));
            events.push(Event::Rate(format.rate_hz));
        }
        Ok(bytes)
    }

    fn frame(&mut self, ended: Option<Segment>, events: &mut Vec<Event>) {
        let now = self.segmenter.now();
        if let Some(segment) = ended {
            events.push(Event::Segment(self.spoken(segment, false)));
            self.continued = !segment.complete;
            let waited = self.segmenter.pace.silence_frames;
            let due = self.pacing.utterance_frames().map(|frames| now + frames.saturating_sub(waited));
            self.utterance_due = due.filter(|_| segment.complete);
            self.next_partial = now + PARTIAL_FRAMES;
        }
        if let Some(start) = self.segmenter.speaking_since() {
            self.utterance_due = None;
            if self.pacing.partials && now >= self.next_partial && now > start {
                self.next_partial = now + PARTIAL_FRAMES;
                events.push(Event::Partial(self.partial(start, now)));
            }
        } else if self.utterance_due.is_some_and(|due| now >= due) {
            self.utterance_due = None;
            events.push(Event::Utterance { at: seconds(now), forced: false });
        }
    }

    fn spoken(&mut self, segment: Segment, forced: bool) -> Spoken {
        let said = match self.clip() {
            // Asked for while nobody spoke, or nothing came after a cut.
            _ if segment.start == segment.end => Said::Words(Vec::new()),
            Some(clip) => Said::Audio(clip.wav(segment)),
            None => Said::Words(self.placeholders.words(segment, self.continued)),
        };
        Spoken { segment, continued: self.continued, forced, said }
    }

    /// What has been said so far; it will be said again, so the placeholders aren't used up.
    fn partial(&self, start: u64, now: u64) -> Spoken {
        let segment = Segment { start, end: now, complete: false };
        let said = match self.clip() {
            Some(clip) => Said::Audio(clip.wav(segment)),
            None => Said::Words(self.placeholders.clone().words(segment, true)),
        };
        Spoken { segment, continued: self.continued, forced: false, said }
    }

    fn clip(&self) -> Option<&Clip> {
        self.audio.as_ref().and_then(|audio| audio.clip.as_ref())
    }

    fn forget(&mut self) {
        let now = self.segmenter.now();
        let keep = self.segmenter.speaking_since().unwrap_or(now.saturating_sub(LOOK_BACK_FRAMES));
        if let Some(clip) = self.audio.as_mut().and_then(|audio| audio.clip.as_mut()) {
            clip.forget_before(keep);
        }
    }
}

impl Audio {
    fn new(format: Format, recognizer: bool) -> Audio {
        Audio {
            decoder: Decoder::new(format),
            meter: LevelMeter::new(format.rate_hz),
            clip: recognizer.then(|| Clip::new(format.rate_hz)),
        }
    }
}

fn wrong_audio(error: &crate::audio::wav::WavError) -> SessionError {
    SessionError::new(ErrorKind::InvalidAudioType, error.to_string())
}
