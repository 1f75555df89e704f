//! QR codes as inline SVG.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

/// How wide a code is at least, in pixels.
const WIDTH_PIXELS_MIN: u32 = 220;

/// A QR code as an `svg` element: numbers and known words, so that it needs no escaping. Dark on light in both themes, with the
/// quiet zone that cameras want. `None` where the text is too long for one.
pub(super) fn svg(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let document = code
        .render::<svg::Color<'_>>()
        .min_dimensions(WIDTH_PIXELS_MIN, WIDTH_PIXELS_MIN)
        .quiet_zone(true)
        .build();
    document.find("<svg").map(|start| document[start..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The picture holds nothing of the text as text, no script and no style, and isn't larger than a page can bear.
    #[test]
    fn a_code_is_a_picture() {
        let picture = svg("otpauth://totp/Voxgate:a@b?secret=JBSWY3DPEHPK3PXP&issuer=<script>").unwrap();
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>"), "{picture}");
        assert!(!picture.contains("script") && !picture.contains("JBSWY") && !picture.contains("style"));
        assert!(picture.len() < 32 * 1024, "{}", picture.len());
        assert_eq!(svg(&"x".repeat(10_000)), None);
    }
}
