//! Templates (MiniJinja): those of the binary, and a project's own over them, each with limits.
//!
//! Easiest to get wrong: a template of a project is an operator's text and may be wrong at any time. What it breaks is shown by the built-in one,
//! and said with file and line; it never takes the page away from a person.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use fluent_bundle::FluentValue;
use identity::html::escape;
use minijinja::value::{Kwargs, Serde};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};
use serde::Deserialize as _;

use crate::language::{COMPLETE, Languages, direction};
use crate::way::encoded;
use crate::words::Words;

/// The templates of the binary.
macro_rules! builtin {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../templates/", $name)))),*] };
}

/// Name and text of every built-in template.
pub(crate) const BUILTIN: &[(&str, &str)] = builtin![
    "layout.html",
    "_again.html",
    "_field.html",
    "_form-token.html",
    "_problems.html",
    "_providers.html",
    "landing.html",
    "mail-link.html",
    "sign-in.html",
    "process.html",
    "confirm-link.html",
    "ended.html",
    "code-from-mail.html",
    "console.html",
    "signed-in-already.html",
    "dead-end.html",
    "account/dashboard.html",
    "account/profile.html",
    "account/edit.html",
    "account/sessions.html",
    "account/notifications.html",
    "account/consent.html",
    "account/providers.html",
    "stages/userQuery.html",
    "stages/emailValidation.html",
    "stages/kbaSecurityAnswerVerificationStage.html",
    "stages/resetStage.html",
    "stages/idmUserDetails.html",
    "stages/allInOneRegistration.html",
    "stages/userDetails.html",
    "stages/socialUserClaim.html",
    "stages/socialUserDetails.html",
    "stages/termsAndConditions.html",
    "stages/consent.html",
    "stages/kbaSecurityAnswerDefinitionStage.html",
    "stages/conditionaluser.html",
    "stages/captcha.html",
];

/// Work a template may do, in instructions of its machine; ours need a thousandth.
const FUEL: u64 = 500_000;
/// Largest page, in bytes.
const MAX_PAGE: usize = 8 * 1024 * 1024;

/// Something wrong with a file of a project's pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The file, below the project: `pages/templates/sign-in.html`.
    pub file: String,
    /// The line, from 1; nothing where no single one is to blame.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

/// Every template.
pub(crate) struct Templates {
    builtin: Environment<'static>,
    own: Option<Environment<'static>>,
    names: BTreeSet<String>,
    languages: Arc<Languages>,
}

impl Templates {
    /// The built-in ones with a project's own, name and text, over them. One that is no template is left out and reported.
    pub(crate) fn with(languages: &Arc<Languages>, own: &[(String, String)]) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let builtin = environment(languages);
        let mut names = BTreeSet::new();
        let mut over = (!own.is_empty()).then(|| environment(languages));
        if let Some(over) = &mut over {
            for (name, source) in own {
                if let Err(error) = over.add_template_owned(name.clone(), source.clone()) {
                    faults.push(fault(name, &error));
                    // The name stands for the built-in one again.
                    restore(over, name);
                } else {
                    names.insert(name.clone());
                }
            }
        }
        (Self { builtin, own: over, names, languages: Arc::clone(languages) }, faults)
    }

    /// The names of the project's own.
    pub(crate) fn own(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The text of a template.
    pub(crate) fn source(&self, name: &str) -> Option<String> {
        self.own.as_ref().unwrap_or(&self.builtin).get_template(name).ok().map(|template| template.source().to_owned())
    }

    /// Whether there is a template of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.own.as_ref().unwrap_or(&self.builtin).get_template(name).is_ok()
    }

    /// Renders a page by the project's templates.
    ///
    /// # Errors
    /// Where it cannot be: the file with its line.
    pub(crate) fn render_own(&self, name: &str, context: &serde_json::Value) -> Result<String, Fault> {
        render(self.own.as_ref().unwrap_or(&self.builtin), name, context).map_err(|error| fault(error.name().unwrap_or(name), &error))
    }

    /// Renders a page by the project's templates as [`Templates::render_own`], and takes nothing that is not there for empty, and no name of a message
    /// that is none for a sentence.
    ///
    /// # Errors
    /// Where it cannot be: the file with its line.
    pub(crate) fn render_strictly(&self, name: &str, context: &serde_json::Value) -> Result<String, Fault> {
        let mut strict = self.own.as_ref().unwrap_or(&self.builtin).clone();
        strict.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        for (name, plain) in [("t", false), ("ta", true)] {
            let known = Arc::clone(&self.languages);
            strict.add_function(name, move |state: &State<'_, '_>, key: String, values: Kwargs| {
                if !in_language(state, |language| known.has(language, &key)) {
                    return Err(Error::new(
                        ErrorKind::InvalidOperation,
                        format!("there is no message '{key}', so its name stands in its place"),
                    ));
                }
                sentence(&known, state, &key, &values, plain)
            });
        }
        render(&strict, name, context).map_err(|error| fault(error.name().unwrap_or(name), &error))
    }

    /// Renders a page; by the built-in templates where the project's own fail, which are reported then.
    ///
    /// # Errors
    /// Where the built-in one fails too, which is our fault.
    pub(crate) fn render(&self, name: &str, context: &serde_json::Value) -> Result<String, Fault> {
        if self.own.is_some() {
            match self.render_own(name, context) {
                Ok(html) => return Ok(html),
                Err(Fault { file, line, message }) => {
                    tracing::error!(file, line, "a page of the project cannot be shown, the built-in one is: {message}");
                }
            }
        }
        render(&self.builtin, name, context).map_err(|error| fault(error.name().unwrap_or(name), &error))
    }
}

fn environment(languages: &Arc<Languages>) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_formatter(write);
    environment.add_filter("urlencode", |text: String| encoded(&text));
    for (name, source) in BUILTIN {
        if let Err(error) = environment.add_template(name, source) {
            tracing::error!(template = name, %error, "a built-in template cannot be read");
        }
    }
    let known = Arc::clone(languages);
    environment.add_function("t", move |state: &State<'_, '_>, key: String, values: Kwargs| sentence(&known, state, &key, &values, false));
    let known = Arc::clone(languages);
    environment.add_function("ta", move |state: &State<'_, '_>, key: String, values: Kwargs| sentence(&known, state, &key, &values, true));
    let known = Arc::clone(languages);
    environment
        .add_function("has_message", move |state: &State<'_, '_>, key: String| in_language(state, |language| known.has(language, &key)));
    let known = Arc::clone(languages);
    environment.add_function("say", move |state: &State<'_, '_>, words: Value| said(&known, state, &words));
    let known = Arc::clone(languages);
    environment.add_function("say_plain", move |state: &State<'_, '_>, words: Value| said_plainly(&known, state, &words));
    environment
}

/// Writes a value into a page. Nothing and what is not known are empty.
fn write(output: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let broken = |_| Error::new(ErrorKind::WriteFailure, "the page cannot be written");
    if value.is_none() || value.is_undefined() {
        return Ok(());
    }
    match value.as_str() {
        Some(text) if value.is_safe() => output.write_str(text).map_err(broken),
        Some(text) => output.write_str(&escape(text)).map_err(broken),
        None => output.write_str(&escape(&value.to_string())).map_err(broken),
    }
}

fn restore(environment: &mut Environment<'static>, name: &str) {
    if let Some((name, source)) = BUILTIN.iter().find(|(known, _)| *known == name) {
        // It was one before, so it is one now.
        let _ = environment.add_template(name, source);
    }
}

fn render(environment: &Environment<'_>, name: &str, context: &serde_json::Value) -> Result<String, Error> {
    let mut page = Bounded(Vec::with_capacity(8 * 1024));
    environment.get_template(name)?.render_captured_to(Value::from(Serde(context)), &mut page)?;
    String::from_utf8(page.0).map_err(|_| Error::new(ErrorKind::BadSerialization, "the page is no text"))
}

/// A page that ends where it grows too large.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_PAGE {
            return Err(io::Error::other(format!("the page is larger than {MAX_PAGE} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn fault(name: &str, error: &Error) -> Fault {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    Fault { file: format!("pages/templates/{name}"), line: error.line(), message }
}

/// What `say` makes of the language of the page.
fn in_language<T>(state: &State<'_, '_>, say: impl FnOnce(&str) -> T) -> T {
    let tag = state.lookup("language");
    say(tag.as_ref().and_then(Value::as_str).unwrap_or(COMPLETE))
}

/// A sentence: for text as HTML, in which each text that somebody typed keeps its own direction; plain for attributes and titles.
fn sentence(languages: &Languages, state: &State<'_, '_>, key: &str, values: &Kwargs, plain: bool) -> Result<Value, Error> {
    let mut given: Vec<(&str, FluentValue<'static>)> = Vec::new();
    for name in values.args() {
        let value: Value = values.get(name)?;
        given.push((name, fluent(&value)));
    }
    Ok(in_language(state, |language| {
        if plain {
            Value::from(languages.plain(language, key, &given))
        } else {
            Value::from_safe_string(marked(languages, language, key, given))
        }
    }))
}

/// Marks that no text holds, around values in a sentence (Unicode, "Private Use Area").
const MARKS: [char; 2] = ['\u{F8F0}', '\u{F8F1}'];

/// A sentence as HTML, with `bdi` around its texts.
fn marked(languages: &Languages, language: &str, key: &str, mut values: Vec<(&str, FluentValue<'static>)>) -> String {
    for (_, value) in &mut values {
        if let FluentValue::String(text) = value {
            let text = text.replace(MARKS, "");
            *value = FluentValue::from(format!("{}{text}{}", MARKS[0], MARKS[1]));
        }
    }
    let said = languages.plain(language, key, &values);
    escape(&said).replace(MARKS[0], "<bdi>").replace(MARKS[1], "</bdi>")
}

fn fluent(value: &Value) -> FluentValue<'static> {
    match f64::try_from(value.clone()) {
        Ok(number) if value.is_number() => FluentValue::from(number),
        _ => FluentValue::from(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
    }
}

/// The words that a template names; what are none say nothing.
fn of_words(words: &Value) -> Words {
    Words::deserialize(words).unwrap_or_default()
}

fn values_of(words: &Words) -> Vec<(&str, FluentValue<'static>)> {
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::Number(number) => FluentValue::from(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => FluentValue::from(text.clone()),
        other => FluentValue::from(other.to_string()),
    };
    words.values.iter().map(|(name, given)| (name.as_str(), value(given))).collect()
}

/// What words say, as HTML: a text of the project's is marked with its language where that is another one.
fn said(languages: &Languages, state: &State<'_, '_>, words: &Value) -> Value {
    let words = of_words(words);
    if words.is_empty() {
        return Value::from("");
    }
    Value::from_safe_string(in_language(state, |language| {
        if !words.key.is_empty() {
            return marked(languages, language, known_key(languages, language, &words), values_of(&words));
        }
        let text = escape(&words.text);
        match words.lang.as_str() {
            "" => format!("<span dir=\"auto\">{text}</span>"),
            lang if lang.eq_ignore_ascii_case(language) => text.into_owned(),
            lang => format!("<span lang=\"{}\" dir=\"{}\">{text}</span>", escape(lang), direction(lang)),
        }
    }))
}

/// What words say, for an attribute or a title.
fn said_plainly(languages: &Languages, state: &State<'_, '_>, words: &Value) -> String {
    let words = of_words(words);
    if words.key.is_empty() {
        return words.text;
    }
    in_language(state, |language| languages.plain(language, known_key(languages, language, &words), &values_of(&words)))
}

/// A policy of the project's own has no sentence of ours.
fn known_key<'w>(languages: &Languages, language: &str, words: &'w Words) -> &'w str {
    if words.key.starts_with("policy-") && !languages.has(language, &words.key) { "policy-other" } else { &words.key }
}
