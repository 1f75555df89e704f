//! How heavy a page is with everything that it brings along.

/// A page with its style, scripts and pictures, in bytes.
pub(crate) const PAGE_BYTES_MAX: usize = 60 * 1024;

/// Everything that pages can bring along; a script with those that it imports.
const ASSETS: [(&str, usize); 7] = [
    ("/assets/portal.css", include_str!("../assets/portal.css").len()),
    ("/assets/playground.css", include_str!("../assets/playground.css").len()),
    ("/assets/icon.svg", include_str!("../assets/icon.svg").len()),
    ("/assets/copy.js", include_str!("../assets/copy.js").len()),
    ("/assets/passkeys.js", include_str!("../assets/passkeys.js").len()),
    ("/assets/sessions.js", include_str!("../assets/sessions.js").len()),
    (
        "/assets/playground.js",
        include_str!("../assets/playground.js").len()
            + include_str!("../assets/sound.js").len()
            + include_str!("../assets/recorder.js").len(),
    ),
];

/// The bytes of a page and of what it brings along.
pub(crate) fn bytes_of(html: &str) -> usize {
    let assets = ASSETS.iter().filter(|(path, _)| html.contains(path));
    html.len() + assets.map(|(_, bytes)| bytes).sum::<usize>()
}
