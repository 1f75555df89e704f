//! What the follower guarantees, over any bytes and any split of them.

use proptest::prelude::*;

use super::*;

const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// Everything that a follower tells about bytes that arrive in these parts: headers with their payload, joined.
fn tell(sender: Sender, parts: &[&[u8]]) -> (Vec<(Header, Vec<u8>)>, Option<Violation>) {
    let mut follower = Follower::new(sender);
    let mut frames: Vec<(Header, Vec<u8>)> = Vec::new();
    for part in parts {
        let mut at = 0;
        while at < part.len() {
            let step = match follower.step(&part[at..]) {
                Ok(step) => step,
                Err(violation) => return (frames, Some(violation)),
            };
            assert!(step.taken > 0, "every step makes progress");
            let bytes = &part[at..at + step.taken];
            match step.event {
                Event::Partial => {}
                Event::Begin(header) => frames.push((header, Vec::new())),
                Event::Payload { header, offset } => {
                    let (current, payload) = frames.last_mut().expect("payload follows its header");
                    assert_eq!((*current, payload.len() as u64), (header, offset));
                    payload.extend_from_slice(bytes);
                }
            }
            at += step.taken;
        }
    }
    (frames, None)
}

fn split(bytes: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    for cut in cuts {
        let at = cut % (rest.len() + 1);
        parts.push(rest[..at].to_vec());
        rest = &rest[at..];
    }
    parts.push(rest.to_vec());
    parts
}

/// Plausible streams: whole frames, with now and then a byte of them broken.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop_oneof![
        Just(Opcode::Text),
        Just(Opcode::Binary),
        Just(Opcode::Ping),
        Just(Opcode::Pong),
        Just(Opcode::Continuation),
        Just(Opcode::Close),
    ];
    let frame = (opcode, prop::collection::vec(any::<u8>(), 0..300), any::<bool>(), any::<bool>());
    (prop::collection::vec(frame, 0..8), prop::option::of((any::<prop::sample::Index>(), any::<u8>())))
        .prop_map(|(frames, broken)| {
            let mut bytes = Vec::new();
            for (opcode, payload, last, masked) in frames {
                let mut frame = build(opcode, &payload, masked.then_some(MASK));
                if !last {
                    frame[0] &= 0x7f;
                }
                bytes.extend(frame);
            }
            if let Some((index, value)) = broken
                && !bytes.is_empty()
            {
                let at = index.index(bytes.len());
                bytes[at] = value;
            }
            bytes
        })
}

proptest! {
    /// However bytes are split, the same frames, payloads and violations come out.
    #[test]
    fn splits_change_nothing(bytes in stream(), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        for sender in [Sender::Client, Sender::Engine] {
            let whole = tell(sender, &[&bytes]);
            let parts = split(&bytes, &cuts);
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(&tell(sender, &parts), &whole);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&tell(sender, &single), &whole);
        }
    }

    /// Any bytes at all are followed or refused, never with a panic, never without progress.
    #[test]
    fn any_bytes_are_followed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        tell(Sender::Client, &[&bytes]);
        tell(Sender::Engine, &[&bytes]);
    }

    /// What is built is read back: opcode, length and payload, masked or not.
    #[test]
    fn built_frames_are_read_back(length in prop_oneof![0usize..300, 65_000usize..66_000], mask: Option<[u8; 4]>) {
        let payload: Vec<u8> = (0..length).map(|index| (index * 7) as u8).collect();
        let sender = if mask.is_some() { Sender::Client } else { Sender::Engine };
        let (frames, violation) = tell(sender, &[&build(Opcode::Binary, &payload, mask)]);
        prop_assert_eq!(violation, None);
        let (header, mut read) = frames.into_iter().next().expect("one frame");
        if let Some(mask) = mask {
            unmask(&mut read, mask, 0);
        }
        prop_assert_eq!((header.opcode, header.last, header.payload_bytes), (Opcode::Binary, true, payload.len() as u64));
        prop_assert_eq!(read, payload);
    }

    /// A mask comes off in parts as it does in one go.
    #[test]
    fn unmasking_in_parts(payload in prop::collection::vec(any::<u8>(), 0..64), mask: [u8; 4], at in 0usize..64) {
        let mut whole = payload.clone();
        unmask(&mut whole, mask, 0);
        let mut parts = payload;
        let at = at.min(parts.len());
        unmask(&mut parts[..at], mask, 0);
        unmask(&mut parts[at..], mask, at as u64);
        prop_assert_eq!(whole, parts);
    }

    /// Letting through what is asked for ends exactly between frames, or between messages.
    #[test]
    fn ends_are_found(bytes in stream(), at in any::<prop::sample::Index>()) {
        let mut follower = Follower::new(Sender::Engine);
        let at = at.index(bytes.len() + 1);
        if follower.follow(&bytes[..at]).is_err() {
            return Ok(());
        }
        let rest = &bytes[at..];
        if let Some(taken) = follower.bytes_to_frame_end(rest) {
            let mut to = follower.clone();
            to.follow(&rest[..taken]).expect("valid so far");
            prop_assert!(to.is_between_frames());
        }
        if let Some(taken) = follower.bytes_to_message_end(rest) {
            follower.follow(&rest[..taken]).expect("valid so far");
            prop_assert!(follower.is_between_messages());
        }
    }
}

fn violation(sender: Sender, bytes: &[u8]) -> Option<Violation> {
    tell(sender, &[bytes]).1
}

fn client(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    build(opcode, payload, Some(MASK))
}

/// Every broken rule of RFC 6455 is told by its name; the frames beside them pass.
#[test]
fn violations_and_their_controls() {
    let with_first = |first: u8, frame: &[u8]| {
        let mut frame = frame.to_vec();
        frame[0] = first;
        frame
    };
    let text_frame = client(Opcode::Text, b"hello");
    assert_eq!(violation(Sender::Client, &text_frame), None);
    for bit in [0x40, 0x20, 0x10] {
        assert_eq!(
            violation(Sender::Client, &with_first(0x81 | bit, &text_frame)),
            Some(Violation::ReservedBits)
        );
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        let frame = with_first(0x80 | opcode, &text_frame);
        assert_eq!(violation(Sender::Client, &frame), Some(Violation::UnknownOpcode));
    }
    assert_eq!(violation(Sender::Client, &text("hello")), Some(Violation::Unmasked));
    assert_eq!(violation(Sender::Engine, &text("hello")), None);
    assert_eq!(violation(Sender::Engine, &text_frame), Some(Violation::Masked));
    assert_eq!(violation(Sender::Client, &with_first(0x80, &text_frame)), Some(Violation::StrayContinuation));

    let ping = client(Opcode::Ping, &[0; 125]);
    assert_eq!(violation(Sender::Client, &ping), None);
    assert_eq!(violation(Sender::Client, &client(Opcode::Ping, &[0; 126])), Some(Violation::LongControl));
    assert_eq!(violation(Sender::Client, &with_first(0x09, &ping)), Some(Violation::FragmentedControl));
    assert_eq!(violation(Sender::Client, &client(Opcode::Close, b"")), None);
    assert_eq!(violation(Sender::Client, &client(Opcode::Close, b"x")), Some(Violation::ShortClose));
    let after = [close(1000, "", Some(MASK)), ping].concat();
    assert_eq!(violation(Sender::Client, &after), Some(Violation::AfterClose));
}

/// Fragments with a control frame between them are one message; a message inside another is refused.
#[test]
fn fragments() {
    let mut first = text("he");
    first[0] = 0x01;
    let mut last = text("llo");
    last[0] = 0x80;
    let whole = [first.clone(), build(Opcode::Ping, b"", None), last].concat();
    let (frames, refused) = tell(Sender::Engine, &[&whole]);
    assert_eq!(refused, None);
    assert_eq!(frames[2].0.message, Opcode::Text);

    let mut follower = Follower::new(Sender::Engine);
    follower.follow(&first).unwrap();
    assert!(follower.is_between_frames() && !follower.is_between_messages());
    follower.follow(&whole[first.len()..]).unwrap();
    assert!(follower.is_between_messages());

    let nested = [first.clone(), first].concat();
    assert_eq!(violation(Sender::Engine, &nested), Some(Violation::NestedMessage));
}

/// Lengths: the shortest form only, never beyond 63 bits, and the limits hold on both sides.
#[test]
fn lengths() {
    let header = |opcode: u8, length: u64| {
        let mut bytes = vec![opcode, 127];
        bytes.extend(length.to_be_bytes());
        bytes
    };
    assert_eq!(violation(Sender::Engine, &header(0x82, FRAME_BYTES_MAX)), None);
    assert_eq!(violation(Sender::Engine, &header(0x82, FRAME_BYTES_MAX + 1)), Some(Violation::LongFrame));
    assert_eq!(violation(Sender::Engine, &header(0x82, 1 << 63)), Some(Violation::BadLength));
    assert_eq!(violation(Sender::Engine, &header(0x82, u64::MAX)), Some(Violation::BadLength));
    assert_eq!(violation(Sender::Engine, &header(0x82, 65_535)), Some(Violation::BadLength));
    assert_eq!(violation(Sender::Engine, &header(0x82, 65_536)), None);
    assert_eq!(violation(Sender::Engine, &[0x82, 126, 0, 125]), Some(Violation::BadLength));
    assert_eq!(violation(Sender::Engine, &[0x82, 126, 0, 126]), None);

    let mut message = Follower::new(Sender::Engine);
    let frames = MESSAGE_BYTES_MAX / FRAME_BYTES_MAX;
    let payload = vec![0; FRAME_BYTES_MAX as usize];
    for index in 0..frames {
        message.follow(&header(if index == 0 { 0x02 } else { 0x00 }, FRAME_BYTES_MAX)).unwrap();
        message.follow(&payload).unwrap();
    }
    assert_eq!(message.clone().follow(&[0x80, 1]), Err(Violation::LongMessage));
    assert_eq!(message.follow(&[0x80, 0]), Ok(()));
}

/// A close reason that is too long is cut at a character, and the frame stays valid.
#[test]
fn close_reasons_are_cut() {
    let frame = close(4001, &"ü".repeat(100), None);
    assert_eq!(violation(Sender::Engine, &frame), None);
    assert!(std::str::from_utf8(&frame[4..]).is_ok());
    assert_eq!(frame[2..4], 4001u16.to_be_bytes());
}
