//! Queries over a collection and their pages.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use crate::error::ResourceError;
use crate::filter::Filter;
use crate::pointer::Pointer;

/// A stored object with its identity. `content` holds neither `_id` nor `_rev`.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// The object's id, unique in its collection.
    pub id: String,
    /// The object's revision; changes with every write.
    pub revision: String,
    /// The object's own members.
    pub content: Value,
}

impl Resource {
    /// The body of an answer: the content with `_id` and `_rev` in front.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut body = serde_json::Map::new();
        body.insert("_id".into(), Value::String(self.id.clone()));
        body.insert("_rev".into(), Value::String(self.revision.clone()));
        if let Value::Object(content) = &self.content {
            body.extend(content.iter().filter(|(key, _)| *key != "_id" && *key != "_rev").map(|(k, v)| (k.clone(), v.clone())));
        }
        Value::Object(body)
    }
}

/// One key of `_sortKeys`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// What is compared.
    pub pointer: Pointer,
    /// `false` for a key written with `-`.
    pub ascending: bool,
}

impl SortKey {
    /// Reads `_sortKeys`: a comma list of pointers, each with an optional `+` or `-` before it.
    ///
    /// # Errors
    /// 400 when a key is empty or no pointer.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, ResourceError> {
        text.split(',')
            .map(|key| {
                let key = key.trim();
                let (ascending, path) = match key.strip_prefix('-') {
                    Some(rest) => (false, rest),
                    None => (true, key.strip_prefix('+').unwrap_or(key)),
                };
                let pointer = Pointer::parse(path).ok().filter(|pointer| !pointer.is_root());
                let pointer = pointer.ok_or_else(|| ResourceError::bad_request(format!("The sort key '{key}' is not valid")))?;
                Ok(Self { pointer, ascending })
            })
            .collect()
    }

    /// How two objects stand to one another in the order of these keys, as in that of a store: what is missing comes first, then numbers, to which
    /// booleans count, then text. Objects that are equal in all of them are equal.
    #[must_use]
    pub fn compare(keys: &[Self], left: &Value, right: &Value) -> Ordering {
        let by_key = keys.iter().map(|key| {
            let order = compare(key.pointer.get(left), key.pointer.get(right));
            if key.ascending { order } else { order.reverse() }
        });
        by_key.fold(Ordering::Equal, Ordering::then)
    }
}

fn compare(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    match (Term::of(left), Term::of(right)) {
        (Term::Text(left), Term::Text(right)) => left.cmp(&right),
        (Term::Number(left), Term::Number(right)) => match (whole(left), whole(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => real(left).total_cmp(&real(right)),
        },
        (left, right) => left.rank().cmp(&right.rank()),
    }
}

/// What a value is in an order.
enum Term<'v> {
    Nothing,
    Number(&'v Value),
    Text(Cow<'v, str>),
}

impl<'v> Term<'v> {
    fn of(value: Option<&'v Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Nothing,
            Some(value @ (Value::Bool(_) | Value::Number(_))) => Self::Number(value),
            Some(Value::String(text)) => Self::Text(Cow::Borrowed(text)),
            Some(value) => Self::Text(Cow::Owned(value.to_string())),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Number(_) => 1,
            Self::Text(_) => 2,
        }
    }
}

fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Bool(flag) => Some(i128::from(*flag)),
        value => value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from)),
    }
}

fn real(value: &Value) -> f64 {
    value.as_bool().map_or_else(|| value.as_f64().unwrap_or_default(), |flag| f64::from(u8::from(flag)))
}

/// `_totalPagedResultsPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TotalPolicy {
    /// Totals are not counted.
    #[default]
    None,
    /// A cheap count is enough.
    Estimate,
    /// The exact count.
    Exact,
}

/// Where a page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Paging {
    /// At the first object.
    #[default]
    Start,
    /// After so many objects (`_pagedResultsOffset`).
    Offset(u64),
    /// Where an earlier page ended (`_pagedResultsCookie`, opaque).
    Cookie(String),
}

/// A query over one collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Which objects.
    pub filter: Filter,
    /// In what order; ties and no keys are ordered by id.
    pub sort: Vec<SortKey>,
    /// How many at most; `None` or 0 means all.
    pub page_size: Option<u64>,
    /// Where the page begins.
    pub paging: Paging,
    /// Whether to count.
    pub totals: TotalPolicy,
}

impl Query {
    /// All objects that match, unsorted, in one page.
    #[must_use]
    pub fn all(filter: Filter) -> Self {
        Self { filter, sort: Vec::new(), page_size: None, paging: Paging::Start, totals: TotalPolicy::None }
    }

    /// At most `limit` objects that match.
    #[must_use]
    pub fn first(filter: Filter, limit: u64) -> Self {
        Self { page_size: Some(limit), ..Self::all(filter) }
    }
}

/// What a query found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The objects of this page.
    pub result: Vec<Resource>,
    /// For the next page; `None` when this is the last.
    pub cookie: Option<String>,
    /// How many objects match in all, where counted.
    pub total: Option<u64>,
}
