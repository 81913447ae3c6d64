//! JSON pointers as Common REST writes them: the names of the members on the way to a value, joined by `/`.
//!
//! Easiest to get wrong: this is not RFC 6901. Tokens are percent-encoded, there is no `~0`/`~1`, the leading `/` is optional, one
//! trailing `/` says nothing, and an empty text is the whole object.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

/// Longest text that is read, in bytes, without a slash at either end and with everything encoded that must be (SEC-52).
const MAX_LENGTH: usize = 4096;
/// Most tokens that are read (SEC-52).
const MAX_DEPTH: usize = 64;
/// The token that stands for the place after an array's last element.
const END_OF_ARRAY: &str = "-";

/// The place of a value inside a JSON object.
///
/// ```
/// # use vestibule_crest as crest;
/// use crest::Pointer;
/// use serde_json::json;
///
/// let pointer = Pointer::parse("preferences/e%20mail/")?;
/// assert_eq!(pointer.tokens(), ["preferences", "e mail"]);
/// assert_eq!(pointer.to_string(), "/preferences/e%20mail");
/// assert_eq!(pointer.get(&json!({"preferences": {"e mail": true}})), Some(&json!(true)));
/// # Ok::<(), crest::PointerError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Pointer {
    tokens: Vec<String>,
}

/// Why a text is no pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// Longer than 4 KiB.
    #[error("a pointer is at most {MAX_LENGTH} bytes long")]
    TooLong,
    /// More than 64 tokens.
    #[error("a pointer has at most {MAX_DEPTH} parts")]
    TooDeep,
    /// A `%` without two hexadecimal digits after it, or bytes that are not UTF-8.
    #[error("a pointer's '%' must be followed by two hexadecimal digits of valid UTF-8")]
    Encoding,
}

impl Pointer {
    /// Reads a pointer.
    ///
    /// # Errors
    /// When the text is too long, too deep or wrongly percent-encoded.
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        let text = text.strip_prefix('/').unwrap_or(text);
        if text.is_empty() {
            return Ok(Self::root());
        }
        let text = text.strip_suffix('/').unwrap_or(text);
        if encoded_length(text) > MAX_LENGTH {
            return Err(PointerError::TooLong);
        }
        if text.split('/').count() > MAX_DEPTH {
            return Err(PointerError::TooDeep);
        }
        Ok(Self { tokens: text.split('/').map(decode).collect::<Result<_, _>>()? })
    }

    /// The whole object.
    #[must_use]
    pub const fn root() -> Self {
        Self { tokens: Vec::new() }
    }

    /// A pointer of these names, taken as they are: nothing is decoded and no limit applies.
    #[must_use]
    pub fn from_tokens(tokens: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { tokens: tokens.into_iter().map(Into::into).collect() }
    }

    /// The names on the way, decoded.
    #[must_use]
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Whether this is the whole object.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The last name.
    #[must_use]
    pub fn leaf(&self) -> Option<&str> {
        self.tokens.last().map(String::as_str)
    }

    /// The first name: the property of the object that the place is in.
    #[must_use]
    pub fn top(&self) -> Option<&str> {
        self.tokens.first().map(String::as_str)
    }

    /// The pointer without its last name; `None` for the whole object.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, parents) = self.tokens.split_last()?;
        Some(Self { tokens: parents.to_vec() })
    }

    /// The member `name` of the place this points to. `name` is taken as it is.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        let mut tokens = self.tokens.clone();
        tokens.push(name.to_owned());
        Self { tokens }
    }

    /// The value at this place. Elements of arrays are named by their decimal index.
    #[must_use]
    pub fn get<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.tokens.iter().try_fold(object, |value, token| match value {
            Value::Object(members) => members.get(token),
            Value::Array(elements) => elements.get(index(token)?),
            _ => None,
        })
    }

    /// The value at this place, to be changed.
    pub fn get_mut<'a>(&self, object: &'a mut Value) -> Option<&'a mut Value> {
        walk_mut(&self.tokens, object)
    }

    /// Puts `value` at this place and says whether it could.
    ///
    /// Missing parents, and parents that are null, become objects, or arrays where the name after them is `-`. In an array `-` appends
    /// and an index replaces. Nothing changes, and the answer is `false`, when the way leads through text, a number or a boolean, or
    /// through an index that the array does not have.
    pub fn set(&self, object: &mut Value, value: Value) -> bool {
        if !self.can_set(object) {
            return false;
        }
        let mut place = object;
        for token in &self.tokens {
            if place.is_null() {
                *place = if token == END_OF_ARRAY { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
            }
            let next = match place {
                Value::Object(members) => Some(members.entry(token.clone()).or_insert(Value::Null)),
                Value::Array(elements) => {
                    if token == END_OF_ARRAY {
                        elements.push(Value::Null);
                        elements.last_mut()
                    } else {
                        index(token).and_then(|index| elements.get_mut(index))
                    }
                }
                _ => None,
            };
            let Some(next) = next else { return false };
            place = next;
        }
        *place = value;
        true
    }

    /// Takes the value away from this place and gives it back; `None` when there was none. The order of what remains is kept. Removing
    /// the whole object leaves null.
    pub fn remove(&self, object: &mut Value) -> Option<Value> {
        let Some((leaf, parents)) = self.tokens.split_last() else {
            return Some(object.take()).filter(|value| !value.is_null());
        };
        match walk_mut(parents, object)? {
            Value::Object(members) => members.shift_remove(leaf),
            Value::Array(elements) => {
                let index = index(leaf).filter(|index| *index < elements.len())?;
                Some(elements.remove(index))
            }
            _ => None,
        }
    }

    /// Walks as [`Pointer::set`] will, so that a refusal leaves no half-built parents behind.
    fn can_set(&self, object: &Value) -> bool {
        let mut place = object;
        for token in &self.tokens {
            let next = match place {
                Value::Null => return true,
                Value::Object(members) => members.get(token),
                Value::Array(_) if token == END_OF_ARRAY => return true,
                Value::Array(elements) => match index(token).and_then(|index| elements.get(index)) {
                    Some(element) => Some(element),
                    None => return false,
                },
                _ => return false,
            };
            let Some(next) = next else { return true };
            place = next;
        }
        true
    }
}

fn walk_mut<'a>(tokens: &[String], object: &'a mut Value) -> Option<&'a mut Value> {
    tokens.iter().try_fold(object, |value, token| match value {
        Value::Object(members) => members.get_mut(token),
        Value::Array(elements) => elements.get_mut(index(token)?),
        _ => None,
    })
}

/// The index a token names: decimal digits as JSON writes a number, so that an element has one name only.
fn index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with('0');
    (canonical && token.bytes().all(|byte| byte.is_ascii_digit())).then(|| token.parse().ok()).flatten()
}

fn decode(token: &str) -> Result<String, PointerError> {
    let mut rest = token.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        match rest.get(at + 1..at + 3) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => rest = rest.get(at + 3..).unwrap_or_default(),
            _ => return Err(PointerError::Encoding),
        }
    }
    percent_decode_str(token).decode_utf8().map(String::from).map_err(|_| PointerError::Encoding)
}

/// The length of `text` as it will be printed, so that what was read once can be read again.
fn encoded_length(text: &str) -> usize {
    let raw = |character: &char| must_be_encoded(*character) && !matches!(character, '%' | '/');
    text.len() + 2 * text.chars().filter(raw).count()
}

/// What separates tokens, pointers or the words of a filter cannot stand for itself.
fn must_be_encoded(character: char) -> bool {
    character.is_ascii_control() || matches!(character, ' ' | '%' | '/' | ',' | '(' | ')' | '"' | '\'')
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_char('/');
        }
        for token in &self.tokens {
            f.write_char('/')?;
            for character in token.chars() {
                if must_be_encoded(character) {
                    write!(f, "%{:02X}", u32::from(character))?;
                } else {
                    f.write_char(character)?;
                }
            }
        }
        // One trailing '/' says nothing, so an empty last name needs a second one.
        if self.leaf() == Some("") { f.write_char('/') } else { Ok(()) }
    }
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Pointer {
    type Error = PointerError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl Serialize for Pointer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests;
