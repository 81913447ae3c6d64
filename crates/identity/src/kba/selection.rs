//! Which questions are asked, of a person and of nobody.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::{KbaConfig, QuestionRef, StoredAnswer};

/// The questions asked of a person: `count` of the answers (all where there are fewer), in an order that is random to whoever lacks
/// the seed. The same seed gives the same questions in the same order, however the answers are arranged; no question comes twice.
///
/// The seed must be secret and bound to the process instance.
#[must_use]
pub fn draw<'a>(answers: &'a [StoredAnswer], count: usize, seed: &[u8; 32]) -> Vec<&'a StoredAnswer> {
    let mut drawn = shuffled(answers, |answer| &answer.question, seed);
    drawn.dedup_by(|later, earlier| later.question.key() == earlier.question.key());
    drawn.truncate(count);
    drawn
}

/// The questions asked in place of an account that does not exist, or has too few answers: exactly `count` (up to eight more than are
/// configured), and for one seed always the same. They are the administrator's; where those do not suffice, questions such as people
/// write themselves follow, for an account that had only system questions could not have been asked so many either.
///
/// The seed must be secret and bound to what was typed.
#[must_use]
pub fn decoy_questions(config: &KbaConfig, count: usize, seed: &[u8; 32]) -> Vec<QuestionRef> {
    let system: Vec<_> = config.questions.iter().map(|question| QuestionRef::System(question.id.clone())).collect();
    let own: Vec<_> = OWN.iter().filter(|text| !config.is_system_text(text)).map(|text| QuestionRef::Custom((*text).to_owned())).collect();
    let mut drawn: Vec<_> = shuffled(&system, |question| question, seed).into_iter().cloned().collect();
    drawn.extend(shuffled(&own, |question| question, seed).into_iter().cloned());
    drawn.truncate(count);
    drawn
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
fn shuffled<'a, T>(items: &'a [T], question: impl Fn(&T) -> &QuestionRef, seed: &[u8; 32]) -> Vec<&'a T> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, seed);
    let mut keyed: Vec<_> = items
        .iter()
        .map(|item| {
            let (kind, text) = question(item).key();
            let mut context = hmac::Context::with_key(&key);
            context.update(&[kind]);
            context.update(text.as_bytes());
            (context.sign().as_ref().to_vec(), item)
        })
        .collect();
    keyed.sort_by(|(left, _), (right, _)| left.cmp(right));
    keyed.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn answers(count: usize) -> Vec<StoredAnswer> {
        (0..count).map(|n| StoredAnswer { question: QuestionRef::Custom(format!("Question {n}?")), answer: json!(n) }).collect()
    }

    fn config(questions: usize) -> KbaConfig {
        let questions: serde_json::Map<_, _> = (0..questions).map(|n| (n.to_string(), json!({"en": format!("System {n}?")}))).collect();
        KbaConfig::read(&json!({ "questions": questions })).0
    }

    proptest! {
        #[test]
        fn a_draw_is_the_same_for_a_seed_and_never_repeats(total in 0usize..12, count in 0usize..12, seed: [u8; 32], rotate in 0usize..12) {
            let answers = answers(total);
            let drawn = draw(&answers, count, &seed);
            prop_assert_eq!(drawn.len(), count.min(total));
            let distinct: HashSet<_> = drawn.iter().map(|answer| &answer.question).collect();
            prop_assert_eq!(distinct.len(), drawn.len());
            let mut turned = answers.clone();
            turned.rotate_left(rotate.min(total));
            prop_assert_eq!(draw(&turned, count, &seed), drawn, "the order of storage does not matter");
        }

        #[test]
        fn decoys_are_as_many_as_asked_for_and_the_same_for_a_seed(system in 0usize..6, count in 0usize..8, seed: [u8; 32]) {
            let config = config(system);
            let decoys = decoy_questions(&config, count, &seed);
            prop_assert_eq!(decoys.len(), count);
            prop_assert_eq!(decoys.iter().collect::<HashSet<_>>().len(), count);
            let from_system = decoys.iter().filter(|question| matches!(question, QuestionRef::System(_))).count();
            prop_assert_eq!(from_system, count.min(system));
            prop_assert_eq!(decoy_questions(&config, count, &seed), decoys.clone());
            prop_assert_eq!(verification_properties(&decoys, &config).len(), count);
        }
    }

    #[test]
    fn different_seeds_reach_every_question() {
        let answers = answers(4);
        let first: HashSet<_> = (0..100u8).map(|n| draw(&answers, 1, &[n; 32])[0].question.clone()).collect();
        assert_eq!(first.len(), 4);
    }

    #[test]
    fn one_question_stored_twice_is_asked_once() {
        let mut twice = answers(1);
        twice.push(StoredAnswer { question: QuestionRef::Custom("question 0".to_owned()), answer: json!("other") });
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
