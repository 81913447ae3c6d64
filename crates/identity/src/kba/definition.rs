//! What a person may define as questions and answers (docs/protocol/stages.md, "kbaSecurityAnswerDefinitionStage" and what it
//! leaves out: unknown ids, duplicates, empty and endless answers, hashes planted by a client). Nothing is hashed before
//! everything was found good.

use std::collections::HashSet;
use std::fmt;

use crest::ResourceError;
use serde_json::{Value, json};

use super::{ANSWER, KbaConfig, MAX_ANSWERS, MAX_QUESTION_CHARACTERS, QuestionRef, StoredAnswer, answer_secret, normalise, question};
use crate::names::is_hidden;
use crate::secret::{Hasher, MAX_SECRET_BYTES, Secret, SecretError, StoredSecret, is_crypto_object};

/// What a definition must keep to, beside the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefinitionRules {
    /// Answers needed ([`KbaConfig::answers_to_define`]).
    pub minimum: u32,
    /// Whether answers may arrive hashed: from an administrator's import only (decision 12).
    pub allow_hashed: bool,
    /// Characters that an answer has at least, as it is compared. An empty one is refused in any case.
    pub answer_length: u64,
    /// Characters that a question of the person's own has at least.
    pub question_length: u64,
}

/// A checked answer.
#[derive(Clone, Debug)]
pub struct NewAnswer {
    /// The question it answers.
    pub question: QuestionRef,
    /// The answer: typed, or, from an administrator's import, hashed.
    pub answer: NewAnswerValue,
}

/// An answer still to be hashed, or one that came hashed.
#[derive(Clone)]
pub enum NewAnswerValue {
    /// In clear, normalised.
    Plain(Secret),
    /// A hash that can be verified.
    Hashed(Value),
}

impl fmt::Debug for NewAnswerValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain(…)",
            Self::Hashed(_) => "Hashed(…)",
        })
    }
}

/// Why a definition is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KbaError {
    /// The entry, counted from 0; `None` when it is about all of them.
    pub entry: Option<usize>,
    /// What is wrong.
    pub reason: KbaErrorKind,
}

/// What is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KbaErrorKind {
    /// The input is not a list.
    #[error("The security questions must be a list of questions with answers")]
    NotAList,
    /// Fewer entries than needed.
    #[error("{needed} security questions must be answered, {given} were")]
    TooFew {
        /// How many are needed.
        needed: u32,
        /// How many came.
        given: usize,
    },
    /// More than [`MAX_ANSWERS`].
    #[error("At most {MAX_ANSWERS} security questions can be answered")]
    TooMany,
    /// An entry that is no object.
    #[error("must be an object with a question and an answer")]
    NotAnEntry,
    /// Neither `questionId` nor `customQuestion`, or both.
    #[error("must have either a questionId or a customQuestion, as text")]
    Question,
    /// An id that is not configured.
    #[error("there is no security question with this id")]
    UnknownQuestion,
    /// A custom question without a letter or digit.
    #[error("the question is empty")]
    EmptyQuestion,
    /// A custom question with a line break or another control character.
    #[error("the question must be one line of text")]
    BrokenQuestion,
    /// Past [`MAX_QUESTION_CHARACTERS`].
    #[error("the question is longer than {MAX_QUESTION_CHARACTERS} characters")]
    LongQuestion,
    /// A custom question that equals a configured one.
    #[error("the question is one of the predefined questions; choose it from the list or ask something else")]
    SystemQuestion,
    /// The same question twice.
    #[error("the question was already answered")]
    Duplicate,
    /// No `answer`, or none that is a text.
    #[error("must have an answer, as text")]
    Answer,
    /// Nothing is left of the answer.
    #[error("the answer is empty")]
    EmptyAnswer,
    /// Fewer characters than [`DefinitionRules::answer_length`].
    #[error("the answer is shorter than {least} characters")]
    ShortAnswer {
        /// How many it needs.
        least: u64,
    },
    /// Fewer characters than [`DefinitionRules::question_length`].
    #[error("the question is shorter than {least} characters")]
    ShortQuestion {
        /// How many it needs.
        least: u64,
    },
    /// Past [`MAX_SECRET_BYTES`].
    #[error("the answer is longer than {MAX_SECRET_BYTES} bytes")]
    LongAnswer,
    /// A hash from somebody who may not bring one.
    #[error("the answer must not be hashed")]
    Hashed,
    /// A hash, allowed, that could never be verified.
    #[error("the hashed answer is of a form that cannot be verified")]
    UnknownHash,
}

impl KbaErrorKind {
    /// A word for it, as an error carries it ([`ResourceError::kind`]).
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotAList => "questions-no-list",
            Self::TooFew { .. } => "questions-too-few",
            Self::TooMany => "questions-too-many",
            Self::NotAnEntry => "question-no-entry",
            Self::Question => "question-missing",
            Self::UnknownQuestion => "question-unknown",
            Self::EmptyQuestion => "question-empty",
            Self::BrokenQuestion => "question-broken",
            Self::LongQuestion => "question-long",
            Self::ShortQuestion { .. } => "question-short",
            Self::SystemQuestion => "question-listed",
            Self::Duplicate => "question-twice",
            Self::Answer => "answer-missing",
            Self::EmptyAnswer => "answer-empty",
            Self::ShortAnswer { .. } => "answer-short",
            Self::LongAnswer => "answer-long",
            Self::Hashed => "answer-hashed",
            Self::UnknownHash => "answer-no-hash",
        }
    }

    /// Characters that are needed at least.
    fn least(&self) -> Option<u64> {
        match self {
            Self::ShortAnswer { least } | Self::ShortQuestion { least } => Some(*least),
            _ => None,
        }
    }
}

impl fmt::Display for KbaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(entry) => write!(f, "Security question {}: {}", entry + 1, self.reason),
            None => self.reason.fmt(f),
        }
    }
}

impl std::error::Error for KbaError {}

impl From<KbaError> for ResourceError {
    /// 403 for a planted hash (decision 13), 400 for the rest; `detail.entry` counts from 0, `detail.least` is how many characters are needed.
    fn from(refusal: KbaError) -> Self {
        let message = refusal.to_string();
        let error = if refusal.reason == KbaErrorKind::Hashed { Self::forbidden(message) } else { Self::bad_request(message) };
        let error = error.of_kind(refusal.reason.kind());
        match (refusal.entry, refusal.reason.least()) {
            (Some(entry), Some(least)) => error.with_detail(json!({ "entry": entry, "least": least })),
            (Some(entry), None) => error.with_detail(json!({ "entry": entry })),
            (None, _) => error,
        }
    }
}

/// Checks the list a person sends as `kba`. Unknown members of an entry are left out.
///
/// # Errors
/// The first thing found wrong.
pub fn check_definition(input: &Value, config: &KbaConfig, rules: DefinitionRules) -> Result<Vec<NewAnswer>, KbaError> {
    let whole = |reason| KbaError { entry: None, reason };
    let entries = input.as_array().ok_or(whole(KbaErrorKind::NotAList))?;
    if entries.len() > MAX_ANSWERS {
        return Err(whole(KbaErrorKind::TooMany));
    }
    if u32::try_from(entries.len()).is_ok_and(|given| given < rules.minimum) {
        return Err(whole(KbaErrorKind::TooFew { needed: rules.minimum, given: entries.len() }));
    }
    let mut seen = HashSet::new();
    let mut answers = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let at = |reason| KbaError { entry: Some(index), reason };
        let checked = check_entry(entry, config, rules).map_err(at)?;
        if !seen.insert(checked.question.key()) {
            return Err(at(KbaErrorKind::Duplicate));
        }
        answers.push(checked);
    }
    Ok(answers)
}

fn check_entry(entry: &Value, config: &KbaConfig, rules: DefinitionRules) -> Result<NewAnswer, KbaErrorKind> {
    if !entry.is_object() {
        return Err(KbaErrorKind::NotAnEntry);
    }
    let question = check_question(entry, config, rules)?;
    let answer = match entry.get(ANSWER) {
        Some(Value::String(text)) if visible(text).is_empty() => return Err(KbaErrorKind::EmptyAnswer),
        Some(Value::String(text)) if is_shorter(&visible(text), rules.answer_length) => {
            return Err(KbaErrorKind::ShortAnswer { least: rules.answer_length });
        }
        Some(Value::String(text)) => NewAnswerValue::Plain(answer_secret(text).map_err(|error| match error {
            SecretError::Empty => KbaErrorKind::EmptyAnswer,
            SecretError::TooLong | SecretError::Parameters => KbaErrorKind::LongAnswer,
        })?),
        Some(value) if is_crypto_object(value) && !rules.allow_hashed => return Err(KbaErrorKind::Hashed),
        Some(value) if is_crypto_object(value) => match StoredSecret::recognise(value) {
            Some(stored) if stored.is_verifiable() => NewAnswerValue::Hashed(value.clone()),
            _ => return Err(KbaErrorKind::UnknownHash),
        },
        _ => return Err(KbaErrorKind::Answer),
    };
    Ok(NewAnswer { question, answer })
}

fn is_shorter(text: &str, least: u64) -> bool {
    u64::try_from(text.chars().count()).is_ok_and(|length| length < least)
}

/// What there is to be seen of a text, as answers are compared. Whoever fills a length with what nobody sees has given no answer.
fn visible(text: &str) -> String {
    let seen: String = text.chars().filter(|character| !is_hidden(*character) || character.is_whitespace()).collect();
    normalise(&seen)
}

fn check_question(entry: &Value, config: &KbaConfig, rules: DefinitionRules) -> Result<QuestionRef, KbaErrorKind> {
    if [super::QUESTION_ID, super::CUSTOM_QUESTION]
        .iter()
        .filter_map(|key| entry.get(key))
        .any(|value| !value.is_string() && !value.is_null())
    {
        return Err(KbaErrorKind::Question);
    }
    if entry.get(super::CUSTOM_QUESTION).is_some_and(is_blank)
        && entry.get(super::QUESTION_ID).is_none_or(|id| id.is_null() || is_blank(id))
    {
        return Err(KbaErrorKind::EmptyQuestion);
    }
    let question = QuestionRef::read(entry).ok_or(KbaErrorKind::Question)?;
    match &question {
        QuestionRef::System(id) if config.question(id).is_none() => return Err(KbaErrorKind::UnknownQuestion),
        QuestionRef::Custom(text) if text.chars().count() > MAX_QUESTION_CHARACTERS => return Err(KbaErrorKind::LongQuestion),
        QuestionRef::Custom(text) if text.chars().any(char::is_control) => return Err(KbaErrorKind::BrokenQuestion),
        QuestionRef::Custom(text) if question::skeleton(text).is_empty() => return Err(KbaErrorKind::EmptyQuestion),
        QuestionRef::Custom(text) if config.is_system_text(text) => return Err(KbaErrorKind::SystemQuestion),
        QuestionRef::Custom(text) if is_shorter(&visible(text), rules.question_length) => {
            return Err(KbaErrorKind::ShortQuestion { least: rules.question_length });
        }
        QuestionRef::System(_) | QuestionRef::Custom(_) => {}
    }
    Ok(question)
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Checks a list as it is going to be stored, answers hashed: how many, and no question twice.
///
/// # Errors
/// The first thing found wrong.
pub fn check_stored(list: &Value, minimum: u32) -> Result<(), KbaError> {
    let whole = |reason| KbaError { entry: None, reason };
    let entries = list.as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.len() > MAX_ANSWERS {
        return Err(whole(KbaErrorKind::TooMany));
    }
    if u32::try_from(entries.len()).is_ok_and(|given| given < minimum) {
        return Err(whole(KbaErrorKind::TooFew { needed: minimum, given: entries.len() }));
    }
    let mut seen = HashSet::new();
    let twice = entries.iter().position(|entry| QuestionRef::read(entry).is_some_and(|question| !seen.insert(question.key())));
    twice.map_or(Ok(()), |entry| Err(KbaError { entry: Some(entry), reason: KbaErrorKind::Duplicate }))
}

/// The KBA property to store for checked answers, in order. Answers already hashed are kept as they are.
///
/// # Errors
/// Those of the hasher.
pub async fn hash_answers(hasher: &dyn Hasher, answers: Vec<NewAnswer>) -> Result<Value, ResourceError> {
    let mut entries = Vec::with_capacity(answers.len());
    for NewAnswer { question, answer } in answers {
        let answer = match answer {
            NewAnswerValue::Plain(secret) => hasher.hash(secret).await?,
            NewAnswerValue::Hashed(value) => value,
        };
        entries.push(StoredAnswer { question, answer }.to_value());
    }
    Ok(entries.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kba::{hash_answers, read_answers};
    use crate::secret::hasher_tests::{hasher, now};

    const RULES: DefinitionRules = DefinitionRules { minimum: 1, allow_hashed: false, answer_length: 0, question_length: 0 };

    fn refused(input: &Value) -> (Option<usize>, KbaErrorKind) {
        let refusal = check_definition(input, &KbaConfig::default(), RULES).unwrap_err();
        (refusal.entry, refusal.reason)
    }

    #[test]
    fn a_good_definition_is_hashed_and_read_back() {
        let input =
            json!([{"questionId": "1", "answer": "Blue", "more": 1}, {"customQuestion": "Dog?", "answer": "Rex", "questionId": null}]);
        let checked = check_definition(&input, &KbaConfig::default(), DefinitionRules { minimum: 2, ..RULES }).unwrap();
        assert!(!format!("{checked:?}").to_lowercase().contains("rex"));
        let stored = now(hash_answers(&hasher(), checked)).unwrap();
        assert!(!stored.to_string().to_lowercase().contains("blue"));
        let read = read_answers(&stored, &KbaConfig::default());
        assert_eq!(read.len(), 2);
        assert_eq!(stored[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["questionId", "answer"]);
    }

    #[test]
    fn too_few_too_many_and_no_list_are_refused() {
        assert_eq!(refused(&json!([])), (None, KbaErrorKind::TooFew { needed: 1, given: 0 }));
        for odd in [json!(null), json!({}), json!("x"), json!(1)] {
            assert_eq!(refused(&odd), (None, KbaErrorKind::NotAList));
        }
        let many: Vec<_> = (0..33).map(|n| json!({"customQuestion": format!("Q{n}"), "answer": "a"})).collect();
        assert_eq!(refused(&json!(many)), (None, KbaErrorKind::TooMany));
        assert!(check_definition(&json!(many[..32]), &KbaConfig::default(), RULES).is_ok());
    }

    #[test]
    fn every_refusal_says_which_entry() {
        let hash = json!({"$crypto": {"value": {"algorithm": "SHA-256", "data": "+Pdner8RFwoEejZogE9D4qgMmfvokvFHmz1Xp1jV4loAAQIDBAUGBwgJCgsMDQ4P"}, "type": "salted-hash"}});
        let good = json!({"questionId": "2", "answer": "ACME"});
        for (bad, reason) in [
            (json!("x"), KbaErrorKind::NotAnEntry),
            (json!(null), KbaErrorKind::NotAnEntry),
            (json!({"answer": "x"}), KbaErrorKind::Question),
            (json!({"questionId": 1, "answer": "x"}), KbaErrorKind::Question),
            (json!({"questionId": "1", "customQuestion": "Dog?", "answer": "x"}), KbaErrorKind::Question),
            (json!({"questionId": "7", "answer": "x"}), KbaErrorKind::UnknownQuestion),
            (json!({"questionId": "2", "answer": "x"}), KbaErrorKind::Duplicate),
            (json!({"customQuestion": " ", "answer": "x"}), KbaErrorKind::EmptyQuestion),
            (json!({"customQuestion": "?!", "answer": "x"}), KbaErrorKind::EmptyQuestion),
            (json!({"customQuestion": "é".repeat(513), "answer": "x"}), KbaErrorKind::LongQuestion),
            (json!({"customQuestion": "WHATS your favorite   colour", "answer": "x"}), KbaErrorKind::SystemQuestion),
            (
                json!({"customQuestion": "quelle est votre couleur pre\u{301}fe\u{301}re\u{301}e", "answer": "x"}),
                KbaErrorKind::SystemQuestion,
            ),
            (json!({"questionId": "1"}), KbaErrorKind::Answer),
            (json!({"questionId": "1", "answer": null}), KbaErrorKind::Answer),
            (json!({"questionId": "1", "answer": 17}), KbaErrorKind::Answer),
            (json!({"questionId": "1", "answer": ["blue"]}), KbaErrorKind::Answer),
            (json!({"questionId": "1", "answer": ""}), KbaErrorKind::EmptyAnswer),
            (json!({"questionId": "1", "answer": " \u{a0} "}), KbaErrorKind::EmptyAnswer),
            (json!({"questionId": "1", "answer": "\u{200b}\u{2060} \u{3164}\u{2800}"}), KbaErrorKind::EmptyAnswer),
            (json!({"questionId": "1", "answer": "x".repeat(1025)}), KbaErrorKind::LongAnswer),
            (json!({"questionId": "1", "answer": hash}), KbaErrorKind::Hashed),
        ] {
            assert_eq!(refused(&json!([good, bad])), (Some(1), reason), "{bad}");
        }
        assert!(
            check_definition(&json!([good, {"customQuestion": "é".repeat(512), "answer": "x".repeat(1024)}]), &KbaConfig::default(), RULES)
                .is_ok()
        );
    }

    #[test]
    fn answers_and_own_questions_have_the_length_that_is_asked_for() {
        let rules = DefinitionRules { answer_length: 3, question_length: 5, ..RULES };
        let check =
            |entry: Value| check_definition(&json!([entry]), &KbaConfig::default(), rules).map(drop).map_err(|refusal| refusal.reason);
        for (answer, good) in [("abc", true), (" ab ", false), ("a  b", true), ("\u{e9}\u{e9}", false), ("  ", false)] {
            assert_eq!(check(json!({"questionId": "1", "answer": answer})).is_ok(), good, "{answer:?}");
        }
        assert_eq!(check(json!({"questionId": "1", "answer": "ab"})), Err(KbaErrorKind::ShortAnswer { least: 3 }));
        assert_eq!(check(json!({"questionId": "1", "answer": " "})), Err(KbaErrorKind::EmptyAnswer));
        assert_eq!(check(json!({"questionId": "1", "answer": "ab\u{200b}\u{200b}"})), Err(KbaErrorKind::ShortAnswer { least: 3 }));
        assert_eq!(check(json!({"customQuestion": "Dog?", "answer": "Rex"})), Err(KbaErrorKind::ShortQuestion { least: 5 }));
        assert_eq!(check(json!({"customQuestion": "Dog\u{200b}?", "answer": "Rex"})), Err(KbaErrorKind::ShortQuestion { least: 5 }));
        assert_eq!(check(json!({"customQuestion": "Dogs?", "answer": "Rex"})), Ok(()));
    }

    #[test]
    fn one_own_question_cannot_be_asked_twice_in_two_spellings() {
        let twice = json!([{"customQuestion": "First dog?", "answer": "Rex"}, {"customQuestion": "first DOG", "answer": "Rex"}]);
        assert_eq!(refused(&twice), (Some(1), KbaErrorKind::Duplicate));
    }

    #[test]
    fn hashed_answers_are_the_administrators_and_must_be_verifiable() {
        let rules = DefinitionRules { allow_hashed: true, ..RULES };
        let entry = |algorithm: &str| json!([{"questionId": "1", "answer": {"$crypto": {"value": {"algorithm": algorithm, "data": "+Pdner8RFwoEejZogE9D4qgMmfvokvFHmz1Xp1jV4loAAQIDBAUGBwgJCgsMDQ4P"}, "type": "salted-hash"}}}]);
        let kept = check_definition(&entry("SHA-256"), &KbaConfig::default(), rules).unwrap();
        assert_eq!(now(hash_answers(&hasher(), kept)).unwrap(), entry("SHA-256"));
        assert_eq!(check_definition(&entry("ROT13"), &KbaConfig::default(), rules).unwrap_err().reason, KbaErrorKind::UnknownHash);
        let error = ResourceError::from(check_definition(&entry("SHA-256"), &KbaConfig::default(), RULES).unwrap_err());
        assert_eq!((error.code, error.detail), (403, Some(json!({"entry": 0}))));
    }

    #[test]
    fn the_message_is_for_a_person() {
        let error =
            ResourceError::from(check_definition(&json!([{"questionId": "1", "answer": ""}]), &KbaConfig::default(), RULES).unwrap_err());
        assert_eq!((error.code, error.message.as_str()), (400, "Security question 1: the answer is empty"));
        let few = check_definition(&json!([]), &KbaConfig::default(), DefinitionRules { minimum: 2, ..RULES }).unwrap_err();
        assert_eq!(few.to_string(), "2 security questions must be answered, 0 were");
    }
}
