//! Reading `[sign_in]`: what is demanded of whoever signs in, and other providers that people can sign in with.

use std::path::PathBuf;

use control::{ProviderKind, SecondFactorPolicy};

use super::problem::Report;
use super::reader::{Section, choice, filled, host, list, parsed};
use super::settings::{ProviderSettings, SecretPlace};

/// A provider's id, in characters.
const ID_CHARACTERS_MAX: usize = 32;
/// What a provider can say of itself.
const KEYS: [&str; 8] = [
    "id",
    "name",
    "kind",
    "issuer",
    "client_id",
    "client_secret_file",
    "client_secret_env",
    "allowed_domains",
];

/// Reads `[sign_in]`.
pub(super) fn sign_in(
    root: &mut Section<'_>,
    report: &mut Report,
) -> (SecondFactorPolicy, Vec<ProviderSettings>) {
    let mut section = root.section(report, "sign_in");
    let policies = choice(SecondFactorPolicy::ALL, SecondFactorPolicy::as_str);
    let second_factor = section.read(report, "second_factor", policies);
    let sections = section.sections(report, "provider").unwrap_or_default();
    section.finish(report);
    (second_factor.unwrap_or(SecondFactorPolicy::Offered), providers(sections, report))
}

/// Reads all providers. A section without settings is none: the example shows one so.
fn providers(sections: Vec<(usize, Section<'_>)>, report: &mut Report) -> Vec<ProviderSettings> {
    let mut providers: Vec<ProviderSettings> = Vec::new();
    for (line, section) in sections {
        let name = section.name("id");
        let Some(provider) = provider(line, section, report) else { continue };
        if providers.iter().any(|other| other.id == provider.id) {
            report.add(line, name, format!("there is a provider with the id \"{}\" already", provider.id));
        }
        providers.push(provider);
    }
    providers
}

fn provider(line: usize, mut section: Section<'_>, report: &mut Report) -> Option<ProviderSettings> {
    let absent = |section: &Section<'_>, report: &Report, key| section.line(report, key).is_none();
    let is_empty = KEYS.iter().all(|key| absent(&section, report, key));
    let id = section.read(report, "id", parsed(id));
    let name = section.read(report, "name", filled);
    let kind = section.read(report, "kind", choice(ProviderKind::ALL, ProviderKind::as_str));
    let issuer = section.read(report, "issuer", parsed(issuer));
    let client_id = section.read(report, "client_id", filled);
    let client_secret = secret(&mut section, report);
    let allowed_domains = section.read(report, "allowed_domains", list(host)).unwrap_or_default();
    let missing: Vec<&str> = KEYS.into_iter().filter(|key| absent(&section, report, key)).collect();
    let path = section.name("");
    section.finish(report);
    if is_empty || report.records() {
        return None;
    }
    let issuer = issuer.or_else(|| kind.and_then(usual_issuer).map(str::to_owned));
    let mut tell = |key: &str, message: &str| report.add(line, format!("{path}{key}"), message);
    for key in ["id", "kind", "client_id"].into_iter().filter(|key| missing.contains(key)) {
        tell(key, "a provider needs an id, a kind and a client_id");
    }
    if kind == Some(ProviderKind::Oidc) && missing.contains(&"issuer") {
        tell("issuer", "expected the issuer's address, as in https://accounts.example.org");
    }
    if client_secret.is_none() && kind.is_some_and(|kind| kind != ProviderKind::Oidc) {
        tell(
            "client_secret_file",
            "this kind of provider needs a secret: name the file or the environment variable that holds it",
        );
    }
    let (id, kind) = (id?, kind?);
    Some(ProviderSettings {
        name: name.unwrap_or_else(|| usual_name(kind).unwrap_or(&id).to_owned()),
        id,
        kind,
        issuer: issuer?,
        client_id: client_id?,
        client_secret,
        allowed_domains,
    })
}

const fn usual_issuer(kind: ProviderKind) -> Option<&'static str> {
    match kind {
        ProviderKind::GitHub => Some("https://github.com"),
        ProviderKind::Google => Some("https://accounts.google.com"),
        ProviderKind::Oidc => None,
    }
}

const fn usual_name(kind: ProviderKind) -> Option<&'static str> {
    match kind {
        ProviderKind::GitHub => Some("GitHub"),
        ProviderKind::Google => Some("Google"),
        ProviderKind::Oidc => None,
    }
}

/// It stands in addresses and in the database.
fn id(text: &str) -> Result<String, String> {
    let is_plain = text.len() <= ID_CHARACTERS_MAX
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_plain {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "expected at most {ID_CHARACTERS_MAX} small letters, digits and hyphens, found \"{text}\""
        ))
    }
}

/// Over TLS, or on this machine, as the client asks no other.
fn issuer(text: &str) -> Result<String, String> {
    if control::is_provider_address(text) {
        return Ok(text.to_owned());
    }
    Err(format!("expected an address that starts with https://, found \"{text}\""))
}

fn secret(section: &mut Section<'_>, report: &mut Report) -> Option<SecretPlace> {
    let line = section.line(report, "client_secret_env");
    let file = section.read(report, "client_secret_file", filled).map(PathBuf::from);
    let variable = section.read(report, "client_secret_env", filled);
    match (file, variable) {
        (Some(path), None) => Some(SecretPlace::File(path)),
        (None, Some(name)) => Some(SecretPlace::Variable(name)),
        (None, None) => None,
        (Some(path), Some(_)) => {
            let message = "client_secret_file says it already: keep one of the two";
            report.add(line.unwrap_or(1), section.name("client_secret_env"), message);
            Some(SecretPlace::File(path))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let problems = load(&format!("[[sign_in.provider]]\n{text}\n")).unwrap_err();
        problems
            .iter()
            .map(|problem| problem.setting.trim_start_matches("sign_in.provider[0].").to_owned())
            .collect()
    }

    /// A second factor is demanded where the file says so, in these words; what is misspelt is told, not taken for the default.
    #[test]
    fn the_second_factor_is_read() {
        let policy = |text: &str| load(text).unwrap().settings.second_factor;
        assert_eq!(policy(""), SecondFactorPolicy::Offered);
        assert_eq!(policy("[sign_in]\nsecond_factor = \"offered\"\n"), SecondFactorPolicy::Offered);
        let required = "[sign_in]\nsecond_factor = \"required\"\n";
        assert_eq!(policy(required), SecondFactorPolicy::Required);
        let settings = load(required).unwrap().settings;
        let control = crate::serve::control_config(&settings, &|_| None).unwrap();
        assert_eq!(control.second_factor, SecondFactorPolicy::Required, "it reaches the control plane");
        let provider = "[[sign_in.provider]]\nid = \"work\"\nkind = \"oidc\"\nissuer = \"https://a.b\"\nclient_id = \"c\"\n";
        let both = load(&format!("{required}{provider}")).unwrap().settings;
        assert_eq!((both.second_factor, both.providers.len()), (SecondFactorPolicy::Required, 1));
        for (text, setting) in [
            ("second_factor = \"Required\"", "sign_in.second_factor"),
            ("second_factor = \"\"", "sign_in.second_factor"),
            ("second_factor = true", "sign_in.second_factor"),
            ("second_factors = \"required\"", "sign_in.second_factors"),
        ] {
            let problems = load(&format!("[sign_in]\n{text}\n")).unwrap_err();
            assert_eq!(problems[0].setting, setting, "{text}");
        }
    }

    /// A provider is read with what is usual for its kind.
    #[test]
    fn providers_are_read() {
        let text = "[[sign_in.provider]]\nid = \"github\"\nkind = \"github\"\nclient_id = \"c\"\nclient_secret_env = \"S\"\n\
                    [[sign_in.provider]]\nid = \"work\"\nname = \"Work\"\nkind = \"oidc\"\nissuer = \"https://id.example.org\"\n\
                    client_id = \"c\"\nallowed_domains = [\"Example.org\"]\n";
        let providers = load(text).unwrap().settings.providers;
        let told: Vec<_> =
            providers.iter().map(|one| (one.id.as_str(), one.name.as_str(), one.issuer.as_str())).collect();
        assert_eq!(
            told,
            [("github", "GitHub", "https://github.com"), ("work", "Work", "https://id.example.org")]
        );
        assert_eq!(providers[0].client_secret, Some(SecretPlace::Variable("S".to_owned())));
        assert_eq!(providers[1].allowed_domains, ["example.org"]);
        assert!(load("[[sign_in.provider]]\n").unwrap().settings.providers.is_empty());
    }

    /// What is missing or can't be is told: no provider over plain HTTP, none without an issuer, no secret in the file.
    #[test]
    fn mistakes_are_told() {
        const OIDC: &str = "id = \"work\"\nkind = \"oidc\"\nclient_id = \"c\"";
        for (text, setting) in [
            (OIDC.to_owned(), "issuer"),
            (format!("{OIDC}\nissuer = \"http://id.example.org\""), "issuer"),
            (format!("{OIDC}\nissuer = \"id.example.org\""), "issuer"),
            ("id = \"Work\"\nkind = \"oidc\"\nclient_id = \"c\"\nissuer = \"https://a.b\"".to_owned(), "id"),
            ("kind = \"oidc\"\nclient_id = \"c\"\nissuer = \"https://a.b\"".to_owned(), "id"),
            ("id = \"work\"\nkind = \"saml\"\nclient_id = \"c\"".to_owned(), "kind"),
            ("id = \"g\"\nkind = \"google\"\nclient_id = \"c\"".to_owned(), "client_secret_file"),
            (format!("{OIDC}\nissuer = \"https://a.b\"\nclient_secret = \"hunter2\""), "client_secret"),
        ] {
            assert_eq!(problems(&text), [setting], "{text}");
        }
        let twice = format!("{OIDC}\nissuer = \"https://a.b\"\n");
        let twice = load(&format!("[[sign_in.provider]]\n{twice}[[sign_in.provider]]\n{twice}")).unwrap_err();
        assert_eq!(twice[0].setting, "sign_in.provider[1].id");
    }
}
