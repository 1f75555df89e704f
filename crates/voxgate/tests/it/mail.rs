//! Mails leave by SMTP: to a server that speaks the protocol for real, and notes every line.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use portal::{Mail, Mailer as _, NotMailed};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use voxgate::mail::{MailSettings, MailTls, Smtp};

/// How the server answers the end of a mail, one mail after the other; then it takes all.
type Answers = Arc<Mutex<Vec<&'static str>>>;

#[derive(Clone)]
struct Server {
    port: u16,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), lines: Arc::default() };
        let answers: Answers = Arc::new(Mutex::new(answers.to_vec()));
        let lines = Arc::clone(&server.lines);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&lines), Arc::clone(&answers)));
            }
        });
        server
    }

    fn settings(&self, tls: MailTls) -> MailSettings {
        MailSettings {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            tls,
            user: None,
            password: None,
            from: "Voxgate <voxgate@example.org>".to_owned(),
        }
    }

    fn mailer(&self) -> Smtp {
        Smtp::new(&self.settings(MailTls::None), None).unwrap()
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    fn count(&self, line: &str) -> usize {
        self.lines().iter().filter(|noted| *noted == line).count()
    }

    /// Waits until a line came so often.
    async fn until(&self, line: &str, times: usize) {
        let look = async {
            while self.count(line) < times {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), look).await.unwrap();
    }
}

async fn serve(stream: TcpStream, lines: Arc<Mutex<Vec<String>>>, answers: Answers) {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read).lines();
    write.write_all(b"220 mail.example.org\r\n").await.unwrap();
    let mut in_data = false;
    while let Ok(Some(line)) = read.next_line().await {
        lines.lock().unwrap().push(line.clone());
        let answer = match line.as_str() {
            "." if in_data => {
                in_data = false;
                let mut answers = answers.lock().unwrap();
                if answers.is_empty() { "250 taken" } else { answers.remove(0) }
            }
            _ if in_data => continue,
            "DATA" => {
                in_data = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

fn mail(to: &str) -> Mail {
    Mail::new(to, "Grüße", &["Öffnen Sie:", "https://portal.example.org/verify-email?token=abc"])
}

/// A mail arrives with its sender, its recipient, its subject and its link whole; nothing in it is another header.
#[tokio::test]
async fn a_mail_arrives() {
    let server = Server::start(&[]).await;
    server.mailer().send_now(mail("ada@example.org")).await.unwrap();
    let lines = server.lines();
    for line in [
        "MAIL FROM:<voxgate@example.org>",
        "RCPT TO:<ada@example.org>",
        "From: Voxgate <voxgate@example.org>",
        "To: ada@example.org",
        "Content-Type: text/plain; charset=utf-8",
    ] {
        assert!(lines.iter().any(|noted| noted.starts_with(line)), "{line} is missing in {lines:#?}");
    }
    assert!(lines.iter().any(|line| line.starts_with("Subject: =?utf-8?b?")), "{lines:#?}");
    let text = lines.join("\n").replace("=\n", "").replace("=3D", "=");
    assert!(text.contains("https://portal.example.org/verify-email?token=abc"), "{text}");

    let many = "ada@example.org\r\nBcc: everybody@example.org";
    let refused = server.mailer().send_now(mail(many)).await;
    assert!(matches!(refused, Err(NotMailed::Refused(_))), "{refused:?}");
    let subject = Mail::new("ada@example.org", "x\r\nBcc: everybody@example.org", &["text"]);
    server.mailer().send_now(subject).await.unwrap();
    assert!(
        !server.lines().iter().any(|line| line.starts_with("Bcc") || line.contains("RCPT TO:<everybody"))
    );
}

/// A mail that isn't taken now is tried again, one that never will be is not; and whoever sends waits for neither.
#[tokio::test]
async fn what_is_refused_for_now_is_tried_again() {
    let server = Server::start(&["451 later"]).await;
    let mailer = server.mailer();
    mailer.send(mail("ada@example.org")).unwrap();
    // The first retry comes after seconds, of the machine's clock: conversations with a real server don't stand still.
    server.until(".", 2).await;
    let never = Server::start(&["550 no such mailbox"]).await;
    let refused = never.mailer().send_now(mail("eve@example.org")).await;
    assert!(matches!(refused, Err(NotMailed::Refused(why)) if why.contains("550")));
    assert_eq!(never.count("."), 1);
}

/// A server that repeats whom a mail was for has that address in no log of ours; what else it says is told.
#[tokio::test]
async fn what_a_server_repeats_is_not_told() {
    let server = Server::start(&["550 5.1.1 <Eve@Example.org>: no such mailbox"]).await;
    let refused = server.mailer().send_now(mail("eve@example.org")).await;
    let Err(NotMailed::Refused(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("no such mailbox") && !why.to_lowercase().contains("eve@"), "{why}");
}

/// Nobody waits for a mail server that says nothing, and there is an end to how many mails wait.
#[tokio::test]
async fn nobody_waits_for_the_server() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server { port: silent.local_addr().unwrap().port(), lines: Arc::default() };
    let mailer = server.mailer();
    for _ in 0..voxgate::mail::MAILS_WAITING_MAX {
        mailer.send(mail("ada@example.org")).unwrap();
    }
    assert_eq!(mailer.send(mail("ada@example.org")), Err(NotMailed::TooMany));
}

/// A server that doesn't offer TLS gets nothing where TLS was asked for: whoever sits in between can't take it away.
#[tokio::test]
async fn tls_is_not_given_up() {
    let server = Server::start(&[]).await;
    for tls in [MailTls::StartTls, MailTls::Tls] {
        let mailer = Smtp::new(&server.settings(tls), None).unwrap();
        assert!(mailer.send_now(mail("ada@example.org")).await.is_err());
    }
    assert!(
        !server.lines().iter().any(|line| line.contains("ada@") || line == "DATA"),
        "{:?}",
        server.lines()
    );
}
