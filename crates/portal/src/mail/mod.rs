//! Mails: what they say, and the port through which they leave.
//!
//! A mail is plain text with one link at most. Whoever sends one doesn't wait for it: how long an answer takes must not tell
//! whether there was anybody to write to.

pub(crate) mod letters;
mod outbox;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use domain::Clock;

pub use outbox::{OUTBOX_MAILS_MAX, Outbox};

/// A subject, in characters; the rest is cut off.
const SUBJECT_CHARACTERS_MAX: usize = 150;

/// A mail to one person. None of its lines can become another header: none of them holds a line break.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    to: String,
    subject: String,
    text: String,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its text holds a secret, its address names a person.
        f.debug_struct("Mail").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl Mail {
    /// A mail of these paragraphs.
    pub fn new(to: &str, subject: &str, paragraphs: &[&str]) -> Self {
        let subject = one_line(subject);
        Self {
            to: one_line(to),
            subject: subject.chars().take(SUBJECT_CHARACTERS_MAX).collect(),
            text: paragraphs.join("\n\n") + "\n",
        }
    }

    /// Who gets it.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// What it is about.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The same text without what would begin another line.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotMailed {
    /// This instance sends none.
    #[error("this instance sends no mail: whoever runs it can name a mail server in [mail]")]
    NoServer,
    /// Too many wait.
    #[error("too many mails wait to be sent: try again in a few minutes")]
    TooMany,
    /// The server refused it.
    #[error("the mail server did not take it: {0}")]
    Refused(String),
}

/// What [`Mailer::send_now`] becomes.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), NotMailed>> + Send + 'a>>;

/// The way out for mails.
pub trait Mailer: fmt::Debug + Send + Sync {
    /// Takes a mail and sends it when it can. Returns at once.
    ///
    /// # Errors
    /// When it isn't taken.
    fn send(&self, mail: Mail) -> Result<(), NotMailed>;

    /// Sends a mail while the caller waits, once: for trying whether mails leave.
    fn send_now(&self, mail: Mail) -> Sending<'_>;

    /// Whether mails leave at all.
    fn is_there(&self) -> bool {
        true
    }
}

/// Sends a mail, or leaves a line in the log; the person who caused it learns neither.
pub(crate) fn send_or_log(mailer: &dyn Mailer, mail: Mail) {
    if let Err(error) = mailer.send(mail) {
        tracing::error!(error = &error as &dyn std::error::Error, "a mail was not sent");
    }
}

/// The way out for mails, and those that left nowhere.
#[derive(Debug, Clone)]
pub struct Mails {
    /// The way out.
    pub mailer: Arc<dyn Mailer>,
    /// The mails of a dev instance, which its pages show.
    pub outbox: Option<Arc<Outbox>>,
}

impl Mails {
    /// They leave by this way.
    pub fn by(mailer: Arc<dyn Mailer>) -> Self {
        Self { mailer, outbox: None }
    }

    /// None leave.
    pub fn none() -> Self {
        Self::by(Arc::new(NoMail))
    }

    /// They stay here, for a page to show.
    pub fn kept(clock: Arc<dyn Clock>) -> Self {
        let outbox = Arc::new(Outbox::new(clock));
        Self { mailer: Arc::clone(&outbox) as _, outbox: Some(outbox) }
    }
}

/// No way out.
#[derive(Debug, Clone, Copy)]
pub struct NoMail;

impl Mailer for NoMail {
    fn send(&self, _: Mail) -> Result<(), NotMailed> {
        Err(NotMailed::NoServer)
    }

    fn send_now(&self, _: Mail) -> Sending<'_> {
        Box::pin(std::future::ready(Err(NotMailed::NoServer)))
    }

    fn is_there(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing that people type becomes a header of its own, or fills one.
    #[test]
    fn lines_stay_lines() {
        let mail = Mail::new(
            "a@b\r\nBcc: everybody@example.org",
            "Hello\r\nBcc: everybody@example.org\u{0}",
            &["one", "two"],
        );
        assert_eq!(mail.to(), "a@bBcc: everybody@example.org");
        assert_eq!(mail.subject(), "HelloBcc: everybody@example.org");
        assert_eq!(mail.text(), "one\n\ntwo\n");
        assert_eq!(
            Mail::new("a@b", &"x".repeat(1000), &[]).subject().chars().count(),
            SUBJECT_CHARACTERS_MAX
        );
        assert!(!format!("{mail:?}").contains("one"));
    }
}
