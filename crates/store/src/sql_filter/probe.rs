//! Which terms lead to all objects that a filter can match.
//!
//! Easiest to break: probes find a superset, cheaply; the whole filter is applied to what they find. They are chosen here and not by
//! the engine's planner, because a planner changes its mind with the number of rows and a reset must cost the same on any store.

use crest::{Comparison, Filter, Pointer};
use serde_json::Value;

use super::{Place, Test, after_prefix, place, safe, storable};
use crate::collections::Uses;
use crate::engine::Dialect;
use crate::lookups::{Declared, Lookup, term};
use crate::sql::Values;

/// SELECTs of ids; together they find all candidates.
#[derive(Debug)]
pub(crate) struct Probes {
    selects: Vec<String>,
    cost: usize,
}

impl Probes {
    /// The candidates' ids, each once, as one subquery with a column `object`.
    pub(crate) fn sql(&self) -> String {
        match self.selects.as_slice() {
            [one] => format!("SELECT DISTINCT object FROM ({one}) AS found"),
            several => several.join(" UNION "),
        }
    }
}

const UNIQUE: usize = 1;
const LOOKUP: usize = 4;
const PREFIX: usize = 1000;
const PRESENT: usize = 100_000;
/// A statement may have so many terms in a compound, with room to spare.
const MAX_SELECTS: usize = 400;

/// The probes for a filter; `None` when only a walk over the collection finds everything.
pub(crate) fn probes(filter: &Filter, collection: &str, declared: &Declared, values: &mut Values) -> Option<Probes> {
    find(filter, collection, declared, values, 64)
}

fn find(filter: &Filter, collection: &str, declared: &Declared, values: &mut Values, depth: usize) -> Option<Probes> {
    let depth = depth.checked_sub(1)?;
    match filter {
        Filter::False => Some(Probes { selects: vec!["SELECT id AS object FROM managed_object WHERE FALSE".to_owned()], cost: 0 }),
        Filter::And(parts) => {
            let found = parts.iter().filter_map(|part| find(part, collection, declared, values, depth));
            found.min_by_key(|probes| probes.cost)
        }
        Filter::Or(parts) if !parts.is_empty() => {
            let (lists, others) = lists(parts);
            let mut all = Probes { selects: Vec::new(), cost: 0 };
            let found =
                lists.into_iter().map(|(pointer, list)| leaf(pointer, Comparison::In, &Value::Array(list), collection, declared, values));
            let mut found: Vec<_> = found.collect::<Option<_>>()?;
            for part in others {
                found.push(find(part, collection, declared, values, depth)?);
            }
            for probes in found {
                all.selects.extend(probes.selects);
                all.cost = all.cost.saturating_add(probes.cost);
            }
            (all.selects.len() <= MAX_SELECTS).then_some(all)
        }
        Filter::Present(pointer) => present(pointer, collection, declared),
        Filter::Compare { pointer, comparison, value } => leaf(pointer, *comparison, value, collection, declared, values),
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
    declared: &Declared,
    values: &mut Values,
) -> Option<Probes> {
    let size = match (comparison, wanted) {
        (Comparison::Equals, Value::String(_) | Value::Number(_)) => 1,
        (Comparison::In, Value::Array(list)) if list.iter().all(|value| value.is_string() || value.is_number()) => list.len(),
        (Comparison::StartsWith, Value::String(prefix)) if !prefix.is_empty() => PREFIX,
        _ => return None,
    };
    if matches!(pointer.tokens(), [name] if name == "_id") {
        let Some(Place::Id) = place(pointer, values) else { return None };
        let texts = Test::new(comparison, wanted, values)?.texts;
        let condition = texts.map_or_else(|| "FALSE".into(), |texts| texts.on("id", values.dialect()));
        let collection = values.text(collection);
        let select =
            format!("SELECT id AS object FROM managed_object{} WHERE collection = {collection} AND {condition}", values.dialect().by_id());
        return Some(Probes { selects: vec![select], cost: size.saturating_mul(UNIQUE) });
    }
    if comparison != Comparison::StartsWith
        && let Some(lookup) = listing(declared, collection, pointer)
    {
        return listed(lookup, wanted, size, values);
    }
    let (lookup, spaces) = found_by(declared, collection, pointer)?;
    let terms = match (comparison, wanted) {
        // Stored text holds no NUL.
        (Comparison::StartsWith, Value::String(prefix)) if !storable(prefix) => Terms::among(&[], values)?,
        (Comparison::StartsWith, Value::String(prefix)) => Terms::beginning(prefix, values),
        (Comparison::In, Value::Array(list)) => Terms::among(list, values)?,
        (_, one) => Terms::among(std::slice::from_ref(one), values)?,
    };
    let selects = spaces.iter().map(|space| terms.within(*space, values.dialect())).collect();
    Some(Probes { selects, cost: size.saturating_mul(if lookup.uses.unique { UNIQUE } else { LOOKUP }) })
}

/// Those that have a value at all, of a property that is declared for looking up and nothing else. Names, which everybody has, are declared for more.
fn present(pointer: &Pointer, collection: &str, declared: &Declared) -> Option<Probes> {
    let lookup = declared.find(collection, pointer).filter(|lookup| lookup.uses == Uses::default())?;
    let select = format!("SELECT object FROM lookup_key WHERE space = {} AND term > '{}'", lookup.whole(), term::MISSING);
    Some(Probes { selects: vec![select], cost: PRESENT })
}

/// What finds a property that lists names, where nothing finds it by its value: the property itself, and what its references lead to.
fn listing<'d>(declared: &'d Declared, collection: &str, pointer: &Pointer) -> Option<&'d Lookup> {
    let property = match pointer.tokens() {
        [property] => property,
        [property, member] if member == crest::reference::REF => property,
        _ => return None,
    };
    declared.listed(collection, property).filter(|lookup| lookup.is_of_names() && declared.find(collection, pointer).is_none())
}

/// Those that list one of these names. Slashes around a name are not in its term, and numbers have none.
fn listed(lookup: &Lookup, wanted: &Value, size: usize, values: &mut Values) -> Option<Probes> {
    let one = std::slice::from_ref(wanted);
    let all = wanted.as_array().map_or(one, Vec::as_slice);
    let names: Option<Vec<Value>> = all.iter().map(|name| Some(Value::from(name.as_str()?.trim_matches('/')))).collect();
    let names = names.filter(|names| names.iter().all(|name| name != ""))?;
    let terms = Terms::among(&names, values)?;
    Some(Probes { selects: vec![terms.within(lookup.targets(), values.dialect())], cost: size.saturating_mul(LOOKUP) })
}

/// What a place is found by, and the spaces of its terms.
fn found_by<'d>(declared: &'d Declared, collection: &str, pointer: &Pointer) -> Option<(&'d Lookup, Vec<i64>)> {
    if let [property, member] = pointer.tokens()
        && member == crest::reference::REF
    {
        let of_references = declared.find(collection, &Pointer::from_tokens([property]));
        if let Some(lookup) = of_references.filter(|lookup| lookup.uses.reference) {
            return Some((lookup, vec![lookup.targets()]));
        }
    }
    let lookup = declared.find(collection, pointer).filter(|lookup| !lookup.uses.reference)?;
    Some((lookup, vec![lookup.whole(), lookup.elements()]))
}

/// Terms to look for.
enum Terms {
    /// The bound one.
    One(String),
    /// Those of a bound list.
    Among(String),
    /// Those from a bound one on, and before another.
    Range(String, Option<String>),
}

impl Terms {
    /// The terms of these values; `None` where a number is not the same everywhere.
    fn among(list: &[Value], values: &mut Values) -> Option<Self> {
        let mut terms = Vec::new();
        for value in list {
            match value {
                Value::String(text) if !storable(text) => {}
                Value::Number(number) => {
                    safe(number)?;
                    terms.push(term::of(value));
                }
                _ => terms.push(term::of(value)),
            }
        }
        Some(match terms.as_slice() {
            [one] => Self::One(values.text(one.as_str())),
            _ => Self::Among(values.text(Value::from(terms).to_string())),
        })
    }

    fn beginning(prefix: &str, values: &mut Values) -> Self {
        let prefix = term::begin(prefix);
        let end = after_prefix(prefix).map(|end| values.text(format!("2{end}")));
        Self::Range(values.text(format!("2{prefix}")), end)
    }

    /// The objects that have one of them in a space. A number of ours may stand in the text; it makes the plan plain to see.
    fn within(&self, space: i64, dialect: Dialect) -> String {
        match self {
            Self::One(term) => format!("SELECT object FROM lookup_key WHERE space = {space} AND term = {term}"),
            Self::Among(list) => {
                let list = dialect.list(list);
                format!("SELECT object FROM ({list}) AS wanted{}lookup_key WHERE space = {space} AND term = wanted.value", Dialect::THEN)
            }
            Self::Range(from, to) => {
                let to = to.as_ref().map(|to| format!(" AND term < {to}")).unwrap_or_default();
                format!("SELECT object FROM lookup_key WHERE space = {space} AND term >= {from}{to}")
            }
        }
    }
}
