//! The messages that we put in ourselves (protocol 5.3, 5.4).

use domain::reason::RealtimeError;
use domain::{Region, Timestamp};
use serde::Serialize;

use super::frame;

/// What we say of ourselves. Only values of the published enums: clients abort on others.
#[derive(Serialize)]
#[serde(tag = "message")]
enum Message<'a> {
    Error {
        r#type: RealtimeError,
        reason: &'a str,
    },
    Warning {
        r#type: &'static str,
        reason: &'a str,
    },
    Info {
        r#type: &'static str,
        reason: String,
        usage: u32,
        quota: u32,
        last_updated: String,
        region: Region,
    },
}

fn text(message: &Message<'_>) -> Vec<u8> {
    // Plain data with string keys always serialises.
    frame::text(&serde_json::to_string(message).unwrap_or_default())
}

/// The frame of an `Error`.
pub(crate) fn error(kind: RealtimeError, reason: &str) -> Vec<u8> {
    text(&Message::Error { r#type: kind, reason })
}

/// The frame of a `Warning` that the session will end.
pub(crate) fn session_timeout_warning(reason: &str) -> Vec<u8> {
    text(&Message::Warning { r#type: "session_timeout", reason })
}

/// The frame of the first `Info`: how many sessions the project has open, this one included.
pub(crate) fn concurrent_session_usage(usage: u32, quota: u32, region: Region, now: Timestamp) -> Vec<u8> {
    let last_updated = jiff::Timestamp::from_second(now.as_seconds()).map(|time| time.to_string());
    text(&Message::Info {
        r#type: "concurrent_session_usage",
        reason: format!("{usage} concurrent sessions active out of quota {quota}"),
        usage,
        quota,
        last_updated: last_updated.unwrap_or_default(),
        region,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The wire form that clients parse: field names, their order, and a time without fractions.
    #[test]
    fn wire_form() {
        let json = |frame: Vec<u8>| {
            let start = if frame[1] == 126 { 4 } else { 2 };
            String::from_utf8(frame[start..].to_vec()).unwrap()
        };
        let now = Timestamp::parse_rfc3339("2025-06-05T17:00:10.25Z").unwrap();
        insta::assert_snapshot!(
            json(concurrent_session_usage(1, 2, Region::Eu1, now)),
            @r#"{"message":"Info","type":"concurrent_session_usage","reason":"1 concurrent sessions active out of quota 2","usage":1,"quota":2,"last_updated":"2025-06-05T17:00:10Z","region":"eu1"}"#
        );
        insta::assert_snapshot!(
            json(error(RealtimeError::NotAuthorised, "why \"so\"")),
            @r#"{"message":"Error","type":"not_authorised","reason":"why \"so\""}"#
        );
        insta::assert_snapshot!(
            json(session_timeout_warning("soon")),
            @r#"{"message":"Warning","type":"session_timeout","reason":"soon"}"#
        );
    }
}
