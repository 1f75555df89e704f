//! From bytes to samples, and back.

/// How one sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Unsigned 8 bit.
    U8,
    /// Signed 16 bit.
    S16,
    /// Signed 24 bit.
    S24,
    /// Signed 32 bit.
    S32,
    /// Float, 32 bit.
    F32,
    /// Float, 64 bit.
    F64,
    /// G.711 µ-law.
    MuLaw,
    /// G.711 A-law.
    ALaw,
}

impl Encoding {
    /// Bytes of one sample.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Encoding::U8 | Encoding::MuLaw | Encoding::ALaw => 1,
            Encoding::S16 => 2,
            Encoding::S24 => 3,
            Encoding::S32 | Encoding::F32 => 4,
            Encoding::F64 => 8,
        }
    }

    /// One sample in -1.0 to 1.0 from exactly `bytes()` little-endian bytes.
    fn decode(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Encoding::U8, &[a]) => (f32::from(a) - 128.0) / 128.0,
            (Encoding::S16, &[a, b]) => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
            (Encoding::S24, &[a, b, c]) => i32::from_le_bytes([0, a, b, c]) as f32 / 2_147_483_648.0,
            (Encoding::S32, &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]) as f32 / 2_147_483_648.0,
            (Encoding::F32, &[a, b, c, d]) => sane(f32::from_le_bytes([a, b, c, d])),
            (Encoding::F64, &[a, b, c, d, e, f, g, h]) => {
                sane(f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32)
            }
            (Encoding::MuLaw, &[a]) => f32::from(mu_law(a)) / 32_768.0,
            (Encoding::ALaw, &[a]) => f32::from(a_law(a)) / 32_768.0,
            _ => 0.0,
        }
    }
}

/// Floats may hold anything; what is no number is silence, what is too loud is clipped.
fn sane(value: f32) -> f32 {
    if value.is_nan() { 0.0 } else { value.clamp(-1.0, 1.0) }
}

fn mu_law(byte: u8) -> i16 {
    let bits = !byte;
    let exponent = (bits >> 4) & 0x07;
    let mantissa = i16::from(bits & 0x0f);
    let magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84;
    if bits & 0x80 == 0 { magnitude } else { -magnitude }
}

fn a_law(byte: u8) -> i16 {
    let bits = byte ^ 0x55;
    let exponent = (bits >> 4) & 0x07;
    let mantissa = i16::from(bits & 0x0f);
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    if bits & 0x80 == 0 { -magnitude } else { magnitude }
}

/// A stream of interleaved samples: how they are written, how many channels, how many a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) encoding: Encoding,
    pub(crate) channels: u16,
    pub(crate) rate_hz: u32,
}

/// Turns bytes, cut anywhere, into mono samples: the mean of the channels.
#[derive(Debug)]
pub(crate) struct Decoder {
    format: Format,
    /// The start of a sample group whose end has not arrived yet.
    carry: Vec<u8>,
}

impl Decoder {
    pub(crate) fn new(format: Format) -> Decoder {
        Decoder { format, carry: Vec::new() }
    }

    /// Appends the samples that `bytes` completes to `samples`.
    pub(crate) fn push(&mut self, mut bytes: &[u8], samples: &mut Vec<f32>) {
        let group_bytes = self.format.encoding.bytes() * usize::from(self.format.channels);
        if !self.carry.is_empty() {
            let missing = (group_bytes - self.carry.len()).min(bytes.len());
            let (head, rest) = bytes.split_at(missing);
            self.carry.extend_from_slice(head);
            bytes = rest;
            if self.carry.len() < group_bytes {
                return;
            }
            samples.push(self.mix(&self.carry));
            self.carry.clear();
        }
        let groups = bytes.chunks_exact(group_bytes);
        self.carry.extend_from_slice(groups.remainder());
        samples.extend(groups.map(|group| self.mix(group)));
    }

    fn mix(&self, group: &[u8]) -> f32 {
        let encoding = self.format.encoding;
        let sum: f32 = group.chunks_exact(encoding.bytes()).map(|bytes| encoding.decode(bytes)).sum();
        sum / f32::from(self.format.channels)
    }
}

/// A sample as signed 16 bit, clipped.
pub(crate) fn to_s16(sample: f32) -> i16 {
    (sample * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(encoding: Encoding, channels: u16, bytes: &[u8]) -> Vec<f32> {
        let mut samples = Vec::new();
        Decoder::new(Format { encoding, channels, rate_hz: 16_000 }).push(bytes, &mut samples);
        samples
    }

    /// Full scale, zero and minus full scale come out as such in every linear encoding.
    #[test]
    fn linear_encodings_keep_their_scale() {
        assert_eq!(decode(Encoding::U8, 1, &[0, 128, 255]), [-1.0, 0.0, 127.0 / 128.0]);
        assert_eq!(decode(Encoding::S16, 1, &[0, 0x80, 0, 0, 0, 0x40]), [-1.0, 0.0, 0.5]);
        assert_eq!(decode(Encoding::S24, 1, &[0, 0, 0x80, 0, 0, 0, 0, 0, 0x40]), [-1.0, 0.0, 0.5]);
        assert_eq!(decode(Encoding::S32, 1, &[0, 0, 0, 0x80, 0, 0, 0, 0x40]), [-1.0, 0.5]);
        assert_eq!(decode(Encoding::F32, 1, &0.25_f32.to_le_bytes()), [0.25]);
        assert_eq!(decode(Encoding::F64, 1, &(-0.25_f64).to_le_bytes()), [-0.25]);
    }

    /// Floats that are no audio don't poison what follows.
    #[test]
    fn floats_that_are_no_samples_become_silence_or_are_clipped() {
        assert_eq!(decode(Encoding::F32, 1, &f32::NAN.to_le_bytes()), [0.0]);
        assert_eq!(decode(Encoding::F32, 1, &f32::INFINITY.to_le_bytes()), [1.0]);
        assert_eq!(decode(Encoding::F64, 1, &f64::NEG_INFINITY.to_le_bytes()), [-1.0]);
    }

    /// The companded encodings follow G.711 at their known points.
    #[test]
    fn companded_encodings_follow_g711() {
        assert_eq!([mu_law(0xff), mu_law(0x7f), mu_law(0x80), mu_law(0x00)], [0, 0, 32_124, -32_124]);
        assert_eq!([a_law(0xd5), a_law(0x55), a_law(0xaa), a_law(0x2a)], [8, -8, 32_256, -32_256]);
    }

    /// Channels are averaged.
    #[test]
    fn stereo_becomes_the_mean() {
        assert_eq!(decode(Encoding::S16, 2, &[0, 0x40, 0, 0]), [0.25]);
    }

    proptest! {
        /// Where the stream is cut makes no difference.
        #[test]
        fn cuts_change_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..400), cut in 1..7_usize, channels in 1..4_u16) {
            for encoding in [Encoding::U8, Encoding::S16, Encoding::S24, Encoding::F32, Encoding::MuLaw] {
                let whole = decode(encoding, channels, &bytes);
                let mut pieces = Vec::new();
                let mut decoder = Decoder::new(Format { encoding, channels, rate_hz: 8_000 });
                for piece in bytes.chunks(cut) {
                    decoder.push(piece, &mut pieces);
                }
                prop_assert_eq!(&whole, &pieces);
                prop_assert_eq!(whole.len(), bytes.len() / (encoding.bytes() * usize::from(channels)));
                prop_assert!(whole.iter().all(|sample| (-1.0..=1.0).contains(sample)));
            }
        }
    }
}
