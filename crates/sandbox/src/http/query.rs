//! Query parameters.

use super::reply::{ErrorName, Refusal};
use crate::jobs::store::Selection;
use crate::limits::LIST_JOBS_MAX;
use domain::Timestamp;
use percent_encoding::percent_decode_str;

/// The parameters of a request, decoded. Unknown ones are ignored by whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Query {
        let decode = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Query { pairs: pairs.collect() }
    }

    /// The first parameter of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A boolean; missing is false.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0" | "f" | "no") => Ok(false),
            Some("true" | "1" | "t" | "yes") => Ok(true),
            Some(_) => Err(unprocessable(format!("{name} in query must be of type boolean"))),
        }
    }

    /// What `GET /v2/jobs` selects.
    pub(crate) fn selection(&self) -> Result<Selection, Refusal> {
        Ok(Selection {
            created_before_ms: self.milliseconds("created_before")?,
            created_after_ms: self.milliseconds("created_after")?,
            include_deleted: self.flag("include_deleted")?,
            limit: self.limit()?,
        })
    }

    fn limit(&self) -> Result<Option<usize>, Refusal> {
        let Some(text) = self.get("limit") else { return Ok(None) };
        let limit: i64 =
            text.parse().map_err(|_| unprocessable("limit in query must be of type int64".to_owned()))?;
        if limit < 1 {
            return Err(unprocessable("limit in query should be greater than or equal to 1".to_owned()));
        }
        if limit > LIST_JOBS_MAX {
            let message = format!("limit in query should be less than or equal to {LIST_JOBS_MAX}");
            return Err(unprocessable(message));
        }
        Ok(Some(limit as usize))
    }

    fn milliseconds(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        // The plus of an offset that wasn't encoded arrives as a space.
        let time = Timestamp::parse_rfc3339(&text.replace(' ', "+"));
        let time = time
            .ok_or_else(|| unprocessable(format!("{name} in query must be of type date-time: {text:?}")))?;
        Ok(Some(time.as_micros().div_euclid(1000)))
    }
}

fn unprocessable(detail: String) -> Refusal {
    Refusal::new(422, ErrorName::UnprocessableEntity, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn selection(query: &str) -> Result<Selection, Refusal> {
        Query::parse(Some(query)).selection()
    }

    /// Values at the limits pass, those beyond are refused with their name.
    #[test]
    fn list_parameters_are_checked() {
        assert_eq!(selection("limit=1").unwrap().limit, Some(1));
        assert_eq!(selection("limit=100&x=y&z").unwrap().limit, Some(100));
        assert_eq!(selection("").unwrap().limit, None);
        assert!(selection("include_deleted=true").unwrap().include_deleted);
        for (query, detail) in [
            ("limit=0", "greater than or equal to 1"),
            ("limit=101", "less than or equal to 100"),
            ("limit=ten", "limit in query must be of type int64"),
            ("limit=", "int64"),
            ("created_before=yesterday", "created_before in query must be of type date-time"),
            ("created_after=1", "created_after"),
            ("include_deleted=maybe", "boolean"),
        ] {
            let refusal = selection(query).unwrap_err();
            assert_eq!((refusal.status, refusal.error), (422, ErrorName::UnprocessableEntity));
            assert!(refusal.detail.contains(detail), "{query}: {}", refusal.detail);
        }
    }

    /// Times are cut to milliseconds, with and without an offset, encoded or not.
    #[test]
    fn times_are_cut_to_milliseconds() {
        for query in [
            "created_before=1970-01-01T00:00:01.2349999Z",
            "created_before=1970-01-01T01%3A00%3A01.234%2B01%3A00",
            "created_before=1970-01-01T01:00:01.234+01:00",
        ] {
            assert_eq!(selection(query).unwrap().created_before_ms, Some(1_234), "{query}");
        }
    }

    proptest! {
        /// No query makes the parser panic.
        #[test]
        fn any_query_is_survived(query in "[a-z=&%+0-9é]{0,60}") {
            let _ = selection(&query);
        }
    }
}
