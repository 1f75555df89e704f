//! The headers in which proxies tell who speaks: `X-Forwarded-For` with `X-Forwarded-Proto`, or `Forwarded` (RFC 7239).

use std::net::{IpAddr, SocketAddr};

use domain::named_enum;
use http::{HeaderMap, HeaderName, header};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

named_enum! {
    /// Where trusted proxies tell the client's address.
    #[derive(Default)]
    ClientHeader {
        /// In `X-Forwarded-For`, and whether it speaks TLS in `X-Forwarded-Proto`.
        #[default]
        XForwardedFor = "x-forwarded-for",
        /// In `Forwarded`.
        Forwarded = "forwarded",
    }
}

/// A header that can be read in more than one way, or in none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// The hops that a header names, the client first; `None` for one that it doesn't tell.
pub(super) fn hops(headers: &HeaderMap, header: ClientHeader) -> Result<Vec<Option<IpAddr>>, Unreadable> {
    match header {
        ClientHeader::XForwardedFor => {
            Ok(entries(headers, &X_FORWARDED_FOR)?.into_iter().map(|entry| node(entry.trim())).collect())
        }
        ClientHeader::Forwarded => {
            Ok(elements(headers)?.iter().map(|element| element.client.as_deref().and_then(node)).collect())
        }
    }
}

/// Whether the client speaks TLS; none where no header tells.
pub(super) fn is_secure(headers: &HeaderMap, header: ClientHeader) -> Option<bool> {
    let said: Vec<String> = match header {
        ClientHeader::XForwardedFor => entries(headers, &X_FORWARDED_PROTO)
            .map(|entries| entries.iter().map(|entry| entry.trim().to_owned()).collect())
            .unwrap_or_default(),
        ClientHeader::Forwarded => {
            elements(headers).unwrap_or_default().into_iter().filter_map(|element| element.scheme).collect()
        }
    };
    let secure = |scheme: &String| scheme.eq_ignore_ascii_case("https");
    (!said.is_empty()).then(|| said.iter().all(secure))
}

/// The entries of a list of plain values, over all lines.
fn entries<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Vec<&'a str>, Unreadable> {
    let mut entries = Vec::new();
    for value in headers.get_all(name) {
        entries.extend(value.to_str().map_err(|_| Unreadable)?.split(','));
    }
    Ok(entries)
}

/// An address, with or without a port.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = match bare {
        Some(bare) => IpAddr::V6(bare.parse().ok()?),
        None => text.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip())).ok()?,
    };
    Some(address.to_canonical())
}

/// What one hop says in `Forwarded`.
#[derive(Debug, Default)]
struct Element {
    client: Option<String>,
    scheme: Option<String>,
}

fn elements(headers: &HeaderMap) -> Result<Vec<Element>, Unreadable> {
    let mut elements = Vec::new();
    for value in headers.get_all(header::FORWARDED) {
        for element in split(value.to_str().map_err(|_| Unreadable)?, ',')? {
            elements.push(read_element(element)?);
        }
    }
    Ok(elements)
}

fn read_element(text: &str) -> Result<Element, Unreadable> {
    let mut element = Element::default();
    for pair in split(text, ';')? {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let place = match name.trim() {
            name if name.eq_ignore_ascii_case("for") => &mut element.client,
            name if name.eq_ignore_ascii_case("proto") => &mut element.scheme,
            _ => continue,
        };
        // One that is said twice says nothing.
        if place.replace(unquoted(value.trim())).is_some() {
            return Err(Unreadable);
        }
    }
    Ok(element)
}

/// Splits at a separator that stands outside quotes.
fn split(text: &str, separator: char) -> Result<Vec<&str>, Unreadable> {
    let (mut parts, mut begin, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if character == separator && !quoted => {
                parts.push(&text[begin..at]);
                begin = at + character.len_utf8();
            }
            _ => {}
        }
    }
    if quoted {
        return Err(Unreadable);
    }
    parts.push(&text[begin..]);
    Ok(parts)
}

/// A value without its quotes. An address needs no escapes: one that has some is none.
fn unquoted(value: &str) -> String {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value).to_owned()
}
