//! Reading `[registration]` and `[mail]`.

use std::path::PathBuf;

use control::{Registration, RegistrationPolicy};
use domain::{Plan, named_enum};

use super::problem::Report;
use super::reader::{Section, choice, filled, host, integer, list, parsed};
use super::settings::SecretPlace;
use crate::mail::{MailSettings, MailTls};

named_enum! {
    /// Who may make an account, as the file says it.
    Policy {
        /// Everybody.
        Open = "open",
        /// Whoever was invited.
        Invitation = "invitation",
        /// Whoever has an address of one of some domains.
        Domains = "domains",
        /// Nobody by themselves.
        Closed = "closed",
    }
}

/// Reads `[registration]`.
pub(super) fn registration(root: &mut Section<'_>, report: &mut Report) -> Registration {
    let mut section = root.section(report, "registration");
    let line = section.line(report, "domains").or_else(|| section.line(report, "policy")).unwrap_or(1);
    let default = Registration::default();
    let policy = section.read(report, "policy", choice(Policy::ALL, Policy::as_str));
    let domains = section.read(report, "domains", list(host)).unwrap_or_default();
    let plan = section.read(report, "plan", choice(Plan::ALL, Plan::as_str)).unwrap_or(default.plan);
    let is_by_domain = policy == Some(Policy::Domains);
    // Each says something only together with the other.
    if is_by_domain == domains.is_empty() && !report.records() {
        let message = if is_by_domain {
            "expected the domains whose addresses may register, as in [\"example.org\"]"
        } else {
            "domains are looked at where policy is \"domains\" alone: say so, or leave them out"
        };
        report.add(line, section.name("domains"), message);
    }
    section.finish(report);
    let policy = match policy {
        None => default.policy,
        Some(Policy::Open) => RegistrationPolicy::Open,
        Some(Policy::Invitation) => RegistrationPolicy::Invitation,
        Some(Policy::Domains) => RegistrationPolicy::Domains(domains),
        Some(Policy::Closed) => RegistrationPolicy::Closed,
    };
    Registration { policy, plan, may_sign_in_unconfirmed: false }
}

/// Reads `[mail]`; `None` where no server is named.
pub(super) fn mail(root: &mut Section<'_>, report: &mut Report) -> Option<MailSettings> {
    let mut section = root.section(report, "mail");
    let line = section.line(report, "host").or_else(|| section.line(report, "from")).unwrap_or(1);
    let host_name = section.read(report, "host", host);
    let tls = section.read(report, "tls", choice(MailTls::ALL, MailTls::as_str)).unwrap_or(MailTls::StartTls);
    let port = section.read(report, "port", integer(1, u64::from(u16::MAX)));
    let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(tls.usual_port());
    let from = section.read(report, "from", parsed(sender));
    let user = section.read(report, "user", filled);
    let password = password(&mut section, report);
    let settings =
        complete(&section, report, line, MailParts { host: host_name, port, tls, user, password, from });
    section.finish(report);
    settings
}

/// What `[mail]` says, each by itself.
struct MailParts {
    host: Option<String>,
    port: u16,
    tls: MailTls,
    user: Option<String>,
    password: Option<SecretPlace>,
    from: Option<String>,
}

fn complete(
    section: &Section<'_>,
    report: &mut Report,
    line: usize,
    parts: MailParts,
) -> Option<MailSettings> {
    let MailParts { host, port, tls, user, password, from } = parts;
    if report.records() || (host.is_none() && from.is_none()) {
        return None;
    }
    let (Some(host), Some(from)) = (host, from) else {
        let message = "mails need a server in host and a sender in from: one of them is missing";
        report.add(line, section.name("host"), message);
        return None;
    };
    if user.is_some() != password.is_some() {
        let message =
            "user and password belong together: the password stands in password_file or password_env";
        report.add(line, section.name("user"), message);
    }
    if tls == MailTls::None && !is_this_machine(&host) {
        let message = "without TLS everybody on the way reads the links in the mails: choose \"starttls\" or \"tls\"; \"none\" is \
                       for a mail server on this machine, as localhost or 127.0.0.1";
        report.add(line, section.name("tls"), message);
    }
    Some(MailSettings { host, port, tls, user, password, from })
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn sender(text: &str) -> Result<String, String> {
    match text.parse::<lettre::message::Mailbox>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!(
            "expected a sender, as in voxgate@example.org or Voxgate <voxgate@example.org>, found \"{text}\""
        )),
    }
}

fn password(section: &mut Section<'_>, report: &mut Report) -> Option<SecretPlace> {
    let line = section.line(report, "password_env");
    let file = section.read(report, "password_file", filled).map(PathBuf::from);
    let variable = section.read(report, "password_env", filled);
    match (file, variable) {
        (Some(path), None) => Some(SecretPlace::File(path)),
        (None, Some(name)) => Some(SecretPlace::Variable(name)),
        (None, None) => None,
        (Some(path), Some(_)) => {
            let message = "password_file says it already: keep one of the two";
            report.add(line.unwrap_or(1), section.name("password_env"), message);
            Some(SecretPlace::File(path))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;

    const SERVER: &str = "[mail]\nhost = \"mail.example.org\"\nfrom = \"voxgate@example.org\"\n";

    fn problems(text: &str) -> Vec<String> {
        load(text).unwrap_err().iter().map(|problem| problem.setting.clone()).collect()
    }

    /// Each policy is read, and what isn't one is refused: nobody registers by a typing mistake.
    #[test]
    fn policies_are_read() {
        let policy = |text: &str| {
            load(&format!("{SERVER}[registration]\n{text}\n")).unwrap().settings.registration.policy
        };
        assert_eq!(policy(""), RegistrationPolicy::Invitation);
        assert_eq!(policy("policy = \"open\""), RegistrationPolicy::Open);
        assert_eq!(policy("policy = \"closed\""), RegistrationPolicy::Closed);
        assert_eq!(
            policy("policy = \"domains\"\ndomains = [\"Example.org\"]"),
            RegistrationPolicy::Domains(vec!["example.org".to_owned()])
        );
        for (text, setting) in [
            ("policy = \"Open\"", "registration.policy"),
            ("policy = \"\"", "registration.policy"),
            ("policy = true", "registration.policy"),
            ("policy = \"domains\"", "registration.domains"),
            ("policy = \"open\"\ndomains = [\"example.org\"]", "registration.domains"),
            ("polciy = \"closed\"", "registration.polciy"),
        ] {
            assert_eq!(problems(&format!("{SERVER}[registration]\n{text}\n")), [setting], "{text}");
        }
        assert_eq!(problems("[registration]\npolicy = \"open\"\n"), ["registration.policy"]);
    }

    /// A mail server is read whole or refused: no half of a sign-in, no password in the file, nothing in plain to elsewhere.
    #[test]
    fn mail_servers_are_read() {
        let settings = load(SERVER).unwrap().settings.mail.unwrap();
        assert_eq!((settings.port, settings.tls), (587, MailTls::StartTls));
        let text = format!("{SERVER}tls = \"tls\"\nuser = \"voxgate\"\npassword_env = \"MAIL\"\n");
        let settings = load(&text).unwrap().settings.mail.unwrap();
        assert_eq!((settings.port, settings.password), (465, Some(SecretPlace::Variable("MAIL".to_owned()))));
        let local =
            "[mail]\nhost = \"127.0.0.1\"\nport = 2525\ntls = \"none\"\nfrom = \"Voxgate <v@example.org>\"\n";
        assert_eq!(load(local).unwrap().settings.mail.unwrap().port, 2525);
        assert_eq!(load("").unwrap().settings.mail, None);
        for (text, setting) in [
            (format!("{SERVER}tls = \"none\"\n"), "mail.tls"),
            (format!("{SERVER}tls = \"plain\"\n"), "mail.tls"),
            (format!("{SERVER}user = \"voxgate\"\n"), "mail.user"),
            (format!("{SERVER}password = \"hunter2\"\n"), "mail.password"),
            ("[mail]\nhost = \"mail.example.org\"\n".to_owned(), "mail.host"),
            ("[mail]\nhost = \"mail.example.org\"\nfrom = \"nobody\"\n".to_owned(), "mail.from"),
            ("[mail]\nhost = \"m.example\"\nfrom = \"a@b\\r\\nBcc: c@d\"\n".to_owned(), "mail.from"),
        ] {
            assert!(problems(&text).contains(&setting.to_owned()), "{text}");
        }
    }
}
