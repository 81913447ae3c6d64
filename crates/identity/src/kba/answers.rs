//! Answers: how they are compared, stored and read.
//!
//! Our own form is the password hash of the normalised answer (decision 12). IDM's is a salted SHA-256 of the answer in lower
//! case and nothing else, so the typed answer in lower case is tried as well.

use std::fmt;

use crest::ResourceError;
use serde_json::{Map, Value, json};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::{ANSWER, CUSTOM_QUESTION, KbaConfig, QUESTION_ID, question};
use crate::loose;
use crate::secret::{Hasher, MAX_SECRET_BYTES, Secret, SecretError, StoredSecret, Verdict};

/// Which question an answer belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum QuestionRef {
    /// One of the administrator's, by its id.
    System(String),
    /// The person's own text.
    Custom(String),
}

impl QuestionRef {
    /// The member that stores it, and its value.
    #[must_use]
    pub fn to_member(&self) -> (&'static str, &str) {
        match self {
            Self::System(id) => (QUESTION_ID, id),
            Self::Custom(text) => (CUSTOM_QUESTION, text),
        }
    }

    /// Reads `questionId` or `customQuestion`; null and empty count as absent. `None` where there is neither, or both.
    pub(super) fn read(entry: &Value) -> Option<Self> {
        let text = |key| loose::text(entry, key).filter(|text| !text.trim().is_empty());
        match (text(QUESTION_ID), text(CUSTOM_QUESTION)) {
            (Some(id), None) => Some(Self::System(id)),
            (None, Some(text)) => Some(Self::Custom(text)),
            (None, None) | (Some(_), Some(_)) => None,
        }
    }

    /// Equal keys mean the same question.
    pub(super) fn key(&self) -> (u8, String) {
        match self {
            Self::System(id) => (0, id.clone()),
            Self::Custom(text) => (1, question::skeleton(text)),
        }
    }
}

/// An answer as a user object holds it.
#[derive(Clone, PartialEq)]
pub struct StoredAnswer {
    /// The question that was answered: one of the administrator's by its id, or the person's own text.
    pub question: QuestionRef,
    /// The hash, ours or IDM's.
    pub answer: Value,
}

impl StoredAnswer {
    /// The entry to store.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let (member, question) = self.question.to_member();
        let mut entry = Map::new();
        entry.insert(member.to_owned(), json!(question));
        entry.insert(ANSWER.to_owned(), self.answer.clone());
        entry.into()
    }
}

impl fmt::Debug for StoredAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredAnswer").field("question", &self.question).finish_non_exhaustive()
    }
}

/// The usable answers of a user's KBA property, in order: the question is the person's own or still configured, and the answer is a
/// hash that can be verified. Of two answers to one question the first counts.
#[must_use]
pub fn read_answers(property: &Value, config: &KbaConfig) -> Vec<StoredAnswer> {
    let mut answers: Vec<StoredAnswer> = Vec::new();
    for entry in property.as_array().into_iter().flatten() {
        let Some(question) = QuestionRef::read(entry) else { continue };
        let known = match &question {
            QuestionRef::System(id) => config.question(id).is_some(),
            QuestionRef::Custom(_) => true,
        };
        let hash = entry.get(ANSWER).filter(|answer| StoredSecret::recognise(answer).is_some_and(|stored| stored.is_verifiable()));
        if let Some(answer) = hash
            && known
            && !answers.iter().any(|earlier| earlier.question.key() == question.key())
        {
            answers.push(StoredAnswer { question, answer: answer.clone() });
        }
    }
    answers
}

/// The form in which answers are equal: NFKC, lower case, white space trimmed and collapsed. Applying it again changes nothing.
#[must_use]
pub fn normalise(answer: &str) -> String {
    let mut text = once(answer);
    // Lower case can make a sequence that composes, and composing one that has a lower case; two or three rounds settle it.
    for _ in 0..4 {
        let next = once(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

fn once(text: &str) -> String {
    // Letter by letter, so that a capital sigma does not depend on its neighbours; both small ones are one letter.
    let lower: String = text.nfkc().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).nfkc().collect();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The answer as a secret: normalised for our own hash, in lower case for IDM's.
///
/// # Errors
/// [`SecretError::TooLong`] past [`MAX_SECRET_BYTES`], [`SecretError::Empty`] when nothing is left of it.
pub fn answer_secret(answer: &str) -> Result<Secret, SecretError> {
    if answer.len() > MAX_SECRET_BYTES {
        return Err(SecretError::TooLong);
    }
    let normal = Zeroizing::new(normalise(answer));
    if normal.is_empty() {
        return Err(SecretError::Empty);
    }
    let lower = Zeroizing::new(answer.to_lowercase());
    Secret::with_alternatives(normal, &[&lower])
}

/// The value to store for a new answer.
///
/// # Errors
/// 400 for an empty or overlong answer; those of the hasher.
pub async fn hash_answer(hasher: &dyn Hasher, answer: &str) -> Result<Value, ResourceError> {
    hasher.hash(answer_secret(answer)?).await
}

/// Compares an answer with a stored one; `None`, for a decoy, does the same work. What cannot be an answer (empty, overlong) differs,
/// after the same work.
///
/// # Errors
/// Those of the hasher.
pub async fn verify_answer(hasher: &dyn Hasher, answer: &str, stored: Option<&StoredAnswer>) -> Result<Verdict, ResourceError> {
    match answer_secret(answer) {
        Ok(secret) => hasher.verify(secret, stored.map(|stored| stored.answer.clone())).await,
        Err(_) => hasher.verify(Secret::exact("-")?, None).await,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::hasher_tests::{hasher, now};

    fn idm(data: &str) -> Value {
        json!({"$crypto": {"value": {"algorithm": "SHA-256", "data": data}, "type": "salted-hash"}})
    }

    fn stored(answer: Value) -> StoredAnswer {
        StoredAnswer { question: QuestionRef::System("1".to_owned()), answer }
    }

    fn check(answer: &str, against: &StoredAnswer) -> Verdict {
        now(verify_answer(&hasher(), answer, Some(against))).unwrap()
    }

    #[test]
    fn case_white_space_and_unicode_form_do_not_matter() {
        for form in ["Élm  Street", " e\u{301}lm street ", "ÉLM\u{a0}STREET\n", "ｅ\u{301}lm\tstreet"] {
            assert_eq!(normalise(form), "élm street", "{form:?}");
        }
        assert_eq!(normalise("ΟΔΟΣ"), normalise("οδος"));
        assert_eq!(normalise(" \u{3000} "), "");
    }

    // The two vectors of docs/protocol/companions.md, "Answers at rest": salt 00..0f, base64(SHA-256(answer || salt) || salt).
    #[test]
    fn answers_hashed_by_idm_are_verified_and_replaced() {
        let blue = stored(idm("+Pdner8RFwoEejZogE9D4qgMmfvokvFHmz1Xp1jV4loAAQIDBAUGBwgJCgsMDQ4P"));
        assert_eq!(check("Blue", &blue), Verdict::Matches { rehash: true });
        assert_eq!(check(" BLUE ", &blue), Verdict::Matches { rehash: true });
        assert_eq!(check("bleu", &blue), Verdict::Differs);
        let cafe = stored(idm("1KCeG1jrIPPrLGJEEAWPoSN1WEW4hlaLIkGJgf3LV8sAAQIDBAUGBwgJCgsMDQ4P"));
        assert_eq!(check("Café", &cafe), Verdict::Matches { rehash: true }, "IDM cut the last byte off");
        assert_eq!(check("Cafe", &cafe), Verdict::Differs);
    }

    // python3: base64(sha256(b"elm  street " + bytes(range(16))).digest() + bytes(range(16)))
    #[test]
    fn idm_kept_white_space_so_the_typed_answer_is_tried_too() {
        let spaced = stored(idm("zOHtPvP2xBiVYUSFRGl1terMOwgM3fRQECbFhteTH28AAQIDBAUGBwgJCgsMDQ4P"));
        assert_eq!(check("Elm  Street ", &spaced), Verdict::Matches { rehash: true });
        assert_eq!(check("Elm Street", &spaced), Verdict::Differs);
    }

    #[test]
    fn our_own_hash_needs_no_replacement() {
        let hash = now(hash_answer(&hasher(), "Elm Street")).unwrap();
        assert!(hash.as_str().is_some_and(|text| text.starts_with("$argon2id$")));
        assert_eq!(check("  elm STREET", &stored(hash)), Verdict::Matches { rehash: false });
    }

    #[test]
    fn what_cannot_be_an_answer_differs_and_is_never_hashed() {
        let hash = now(hash_answer(&hasher(), "-")).unwrap();
        for impossible in ["", " \t ", &"x".repeat(1025)] {
            assert_eq!(check(impossible, &stored(hash.clone())), Verdict::Differs);
            assert_eq!(now(hash_answer(&hasher(), impossible)).unwrap_err().code, 400);
        }
        assert_eq!(now(verify_answer(&hasher(), "-", None)).unwrap(), Verdict::Differs, "a decoy has no right answer");
    }

    #[test]
    fn unusable_entries_are_skipped() {
        let hash = json!("$argon2id$v=19$m=64,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$JacPLLteDb61DrxzeVnt4cSni4aWKTG/isguY92B6qI");
        let property = json!([
            {"questionId": "99", "answer": hash}, {"answer": hash}, {"questionId": "1"}, {"questionId": "1", "answer": "elm street"},
            {"questionId": "1", "customQuestion": "Both?", "answer": hash}, "x", null, {"questionId": 2, "answer": hash},
            {"customQuestion": "Tea?", "answer": hash}, {"customQuestion": "tea", "answer": hash}, {"customQuestion": " ", "answer": hash},
            {"questionId": "1", "answer": {"$crypto": {"type": "x-simple-encryption", "value": {}}}},
        ]);
        let answers = read_answers(&property, &KbaConfig::default());
        let questions: Vec<_> = answers.iter().map(|answer| answer.question.clone()).collect();
        assert_eq!(questions, [QuestionRef::System("2".to_owned()), QuestionRef::Custom("Tea?".to_owned())]);
        assert_eq!(answers[1].to_value(), json!({"customQuestion": "Tea?", "answer": hash}));
        for odd in [json!(null), json!({}), json!("x"), json!([])] {
            assert_eq!(read_answers(&odd, &KbaConfig::default()).len(), 0);
        }
    }

    #[test]
    fn a_stored_answer_is_printed_without_its_hash() {
        assert!(!format!("{:?}", stored(idm("+Pdner8RFwo"))).contains("Pdner8"));
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC*") {
            let normal = normalise(&text);
            prop_assert_eq!(normalise(&normal), normal);
        }

        #[test]
        fn whatever_was_defined_verifies(text in "\\PC{0,40}") {
            prop_assume!(!normalise(&text).is_empty());
            let hash = now(hash_answer(&hasher(), &text)).unwrap();
            prop_assert_eq!(check(&text.to_uppercase().to_lowercase(), &stored(hash.clone())).matches(), normalise(&text.to_uppercase()) == normalise(&text));
            prop_assert!(check(&text, &stored(hash)).matches());
        }
    }
}
