//! Regular expressions out of an operator's files, written for Java or JavaScript.
//!
//! The linear-time engine is tried first; look-around falls back to one that backtracks, under a limit. Easiest to break: only an
//! operator's text is ever a pattern. What a person typed is compared as text.

use std::fmt;

/// Steps of backtracking after which a text counts as not matching.
const BACKTRACK_LIMIT: usize = 200_000;
/// Longest pattern, in bytes.
const MAX_PATTERN: usize = 8 * 1024;

/// A compiled pattern. Matches anywhere in the text, unless anchored.
#[derive(Clone)]
pub(crate) enum Pattern {
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
    pub(crate) fn compile(pattern: &str, flags: &str) -> Result<Self, String> {
        if pattern.len() > MAX_PATTERN {
            return Err(format!("longer than {MAX_PATTERN} bytes"));
        }
        let pattern = translated(pattern);
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
    pub(crate) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Linear(regex) => regex.is_match(text),
            Self::Backtracking(regex) => regex.is_match(text).unwrap_or(false),
        }
    }
}

/// The pattern in the words of the engines here.
///
/// Java and JavaScript mean ASCII by `\d` and `\w`, where the engines here mean Unicode; a rule must not become weaker by that. In
/// JavaScript `[`, `&&` and `{` may stand for themselves, `[^]` is any character, a letter without a meaning of its own may be escaped, and
/// a look-ahead may be repeated: none or many times what consumes nothing is nothing, and at least once is once.
fn translated(pattern: &str) -> String {
    let letters: Vec<char> = pattern.chars().collect();
    let mut out = String::with_capacity(pattern.len());
    // Where each open group begins in `out`, and whether it looks ahead or behind.
    let mut groups: Vec<(usize, bool)> = Vec::new();
    let mut at = 0;
    while let Some(letter) = letters.get(at).copied() {
        let rest = letters.get(at + 1..).unwrap_or_default();
        match letter {
            '\\' => at += escape(rest.first().copied(), false, &mut out),
            '[' => at += class(rest, &mut out),
            '(' => {
                let looks = matches!(rest, ['?', '=' | '!', ..] | ['?', '<', '=' | '!', ..]);
                groups.push((out.len(), looks));
                out.push('(');
            }
            ')' => {
                out.push(')');
                if let Some((begin, true)) = groups.pop()
                    && let Some((length, least)) = quantifier(rest)
                {
                    if least == 0 {
                        out.truncate(begin);
                        out.push_str("(?:)");
                    }
                    at += length;
                }
            }
            '{' if quantifier(letters.get(at..).unwrap_or_default()).is_none() => out.push_str("\\{"),
            _ => out.push(letter),
        }
        at += 1;
    }
    out
}

/// Writes an escape whose letter is `escaped`; returns how many letters that took behind the backslash.
fn escape(escaped: Option<char>, in_class: bool, out: &mut String) -> usize {
    match (escaped, in_class) {
        (Some('d'), true) => out.push_str("0-9"),
        (Some('d'), false) => out.push_str("[0-9]"),
        (Some('D'), false) => out.push_str("[^0-9]"),
        (Some('w'), true) => out.push_str("0-9A-Za-z_"),
        (Some('w'), false) => out.push_str("[0-9A-Za-z_]"),
        (Some('W'), false) => out.push_str("[^0-9A-Za-z_]"),
        // Without a meaning in JavaScript, so it stands for itself; `\<` would be a boundary here.
        (Some(other @ ('<' | '>' | '_' | 'e' | 'g' | 'i' | 'j' | 'l' | 'm' | 'o' | 'q' | 'y')), _) => out.push(other),
        (Some(other), _) => out.extend(['\\', other]),
        (None, _) => out.push('\\'),
    }
    usize::from(escaped.is_some())
}

/// Writes a class whose inside is at the beginning of `letters`; returns how many letters that took, the closing bracket included.
fn class(letters: &[char], out: &mut String) -> usize {
    if let ['^', ']', ..] = letters {
        out.push_str(r"[\s\S]");
        return 2;
    }
    out.push('[');
    let mut at = 0;
    while let Some(letter) = letters.get(at).copied() {
        let next = letters.get(at + 1).copied();
        at += 1;
        match letter {
            ']' => {
                out.push(']');
                return at;
            }
            '\\' => at += escape(next, true, out),
            // Nested classes and set operations are the engines' own.
            '[' => out.push_str("\\["),
            '&' | '~' if next == Some(letter) => {
                out.extend(['\\', letter, '\\', letter]);
                at += 1;
            }
            '-' if next == Some('-') => {
                out.push_str("\\-");
            }
            _ => out.push(letter),
        }
    }
    at
}

/// A quantifier at the beginning: its length, and how often at least.
fn quantifier(letters: &[char]) -> Option<(usize, u32)> {
    let (length, least) = match letters {
        ['*' | '?', ..] => (1, 0),
        ['+', ..] => (1, 1),
        ['{', inside @ ..] => {
            let end = inside.iter().position(|letter| *letter == '}')?;
            let text: String = inside.get(..end)?.iter().collect();
            let (least, most) = text.split_once(',').map_or((text.as_str(), None), |(least, most)| (least, Some(most)));
            if most.is_some_and(|most| !most.is_empty() && most.parse::<u32>().is_err()) {
                return None;
            }
            (end + 2, least.parse().ok()?)
        }
        _ => return None,
    };
    // Reluctant or possessive: what consumes nothing is neither.
    let more = usize::from(matches!(letters.get(length), Some('?' | '+')));
    Some((length + more, least))
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
    fn a_repeated_look_ahead_is_nothing_or_once_as_in_javascript() {
        // None or more of what consumes nothing says nothing.
        assert!(matches(r"^(?=.*\d)*[a-z]+$", "abc"));
        assert!(matches(r"^(?!.*b)?abc$", "abc"));
        assert!(matches(r"^(?=.*[A-Z]){0,1}[a-z]+$", "abc"));
        // At least one is one.
        assert!(matches(r"^(?=.*\d)+\w{4,}$", "abc1") && !matches(r"^(?=.*\d)+\w{4,}$", "abcd"));
        assert!(matches(r"^(?=.*\d){1,3}?\w+$", "a1") && !matches(r"^(?=.*\d){1,3}?\w+$", "ab"));
        assert!(matches(r"^(?=(?=a)?b*\d)*x$", "x"));
        assert!(matches(r"^(?=.*[A-Za-z])(?=.*\d)+(?:abc)+1$", "abcabc1"), "other groups repeat as ever");
    }

    #[test]
    fn what_javascript_takes_literally_is_literal() {
        for (pattern, good, bad) in [
            (r"^[[\]]+$", "[]", "a"),
            (r"^[a&&b]+$", "a&b", "c"),
            (r"^[^]$", "\u{e4}", ""),
            (r"^{x}$", "{x}", "x"),
            (r"^a{,3}$", "a{,3}", "aa"),
            (r"^a{2,3}$", "aa", "a"),
            (r"^\_\-\/\<b\>$", "_-/<b>", "b"),
            (r"^[\w.!#$%&'*+/=?^`{|}~-]+@[a-z]+$", "o'neil+x@y", "a b@y"),
            (r"^[\u00e4\u00f6]+$", "\u{e4}\u{f6}", "a"),
            (r"^[\d--]+$", "1-2", "a"),
        ] {
            assert!(matches(pattern, good), "{pattern} {good}");
            assert!(!matches(pattern, bad), "{pattern} {bad}");
        }
    }

    #[test]
    fn a_broken_pattern_is_an_error() {
        assert!(Pattern::compile("(unclosed", "").is_err());
    }
}
