//! Comparing questions.

use unicode_normalization::UnicodeNormalization;

/// What is left of a question without everything but letters and digits, in lower case: two questions with one skeleton are the same
/// question (docs/protocol/stages.md, "kbaSecurityAnswerDefinitionStage").
pub(super) fn skeleton(text: &str) -> String {
    if text.is_ascii() {
        return text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    }
    skeleton_by_unicode(text)
}

fn skeleton_by_unicode(text: &str) -> String {
    text.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_spaces_and_signs_do_not_tell_questions_apart() {
        assert_eq!(skeleton(" What's your FAVORITE  color ??"), skeleton("what s yourfavorite\u{a0}color"));
        assert_eq!(skeleton("Quelle est votre couleur préférée?"), skeleton("QUELLE EST VOTRE COULEUR PRE\u{301}FE\u{301}RE\u{301}E"));
        assert_ne!(skeleton("First pet?"), skeleton("Second pet?"));
        assert_eq!(skeleton(" ?!… "), "");
    }

    #[test]
    fn ascii_is_what_unicode_makes_of_it() {
        let all: String = (0..128_u8).map(char::from).collect();
        assert_eq!(skeleton(&all), skeleton_by_unicode(&all));
    }
}
