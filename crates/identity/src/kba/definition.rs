//! What a person may define as questions and answers (idm-docs §2.9 and what it leaves out: unknown ids, duplicates, empty and
//! endless answers, hashes planted by a client). Nothing is hashed before everything was found good.

use std::collections::HashSet;
use std::fmt;

use crest::ResourceError;
use serde_json::{Value, json};

use super::{ANSWER, KbaConfig, MAX_ANSWERS, MAX_QUESTION_CHARACTERS, QuestionRef, answer_secret, question};
use crate::secret::{MAX_SECRET_BYTES, Secret, SecretError, StoredSecret, is_crypto_object};

/// What a definition must keep to, beside the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefinitionRules {
    /// Answers needed ([`KbaConfig::answers_to_define`]).
    pub minimum: u32,
    /// Whether answers may arrive hashed: from an administrator's import only (design decision 12).
    pub allow_hashed: bool,
}

/// A checked answer.
#[derive(Clone, Debug)]
pub struct NewAnswer {
    /// The question it answers.
    pub question: QuestionRef,
    /// The answer.
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
pub struct KbaRefusal {
    /// The entry, counted from 0; `None` when it is about all of them.
    pub entry: Option<usize>,
    /// What is wrong.
    pub reason: RefusedFor,
}

/// What is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedFor {
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

impl fmt::Display for KbaRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(entry) => write!(f, "Security question {}: {}", entry + 1, self.reason),
            None => self.reason.fmt(f),
        }
    }
}

impl std::error::Error for KbaRefusal {}

impl From<KbaRefusal> for ResourceError {
    /// 403 for a planted hash (design decision 13), 400 for the rest; `detail.entry` counts from 0.
    fn from(refusal: KbaRefusal) -> Self {
        let message = refusal.to_string();
        let error = if refusal.reason == RefusedFor::Hashed { Self::forbidden(message) } else { Self::bad_request(message) };
        match refusal.entry {
            Some(entry) => error.with_detail(json!({ "entry": entry })),
            None => error,
        }
    }
}

/// Checks the list a person sends as `kba`. Unknown members of an entry are left out.
///
/// # Errors
/// The first thing found wrong.
pub fn check_definition(input: &Value, config: &KbaConfig, rules: DefinitionRules) -> Result<Vec<NewAnswer>, KbaRefusal> {
    let whole = |reason| KbaRefusal { entry: None, reason };
    let entries = input.as_array().ok_or(whole(RefusedFor::NotAList))?;
    if entries.len() > MAX_ANSWERS {
        return Err(whole(RefusedFor::TooMany));
    }
    if u32::try_from(entries.len()).is_ok_and(|given| given < rules.minimum) {
        return Err(whole(RefusedFor::TooFew { needed: rules.minimum, given: entries.len() }));
    }
    let mut seen = HashSet::new();
    let mut answers = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let at = |reason| KbaRefusal { entry: Some(index), reason };
        let checked = check_entry(entry, config, rules).map_err(at)?;
        if !seen.insert(checked.question.key()) {
            return Err(at(RefusedFor::Duplicate));
        }
        answers.push(checked);
    }
    Ok(answers)
}

fn check_entry(entry: &Value, config: &KbaConfig, rules: DefinitionRules) -> Result<NewAnswer, RefusedFor> {
    if !entry.is_object() {
        return Err(RefusedFor::NotAnEntry);
    }
    let question = check_question(entry, config)?;
    let answer = match entry.get(ANSWER) {
        Some(Value::String(text)) => NewAnswerValue::Plain(answer_secret(text).map_err(|error| match error {
            SecretError::Empty => RefusedFor::EmptyAnswer,
            SecretError::TooLong | SecretError::Parameters => RefusedFor::LongAnswer,
        })?),
        Some(value) if is_crypto_object(value) && !rules.allow_hashed => return Err(RefusedFor::Hashed),
        Some(value) if is_crypto_object(value) => match StoredSecret::recognise(value) {
            Some(stored) if stored.is_verifiable() => NewAnswerValue::Hashed(value.clone()),
            _ => return Err(RefusedFor::UnknownHash),
        },
        _ => return Err(RefusedFor::Answer),
    };
    Ok(NewAnswer { question, answer })
}

fn check_question(entry: &Value, config: &KbaConfig) -> Result<QuestionRef, RefusedFor> {
    if [super::QUESTION_ID, super::CUSTOM_QUESTION]
        .iter()
        .filter_map(|key| entry.get(key))
        .any(|value| !value.is_string() && !value.is_null())
    {
        return Err(RefusedFor::Question);
    }
    if entry.get(super::CUSTOM_QUESTION).is_some_and(is_blank)
        && entry.get(super::QUESTION_ID).is_none_or(|id| id.is_null() || is_blank(id))
    {
        return Err(RefusedFor::EmptyQuestion);
    }
    let question = QuestionRef::read(entry).ok_or(RefusedFor::Question)?;
    match &question {
        QuestionRef::System(id) if config.question(id).is_none() => return Err(RefusedFor::UnknownQuestion),
        QuestionRef::Custom(text) if text.chars().count() > MAX_QUESTION_CHARACTERS => return Err(RefusedFor::LongQuestion),
        QuestionRef::Custom(text) if text.chars().any(char::is_control) => return Err(RefusedFor::BrokenQuestion),
        QuestionRef::Custom(text) if question::skeleton(text).is_empty() => return Err(RefusedFor::EmptyQuestion),
        QuestionRef::Custom(text) if config.is_system_text(text) => return Err(RefusedFor::SystemQuestion),
        QuestionRef::System(_) | QuestionRef::Custom(_) => {}
    }
    Ok(question)
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kba::{hash_answers, read_answers};
    use crate::secret::hasher_tests::{hasher, now};

    const RULES: DefinitionRules = DefinitionRules { minimum: 1, allow_hashed: false };

    fn refused(input: &Value) -> (Option<usize>, RefusedFor) {
        let refusal = check_definition(input, &KbaConfig::default(), RULES).unwrap_err();
        (refusal.entry, refusal.reason)
    }

    #[test]
    fn a_good_definition_is_hashed_and_read_back() {
        let input =
            json!([{"questionId": "1", "answer": "Blue", "more": 1}, {"customQuestion": "Dog?", "answer": "Rex", "questionId": null}]);
        let checked = check_definition(&input, &KbaConfig::default(), DefinitionRules { minimum: 2, allow_hashed: false }).unwrap();
        assert!(!format!("{checked:?}").to_lowercase().contains("rex"));
        let stored = now(hash_answers(&hasher(), checked)).unwrap();
        assert!(!stored.to_string().to_lowercase().contains("blue"));
        let read = read_answers(&stored, &KbaConfig::default());
        assert_eq!(read.len(), 2);
        assert_eq!(stored[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["questionId", "answer"]);
    }

    #[test]
    fn too_few_too_many_and_no_list_are_refused() {
        assert_eq!(refused(&json!([])), (None, RefusedFor::TooFew { needed: 1, given: 0 }));
        for odd in [json!(null), json!({}), json!("x"), json!(1)] {
            assert_eq!(refused(&odd), (None, RefusedFor::NotAList));
        }
        let many: Vec<_> = (0..33).map(|n| json!({"customQuestion": format!("Q{n}"), "answer": "a"})).collect();
        assert_eq!(refused(&json!(many)), (None, RefusedFor::TooMany));
        assert!(check_definition(&json!(many[..32]), &KbaConfig::default(), RULES).is_ok());
    }

    #[test]
    fn every_refusal_says_which_entry() {
        let hash = json!({"$crypto": {"value": {"algorithm": "SHA-256", "data": "+Pdner8RFwoEejZogE9D4qgMmfvokvFHmz1Xp1jV4loAAQIDBAUGBwgJCgsMDQ4P"}, "type": "salted-hash"}});
        let good = json!({"questionId": "2", "answer": "ACME"});
        for (bad, reason) in [
            (json!("x"), RefusedFor::NotAnEntry),
            (json!(null), RefusedFor::NotAnEntry),
            (json!({"answer": "x"}), RefusedFor::Question),
            (json!({"questionId": 1, "answer": "x"}), RefusedFor::Question),
            (json!({"questionId": "1", "customQuestion": "Dog?", "answer": "x"}), RefusedFor::Question),
            (json!({"questionId": "7", "answer": "x"}), RefusedFor::UnknownQuestion),
            (json!({"questionId": "2", "answer": "x"}), RefusedFor::Duplicate),
            (json!({"customQuestion": " ", "answer": "x"}), RefusedFor::EmptyQuestion),
            (json!({"customQuestion": "?!", "answer": "x"}), RefusedFor::EmptyQuestion),
            (json!({"customQuestion": "é".repeat(513), "answer": "x"}), RefusedFor::LongQuestion),
            (json!({"customQuestion": "WHATS your favorite   colour", "answer": "x"}), RefusedFor::SystemQuestion),
            (
                json!({"customQuestion": "quelle est votre couleur pre\u{301}fe\u{301}re\u{301}e", "answer": "x"}),
                RefusedFor::SystemQuestion,
            ),
            (json!({"questionId": "1"}), RefusedFor::Answer),
            (json!({"questionId": "1", "answer": null}), RefusedFor::Answer),
            (json!({"questionId": "1", "answer": 17}), RefusedFor::Answer),
            (json!({"questionId": "1", "answer": ["blue"]}), RefusedFor::Answer),
            (json!({"questionId": "1", "answer": ""}), RefusedFor::EmptyAnswer),
            (json!({"questionId": "1", "answer": " \u{a0} "}), RefusedFor::EmptyAnswer),
            (json!({"questionId": "1", "answer": "x".repeat(1025)}), RefusedFor::LongAnswer),
            (json!({"questionId": "1", "answer": hash}), RefusedFor::Hashed),
        ] {
            assert_eq!(refused(&json!([good, bad])), (Some(1), reason), "{bad}");
        }
        assert!(
            check_definition(&json!([good, {"customQuestion": "é".repeat(512), "answer": "x".repeat(1024)}]), &KbaConfig::default(), RULES)
                .is_ok()
        );
    }

    #[test]
    fn one_own_question_cannot_be_asked_twice_in_two_spellings() {
        let twice = json!([{"customQuestion": "First dog?", "answer": "Rex"}, {"customQuestion": "first DOG", "answer": "Rex"}]);
        assert_eq!(refused(&twice), (Some(1), RefusedFor::Duplicate));
    }

    #[test]
    fn hashed_answers_are_the_administrators_and_must_be_verifiable() {
        let rules = DefinitionRules { minimum: 1, allow_hashed: true };
        let entry = |algorithm: &str| json!([{"questionId": "1", "answer": {"$crypto": {"value": {"algorithm": algorithm, "data": "+Pdner8RFwoEejZogE9D4qgMmfvokvFHmz1Xp1jV4loAAQIDBAUGBwgJCgsMDQ4P"}, "type": "salted-hash"}}}]);
        let kept = check_definition(&entry("SHA-256"), &KbaConfig::default(), rules).unwrap();
        assert_eq!(now(hash_answers(&hasher(), kept)).unwrap(), entry("SHA-256"));
        assert_eq!(check_definition(&entry("MD5"), &KbaConfig::default(), rules).unwrap_err().reason, RefusedFor::UnknownHash);
        let error = ResourceError::from(check_definition(&entry("SHA-256"), &KbaConfig::default(), RULES).unwrap_err());
        assert_eq!((error.code, error.detail), (403, Some(json!({"entry": 0}))));
    }

    #[test]
    fn the_message_is_for_a_person() {
        let error =
            ResourceError::from(check_definition(&json!([{"questionId": "1", "answer": ""}]), &KbaConfig::default(), RULES).unwrap_err());
        assert_eq!((error.code, error.message.as_str()), (400, "Security question 1: the answer is empty"));
        let few = check_definition(&json!([]), &KbaConfig::default(), DefinitionRules { minimum: 2, allow_hashed: false }).unwrap_err();
        assert_eq!(few.to_string(), "2 security questions must be answered, 0 were");
    }
}
