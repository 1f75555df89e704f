//! A session: what is read, what is answered, in which order.
//!
//! Confirmations go out as soon as audio has been worked on. Everything that depends on words goes through the outbox, which keeps the
//! order while the recogniser works. No more is read from the connection while the outbox is full: that is the backpressure, and with
//! the bounded segments it is what bounds a session's memory.

use super::client::ClientMessage;
use super::error::{ErrorKind, SessionError, Stop};
use super::server::{self, Transcript};
use super::settings::{AudioFormat, Settings};
use super::track::{Event, Said, Spoken, Track};
use super::wire::{Frame, Wire};
use crate::engine::Sandbox;
use crate::limits::{AUDIO_SLICE_BYTES_MAX, OUTBOX_ITEMS_MAX};
use crate::speech::recognizer::{RecognizerError, TemporaryFile};
use crate::speech::results::Style;
use crate::speech::words::{self, Word};
use bytes::Bytes;
use serde_json::Value;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// What waits to be sent, in order.
enum Item {
    Quality(u32),
    Transcript { channel: usize, partial: bool, spoken: Spoken },
    Utterance { channel: usize, at: f64, forced: bool },
    Speakers,
    EndOfTranscript,
}

impl Item {
    /// A partial never holds up anything: it is left out when there is other work.
    fn is_partial(&self) -> bool {
        matches!(self, Item::Transcript { partial: true, .. })
    }
}

/// A call of the recogniser, for the item at the front of the outbox.
type Call = Pin<Box<dyn Future<Output = Result<String, RecognizerError>> + Send>>;

/// Audio that was received and not worked on yet.
struct Pending {
    channel: usize,
    bytes: Bytes,
}

struct Session<'a> {
    sandbox: &'a Arc<Sandbox>,
    id: String,
    settings: Settings,
    tracks: Vec<Track>,
    outbox: VecDeque<Item>,
    call: Option<Call>,
    calls: u64,
    pending: Option<Pending>,
    warned_late_audio: bool,
    over: bool,
}

/// Runs a session up to the point where the connection is to be closed.
pub(crate) async fn run<S>(sandbox: &Arc<Sandbox>, wire: &mut Wire<S>) -> Result<(), Stop>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let settings = start(wire).await?;
    let mut session = Session::new(sandbox, settings);
    session.greet(wire).await?;
    loop {
        session.deliver(wire).await?;
        if session.over {
            return Ok(());
        }
        if !session.is_full() && session.pending.is_some() {
            session.chew(wire).await?;
            continue;
        }
        let (full, call) = (session.is_full(), &mut session.call);
        tokio::select! {
            frame = wire.next(), if !full => session.take(wire, frame?).await?,
            text = recognised(call) => session.answered(wire, text).await?,
        }
    }
}

/// Waits for the message that every session starts with.
async fn start<S>(wire: &mut Wire<S>) -> Result<Settings, Stop>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let first = match wire.next().await? {
        Frame::Text(text) => ClientMessage::parse(&text)?,
        Frame::Binary(_) => return Err(protocol("audio was sent before StartRecognition").into()),
    };
    match first {
        ClientMessage::StartRecognition(message) => Ok(Settings::parse(&message)?),
        _ => Err(protocol("the first message must be StartRecognition").into()),
    }
}

async fn recognised(call: &mut Option<Call>) -> Result<String, RecognizerError> {
    match call {
        Some(call) => call.await,
        None => std::future::pending().await,
    }
}

impl<'a> Session<'a> {
    fn new(sandbox: &'a Arc<Sandbox>, settings: Settings) -> Session<'a> {
        let recognizer = sandbox.recognizer.is_some();
        let count = settings.channels.len().max(1);
        let tracks = (0..count).map(|_| Track::new(settings.format, settings.pacing, recognizer)).collect();
        let mut bytes = [0; 16];
        sandbox.rng.fill(&mut bytes);
        Session {
            sandbox,
            id: server::uuid(bytes),
            settings,
            tracks,
            outbox: VecDeque::new(),
            call: None,
            calls: 0,
            pending: None,
            warned_late_audio: false,
            over: false,
        }
    }

    async fn greet<S>(&mut self, wire: &mut Wire<S>) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        tracing::info!(engine = self.sandbox.engine_name, session = self.id, "a realtime session starts");
        wire.send(&server::recognition_started(&self.id, &self.settings, &self.sandbox.engine_name)).await?;
        if let AudioFormat::Raw(format) = self.settings.format {
            wire.send(&server::recognition_quality(format.rate_hz)).await?;
        }
        for language in &self.settings.translations {
            let source = self.settings.style.language.code;
            let reason =
                format!("translation from {source} to {language} is not supported by the Voxgate sandbox");
            wire.send(&server::warning("unsupported_translation_pair", &reason)).await?;
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.outbox.len() >= OUTBOX_ITEMS_MAX
    }

    /// Takes one frame.
    async fn take<S>(&mut self, wire: &mut Wire<S>, frame: Frame) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let message = match frame {
            Frame::Binary(_) if !self.settings.channels.is_empty() => {
                return Err(protocol("a multi-channel session sends its audio by AddChannelAudio").into());
            }
            Frame::Binary(bytes) => return self.audio(wire, 0, bytes).await,
            Frame::Text(text) => ClientMessage::parse(&text)?,
        };
        match message {
            ClientMessage::StartRecognition(_) => Err(protocol("recognition has started already").into()),
            ClientMessage::AddChannelAudio { channel, audio } => {
                let channel = self.channel(&channel)?;
                self.audio(wire, channel, audio).await
            }
            ClientMessage::EndOfStream => self.end_of_stream(),
            ClientMessage::EndOfChannel { channel } => {
                let channel = self.channel(&channel)?;
                self.end_of_channel(channel)
            }
            ClientMessage::ForceEndOfUtterance { channel } => self.force(channel),
            ClientMessage::SetRecognitionConfig(changes) => {
                self.settings.change(&changes)?;
                let pacing = self.settings.pacing;
                self.tracks.iter_mut().for_each(|track| track.set_pacing(pacing));
                Ok(())
            }
            ClientMessage::GetSpeakers { at_end: true } => {
                self.settings.speakers_at_end = true;
                Ok(())
            }
            ClientMessage::GetSpeakers { at_end: false } => {
                self.queue(Item::Speakers);
                Ok(())
            }
        }
    }

    /// Takes audio; it is worked on slice by slice before the next frame is read.
    async fn audio<S>(&mut self, wire: &mut Wire<S>, channel: usize, bytes: Bytes) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if !self.tracks[channel].ended {
            self.tracks[channel].received += 1;
            self.pending = Some(Pending { channel, bytes });
            return Ok(());
        }
        if !self.warned_late_audio {
            self.warned_late_audio = true;
            let reason = "audio that is sent after the end of the stream is ignored";
            wire.send(&server::warning("add_audio_after_eos", reason)).await?;
        }
        Ok(())
    }

    /// Works on a slice of the audio; confirms the message after its last one.
    async fn chew<S>(&mut self, wire: &mut Wire<S>) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(mut pending) = self.pending.take() else { return Ok(()) };
        let slice = pending.bytes.split_to(pending.bytes.len().min(AUDIO_SLICE_BYTES_MAX));
        let mut events = Vec::new();
        let channel = pending.channel;
        self.tracks[channel].push(&slice, &mut events)?;
        self.happened(channel, events);
        if !pending.bytes.is_empty() {
            self.pending = Some(pending);
            return Ok(());
        }
        let message = server::audio_added(self.label(channel), self.tracks[channel].received);
        wire.send(&message).await
    }

    fn end_of_stream(&mut self) -> Result<(), Stop> {
        if self.tracks.iter().all(|track| track.ended) {
            return Err(protocol("the stream has ended already").into());
        }
        for channel in 0..self.tracks.len() {
            if !self.tracks[channel].ended {
                self.end(channel)?;
            }
        }
        self.finish();
        Ok(())
    }

    fn end_of_channel(&mut self, channel: usize) -> Result<(), Stop> {
        if self.tracks[channel].ended {
            return Err(protocol("the channel has ended already").into());
        }
        self.end(channel)?;
        if self.tracks.iter().all(|track| track.ended) {
            self.finish();
        }
        Ok(())
    }

    fn end(&mut self, channel: usize) -> Result<(), Stop> {
        let mut events = Vec::new();
        self.tracks[channel].end(&mut events)?;
        self.happened(channel, events);
        Ok(())
    }

    fn finish(&mut self) {
        if self.settings.speakers_at_end {
            self.queue(Item::Speakers);
        }
        self.queue(Item::EndOfTranscript);
    }

    fn force(&mut self, channel: Option<String>) -> Result<(), Stop> {
        let channels = match channel {
            Some(name) => {
                let channel = self.channel(&name)?;
                channel..channel + 1
            }
            None => 0..self.tracks.len(),
        };
        for channel in channels {
            if !self.tracks[channel].ended {
                let mut events = Vec::new();
                self.tracks[channel].force(&mut events);
                self.happened(channel, events);
            }
        }
        Ok(())
    }

    fn channel(&self, name: &str) -> Result<usize, SessionError> {
        let position = self.settings.channels.iter().position(|label| label == name);
        position.ok_or_else(|| {
            protocol(format!("the channel {name:?} was not declared in channel_diarization_labels"))
        })
    }

    /// Puts into the outbox what a channel has to say.
    fn happened(&mut self, channel: usize, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Rate(rate_hz) => self.queue(Item::Quality(rate_hz)),
                Event::Segment(spoken) => self.queue(Item::Transcript { channel, partial: false, spoken }),
                Event::Partial(spoken) => {
                    if self.outbox.is_empty() {
                        self.queue(Item::Transcript { channel, partial: true, spoken });
                    }
                }
                Event::Utterance { at, forced } => self.queue(Item::Utterance { channel, at, forced }),
            }
        }
    }

    /// Adds to the outbox. A partial that waits there has been overtaken, together with the recogniser's work on it.
    fn queue(&mut self, item: Item) {
        if self.outbox.front().is_some_and(Item::is_partial) {
            self.outbox.pop_front();
            self.call = None;
        }
        self.outbox.push_back(item);
    }

    /// Sends what is ready; where words are needed first, asks the recogniser.
    async fn deliver<S>(&mut self, wire: &mut Wire<S>) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        while self.call.is_none() {
            let Some(item) = self.outbox.front_mut() else { return Ok(()) };
            if let Item::Transcript { spoken, .. } = item
                && let Said::Audio(wav) = &mut spoken.said
            {
                let wav = std::mem::take(wav);
                self.call = Some(self.call_recogniser(wav));
                return Ok(());
            }
            let Some(item) = self.outbox.pop_front() else { return Ok(()) };
            self.send(wire, item).await?;
        }
        Ok(())
    }

    fn call_recogniser(&mut self, wav: Vec<u8>) -> Call {
        self.calls += 1;
        let path = self.sandbox.store.temporary_path(&format!("{}-{}.wav", self.id, self.calls));
        let recognizer = self.sandbox.recognizer.clone();
        Box::pin(async move {
            let Some(recognizer) = recognizer else { return Ok(String::new()) };
            let file = TemporaryFile::new(path);
            let written = tokio::fs::write(file.path(), wav).await;
            written.map_err(|error| RecognizerError::Start(error.to_string()))?;
            recognizer.run(file.path()).await
        })
    }

    /// Puts the recogniser's words to the item that waits for them.
    async fn answered<S>(
        &mut self,
        wire: &mut Wire<S>,
        text: Result<String, RecognizerError>,
    ) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.call = None;
        let text = text.map_err(|error| {
            tracing::warn!(session = self.id, %error, complaint = error.complaint(), "the recogniser failed");
            SessionError::new(ErrorKind::JobError, error.to_string())
        })?;
        let Some(mut item) = self.outbox.pop_front() else { return Ok(()) };
        if let Item::Transcript { spoken, .. } = &mut item {
            spoken.said = Said::Words(words::spread(&words::split(&text), spoken.segment));
        }
        self.send(wire, item).await
    }

    async fn send<S>(&mut self, wire: &mut Wire<S>, item: Item) -> Result<(), Stop>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let message = match item {
            Item::Quality(rate_hz) => Some(server::recognition_quality(rate_hz)),
            Item::Transcript { channel, partial, spoken } => self.transcript(channel, partial, &spoken),
            Item::Utterance { channel, at, forced } => {
                Some(server::end_of_utterance(self.label(channel), at, forced))
            }
            Item::Speakers => Some(server::speakers_result()),
            Item::EndOfTranscript => {
                self.over = true;
                Some(server::end_of_transcript())
            }
        };
        match message {
            Some(message) => wire.send(&message).await,
            None => Ok(()),
        }
    }

    fn label(&self, channel: usize) -> Option<&str> {
        self.settings.channels.get(channel).map(String::as_str)
    }

    /// The message of a segment; `None` where nothing was said and nobody asked.
    fn transcript(&self, channel: usize, partial: bool, spoken: &Spoken) -> Option<Value> {
        let label = self.settings.channels.get(channel);
        let style = Style { channel: label.cloned(), ..self.settings.style.clone() };
        let said: &[Word] = match &spoken.said {
            Said::Words(words) => words,
            Said::Audio(_) => &[],
        };
        // A sentence ends where something of it was said, here or in the parts that were cut off before.
        let complete = spoken.segment.complete && (spoken.continued || !said.is_empty());
        let results = style.results(said, complete, spoken.segment.end_seconds());
        if results.is_empty() && !spoken.forced {
            return None;
        }
        Some(server::transcript(&Transcript {
            partial,
            channel: label.map(String::as_str),
            start: spoken.segment.start_seconds(),
            end: spoken.segment.end_seconds(),
            results: &results,
            delimiter: style.language.delimiter(),
            forced: spoken.forced,
        }))
    }
}

fn protocol(reason: impl Into<String>) -> SessionError {
    SessionError::new(ErrorKind::ProtocolError, reason)
}
