//! The complete commented file.

/// The file that `voxgate config example` prints: every setting, with what it is when nothing is said.
pub const EXAMPLE: &str = include_str!("../../assets/voxgate.toml");

#[cfg(test)]
mod tests {
    use super::super::{Settings, load};
    use super::*;

    /// The file that people start from says what the program does without it: nothing changes by using it.
    #[test]
    fn the_example_is_the_defaults() {
        let loaded = load(EXAMPLE).unwrap();
        assert_eq!(loaded.settings, Settings::default());
        assert_eq!(load("").unwrap().settings, Settings::default());
    }

    /// Every setting that the example shows as a comment is one that there is: taking the mark away gives a file that
    /// is read whole.
    #[test]
    fn the_commented_settings_exist() {
        let uncommented: String = EXAMPLE
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        // Either place of a secret is fine, both at once are told as a mistake.
        let problems = load(&uncommented).unwrap_err();
        let said: Vec<String> = problems.iter().map(|problem| problem.setting.clone()).collect();
        assert!(
            said.iter().all(|setting| {
                [
                    "master_key.env",
                    "master_key.command",
                    "next.env",
                    "next.command",
                    "listener[0].socket",
                    "engine_token_env",
                    "database.url",
                    "ledger_url",
                    "registration.domains",
                    "mail.password_env",
                    "client_secret_env",
                ]
                .iter()
                .any(|expected| setting.ends_with(expected))
            }),
            "{problems:?}"
        );
        assert!(said.contains(&"master_key.env".to_owned()));
    }
}
