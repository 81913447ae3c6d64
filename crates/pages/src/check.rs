//! `vestibule check` for pages: an operator's templates, rendered with every sample in every language.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use project::{Diagnostic, Location, Position, Project, Severity};
use serde_json::{Value, json};

use crate::brand::Brand;
use crate::language::{COMPLETE, Catalogue, Languages};
use crate::lint::{MARK, lint};
use crate::look::{self, Look};
use crate::samples;
use crate::table::ROWS;
use crate::template::{BUILTIN, Fault, Templates};
use crate::wording;

/// Everything that is wrong with the pages of a project.
#[must_use]
pub fn check(root: Option<&Path>, project: &Project) -> Vec<Diagnostic> {
    let look = Look::of(root, project);
    let mut faults = look.faults.clone();
    faults.extend(look::unread(root));
    if look.templates.own().next().is_some() {
        faults.extend(check_templates(&look.templates, &look.languages));
    }
    faults.extend(check_messages(&look.catalogues, &look::own_templates(root)));
    let found = |fault: Fault| {
        let position = fault.line.map(|line| Position { line, column: 1 });
        Diagnostic::new(Severity::Error, "pages", Location { position, ..Location::file(fault.file) }, fault.message)
    };
    let mut findings: Vec<Diagnostic> = faults.into_iter().map(found).collect();
    findings.extend(Brand::findings(project, |logo| !look.picture(logo).is_empty()));
    findings
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

/// What is wrong with templates, each fault once for each file.
fn check_templates(templates: &Templates, languages: &Arc<Languages>) -> Vec<Fault> {
    let (ours, _) = Templates::with(languages, &[]);
    let alone: Vec<(&str, Templates)> = templates
        .own()
        .filter_map(|name| Some((name, Templates::with(languages, &[(name.to_owned(), templates.source(name)?)]).0)))
        .collect();
    let mut faults = unknown(templates);
    let mut found = BTreeSet::new();
    for (name, template, context) in shown(templates) {
        // Whoever is signed in has a form more at the top, and the logo stands for the name.
        let states = languages.tags().map(|language| (language, false)).chain([(COMPLETE, true)]);
        for (language, signed_in) in states {
            let context = surrounded(context.clone(), language, signed_in);
            let html = match templates.render_strictly(&template, &context) {
                Ok(html) => html,
                Err(fault) => {
                    if !faults.contains(&fault) {
                        faults.push(fault);
                    }
                    // What people see all the same may have more that is wrong with it.
                    let Ok(html) = templates.render_own(&template, &context) else { continue };
                    html
                }
            };
            for wrong in lint(&html, &built_in(&ours, &template, &context, &html)) {
                let is_its = |alone: &Templates| {
                    let html = alone.render_own(&template, &context).unwrap_or_default();
                    lint(&html, &built_in(&ours, &template, &context, &html)).contains(&wrong)
                };
                // The page may be ours, and the fault in a part of it that is theirs.
                let culprit = alone.iter().find(|(_, alone)| is_its(alone)).map(|(name, _)| *name);
                let file = culprit.unwrap_or(&template).to_owned();
                if found.insert((file.clone(), wrong.clone())) {
                    let message = format!("{wrong} (as '{name}', {language})");
                    faults.push(Fault { file: format!("pages/templates/{file}"), line: None, message });
                }
            }
        }
    }
    faults
}

/// The same page by the built-in template; where there is none, the page itself has nothing to fall behind.
fn built_in(ours: &Templates, template: &str, context: &Value, html: &str) -> String {
    if ours.has(template) { ours.render_own(template, context).unwrap_or_default() } else { html.to_owned() }
}

/// Every sample with the template that shows it. A stage's own template that no sample is of shows what such a stage may ask.
fn shown(templates: &Templates) -> Vec<(&'static str, String, Value)> {
    let mut shown: Vec<(&'static str, String, Value)> = ROWS.iter().flat_map(|row| (row.samples)()).collect();
    let of_stages = BUILTIN.iter().map(|(name, _)| *name).chain(templates.own()).filter(|name| name.starts_with("stages/"));
    let unseen: BTreeSet<&str> = of_stages.filter(|name| shown.iter().all(|(_, template, _)| template != name)).collect();
    for template in unseen {
        let like = if BUILTIN.iter().any(|(name, _)| *name == template) { "details" } else { "generic" };
        let sample =
            shown.iter().find(|(name, _, _)| *name == like).map(|(name, _, context)| (*name, template.to_owned(), context.clone()));
        shown.extend(sample);
    }
    shown
}

/// Templates that show nothing: no page is shown by one of that name, and none of the others has it in itself.
fn unknown(templates: &Templates) -> Vec<Fault> {
    let sources: Vec<(&str, String)> = templates.own().filter_map(|name| Some((name, templates.source(name)?))).collect();
    let is_used = |name: &str| sources.iter().any(|(other, source)| *other != name && source.contains(name));
    let is_known = |name: &str| name.starts_with("stages/") || BUILTIN.iter().any(|(known, _)| *known == name) || is_used(name);
    let fault = |name: &str| Fault {
        file: format!("pages/templates/{name}"),
        line: None,
        message: "no page is shown by a template of this name, and no other template includes it".to_owned(),
    };
    templates.own().filter(|name| !is_known(name)).map(fault).collect()
}

/// A sample with what surrounds every page. Values that were not escaped come out as tags that no page has.
fn surrounded(mut context: Value, language: &str, signed_in: bool) -> Value {
    let text = |text: &str| format!("{text}{MARK}");
    if let Some(Value::Object(page)) = context.get_mut("page") {
        for (name, value) in page {
            mark(value, name, name == "name");
        }
    }
    let own = json!({
        "languages": [{"tag": "en", "dir": "ltr", "name": "English", "current": language == "en"}, {"tag": "ar", "dir": "rtl", "name": "العربية", "current": language == "ar"}],
        "brand": {"name": text("Example"), "logo": "", "logo_alt": text("Logo"), "links": [{"text": text("Privacy"), "href": "https://example.test/?a=1&b=2"}]},
        "logo": if signed_in { "/logo.svg" } else { "" },
        "assets": {"style": "/style.css", "script": "/page.js", "icon": "data:,"},
        "here": text("/sample?at=1"),
        "account": if signed_in { text("bjensen") } else { String::new() },
    });
    samples::surrounded(context, language, own)
}

/// Members of contexts that are no text of anybody's: names, what templates compare, and HTML that was made safe. Whatever a visitor's address or form
/// can say is none of them.
const NAMES: [&str; 20] = [
    "again",
    "autocomplete",
    "becomes",
    "class",
    "does",
    "done",
    "field",
    "html",
    "key",
    "kind",
    "lang",
    "method",
    "name",
    "place",
    "process",
    "sign",
    "stage",
    "tag",
    "what",
    "why",
];

/// Marks every text in a context. Whatever stands in `values`, or is the `name` of a page, is one.
fn mark(value: &mut Value, name: &str, is_text: bool) {
    match value {
        Value::String(text) if !text.is_empty() && text != "true" && (is_text || !NAMES.contains(&name)) => {
            text.push_str(MARK);
        }
        Value::Array(list) => list.iter_mut().for_each(|one| mark(one, name, false)),
        Value::Object(members) => members.iter_mut().for_each(|(member, one)| mark(one, member, name == "values")),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
        let (templates, _) = Templates::with(&languages(), &[]);
        let shown: BTreeSet<String> = shown(&templates).into_iter().map(|(_, template, _)| template).collect();
        let all = BUILTIN.iter().map(|(name, _)| *name).filter(|name| !name.starts_with('_') && *name != "layout.html");
        assert_eq!(all.filter(|name| !shown.contains(*name)).collect::<Vec<_>>(), [""; 0]);
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

    fn found(own: &[(&str, &str)]) -> Vec<String> {
        let own: Vec<(String, String)> = own.iter().map(|(name, source)| ((*name).to_owned(), (*source).to_owned())).collect();
        let (templates, faults) = Templates::with(&languages(), &own);
        assert_eq!(faults, []);
        let found = check_templates(&templates, &languages());
        found.into_iter().map(|fault| format!("{}: {}", fault.file.trim_start_matches("pages/templates/"), fault.message)).collect()
    }

    /// A page of an operator's whose main part is this.
    fn page(main: &str) -> String {
        format!("{{% extends \"layout.html\" %}}{{% block title %}}x{{% endblock %}}{{% block main %}}{main}{{% endblock %}}")
    }

    /// A stage of a project's own may mail a code, and so may one that another stage shows.
    #[test]
    fn whatever_waits_for_a_code_can_be_sent_its_mail_again() {
        let (templates, _) = Templates::with(&languages(), &[]);
        let context = shown(&templates).into_iter().find(|(name, ..)| *name == "code").unwrap().2;
        for template in ["process.html", "stages/conditionaluser.html", "stages/emailValidation.html", "stages/socialUserClaim.html"] {
            let html = templates.render_own(template, &surrounded(context.clone(), "en", false)).unwrap();
            assert_eq!(html.matches("name=\"again\"").count(), 1, "{template}");
        }
    }

    #[test]
    fn no_text_of_anybodys_comes_out_unescaped() {
        for (template, main) in [
            ("account/dashboard.html", "<h1>{{ page.name | safe }}</h1>"),
            ("ended.html", "<p>{{ page.user_name | safe }}</p>"),
            ("account/profile.html", "{% for row in page.rows %}{{ row.value | safe }}{% endfor %}"),
            ("account/edit.html", "<p title=\"{{ page.pending | safe }}\">x</p>"),
            ("account/consent.html", "{% for one in page.mappings %}<p title='{{ one.title | safe }}'>x</p>{% endfor %}"),
            ("account/providers.html", "{% for one in page.own %}{{ one.account | safe }}{% endfor %}"),
        ] {
            let wrong = found(&[(template, &page(main))]);
            assert!(wrong.iter().any(|wrong| wrong.starts_with(&format!("{template}: a value was not escaped"))), "{main}: {wrong:?}");
        }
        let wrong = found(&[("account/dashboard.html", &page("<p title={{ page.name }}>x</p>"))]);
        assert!(wrong.iter().any(|wrong| wrong.contains("without quotation marks")), "{wrong:?}");
        assert_eq!(found(&[("account/dashboard.html", &page("<p title=\"{{ page.name }}\">{{ page.name }}</p>"))]), [""; 0]);
    }

    /// What is found where things of ours are changed: a template, what stood there, and what stands there now.
    fn changed(changes: &[(&str, &str, &str)]) -> Vec<String> {
        let mut own: BTreeMap<&str, String> = BTreeMap::new();
        for (template, from, to) in changes {
            let ours = BUILTIN.iter().find(|(name, _)| name == template).unwrap().1;
            let source = own.entry(*template).or_insert_with(|| ours.to_owned());
            assert!(source.contains(from), "{from}");
            *source = source.replacen(from, to, 1);
        }
        let own: Vec<(&str, &str)> = own.iter().map(|(name, source)| (*name, source.as_str())).collect();
        found(&own)
    }

    #[track_caller]
    fn assert_found(changes: &[(&str, &str, &str)], expected: &[(&str, &str)]) {
        let wrong = changed(changes);
        for (template, part) in expected {
            assert!(wrong.iter().any(|wrong| wrong.starts_with(template) && wrong.contains(part)), "{template}: {part}: {wrong:?}");
        }
    }

    /// Where somebody goes, which page they are on and which step they are at come from an address, and an address is anybody's.
    #[test]
    fn what_an_address_says_is_a_text_of_somebodys_too() {
        let safe = [
            ("sign-in.html", "{{ page.to }}", "{{ page.to | safe }}"),
            ("process.html", "{{ page.at }}", "{{ page.at | safe }}"),
            ("_providers.html", "{{ one.href }}", "{{ one.href | safe }}"),
        ];
        let expected = safe.map(|(template, ..)| (template, "a value was not escaped"));
        assert_found(&safe, &expected);
        // What every page has in itself is blamed first for what stands in others too.
        assert_found(&[("layout.html", "{{ here }}", "{{ here | safe }}")], &[("layout.html", "a value was not escaped")]);
        assert_found(
            &[
                ("sign-in.html", "\"{{ page.to }}\"", "{{ page.to }}"),
                (
                    "account/profile.html",
                    "<h1>",
                    "<script>var a={{ account }};</script><style>.x{content:\"{{ account | safe }}\"}</style><h1>",
                ),
                ("account/profile.html", "<h1>", "<!-- {{ account | safe }} --><a href=\"{{ account }}\">x</a><h1>"),
            ],
            &[
                ("sign-in.html", "without quotation marks"),
                ("account/profile.html", "in a 'script'"),
                ("account/profile.html", "in a 'style'"),
                ("account/profile.html", "in a comment"),
                ("account/profile.html", "the beginning of an address"),
            ],
        );
        assert_eq!(changed(&[("account/profile.html", "<h1>", "<!-- {{ account }} --><h1>")]), [""; 0]);
    }

    #[test]
    fn a_form_of_an_operators_is_sent_where_ours_is_and_as_ours_is() {
        assert_found(
            &[
                ("sign-in.html", "<button>{{ t(\"sign-in\") }}</button>", ""),
                ("sign-in.html", "<input type=\"hidden\" name=\"to\" value=\"{{ page.to }}\">", ""),
                ("sign-in.html", " method=\"post\"", ""),
                ("sign-in.html", "t(\"sign-in-title\")", "t(\"nope-nope\")"),
                ("_field.html", "{{ id }}\">{{ say(field.label) }}{%", "{{ id }}\">{%"),
            ],
            &[
                ("sign-in.html", "the form that is sent to '/sign-in' has no button"),
                ("sign-in.html", "the field 'to' is missing"),
                ("sign-in.html", "the password is written into the address"),
                ("sign-in.html", "there is no message 'nope-nope'"),
                ("_field.html", "the label of the field 'user' is empty"),
            ],
        );
        let elsewhere = [("sign-in.html", "action=\"/sign-in\"", "action=\"https://evil.example/\"")];
        assert_found(
            &elsewhere,
            &[("sign-in.html", "to another server: 'https://evil.example/'"), ("sign-in.html", "sent to '/sign-in' is missing")],
        );
    }

    #[test]
    fn a_fault_is_said_of_the_file_that_it_is_in() {
        let layout = BUILTIN.iter().find(|(name, _)| *name == "layout.html").unwrap().1;
        let without_token = layout.replacen("{% include \"_form-token.html\" %}", "", 1);
        let wrong = found(&[("layout.html", &without_token)]);
        assert_eq!(wrong.len(), 1, "the form to sign out is there for whoever is signed in: {wrong:?}");
        assert!(wrong[0].starts_with("layout.html: the form that is sent to '/sign-out' has no form token"), "{wrong:?}");
    }

    #[test]
    fn a_template_of_a_stage_of_ones_own_is_rendered_and_one_that_shows_nothing_is_named() {
        let wrong = found(&[("stages/mine.html", &page("<form method=\"post\"><input name=\"colour\"></form>"))]);
        assert!(wrong.iter().any(|wrong| wrong.starts_with("stages/mine.html: the field 'colour' has no label")), "{wrong:?}");
        assert!(wrong.iter().any(|wrong| wrong.contains("has no form token")) && !wrong.iter().any(|wrong| wrong.contains("is missing")));
        let wrong = found(&[("signin.html", "x"), ("part.html", "x"), ("landing.html", &page("{% include \"part.html\" %}"))]);
        assert!(wrong.iter().any(|wrong| wrong.starts_with("signin.html: no page is shown")), "{wrong:?}");
        assert!(!wrong.iter().any(|wrong| wrong.starts_with("part.html")), "{wrong:?}");
        let wrong = found(&[(
            "mail-link.html",
            &BUILTIN.iter().find(|(name, _)| *name == "mail-link.html").unwrap().1.replace(" name=\"confirm\"", ""),
        )]);
        assert!(wrong.iter().any(|wrong| wrong.contains("the button 'confirm' is missing")), "{wrong:?}");
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
