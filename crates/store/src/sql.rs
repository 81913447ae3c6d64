//! A statement under construction: text that is ours, and bound values that are not.

pub(crate) use crate::bind::Bound;
use crate::engine::Dialect;

/// The bound values of a statement; [`Values::bind`] gives the placeholder to be written into the text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    dialect: Dialect,
    bound: Vec<Bound>,
}

impl Values {
    /// Of a statement for this engine.
    pub(crate) fn of(dialect: Dialect) -> Self {
        Self { dialect, bound: Vec::new() }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(crate) fn bind(&mut self, value: Bound) -> String {
        self.bound.push(value);
        format!("${}", self.bound.len())
    }

    pub(crate) fn text(&mut self, value: impl Into<String>) -> String {
        self.bind(Bound::Text(value.into()))
    }

    /// The values in their order.
    pub(crate) fn into_bound(self) -> Vec<Bound> {
        self.bound
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
