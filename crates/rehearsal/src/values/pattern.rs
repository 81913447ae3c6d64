//! A text for a pattern: the first way through it. Easiest to break: a pattern that is not understood gives no text, and never a wrong one; whoever asks
//! holds the text against the pattern all the same.

use std::iter::Peekable;
use std::str::Chars;

/// Most that one part is repeated.
const MOST: usize = 64;

/// A text that a pattern describes; nothing where the pattern says more than is understood here.
pub(super) fn text_for(pattern: &str) -> Option<String> {
    let mut letters = pattern.chars().peekable();
    let text = alternatives(&mut letters)?;
    letters.next().is_none().then_some(text)
}

/// The first of several ways; the others are read past.
fn alternatives(letters: &mut Peekable<Chars<'_>>) -> Option<String> {
    let first = sequence(letters)?;
    while letters.next_if_eq(&'|').is_some() {
        sequence(letters)?;
    }
    Some(first)
}

fn sequence(letters: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    while let Some(letter) = letters.next_if(|letter| !matches!(letter, '|' | ')')) {
        let part = match letter {
            '^' | '$' => continue,
            '(' => group(letters)?,
            '[' => class(letters)?.to_string(),
            '\\' => escaped(letters.next()?)?.to_string(),
            '.' => "a".to_owned(),
            '*' | '+' | '?' | '{' => return None,
            other => other.to_string(),
        };
        for _ in 0..repeated(letters)? {
            text.push_str(&part);
        }
    }
    Some(text)
}

fn group(letters: &mut Peekable<Chars<'_>>) -> Option<String> {
    // Of what begins with a question mark, only groups that are not counted are parts of the text.
    if letters.next_if_eq(&'?').is_some() && letters.next()? != ':' {
        return None;
    }
    let text = alternatives(letters)?;
    (letters.next()? == ')').then_some(text)
}

/// How often the part before is repeated, at least.
fn repeated(letters: &mut Peekable<Chars<'_>>) -> Option<usize> {
    let least = match letters.peek() {
        Some('*' | '?') => 0,
        Some('+') => 1,
        Some('{') => {
            letters.next();
            let mut digits = String::new();
            while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            letters.by_ref().find(|letter| *letter == '}')?;
            return digits.parse().ok().filter(|least| *least <= MOST);
        }
        _ => return Some(1),
    };
    letters.next();
    letters.next_if(|letter| matches!(letter, '?' | '+'));
    Some(least)
}

/// The first letter of a class; of one that says what is left out, one that it leaves.
fn class(letters: &mut Peekable<Chars<'_>>) -> Option<char> {
    let is_negated = letters.next_if_eq(&'^').is_some();
    let mut ranges: Vec<(char, char)> = Vec::new();
    loop {
        let from = match letters.next()? {
            ']' => break,
            '[' => return None,
            '\\' => {
                let letter = letters.next()?;
                if is_negated && letter.is_ascii_alphabetic() {
                    return None;
                }
                escaped(letter)?
            }
            other => other,
        };
        if letters.next_if_eq(&'-').is_some() {
            match letters.next()? {
                ']' => {
                    ranges.extend([(from, from), ('-', '-')]);
                    break;
                }
                '\\' => return None,
                to => ranges.push((from, to)),
            }
        } else {
            ranges.push((from, from));
        }
    }
    if !is_negated {
        return ranges.first().map(|(from, _)| *from);
    }
    ('a'..='z').chain('A'..='Z').chain('0'..='9').find(|letter| !ranges.iter().any(|(from, to)| (from..=to).contains(&letter)))
}

fn escaped(letter: char) -> Option<char> {
    match letter {
        'd' => Some('0'),
        'w' | 'S' | 'D' => Some('a'),
        's' | 'W' => Some(' '),
        other if other.is_ascii_alphanumeric() => None,
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_first_way_through_a_pattern_or_none() {
        for (pattern, text) in [
            (r"^\+?[0-9]{7,15}$", Some("0000000")),
            (r"^(?:no|se)-\w+\.[^a-c]$", Some("no-a.d")),
            (r"^[A-Za-z-]+$", Some("A")),
            (r"^a*b?c$", Some("c")),
            (r"^(?=.*\d).{8,}$", None),
            (r"^\p{L}+$", None),
            ("[", None),
            ("(", None),
        ] {
            assert_eq!(text_for(pattern).as_deref(), text, "{pattern}");
        }
    }
}
