//! Reading terms from files as they are: versions as numbers, a single text instead of texts by locale, `null` for absent.

use crest::nearest;
use serde_json::{Map, Value};

use super::{Terms, TermsVersion};
use crate::html;
use crate::loose;
use crate::problem::{Problem, Problems, Severity, below};

const FILE: &str = "selfservice.terms.json";
const VERSIONS: &str = "versions";
const ACTIVE: &str = "active";
const UI_CONFIG: &str = "uiConfig";
const TRANSLATIONS: &str = "termsTranslations";

pub(super) fn file(file: &Value) -> (Terms, Vec<Problem>) {
    let mut problems = Problems::of(FILE);
    if !file.is_object() {
        problems.add(Severity::Error, "", "the file must hold a JSON object; there are no terms to accept");
        return (Terms::default(), problems.into_vec());
    }
    let versions = versions(file, &mut problems);
    let active = active(file, &versions, &mut problems);
    let ui_config = match loose::member(file, UI_CONFIG) {
        None => Map::new(),
        Some(Value::Object(config)) => config.iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect(),
        Some(_) => {
            problems.add(Severity::Warning, "/uiConfig", "'uiConfig' must be an object; built-in texts are shown");
            Map::new()
        }
    };
    (Terms { versions, active, ui_config }, problems.into_vec())
}

pub(super) fn inline(translations: &Value) -> (Terms, Vec<Problem>) {
    let mut problems = Problems::of("");
    let texts = texts(translations, "", &mut problems);
    if texts.is_empty() {
        problems.add(Severity::Error, "", "there is no text in any language; there are no terms to accept");
        return (Terms::default(), problems.into_vec());
    }
    let version = TermsVersion { version: None, create_date: None, texts };
    (Terms { versions: vec![version], active: Some(0), ui_config: Map::new() }, problems.into_vec())
}

fn versions(file: &Value, problems: &mut Problems) -> Vec<TermsVersion> {
    let listed: &[Value] = match loose::member(file, VERSIONS) {
        Some(Value::Array(versions)) => versions,
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        Some(_) => {
            problems.add(Severity::Error, "/versions", "'versions' must be a list");
            &[]
        }
        None => &[],
    };
    let mut versions: Vec<TermsVersion> = Vec::new();
    for (position, raw) in listed.iter().enumerate() {
        let pointer = below("/versions", &position.to_string());
        let Some(name) = loose::text(raw, "version") else {
            problems.add(Severity::Error, &pointer, "this version of the terms has no 'version'; it is left out");
            continue;
        };
        if versions.iter().any(|earlier| earlier.version.as_deref() == Some(&name)) {
            let message = format!("there is a version '{name}' already; the first counts");
            problems.add(Severity::Warning, &below(&pointer, "version"), message);
            continue;
        }
        let texts = match loose::member(raw, TRANSLATIONS) {
            Some(translations) => texts(translations, &below(&pointer, TRANSLATIONS), problems),
            None => Vec::new(),
        };
        if texts.is_empty() {
            problems.add(Severity::Warning, &pointer, format!("version '{name}' has no text in any language; it is left out"));
            continue;
        }
        versions.push(TermsVersion { version: Some(name), create_date: loose::text(raw, "createDate"), texts });
    }
    versions
}

fn active(file: &Value, versions: &[TermsVersion], problems: &mut Problems) -> Option<usize> {
    let Some(name) = loose::text(file, ACTIVE) else {
        problems.add(Severity::Warning, "", "no version of the terms is 'active'; there are none to accept");
        return None;
    };
    let found = versions.iter().position(|version| version.version.as_deref() == Some(&name));
    if found.is_none() {
        let hint = nearest(&name, versions.iter().filter_map(|version| version.version.as_deref()));
        let hint = hint.map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
        let message = format!("there is no version '{name}' with a text, so there are no terms to accept{hint}");
        problems.add(Severity::Error, "/active", message);
    }
    found
}

/// Texts by locale, made harmless. A single text stands for every language.
fn texts(translations: &Value, pointer: &str, problems: &mut Problems) -> Vec<(String, String)> {
    let raw: Vec<(String, &str, String)> = match translations {
        Value::String(text) => vec![(String::new(), text.as_str(), pointer.to_owned())],
        Value::Object(texts) => {
            let mut raw = Vec::new();
            for (locale, text) in texts.iter().filter(|(_, text)| !text.is_null()) {
                let pointer = below(pointer, locale);
                match text {
                    Value::String(text) => raw.push((locale.clone(), text.as_str(), pointer)),
                    _ => problems.add(Severity::Warning, &pointer, format!("the text for '{locale}' must be a string; it is left out")),
                }
            }
            raw
        }
        _ => {
            problems.add(Severity::Warning, pointer, "expected texts by locale");
            Vec::new()
        }
    };
    let mut texts = Vec::new();
    for (locale, text, pointer) in raw {
        let dropped = html::dropped_elements(text);
        if !dropped.is_empty() {
            let message = format!("not shown of this text, because it is more than formatting: <{}>", dropped.join(">, <"));
            problems.add(Severity::Warning, &pointer, message);
        }
        let clean = html::sanitise(text);
        if clean.trim().is_empty() {
            problems.add(Severity::Warning, &pointer, "nothing of this text can be shown; it is left out");
        } else {
            texts.push((locale, clean));
        }
    }
    texts
}
