//! Query filters: the conditions of `_queryFilter` and of the configuration, as data.
//!
//! Easiest to get wrong: a filter that came from a client is never turned back into text and pasted into another one. Build with
//! [`Filter::equals`], [`Filter::and`] and [`Filter::or`]; values then never meet the grammar (SEC-44).

mod evaluate;
mod parse;

use std::fmt::{self, Write as _};

use serde_json::Value;

use crate::pointer::Pointer;

/// A condition on an object.
///
/// The grammar is that of Common REST: `field operator value`, `field pr`, `true`, `false`, joined by `and` (which binds tighter) and
/// `or`, grouped by parentheses, negated by `!` before a group or a spaced condition. Keywords are case-insensitive. Strings stand in
/// `"` or `'`, in which `\` takes the next character literally. `in` takes a list, as IDM writes it inside a string
/// (`country in '["DE","FR"]'`) or bare.
///
/// ```
/// # use vestibule_crest as crest;
/// use crest::Filter;
/// use serde_json::json;
///
/// let filter = Filter::parse(r#"sn eq "Jensen" and (age ge 18 or !(age pr))"#)?;
/// assert!(filter.matches(&json!({"sn": "Jensen", "age": 21})));
/// assert!(filter.matches(&json!({"sn": "Jensen"})));
/// assert!(!filter.matches(&json!({"sn": "jensen", "age": 21})));
/// assert_eq!(filter.to_string(), r#"/sn eq "Jensen" and (/age ge 18 or !(/age pr))"#);
/// # Ok::<(), crest::FilterError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Every object.
    True,
    /// No object.
    False,
    /// All of these hold; with none of them, every object.
    And(Vec<Filter>),
    /// One of these holds; with none of them, no object.
    Or(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
    /// The field is there and not null.
    Present(Pointer),
    /// The field compares with the value.
    Compare {
        /// The field.
        pointer: Pointer,
        /// How it is compared.
        comparison: Comparison,
        /// A string, number or boolean; for [`Comparison::In`] an array of these.
        value: Value,
    },
}

/// The operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `eq`
    Equals,
    /// `co`, of text
    Contains,
    /// `sw`, of text
    StartsWith,
    /// `lt`
    LessThan,
    /// `le`
    LessOrEqual,
    /// `gt`
    GreaterThan,
    /// `ge`
    GreaterOrEqual,
    /// `in`
    In,
}

impl Comparison {
    const ALL: [Self; 8] = [
        Self::Equals,
        Self::Contains,
        Self::StartsWith,
        Self::LessThan,
        Self::LessOrEqual,
        Self::GreaterThan,
        Self::GreaterOrEqual,
        Self::In,
    ];

    /// The operator as a filter writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equals => "eq",
            Self::Contains => "co",
            Self::StartsWith => "sw",
            Self::LessThan => "lt",
            Self::LessOrEqual => "le",
            Self::GreaterThan => "gt",
            Self::GreaterOrEqual => "ge",
            Self::In => "in",
        }
    }
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at position {position}")]
pub struct FilterError {
    /// Where, in bytes from the start.
    pub position: usize,
    /// What was expected there, and what stands there.
    pub message: String,
}

impl Filter {
    /// Reads a filter of at most 16 KiB and 64 levels of nesting (SEC-52).
    ///
    /// # Errors
    /// When the text is no filter; the error says where and what was expected.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text)
    }

    /// `pointer eq value`. A text that is no pointer names the one property that is called so.
    #[must_use]
    pub fn equals(pointer: &str, value: impl Into<Value>) -> Self {
        let pointer = Pointer::parse(pointer).unwrap_or_else(|_| Pointer::from_tokens([pointer]));
        Self::Compare { pointer, comparison: Comparison::Equals, value: value.into() }
    }

    /// This and `other`.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::And(mut parts) => {
                parts.push(other);
                Self::And(parts)
            }
            first => Self::And(vec![first, other]),
        }
    }

    /// This or `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Or(mut parts) => {
                parts.push(other);
                Self::Or(parts)
            }
            first => Self::Or(vec![first, other]),
        }
    }

    /// Whether `object` satisfies the filter.
    ///
    /// * Text compares by code points: case counts, and `%` and `_` are letters like any other. Measured for `eq` on the older
    ///   generation's default store, which is also what its SQL stores do; its in-memory evaluator, which ignores case, is not followed,
    ///   because two accounts may differ in case only.
    /// * Numbers compare as numbers: `15` equals `15.0`. Booleans only equal; they have no order.
    /// * Different types never match: `age eq "15"` does not find the number 15.
    /// * An array matches if one of its elements does.
    /// * There is no third truth value: a comparison with a field that is absent or null is false, and its negation true.
    #[must_use]
    pub fn matches(&self, object: &Value) -> bool {
        evaluate::matches(self, object)
    }

    /// All fields the filter looks at, in the order they are written, repeated where they are.
    pub fn pointers(&self) -> impl Iterator<Item = &Pointer> {
        let mut open = vec![self];
        std::iter::from_fn(move || {
            while let Some(filter) = open.pop() {
                match filter {
                    Self::True | Self::False => {}
                    Self::And(parts) | Self::Or(parts) => open.extend(parts.iter().rev()),
                    Self::Not(inner) => open.push(inner),
                    Self::Present(pointer) | Self::Compare { pointer, .. } => return Some(pointer),
                }
            }
            None
        })
    }
}

/// The canonical text. It parses back to the same filter, provided that groups have two parts or more, that nesting stays below 64 and
/// that values are such as the grammar can write.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::True => f.write_str("true"),
            Self::False => f.write_str("false"),
            Self::And(parts) if parts.is_empty() => f.write_str("true"),
            Self::Or(parts) if parts.is_empty() => f.write_str("false"),
            Self::And(parts) => join(f, parts, " and "),
            Self::Or(parts) => join(f, parts, " or "),
            Self::Not(inner) => write!(f, "!({inner})"),
            Self::Present(pointer) => write!(f, "{pointer} pr"),
            Self::Compare { pointer, comparison, value } => {
                write!(f, "{pointer} {} ", comparison.as_str())?;
                match value {
                    Value::String(text) => quote(f, text, '"'),
                    Value::Array(_) => quote(f, &value.to_string(), '\''),
                    other => write!(f, "{other}"),
                }
            }
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, parts: &[Filter], separator: &str) -> fmt::Result {
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            f.write_str(separator)?;
        }
        match part {
            Filter::And(_) | Filter::Or(_) => write!(f, "({part})")?,
            _ => write!(f, "{part}")?,
        }
    }
    Ok(())
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str, mark: char) -> fmt::Result {
    f.write_char(mark)?;
    for character in text.chars() {
        if character == mark || character == '\\' {
            f.write_char('\\')?;
        }
        f.write_char(character)?;
    }
    f.write_char(mark)
}

#[cfg(test)]
mod tests;
