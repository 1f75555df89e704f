//! The languages that a job or session may name. The sandbox finds speech by energy, so it treats them all alike;
//! the list is there so that a wrong code is refused as a real engine refuses it.

use serde_json::{Value, json};

/// One language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Language {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    /// Written from right to left.
    pub(crate) right_to_left: bool,
    /// Written without spaces between words.
    pub(crate) unspaced: bool,
}

const fn plain(code: &'static str, name: &'static str) -> Language {
    Language { code, name, right_to_left: false, unspaced: false }
}

const fn right_to_left(code: &'static str, name: &'static str) -> Language {
    Language { code, name, right_to_left: true, unspaced: false }
}

const fn unspaced(code: &'static str, name: &'static str) -> Language {
    Language { code, name, right_to_left: false, unspaced: true }
}

/// Every language, by code.
pub(crate) const LANGUAGES: &[Language] = &[
    right_to_left("ar", "Arabic"),
    plain("ba", "Bashkir"),
    plain("be", "Belarusian"),
    plain("bg", "Bulgarian"),
    plain("bn", "Bengali"),
    plain("ca", "Catalan"),
    unspaced("cmn", "Mandarin"),
    plain("cs", "Czech"),
    plain("cy", "Welsh"),
    plain("da", "Danish"),
    plain("de", "German"),
    plain("el", "Greek"),
    plain("en", "English"),
    plain("eo", "Esperanto"),
    plain("es", "Spanish"),
    plain("et", "Estonian"),
    plain("eu", "Basque"),
    right_to_left("fa", "Persian"),
    plain("fi", "Finnish"),
    plain("fr", "French"),
    plain("ga", "Irish"),
    plain("gl", "Galician"),
    right_to_left("he", "Hebrew"),
    plain("hi", "Hindi"),
    plain("hr", "Croatian"),
    plain("hu", "Hungarian"),
    plain("ia", "Interlingua"),
    plain("id", "Indonesian"),
    plain("it", "Italian"),
    unspaced("ja", "Japanese"),
    plain("ko", "Korean"),
    plain("lt", "Lithuanian"),
    plain("lv", "Latvian"),
    plain("mn", "Mongolian"),
    plain("mr", "Marathi"),
    plain("ms", "Malay"),
    plain("mt", "Maltese"),
    plain("multi", "Several languages"),
    plain("nl", "Dutch"),
    plain("no", "Norwegian"),
    plain("pl", "Polish"),
    plain("pt", "Portuguese"),
    plain("ro", "Romanian"),
    plain("ru", "Russian"),
    plain("sk", "Slovak"),
    plain("sl", "Slovenian"),
    plain("sv", "Swedish"),
    plain("sw", "Swahili"),
    plain("ta", "Tamil"),
    unspaced("th", "Thai"),
    plain("tl", "Tagalog"),
    plain("tr", "Turkish"),
    right_to_left("ug", "Uyghur"),
    plain("uk", "Ukrainian"),
    right_to_left("ur", "Urdu"),
    plain("vi", "Vietnamese"),
    unspaced("yue", "Cantonese"),
];

/// What a batch job may name to have its language detected. The sandbox detects none and takes English.
const AUTOMATIC: &str = "auto";

impl Language {
    /// The language of a code, where a session names it.
    pub(crate) fn find(code: &str) -> Option<Language> {
        LANGUAGES.iter().find(|language| language.code == code).copied()
    }

    /// The language of a code, where a job names it: also `auto`, and two joined as in `cmn_en`.
    pub(crate) fn find_for_job(code: &str) -> Option<Language> {
        if code == AUTOMATIC {
            return Language::find("en");
        }
        match code.split_once('_') {
            None => Language::find(code),
            Some((first, second)) => Language::find(first).filter(|_| Language::find(second).is_some()),
        }
    }

    /// What stands between two words.
    pub(crate) fn delimiter(&self) -> &'static str {
        if self.unspaced { "" } else { " " }
    }

    /// The direction of one word, as results name it.
    pub(crate) fn direction(&self) -> &'static str {
        if self.right_to_left { "rtl" } else { "ltr" }
    }

    /// The `language_pack_info` of answers; says that this is a sandbox, and which.
    pub(crate) fn pack_info(&self, engine_name: &str) -> Value {
        json!({
            "adapted": false,
            "itn": false,
            "language_description": format!("{} (Voxgate sandbox {engine_name})", self.name),
            "word_delimiter": self.delimiter(),
            "writing_direction": if self.right_to_left { "right-to-left" } else { "left-to-right" },
        })
    }
}

/// The body of `GET /v1/discovery/features`.
pub(crate) fn features(engine_name: &str) -> Value {
    let codes: Vec<&str> = LANGUAGES.iter().map(|language| language.code).collect();
    let packs: serde_json::Map<String, Value> = LANGUAGES
        .iter()
        .map(|language| {
            let mut pack = language.pack_info(engine_name);
            pack["locales"] = json!({});
            (language.code.to_owned(), pack)
        })
        .collect();
    let products = json!({
        "transcription": [{ "version": crate::version::VERSION, "languages": codes, "locales": {}, "domains": {} }],
        "translation": [],
        "languageId": [],
    });
    json!({ "metadata": { "language_pack_info": packs }, "batch": products.clone(), "realtime": products })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known codes are found, unknown ones are not; jobs know two forms more than sessions.
    #[test]
    fn codes_are_found_or_not() {
        assert_eq!(Language::find("en").unwrap().name, "English");
        for wrong in ["", "EN", "xx", "en-US", "auto", "cmn_en"] {
            assert_eq!(Language::find(wrong), None, "{wrong}");
        }
        assert_eq!(Language::find_for_job("auto").unwrap().code, "en");
        assert_eq!(Language::find_for_job("cmn_en").unwrap().code, "cmn");
        assert_eq!(Language::find_for_job("en_xx"), None);
        assert!(LANGUAGES.is_sorted_by_key(|language| language.code));
    }
}
