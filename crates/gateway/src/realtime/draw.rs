//! One session's use of audio budgets: raw audio by its bytes before it passes, everything else by the engine's timestamps.

use std::task::Context;

use domain::{Reason, Refusal};
use serde_json::{Map, Value};

use super::audio::raw_bytes_per_second;
use super::budget::{Allowance, SECOND_MICROS};
use super::lock::MESSAGE;
use super::strict::only_spelling;

/// How audio is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// By bytes.
    Raw { bytes_per_second: u64 },
    /// By what the engine says of it.
    Timed,
}

/// What a session's audio is paid from. All amounts are microseconds of audio.
pub(super) trait Purse: std::fmt::Debug + Send + Sync {
    /// Takes at most `wanted`, before the audio passes.
    fn take(&mut self, cx: &mut Context<'_>, wanted: u64) -> Allowance;
    /// Books audio whose length is known only as a whole, or after it has passed.
    ///
    /// # Errors
    /// When it isn't there.
    fn book(&mut self, micros: u64) -> Result<(), Refusal>;
    /// The sentence of a `Warning` that is due, once for each budget.
    fn warning(&mut self) -> Option<String>;
}

/// One session's use of a budget.
#[derive(Debug)]
pub(super) struct Draw {
    purse: Box<dyn Purse>,
    /// None before the session was started.
    format: Option<Format>,
    /// Audio that may pass, or has, in bytes.
    bytes: u64,
    /// What was taken for it.
    micros: u64,
}

/// What may pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Allowed {
    /// So many bytes, at least one.
    Bytes(u64),
    /// Nothing yet.
    Wait,
    /// Nothing any more.
    Refused(Refusal),
}

impl Draw {
    pub(super) fn new(purse: Box<dyn Purse>) -> Self {
        Self { purse, format: None, bytes: 0, micros: 0 }
    }

    /// Learns from a start how the audio is measured. A later start must say the same.
    ///
    /// # Errors
    /// When it could be read in two ways, or says something else than the first.
    pub(super) fn start(&mut self, start: &Map<String, Value>) -> Result<(), Refusal> {
        let format = format(start)?;
        if self.format.is_some_and(|known| known != format) {
            return Err(unclear("A session whose audio is limited is started once, with one audio_format."));
        }
        self.format = Some(format);
        Ok(())
    }

    /// How much of `wanted` bytes of audio may pass.
    pub(super) fn allow(&mut self, cx: &mut Context<'_>, wanted: u64) -> Allowed {
        let Some(Format::Raw { bytes_per_second }) = self.format else { return Allowed::Bytes(wanted) };
        let needed = micros_of(self.bytes + wanted, bytes_per_second).saturating_sub(self.micros);
        if needed > 0 {
            match self.purse.take(cx, needed) {
                Allowance::Some(micros) => self.micros += micros,
                Allowance::Wait => return Allowed::Wait,
                Allowance::Refused(refusal) => return Allowed::Refused(refusal),
            }
        }
        let covered = bytes_of(self.micros, bytes_per_second).saturating_sub(self.bytes).min(wanted);
        if covered == 0 {
            // Less than the first byte needs; the rest is asked for.
            return self.allow(cx, wanted);
        }
        self.bytes += covered;
        Allowed::Bytes(covered)
    }

    /// Books audio that comes in one piece, inside a text message.
    ///
    /// # Errors
    /// When the budget doesn't have it.
    pub(super) fn book_bytes(&mut self, bytes: u64) -> Result<(), Refusal> {
        let Some(Format::Raw { bytes_per_second }) = self.format else { return Ok(()) };
        let needed = micros_of(self.bytes + bytes, bytes_per_second).saturating_sub(self.micros);
        self.bytes += bytes;
        self.micros += needed;
        self.purse.book(needed)
    }

    /// Books what the engine has heard since its beginning, where that is what is measured.
    ///
    /// # Errors
    /// When the budget doesn't have it.
    pub(super) fn heard(&mut self, micros: u64) -> Result<(), Refusal> {
        if self.format != Some(Format::Timed) || micros <= self.micros {
            return Ok(());
        }
        let new = micros - self.micros;
        self.micros = micros;
        self.purse.book(new)
    }

    /// The sentence of a `Warning` that the client should get now.
    pub(super) fn warning(&mut self) -> Option<String> {
        if self.micros == 0 { None } else { self.purse.warning() }
    }
}

/// Rounded up: what is less than a microsecond counts as one.
fn micros_of(bytes: u64, bytes_per_second: u64) -> u64 {
    let micros = (u128::from(bytes) * u128::from(SECOND_MICROS)).div_ceil(u128::from(bytes_per_second));
    u64::try_from(micros).unwrap_or(u64::MAX)
}

fn bytes_of(micros: u64, bytes_per_second: u64) -> u64 {
    let bytes = u128::from(micros) * u128::from(bytes_per_second) / u128::from(SECOND_MICROS);
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn format(start: &Map<String, Value>) -> Result<Format, Refusal> {
    let twofold =
        |_| unclear("A name in the start could be taken for audio_format or a field of it. Leave it out.");
    only_spelling(start, [MESSAGE, "audio_format"].into_iter()).map_err(twofold)?;
    let Some(Value::Object(format)) = start.get("audio_format") else { return Ok(Format::Timed) };
    only_spelling(format, ["type", "encoding", "sample_rate"].into_iter()).map_err(twofold)?;
    let text = |name| format.get(name).and_then(Value::as_str).unwrap_or_default();
    let rate = format.get("sample_rate").and_then(Value::as_u64).and_then(|rate| u32::try_from(rate).ok());
    let raw = raw_bytes_per_second(text("type"), text("encoding"), rate.unwrap_or(0));
    Ok(raw.map_or(Format::Timed, |bytes| Format::Raw { bytes_per_second: bytes.into() }))
}

/// What can't be measured for certain doesn't pass.
pub(super) fn unclear(detail: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(Reason::MalformedRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::super::strict;
    use super::*;

    fn read(format: &str) -> Result<Format, Refusal> {
        super::format(
            &strict::object(format!(r#"{{"message":"StartRecognition",{format}}}"#).as_bytes()).unwrap(),
        )
    }

    /// Raw audio of a known encoding is measured by bytes, everything else by the engine; what could be taken for a format
    /// beside the format is refused.
    #[test]
    fn formats_are_read_in_one_way() {
        let raw = |bytes_per_second| Ok(Format::Raw { bytes_per_second });
        let encoded = |encoding, rate| {
            read(&format!(r#""audio_format":{{"type":"raw","encoding":"{encoding}","sample_rate":{rate}}}"#))
        };
        assert_eq!(encoded("pcm_f32le", 48_000), raw(192_000));
        assert_eq!(encoded("pcm_s16le", 16_000), raw(32_000));
        assert_eq!(encoded("mulaw", 8000), raw(8000));
        for timed in [
            encoded("opus", 8000),
            encoded("mulaw", 0),
            read(r#""audio_format":{"type":"file"}"#),
            read(r#""audio_format":null"#),
            read(r#""x":1"#),
        ] {
            assert_eq!(timed, Ok(Format::Timed));
        }
        for unclear in [
            r#""audio_format":{"type":"file"},"Audio_Format":{"type":"raw"}"#,
            r#""audio_format":{"type":"raw","encoding":"mulaw","sample_rate":8000,"sampleRate":16000}"#,
        ] {
            assert_eq!(read(unclear).unwrap_err().reason, Reason::MalformedRequest);
        }
    }

    /// Bytes and time are converted so that what is covered never exceeds what was taken.
    #[test]
    fn rounding_never_gives_audio_away() {
        for bytes_per_second in [1, 7, 8000, 32_000, 1_536_000] {
            for bytes in [0, 1, 2, 3, 31_999, 32_000, 1_000_003] {
                let micros = micros_of(bytes, bytes_per_second);
                assert!(bytes_of(micros, bytes_per_second) >= bytes);
                assert!(bytes == 0 || bytes_of(micros - 1, bytes_per_second) < bytes);
            }
        }
    }
}
