//! Which indexes lead to all objects that a filter can match.
//!
//! Easiest to break: probes find a superset, cheaply; the whole filter is applied to what they find. They are chosen here and not by
//! the engine's planner, because a planner changes its mind with the number of rows and a reset must cost the same on any store.

use crest::{Comparison, Filter, Pointer};
use serde_json::Value;

use super::{Place, Test, place};
use crate::Collections;
use crate::collections::Index;
use crate::sql::Values;
use crate::sqlite;

/// SELECTs of rows; together they find all candidates.
#[derive(Debug)]
pub(crate) struct Probes {
    selects: Vec<String>,
    cost: usize,
}

impl Probes {
    /// The candidates' rows as one subquery.
    pub(crate) fn sql(&self) -> String {
        self.selects.join(" UNION ALL ")
    }
}

const UNIQUE: usize = 1;
const LOOKUP: usize = 4;
const PREFIX: usize = 1000;
/// A statement may have so many terms in a compound, with room to spare.
const MAX_SELECTS: usize = 400;

/// The probes for a filter; `None` when only a walk over the collection finds everything.
pub(crate) fn probes(filter: &Filter, collection: &str, indexes: &Collections, values: &mut Values) -> Option<Probes> {
    find(filter, collection, indexes, values, 64)
}

fn find(filter: &Filter, collection: &str, indexes: &Collections, values: &mut Values, depth: usize) -> Option<Probes> {
    let depth = depth.checked_sub(1)?;
    match filter {
        Filter::False => Some(Probes { selects: vec![format!("SELECT {} FROM managed_object WHERE FALSE", sqlite::ROW)], cost: 0 }),
        Filter::And(parts) => {
            let found = parts.iter().filter_map(|part| find(part, collection, indexes, values, depth));
            found.min_by_key(|probes| probes.cost)
        }
        Filter::Or(parts) if !parts.is_empty() => {
            let (lists, others) = lists(parts);
            let mut all = Probes { selects: Vec::new(), cost: 0 };
            let found =
                lists.into_iter().map(|(pointer, list)| leaf(pointer, Comparison::In, &Value::Array(list), collection, indexes, values));
            let mut found: Vec<_> = found.collect::<Option<_>>()?;
            for part in others {
                found.push(find(part, collection, indexes, values, depth)?);
            }
            for probes in found {
                all.selects.extend(probes.selects);
                all.cost = all.cost.saturating_add(probes.cost);
            }
            (all.selects.len() <= MAX_SELECTS).then_some(all)
        }
        Filter::Compare { pointer, comparison, value } => leaf(pointer, *comparison, value, collection, indexes, values),
        _ => None,
    }
}

/// Gathers the alternatives for one property into a list, so that a long filter stays one search and not hundreds.
fn lists(parts: &[Filter]) -> (Vec<(&Pointer, Vec<Value>)>, Vec<&Filter>) {
    let mut lists: Vec<(&Pointer, Vec<Value>)> = Vec::new();
    let mut others = Vec::new();
    for part in parts {
        match part {
            Filter::Compare { pointer, comparison: Comparison::Equals, value: value @ Value::String(_) } => {
                match lists.iter_mut().find(|(known, _)| *known == pointer) {
                    Some((_, list)) => list.push(value.clone()),
                    None => lists.push((pointer, vec![value.clone()])),
                }
            }
            other => others.push(other),
        }
    }
    (lists, others)
}

fn leaf(
    pointer: &Pointer,
    comparison: Comparison,
    wanted: &Value,
    collection: &str,
    indexes: &Collections,
    values: &mut Values,
) -> Option<Probes> {
    let size = match (comparison, wanted) {
        (Comparison::Equals, Value::String(_) | Value::Number(_)) => 1,
        (Comparison::In, Value::Array(list)) if list.iter().all(|value| value.is_string() || value.is_number()) => list.len(),
        (Comparison::StartsWith, Value::String(prefix)) if !prefix.is_empty() => PREFIX,
        _ => return None,
    };
    let [label] = pointer.tokens() else { return None };
    let row = sqlite::ROW;
    if matches!(place(pointer, values)?, Place::Id) {
        let texts = Test::new(comparison, wanted, values)?.texts;
        let condition = texts.map_or_else(|| "FALSE".into(), |texts| texts.on("id"));
        let collection = values.text(collection);
        let select = format!("SELECT {row} FROM managed_object{} WHERE collection = {collection} AND {condition}", sqlite::BY_ID);
        return Some(Probes { selects: vec![select], cost: size.saturating_mul(UNIQUE) });
    }
    let index = indexes.index(collection, label)?;
    let test = Test::new(comparison, wanted, values)?;
    let mut selects: Vec<String> =
        [test.texts, test.numbers].into_iter().flatten().map(|test| scalars(index, &test.on(&sqlite::value(label)))).collect();
    selects.push(arrays(index));
    Some(Probes { selects, cost: size.saturating_mul(if index.unique { UNIQUE } else { LOOKUP }) })
}

fn scalars(index: Index<'_>, condition: &str) -> String {
    format!("SELECT {} FROM managed_object{} WHERE {} AND {condition}", sqlite::ROW, sqlite::by_index(index), sqlite::within(index))
}

fn arrays(index: Index<'_>) -> String {
    let (row, hint, within, kind) = (sqlite::ROW, sqlite::by_arrays(index), sqlite::within(index), sqlite::kind(index.label));
    format!("SELECT {row} FROM managed_object{hint} WHERE {within} AND {kind} = 'array'")
}
