//! `selfservice.kba.json`. Real files are loose: numbers as strings, null for absent, ids that are not contiguous
//! (docs/protocol/project-files.md). Reading never fails; what is odd becomes a [`Problem`].

use serde_json::{Map, Value, json};

use super::question;
use crate::loose;
use crate::problem::{Problem, Problems, Severity, below};
use crate::secret::is_crypto_object;

const FILE: &str = "selfservice.kba.json";
const PROPERTY: &str = "kbaPropertyName";
const TO_DEFINE: &str = "minimumAnswersToDefine";
const TO_VERIFY: &str = "minimumAnswersToVerify";
const QUESTIONS: &str = "questions";
const ATTEMPTS_ALLOWED: &str = "numberOfAttemptsAllowed";
const ATTEMPTS_PROPERTY: &str = "kbaAttemptsPropertyName";

/// Our own options, which IDM passes over.
const OWN: &str = "vestibule";
const ANSWER_LENGTH: &str = "minimumAnswerLength";
const QUESTION_LENGTH: &str = "minimumQuestionLength";

/// What IDM ships, for a project without the file (decision 24).
pub const DEFAULT_KBA: &str = r#"{
    "kbaPropertyName": "kbaInfo",
    "minimumAnswersToDefine": 2,
    "minimumAnswersToVerify": 1,
    "questions": {
        "1": {
            "en": "What's your favorite color?",
            "en_GB": "What's your favorite colour?",
            "fr": "Quelle est votre couleur préférée?"
        },
        "2": {
            "en": "Who was your first employer?"
        }
    }
}
"#;

/// The configuration of security questions.
#[derive(Clone, Debug, PartialEq)]
pub struct KbaConfig {
    /// The user's property that holds the answers.
    pub property: String,
    /// Answers a person must define; the 4.5 and 5.0 files leave it to the stage.
    pub minimum_to_define: Option<u32>,
    /// Answers a person is asked for; the 4.5 and 5.0 files leave it to the stage.
    pub minimum_to_verify: Option<u32>,
    /// The questions everybody may choose, in the file's order.
    pub questions: Vec<Question>,
    /// Failures after which a person is locked out of the questions; `None` where the file sets no limit of its own.
    pub attempts_allowed: Option<u32>,
    /// The user's property that counts failures. It need not be in the schema.
    pub attempts_property: Option<String>,
    /// Characters that an answer has at least (`vestibule.minimumAnswerLength`); the schema may want more.
    pub answer_length: u32,
    /// Characters that a question of the person's own has at least (`vestibule.minimumQuestionLength`); the schema may want more.
    pub question_length: u32,
    content: Map<String, Value>,
}

/// A question of the administrator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its id, a text even where it looks like a number.
    pub id: String,
    /// Locale (`en`, `en_GB`) and text, in the file's order; never empty.
    pub texts: Vec<(String, String)>,
}

impl Question {
    /// `{locale: text}`.
    #[must_use]
    pub fn texts_value(&self) -> Value {
        self.texts.iter().map(|(locale, text)| (locale.clone(), Value::from(text.as_str()))).collect::<Map<_, _>>().into()
    }
}

impl Default for KbaConfig {
    fn default() -> Self {
        let content = serde_json::from_str(DEFAULT_KBA).unwrap_or_default();
        Self::read(&content).0
    }
}

impl KbaConfig {
    /// Reads the file's content. What cannot be read is left out and named.
    #[must_use]
    pub fn read(file: &Value) -> (Self, Vec<Problem>) {
        let mut problems = Problems::of(FILE);
        let mut content = file.as_object().cloned().unwrap_or_else(|| {
            problems.add(Severity::Error, "", "the file must hold a JSON object; no security question can be asked");
            Map::new()
        });
        content.retain(|_, value| !value.is_null());
        let property = name(&content, PROPERTY, &mut problems).unwrap_or_else(|| "kbaInfo".to_owned());
        let minimum_to_define = count(&content, TO_DEFINE, &mut problems);
        let minimum_to_verify = count(&content, TO_VERIFY, &mut problems);
        let attempts_allowed = count(&content, ATTEMPTS_ALLOWED, &mut problems);
        let attempts_property = name(&content, ATTEMPTS_PROPERTY, &mut problems);
        let questions = read_questions(content.get(QUESTIONS), &mut problems);
        if let (Some(define), Some(verify)) = (minimum_to_define, minimum_to_verify)
            && define < verify
        {
            let message = format!("{verify} answers are asked for, but only {define} need be defined: who defines fewer can never answer");
            problems.add(Severity::Warning, "/minimumAnswersToVerify", message);
        }
        if attempts_allowed.is_some() != attempts_property.is_some() {
            let message =
                format!("{ATTEMPTS_ALLOWED} and {ATTEMPTS_PROPERTY} belong together; the failures are counted, but IDM would not");
            problems.add(Severity::Hint, "", message);
        }
        let (answer_length, question_length) = own_options(content.get(OWN), &mut problems);
        let config = Self {
            property,
            minimum_to_define,
            minimum_to_verify,
            questions,
            attempts_allowed,
            attempts_property,
            answer_length,
            question_length,
            content,
        };
        (config, problems.into_vec())
    }

    /// How many answers a person must define: what the stage says (`numberOfAnswersUserMustSet`, 4.5 and 5.0), else the file, else 1.
    /// Never 0.
    #[must_use]
    pub fn answers_to_define(&self, stage: Option<u32>) -> u32 {
        stage.or(self.minimum_to_define).unwrap_or(1).max(1)
    }

    /// How many answers a person is asked for: what the stage says (`numberOfQuestionsUserMustAnswer`), else the file, else 1. Never 0:
    /// asking nothing would prove nothing.
    #[must_use]
    pub fn answers_to_verify(&self, stage: Option<u32>) -> u32 {
        stage.or(self.minimum_to_verify).unwrap_or(1).max(1)
    }

    /// The question with this id.
    #[must_use]
    pub fn question(&self, id: &str) -> Option<&Question> {
        self.questions.iter().find(|question| question.id == id)
    }

    /// Whether a question of the person's own is, but for case, spaces and signs, one of the administrator's in any locale.
    #[must_use]
    pub fn is_system_text(&self, text: &str) -> bool {
        let skeleton = question::skeleton(text);
        self.questions.iter().flat_map(|question| &question.texts).any(|(_, system)| question::skeleton(system) == skeleton)
    }

    /// Whether the user's failures have reached the limit. A counter that cannot be read counts as none.
    #[must_use]
    pub fn is_locked_out(&self, user: &Value) -> bool {
        let failures = self.attempts_property.as_ref().and_then(|property| user.get(property)).and_then(loose::as_count).unwrap_or(0);
        self.attempts_allowed.is_some_and(|allowed| failures >= u64::from(allowed))
    }

    /// The answer to `GET selfservice/kba`: the file's content with its numbers as numbers. Encrypted values and our own extensions
    /// stay here.
    #[must_use]
    pub fn to_client_value(&self) -> Value {
        let mut client = Map::from_iter([("_id".to_owned(), json!("kba"))]);
        for (key, value) in &self.content {
            let shown = match key.as_str() {
                "_id" | "_rev" | OWN | QUESTIONS => continue,
                PROPERTY => json!(self.property),
                TO_DEFINE => json!(self.minimum_to_define),
                TO_VERIFY => json!(self.minimum_to_verify),
                ATTEMPTS_ALLOWED => json!(self.attempts_allowed),
                ATTEMPTS_PROPERTY => json!(self.attempts_property),
                _ if is_crypto_object(value) => continue,
                _ => value.clone(),
            };
            if !shown.is_null() {
                client.insert(key.clone(), shown);
            }
        }
        client.entry(PROPERTY).or_insert_with(|| json!(self.property));
        let questions: Map<_, _> = self.questions.iter().map(|question| (question.id.clone(), question.texts_value())).collect();
        client.insert(QUESTIONS.to_owned(), questions.into());
        client.into()
    }

    /// The questions as requirements show them: `[{"id": …, "question": {locale: text}}]`.
    #[must_use]
    pub fn questions_value(&self) -> Value {
        self.questions.iter().map(|question| json!({ "id": question.id, "question": question.texts_value() })).collect()
    }

    /// The schema of property `kba` in the requirements of the definition stages.
    #[must_use]
    pub fn definition_property(&self, minimum: u32) -> Value {
        json!({
            "type": "array",
            "minItems": minimum,
            "items": {
                "type": "object",
                "oneOf": [{ "$ref": "#/definitions/systemQuestion" }, { "$ref": "#/definitions/userQuestion" }],
            },
            "questions": self.questions_value(),
        })
    }

    /// The two definitions that [`KbaConfig::definition_property`] refers to.
    #[must_use]
    pub fn definition_schemas() -> [(&'static str, Value); 2] {
        let entry = |description: &str, key: &str, key_description: &str, answer: &str| {
            json!({
                "description": description,
                "type": "object",
                "required": [key, "answer"],
                "properties": {
                    key: { "description": key_description, "type": "string" },
                    "answer": { "description": answer, "type": "string" },
                },
                "additionalProperties": false,
            })
        };
        [
            ("systemQuestion", entry("System Question", "questionId", "Id of predefined question", "Answer to the referenced question")),
            ("userQuestion", entry("User Question", "customQuestion", "Question defined by the user", "Answer to the question")),
        ]
    }
}

fn name(content: &Map<String, Value>, key: &str, problems: &mut Problems) -> Option<String> {
    let value = content.get(key)?;
    let name = loose::as_text(value).map(|text| text.trim().trim_start_matches('/').to_owned()).filter(|text| !text.is_empty());
    if name.is_none() {
        problems.add(Severity::Warning, &below("", key), "must be the name of a property of the user; ignored");
    }
    name
}

fn count(content: &Map<String, Value>, key: &str, problems: &mut Problems) -> Option<u32> {
    let value = content.get(key)?;
    let count = loose::as_count(value).and_then(|count| u32::try_from(count).ok());
    if count.is_none() {
        problems.add(Severity::Warning, &below("", key), "must be a whole number; ignored");
    }
    count
}

/// The shortest answer and the shortest question of one's own, in characters.
fn own_options(value: Option<&Value>, problems: &mut Problems) -> (u32, u32) {
    const POINTER: &str = "/vestibule";
    let options = match value {
        None => return (0, 0),
        Some(Value::Object(options)) => options,
        Some(_) => {
            problems.add(Severity::Error, POINTER, "must be an object");
            return (0, 0);
        }
    };
    let mut length = |key: &str| {
        let value = options.get(key).filter(|value| !value.is_null())?;
        let length = loose::as_count(value).and_then(|length| u32::try_from(length).ok()).filter(|length| *length <= MOST_CHARACTERS);
        if length.is_none() {
            let message = format!("must be a whole number up to {MOST_CHARACTERS}; nobody could answer otherwise");
            problems.add(Severity::Error, &below(POINTER, key), &message);
        }
        length
    };
    (length(ANSWER_LENGTH).unwrap_or(0), length(QUESTION_LENGTH).unwrap_or(0))
}

/// A longer answer or question cannot be asked for.
const MOST_CHARACTERS: u32 = 128;

fn read_questions(value: Option<&Value>, problems: &mut Problems) -> Vec<Question> {
    const POINTER: &str = "/questions";
    let members = match value {
        Some(Value::Object(members)) => members,
        Some(_) => {
            problems.add(Severity::Error, POINTER, "must be an object of question ids; no question is offered");
            return Vec::new();
        }
        None => {
            problems.add(Severity::Warning, POINTER, "missing; people can only write questions of their own");
            return Vec::new();
        }
    };
    let questions: Vec<_> = members
        .iter()
        .filter(|(_, texts)| !texts.is_null())
        .filter_map(|(id, texts)| {
            let pointer = below(POINTER, id);
            let texts = match texts {
                Value::Object(texts) => read_texts(texts, &pointer, problems),
                Value::String(text) => {
                    problems.add(Severity::Warning, &pointer, "a text without locale; taken as \"en\"");
                    vec![("en".to_owned(), text.clone())]
                }
                _ => Vec::new(),
            };
            if texts.is_empty() {
                problems.add(Severity::Error, &pointer, "has no text; the question is not offered");
                return None;
            }
            Some(Question { id: id.clone(), texts })
        })
        .collect();
    if questions.is_empty() {
        problems.add(Severity::Warning, POINTER, "no question is offered; people can only write their own");
    }
    questions
}

fn read_texts(texts: &Map<String, Value>, pointer: &str, problems: &mut Problems) -> Vec<(String, String)> {
    texts
        .iter()
        .filter(|(_, text)| !text.is_null())
        .filter_map(|(locale, text)| {
            let text = text.as_str().filter(|text| !question::skeleton(text).is_empty());
            if text.is_none() {
                problems.add(Severity::Warning, &below(pointer, locale), "must be the question's text; ignored");
            }
            text.map(|text| (locale.clone(), text.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_what_the_documentation_shows() {
        let (config, problems) = KbaConfig::read(&serde_json::from_str(DEFAULT_KBA).unwrap());
        assert_eq!(problems, []);
        assert_eq!(config, KbaConfig::default());
        assert_eq!((config.property.as_str(), config.answers_to_define(None), config.answers_to_verify(None)), ("kbaInfo", 2, 1));
        assert_eq!(config.questions.len(), 2);
        assert_eq!(config.questions[0].texts[1], ("en_GB".to_owned(), "What's your favorite colour?".to_owned()));
    }

    #[test]
    fn numbers_may_be_strings_null_is_absent_and_ids_keep_their_order() {
        let (config, problems) = KbaConfig::read(&json!({
            "kbaPropertyName": null, "minimumAnswersToDefine": "2", "minimumAnswersToVerify": 1.0,
            "numberOfAttemptsAllowed": "2", "kbaAttemptsPropertyName": "KBA_lockout",
            "questions": {"5": {"en": "Five?"}, "1": {"en": "One?", "fr": null}, "4": null}
        }));
        assert_eq!(problems, []);
        assert_eq!((config.minimum_to_define, config.minimum_to_verify, config.attempts_allowed), (Some(2), Some(1), Some(2)));
        assert_eq!(config.property, "kbaInfo");
        assert_eq!(config.attempts_property.as_deref(), Some("KBA_lockout"));
        assert_eq!(config.questions.iter().map(|question| question.id.as_str()).collect::<Vec<_>>(), ["5", "1"]);
    }

    #[test]
    fn every_oddity_is_named_with_its_place() {
        let (config, problems) = KbaConfig::read(&json!({
            "kbaPropertyName": [], "minimumAnswersToDefine": "many", "minimumAnswersToVerify": -1, "numberOfAttemptsAllowed": 3,
            "questions": {"a/b": {"en": 7}, "2": "Plain?", "3": []}
        }));
        let places: Vec<_> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(
            places,
            [
                "/kbaPropertyName",
                "/minimumAnswersToDefine",
                "/minimumAnswersToVerify",
                "/questions/a~1b/en",
                "/questions/a~1b",
                "/questions/2",
                "/questions/3",
                ""
            ]
        );
        assert_eq!(config.questions, [Question { id: "2".to_owned(), texts: vec![("en".to_owned(), "Plain?".to_owned())] }]);
        assert_eq!(KbaConfig::read(&json!([])).1[0].severity, Severity::Error);
    }

    #[test]
    fn asking_for_more_than_must_be_defined_is_named() {
        let (_, problems) =
            KbaConfig::read(&json!({"minimumAnswersToDefine": 1, "minimumAnswersToVerify": 2, "questions": {"1": {"en": "Q?"}}}));
        assert_eq!(problems[0].pointer, "/minimumAnswersToVerify");
    }

    #[test]
    fn the_older_stage_settings_win_and_zero_is_one() {
        let (config, _) = KbaConfig::read(&json!({"minimumAnswersToDefine": 3, "minimumAnswersToVerify": 0}));
        assert_eq!((config.answers_to_define(None), config.answers_to_define(Some(2)), config.answers_to_define(Some(0))), (3, 2, 1));
        assert_eq!(config.answers_to_verify(None), 1);
    }

    #[test]
    fn a_client_sees_the_file_and_no_secret() {
        let older = json!({"kbaPropertyName": "kbaInfo", "questions": {"1": {"en": "Street?", "fr": "Rue ?"}}});
        assert_eq!(
            KbaConfig::read(&older).0.to_client_value(),
            json!({"_id": "kba", "kbaPropertyName": "kbaInfo", "questions": {"1": {"en": "Street?", "fr": "Rue ?"}}})
        );
        let newer = json!({
            "_id": "x", "minimumAnswersToDefine": "2", "vestibule": {"pepper": "p"}, "key": {"$crypto": {}}, "extra": 1, "questions": {}
        });
        assert_eq!(
            KbaConfig::read(&newer).0.to_client_value(),
            json!({"_id": "kba", "minimumAnswersToDefine": 2, "extra": 1, "kbaPropertyName": "kbaInfo", "questions": {}})
        );
    }

    #[test]
    fn lockout_begins_with_the_last_allowed_attempt() {
        let (config, _) = KbaConfig::read(&json!({"numberOfAttemptsAllowed": 2, "kbaAttemptsPropertyName": "tries", "questions": {}}));
        for (user, locked) in [
            (json!({}), false),
            (json!({"tries": 1}), false),
            (json!({"tries": 2}), true),
            (json!({"tries": "3"}), true),
            (json!({"tries": null}), false),
        ] {
            assert_eq!(config.is_locked_out(&user), locked, "{user}");
        }
        assert!(!KbaConfig::default().is_locked_out(&json!({"tries": 1000})));
    }

    #[test]
    fn definition_requirements_are_the_documented_ones() {
        let config = KbaConfig::default();
        assert_eq!(config.definition_property(2)["minItems"], 2);
        assert_eq!(config.definition_property(2)["questions"][1], json!({"id": "2", "question": {"en": "Who was your first employer?"}}));
        let [(_, system), (_, user)] = KbaConfig::definition_schemas();
        assert_eq!(system["required"], json!(["questionId", "answer"]));
        assert_eq!(user["properties"]["customQuestion"]["description"], "Question defined by the user");
    }
}
