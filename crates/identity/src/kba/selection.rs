//! Which questions are asked, for an account and for a decoy.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::{KbaConfig, QuestionRef};

/// The questions asked: `count` of those somebody has (all where there are fewer), in an order that is random to whoever lacks the
/// seed. The same seed gives the same questions in the same order, however they are arranged; no question comes twice.
///
/// The seed must be secret and bound to the process instance.
#[must_use]
pub fn draw<'a>(questions: &'a [QuestionRef], count: usize, seed: &[u8; 32]) -> Vec<&'a QuestionRef> {
    let mut drawn = shuffled(questions, seed);
    drawn.dedup_by(|later, earlier| later.key() == earlier.key());
    drawn.truncate(count);
    drawn
}

/// From how many of an account's questions an unproven caller is asked `count`: from as many as must be defined, as far as the administrator has so
/// many. An account with more answers could be told from a decoy, whose instances draw from so many.
#[must_use]
pub fn asked_from(config: &KbaConfig, count: usize) -> usize {
    let defined = usize::try_from(config.answers_to_define(None)).unwrap_or(usize::MAX);
    count.max(defined.min(config.questions.len()))
}

/// The questions that an account which does not exist, or has too few answers, would be asked from: [`asked_from`] says how many, the
/// administrator's first, and for one seed always the same. An instance then draws from them as from a person's. Where the
/// administrator's do not suffice, questions such as people write themselves follow (up to eight), for an account that had only system
/// questions could not have been asked so many either.
///
/// The seed must be secret and bound to what was named.
#[must_use]
pub fn decoy_questions(config: &KbaConfig, count: usize, seed: &[u8; 32]) -> Vec<QuestionRef> {
    let system: Vec<_> = config.questions.iter().map(|question| QuestionRef::System(question.id.clone())).collect();
    let own: Vec<_> = OWN.iter().filter(|text| !config.is_system_text(text)).map(|text| QuestionRef::Custom((*text).to_owned())).collect();
    shuffled(&system, seed).into_iter().chain(shuffled(&own, seed)).take(asked_from(config, count)).cloned().collect()
}

/// Believable questions of a person's own.
const OWN: [&str; 8] = [
    "What was the name of my first pet?",
    "What is my mother's middle name?",
    "Which street did I grow up on?",
    "What was my first car?",
    "Who was my favorite teacher?",
    "Where did we go on our honeymoon?",
    "What is the name of my oldest cousin?",
    "What was my first phone?",
];

/// The `properties` of the verification requirements: `answer1` … `answerN` in the order given. A question that is no longer
/// configured has no text and is left out; [`super::read_answers`] never returns one.
#[must_use]
pub fn verification_properties<'a>(questions: impl IntoIterator<Item = &'a QuestionRef>, config: &KbaConfig) -> Vec<(String, Value)> {
    questions
        .into_iter()
        .filter_map(|question| match question {
            QuestionRef::System(id) => {
                config.question(id).map(|question| json!({ "systemQuestion": question.texts_value(), "type": "string" }))
            }
            QuestionRef::Custom(text) => Some(json!({ "userQuestion": text, "type": "string" })),
        })
        .zip(1..)
        .map(|(schema, number)| (format!("answer{number}"), schema))
        .collect()
}

/// Sorted by a keyed hash of the question.
fn shuffled<'a>(questions: &'a [QuestionRef], seed: &[u8; 32]) -> Vec<&'a QuestionRef> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, seed);
    let place = |question: &QuestionRef| {
        let (kind, text) = question.key();
        let mut context = hmac::Context::with_key(&key);
        context.update(&[kind]);
        context.update(text.as_bytes());
        context.sign().as_ref().to_vec()
    };
    let mut sorted: Vec<&QuestionRef> = questions.iter().collect();
    sorted.sort_by_cached_key(|question| place(question));
    sorted
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn own(count: usize) -> Vec<QuestionRef> {
        (0..count).map(|n| QuestionRef::Custom(format!("Question {n}?"))).collect()
    }

    fn config(questions: usize, define: usize) -> KbaConfig {
        let questions: serde_json::Map<_, _> = (0..questions).map(|n| (n.to_string(), json!({"en": format!("System {n}?")}))).collect();
        KbaConfig::read(&json!({ "questions": questions, "minimumAnswersToDefine": define })).0
    }

    proptest! {
        #[test]
        fn a_draw_is_the_same_for_a_seed_and_never_repeats(total in 0usize..12, count in 0usize..12, seed: [u8; 32], rotate in 0usize..12) {
            let questions = own(total);
            let drawn = draw(&questions, count, &seed);
            prop_assert_eq!(drawn.len(), count.min(total));
            prop_assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), drawn.len());
            let mut turned = questions.clone();
            turned.rotate_left(rotate.min(total));
            prop_assert_eq!(draw(&turned, count, &seed), drawn, "the order of storage does not matter");
        }

        #[test]
        fn a_decoy_has_as_many_questions_as_a_person_must_define(system in 0usize..6, define in 1usize..6, count in 1usize..8, seed: [u8; 32]) {
            let config = config(system, define);
            let decoys = decoy_questions(&config, count, &seed);
            prop_assert_eq!(decoys.len(), count.max(define.min(system)));
            prop_assert_eq!(decoys.iter().collect::<HashSet<_>>().len(), decoys.len());
            let from_system = decoys.iter().filter(|question| matches!(question, QuestionRef::System(_))).count();
            prop_assert_eq!(from_system, decoys.len().min(system), "people's own come only where the administrator's do not suffice");
            prop_assert_eq!(decoy_questions(&config, count, &seed), decoys.clone());
            prop_assert_eq!(verification_properties(&decoys, &config).len(), decoys.len());
        }
    }

    #[test]
    fn different_seeds_reach_every_question() {
        let questions = own(4);
        let first: HashSet<_> = (0..100u8).map(|n| draw(&questions, 1, &[n; 32])[0]).collect();
        assert_eq!(first.len(), 4);
    }

    #[test]
    fn one_question_stored_twice_is_asked_once() {
        let mut twice = own(1);
        twice.push(QuestionRef::Custom("question 0".to_owned()));
        assert_eq!(draw(&twice, 2, &[0; 32]).len(), 1);
    }

    #[test]
    fn requirements_show_texts_of_all_locales_and_the_persons_own() {
        let config = KbaConfig::default();
        let questions = [QuestionRef::System("1".to_owned()), QuestionRef::System("99".to_owned()), QuestionRef::Custom("Dog?".to_owned())];
        let properties = verification_properties(&questions, &config);
        assert_eq!(properties[0].0, "answer1");
        assert_eq!(properties[0].1["systemQuestion"]["fr"], "Quelle est votre couleur préférée?");
        assert_eq!(properties[1], ("answer2".to_owned(), json!({"userQuestion": "Dog?", "type": "string"})));
        assert_eq!(properties.len(), 2);
    }
}
