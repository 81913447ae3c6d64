//! `&{name}` and `&{name|default}` in the strings of a configuration, and the typed forms `{"$int": "&{name}"}`.
//!
//! As IDM documents them (setup guide, "Property value substitution"): several in one string, evaluation is recursive, the first
//! source that knows a name wins. The rule easiest to break: a name nobody knows is no fault of the file. It stays in the text and is
//! noted as a [`Flaw`] at its pointer; only a reader that needs that value makes an error of it.

mod transform;

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::source::join;

/// A value may be made of values made of values this deep.
const MAX_DEPTH: usize = 16;
/// Look-ups one text may cost, so that a handful of lines cannot grow without end.
const MAX_LOOKUPS: usize = 4096;
/// The longest text substitution makes, in bytes.
const MAX_LENGTH: usize = 1024 * 1024;

/// Who knows a name.
pub trait Names {
    /// The value of a name, not yet substituted itself.
    fn value_of(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> Names for F {
    fn value_of(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// The process environment as the caller wants the project to see it; this crate never reads the ambient one.
pub trait Environment {
    /// The value of an environment variable.
    fn variable(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> Environment for F {
    fn variable(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// The sources of a project in their order: environment, properties files, built-in locations.
pub struct ProjectNames<'a> {
    environment: &'a dyn Environment,
    layers: Vec<BTreeMap<String, String>>,
}

impl<'a> ProjectNames<'a> {
    /// `properties` from the strongest to the weakest; `home` is where the project lies.
    #[must_use]
    pub fn new(environment: &'a dyn Environment, mut properties: Vec<BTreeMap<String, String>>, home: &str) -> Self {
        const HOMES: [&str; 6] = [
            "idm.install.dir",
            "idm.instance.dir",
            "idm.data.dir",
            "launcher.install.location",
            "launcher.working.location",
            "launcher.project.location",
        ];
        properties.push(HOMES.iter().map(|name| ((*name).to_owned(), home.to_owned())).collect());
        Self { environment, layers: properties }
    }

    /// Defines one more built-in name; whatever else defines it is stronger.
    pub fn define(&mut self, name: &str, value: &str) {
        if let Some(built_in) = self.layers.last_mut() {
            built_in.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Is a name known from [`ProjectNames::define`] alone?
    pub(crate) fn is_built_in(&self, name: &str) -> bool {
        let (built_in, given) = match self.layers.split_last() {
            Some((built_in, given)) => (built_in.contains_key(name), given.iter().any(|layer| layer.contains_key(name))),
            None => (false, false),
        };
        built_in && !given && self.variable(name).is_none()
    }

    fn variable(&self, name: &str) -> Option<String> {
        let variable = name.replace('.', "_").to_uppercase();
        let plain = !variable.is_empty() && !variable.contains(['=', '\0']);
        plain.then(|| self.environment.variable(&variable)).flatten()
    }

    /// The value a properties file gives, without the environment and substituted, for the few names the product reads directly.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<String> {
        let text = self.layers.iter().find_map(|layer| layer.get(name))?;
        let expanded = expand(text, self);
        expanded.flaws.is_empty().then_some(expanded.text)
    }
}

impl ProjectNames<'_> {
    /// What scripts may ask for: every name that a file of the project defines, substituted, but for those that hold secrets.
    #[must_use]
    pub fn for_scripts(&self) -> BTreeMap<String, String> {
        const SECRETS: [&str; 4] = ["password", "secret", "keypass", "storepass"];
        let names = self.layers.iter().flat_map(BTreeMap::keys);
        let names = names.filter(|name| !SECRETS.iter().any(|secret| name.to_lowercase().contains(secret)));
        let value = |name: &String| {
            let expanded = expand(&format!("&{{{name}}}"), self);
            expanded.flaws.is_empty().then(|| (name.clone(), expanded.text))
        };
        names.filter_map(value).collect()
    }
}

impl Names for ProjectNames<'_> {
    fn value_of(&self, name: &str) -> Option<String> {
        self.variable(name).or_else(|| self.layers.iter().find_map(|layer| layer.get(name)).cloned())
    }
}

/// Why a value could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// No source defines this name.
    Unresolved(String),
    /// The value is made of itself, or is too long, or nests too deep.
    Endless(String),
    /// A typed form got something it cannot convert; the text says what.
    NotConvertible(String),
}

impl Flaw {
    /// The sentence for the operator.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Unresolved(name) => format!("nothing defines '{name}'"),
            Self::Endless(name) => format!("'{name}' expands without end"),
            Self::NotConvertible(what) => what.clone(),
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unresolved(name) => {
                let variable = name.replace('.', "_").to_uppercase();
                Some(format!("set the environment variable {variable}, or '{name}' in resolver/boot.properties"))
            }
            Self::Endless(_) | Self::NotConvertible(_) => None,
        }
    }
}

/// A text after substitution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// The text; what could not be resolved stands in it as it was written.
    pub text: String,
    /// What could not be resolved.
    pub flaws: Vec<Flaw>,
}

/// A document after substitution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Substituted {
    /// The document.
    pub value: Value,
    /// What could not be made, by JSON pointer.
    pub flaws: BTreeMap<String, Flaw>,
}

/// Substitutes every string of a document (not its keys) and applies the typed forms.
#[must_use]
pub fn substitute(value: &Value, names: &dyn Names) -> Substituted {
    let mut flaws = BTreeMap::new();
    let value = walk(value, String::new(), names, &mut flaws);
    Substituted { value, flaws }
}

fn walk(value: &Value, pointer: String, names: &dyn Names, flaws: &mut BTreeMap<String, Flaw>) -> Value {
    match value {
        Value::String(text) => {
            let expanded = expand(text, names);
            if let Some(flaw) = expanded.flaws.into_iter().next() {
                flaws.insert(pointer, flaw);
            }
            Value::String(expanded.text)
        }
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| walk(item, join(&pointer, &index.to_string()), names, flaws)).collect()
        }
        Value::Object(object) => match transform::apply(object, names) {
            Some(Ok(made)) => made,
            Some(Err(flaw)) => {
                flaws.insert(pointer, flaw);
                value.clone()
            }
            None => Value::Object(object.iter().map(|(key, item)| (key.clone(), walk(item, join(&pointer, key), names, flaws))).collect()),
        },
        other => other.clone(),
    }
}

/// Substitutes one text. `\&{` stands for `&{` itself.
#[must_use]
pub fn expand(text: &str, names: &dyn Names) -> Expanded {
    if !text.contains("&{") {
        return Expanded { text: text.to_owned(), flaws: Vec::new() };
    }
    let run = Run { names, lookups: Cell::new(0) };
    let mut flaws = Vec::new();
    let mut out = String::with_capacity(text.len());
    run.text(text, 0, &mut out, &mut flaws);
    Expanded { text: out, flaws }
}

struct Run<'a> {
    names: &'a dyn Names,
    lookups: Cell<usize>,
}

impl Run<'_> {
    fn text(&self, text: &str, depth: usize, out: &mut String, flaws: &mut Vec<Flaw>) {
        let mut rest = text;
        while let Some(at) = rest.find("&{") {
            let (before, from) = rest.split_at(at);
            let inside = from.get(2..).unwrap_or_default();
            if let Some(before) = before.strip_suffix('\\') {
                out.push_str(before);
                out.push_str("&{");
                rest = inside;
                continue;
            }
            out.push_str(before);
            let Some(end) = closing_brace(inside) else {
                // Unclosed: plain text, as IDM leaves it.
                out.push_str("&{");
                rest = inside;
                continue;
            };
            let (expression, after) = inside.split_at(end);
            self.expression(expression, depth, out, flaws);
            rest = after.get(1..).unwrap_or_default();
        }
        out.push_str(rest);
    }

    fn expression(&self, expression: &str, depth: usize, out: &mut String, flaws: &mut Vec<Flaw>) {
        let (written, default) = split_default(expression);
        let mut name = String::new();
        let mut fault = Vec::new();
        if depth < MAX_DEPTH {
            self.text(written, depth + 1, &mut name, &mut fault);
        }
        let name = name.trim();
        self.lookups.set(self.lookups.get() + 1);
        if depth >= MAX_DEPTH || self.lookups.get() > MAX_LOOKUPS || out.len() > MAX_LENGTH {
            flaws.push(Flaw::Endless(written.trim().to_owned()));
            return;
        }
        let known = if fault.is_empty() { self.names.value_of(name) } else { None };
        match (known, default) {
            (Some(value), _) => self.text(&value, depth + 1, out, flaws),
            (None, Some(default)) => self.text(default, depth + 1, out, flaws),
            (None, None) => {
                flaws.push(fault.into_iter().next().unwrap_or_else(|| Flaw::Unresolved(name.to_owned())));
                out.push_str("&{");
                out.push_str(expression);
                out.push('}');
            }
        }
    }
}

/// Offset of the brace that closes an expression, inner expressions skipped.
fn closing_brace(inside: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut previous = ' ';
    for (at, character) in inside.char_indices() {
        match character {
            '{' if previous == '&' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
        previous = character;
    }
    None
}

/// Name and default, split at the first bar that is not inside an inner expression.
fn split_default(expression: &str) -> (&str, Option<&str>) {
    let mut depth = 0usize;
    for (at, character) in expression.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return (expression.get(..at).unwrap_or_default(), expression.get(at + 1..)),
            _ => {}
        }
    }
    (expression, None)
}

#[cfg(test)]
mod tests;
