use proptest::prelude::*;

use super::*;

/// What comes behind the header: the beginning of TLS, in which a line end hides.
const BEHIND: &[u8] = b"\x16\x03\x01\x00\x05\r\nGET ";

const V4: &[u8] = &[198, 51, 100, 7, 10, 0, 0, 1, 0xcb, 0x20, 0x01, 0xbb];

fn v2(version_command: u8, family_protocol: u8, rest: &[u8]) -> Vec<u8> {
    let mut header = ppp::v2::PROTOCOL_PREFIX.to_vec();
    header.extend([version_command, family_protocol]);
    header.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
    header.extend(rest);
    header
}

/// Reads as [`read`] does, from bytes; what it read, and what it made of it.
fn read_from(bytes: &[u8]) -> (usize, Result<Speaker, InvalidHeader>) {
    let mut at = 0;
    loop {
        match missing(&bytes[..at]) {
            Ok(0) => return (at, parse(&bytes[..at])),
            Ok(count) if at + count <= bytes.len() => at += count,
            Ok(_) | Err(InvalidHeader) => return (at, Err(InvalidHeader)),
        }
    }
}

fn client(text: &str) -> Result<Speaker, InvalidHeader> {
    Ok(Speaker::Client(text.parse().unwrap()))
}

/// Both versions are understood, and what follows the header stays where it is, whatever proxies put into it.
#[test]
fn headers_of_real_proxies() {
    let v6: Vec<u8> =
        [[0x20, 1, 0x0d, 0xb8].as_slice(), &[0; 11], &[7], &[0; 16], &[0xcb, 0x20, 0x01, 0xbb]].concat();
    let with_tlvs = [V4, &[0x20, 0, 3, 1, 2, 3, 0xea, 0, 2, b'\r', b'\n']].concat();
    let longest = [V4, &vec![0; HEADER_BYTES_MAX - V2_FIXED_BYTES - V4.len()]].concat();
    for (header, expected) in [
        (b"PROXY TCP4 198.51.100.7 10.0.0.1 52000 443\r\n".to_vec(), client("198.51.100.7:52000")),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 52000 443\r\n".to_vec(), client("[2001:db8::7]:52000")),
        (b"PROXY TCP6 ::ffff:198.51.100.7 ::1 1 2\r\n".to_vec(), client("198.51.100.7:1")),
        (b"PROXY UNKNOWN\r\n".to_vec(), Ok(Speaker::Unknown)),
        (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n".to_vec(), Ok(Speaker::Unknown)),
        (v2(0x21, 0x11, V4), client("198.51.100.7:52000")),
        (v2(0x21, 0x11, &with_tlvs), client("198.51.100.7:52000")),
        (v2(0x21, 0x11, &longest), client("198.51.100.7:52000")),
        (v2(0x21, 0x21, &v6), client("[2001:db8::7]:52000")),
        (v2(0x20, 0x00, &[]), Ok(Speaker::Proxy)),
        (v2(0x20, 0x11, V4), Ok(Speaker::Proxy)),
        (v2(0x21, 0x00, &[]), Ok(Speaker::Unknown)),
        (v2(0x21, 0x31, &[1; 216]), Ok(Speaker::Unknown)),
    ] {
        let bytes = [&header, BEHIND].concat();
        assert_eq!(read_from(&bytes), (header.len(), expected), "{}", String::from_utf8_lossy(&header));
    }
}

/// What is no header, or says something that no proxy would, is none.
#[test]
fn what_is_no_header() {
    let over = [V4, &vec![0; HEADER_BYTES_MAX + 1 - V2_FIXED_BYTES - V4.len()]].concat();
    let endless = [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat();
    for header in [
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00".to_vec(),
        b"proxy TCP4 198.51.100.7 10.0.0.1 1 2\r\n".to_vec(),
        b"PROXY TCP4 198.51.100.7 10.0.0.1 1\r\n".to_vec(),
        b"PROXY TCP4 198.51.100.7 10.0.0.1 1 65536\r\n".to_vec(),
        b"PROXY TCP4 198.51.100 10.0.0.1 1 2\r\n".to_vec(),
        b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n".to_vec(),
        b"PROXY TCP4 198.51.100.7 10.0.0.1 01 2\r\n".to_vec(),
        b"PROXY TCP4 198.51.100.7 10.0.0.1 1 2 3\r\n".to_vec(),
        b"PROXY UDP4 198.51.100.7 10.0.0.1 1 2\r\n".to_vec(),
        endless,
        v2(0x11, 0x11, V4),
        v2(0x22, 0x11, V4),
        v2(0x21, 0x12, V4),
        v2(0x21, 0x41, V4),
        v2(0x21, 0x11, &V4[..11]),
        v2(0x21, 0x11, &over),
    ] {
        let bytes = [&header, BEHIND, &[b'x'; 200]].concat();
        let (read, result) = read_from(&bytes);
        assert_eq!(result, Err(InvalidHeader), "{}", String::from_utf8_lossy(&header));
        assert!(read <= HEADER_BYTES_MAX);
    }
}

/// A header that comes byte by byte is the same header.
#[tokio::test]
async fn a_header_may_come_in_pieces() {
    use tokio::io::AsyncWriteExt as _;
    for header in [b"PROXY TCP4 198.51.100.7 10.0.0.1 52000 443\r\n".to_vec(), v2(0x21, 0x11, V4)] {
        let (mut far, mut near) = tokio::io::duplex(1);
        let sent = [&header, BEHIND].concat();
        let sending = tokio::spawn(async move { far.write_all(&sent).await.map(|()| far) });
        assert_eq!(read(&mut near).await.unwrap(), client("198.51.100.7:52000").unwrap());
        let mut behind = vec![0; BEHIND.len()];
        near.read_exact(&mut behind).await.unwrap();
        assert_eq!(behind, BEHIND);
        sending.await.unwrap().unwrap();
        let (mut far, mut near) = tokio::io::duplex(64);
        far.write_all(&header[..header.len() - 1]).await.unwrap();
        drop(far);
        assert_eq!(read(&mut near).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}

proptest! {
    /// No bytes make it panic, read without end, or read beyond a header that is there.
    #[test]
    fn any_bytes(bytes: Vec<u8>, begin in 0..3_usize) {
        let begin: &[u8] = [b"".as_slice(), b"PROXY TCP4 ", ppp::v2::PROTOCOL_PREFIX][begin];
        let bytes = [begin, &bytes].concat();
        let (read, result) = read_from(&bytes);
        prop_assert!(read <= HEADER_BYTES_MAX && read <= bytes.len());
        if result.is_ok() {
            prop_assert!(read_from(&bytes[..read]) == (read, result), "the header alone is the same header");
        }
    }
}
