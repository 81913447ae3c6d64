//! References between objects (docs/adr/0031-relationships.md): found from where they lead, added and taken away one at a time, gone with
//! their object, and no dearer where a hundred thousand lead to one.

use std::sync::atomic::Ordering;

use crest::{Change, Filter, Query};
use identity::{Objects as _, Referring};
use process::{CommitError, Effect};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::changes::{delete, patch, pointer, replace};
use super::{Store, USERS, Units, changed, commit, create, put};
use crate::Db;

/// More than one transaction takes away (`references.rs`).
const MANY: usize = 450;

fn to(id: &str) -> Value {
    json!({ "_ref": format!("{USERS}/{id}") })
}

fn link(id: &str, property: &str, many: bool, target: &str, replaces: bool) -> Change {
    Change::Link { collection: USERS.into(), id: id.into(), property: property.into(), many, reference: to(target), replaces }
}

fn unlink(id: &str, property: &str, target: &str) -> Change {
    Change::Unlink { collection: USERS.into(), id: id.into(), property: property.into(), reference: to(target) }
}

fn refers(target: &str, exists: bool, alone: bool) -> Effect {
    let alone = alone.then(|| "reports".to_owned());
    Effect::Refers {
        collection: USERS.into(),
        property: "manager".into(),
        target: format!("{USERS}/{target}"),
        exists,
        alone,
        overtaken: None,
    }
}

/// Who refers to `target` by `property`.
async fn holders<S: Units>(store: &S, property: &str, target: &str) -> Vec<String> {
    let target = format!("{USERS}/{target}");
    store.referring(USERS, property, Referring::To(&target), "", 1000).await.unwrap()
}

async fn content<S: Units>(store: &S, id: &str) -> Value {
    store.read(USERS, id).await.unwrap().unwrap().content
}

async fn people<S: Units>(store: &S, range: std::ops::Range<usize>, manager: &str) {
    let numbers: Vec<usize> = range.collect();
    for some in numbers.chunks(200) {
        let effects = some.iter().map(|number| create(&format!("p{number:06}"), json!({ "manager": to(manager) }))).collect();
        commit(store, effects).await.unwrap();
    }
}

pub async fn a_reference_is_found_from_where_it_leads_after_every_write<S: Store>(store: S) {
    for id in ["boss", "other"] {
        put(&store, id, json!({})).await;
    }
    put(&store, "a", json!({ "manager": to("boss") })).await;
    put(&store, "b", json!({ "manager": to("boss"), "roles": [to("boss"), to("other")] })).await;
    assert_eq!(
        (holders(&store, "manager", "boss").await, holders(&store, "roles", "other").await),
        (vec!["a".into(), "b".into()], vec!["b".to_owned()])
    );
    changed(&store, patch("a", vec![crest::PatchOperation::replace(pointer("manager"), to("other"))], None, None)).await.unwrap();
    assert_eq!(
        (holders(&store, "manager", "boss").await, holders(&store, "manager", "other").await),
        (vec!["b".to_owned()], vec!["a".to_owned()])
    );
    changed(&store, replace("b", json!({ "roles": [to("boss")] }), None)).await.unwrap();
    assert_eq!((holders(&store, "manager", "boss").await.len(), holders(&store, "roles", "other").await.len()), (0, 0));
    changed(&store, link("b", "manager", false, "other", false)).await.unwrap();
    assert_eq!(holders(&store, "manager", "other").await, ["a", "b"]);
    let page = store.referring(USERS, "manager", Referring::To("managed/user/other"), "a", 1).await.unwrap();
    assert_eq!(page, ["b"], "from the middle, in the order of ids");
    changed(&store, unlink("a", "manager", "other")).await.unwrap();
    changed(&store, delete("b", None)).await.unwrap();
    assert_eq!((holders(&store, "manager", "other").await.len(), holders(&store, "roles", "boss").await.len()), (0, 0));
}

pub async fn parallel_links_of_one_list_are_all_kept<S: Store>(store: S) {
    put(&store, "a", json!({ "sn": "A" })).await;
    let mut writes = JoinSet::new();
    for number in 0..20 {
        let (store, target) = (store.clone(), format!("r{number:02}"));
        writes.spawn(async move { changed(&store, link("a", "roles", true, &target, false)).await.unwrap() });
    }
    writes.join_all().await;
    let expected: Vec<String> = (0..20).map(|number| format!("{USERS}/r{number:02}")).collect();
    let kept = |content: &Value| {
        let mut kept: Vec<String> =
            content["roles"].as_array().unwrap().iter().map(|one| one["_ref"].as_str().unwrap().to_owned()).collect();
        kept.sort();
        kept
    };
    assert_eq!(kept(&content(&store, "a").await), expected);
    let before = store.read(USERS, "a").await.unwrap().unwrap();
    assert_eq!(changed(&store, link("a", "roles", true, "r00", false)).await.unwrap(), before, "one that is there is not added again");
    assert_eq!(changed(&store, unlink("a", "roles", "nobody")).await.unwrap(), before, "one that is not there is not taken away");
    changed(&store, unlink("a", "roles", "r19")).await.unwrap();
    assert_eq!(kept(&content(&store, "a").await), &expected[..19]);
    assert_eq!(content(&store, "a").await["sn"], "A");
}

pub async fn a_single_reference_gives_way_only_where_it_may<S: Store>(store: S) {
    put(&store, "a", json!({ "manager": to("x") })).await;
    let taken = changed(&store, link("a", "manager", false, "y", false)).await;
    assert!(matches!(&taken, Err(CommitError::Patch(error)) if error.code == 400 && error.message.contains("not null")), "{taken:?}");
    assert_eq!(content(&store, "a").await["manager"], to("x"));
    changed(&store, link("a", "manager", false, "y", true)).await.unwrap();
    assert_eq!((holders(&store, "manager", "x").await.len(), holders(&store, "manager", "y").await), (0, vec!["a".to_owned()]));
    let nobody = changed(&store, link("gone", "manager", false, "y", true)).await;
    assert!(
        matches!(&nobody, Err(CommitError::Patch(error)) if error.code == 400 && error.message.contains("does not exist")),
        "{nobody:?}"
    );
    assert!(changed(&store, unlink("gone", "manager", "y")).await.is_ok(), "where the object has gone, so has the reference");
}

pub async fn a_unit_fails_for_a_reference_to_nobody_and_for_a_place_that_is_taken<S: Store>(store: S) {
    put(&store, "boss", json!({})).await;
    let make = |id: &str, target: &str| create(id, json!({ "manager": to(target) }));
    let nobody = commit(&store, vec![make("a", "nobody"), refers("nobody", true, false)]).await;
    assert!(matches!(&nobody, Err(CommitError::Patch(error)) if error.message.contains("does not exist")), "{nobody:?}");
    assert_eq!(store.read(USERS, "a").await.unwrap(), None, "nothing of the unit is done");
    commit(&store, vec![make("a", "boss"), refers("boss", true, true)]).await.unwrap();
    let second = commit(&store, vec![make("b", "boss"), refers("boss", true, true)]).await;
    assert!(matches!(&second, Err(CommitError::Patch(error)) if error.message.contains("'reports'")), "{second:?}");
    commit(&store, vec![make("b", "boss"), refers("boss", true, false)]).await.unwrap();
    // What the same unit makes, or removes, counts.
    commit(&store, vec![create("new", json!({})), make("c", "new"), refers("new", true, true)]).await.unwrap();
    let removed = commit(&store, vec![Effect::Change(delete("new", None)), make("d", "new"), refers("new", true, false)]).await;
    assert!(matches!(removed, Err(CommitError::Patch(_))), "{removed:?}");
}

pub async fn of_parallel_units_that_take_one_place_one_succeeds<S: Store>(store: S) {
    put(&store, "car", json!({})).await;
    let mut units = JoinSet::new();
    for number in 0..20 {
        let store = store.clone();
        units.spawn(async move {
            let effects = vec![create(&format!("driver{number}"), json!({ "manager": to("car") })), refers("car", true, true)];
            commit(&store, effects).await.is_ok()
        });
    }
    let done = units.join_all().await;
    assert_eq!((done.iter().filter(|done| **done).count(), holders(&store, "manager", "car").await.len()), (1, 1));
}

pub async fn references_go_with_their_object_and_do_not_come_back<S: Store>(store: S) {
    put(&store, "boss", json!({})).await;
    people(&store, 0..MANY, "boss").await;
    assert_eq!(holders(&store, "manager", "boss").await.len(), MANY);
    changed(&store, delete("boss", None)).await.unwrap();
    for number in [0, MANY / 2, MANY - 1] {
        assert!(content(&store, &format!("p{number:06}")).await.get("manager").is_none(), "{number}");
    }
    put(&store, "boss", json!({})).await;
    assert_eq!(holders(&store, "manager", "boss").await, Vec::<String>::new());
    assert!(content(&store, "p000449").await.get("manager").is_none());
}

/// What a write asks of the engine, in statements and rows, is the same beside two references and beside thousands.
pub async fn a_write_costs_the_same_however_many_refer_to_one_object(store: Db) {
    for boss in ["few", "many"] {
        put(&store, boss, json!({ "sn": "B" })).await;
    }
    people(&store, 0..2, "few").await;
    people(&store, 2..3000, "many").await;
    let asked = async |effects: Vec<Effect>| {
        commit(&store, effects).await.unwrap();
        store.asked_by_last().load(Ordering::SeqCst)
    };
    let mut costs = Vec::new();
    for (boss, report) in [("few", "p000000"), ("many", "p000002")] {
        let new = format!("of-{boss}");
        let sn = |id: &str, sn: &str| Effect::Change(patch(id, vec![crest::PatchOperation::replace(pointer("sn"), sn)], None, None));
        costs.push([
            asked(vec![create(&new, json!({}))]).await,
            asked(vec![Effect::Change(link(&new, "manager", false, boss, false)), refers(boss, true, false)]).await,
            asked(vec![sn(&new, "of the new one")]).await,
            asked(vec![sn(report, "of one of them")]).await,
            asked(vec![sn(boss, "of whom they lead to")]).await,
            asked(vec![Effect::Change(unlink(&new, "manager", boss))]).await,
            asked(vec![Effect::Change(delete(report, None))]).await,
        ]);
    }
    assert_eq!(costs[0], costs[1]);
    // Whoever removes the object of many waits for one batch, and a fixed number of statements for each of it.
    let removal = asked(vec![Effect::Change(delete("many", None))]).await;
    assert!(removal < 200 * 12, "{removal}");
}

/// Who goes on from where they were seeks by key; who passes over some has them counted, in one statement that answers one row.
pub async fn a_page_of_references_costs_the_same_wherever_it_begins(store: Db) {
    put(&store, "boss", json!({})).await;
    people(&store, 0..3000, "boss").await;
    let boss = format!("{USERS}/boss");
    let nth = |number: u64| store.passed(USERS, "manager", &boss, number);
    let _of_opening = store.asked_by_looks();
    let mut costs = Vec::new();
    for (before, number) in [(0_u64, ""), (1500, "p001499"), (2900, "p002899")] {
        if before > 0 {
            assert_eq!(nth(before).await.unwrap().as_deref(), Some(number));
            costs.push((store.asked_by_looks(), "counted"));
        }
        let page = store.referring(USERS, "manager", Referring::To(&boss), number, 50).await.unwrap();
        assert_eq!((page.len(), page[0].as_str()), (50, format!("p{before:06}").as_str()));
        costs.push((store.asked_by_looks(), "read"));
    }
    let of = |kind: &str| costs.iter().filter(|cost| cost.1 == kind).map(|cost| cost.0).collect::<Vec<_>>();
    let (counted, read) = (of("counted"), of("read"));
    assert!(counted.iter().all(|cost| (1..5).contains(cost) && *cost == counted[0]), "{counted:?}");
    assert!(read.iter().all(|cost| (50..60).contains(cost) && *cost == read[0]), "{read:?}");
    assert_eq!((nth(0).await.unwrap(), nth(3001).await.unwrap(), nth(u64::MAX).await.unwrap()), (None, None, None));
}

/// A page in an order is the store's work too: it answers a batch, however many there are and however many came before.
pub async fn a_page_of_references_in_an_order_loads_no_more_than_a_batch(store: Db) {
    put(&store, "boss", json!({})).await;
    people(&store, 0..3000, "boss").await;
    let named = |number: u32| {
        Effect::Change(patch(
            &format!("p{number:06}"),
            vec![crest::PatchOperation::replace(pointer("sn"), format!("S{:04}", 9999 - number))],
            None,
            None,
        ))
    };
    commit(&store, (0..3000).map(named).collect()).await.unwrap();
    let by = |sort: &str| Query {
        sort: crest::SortKey::parse_list(sort).unwrap(),
        ..Query::first(Filter::parse(&format!("manager/_ref eq \"{USERS}/boss\"")).unwrap(), 50)
    };
    for (sort, first) in [("sn", 2999_u32), ("-sn", 0), ("age,-sn", 0)] {
        let mut query = by(sort);
        for page in 0..60 {
            let _of_others = store.asked_by_looks();
            let found = store.query(USERS, &query).await.unwrap();
            let expected = if first == 0 { page * 50 } else { first - page * 50 };
            assert_eq!((found.result.len(), found.result[0].id.clone()), (50, format!("p{expected:06}")), "{sort}");
            let cost = store.asked_by_looks();
            assert!(cost < 300, "{cost} statements and rows for page {page} by {sort}");
            let Some(cookie) = found.cookie else {
                assert_eq!(page, 59, "{sort}");
                break;
            };
            query.paging = crest::Paging::Cookie(cookie);
        }
    }
}

/// A list that is no relationship holds names, paths and references, and nothing goes with anything.
pub async fn who_lists_a_name_is_found_by_it_and_nobody_else_is_looked_at(store: Db) {
    let reference = |to: &str| json!({ "_ref": to });
    put(&store, "a", json!({ "titles": ["x", reference("internal/role/x"), 7, null, "/y/"] })).await;
    put(&store, "b", json!({ "titles": "x" })).await;
    put(&store, "c", json!({ "titles": reference("internal/role/x") })).await;
    put(&store, "d", json!({ "titles": [to("a"), "z"], "sn": "x" })).await;
    let some = (0..400).map(|number| create(&format!("p{number:06}"), json!({ "titles": ["everybody's", reference("internal/role/y")] })));
    commit(&store, some.collect()).await.unwrap();
    let of = |name: &'static str| store.referring(USERS, "titles", Referring::To(name), "", 1000);
    let _of_opening = store.asked_by_looks();
    assert_eq!(of("x").await.unwrap(), ["a", "b"]);
    assert_eq!(of("internal/role/x").await.unwrap(), ["a", "c"]);
    assert_eq!(store.referrers(USERS, "titles", "x").await.unwrap(), 2);
    assert_eq!(store.passed(USERS, "titles", "x", 2).await.unwrap().as_deref(), Some("b"));
    let asked = store.asked_by_looks();
    assert!((4..20).contains(&asked), "{asked}");
    let id = identity::references::ids(&format!("{USERS}/c"), "titles", &[reference("internal/role/x")]).remove(0);
    assert_eq!(store.referring(USERS, "titles", Referring::By(&id), "", 2).await.unwrap(), ["c"]);
    let cases: &[(&str, &[&str])] = &[
        ("titles eq 'x'", &["a", "b"]),
        ("titles eq '/y/'", &["a"]),
        ("titles eq 'y'", &[]),
        ("titles eq 7", &["a"]),
        ("titles/_ref eq 'internal/role/x'", &["a", "c"]),
        ("titles/_ref eq 'x'", &[]),
        ("titles eq 'x' or titles eq 'z' or titles/_ref eq 'managed/user/a'", &["a", "b", "d"]),
        ("titles sw 'x'", &["a", "b"]),
        ("titles eq 'x' and titles eq 7", &["a"]),
    ];
    for (filter, expected) in cases {
        let query = Query { sort: crest::SortKey::parse_list("_id").unwrap(), ..Query::all(Filter::parse(filter).unwrap()) };
        let found: Vec<String> = store.query(USERS, &query).await.unwrap().result.into_iter().map(|one| one.id).collect();
        assert_eq!(found, *expected, "{filter}");
    }
    changed(&store, patch("a", vec![crest::PatchOperation::replace(pointer("titles"), json!(["z"]))], None, None)).await.unwrap();
    assert_eq!((of("x").await.unwrap(), of("z").await.unwrap()), (vec!["b".to_owned()], vec!["a".into(), "d".into()]));
    changed(&store, delete("a", None)).await.unwrap();
    assert_eq!((of("z").await.unwrap(), of("managed/user/a").await.unwrap()), (vec!["d".to_owned()], vec!["d".to_owned()]));
    assert_eq!(content(&store, "d").await["titles"], json!([to("a"), "z"]), "it is no relationship");
}
