//! The order of a query's results, and where a page begins in it.
//!
//! Easiest to break: the condition that begins a page and ORDER BY must agree on everything, above all on where missing values
//! stand (before all others, last where the order is reversed), or paging loses objects.

use crest::SortKey;

use crate::Collections;
use crate::sql::{Bound, Values, join};
use crate::sql_filter::{Place, place};
use crate::sqlite::{self, Row};

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
}

/// The order as SQL.
pub(crate) struct Order {
    keys: Vec<Key>,
}

impl Order {
    /// `Err` names the key that SQL cannot express.
    pub(crate) fn new(sort: &[SortKey], values: &mut Values) -> Result<Self, String> {
        let key = |sort: &SortKey| {
            let value = match place(&sort.pointer, values) {
                Some(Place::Id) => "id".to_owned(),
                Some(Place::Revision) => "rev".to_owned(),
                Some(Place::Member { value, .. }) => value,
                Some(Place::Nowhere) => "NULL".to_owned(),
                None => return Err(sort.pointer.to_string()),
            };
            Ok(Key { value, ascending: sort.ascending })
        };
        Ok(Self { keys: sort.iter().map(key).collect::<Result<_, _>>()? })
    }

    /// More columns for SELECT: the sort values.
    pub(crate) fn columns(&self) -> String {
        self.keys.iter().map(|key| format!(", {}", key.value)).collect::<Vec<_>>().concat()
    }

    /// What stands behind ORDER BY.
    pub(crate) fn sql(&self) -> String {
        let keys = self.keys.iter().map(|key| sqlite::order_key(&key.value, key.ascending));
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
                (Some(at), false) => format!("({value} < {at} OR {value} IS NULL OR ({value} = {at} AND {behind}))"),
            };
        }
        let start = self.keys.first().zip(bound.first().cloned().flatten());
        let start = start.filter(|(key, _)| key.ascending).map(|(key, at)| format!("{} >= {at}", key.value));
        join(&start.into_iter().chain([behind]).collect::<Vec<_>>(), "AND", "TRUE")
    }

    /// Reads the position of a row whose sort values begin at column `first`.
    pub(crate) fn position(&self, row: &Row<'_>, first: usize, id: &str) -> Result<Position, sqlite::Error> {
        let keys = (0..self.keys.len()).map(|key| sqlite::bound(row, first + key)).collect::<Result<_, _>>()?;
        Ok(Position { keys, id: id.to_owned() })
    }
}

/// Behind the table, for a walk over a whole collection in this order: the index to walk along, and how it is restricted to the
/// collection.
pub(crate) fn walk(sort: &[SortKey], collection: &str, indexes: &Collections) -> Option<(String, String)> {
    let [label] = sort.first()?.pointer.tokens() else { return None };
    let index = indexes.index(collection, label)?;
    Some((sqlite::by_index(index), sqlite::within(index)))
}
