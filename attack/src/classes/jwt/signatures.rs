//! Signatures that aren't.

use super::{FORGED, refuse_all};
use crate::Fault;
use crate::arena::Arena;
use crate::arena::forge::{Forge, base64url};
use crate::trial::Trial;

/// The order of Ed25519's group, little end first.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let claims = arena.claims("batch").await?.to_string();
    let forge = &arena.forge;
    let message = format!("{}.{}", base64url(forge.header()), base64url(&claims));
    let good = forge.sign(&message);
    let (r, s) = good.split_at(32);
    let mut one = [0; 32];
    one[0] = 1;
    let halves: [(&str, [u8; 32]); 4] =
        [("zero", [0; 32]), ("one", one), ("the order", ORDER), ("all ones", [0xff; 32])];
    let mut bent: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, half) in &halves {
        bent.push((format!("R and S are {name}"), [half.as_slice(), half].concat()));
        bent.push((format!("S is {name}"), [r, half].concat()));
        bent.push((format!("R is {name}"), [half, s].concat()));
    }
    bent.push((
        "S and the order: the same number for a careless verifier".to_owned(),
        [r, &plus_order(s)].concat(),
    ));
    bent.push(("R and S changed places".to_owned(), [s, r].concat()));
    for length in [0, 1, 31, 32, 63, 65, 72, 128] {
        let cycled: Vec<u8> = good.iter().cycle().take(length).copied().collect();
        bent.push((format!("{length} bytes"), cycled));
    }
    for bit in (0..512).step_by(16) {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        bent.push((format!("bit {bit} flipped"), flipped));
    }
    bent.push(("another key's".to_owned(), Forge::foreign().sign(&message)));
    bent.push(("of the claims alone".to_owned(), forge.sign(&base64url(&claims))));
    bent.push((
        "of the bytes that aren't encoded".to_owned(),
        forge.sign(&format!("{}.{claims}", forge.header())),
    ));
    let mut tokens: Vec<(String, String)> = bent
        .into_iter()
        .map(|(name, signature)| (name, format!("{message}.{}", base64url(signature))))
        .collect();
    let written = base64url(&good);
    for (name, text) in [
        ("null", "null".to_owned()),
        ("null, encoded", "bnVsbA".to_owned()),
        ("padded", format!("{written}==")),
        ("in the other alphabet", written.replace('-', "+").replace('_', "/") + "+"),
        ("with a space", format!("{written}%20")),
        ("with a bit that decoding drops", last_bit_changed(&written)),
    ] {
        tokens.push((name.to_owned(), format!("{message}.{text}")));
    }
    refuse_all(arena, trial, "signature", &format!("{message}.{written}"), FORGED, tokens).await;
    Ok(())
}

/// S and the group's order: the same modulo the order, and refused where S must be canonical (RFC 8032, 5.1.7).
fn plus_order(s: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let add = s.iter().zip(ORDER).map(|(byte, order)| {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        carry = sum >> 8;
        sum as u8
    });
    add.collect()
}

/// 64 bytes take 86 characters, of which the last has four bits that mean nothing.
fn last_bit_changed(written: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = written.chars().next_back().and_then(|last| ALPHABET.find(last)).unwrap_or_default();
    let other = ALPHABET.chars().nth(last ^ 1).unwrap_or('A');
    format!("{}{other}", &written[..written.len() - 1])
}
