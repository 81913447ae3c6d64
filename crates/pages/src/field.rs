//! What a form asks, and how what somebody typed becomes the input of a stage. The fields come from the requirements that every client
//! reads, so a stage without a template of its own works in a browser too.
//!
//! Easiest to break: an empty text is sent as nothing, never as `""`; and what a field shows again after an error is what was typed, but no
//! password and no security answer.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::captcha::WIDGETS;
use crate::form::Form;
use crate::words::Words;

/// Longest text of one field, in characters; the store's own limits are below.
const MAX_TEXT: usize = 100_000;

/// How a field looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// One line.
    #[default]
    Text,
    /// A mail address.
    Email,
    /// A telephone number.
    Tel,
    /// A number.
    Number,
    /// A password; never shown again.
    Password,
    /// A mailed code.
    Code,
    /// Several lines.
    Lines,
    /// A box to tick.
    Checkbox,
    /// One of some.
    Radios,
    /// Any of some.
    Checkboxes,
    /// A question of one's own or one of the project's, and its answer.
    Question,
    /// A widget of the captcha's.
    Captcha,
}

/// What becomes of the text of a field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Becomes {
    /// A text.
    #[default]
    Text,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// `"true"` where the box is ticked, as stock clients agree to terms.
    Agreement,
    /// A list with a text in each line.
    Lines,
    /// A list with a number in each line.
    Numbers,
    /// A list with a whole number in each line.
    Integers,
    /// A list of the chosen values.
    Chosen,
    /// A list of the chosen values, which are numbers.
    ChosenNumbers,
    /// The value is JSON.
    Json,
    /// A question with an answer.
    Answer,
    /// A filter that compares the text with each of these properties.
    Filter(Vec<String>),
    /// A filter of which this is one comparison; all of them must hold.
    Comparison(String),
    /// The text of a captcha's widget, which posts under a name of its own.
    Captcha,
}

/// One of several to choose from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: Words,
    /// It is chosen.
    #[serde(default)]
    pub chosen: bool,
}

/// A field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Field {
    /// Its name in the form, and the id of its control with `f-` before it.
    pub name: String,
    /// How it looks.
    pub kind: Kind,
    /// What it asks.
    pub label: Words,
    /// What else is worth knowing.
    #[serde(default)]
    pub hint: Words,
    /// What stands in it.
    #[serde(default)]
    pub value: String,
    /// It cannot be left empty.
    #[serde(default)]
    pub required: bool,
    /// The token of `autocomplete` (HTML, "Autofill").
    #[serde(default)]
    pub autocomplete: String,
    /// The choices.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// The site key of a captcha.
    #[serde(default)]
    pub site_key: String,
    /// What is wrong with it.
    #[serde(default)]
    pub error: Words,
    /// For a question of one's own: what was typed as the question. For an answer nothing is ever shown again.
    #[serde(default)]
    pub own_question: String,
    /// The requirements a password must meet, as the server's policies name them.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// The heading of the group that begins with this field.
    #[serde(default)]
    pub group: Words,
    /// What becomes of it.
    #[serde(default)]
    pub becomes: Becomes,
    /// Where it goes: a path of members, `user/givenName`.
    #[serde(default)]
    pub place: String,
    /// What is typed is a secret, however it looks.
    #[serde(default)]
    pub secret: bool,
}

/// One requirement of a password policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rule {
    /// `MIN_LENGTH`.
    pub name: String,
    /// What it asks, in a sentence.
    pub says: Words,
}

/// Something wrong with one field, or with the whole form where there is no name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// The field's name; for the summary the name of the control.
    pub field: String,
    /// What the field is called; nothing for the whole form.
    #[serde(default)]
    pub label: Box<Words>,
    /// What is wrong.
    pub says: Words,
}

impl Problem {
    /// Something wrong with a field.
    pub(crate) fn of(field: &str, says: Words) -> Self {
        Self { field: field.to_owned(), says, ..Self::default() }
    }

    /// Something wrong with all of it.
    pub(crate) fn whole(says: Words) -> Self {
        Self { says, ..Self::default() }
    }
}

impl Field {
    /// A field of this name and label.
    pub(crate) fn new(name: &str, kind: Kind, label: Words) -> Self {
        Self { name: name.to_owned(), kind, label, place: name.to_owned(), ..Self::default() }
    }

    /// One that cannot be left empty.
    pub(crate) fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// With a token of `autocomplete`.
    pub(crate) fn autocomplete(mut self, token: &str) -> Self {
        token.clone_into(&mut self.autocomplete);
        self
    }

    /// With a hint.
    pub(crate) fn hint(mut self, hint: Words) -> Self {
        self.hint = hint;
        self
    }

    /// What is typed is never shown or kept again.
    pub(crate) fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Becomes something else than a text.
    pub(crate) fn becomes(mut self, becomes: Becomes) -> Self {
        self.becomes = becomes;
        self
    }

    /// Goes elsewhere than its name says.
    pub(crate) fn place(mut self, place: &str) -> Self {
        place.clone_into(&mut self.place);
        self
    }

    /// Whether it was shown with a value.
    pub(crate) fn holds_something(&self) -> bool {
        !self.value.is_empty() || self.choices.iter().any(|choice| choice.chosen)
    }

    /// Whether what was typed is a secret, and never shown or kept again.
    pub(crate) fn is_secret(&self) -> bool {
        self.secret || matches!(self.kind, Kind::Password | Kind::Captcha)
    }

    /// Whether what a form sends under this name may be shown and kept again.
    pub(crate) fn keeps(&self, name: &str) -> bool {
        match (self.kind, name.strip_prefix(&self.name)) {
            _ if self.is_secret() => false,
            (Kind::Question, Some(part)) => [".question", ".own"].contains(&part),
            (_, rest) => rest == Some(""),
        }
    }

    /// Puts in what was typed before.
    fn fill(&mut self, form: &Form) {
        match self.kind {
            _ if self.is_secret() => {}
            Kind::Question => {
                let chosen = form.get(&format!("{}.question", self.name)).to_owned();
                for choice in &mut self.choices {
                    choice.chosen = choice.value == chosen;
                }
                form.get(&format!("{}.own", self.name)).clone_into(&mut self.own_question);
            }
            Kind::Checkboxes | Kind::Radios => {
                for choice in &mut self.choices {
                    choice.chosen = form.all(&self.name).any(|value| value == choice.value);
                }
            }
            Kind::Checkbox => self.value = if form.has(&self.name) { "true".to_owned() } else { String::new() },
            _ => form.get(&self.name).clone_into(&mut self.value),
        }
    }

    /// What it was given, as the input has it: nothing for an empty field.
    fn read(&self, form: &Form) -> Result<Option<Value>, Problem> {
        let typed = form.get(&self.name);
        let wrong = |key: &str| Problem::of(&self.name, Words::message(key));
        if typed.chars().count() > MAX_TEXT {
            return Err(wrong("error-too-long"));
        }
        let missing = if self.required { Err(wrong(self.missing())) } else { Ok(None) };
        let value = match &self.becomes {
            Becomes::Boolean => return Ok(Some(json!(form.has(&self.name)))),
            Becomes::Agreement if form.has(&self.name) => return Ok(Some(json!("true"))),
            Becomes::Agreement => return missing,
            Becomes::Answer => return self.read_answer(form),
            Becomes::Chosen | Becomes::ChosenNumbers => {
                let chosen: Vec<&str> = form.all(&self.name).filter(|value| !value.is_empty()).collect();
                return match self.becomes {
                    _ if chosen.is_empty() => missing,
                    Becomes::Chosen => Ok(Some(json!(chosen))),
                    _ => listed(chosen.into_iter(), |value| serde_json::from_str(value).ok())
                        .ok_or_else(|| wrong("error-no-number"))
                        .map(Some),
                };
            }
            Becomes::Captcha => {
                let of_widget = WIDGETS.iter().find_map(|widget| form.filled(widget.answer));
                let answer = of_widget.or_else(|| form.filled(&self.name));
                return answer.map_or(missing, |answer| Ok(Some(json!(answer))));
            }
            _ if typed.is_empty() => return missing,
            _ if self.kind != Kind::Password && typed.trim().is_empty() => return missing,
            Becomes::Text if self.kind == Kind::Password => json!(typed),
            // Browsers send each line break as two characters (HTML, "Constructing the entry list").
            Becomes::Text => json!(typed.trim().replace("\r\n", "\n")),
            Becomes::Number => number(typed).ok_or_else(|| wrong("error-no-number"))?,
            Becomes::Integer => integer(typed).ok_or_else(|| wrong("error-no-number"))?,
            Becomes::Numbers => listed(typed.lines(), number).ok_or_else(|| wrong("error-no-number"))?,
            Becomes::Integers => listed(typed.lines(), integer).ok_or_else(|| wrong("error-no-number"))?,
            Becomes::Lines => json!(typed.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>()),
            Becomes::Json => serde_json::from_str(typed).map_err(|_| wrong("error-no-json"))?,
            Becomes::Filter(properties) => {
                let each: Vec<String> = properties.iter().map(|property| format!("{property} eq {}", json!(typed.trim()))).collect();
                json!(if each.len() == 1 { each.join("") } else { format!("({})", each.join(" or ")) })
            }
            Becomes::Comparison(property) => json!(format!("{property} eq {}", json!(typed.trim()))),
        };
        Ok(Some(value))
    }

    /// The name of the message for a field that was left empty.
    fn missing(&self) -> &'static str {
        match (self.kind, &self.becomes) {
            (Kind::Code, _) => "error-code-missing",
            (Kind::Password, _) => "error-password-missing",
            (Kind::Captcha, _) => "error-captcha-missing",
            (_, Becomes::Agreement) => "error-agreement-missing",
            (Kind::Radios | Kind::Checkboxes, _) => "error-choice-missing",
            _ => "error-missing",
        }
    }

    fn read_answer(&self, form: &Form) -> Result<Option<Value>, Problem> {
        let part = |part: &str| form.get(&format!("{}.{part}", self.name));
        let (question, own, answer) = (part("question"), part("own").trim(), part("answer").trim());
        if question.is_empty() && own.is_empty() && answer.is_empty() && !self.required {
            return Ok(None);
        }
        let wrong = |part: &str, key: &str| Err(Problem::of(&format!("{}.{part}", self.name), Words::message(key)));
        let is_own = question == OWN_QUESTION || (question.is_empty() && !own.is_empty());
        match (question, own, answer) {
            ("", "", _) => wrong("question", "error-question-missing"),
            (_, "", _) if is_own => wrong("own", "error-own-question-missing"),
            (_, _, "") => wrong("answer", "error-answer-missing"),
            _ if is_own => Ok(Some(json!({ "customQuestion": own, "answer": answer }))),
            _ => Ok(Some(json!({ "questionId": question, "answer": answer }))),
        }
    }
}

fn number(typed: &str) -> Option<Value> {
    let number = typed.trim().replace(',', ".");
    // One that has no fraction stays as it was written.
    let whole = number.parse::<i64>().map(Value::from);
    whole.ok().or_else(|| number.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from))
}

fn integer(typed: &str) -> Option<Value> {
    typed.trim().parse::<i64>().ok().map(Value::from)
}

/// A list of what each text that is not empty becomes; nothing where one of them becomes nothing.
fn listed<'t>(texts: impl Iterator<Item = &'t str>, becomes: impl Fn(&str) -> Option<Value>) -> Option<Value> {
    let values: Option<Vec<Value>> = texts.filter(|text| !text.trim().is_empty()).map(becomes).collect();
    values.map(Value::Array)
}

/// Where the properties of somebody who is signed in go.
const ATTRIBUTES: &str = "attributes/";

/// What a choice among questions sends for a question of one's own.
pub(crate) const OWN_QUESTION: &str = "own";

/// Fills fields with what was typed, and marks what is wrong with them. Gives the problems back as the summary says them: each with the control
/// and the label of its field. Problems of fields that are not there stay with the form.
pub(crate) fn fill(fields: &mut [Field], typed: Option<&Form>, mut problems: Vec<Problem>) -> Vec<Problem> {
    for field in fields.iter_mut() {
        if let Some(typed) = typed {
            field.fill(typed);
        }
        if let Some(problem) = problems.iter().find(|problem| names(field, problem)) {
            field.error = problem.says.clone();
        }
    }
    for problem in &mut problems {
        let Some(field) = fields.iter().find(|field| names(field, problem)) else { continue };
        *problem.label = field.label.clone();
        if field.kind == Kind::Question && problem.field == field.name {
            problem.field.push_str(".question");
        }
    }
    problems
}

fn names(field: &Field, problem: &Problem) -> bool {
    problem.field == field.name || (field.kind == Kind::Question && problem.field.starts_with(&format!("{}.", field.name)))
}

/// The input that a filled form makes.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn read(fields: &[Field], form: &Form) -> Result<Map<String, Value>, Vec<Problem>> {
    let mut input = Map::new();
    let mut problems = Vec::new();
    let mut comparisons = Vec::new();
    for field in fields {
        match field.read(form) {
            // What was there and is emptied is taken away; what was never there is not sent.
            Ok(None) if field.place.starts_with(ATTRIBUTES) && field.holds_something() => put(&mut input, &field.place, Value::Null),
            Ok(None) => {}
            Ok(Some(value)) => match (&field.becomes, value) {
                (Becomes::Comparison(_), Value::String(comparison)) => comparisons.push(comparison),
                (Becomes::Answer, value) => match input.entry(field.place.clone()).or_insert_with(|| json!([])) {
                    Value::Array(answers) => answers.push(value),
                    other => *other = json!([value]),
                },
                (_, value) => put(&mut input, &field.place, value),
            },
            Err(problem) => problems.push(problem),
        }
    }
    if !comparisons.is_empty() {
        input.insert("queryFilter".into(), json!(comparisons.join(" and ")));
    }
    if problems.is_empty() { Ok(input) } else { Err(problems) }
}

/// Puts a value at a path of members.
fn put(input: &mut Map<String, Value>, place: &str, value: Value) {
    match place.split_once('/') {
        None => {
            input.insert(place.to_owned(), value);
        }
        Some((first, rest)) => {
            if let Value::Object(inner) = input.entry(first.to_owned()).or_insert_with(|| json!({})) {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, becomes: Becomes) -> Field {
        Field::new(name, Kind::Text, Words::message("x")).becomes(becomes)
    }

    #[test]
    fn what_is_typed_becomes_what_a_stage_takes() {
        let form = Form::parse(b"who=j%22b&n=3&ok=on&tags=a%0Ab&x=+&p=+s+&user.sn=Jensen");
        let fields = [
            field("who", Becomes::Filter(vec!["userName".into(), "mail".into()])).place("queryFilter"),
            field("n", Becomes::Integer),
            field("ok", Becomes::Boolean),
            field("off", Becomes::Boolean),
            field("tags", Becomes::Lines),
            field("x", Becomes::Text),
            Field { kind: Kind::Password, ..field("p", Becomes::Text) },
            field("user.sn", Becomes::Text).place("user/sn"),
        ];
        let input = Value::Object(read(&fields, &form).unwrap());
        let expected = json!({
            "queryFilter": "(userName eq \"j\\\"b\" or mail eq \"j\\\"b\")", "n": 3, "ok": true, "off": false, "tags": ["a", "b"],
            "p": " s ", "user": {"sn": "Jensen"},
        });
        assert_eq!(input, expected);
    }

    #[test]
    fn numbers_are_typed_as_numbers_one_in_each_line() {
        let fields =
            [field("n", Becomes::Numbers), field("i", Becomes::Integers), field("c", Becomes::ChosenNumbers), field("t", Becomes::Text)];
        let input = read(&fields, &Form::parse(b"n=1%0D%0A2%2C5%0D%0A&i=7%0D%0A%0D%0A8&c=2&c=1.5&t=one%0D%0Atwo")).unwrap();
        assert_eq!(Value::Object(input), json!({"n": [1, 2.5], "i": [7, 8], "c": [2, 1.5], "t": "one\ntwo"}));
        let problems = read(&fields, &Form::parse(b"n=1%0Ax&i=1.5&c=x&t=")).unwrap_err();
        assert!(problems.iter().all(|problem| problem.says.key == "error-no-number") && problems.len() == 3, "{problems:?}");
    }

    #[test]
    fn what_is_missing_is_said_at_its_field_and_secrets_are_not_shown_again() {
        let form = Form::parse(b"kba.0.question=own&kba.0.answer=Rex&p=secret&t=kept");
        let question = Field { kind: Kind::Question, ..field("kba.0", Becomes::Answer).required() }.place("kba");
        let password = Field { kind: Kind::Password, ..field("p", Becomes::Text) };
        let mut fields = [question, password, field("t", Becomes::Text), field("m", Becomes::Text).required()];
        let problems = read(&fields, &form).unwrap_err();
        let named: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(named, ["kba.0.own", "m"]);
        let problems = fill(&mut fields, Some(&form), problems);
        assert_eq!(problems[1].label.key, "x");
        assert_eq!((fields[1].value.as_str(), fields[2].value.as_str()), ("", "kept"));
        assert_eq!((fields[0].error.key.as_str(), fields[3].error.key.as_str()), ("error-own-question-missing", "error-missing"));
    }

    #[test]
    fn what_is_no_secret_of_a_field_is_kept_and_nothing_else_is() {
        let question = Field { kind: Kind::Question, ..field("kba.0", Becomes::Answer) };
        let fields = [question, field("answer1", Becomes::Text).secret(), field("t", Becomes::Text)];
        let kept = |name: &str| fields.iter().any(|field| field.keeps(name));
        for (name, keeps) in [("kba.0.question", true), ("kba.0.own", true), ("kba.0.answer", false), ("answer1", false), ("t", true)] {
            assert_eq!(kept(name), keeps, "{name}");
        }
        assert!(["form_token", "at", "h-captcha-response", "tt", "t.x", ""].iter().all(|name| !kept(name)));
    }

    #[test]
    fn two_questions_are_one_list() {
        let form = Form::parse(b"kba.0.question=1&kba.0.answer=Rex&kba.1.question=own&kba.1.own=Tea%3F&kba.1.answer=Assam");
        let fields = [0, 1].map(|n| Field { kind: Kind::Question, ..field(&format!("kba.{n}"), Becomes::Answer) }.place("kba"));
        let expected = json!({"kba": [{"questionId": "1", "answer": "Rex"}, {"customQuestion": "Tea?", "answer": "Assam"}]});
        assert_eq!(Value::Object(read(&fields, &form).unwrap()), expected);
    }
}
