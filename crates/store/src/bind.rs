//! Values that are bound to statements.

/// A bound value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    Text(String),
    Integer(i64),
    Real(f64),
}

/// A value to bind, with its type: also what is NULL has one.
#[derive(Clone, Debug)]
pub(crate) enum Parameter {
    Text(Option<String>),
    Integer(Option<i64>),
    Real(f64),
    Boolean(bool),
    Bytes(Vec<u8>),
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&String> for Parameter {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
    }
}

impl From<String> for Parameter {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<i64> for Parameter {
    fn from(integer: i64) -> Self {
        Self::Integer(Some(integer))
    }
}

impl From<bool> for Parameter {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}

impl From<Option<&str>> for Parameter {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<Option<i64>> for Parameter {
    fn from(integer: Option<i64>) -> Self {
        Self::Integer(integer)
    }
}

impl From<Bound> for Parameter {
    fn from(bound: Bound) -> Self {
        match bound {
            Bound::Text(text) => Self::Text(Some(text)),
            Bound::Integer(integer) => Self::Integer(Some(integer)),
            Bound::Real(real) => Self::Real(real),
        }
    }
}
