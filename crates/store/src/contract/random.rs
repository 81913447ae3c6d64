//! Random objects and random queries: what a store finds is what [`Filter::matches`] finds in memory, in the documented order.

use std::cmp::Ordering;

use crest::{Change, Comparison, Filter, Paging, Pointer, Query, Resource, SortKey, TotalPolicy};
use process::Effect;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use super::{Store, USERS, commit, create};

const TEXTS: [&str; 17] =
    ["", "a", "ab", "abc", "b", "A", "a%", "%", "_", "é", "\u{10ffff}", "\u{10ffff}a", "1", "true", "[\"a\"]", "{}", "it's \"x\" \\ \n"];
const FIELDS: [&str; 14] = ["a", "mail", "sn", "age", "userName", "b c", "o/x", "o", "o/y%22z", "list/0", "o/1", "_id", "_rev", "nosuch"];

fn text() -> impl Strategy<Value = String> {
    select(&TEXTS[..]).prop_map(str::to_owned)
}

/// Floats are such that both sides read them alike; whole numbers reach beyond what a float holds.
fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3..4_i64).prop_map(Value::from),
        (-12..12_i32).prop_map(|quarters| json!(f64::from(quarters) / 4.0)),
        select(vec![i64::MIN, i64::MAX, (1 << 53) + 1, 1 << 53, (1 << 53) - 1]).prop_map(Value::from),
        select(vec![u64::MAX, 1 << 63]).prop_map(Value::from),
        select(vec![9_007_199_254_740_992.0, 1e300, -1e300]).prop_map(|float| json!(float)),
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![4 => text().prop_map(Value::from), 3 => number(), 1 => any::<bool>().prop_map(Value::from)]
}

fn value() -> impl Strategy<Value = Value> {
    let element = prop_oneof![6 => scalar(), 1 => Just(Value::Null), 1 => Just(json!(["a"])), 1 => Just(json!({ "x": "a" }))];
    let inner = prop_oneof![4 => scalar(), 1 => Just(Value::Null), 1 => prop::collection::vec(scalar(), 0..3).prop_map(Value::from)];
    let members = prop::collection::vec((select(vec!["x", "1", "y\"z"]), inner), 0..3);
    let object =
        members.prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into());
    prop_oneof![6 => scalar(), 1 => Just(Value::Null), 3 => prop::collection::vec(element, 0..4).prop_map(Value::from), 2 => object]
}

fn content() -> impl Strategy<Value = Value> {
    let names = select(vec!["a", "mail", "sn", "age", "b c", "o", "list"]);
    prop::collection::vec((names, value()), 0..7)
        .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into())
}

fn leaf() -> impl Strategy<Value = Filter> {
    let field = || select(&FIELDS[..]).prop_map(|field| Pointer::parse(field).unwrap());
    let wanted = prop_oneof![8 => scalar(), 2 => select(vec!["u0", "u1", "0000000000000001"]).prop_map(Value::from)];
    let comparison = select(vec![
        Comparison::Equals,
        Comparison::Contains,
        Comparison::StartsWith,
        Comparison::LessThan,
        Comparison::LessOrEqual,
        Comparison::GreaterThan,
        Comparison::GreaterOrEqual,
    ]);
    let list = prop::collection::vec(scalar(), 0..4).prop_map(Value::from);
    prop_oneof![
        1 => prop::bool::ANY.prop_map(|truth| if truth { Filter::True } else { Filter::False }),
        2 => field().prop_map(Filter::Present),
        8 => (field(), comparison, wanted).prop_map(|(pointer, comparison, value)| Filter::Compare { pointer, comparison, value }),
        2 => (field(), list).prop_map(|(pointer, value)| Filter::Compare { pointer, comparison: Comparison::In, value }),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    leaf().prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

fn sort() -> impl Strategy<Value = Vec<SortKey>> {
    let fields: Vec<&str> = FIELDS.into_iter().filter(|field| !field.contains(['%', '0', '1'])).collect();
    let key = (select(fields), any::<bool>());
    prop::collection::vec(key.prop_map(|(field, ascending)| SortKey { pointer: Pointer::parse(field).unwrap(), ascending }), 0..3)
}

fn draw<T: Strategy>(runner: &mut TestRunner, strategy: &T) -> T::Value {
    strategy.new_tree(runner).unwrap().current()
}

/// Fills the collection with random objects and gives them as they are.
async fn fill<S: Store>(store: &S, runner: &mut TestRunner) -> Vec<Resource> {
    let contents = draw(runner, &prop::collection::vec(content(), 12));
    let effects = contents.into_iter().enumerate().map(|(number, mut content)| {
        if number % 3 > 0 {
            content["userName"] = format!("u{number}").into();
        }
        create(&format!("id{number:02}"), content)
    });
    commit(store, effects.collect()).await.unwrap().changed
}

async fn empty<S: Store>(store: &S, objects: Vec<Resource>) {
    let delete = |object: Resource| Effect::Change(Change::Delete { collection: USERS.into(), id: object.id, expected: None });
    commit(store, objects.into_iter().map(delete).collect()).await.unwrap();
}

pub async fn a_query_finds_exactly_what_matches_in_memory<S: Store>(store: S) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..40 {
        let objects = fill(&store, &mut runner).await;
        for _ in 0..40 {
            let filter = draw(&mut runner, &filter());
            let expected: Vec<&Resource> = objects.iter().filter(|object| filter.matches(&object.to_value())).collect();
            let query = Query { totals: TotalPolicy::Exact, ..Query::all(filter) };
            let page = store.query(USERS, &query).await.unwrap();
            assert_eq!(page.result.iter().collect::<Vec<_>>(), expected, "{}", query.filter);
            assert_eq!(page.total, Some(expected.len() as u64), "{}", query.filter);
        }
        empty(&store, objects).await;
    }
}

/// Nothing and null, then numbers and booleans (false as 0, true as 1), then text; arrays and objects stand as their JSON text.
fn compare(left: &Value, right: &Value) -> Ordering {
    enum Class {
        Nothing,
        Number(Value),
        Text(String),
    }
    let class = |value: &Value| match value {
        Value::Null => Class::Nothing,
        Value::Bool(boolean) => Class::Number(json!(u8::from(*boolean))),
        Value::Number(_) => Class::Number(value.clone()),
        Value::String(text) => Class::Text(text.clone()),
        other => Class::Text(other.to_string()),
    };
    let whole = |value: &Value| value.as_i64().map(i128::from);
    match (class(left), class(right)) {
        (Class::Nothing, Class::Nothing) => Ordering::Equal,
        (Class::Nothing, _) | (Class::Number(_), Class::Text(_)) => Ordering::Less,
        (_, Class::Nothing) | (Class::Text(_), Class::Number(_)) => Ordering::Greater,
        (Class::Text(left), Class::Text(right)) => left.cmp(&right),
        (Class::Number(left), Class::Number(right)) => match (whole(&left), whole(&right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => left.as_f64().partial_cmp(&right.as_f64()).unwrap(),
        },
    }
}

fn in_order(objects: &mut [&Resource], sort: &[SortKey]) {
    let value = |object: &Resource, key: &SortKey| key.pointer.get(&object.to_value()).cloned().unwrap_or_default();
    objects.sort_by(|left, right| {
        let by_keys = sort.iter().map(|key| {
            let order = compare(&value(left, key), &value(right, key));
            if key.ascending { order } else { order.reverse() }
        });
        by_keys.fold(Ordering::Equal, Ordering::then).then_with(|| left.id.cmp(&right.id))
    });
}

pub async fn pages_of_any_order_are_that_order<S: Store>(store: S) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..20 {
        let objects = fill(&store, &mut runner).await;
        for _ in 0..12 {
            let filter = draw(&mut runner, &prop_oneof![Just(Filter::True), filter()]);
            let sort = draw(&mut runner, &sort());
            let size = draw(&mut runner, &(1..6_u64));
            let mut expected: Vec<&Resource> = objects.iter().filter(|object| filter.matches(&object.to_value())).collect();
            in_order(&mut expected, &sort);
            let mut query = Query { sort, page_size: Some(size), ..Query::all(filter) };
            let mut seen: Vec<Resource> = Vec::new();
            loop {
                let page = store.query(USERS, &query).await.unwrap();
                assert!(page.cookie.is_none() || page.result.len() as u64 == size);
                seen.extend(page.result);
                let Some(cookie) = page.cookie else { break };
                query.paging = Paging::Cookie(cookie);
            }
            assert_eq!(seen.iter().collect::<Vec<_>>(), expected, "{} by {:?}", query.filter, query.sort);
        }
        empty(&store, objects).await;
    }
}
