//! Mail texts: the operator's templates filled in. Values are escaped where the mail is HTML; the link stands as it is, because it goes
//! into an `href` that old clients read without decoding (golden `mail-reset`), and it consists of configured text and of tokens whose
//! alphabet needs no escaping.

/// Whether a media type is HTML.
pub(crate) fn is_html(mime_type: &str) -> bool {
    let essence = mime_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("text/html") || essence.eq_ignore_ascii_case("application/xhtml+xml")
}

/// Replaces every occurrence of each token in one pass, so that a value that looks like a token is left alone. Of tokens that begin at
/// the same place the first listed wins; empty tokens occur nowhere.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(character) = rest.chars().next() {
        let token = values.iter().find(|(token, _)| !token.is_empty() && rest.starts_with(token));
        if let Some((after, value)) = token.and_then(|(token, value)| Some((rest.strip_prefix(token)?, value))) {
            filled.push_str(value);
            rest = after;
        } else {
            filled.push(character);
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
        }
    }
    filled
}

/// A header's value: control characters, line ends above all, become spaces (SEC-51).
pub(crate) fn header(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c }).collect();
    spaced.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_occurrence_is_replaced_and_values_are_not_looked_at_again() {
        assert_eq!(fill("%a% and %a%, %b%", &[("%a%", "%b%"), ("%b%", "x")]), "%b% and %b%, x");
        assert_eq!(fill("é%a%", &[("", "never"), ("%a%", "ß")]), "éß");
    }

    #[test]
    fn sec_51_a_subject_is_one_line() {
        assert_eq!(header("Hello\r\nBcc: x@y\u{2028}\tthere "), "Hello Bcc: x@y there");
    }

    #[test]
    fn html_is_recognised_with_parameters_and_in_any_case() {
        assert!(is_html("Text/HTML; charset=utf-8"));
        assert!(!is_html("text/plain"));
        assert!(!is_html(""));
    }

    proptest! {
        #[test]
        fn a_template_without_tokens_stays_as_it_is(text in "\\PC{0,60}") {
            prop_assume!(!text.contains("%link%"));
            prop_assert_eq!(fill(&text, &[("%link%", "x")]), text);
        }
    }
}
