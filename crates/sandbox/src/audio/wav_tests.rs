use super::*;
use proptest::prelude::*;

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
    bytes.extend_from_slice(body);
    if body.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

fn fmt(tag: u16, channels: u16, rate_hz: u32, bits: u16) -> Vec<u8> {
    let block = channels * bits / 8;
    let mut body = Vec::new();
    body.extend_from_slice(&tag.to_le_bytes());
    body.extend_from_slice(&channels.to_le_bytes());
    body.extend_from_slice(&rate_hz.to_le_bytes());
    body.extend_from_slice(&(rate_hz * u32::from(block)).to_le_bytes());
    body.extend_from_slice(&block.to_le_bytes());
    body.extend_from_slice(&bits.to_le_bytes());
    chunk(b"fmt ", &body)
}

fn riff(size: Option<u32>, chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend_from_slice(&size.unwrap_or(body.len() as u32 + 4).to_le_bytes());
    bytes.extend_from_slice(b"WAVE");
    bytes.extend_from_slice(&body);
    bytes
}

fn read(file: &[u8], piece_bytes: usize) -> Result<(Format, Vec<u8>), WavError> {
    let mut reader = WavReader::new();
    let mut audio = Vec::new();
    for piece in file.chunks(piece_bytes.max(1)) {
        audio.extend_from_slice(reader.push(piece)?);
    }
    Ok((reader.finish()?, audio))
}

const S16: Format = Format { encoding: Encoding::S16, channels: 1, rate_hz: 16_000 };

/// A plain file gives its format and exactly its audio, with chunks before and after it left out.
#[test]
fn audio_is_found_among_other_chunks() {
    let file = riff(
        None,
        &[
            chunk(b"JUNK", &[7; 5]),
            fmt(1, 1, 16_000, 16),
            chunk(b"LIST", b"abcd"),
            chunk(b"data", &[1, 2, 3, 4]),
            chunk(b"LIST", b"INFO"),
        ],
    );
    assert_eq!(read(&file, 3), Ok((S16, vec![1, 2, 3, 4])));
}

/// Every documented encoding is understood, in its extensible form too.
#[test]
fn encodings_are_understood() {
    let cases = [
        (1, 8, Encoding::U8),
        (1, 16, Encoding::S16),
        (1, 24, Encoding::S24),
        (1, 32, Encoding::S32),
        (3, 32, Encoding::F32),
        (3, 64, Encoding::F64),
        (6, 8, Encoding::ALaw),
        (7, 8, Encoding::MuLaw),
    ];
    for (tag, bits, encoding) in cases {
        let file = riff(None, &[fmt(tag, 2, 44_100, bits), chunk(b"data", &[0; 16])]);
        assert_eq!(read(&file, 99).unwrap().0, Format { encoding, channels: 2, rate_hz: 44_100 });

        let mut extensible = fmt(0xfffe, 2, 44_100, bits)[8..].to_vec();
        extensible.extend_from_slice(&[22, 0, bits as u8, 0, 3, 0, 0, 0]);
        extensible.extend_from_slice(&tag.to_le_bytes());
        extensible.extend_from_slice(&[0; 14]);
        let file = riff(None, &[chunk(b"fmt ", &extensible), chunk(b"data", &[0; 16])]);
        assert_eq!(read(&file, 99).unwrap().0.encoding, encoding);
    }
}

/// Files of writers that couldn't know the length are read to their end.
#[test]
fn sizes_that_lie_are_read_to_the_end() {
    for (riff_size, data_size) in
        [(0, 0), (36, 0), (u32::MAX, u32::MAX), (u32::MAX, 0), (0xffff_fff7, 0xffff_ffd3)]
    {
        let mut file = riff(Some(riff_size), &[fmt(1, 1, 16_000, 16), chunk(b"data", &[])]);
        let at = file.len() - 4;
        file[at..].copy_from_slice(&u32::to_le_bytes(data_size));
        file.extend_from_slice(&[5; 100]);
        assert_eq!(read(&file, 7), Ok((S16, vec![5; 100])), "riff {riff_size}, data {data_size}");
    }
}

/// A data chunk that is longer than the file gives what there is.
#[test]
fn audio_cut_short_is_what_there_is() {
    let mut file = riff(None, &[fmt(1, 1, 16_000, 16), chunk(b"data", &[1; 50])]);
    file.truncate(file.len() - 20);
    assert_eq!(read(&file, 11), Ok((S16, vec![1; 30])));
}

/// An empty recording with tags after it stays empty: the tags are not played.
#[test]
fn an_empty_data_chunk_before_others_is_empty() {
    let file = riff(None, &[fmt(1, 1, 16_000, 16), chunk(b"data", &[]), chunk(b"LIST", &[9; 40])]);
    assert_eq!(read(&file, 64), Ok((S16, Vec::new())));
}

/// RF64 files take the length from their ds64 chunk.
#[test]
fn rf64_lengths_are_honoured() {
    let mut sizes = [0; 28];
    sizes[8] = 6;
    let mut file =
        riff(None, &[chunk(b"ds64", &sizes), fmt(1, 1, 16_000, 16), chunk(b"data", &[1; 6]), vec![2; 9]]);
    file[..4].copy_from_slice(b"RF64");
    let at = file.len() - 19;
    file[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read(&file, 5), Ok((S16, vec![1; 6])));
}

/// What is no WAV file is refused with its own name, and says what would be read.
#[test]
fn other_containers_are_named() {
    let cases: [(&[u8], &str); 8] = [
        (b"ID3\x04aaaaaaaaaaaaaaaaa", "MP3"),
        (&[0xff, 0xfb, 0x90, 0x64, 0, 0, 0, 0, 0, 0, 0, 0, 0], "MP3"),
        (b"fLaC\0\0\0\x22aaaaaaaaaa", "FLAC"),
        (b"OggS\0\x02aaaaaaaaaaaaaaa", "Ogg"),
        (b"\0\0\0\x20ftypM4A aaaaaaa", "MP4"),
        (b"FORM\0\0\0\0AIFFaaaa", "AIFF"),
        (b"hello, this is no audio", "not a WAV file"),
        (b"", "empty"),
    ];
    for (file, name) in cases {
        let message = read(file, 4).unwrap_err().to_string();
        assert!(message.contains(name), "{message}");
        assert!(message.contains("reads WAV files"), "{message}");
    }
}

/// Each limit of the format is refused beyond it; the control at the limit passes.
#[test]
fn formats_beyond_the_limits_are_refused() {
    let file =
        |tag, channels, rate, bits| riff(None, &[fmt(tag, channels, rate, bits), chunk(b"data", &[0; 64])]);
    assert_eq!(read(&file(2, 1, 16_000, 4), 99), Err(WavError::Encoding { tag: 2, bits: 4 }));
    assert_eq!(read(&file(1, 0, 16_000, 16), 99), Err(WavError::Channels(0)));
    assert!(read(&file(1, CHANNELS_MAX, 16_000, 16), 99).is_ok());
    assert_eq!(read(&file(1, CHANNELS_MAX + 1, 16_000, 16), 99), Err(WavError::Channels(33)));
    assert!(read(&file(1, 1, SAMPLE_RATE_HZ_MIN, 16), 99).is_ok());
    assert_eq!(read(&file(1, 1, SAMPLE_RATE_HZ_MIN - 1, 16), 99), Err(WavError::Rate(3_999)));
    assert!(read(&file(1, 1, SAMPLE_RATE_HZ_MAX, 16), 99).is_ok());
    assert_eq!(read(&file(1, 1, SAMPLE_RATE_HZ_MAX + 1, 16), 99), Err(WavError::Rate(192_001)));
    let wrong_order = riff(None, &[chunk(b"data", &[0; 4]), fmt(1, 1, 16_000, 16)]);
    assert_eq!(read(&wrong_order, 99), Err(WavError::AudioBeforeFormat));
    assert_eq!(read(&file(1, 1, 16_000, 16)[..30], 99), Err(WavError::Truncated));
    let mut huge = riff(None, &[chunk(b"LIST", &[0; 4])]);
    huge[16..20].copy_from_slice(&(WAV_PREAMBLE_BYTES_MAX as u32 + 1).to_le_bytes());
    assert_eq!(read(&huge, 99), Err(WavError::Preamble));
}

/// The header that the sandbox writes is one that it reads.
#[test]
fn the_written_header_reads_back() {
    let mut file = header_s16_mono(16_000, 6);
    file.extend_from_slice(&[1, 2, 3, 4, 5, 6]);
    assert_eq!(read(&file, 99), Ok((S16, vec![1, 2, 3, 4, 5, 6])));
}

proptest! {
    /// No input makes the reader panic or hold more than a head.
    #[test]
    fn anything_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), piece in 1..40_usize) {
        let _ = read(&bytes, piece);
    }

    /// Damage to a good file never panics, and never gives more audio than there are bytes.
    #[test]
    fn damage_is_survived(at in 0..80_usize, value: u8, piece in 1..40_usize) {
        let mut file = riff(None, &[fmt(1, 2, 44_100, 16), chunk(b"LIST", &[3; 7]), chunk(b"data", &[1; 40])]);
        let at = at % file.len();
        file[at] = value;
        if let Ok((_, audio)) = read(&file, piece) {
            prop_assert!(audio.len() <= file.len());
        }
    }

    /// Where the file is cut makes no difference, also inside the header.
    #[test]
    fn cuts_change_nothing(audio in proptest::collection::vec(any::<u8>(), 0..64), extra in 0..9_usize, piece in 1..70_usize) {
        let file = riff(None, &[chunk(b"JUNK", &vec![1; extra]), fmt(1, 1, 16_000, 16), chunk(b"data", &audio), chunk(b"LIST", &[0; 6])]);
        prop_assert_eq!(read(&file, piece), read(&file, file.len()));
        prop_assert_eq!(read(&file, piece).unwrap().1, audio);
    }
}
