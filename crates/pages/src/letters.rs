//! Mails of our own in the words of the pages: `letter-<name>-subject` and `letter-<name>-body` of the catalogues, a project's own over ours.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use fluent_bundle::FluentValue;
use stages::OwnMails;

use crate::language::Languages;
use crate::look::{self, Stamp};

/// The mails of a project.
pub struct Letters {
    root: Option<PathBuf>,
    default_locale: String,
    spoken: Spoken,
}

/// What a project speaks. Its catalogues are read when they are first needed, and again after they have changed.
#[derive(Default)]
pub(crate) struct Spoken(ArcSwapOption<Seen>);

struct Seen {
    stamp: Stamp,
    languages: Arc<Languages>,
}

impl Spoken {
    /// The languages of the project at `root`.
    pub(crate) fn languages(&self, root: Option<&Path>) -> Arc<Languages> {
        let stamp = look::catalogue_stamp(root);
        if let Some(seen) = self.0.load_full().filter(|seen| seen.stamp == stamp) {
            return Arc::clone(&seen.languages);
        }
        let languages = Arc::new(look::languages(root));
        self.0.store(Some(Arc::new(Seen { stamp, languages: Arc::clone(&languages) })));
        languages
    }
}

impl Letters {
    /// The mails of the project at `root`; `default_locale` is for people none of whose languages is spoken.
    #[must_use]
    pub fn of(root: Option<&Path>, default_locale: &str) -> Self {
        Self { root: root.map(Path::to_owned), default_locale: default_locale.to_owned(), spoken: Spoken::default() }
    }
}

impl OwnMails for Letters {
    fn mail(&self, name: &str, locales: &[String], values: &[(&str, &str)]) -> (String, String) {
        let languages = self.spoken.languages(self.root.as_deref());
        let language = languages.choose(locales, &self.default_locale);
        let values: Vec<(&str, FluentValue<'_>)> = values.iter().map(|(name, value)| (*name, FluentValue::from(*value))).collect();
        let said = |part: &str| languages.plain(language, &format!("letter-{name}-{part}"), &values);
        (one_line(&said("subject")), said("body") + "\n")
    }
}

/// A header is one line, whatever an operator wrote.
fn one_line(text: &str) -> String {
    text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_in_the_readers_language_and_values_are_put_in_once() {
        let letters = Letters::of(None, "en");
        let mail = |locale: &str| {
            letters.mail("mailRequested", &[locale.to_owned()], &[("new", "a@b.test { $link }"), ("link", "https://x.test/1")])
        };
        for (locale, subject) in
            [("de-AT", "Ihre E-Mail-Adresse soll geändert werden"), ("ja", "メールアドレスの変更の申し込みがありました")]
        {
            let (found, body) = mail(locale);
            assert_eq!(found, subject);
            assert!(body.contains("a@b.test { $link }") && body.contains("\nhttps://x.test/1\n"), "{body}");
        }
        let (_, arabic) = mail("ar");
        assert!(!arabic.contains(['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}']), "{arabic}");
        assert_eq!(mail("tlh").0, mail("en").0);
    }

    #[test]
    fn a_projects_own_words_stand_before_ours_and_are_read_again() {
        let project = tempfile::tempdir().unwrap();
        let file = project.path().join("pages/messages/de/own.ftl");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let letters = Letters::of(Some(project.path()), "en");
        let subject = || letters.mail("noticePasswordChanged", &["de".to_owned()], &[]).0;
        assert_eq!(subject(), "Ihr Passwort wurde geändert");
        std::fs::write(&file, "letter-noticePasswordChanged-subject =\n    Neu:\n    Passwort\n").unwrap();
        assert_eq!(subject(), "Neu: Passwort");
    }
}
