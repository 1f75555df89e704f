//! Spellings from a generator: a plain path, bent a few times at random places.

/// Spellings, the same for the same seed.
#[derive(Debug)]
pub(super) struct Spellings {
    state: u64,
    plain: Vec<String>,
}

/// What is put between, before or behind segments.
const PIECES: &[&str] = &[
    "/",
    "//",
    "/./",
    "/../",
    "/..;/",
    "/%2e/",
    "/%2e%2e/",
    "/.%2e/",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    "\\..\\",
    ";",
    ";x=y",
    "%3b",
    "%00",
    "%0a",
    "%0d%0a",
    "%20",
    "%09",
    "%25",
    "%252f",
    "%252e",
    "%c0%af",
    "%c0%ae",
    "%ef%bc%8f",
    "%u002f",
    ".",
    "..",
    "...",
    "?",
    "#",
    "*",
    ",",
    ":",
    "@",
    "&",
    "=",
    "+",
    "~",
    "é",
    "\u{2215}",
    "\u{ff0f}",
    "\u{17f}",
    "%",
    "%2",
    "%zz",
    "'",
    "\"",
    "<",
    ">",
    "|",
    "^",
    "`",
    "{",
    "}",
    "[",
    "]",
    "$",
    "!",
    "(",
    ")",
    "v2",
    "jobs",
    "usage",
    "transcript",
    "data",
    "admin",
    ".json",
    "%61",
    "%2e.",
    "/%2e%2e%2f",
    "//localhost",
    "http://",
    "%80",
    "%ff",
];

impl Spellings {
    pub(super) fn new(seed: u64, mine: &str, theirs: &str) -> Self {
        let mut plain =
            vec!["/v2/jobs".to_owned(), "/v2/usage".to_owned(), "/v1/discovery/features".to_owned()];
        for job in [mine, theirs] {
            for rest in ["", "/transcript", "/data", "/log"] {
                plain.push(format!("/v2/jobs/{job}{rest}"));
            }
        }
        plain.push(format!("/v2/jobs/{mine}/../{theirs}"));
        plain.push(format!("/v2/jobs/{mine}/{theirs}"));
        Self { state: seed, plain }
    }

    /// The next spelling.
    pub(super) fn next(&mut self) -> String {
        let chosen = self.below(self.plain.len());
        let mut path = self.plain[chosen].clone();
        for _ in 0..=self.below(3) {
            path = self.bend(&path);
        }
        path
    }

    fn bend(&mut self, path: &str) -> String {
        let places: Vec<usize> = path.char_indices().map(|(at, _)| at).chain([path.len()]).collect();
        let at = places[self.below(places.len())];
        let (before, after) = path.split_at(at);
        match self.below(8) {
            0..=3 => format!("{before}{}{after}", PIECES[self.below(PIECES.len())]),
            4 => {
                // Between segments, where it hurts most.
                let slashes: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
                let Some(at) = slashes.get(self.below(slashes.len().max(1))) else {
                    return format!("/{path}");
                };
                format!("{}{}{}", &path[..*at], PIECES[self.below(PIECES.len())], &path[at + 1..])
            }
            5 => encode(before, after, false),
            6 => encode(before, after, true),
            _ => {
                let mut letters = after.chars();
                match letters.next() {
                    Some(letter) if letter.is_ascii_lowercase() => {
                        format!("{before}{}{}", letter.to_ascii_uppercase(), letters.as_str())
                    }
                    Some(_) => format!("{before}{}", letters.as_str()),
                    None => format!("{before}/"),
                }
            }
        }
    }

    /// A number below this one (xorshift64*).
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }
}

/// Writes the first letter of `after` as an escape, once or twice over.
fn encode(before: &str, after: &str, twice: bool) -> String {
    let mut letters = after.chars();
    let Some(letter) = letters.next() else { return format!("{before}%2f") };
    let mut bytes = [0; 4];
    let escape = if twice { "%25" } else { "%" };
    let escaped: String =
        letter.encode_utf8(&mut bytes).bytes().map(|byte| format!("{escape}{byte:02x}")).collect();
    format!("{before}{escaped}{}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same seed gives the same spellings, so that a miss can be looked at again.
    #[test]
    fn spellings_repeat() {
        let take = |seed| {
            let mut spellings = Spellings::new(seed, "a", "b");
            (0..50).map(|_| spellings.next()).collect::<Vec<_>>()
        };
        assert_eq!(take(1), take(1));
        assert_ne!(take(1), take(2));
    }
}
