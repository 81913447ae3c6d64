//! Values for what is asked: the first that its schema allows and that the policies of the property take.
//!
//! Easiest to break: a value that is refused is an answer that nobody gave, and what lies behind it was never tried. So every value is held against
//! the schema, and against the policies that a server would ask.

mod pattern;

use identity::{DeclaredPolicy, JsonType, ObjectSchema, Property};
use serde_json::{Map, Value, json};

/// The password that somebody chooses, where nothing is asked of it.
pub(crate) const NEW_PASSWORD: &str = "Quartz-Harbour-58";
/// Texts that people write.
const TEXTS: [&str; 12] = [
    "Something",
    "+47 555 0101",
    "somebody@example.com",
    "https://example.com",
    "2001-02-03",
    "12345",
    "2001-02-03T04:05:06Z",
    "04:05:06",
    "P1D",
    "en",
    "true",
    "Abc-123",
];
/// Most values of a list that are tried.
const MOST_LISTED: usize = 8;
/// Longest text that is made.
const LONGEST: usize = 512;

/// Whether the policies take a value of a property.
type Takes<'a> = Box<dyn Fn(&str, &Value) -> bool + 'a>;

/// Values for the properties of a collection.
#[derive(Default)]
pub(crate) struct Fitting<'a> {
    schema: Option<&'a ObjectSchema>,
    takes: Option<Takes<'a>>,
}

impl<'a> Fitting<'a> {
    pub(crate) fn new(schema: Option<&'a ObjectSchema>, takes: impl Fn(&str, &Value) -> bool + 'a) -> Self {
        Self { schema, takes: Some(Box::new(takes)) }
    }

    fn takes(&self, name: &str, value: &Value) -> bool {
        self.takes.as_ref().is_none_or(|takes| takes(name, value))
    }

    /// A value for a property: by what is shown of it, and by what the schema says; another than `except`, where there is one.
    pub(crate) fn value(&self, name: &str, shown: &Value, except: Option<&Value>) -> Value {
        let name = name.trim_start_matches('/');
        let declared = self.schema.and_then(|schema| schema.property(name)).map(declaration);
        let mut all = candidates(shown);
        all.extend(declared.iter().flat_map(candidates));
        let others = || all.iter().filter(|value| Some(*value) != except);
        let found = others().find(|value| self.takes(name, value)).or_else(|| all.iter().find(|value| self.takes(name, value)));
        found.or_else(|| others().next()).cloned().unwrap_or_default()
    }

    /// A new password, where it is kept in this property.
    pub(crate) fn password(&self, property: &str) -> String {
        let declared = self.schema.and_then(|schema| schema.property(property));
        let mut all = passwords(declared).into_iter();
        all.find(|text| self.takes(property, &Value::from(text.as_str()))).unwrap_or_else(|| NEW_PASSWORD.to_owned())
    }

    /// Whether people may have a property of this name, and set it.
    pub(crate) fn is_settable(&self, name: &str) -> bool {
        self.schema.is_none_or(|schema| schema.property(name).is_some_and(|property| property.user_editable || name == "password"))
    }

    /// Whether more than a session is asked of whoever sets it.
    pub(crate) fn is_guarded(&self, name: &str) -> bool {
        let property = self.schema.and_then(|schema| schema.property(name.trim_start_matches('/')));
        property.is_some_and(|property| property.is_protected || property.is_credential())
    }

    /// The properties that every person has.
    pub(crate) fn required(&self) -> impl Iterator<Item = &str> {
        self.schema.into_iter().flat_map(|schema| &schema.required).map(String::as_str)
    }
}

/// A value for a schema alone.
pub(crate) fn of_schema(schema: &Value) -> Value {
    candidates(schema).into_iter().next().unwrap_or_default()
}

/// A property as a schema, its policies included.
pub(crate) fn declaration(property: &Property) -> Value {
    let mut schema = property.raw.as_object().cloned().unwrap_or_default();
    let kind = property.types.iter().find(|kind| **kind != JsonType::Null).map_or("string", |kind| kind.name());
    schema.insert("type".to_owned(), kind.into());
    schema.insert("policies".to_owned(), property.policies.iter().map(DeclaredPolicy::to_value).collect());
    Value::Object(schema)
}

/// Every value that a schema lists, or true and false; nothing where there are too many of them, or none.
pub(crate) fn listed(schema: &Value) -> Option<Vec<Value>> {
    let all = schema.get("enum").and_then(Value::as_array).filter(|all| !all.is_empty() && all.len() <= MOST_LISTED);
    all.cloned().or_else(|| (kind(schema) == Some("boolean")).then(|| vec![true.into(), false.into()]))
}

fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => Some(kind.as_str()),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        _ => None,
    }
}

/// Parameters of policies of these ids, as a schema shows them.
fn parameters<'s>(schema: &'s Value, id: &'s str) -> impl Iterator<Item = &'s Value> {
    let all = schema.get("policies").and_then(Value::as_array).into_iter().flatten();
    all.filter(move |policy| policy.get("policyId").and_then(Value::as_str) == Some(id)).filter_map(|policy| policy.get("params"))
}

/// Values for a schema, likely ones first.
fn candidates(schema: &Value) -> Vec<Value> {
    let of_policy = parameters(schema, "enumValue").filter_map(|params| match params.get("values")? {
        Value::String(text) => Some(text.split(',').map(|value| Value::from(value.trim())).collect()),
        values => values.as_array().cloned(),
    });
    let all = schema.get("enum").and_then(Value::as_array).cloned().into_iter().chain(of_policy).find(|all: &Vec<Value>| !all.is_empty());
    if let Some(all) = all {
        return all.into_iter().take(MOST_LISTED).collect();
    }
    let mut made: Vec<Value> =
        schema.get("const").into_iter().chain(schema.get("default")).filter(|value| !value.is_null()).cloned().collect();
    match kind(schema) {
        Some("boolean") => made.extend([true.into(), false.into()]),
        Some("number" | "integer") => made.extend(numbers(schema)),
        Some("array") => made.extend(arrays(schema)),
        Some("object" | "relationship") => made.push(object(schema)),
        _ => made.extend(texts(schema).into_iter().map(Value::from)),
    }
    made
}

fn object(schema: &Value) -> Value {
    let required: Vec<&str> = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let members = members.filter(|(name, _)| required.is_empty() || required.contains(&name.as_str()));
    Value::Object(members.map(|(name, inner)| (name.clone(), of_schema(inner))).collect::<Map<_, _>>())
}

fn arrays(schema: &Value) -> Vec<Value> {
    let element = of_schema(schema.get("items").unwrap_or(&Value::Null));
    let least = schema.get("minItems").and_then(Value::as_u64).and_then(|least| usize::try_from(least).ok()).unwrap_or(0);
    let of = |count: usize| Value::from(vec![element.clone(); count.min(MOST_LISTED)]);
    if least == 0 { vec![json!([]), of(1)] } else { vec![of(least)] }
}

/// A number in one of the forms that files write it in.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The bound of a policy: its key differs between releases.
fn bound(schema: &Value, id: &str, word: &str) -> Option<f64> {
    parameters(schema, id).find_map(|params| {
        let mut members = params.as_object()?.iter();
        members.find(|(key, _)| key.to_ascii_lowercase().starts_with(word)).and_then(|(_, value)| number(value))
    })
}

fn numbers(schema: &Value) -> Vec<Value> {
    let of = |key: &str| schema.get(key).and_then(number);
    let least =
        of("minimum").or_else(|| of("exclusiveMinimum").map(|least| least + 1.0)).or_else(|| bound(schema, "minimum-number-value", "min"));
    let most =
        of("maximum").or_else(|| of("exclusiveMaximum").map(|most| most - 1.0)).or_else(|| bound(schema, "maximum-number-value", "max"));
    let is_within = |value: &f64| least.is_none_or(|least| *value >= least) && most.is_none_or(|most| *value <= most);
    let step = of("multipleOf").filter(|step| *step > 0.0);
    let fit = |value: f64| step.map_or(value, |step| (value / step).ceil() * step);
    let wanted = [Some(1.0), least, least.map(|least| least + 1.0), most, Some(12345.0), Some(0.0)];
    let mut made: Vec<Value> = Vec::new();
    for value in wanted.into_iter().flatten().map(fit).filter(is_within) {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number that a file wrote, and that is compared with")]
        let value = if value.fract() == 0.0 && value.abs() < 1e15 { Value::from(value as i64) } else { Value::from(value) };
        if !made.contains(&value) {
            made.push(value);
        }
    }
    made
}

fn count(value: Option<f64>) -> Option<usize> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length between 0 and the longest text that is made")]
    value.filter(|value| *value >= 0.0).map(|value| value.min(512.0) as usize)
}

/// The shortest and the longest text that is taken.
fn lengths(schema: &Value) -> (usize, usize) {
    let of = |key: &str| count(schema.get(key).and_then(number));
    let least = of("minLength").max(count(bound(schema, "minimum-length", "min")));
    let most = of("maxLength").into_iter().chain(count(bound(schema, "maximum-length", "max"))).min();
    (least.unwrap_or(0), most.unwrap_or(LONGEST))
}

/// Patterns that a text has to match.
fn patterns(schema: &Value) -> Vec<&str> {
    let of_policies = parameters(schema, "regexpMatches").filter_map(|params| params.get("regexp")?.as_str());
    schema.get("pattern").and_then(Value::as_str).into_iter().chain(of_policies).collect()
}

fn texts(schema: &Value) -> Vec<String> {
    let (least, most) = lengths(schema);
    let patterns = patterns(schema);
    let compiled: Vec<regex::Regex> = patterns.iter().filter_map(|pattern| regex::Regex::new(pattern).ok()).collect();
    let of_pattern = patterns.iter().filter_map(|pattern| pattern::text_for(pattern));
    let usual = TEXTS.into_iter().map(str::to_owned);
    let all: Vec<String> = if patterns.is_empty() { usual.collect() } else { usual.chain(of_pattern).collect() };
    let long = all.iter().map(|text| of_length(text, least, most));
    let mut fits: Vec<String> = Vec::new();
    for text in long.chain(all.iter().cloned()) {
        let length = text.chars().count();
        let is_good = length >= least && length <= most && compiled.iter().all(|pattern| pattern.is_match(&text));
        if is_good && !fits.contains(&text) {
            fits.push(text);
        }
    }
    // Nothing fits: a refusal says more than nothing at all.
    if fits.is_empty() { vec![TEXTS[0].to_owned()] } else { fits }
}

/// A text made longer or shorter.
fn of_length(text: &str, least: usize, most: usize) -> String {
    let more = "abcdefghij".chars().cycle().take(least.saturating_sub(text.chars().count()));
    text.chars().chain(more).take(most).collect()
}

/// Passwords for the usual policies: the shortest ones first, then those that keep to one rule or another.
fn passwords(property: Option<&Property>) -> Vec<String> {
    let schema = property.map(declaration).unwrap_or_default();
    let (least, most) = lengths(&schema);
    let of = |id: &str, word: &str| count(bound(&schema, id, word)).unwrap_or(0);
    let (capitals, digits) = (of("at-least-X-capitals", "numcaps"), of("at-least-X-numbers", "numnums"));
    let forbidden = parameters(&schema, "cannot-contain-characters").filter_map(|params| params.get("forbiddenChars"));
    let forbidden: String = forbidden.map(Value::to_string).collect();
    let is_allowed = |letter: &char| !forbidden.contains(*letter);
    // No letter of it twice, for as long as there are others.
    let some = |letters: &'static str, count: usize| letters.chars().filter(is_allowed).cycle().take(count).collect::<String>();
    let strict = |mark: &str, length: usize| {
        let start = format!("{}{}{mark}", some("QWERTZUIOPASDFGHJKLYXCVBNM", capitals.max(2)), some("7946183250", digits.max(2)));
        let more = length.saturating_sub(start.chars().count());
        format!("{start}{}", some("mkutzhnbrvgecdxwsyqapolfij", more))
    };
    let lengthened = format!("{NEW_PASSWORD}{}{}", some("QWERTZUIOPASDFGHJKLYXCVBNM", capitals), some("7946183250", digits));
    let mut all = vec![NEW_PASSWORD.to_owned(), of_length(NEW_PASSWORD, least, most), of_length(&lengthened, least, LONGEST)];
    for length in [least.max(14), least.max(8), most] {
        all.extend(["-", "", "!", "_"].map(|mark| strict(mark, length.min(most.max(least)).min(LONGEST))));
    }
    all.extend(patterns(&schema).into_iter().filter_map(pattern::text_for));
    all.extend(["Quartz58".to_owned(), "135792".to_owned(), "1357".to_owned(), "quartzharbour".to_owned()]);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_keeps_to_the_schema() {
        for (schema, made) in [
            (json!({ "type": "string", "enum": ["blue", "red"] }), json!("blue")),
            (json!({ "type": ["null", "boolean"] }), json!(true)),
            (json!({ "type": "integer", "minimum": 18, "maximum": 99 }), json!(18)),
            (json!({ "type": "number", "multipleOf": 5, "exclusiveMinimum": 11 }), json!(15)),
            (json!({ "type": "string", "pattern": "^[A-Z]{2}-\\d{4}$" }), json!("AA-0000")),
            (json!({ "type": "string", "pattern": "^(no|nb)_[a-f]+$" }), json!("no_a")),
            (json!({ "type": "string", "maxLength": 4 }), json!("Some")),
            (json!({ "type": "string", "policies": [{ "policyId": "enumValue", "params": { "values": "a, b" } }] }), json!("a")),
            (json!({ "type": "array", "minItems": 2, "items": { "type": "integer" } }), json!([1, 1])),
            (json!({ "type": "object", "required": ["a"], "properties": { "a": { "type": "boolean" }, "b": {} } }), json!({ "a": true })),
        ] {
            assert_eq!(of_schema(&schema), made, "{schema}");
        }
        let long = of_schema(&json!({ "type": "string", "minLength": 30 }));
        assert_eq!(long.as_str().map(str::len), Some(30), "{long}");
    }

    #[test]
    fn a_value_is_one_that_the_policies_take_and_another_than_before() {
        let fitting = Fitting::new(None, |name, value| name != "phone" || value == "+47 555 0101");
        assert_eq!(fitting.value("phone", &json!({ "type": "string" }), None), "+47 555 0101");
        assert_eq!(fitting.value("flag", &json!({ "type": "boolean" }), Some(&json!(true))), false);
    }

    #[test]
    fn a_password_keeps_to_what_the_project_asks() {
        let long = Fitting::new(None, |_, value| value.as_str().is_some_and(|text| text.len() <= 8));
        assert_eq!(long.password("password"), "QW79-mku");
        let own = Fitting::new(None, |_, value| value.as_str().is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit())));
        assert_eq!(own.password("password"), "135792");
    }
}
