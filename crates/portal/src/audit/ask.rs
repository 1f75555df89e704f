//! What of the log is asked for: read from the address, and written into links again.

use control::{AuditAction, AuditFilter, Control};
use domain::{Account, AccountId, Timestamp, WorkspaceId};
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::web::Problem;
use crate::workspace::list::link;

/// A text that is looked for, in characters: longer than any id, address or pseudonym.
const TEXT_CHARACTERS_MAX: usize = 300;
/// No event has this actor or subject.
const NOBODY: &str = "nobody";

/// The address as it came; a form sends fields that nobody filled in as empty ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Address {
    /// Who did it: an e-mail address, an id or a pseudonym.
    pub(crate) actor: String,
    /// What was done.
    pub(crate) action: String,
    /// To what: an id, an e-mail address or a pseudonym.
    pub(crate) subject: String,
    /// The first day.
    pub(crate) since: String,
    /// The last day.
    pub(crate) until: String,
    /// The number of the event that the page before ended with.
    pub(crate) after: Option<String>,
    /// Of a file: `csv` or `json`.
    pub(crate) format: String,
}

/// What can't be asked for.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// A day that is none, or the first after the last: a sentence for whoever typed it.
    Days(&'static str),
    /// Something else: only a link that was changed by hand has it, or the store failed.
    Problem(Problem),
}

impl From<Problem> for Wrong {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Address {
    /// What the form keeps, as a query at a path.
    pub(crate) fn link(&self, path: &str, format: &str) -> String {
        let mut kept = self.kept().to_vec();
        kept.push(("format", format));
        link(path, &kept, None)
    }

    /// The fields of the form.
    pub(crate) fn kept(&self) -> [(&str, &str); 5] {
        [
            ("actor", &self.actor),
            ("action", &self.action),
            ("subject", &self.subject),
            ("since", &self.since),
            ("until", &self.until),
        ]
    }

    /// Whether nothing narrows the list.
    pub(crate) fn is_open(&self) -> bool {
        self.kept().iter().all(|(_, value)| value.trim().is_empty())
    }

    /// The number of the event before which the page begins.
    pub(crate) fn before(&self) -> Result<Option<u64>, Problem> {
        self.after.as_deref().map(|text| text.parse().map_err(|_| Problem::not_found())).transpose()
    }

    /// Reads it. Days are those of the account's time zone.
    pub(crate) async fn filter(
        &self,
        control: &Control,
        account: &Account,
        workspace_id: Option<WorkspaceId>,
    ) -> Result<AuditFilter, Wrong> {
        let zone = TimeZone::get(&account.time_zone).unwrap_or(TimeZone::UTC);
        let (first, last) = (day(&self.since)?, day(&self.until)?);
        if first.zip(last).is_some_and(|(first, last)| first > last) {
            return Err(Wrong::Days("The first day must not come after the last one."));
        }
        let next = last.map(|last| last.checked_add(1.day()).map_err(|_| Wrong::Days(NO_DAY))).transpose()?;
        let action = Some(self.action.trim()).filter(|name| !name.is_empty());
        let action = action.map(|name| AuditAction::from_name(name).ok_or_else(Problem::not_found));
        let (subject, or_subject) = subject(control, &self.subject).await?;
        Ok(AuditFilter {
            workspace_id,
            action: action.transpose()?,
            actor: actor(control, &self.actor).await?,
            subject,
            or_subject,
            since: first.map(|first| start(first, &zone)).transpose()?,
            until: next.map(|next| start(next, &zone)).transpose()?,
        })
    }
}

const NO_DAY: &str = "A day is written like 2027-01-31.";

fn day(text: &str) -> Result<Option<Date>, Wrong> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    // Nothing but a date: jiff would also read one out of a longer text.
    let is_date = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date = is_date.then(|| text.parse().ok()).flatten();
    date.map(Some).ok_or(Wrong::Days(NO_DAY))
}

/// The first moment of a day in a zone.
fn start(day: Date, zone: &TimeZone) -> Result<Timestamp, Wrong> {
    let start = zone.to_timestamp(day.at(0, 0, 0, 0)).map_err(|_| Wrong::Days(NO_DAY))?;
    Ok(Timestamp::from_micros(start.as_microsecond()))
}

fn text(text: &str) -> Result<Option<&str>, Problem> {
    let text = text.trim();
    if text.chars().count() > TEXT_CHARACTERS_MAX || text.chars().any(char::is_control) {
        return Err(Problem::not_found());
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

async fn actor(control: &Control, given: &str) -> Result<Option<String>, Problem> {
    let Some(given) = text(given)? else { return Ok(None) };
    if given.contains('@') {
        let (account, _) = control.audit_pseudonyms_of(given).await?;
        return Ok(Some(account.unwrap_or_else(|| NOBODY.to_owned())));
    }
    Ok(Some(control.audit_pseudonym(given)))
}

async fn subject(control: &Control, given: &str) -> Result<(Option<String>, Option<String>), Problem> {
    let Some(given) = text(given)? else { return Ok((None, None)) };
    if given.contains('@') {
        let (account, invited) = control.audit_pseudonyms_of(given).await?;
        return Ok((Some(invited), account));
    }
    // Only accounts hide behind a pseudonym when something is done to them.
    let is_account = AccountId::parse(given).is_some();
    Ok((Some(if is_account { control.audit_pseudonym(given) } else { given.to_owned() }), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day is a date and nothing else, and begins at midnight of the zone, also where the clocks are changed.
    #[test]
    fn days_are_those_of_the_zone() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let begins =
            |text: &str, zone: &TimeZone| start(day(text).unwrap().unwrap(), zone).unwrap().to_rfc3339();
        assert_eq!(begins("2026-11-26", &TimeZone::UTC), "2026-11-26T00:00:00.000000Z");
        assert_eq!(begins("2026-11-26", &berlin), "2026-11-25T23:00:00.000000Z");
        assert_eq!(begins("2026-07-01", &berlin), "2026-06-30T22:00:00.000000Z");
        assert!(day(" ").unwrap().is_none());
        for wrong in
            ["yesterday", "2026-02-30", "2026-1-1", "2026-11-26T10:00:00Z", "26.11.2026", "-26-11-261"]
        {
            assert!(matches!(day(wrong), Err(Wrong::Days(_))), "{wrong}");
        }
    }
}
