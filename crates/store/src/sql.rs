//! A statement under construction: text that is ours, and bound values that are not.

use crate::sqlite::{Connection, Query};

/// A bound value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    Text(String),
    Integer(i64),
    Real(f64),
}

/// The bound values of a statement; [`Values::bind`] gives the placeholder to be written into the text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values(Vec<Bound>);

impl Values {
    pub(crate) fn bind(&mut self, value: Bound) -> String {
        self.0.push(value);
        format!("${}", self.0.len())
    }

    pub(crate) fn text(&mut self, value: impl Into<String>) -> String {
        self.bind(Bound::Text(value.into()))
    }

    /// The statement. `text` holds literals of this crate, checked labels and placeholders, nothing else. Statements that are too
    /// particular to come again are not kept prepared.
    pub(crate) fn query(self, connection: &Connection, text: String) -> Query<'_> {
        let query = connection.query(text);
        let query = if self.0.len() <= 16 { query } else { query.once() };
        self.0.into_iter().fold(query, Query::bind)
    }
}

impl From<&str> for Bound {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Bound {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Bound {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Bound {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<bool> for Bound {
    fn from(boolean: bool) -> Self {
        Self::Integer(boolean.into())
    }
}

/// Joins conditions so that the nesting grows with the logarithm of their number: the engine limits the depth of an expression.
pub(crate) fn join(conditions: &[String], operator: &str, none: &str) -> String {
    match conditions {
        [] => none.to_owned(),
        [one] => one.clone(),
        _ => {
            let (left, right) = conditions.split_at(conditions.len() / 2);
            format!("({} {operator} {})", join(left, operator, none), join(right, operator, none))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_conditions_nest_logarithmically() {
        let conditions: Vec<String> = (0..1024).map(|number| number.to_string()).collect();
        let text = join(&conditions, "OR", "FALSE");
        let depth = text.chars().scan(0_i32, |depth, character| {
            *depth += i32::from(character == '(') - i32::from(character == ')');
            Some(*depth)
        });
        assert_eq!(depth.max(), Some(10));
        assert_eq!(join(&[], "AND", "TRUE"), "TRUE");
    }
}
