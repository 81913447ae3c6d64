//! Sentences by language: Fluent catalogues (projectfluent.org), those of the binary with the project's own laid over them.
//!
//! Easiest to break: the marks that Fluent puts around values to keep directions apart (U+2068, U+2069) belong into no attribute, title, mail
//! subject or JSON. There are none here; in HTML an element (`bdi`) does the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

/// The language whose catalogue is complete: what another lacks is said in it.
pub(crate) const COMPLETE: &str = "en";

macro_rules! catalogues {
    ($($language:literal),*) => { &[$(
        catalogues!(@file $language, "common.ftl"),
        catalogues!(@file $language, "processes.ftl"),
        catalogues!(@file $language, "account.ftl"),
        catalogues!(@file $language, "errors.ftl"),
        catalogues!(@file $language, "mails.ftl"),
        catalogues!(@file $language, "providers.ftl"),
    )*] };
    (@file $language:literal, $name:literal) => { ($language, $name, include_str!(concat!("../messages/", $language, "/", $name))) };
}

/// The catalogues of the binary: language, name of the file, text.
pub(crate) const CATALOGUES: &[(&str, &str, &str)] = catalogues!["en", "de", "fr", "es", "ja", "ar"];

/// Languages that are written from right to left (Unicode, "Bidi" of their scripts).
const RIGHT_TO_LEFT: [&str; 10] = ["ar", "arc", "dv", "fa", "he", "ku", "ps", "sd", "ur", "yi"];

/// Every language there is.
pub(crate) struct Languages(BTreeMap<String, FluentBundle<FluentResource>>, Mutex<BTreeSet<String>>);

/// Most messages that are said to be missing.
const MOST_MISSING: usize = 100;

/// A catalogue that cannot be used, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CatalogueFault {
    /// Its name below `messages`, `de/common.ftl`.
    pub file: String,
    /// The line of the fault, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// A catalogue of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Catalogue {
    /// `de`.
    pub language: String,
    /// `common.ftl`.
    pub name: String,
    /// The text.
    pub source: String,
}

impl Languages {
    /// The catalogues of the binary with a project's own over them. What cannot be read of one is left out and reported.
    #[must_use]
    pub(crate) fn with(own: &[Catalogue]) -> (Self, Vec<CatalogueFault>) {
        let mut faults = Vec::new();
        let mut languages: BTreeMap<String, FluentBundle<FluentResource>> = BTreeMap::new();
        let builtin = CATALOGUES.iter().map(|(language, name, source)| (*language, *name, *source));
        let own = own.iter().map(|catalogue| (catalogue.language.as_str(), catalogue.name.as_str(), catalogue.source.as_str()));
        for (tag, name, source) in builtin.chain(own) {
            let fault = |line: usize, message: String| CatalogueFault { file: format!("{tag}/{name}"), line, message };
            let Ok(identifier) = tag.parse::<LanguageIdentifier>() else {
                faults.push(fault(1, format!("'{tag}' is no language tag, like 'de' or 'pt-BR'")));
                continue;
            };
            let bundle = languages.entry(tag.to_owned()).or_insert_with(|| {
                let mut bundle = FluentBundle::new_concurrent(vec![identifier]);
                bundle.set_use_isolating(false);
                bundle
            });
            let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, errors)| {
                faults.extend(errors.iter().map(|error| fault(line_of(source, error.pos.start), error.kind.to_string())));
                resource
            });
            bundle.add_resource_overriding(resource);
        }
        faults.dedup();
        (Self(languages, Mutex::default()), faults)
    }

    /// The tags of all languages, in order.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The language for somebody who reads `locales`, best first: one of theirs, or the nearest parent of one; else `default`, else
    /// English.
    #[must_use]
    pub(crate) fn choose(&self, locales: &[String], default: &str) -> &str {
        let mut wanted = locales.iter().map(String::as_str).chain([default, COMPLETE]);
        let found = wanted.find_map(|tag| self.nearest(&tag.replace('_', "-")));
        found.unwrap_or(COMPLETE)
    }

    /// The language of a tag, or of its nearest parent.
    pub(crate) fn nearest(&self, tag: &str) -> Option<&str> {
        let mut tag = tag;
        loop {
            if let Some((known, _)) = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(tag)) {
                return Some(known);
            }
            tag = tag.rsplit_once('-')?.0;
        }
    }

    /// Whether there is a sentence of this name in a language, or in English.
    #[must_use]
    pub(crate) fn has(&self, language: &str, key: &str) -> bool {
        [language, COMPLETE].iter().any(|tag| self.0.get(*tag).is_some_and(|language| language.has_message(key)))
    }

    /// A sentence, with these values in it as they are.
    #[must_use]
    pub(crate) fn plain(&self, language: &str, key: &str, values: &[(&str, FluentValue<'_>)]) -> String {
        let mut arguments = FluentArgs::with_capacity(values.len());
        for (name, value) in values {
            arguments.set((*name).to_owned(), value.clone());
        }
        for tag in [language, COMPLETE] {
            let Some(bundle) = self.0.get(tag) else { continue };
            let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else { continue };
            let mut errors = Vec::new();
            let said = bundle.format_pattern(pattern, Some(&arguments), &mut errors).into_owned();
            if errors.is_empty() {
                return said;
            }
            // A translation that asks for a value nobody has is no sentence.
            tracing::warn!(message = key, language = tag, "a message of the pages cannot be formatted: {errors:?}");
        }
        if self.is_new(key) {
            tracing::error!(message = key, "the pages have no message of this name");
        }
        key.to_owned()
    }

    /// Whether it was not said before that this message is missing: a page is shown often, and the log is told once.
    fn is_new(&self, key: &str) -> bool {
        let mut missing = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        missing.len() < MOST_MISSING && missing.insert(key.to_owned())
    }
}

/// `rtl` or `ltr`.
#[must_use]
pub(crate) fn direction(language: &str) -> &'static str {
    let primary = language.split('-').next().unwrap_or_default();
    if RIGHT_TO_LEFT.contains(&primary) { "rtl" } else { "ltr" }
}

fn line_of(source: &str, at: usize) -> usize {
    source.get(..at).unwrap_or(source).matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(language: &str, source: &str) -> Catalogue {
        Catalogue { language: language.into(), name: "own.ftl".into(), source: source.into() }
    }

    #[test]
    fn a_message_that_is_missing_is_said_to_be_once() {
        let (languages, _) = Languages::with(&[]);
        assert_eq!(languages.plain("en", "nope-nope", &[]), "nope-nope");
        assert!(!languages.is_new("nope-nope"));
        assert!((0..2 * MOST_MISSING).filter(|number| languages.is_new(&number.to_string())).count() < MOST_MISSING);
    }

    #[test]
    fn the_nearest_language_of_a_person_is_chosen_and_english_says_the_rest() {
        let (languages, faults) = Languages::with(&[own("de", "sign-in = Anmelden"), own("pt-BR", "sign-in = Entrar")]);
        assert!(faults.is_empty());
        let chosen = |tags: &[&str]| languages.choose(&tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>(), "en").to_owned();
        assert_eq!(chosen(&["de-AT", "en"]), "de");
        assert_eq!(chosen(&["pt_BR"]), "pt-BR");
        assert_eq!(chosen(&["nl", "tlh"]), "en");
        assert_eq!(languages.plain("de", "sign-in", &[]), "Anmelden");
        assert_eq!(languages.plain("pt-BR", "sign-out", &[]), languages.plain("en", "sign-out", &[]));
    }

    #[test]
    fn no_mark_of_direction_stands_in_a_sentence() {
        let (languages, _) = Languages::with(&[own("en", "hello-x = Hello { $name }")]);
        assert_eq!(languages.plain("en", "hello-x", &[("name", FluentValue::from("Jane"))]), "Hello Jane");
    }

    #[test]
    fn a_catalogue_that_cannot_be_read_is_reported_with_its_line() {
        let (languages, faults) = Languages::with(&[own("en", "sign-in = In\nbroken = { $\nsign-out = Out\n")]);
        assert_eq!((faults.len(), faults[0].file.as_str(), faults[0].line), (1, "en/own.ftl", 2));
        assert_eq!(languages.plain("en", "sign-in", &[]), "In");
    }
}
