//! Regular expressions out of an operator's files, written for Java or JavaScript.
//!
//! The linear-time engine is tried first; look-around falls back to one that backtracks, under a limit. Easiest to break: only an
//! operator's text is ever a pattern. What a person typed never is (in the old server it was, and a name like `(` broke every
//! password).

use std::fmt;

/// Steps of backtracking after which a text counts as not matching.
const BACKTRACK_LIMIT: usize = 200_000;
/// Longest pattern, in bytes.
const MAX_PATTERN: usize = 8 * 1024;

/// A compiled pattern. Matches anywhere in the text, unless anchored.
#[derive(Clone)]
pub(super) enum Pattern {
    Linear(Box<regex::Regex>),
    Backtracking(Box<fancy_regex::Regex>),
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linear(regex) => write!(f, "Linear({regex})"),
            Self::Backtracking(regex) => write!(f, "Backtracking({regex})"),
        }
    }
}

impl Pattern {
    /// Compiles a pattern; of the flags `i`, `m` and `s` mean something here.
    pub(super) fn compile(pattern: &str, flags: &str) -> Result<Self, String> {
        if pattern.len() > MAX_PATTERN {
            return Err(format!("longer than {MAX_PATTERN} bytes"));
        }
        let pattern = ascii_classes(pattern);
        let on = |flag| flags.contains(flag);
        let linear = regex::RegexBuilder::new(&pattern)
            .case_insensitive(on('i'))
            .multi_line(on('m'))
            .dot_matches_new_line(on('s'))
            .size_limit(1 << 20)
            .build();
        if let Ok(regex) = linear {
            return Ok(Self::Linear(Box::new(regex)));
        }
        let inline: String = ['i', 'm', 's'].into_iter().filter(|flag| on(*flag)).collect();
        let pattern = if inline.is_empty() { pattern } else { format!("(?{inline}){pattern}") };
        let backtracking = fancy_regex::RegexBuilder::new(&pattern).backtrack_limit(BACKTRACK_LIMIT).build();
        backtracking.map(|regex| Self::Backtracking(Box::new(regex))).map_err(|error| error.to_string())
    }

    /// Whether the text matches; a text that takes too long does not.
    pub(super) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Linear(regex) => regex.is_match(text),
            Self::Backtracking(regex) => regex.is_match(text).unwrap_or(false),
        }
    }
}

/// Java and JavaScript mean ASCII by `\d` and `\w`; the engines here mean Unicode. A rule must not become weaker by that.
fn ascii_classes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut in_class = false;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match (chars.next(), in_class) {
                (Some('d'), true) => out.push_str("0-9"),
                (Some('d'), false) => out.push_str("[0-9]"),
                (Some('D'), false) => out.push_str("[^0-9]"),
                (Some('w'), true) => out.push_str("0-9A-Za-z_"),
                (Some('w'), false) => out.push_str("[0-9A-Za-z_]"),
                (Some('W'), false) => out.push_str("[^0-9A-Za-z_]"),
                (Some(other), _) => out.extend(['\\', other]),
                (None, _) => out.push('\\'),
            },
            '[' => {
                in_class = true;
                out.push(c);
            }
            ']' => {
                in_class = false;
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::compile(pattern, "").unwrap().is_match(text)
    }

    #[test]
    fn patterns_of_real_projects_compile_and_match() {
        assert!(matches(r"^\+?([0-9\- \(\)])*$", "+49 (0)30-123"));
        assert!(!matches(r"^\+?([0-9\- \(\)])*$", "call me"));
        assert!(matches(r"^(?=.*[A-Z])(?=.*\d)(?!.*\s).{8,}$", "Str0ngEnough"));
        assert!(!matches(r"^(?=.*[A-Z])(?=.*\d)(?!.*\s).{8,}$", "strongenough"));
        assert!(matches(r"^[A-Za-zÄÖÜäöüß \-']+$", "Müller-Lüdenscheidt"));
        assert!(matches(r"^[\w.\-]+\/?$", "a.b-c"));
    }

    #[test]
    fn digits_and_word_characters_are_ascii_as_where_the_pattern_came_from() {
        assert!(!matches(r"^\d+$", "١٢٣"));
        assert!(!matches(r"^[\w]+$", "Ünder"));
    }

    #[test]
    fn a_text_that_backtracks_without_end_does_not_match() {
        assert!(!matches(r"^(?=a)(a+)+\1$", &format!("{}b", "a".repeat(64))));
    }

    #[test]
    fn flags_are_honoured_by_both_engines() {
        assert!(Pattern::compile("^abc$", "i").unwrap().is_match("ABC"));
        assert!(Pattern::compile("^(?=abc)abc$", "i").unwrap().is_match("ABC"));
    }

    #[test]
    fn a_broken_pattern_is_an_error() {
        assert!(Pattern::compile("(unclosed", "").is_err());
    }
}
