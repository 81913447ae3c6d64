//! The order of a query's results, and where a page begins in it.
//!
//! Easiest to break: the condition that begins a page and ORDER BY must agree on everything, above all on where missing values
//! stand (before all others, last where the order is reversed), or paging loses objects.

use crest::SortKey;

use crate::engine::{self, Dialect, Row};
use crate::lookups::{Declared, Lookup};
use crate::sql::{Bound, Values, join};
use crate::sql_filter::{Place, place};

/// The value of a sort key in one object; `None` for a missing one.
pub(crate) type KeyValue = Option<Bound>;

/// Where a page begins: behind the object with these sort values and this id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Position {
    pub(crate) keys: Vec<KeyValue>,
    pub(crate) id: String,
}

struct Key {
    value: String,
    ascending: bool,
    /// It is a term, of which there is one for what is missing, too.
    term: bool,
    /// It may be NULL.
    may_miss: bool,
}

/// The order as SQL.
pub(crate) struct Order {
    dialect: Dialect,
    keys: Vec<Key>,
}

impl Order {
    /// The order of these keys; of a walk along the terms of the first one, if `walk`. `Err` names the key that SQL cannot express.
    pub(crate) fn new(sort: &[SortKey], walk: bool, values: &mut Values) -> Result<Self, String> {
        let dialect = values.dialect();
        let key = |(position, sort): (usize, &SortKey)| {
            if walk && position == 0 {
                return Ok(Key { value: "term".to_owned(), ascending: sort.ascending, term: true, may_miss: false });
            }
            let (value, may_miss) = match place(&sort.pointer, values) {
                Some(Place::Id) => ("id".to_owned(), false),
                Some(Place::Revision) => ("rev".to_owned(), false),
                Some(Place::Member(member)) => (member.order, true),
                Some(Place::Nowhere) => (dialect.nothing().to_owned(), true),
                None => return Err(sort.pointer.to_string()),
            };
            Ok(Key { value, ascending: sort.ascending, term: false, may_miss })
        };
        Ok(Self { dialect, keys: sort.iter().enumerate().map(key).collect::<Result<_, _>>()? })
    }

    /// More columns for SELECT: the sort values.
    pub(crate) fn columns(&self) -> String {
        self.keys.iter().map(|key| format!(", {}", key.value)).collect::<Vec<_>>().concat()
    }

    /// What stands behind ORDER BY.
    pub(crate) fn sql(&self) -> String {
        let keys = self.keys.iter().map(|key| self.dialect.order_key(&key.value, key.ascending, key.may_miss));
        keys.chain(["id ASC".to_owned()]).collect::<Vec<_>>().join(", ")
    }

    /// The condition on rows behind a position. Its first part lets the engine begin inside the index.
    pub(crate) fn behind(&self, position: &Position, values: &mut Values) -> String {
        let id = values.text(position.id.as_str());
        let bound: Vec<Option<String>> = position.keys.iter().map(|key| key.clone().map(|value| values.bind(value))).collect();
        let mut behind = format!("id > {id}");
        for (key, bound) in self.keys.iter().zip(&bound).rev() {
            let value = &key.value;
            behind = match (bound, key.ascending) {
                (None, true) => format!("({value} IS NOT NULL OR {behind})"),
                (None, false) => format!("({value} IS NULL AND {behind})"),
                (Some(at), true) => format!("({value} > {at} OR ({value} = {at} AND {behind}))"),
                (Some(at), false) if key.term => format!("({value} < {at} OR ({value} = {at} AND {behind}))"),
                (Some(at), false) => format!("({value} < {at} OR {value} IS NULL OR ({value} = {at} AND {behind}))"),
            };
        }
        let start = self.keys.first().zip(bound.first().cloned().flatten());
        let start = start.filter(|(key, _)| key.ascending || key.term);
        let start = start.map(|(key, at)| format!("{} {} {at}", key.value, if key.ascending { ">=" } else { "<=" }));
        join(&start.into_iter().chain([behind]).collect::<Vec<_>>(), "AND", "TRUE")
    }

    /// Reads the position of a row whose sort values begin at column `first`.
    pub(crate) fn position(&self, row: &Row<'_>, first: usize, id: &str) -> Result<Position, engine::Error> {
        let keys = (0..self.keys.len()).map(|key| engine::bound(row, first + key)).collect::<Result<_, _>>()?;
        Ok(Position { keys, id: id.to_owned() })
    }
}

/// The declared property along whose terms a whole collection can be walked in this order.
pub(crate) fn walk<'d>(sort: &[SortKey], collection: &str, declared: &'d Declared) -> Option<&'d Lookup> {
    declared.find(collection, &sort.first()?.pointer)
}
