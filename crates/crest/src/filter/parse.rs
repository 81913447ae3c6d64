//! The reader of filters: one pass from left to right, one token ahead, recursion bounded by [`MAX_DEPTH`].

use serde_json::Value;

use super::{Comparison, Filter, FilterError};
use crate::pointer::Pointer;

/// Longest text that is read, in bytes (SEC-52).
const MAX_LENGTH: usize = 16 * 1024;
/// Deepest nesting of parentheses and `!` (SEC-52).
const MAX_DEPTH: usize = 64;
/// How much of an unexpected word an error repeats.
const QUOTED: usize = 40;

pub(super) fn parse(text: &str) -> Result<Filter, FilterError> {
    if text.len() > MAX_LENGTH {
        return Err(FilterError { position: MAX_LENGTH, message: format!("a filter is at most {MAX_LENGTH} bytes long") });
    }
    let mut parser = Parser { text, position: 0 };
    let filter = parser.any_of(0)?;
    let end = parser.next()?;
    match end.kind {
        Kind::End => Ok(filter),
        Kind::Close => Err(end.error("this ')' closes nothing; expected the end of the filter")),
        _ => Err(end.expected("'and', 'or' or the end of the filter")),
    }
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
}

struct Token<'a> {
    position: usize,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Open,
    Close,
    Word(&'a str),
    Text(String),
    End,
}

impl Token<'_> {
    fn error(&self, message: impl Into<String>) -> FilterError {
        FilterError { position: self.position, message: message.into() }
    }

    fn expected(&self, what: &str) -> FilterError {
        let found = match &self.kind {
            Kind::Open => "'('".to_owned(),
            Kind::Close => "')'".to_owned(),
            Kind::Word(word) => format!("'{}'", shorten(word)),
            Kind::Text(_) => "a quoted string".to_owned(),
            Kind::End => "the end of the filter".to_owned(),
        };
        self.error(format!("expected {what}, found {found}"))
    }

    fn is(&self, keyword: &str) -> bool {
        matches!(self.kind, Kind::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

impl<'a> Parser<'a> {
    fn any_of(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut parts = vec![self.all_of(depth)?];
        while self.take("or")? {
            parts.push(self.all_of(depth)?);
        }
        Ok(single_or(parts, Filter::Or))
    }

    fn all_of(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut parts = vec![self.negation(depth)?];
        while self.take("and")? {
            parts.push(self.negation(depth)?);
        }
        Ok(single_or(parts, Filter::And))
    }

    fn negation(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let token = self.next()?;
        if !token.is("!") {
            return self.primary(&token, depth);
        }
        descend(&token, depth)?;
        let inner = self.next()?;
        // `!(` is one level, so that the canonical text, which always has the parentheses, is never deeper than what was read.
        let inner = if matches!(inner.kind, Kind::Open) { self.group(depth + 1)? } else { self.primary(&inner, depth + 1)? };
        Ok(Filter::Not(Box::new(inner)))
    }

    /// What follows a `(`, up to its `)`.
    fn group(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let inner = self.any_of(depth)?;
        let close = self.next()?;
        match close.kind {
            Kind::Close => Ok(inner),
            _ => Err(close.expected("'and', 'or' or ')'")),
        }
    }

    fn primary(&mut self, token: &Token<'a>, depth: usize) -> Result<Filter, FilterError> {
        match token.kind {
            Kind::Open => {
                descend(token, depth)?;
                self.group(depth + 1)
            }
            Kind::Word(_) if token.is("true") => Ok(Filter::True),
            Kind::Word(_) if token.is("false") => Ok(Filter::False),
            Kind::Word("!") => Err(token.error("expected a condition or '(', found a second '!'")),
            Kind::Word(word) if word.starts_with('!') => Err(token.error("expected a space or '(' after '!'")),
            Kind::Word(_) if token.is("and") || token.is("or") => Err(token.expected("a condition")),
            Kind::Word(word) => {
                let pointer = Pointer::parse(word).map_err(|error| token.error(error.to_string()))?;
                if pointer.is_root() {
                    return Err(token.expected("a field"));
                }
                self.condition(pointer)
            }
            _ => Err(token.expected("a condition")),
        }
    }

    fn condition(&mut self, pointer: Pointer) -> Result<Filter, FilterError> {
        let operator = self.next()?;
        if operator.is("pr") {
            return Ok(Filter::Present(pointer));
        }
        let comparison = Comparison::ALL.into_iter().find(|comparison| operator.is(comparison.as_str()));
        match (comparison, &operator.kind) {
            (Some(Comparison::In), _) => Ok(Filter::Compare { pointer, comparison: Comparison::In, value: self.list()? }),
            (Some(comparison), _) => Ok(Filter::Compare { pointer, comparison, value: self.value()? }),
            (None, Kind::Word(word)) => {
                Err(operator.error(format!("unknown operator '{}', expected one of eq, co, sw, lt, le, gt, ge, in, pr", shorten(word))))
            }
            (None, _) => Err(operator.expected("an operator")),
        }
    }

    fn value(&mut self) -> Result<Value, FilterError> {
        let token = self.next()?;
        match token.kind {
            Kind::Text(text) => Ok(Value::String(text)),
            Kind::Word(_) if token.is("true") => Ok(Value::Bool(true)),
            Kind::Word(_) if token.is("false") => Ok(Value::Bool(false)),
            Kind::Word(word) => number(word).ok_or_else(|| token.expected("a quoted string, a number, true or false")),
            _ => Err(token.expected("a quoted string, a number, true or false")),
        }
    }

    /// A JSON array, inside a quoted string or bare.
    fn list(&mut self) -> Result<Value, FilterError> {
        const EXPECTED: &str = "a list such as '[\"a\",\"b\"]'";
        self.skip_space();
        let position = self.position;
        let refused = || FilterError { position, message: format!("expected {EXPECTED}, of strings, numbers and booleans") };
        let elements: Vec<Value> = if self.rest().starts_with('[') {
            let mut reader = serde_json::Deserializer::from_str(self.rest()).into_iter();
            let elements = reader.next().and_then(Result::ok).ok_or_else(refused)?;
            self.position += reader.byte_offset();
            elements
        } else {
            let token = self.next()?;
            match &token.kind {
                Kind::Text(text) => serde_json::from_str(text).map_err(|_| refused())?,
                _ => return Err(token.expected(EXPECTED)),
            }
        };
        let scalars = elements.iter().all(|element| element.is_string() || element.is_number() || element.is_boolean());
        if scalars { Ok(Value::Array(elements)) } else { Err(refused()) }
    }

    /// Takes the next token if it is `keyword`.
    fn take(&mut self, keyword: &str) -> Result<bool, FilterError> {
        let before = self.position;
        let found = self.next()?.is(keyword);
        if !found {
            self.position = before;
        }
        Ok(found)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start_matches(is_space).len();
    }

    fn next(&mut self) -> Result<Token<'a>, FilterError> {
        self.skip_space();
        let position = self.position;
        let rest = self.rest();
        let kind = match rest.chars().next() {
            None => Kind::End,
            Some('(') => {
                self.position += 1;
                Kind::Open
            }
            Some(')') => {
                self.position += 1;
                Kind::Close
            }
            Some(mark @ ('"' | '\'')) => Kind::Text(self.quoted(mark)?),
            Some(_) => {
                let end = rest.find(|character| is_space(character) || matches!(character, '(' | ')')).unwrap_or(rest.len());
                self.position += end;
                Kind::Word(rest.get(..end).unwrap_or_default())
            }
        };
        Ok(Token { position, kind })
    }

    fn quoted(&mut self, mark: char) -> Result<String, FilterError> {
        let start = self.position;
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            if character == mark {
                self.position = start + at + 1;
                return Ok(text);
            }
            let taken = if character == '\\' { characters.next().map(|(_, literal)| literal) } else { Some(character) };
            text.extend(taken);
        }
        Err(FilterError { position: start, message: format!("expected a closing {mark} for the string that begins here") })
    }
}

fn descend(token: &Token<'_>, depth: usize) -> Result<(), FilterError> {
    if depth < MAX_DEPTH { Ok(()) } else { Err(token.error(format!("a filter nests at most {MAX_DEPTH} levels"))) }
}

fn single_or(mut parts: Vec<Filter>, group: fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            group(parts)
        }
    }
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// Whole numbers of 64 bits; with a point or an exponent, finite 64-bit floats.
fn number(word: &str) -> Option<Value> {
    if !word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    if word.contains(['.', 'e', 'E']) {
        return word.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number);
    }
    word.parse::<i64>().map(Value::from).or_else(|_| word.parse::<u64>().map(Value::from)).ok()
}

fn shorten(word: &str) -> String {
    let mut short: String = word.chars().take(QUOTED).collect();
    if short.len() < word.len() {
        short.push('…');
    }
    short
}
