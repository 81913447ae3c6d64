//! Whether a catalogue fits the pages: its messages are ones that somebody says, ask for values that are there, and have every form of the
//! plural that their language knows (Unicode CLDR, "Language Plural Rules").

use std::collections::{BTreeMap, BTreeSet};

use fluent_bundle::FluentResource;
use fluent_syntax::ast::{CallArguments, Entry, Expression, InlineExpression, Pattern, PatternElement, Variant, VariantKey};
use intl_pluralrules::{PluralCategory, PluralRuleType, PluralRules};
use unic_langid::LanguageIdentifier;

use crate::language::{CATALOGUES, Catalogue};

/// Counts up to this one are looked at: nothing that pages count is larger, and no rule begins between it and a million.
const LARGEST: usize = 1000;

/// How messages begin that are made of names in a project: its requirements of policies, with the parameters of each, and its processes.
const OF_PROJECTS: [&str; 2] = ["policy-", "process-"];

/// A message as far as it can be judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wording {
    /// Names of the values that it asks for.
    pub(crate) values: BTreeSet<String>,
    counts: Vec<Count>,
}

/// A choice between forms by a number that the forms also say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Count {
    value: String,
    forms: BTreeSet<String>,
}

/// The messages of a catalogue. What cannot be read is left out.
pub(crate) fn wordings(source: &str) -> BTreeMap<String, Wording> {
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _)| resource);
    let message = |entry: &Entry<&str>| {
        let Entry::Message(message) = entry else { return None };
        let mut wording = Wording::default();
        let attributes = message.attributes.iter().map(|attribute| &attribute.value);
        message.value.iter().chain(attributes).for_each(|pattern| wording.read(pattern));
        Some((message.id.name.to_owned(), wording))
    };
    resource.entries().filter_map(message).collect()
}

/// The built-in messages of a language.
pub(crate) fn builtin(language: &str) -> BTreeMap<String, Wording> {
    let own = CATALOGUES.iter().filter(|(tag, ..)| *tag == language);
    own.flat_map(|(_, _, source)| wordings(source)).collect()
}

/// What is wrong with a project's catalogue beside the built-in messages: line and fault. `own` are the texts of its templates, which may
/// say messages of its own.
pub(crate) fn faults(catalogue: &Catalogue, builtin: &BTreeMap<String, Wording>, own: &[String]) -> Vec<(usize, String)> {
    let mut faults = Vec::new();
    for (name, wording) in wordings(&catalogue.source) {
        let starts = |line: &str| line.strip_prefix(name.as_str()).is_some_and(|rest| rest.trim_start().starts_with('='));
        let line = catalogue.source.lines().position(starts).map_or(1, |before| before + 1);
        let mut fault = |message: String| faults.push((line, message));
        match builtin.get(&name) {
            _ if OF_PROJECTS.iter().any(|start| name.starts_with(start)) => {}
            Some(ours) => {
                for value in wording.values.difference(&ours.values) {
                    let known: Vec<String> = ours.values.iter().map(|value| format!("${value}")).collect();
                    let known = if known.is_empty() { "has no values".to_owned() } else { format!("has {}", known.join(", ")) };
                    fault(format!("the message '{name}' asks for ${value}, but {known}: the built-in text is shown"));
                }
            }
            None if !own.iter().any(|template| template.contains(name.as_str())) => {
                fault(format!("no page says the message '{name}'"));
            }
            None => {}
        }
        for (value, forms) in wording.lacks(&catalogue.language) {
            fault(format!("the message '{name}' counts ${value}, and '{}' also has the plural form {forms}", catalogue.language));
        }
    }
    faults.sort();
    faults
}

impl Wording {
    /// Counts with the forms that a language has and the message lacks, `[few], [many]`.
    pub(crate) fn lacks(&self, language: &str) -> Vec<(&str, String)> {
        let rules = language.parse::<LanguageIdentifier>().ok().and_then(|language| rules(&language));
        let Some(rules) = rules else { return Vec::new() };
        let lacking = |count: &Count| {
            let form = |number: usize| rules.select(number).ok().as_ref().map(name);
            let needed: BTreeSet<&str> =
                (0..=LARGEST).filter(|number| !count.forms.contains(&number.to_string())).filter_map(form).collect();
            let lacks: Vec<String> = needed.iter().filter(|form| !count.forms.contains(**form)).map(|form| format!("[{form}]")).collect();
            lacks.join(", ")
        };
        self.counts.iter().map(|count| (count.value.as_str(), lacking(count))).filter(|(_, lacks)| !lacks.is_empty()).collect()
    }

    fn read(&mut self, pattern: &Pattern<&str>) {
        for element in &pattern.elements {
            match element {
                PatternElement::Placeable { expression } => self.expression(expression),
                PatternElement::TextElement { .. } => {}
            }
        }
    }

    fn expression(&mut self, expression: &Expression<&str>) {
        match expression {
            Expression::Inline(inline) => self.inline(inline),
            Expression::Select { selector, variants } => {
                self.inline(selector);
                let mut said = Self::default();
                for variant in variants {
                    said.read(&variant.value);
                }
                if let InlineExpression::VariableReference { id } = selector
                    && said.values.contains(id.name)
                {
                    self.counts.push(Count { value: id.name.to_owned(), forms: variants.iter().map(form).collect() });
                }
                self.values.extend(said.values);
                self.counts.extend(said.counts);
            }
        }
    }

    fn inline(&mut self, inline: &InlineExpression<&str>) {
        match inline {
            InlineExpression::VariableReference { id } => {
                self.values.insert(id.name.to_owned());
            }
            InlineExpression::Placeable { expression } => self.expression(expression),
            InlineExpression::FunctionReference { arguments, .. } => self.arguments(arguments),
            InlineExpression::TermReference { arguments, .. } => arguments.iter().for_each(|arguments| self.arguments(arguments)),
            InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } | InlineExpression::MessageReference { .. } => {
            }
        }
    }

    fn arguments(&mut self, arguments: &CallArguments<&str>) {
        arguments.positional.iter().for_each(|inline| self.inline(inline));
        arguments.named.iter().for_each(|argument| self.inline(&argument.value));
    }
}

/// The rules of a language, or of the one it is a kind of.
fn rules(language: &LanguageIdentifier) -> Option<PluralRules> {
    let plain = LanguageIdentifier::from_parts(language.language, None, None, &[]);
    let known = |language: &LanguageIdentifier| PluralRules::create(language.clone(), PluralRuleType::CARDINAL).ok();
    known(language).or_else(|| known(&plain))
}

fn form(variant: &Variant<&str>) -> String {
    let (VariantKey::Identifier { name } | VariantKey::NumberLiteral { value: name }) = &variant.key;
    (*name).to_owned()
}

fn name(category: &PluralCategory) -> &'static str {
    match category {
        PluralCategory::ZERO => "zero",
        PluralCategory::ONE => "one",
        PluralCategory::TWO => "two",
        PluralCategory::FEW => "few",
        PluralCategory::MANY => "many",
        PluralCategory::OTHER => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: &str = "{ $count ->\n    [one] One\n   *[other] { $count }\n}\n";

    fn found(language: &str, source: &str, own: &[String]) -> Vec<(usize, String)> {
        let catalogue = Catalogue { language: language.into(), name: "own.ftl".into(), source: source.into() };
        faults(&catalogue, &wordings(&format!("hello = Hello {{ $name }}\nthings = {COUNT}")), own)
    }

    #[test]
    fn a_message_asks_for_values_that_are_there() {
        assert_eq!(found("de", "# One\n\nhello = Hallo { $name }\n", &[]), []);
        let wrong = found("de", "# One\n\nhello = Hallo { $nam }\n", &[]);
        assert_eq!(wrong, [(3, "the message 'hello' asks for $nam, but has $name: the built-in text is shown".to_owned())]);
    }

    #[test]
    fn a_message_that_nobody_says_is_named_and_one_of_an_own_template_is_not() {
        assert_eq!(found("en", "helo = Hello\n", &[]), [(1, "no page says the message 'helo'".to_owned())]);
        assert_eq!(found("en", "motto = Hello\n", &["{{ t(\"motto\") }}".to_owned()]), []);
        assert_eq!(found("en", "policy-STAFF = Ends in { $domain }\nprocess-invite = Invite somebody\n", &[]), []);
    }

    #[test]
    fn a_count_has_every_form_of_its_language() {
        assert_eq!(found("de", &format!("things = {COUNT}"), &[]), []);
        assert_eq!(found("pl", &format!("things = {COUNT}"), &[]).len(), 1);
        let arabic = found("ar", &format!("things = {COUNT}"), &[]);
        assert!(arabic[0].1.ends_with("[few], [many], [two], [zero]"), "{arabic:?}");
        assert_eq!(found("ja", "things = { $count }\n", &[]), []);
        // A number that a form stands for needs no category.
        assert_eq!(
            found(
                "lv",
                "things = { $count ->\n    [0] none\n    [one] { $count }\n    [zero] { $count }\n   *[other] { $count }\n}\n",
                &[]
            ),
            []
        );
        // Nothing is counted where no form says the number.
        assert_eq!(found("ar", "things = { $count ->\n    [one] A\n   *[other] B\n}\n", &[]), []);
    }
}
