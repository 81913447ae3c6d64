//! `vestibule check` for pages: an operator's templates, rendered with every sample in every language.

use std::path::Path;
use std::sync::Arc;

use project::Project;
use serde_json::{Value, json};

use crate::language::{COMPLETE, Catalogue, Languages};
use crate::lint::lint;
use crate::look::{self, Look};
use crate::samples;
use crate::table::ROWS;
use crate::template::{Fault, Templates};
use crate::wording;

/// Everything that is wrong with the pages of a project.
#[must_use]
pub fn check(root: Option<&Path>, project: &Project) -> Vec<Fault> {
    let look = Look::of(root, project);
    let mut faults = look.faults.clone();
    if look.templates.own().next().is_some() {
        faults.extend(check_templates(&look.templates, &look.languages));
    }
    faults.extend(check_messages(&look.catalogues, &look::own_templates(root)));
    if !look.brand.logo.is_empty() && look.logo().is_empty() {
        let message = format!("there is no picture '{}' in pages/assets, so the name stands in its place", look.brand.logo);
        faults.push(Fault { file: "vestibule.toml".to_owned(), line: None, message });
    }
    faults
}

/// What is wrong with a project's messages.
fn check_messages(catalogues: &[Catalogue], templates: &[String]) -> Vec<Fault> {
    let ours = wording::builtin(COMPLETE);
    let of = |catalogue: &Catalogue| {
        let file = format!("pages/messages/{}/{}", catalogue.language, catalogue.name);
        let faults = wording::faults(catalogue, &ours, templates);
        faults.into_iter().map(move |(line, message)| Fault { file: file.clone(), line: Some(line), message })
    };
    catalogues.iter().flat_map(of).collect()
}

/// What is wrong with templates, each fault once.
fn check_templates(templates: &Templates, languages: &Arc<Languages>) -> Vec<Fault> {
    let (ours, _) = Templates::with(languages, &[]);
    let mut faults: Vec<Fault> = Vec::new();
    let mut push = |fault: Fault| {
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    };
    for (name, template, context) in ROWS.iter().flat_map(|row| (row.samples)()) {
        for language in languages.tags() {
            let context = surrounded(context.clone(), language);
            match templates.render_strictly(&template, &context) {
                Err(fault) => push(fault),
                Ok(html) => {
                    let built_in = ours.render_own(&template, &context).unwrap_or_default();
                    for wrong in lint(&html, &built_in) {
                        push(Fault {
                            file: format!("pages/templates/{template}"),
                            line: None,
                            message: format!("{wrong} (as '{name}', {language})"),
                        });
                    }
                }
            }
        }
    }
    faults
}

/// A sample with what surrounds every page. Values that were not escaped come out as tags that no page has.
fn surrounded(context: Value, language: &str) -> Value {
    let own = json!({
        "languages": [{"tag": "en", "dir": "ltr", "name": "English", "current": language == "en"}, {"tag": "ar", "dir": "rtl", "name": "العربية", "current": language == "ar"}],
        "brand": {"name": "Example <value>", "logo": "", "logo_alt": "", "links": [{"text": "Privacy <value>", "href": "https://example.test/?a=1&b=2"}]},
        "logo": "",
        "assets": {"style": "/style.css", "script": "/page.js", "icon": "data:,"},
        "here": "/sample?at=1",
        "account": "",
    });
    samples::surrounded(context, language, own)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn languages() -> Arc<Languages> {
        Arc::new(Languages::with(&[]).0)
    }

    #[test]
    fn every_page_in_every_state_and_language_is_sound() {
        let languages = languages();
        let (templates, faults) = Templates::with(&languages, &[]);
        assert_eq!(faults, []);
        assert_eq!(check_templates(&templates, &languages), []);
    }

    #[test]
    fn every_page_of_the_table_has_samples() {
        for row in ROWS.iter().filter(|row| row.template.is_some()) {
            assert!(!(row.samples)().is_empty(), "{:?}", row.template);
        }
        let shown: BTreeSet<String> = ROWS.iter().flat_map(|row| (row.samples)()).map(|(_, template, _)| template).collect();
        let all = crate::template::BUILTIN.iter().map(|(name, _)| *name).filter(|name| !name.starts_with('_') && *name != "layout.html");
        let unseen: Vec<&str> = all.filter(|name| !shown.contains(*name)).collect();
        // The same words as the one that is shown.
        let alike = ["stages/userDetails.html", "stages/socialUserDetails.html", "stages/kbaSecurityAnswerDefinitionStage.html"];
        assert!(unseen.iter().all(|name| alike.contains(name)), "{unseen:?}");
    }

    #[test]
    fn an_operators_template_is_judged_as_ours_are() {
        let languages = languages();
        let wrong = "<html lang=\"{{ language }}\"><form method=\"post\"><input name=\"user\" id=\"u\"></form>{{ brand.name | safe }}";
        let (templates, faults) = Templates::with(&languages, &[("sign-in.html".to_owned(), wrong.to_owned())]);
        assert_eq!(faults, []);
        let found: Vec<String> =
            check_templates(&templates, &languages).into_iter().map(|fault| format!("{}: {}", fault.file, fault.message)).collect();
        let found = found.join("\n");
        for part in [
            "the field 'user' has no label",
            "has no form token",
            "a value was not escaped",
            "the field 'password' is missing",
            "lost autocomplete",
        ] {
            assert!(found.contains(part), "{part}: {found}");
        }
        let (_, faults) = Templates::with(&languages, &[("sign-in.html".to_owned(), "a\n{% if %}".to_owned())]);
        assert_eq!((faults[0].file.as_str(), faults[0].line), ("pages/templates/sign-in.html", Some(2)));
        let (templates, _) = Templates::with(&languages, &[("landing.html".to_owned(), "a\n\n{{ page.nothing.here }}".to_owned())]);
        let found = check_templates(&templates, &languages);
        assert!(found.iter().any(|fault| fault.line == Some(3)), "{found:?}");
    }

    /// A message that nobody says is dead, and one that is missing is a fault on somebody's page.
    #[test]
    fn no_message_is_missing_and_none_is_unused() {
        let templates: String = crate::template::BUILTIN.iter().map(|(_, source)| *source).collect();
        let sources = templates.clone() + &rust_sources();
        let defined: BTreeSet<String> = wording::builtin(COMPLETE).into_keys().collect();
        let quoted = |key: &str| sources.contains(&format!("\"{key}\""));
        let built = ["policy-", "property-", "process-", "end-", "edit-", "done-", "stage-userQuery-", "link-lead-", "ended-", "letter-"];
        for key in &defined {
            let is_trouble = crate::trouble::ALL.contains(&key.as_str());
            assert!(is_trouble || quoted(key) || built.iter().any(|start| key.starts_with(start)), "the message '{key}' is unused");
        }
        for text in templates.split("t(\"").chain(templates.split("ta(\"")).chain(sources.split("message(\"")).skip(1) {
            let key = text.split('"').next().unwrap_or_default();
            let is_key = !key.is_empty()
                && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
                && text.get(key.len()..key.len() + 2).is_some_and(|after| after == "\")" || after == "\",");
            let ends_open = key.ends_with('-') || key.len() < 3;
            assert!(!is_key || ends_open || defined.contains(key) || key == "x", "the message '{key}' is missing");
        }
    }

    /// A translation that lacks a message says it in English, one with another value says nothing, and one with a form too few counts wrongly.
    #[test]
    fn every_language_has_every_message_with_its_values_and_forms() {
        let (languages, faults) = Languages::with(&[]);
        assert_eq!(faults, []);
        assert_eq!(languages.tags().collect::<Vec<_>>(), ["ar", "de", "en", "es", "fr", "ja"]);
        let english = wording::builtin(COMPLETE);
        for language in languages.tags() {
            let own = wording::builtin(language);
            let names = |messages: &std::collections::BTreeMap<String, wording::Wording>| messages.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&own), names(&english), "{language}");
            for (name, wording) in &own {
                assert_eq!(wording.values, english[name].values, "{language}: {name}");
                assert_eq!(wording.lacks(language), [], "{language}: {name}");
            }
        }
    }

    /// What belongs to the typography of a language, and what gives a careless translation away.
    #[test]
    fn every_language_keeps_to_its_own_typography() {
        let wrong = |language: &str, text: &str| match language {
            // A narrow space that keeps the line stands before double marks (Imprimerie nationale, "Ponctuation").
            "fr" => [" :", " ;", " ?", " !"].iter().any(|mark| text.contains(mark)) || text.contains('\''),
            "es" => text.matches('?').count() != text.matches('¿').count() || text.matches('!').count() != text.matches('¡').count(),
            "ja" => text.contains(['，', '．', '?', '!']),
            "ar" => text.contains(['?', ';']) || text.contains(", "),
            _ => text.contains('\''),
        };
        for (language, name, source) in crate::language::CATALOGUES {
            let said = |line: &&str| !line.starts_with('#') && !line.contains("->");
            for line in source.lines().filter(said) {
                let text = line.split_once(" = ").map_or(line, |(_, text)| text).replace("\"\\u200E\"", "");
                assert!(!wrong(language, &text), "{language}/{name}: {line}");
                assert!(!text.contains(['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}']), "{language}/{name}: {line}");
            }
        }
    }

    #[test]
    fn an_operators_messages_are_judged_by_line() {
        let of = |source: &str| Catalogue { language: "de".into(), name: "own.ftl".into(), source: source.into() };
        let wrong = of("sign-in = Einloggen\nsignin = Einloggen\nmotto = Hallo\n");
        let found = check_messages(&[wrong], &["{{ t(\"motto\") }}".to_owned()]);
        assert_eq!(
            found.iter().map(|fault| (fault.file.as_str(), fault.line)).collect::<Vec<_>>(),
            [("pages/messages/de/own.ftl", Some(2))]
        );
    }

    fn rust_sources() -> String {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
        folder.map(|file| file.unwrap().path()).filter(|path| path.is_file()).map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }
}
