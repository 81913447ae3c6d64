//! The text of a script as words: comments, and what stands in texts and patterns, made blank.
//!
//! Easiest to break: every byte keeps its place, or what is found is told with another line.

/// Whether a sign belongs to a word.
pub(crate) fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The line of a place, from 1.
pub(super) fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

/// The words of a masked text with their places.
pub(super) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let rest = text.get(from..)?;
        let start = from + rest.find(is_part)?;
        let word = text.get(start..)?;
        let word = word.get(..word.find(|c: char| !is_part(c)).unwrap_or(word.len()))?;
        from = start + word.len();
        Some((start, word))
    })
}

/// The text with comments, and what stands in texts and patterns, made blank; every byte keeps its place.
pub(super) fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.char_indices().peekable();
    let blank = |out: &mut String, c: char| {
        if c == '\n' { out.push('\n') } else { out.extend(std::iter::repeat_n(' ', c.len_utf8())) }
    };
    while let Some((_, c)) = chars.next() {
        match c {
            '/' if chars.peek().is_some_and(|(_, next)| *next == '/') => {
                blank(&mut out, c);
                while let Some((_, c)) = chars.next_if(|(_, c)| *c != '\n') {
                    blank(&mut out, c);
                }
            }
            '/' if chars.peek().is_some_and(|(_, next)| *next == '*') => {
                blank(&mut out, c);
                let mut star = false;
                // The star that opens the comment does not close it.
                let mut opened = false;
                for (_, c) in chars.by_ref() {
                    blank(&mut out, c);
                    if star && c == '/' {
                        break;
                    }
                    star = c == '*' && opened;
                    opened = true;
                }
            }
            '\'' | '"' | '`' => {
                out.push(c);
                skip(&mut chars, &mut out, c, false, &blank);
            }
            '/' if begins_pattern(&out) => {
                out.push(' ');
                skip(&mut chars, &mut out, '/', true, &blank);
            }
            other => out.push(other),
        }
    }
    out
}

fn skip(
    chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
    out: &mut String,
    end: char,
    pattern: bool,
    blank: &impl Fn(&mut String, char),
) {
    let (mut escaped, mut class) = (false, false);
    for (_, c) in chars.by_ref() {
        if !escaped && !class && c == end {
            if pattern {
                out.push(' ');
            } else {
                out.push(c);
            }
            return;
        }
        blank(out, c);
        if pattern && !escaped {
            class = if class { c != ']' } else { c == '[' };
        }
        if c == '\n' && end != '`' && !escaped {
            return;
        }
        escaped = c == '\\' && !escaped;
    }
}

/// Whether a slash begins a regular expression: a division has something to divide before it.
fn begins_pattern(before: &str) -> bool {
    let before = before.trim_end();
    let word: String = before.chars().rev().take_while(|c| is_part(*c)).collect::<Vec<_>>().into_iter().rev().collect();
    match before.chars().next_back() {
        None => true,
        Some(c) if is_part(c) => matches!(word.as_str(), "return" | "typeof" | "case" | "in" | "of" | "void" | "delete"),
        Some(c) => !matches!(c, ')' | ']' | '}' | '\'' | '"' | '`'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masking_keeps_every_byte_in_its_place() {
        for text in ["a 'ä' b", "/* ü\n */ x", "`a\nb` // é", "'unclosed\nx", "/[/]'/ + 1", "'\\'' + x"] {
            assert_eq!(masked(text).len(), text.len(), "{text}");
            assert_eq!(masked(text).matches('\n').count(), text.matches('\n').count(), "{text}");
        }
        assert_eq!(masked("'\\'' + x"), "'  ' + x");
    }
}
