//! Query parameters. Each route reads its own; all others are ignored and go nowhere.

use std::borrow::Cow;

use domain::{Reason, Refusal, Timestamp};
use percent_encoding::percent_decode_str;

use super::Route;
use crate::limits::{LIST_LIMIT_MAX, WAIT_SECONDS_MAX};

/// A transcript's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `json-v2`, the default.
    JsonV2,
    /// `txt`.
    Txt,
    /// `srt`.
    Srt,
}

impl Format {
    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JsonV2 => "json-v2",
            Self::Txt => "txt",
            Self::Srt => "srt",
        }
    }
}

/// A calendar date.
pub type Date = jiff::civil::Date;

/// What a request's query asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// `wait`, in seconds, never more than [`WAIT_SECONDS_MAX`].
    pub wait: Option<u64>,
    /// `format`.
    pub format: Option<Format>,
    /// `limit`.
    pub limit: Option<u64>,
    /// `created_before`, rounded up to the microsecond: a job was made before it exactly if its time is less.
    pub created_before: Option<Timestamp>,
    /// `created_after`, rounded down to the microsecond.
    pub created_after: Option<Timestamp>,
    /// `include_deleted`.
    pub include_deleted: bool,
    /// `force`.
    pub force: bool,
    /// `since`.
    pub since: Option<Date>,
    /// `until`.
    pub until: Option<Date>,
    /// `output_format` of speech.
    pub output_format: Option<String>,
}

impl Query {
    /// Reads what the route and its method know.
    ///
    /// # Errors
    /// When a known parameter has a value out of range, of the wrong form, or two values.
    pub fn read(route: Route<'_>, creates: bool, raw: Option<&str>) -> Result<Self, Refusal> {
        let mut query = Self::default();
        let Some(raw) = raw else { return Ok(query) };
        let known: &[&str] = match (route, creates) {
            (Route::Jobs, true) => &["wait", "format"],
            (Route::Jobs, false) => &["limit", "created_before", "created_after", "include_deleted"],
            (Route::Job(_), _) => &["wait", "force"],
            (Route::Transcript(_), _) => &["wait", "format"],
            (Route::Usage, _) => &["since", "until"],
            (Route::Generate(_), _) => &["output_format"],
            (Route::Log(_) | Route::Data(_) | Route::Features, _) => &[],
        };
        let mut seen = 0_u32;
        for pair in raw.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name);
            let Some(place) = known.iter().position(|known| *known == name) else { continue };
            if seen & 1 << place != 0 {
                return Err(invalid(format!("{name} in query must be given once")));
            }
            seen |= 1 << place;
            query.take(known[place], &decode(value))?;
        }
        if query.since.zip(query.until).is_some_and(|(since, until)| since > until) {
            return Err(invalid("since in query should not come after until".to_owned()));
        }
        Ok(query)
    }

    fn take(&mut self, name: &'static str, value: &str) -> Result<(), Refusal> {
        match name {
            "wait" => self.wait = Some(whole(name, value, 0, u64::MAX)?.min(WAIT_SECONDS_MAX)),
            "limit" => self.limit = Some(whole(name, value, 1, LIST_LIMIT_MAX)?),
            "format" => self.format = Some(format(value)?),
            "created_before" => self.created_before = Some(moment(name, value, Round::Up)?),
            "created_after" => self.created_after = Some(moment(name, value, Round::Down)?),
            "include_deleted" => self.include_deleted = boolean(name, value)?,
            "force" => self.force = boolean(name, value)?,
            "since" => self.since = Some(date(name, value)?),
            "until" => self.until = Some(date(name, value)?),
            "output_format" => self.output_format = Some(speech_format(value)?),
            _ => {}
        }
        Ok(())
    }
}

fn decode(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        return Cow::Owned(percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

fn invalid(detail: String) -> Refusal {
    Refusal::new(Reason::InvalidValue, detail)
}

fn whole(name: &str, value: &str, min: u64, max: u64) -> Result<u64, Refusal> {
    let number: i64 = value.parse().map_err(|_| invalid(format!("{name} in query must be of type int64")))?;
    match u64::try_from(number) {
        Ok(number) if number > max => {
            Err(invalid(format!("{name} in query should be less than or equal to {max}")))
        }
        Ok(number) if number >= min => Ok(number),
        _ => Err(invalid(format!("{name} in query should be greater than or equal to {min}"))),
    }
}

fn format(value: &str) -> Result<Format, Refusal> {
    match value {
        "json-v2" => Ok(Format::JsonV2),
        "txt" => Ok(Format::Txt),
        "srt" => Ok(Format::Srt),
        _ => Err(invalid(String::from("format in query should be one of [json-v2 txt srt]"))),
    }
}

fn boolean(name: &str, value: &str) -> Result<bool, Refusal> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "t" | "y" | "on" => Ok(true),
        "false" | "0" | "no" | "f" | "n" | "off" => Ok(false),
        _ => Err(invalid(format!("{name} in query must be of type boolean"))),
    }
}

#[derive(Clone, Copy)]
enum Round {
    Up,
    Down,
}

fn moment(name: &str, value: &str, round: Round) -> Result<Timestamp, Refusal> {
    let wrong = || invalid(format!("{name} in query must be of type date-time"));
    // An offset's plus sign arrives as a space from clients that don't escape it.
    let text = value.replace(' ', "+");
    let time = text.parse::<jiff::Timestamp>().or_else(|_| {
        // Without an offset it is UTC, as everywhere in this API.
        text.parse::<jiff::civil::DateTime>().and_then(|time| jiff::tz::Offset::UTC.to_timestamp(time))
    });
    let nanos = time.map_err(|_| wrong())?.as_nanosecond();
    let micros =
        nanos.div_euclid(1000) + i128::from(matches!(round, Round::Up) && nanos.rem_euclid(1000) != 0);
    Ok(Timestamp::from_micros(i64::try_from(micros).map_err(|_| wrong())?))
}

fn date(name: &str, value: &str) -> Result<Date, Refusal> {
    const DATE_BYTES: usize = 10;
    let date = value.parse().ok().filter(|_| value.len() == DATE_BYTES);
    date.ok_or_else(|| invalid(format!("{name} in query must be of type date")))
}

fn speech_format(value: &str) -> Result<String, Refusal> {
    const BYTES_MAX: usize = 32;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if value.is_empty() || value.len() > BYTES_MAX || !value.bytes().all(plain) {
        return Err(invalid(String::from("output_format in query must be a name such as wav_16000")));
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(raw: &str) -> Result<Query, String> {
        Query::read(Route::Jobs, false, Some(raw)).map_err(|refusal| refusal.detail.into_owned())
    }

    /// Values of the wrong form are told in the wording that clients know; good ones beside them are read.
    #[test]
    fn wording() {
        assert_eq!(list("limit=1").unwrap().limit, Some(1));
        assert_eq!(list("limit=100&sm-sdk=js&limit2=0").unwrap().limit, Some(100));
        for (raw, message) in [
            ("limit=x", "limit in query must be of type int64"),
            ("limit=", "limit in query must be of type int64"),
            ("limit=1.0", "limit in query must be of type int64"),
            ("limit=0", "limit in query should be greater than or equal to 1"),
            ("limit=-1", "limit in query should be greater than or equal to 1"),
            ("limit=101", "limit in query should be less than or equal to 100"),
            ("limit=1&limit=2", "limit in query must be given once"),
            ("limit=1&%6cimit=2", "limit in query must be given once"),
            (
                "limit=1&include_deleted=true&include_deleted=true",
                "include_deleted in query must be given once",
            ),
            ("include_deleted=maybe", "include_deleted in query must be of type boolean"),
            ("created_before=yesterday", "created_before in query must be of type date-time"),
            ("created_after=", "created_after in query must be of type date-time"),
        ] {
            assert_eq!(list(raw), Err(message.to_owned()), "{raw}");
        }
        let format = Query::read(Route::Transcript("a"), false, Some("format=xml")).unwrap_err();
        assert_eq!(format.detail, "format in query should be one of [json-v2 txt srt]");
        let since = Query::read(Route::Usage, false, Some("since=2026-1-1")).unwrap_err();
        assert_eq!(since.detail, "since in query must be of type date");
        let backwards =
            Query::read(Route::Usage, false, Some("until=2026-01-01&since=2026-01-02")).unwrap_err();
        assert_eq!(backwards.detail, "since in query should not come after until");
        for raw in ["since=2026-01-01&until=2026-01-31", "since=2026-01-01&until=2026-01-01"] {
            assert!(Query::read(Route::Usage, false, Some(raw)).is_ok(), "{raw}");
        }
        assert_eq!(
            Query::read(Route::Job("a"), false, Some("wait=100")).unwrap().wait,
            Some(WAIT_SECONDS_MAX)
        );
        assert_eq!(Query::read(Route::Log("a"), false, Some("limit=x")).unwrap(), Query::default());
    }

    /// Each parameter of a route is read, in any order, with what it says.
    #[test]
    fn parameters_are_read() {
        let read = |route: Route<'_>, creates, raw: &str| Query::read(route, creates, Some(raw)).unwrap();
        let jobs =
            read(Route::Jobs, false, "include_deleted=true&limit=7&created_after=2026-01-02T03:04:05Z");
        assert_eq!((jobs.include_deleted, jobs.limit, jobs.wait), (true, Some(7), None));
        assert!(jobs.created_after.is_some() && jobs.created_before.is_none());
        let job = read(Route::Job("a"), false, "force=TRUE&wait=3");
        assert_eq!((job.force, job.wait), (true, Some(3)));
        for no in ["false", "0", "no", "f", "n", "off"] {
            assert!(!read(Route::Job("a"), false, &format!("force={no}")).force, "{no}");
        }
        for yes in ["true", "1", "yes", "t", "y", "on"] {
            assert!(read(Route::Job("a"), false, &format!("force={yes}")).force, "{yes}");
        }
        for (text, format) in [("json-v2", Format::JsonV2), ("txt", Format::Txt), ("srt", Format::Srt)] {
            let made = read(Route::Jobs, true, &format!("wait=0&format={text}"));
            assert_eq!((made.wait, made.format), (Some(0), Some(format)));
            assert_eq!(format.as_str(), text);
        }
        let usage = read(Route::Usage, false, "since=2026-01-01&until=2026-01-31");
        assert_eq!(usage.since.map(|date| date.to_string()).as_deref(), Some("2026-01-01"));
        assert_eq!(usage.until.map(|date| date.to_string()).as_deref(), Some("2026-01-31"));
        for (route, creates) in
            [(Route::Log("a"), false), (Route::Data("a"), false), (Route::Features, false)]
        {
            assert_eq!(read(route, creates, "wait=x&limit=x&force=x"), Query::default());
        }
        assert_eq!(read(Route::Jobs, true, "limit=x"), Query::default());
        assert_eq!(Query::read(Route::Jobs, false, None), Ok(Query::default()));
    }

    /// A format of speech is a short name, and nothing that means something in a URL.
    #[test]
    fn formats_of_speech_are_names() {
        let read = |value: &str| {
            let raw = format!("output_format={value}");
            Query::read(Route::Generate("a"), true, Some(&raw)).map(|query| query.output_format)
        };
        let longest = "a".repeat(32);
        for good in ["wav_16000", "pcm", longest.as_str()] {
            assert_eq!(read(good), Ok(Some(good.to_owned())));
        }
        for bad in ["", "wav-16000", "a%26b", "a+b", &format!("{longest}a")] {
            assert_eq!(read(bad).unwrap_err().reason, Reason::InvalidValue, "{bad}");
        }
    }

    /// Times are exact: whatever lies between two microseconds comes before the one above and after the one below.
    #[test]
    fn times_are_exact() {
        let exact = Timestamp::parse_rfc3339("2026-01-02T03:04:05.000006Z").unwrap();
        for text in [
            "2026-01-02T03:04:05.000006Z",
            "2026-01-02T05:04:05.000006%2B02:00",
            "2026-01-02T05:04:05.000006+02:00",
            "2026-01-02T03:04:05.000006",
            "2026-01-02T03%3A04%3A05.000006Z",
        ] {
            assert_eq!(
                list(&format!("created_before={text}")).unwrap().created_before,
                Some(exact),
                "{text}"
            );
            assert_eq!(list(&format!("created_after={text}")).unwrap().created_after, Some(exact), "{text}");
        }
        let between = "2026-01-02T03:04:05.0000065Z";
        let above = Timestamp::from_micros(exact.as_micros() + 1);
        assert_eq!(list(&format!("created_before={between}")).unwrap().created_before, Some(above));
        assert_eq!(list(&format!("created_after={between}")).unwrap().created_after, Some(exact));
    }

    proptest! {
        /// No query makes the reading panic.
        #[test]
        fn any_query_is_survived(raw in ".{0,100}") {
            for route in [Route::Jobs, Route::Job("a"), Route::Usage, Route::Generate("a"), Route::Transcript("a")] {
                let _ = Query::read(route, false, Some(&raw));
            }
        }
    }
}
