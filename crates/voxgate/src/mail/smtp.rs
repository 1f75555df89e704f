//! The SMTP client's end.

use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use portal::{Mail, Mailer, NotMailed, Sending};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::{MailSettings, MailTls};

/// Mails that may wait to be sent, those that are being sent among them.
pub const MAILS_WAITING_MAX: usize = 500;
/// Connections to the mail server at once.
const CONNECTIONS_MAX: usize = 4;
/// How long one conversation with the server may take, in seconds.
const CONVERSATION_SECONDS_MAX: u64 = 30;
/// How long to wait before a mail is tried again: the last try is within the life of the links in them.
const RETRY_SECONDS: [u64; 4] = [5, 30, 120, 600];

/// Why mails can't be sent as configured.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// TLS.
    #[error("the mail server {host} can't be spoken to by TLS: {source}")]
    Tls {
        /// Which server.
        host: String,
        /// What is wrong.
        #[source]
        source: lettre::transport::smtp::Error,
    },
    /// The sender.
    #[error(
        "mails can't come from {0}: expected an address, as in voxgate@example.org or Voxgate <voxgate@example.org>"
    )]
    From(String),
}

/// Sends mails by SMTP.
#[derive(Debug)]
pub struct Smtp {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    places: Arc<Semaphore>,
    connections: Semaphore,
}

/// What is to be done after a try failed.
enum Failed {
    /// It may work later.
    Later(String),
    /// It never will.
    Never(String),
}

impl Smtp {
    /// A client of this server.
    ///
    /// # Errors
    /// See [`MailError`].
    pub fn new(settings: &MailSettings, password: Option<Zeroizing<String>>) -> Result<Self, MailError> {
        type Transport = AsyncSmtpTransport<Tokio1Executor>;
        let tls = |source| MailError::Tls { host: settings.host.clone(), source };
        let builder = match settings.tls {
            MailTls::Tls => Transport::relay(&settings.host).map_err(tls)?,
            MailTls::StartTls => Transport::starttls_relay(&settings.host).map_err(tls)?,
            MailTls::None => Transport::builder_dangerous(&settings.host),
        };
        let mut builder =
            builder.port(settings.port).timeout(Some(Duration::from_secs(CONVERSATION_SECONDS_MAX)));
        if let (Some(user), Some(password)) = (&settings.user, password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.trim().to_owned()));
        }
        let from = settings.from.parse().map_err(|_| MailError::From(settings.from.clone()))?;
        let inner = Inner {
            transport: builder.build(),
            from,
            places: Arc::new(Semaphore::new(MAILS_WAITING_MAX)),
            connections: Semaphore::new(CONNECTIONS_MAX),
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Mailer for Smtp {
    fn send(&self, mail: Mail) -> Result<(), NotMailed> {
        let place = Arc::clone(&self.inner.places).try_acquire_owned().map_err(|_| NotMailed::TooMany)?;
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move {
            inner.deliver(&mail).await;
            drop(place);
        });
        Ok(())
    }

    fn send_now(&self, mail: Mail) -> Sending<'_> {
        Box::pin(async move {
            self.inner.try_once(&mail).await.map_err(|failed| match failed {
                Failed::Later(why) | Failed::Never(why) => NotMailed::Refused(why),
            })
        })
    }
}

impl Inner {
    /// Tries until the server takes a mail, or says that it never will, or the mail is too old to be of use.
    async fn deliver(&self, mail: &Mail) {
        let mut waits = RETRY_SECONDS.iter();
        loop {
            let why = match self.try_once(mail).await {
                Ok(()) => return,
                Err(Failed::Never(why)) => {
                    tracing::error!(why, "the mail server refuses a mail for good");
                    return;
                }
                Err(Failed::Later(why)) => why,
            };
            let Some(seconds) = waits.next() else {
                tracing::error!(why, "a mail was given up");
                return;
            };
            tracing::warn!(why, seconds, "a mail was not taken, it is tried again");
            tokio::time::sleep(Duration::from_secs(*seconds)).await;
        }
    }

    async fn try_once(&self, mail: &Mail) -> Result<(), Failed> {
        let message = self.message(mail).map_err(Failed::Never)?;
        let Ok(_connection) = self.connections.acquire().await else {
            return Err(Failed::Never(String::from("the instance ends")));
        };
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let why = without(&told(&error), mail.to());
                Err(if error.is_permanent() { Failed::Never(why) } else { Failed::Later(why) })
            }
        }
    }

    fn message(&self, mail: &Mail) -> Result<Message, String> {
        let to =
            mail.to().parse().map_err(|_| String::from("the address is none that mail can be sent to"))?;
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject())
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text().to_owned())
            .map_err(|error| error.to_string())
    }
}

/// What a server said, without the address that it may repeat, in whatever letters: no log of ours holds one.
fn without(said: &str, address: &str) -> String {
    let (lower, address) = (said.to_ascii_lowercase(), address.to_ascii_lowercase());
    let mut rest = 0;
    let mut shown = String::new();
    for (at, found) in lower.match_indices(&address) {
        shown.push_str(&said[rest..at]);
        shown.push_str("(the address)");
        rest = at + found.len();
    }
    shown + &said[rest..]
}

/// An error with its causes, as one line: servers say what they like.
fn told(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push_str(": ");
        said.push_str(&error.to_string());
        cause = error.source();
    }
    said.chars().filter(|character| !character.is_control()).take(300).collect()
}
