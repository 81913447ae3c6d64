use std::time::Duration;

use crest::{Change, Comparison, Filter, Query, SortKey};
use process::{Effect, Ledger as _, Unit};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::Collections;
use crate::rows::{revision, revision_number};

async fn open() -> (Db, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let collections = Collections::new().with("managed/user", ["userName"], ["mail", "sn"]);
    let db = Db::open(directory.path().join("store.db").to_str().unwrap(), collections).await.unwrap();
    (db, directory)
}

async fn fill(db: &Db, users: u32) {
    let user = |number: u32| {
        let content = json!({ "userName": format!("u{number}"), "mail": format!("u{number}@example.com"), "sn": "Smith" });
        Effect::Change(Change::Create { collection: "managed/user".into(), id: format!("id{number}"), content })
    };
    db.commit(Unit { now: 1, spend: None, effects: (0..users).map(user).collect() }).await.unwrap();
}

/// What the engine would do, a line a step.
fn plan(db: &Db, query: &Query) -> Vec<String> {
    let declared = db.declared();
    let keys = query.sort.iter().map(|_| Some(Bound::Text("m".into()))).collect();
    let mut steps = Vec::new();
    for position in [None, Some(Position { keys, id: "id5".into() })] {
        let found = db.readers().unwrap().look(|connection| {
            let search = Search { connection, collection: "managed/user", query, declared: &declared, limit: None };
            let statement = search.statement(position.as_ref(), 0, query.page_size.unwrap()).unwrap();
            assert!(statement.exact);
            let rows = statement.values.query(connection, format!("EXPLAIN QUERY PLAN {}", statement.text));
            rows.all(|row| row.get::<_, String>("detail")).map_err(Unavailable::from)
        });
        steps.extend(found.unwrap());
    }
    steps
}

fn query(filter: &str, sort: &str) -> Query {
    let sort = if sort.is_empty() { Vec::new() } else { SortKey::parse_list(sort).unwrap() };
    Query { sort, ..Query::first(Filter::parse(filter).unwrap(), 20) }
}

/// The steps that touch a table of objects or terms.
fn on_tables(steps: &[String]) -> Vec<&String> {
    steps.iter().filter(|step| step.contains("managed_object") || step.contains("lookup_key")).collect()
}

/// Whether a step finds what it looks for: by a whole key, or a range of terms within a space.
fn finds(step: &str) -> bool {
    step.starts_with("SEARCH ") && (step.contains("id=?") || step.contains("term=?") || step.contains("term>?"))
}

#[tokio::test]
async fn a_search_by_declared_properties_never_scans() {
    let (db, _kept) = open().await;
    for filter in [
        "userName eq 'u1'",
        "userName eq 'u1' or mail eq 'u1@example.com'",
        "mail eq 'u1@example.com' and sn eq 'Smith'",
        "(userName eq 'u1' or mail eq 'x') and !(accountStatus eq 'inactive')",
        "userName sw 'u1'",
        "userName in '[\"u1\",\"u2\"]'",
        "_id eq 'id1' or userName eq 'u1'",
        "sn pr",
        "sn pr and userName eq 'u1'",
    ] {
        for sort in ["", "userName", "-sn,mail"] {
            let empty = plan(&db, &query(filter, sort));
            let steps = on_tables(&empty);
            assert!(steps.len() >= 2 && steps.iter().all(|step| finds(step)), "{filter} by {sort}: {empty:#?}");
        }
    }
}

#[tokio::test]
async fn the_plan_is_the_same_on_any_number_of_users() {
    let (db, _kept) = open().await;
    let queries = [
        query("userName eq 'u1' or mail eq 'u1@example.com'", ""),
        query("mail eq 'u1@example.com' and sn eq 'Smith'", ""),
        query("true", "userName"),
    ];
    let mut before = Vec::new();
    for query in &queries {
        before.push(plan(&db, query));
    }
    fill(&db, 3000).await;
    db.write(|connection| connection.run("ANALYZE").map_err(Unavailable::from)).await.unwrap();
    for (query, before) in queries.iter().zip(before) {
        assert_eq!(plan(&db, query), before);
        assert_eq!(db.query("managed/user", &Query { page_size: Some(2), ..query.clone() }).await.unwrap().result.len().min(1), 1);
    }
}

/// An anonymous caller may write a long filter (SEC-52); it costs what its values cost.
#[tokio::test]
async fn a_long_filter_of_indexed_properties_never_scans() {
    let (db, _kept) = open().await;
    fill(&db, 20).await;
    let terms =
        |count: u32| (0..count).map(|number| format!("userName eq 'u{number}' or mail eq 'x{number}'")).collect::<Vec<_>>().join(" or ");
    let steps = plan(&db, &query(&terms(200), ""));
    assert!(on_tables(&steps).iter().all(|step| finds(step)), "{steps:#?}");
    for count in [200, 330] {
        let found = db.query("managed/user", &Query { page_size: None, ..query(&terms(count), "") }).await.unwrap();
        assert_eq!(found.result.len(), 20, "{count}");
    }
    let beyond = Filter::Or((0..2000).map(|number| Filter::equals("userName", format!("u{number}"))).collect());
    let found = db.query("managed/user", &Query::all(beyond)).await.unwrap();
    assert_eq!(found.result.len(), 20);
}

/// The terms give the order; only objects with equal values are sorted, by id, where the order is reversed.
#[tokio::test]
async fn a_sorted_page_walks_the_terms_of_its_first_key() {
    let (db, _kept) = open().await;
    for sort in ["userName", "-userName", "sn"] {
        let steps = plan(&db, &query("true", sort));
        let terms: Vec<&String> = steps.iter().filter(|step| step.contains("lookup_key")).collect();
        assert_eq!(terms.len(), 2, "{sort}: {steps:#?}");
        assert!(terms[0].contains("(space=?)") && terms[1].contains("(space=? AND term"), "a page begins inside: {sort}: {steps:#?}");
        assert!(steps.iter().filter(|step| step.contains("managed_object")).all(|step| finds(step)), "{sort}: {steps:#?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY")), "{sort}: {steps:#?}");
    }
    let steps = plan(&db, &query("accountStatus eq 'x'", ""));
    assert!(steps.iter().all(|step| !step.contains("TEMP B-TREE")), "the order by id is that of the key: {steps:#?}");
}

/// A declaration may change between the look at it and the search, by another process too.
#[tokio::test]
async fn a_search_never_trusts_a_declaration_that_has_gone() {
    let (db, kept) = open().await;
    fill(&db, 3).await;
    let other = Db::open(kept.path().join("store.db").to_str().unwrap(), Collections::new()).await.unwrap();
    other.declare(&Collections::new()).await.unwrap();
    for filter in ["mail eq 'u1@example.com'", "userName eq 'u1'"] {
        assert_eq!(db.query("managed/user", &query(filter, "mail")).await.unwrap().result.len(), 1, "{filter}");
    }
    other.declare(&Collections::new().with("managed/user", ["sn"], [])).await.unwrap();
    let twin = Change::Create { collection: "managed/user".into(), id: "twin".into(), content: json!({ "sn": "Smith", "userName": "u1" }) };
    let refused = db.commit(Unit { now: 1, spend: None, effects: vec![Effect::Change(twin)] }).await;
    assert!(matches!(refused, Err(process::CommitError::Taken { ref property, .. }) if property == "sn"), "{refused:?}");
}

#[test]
fn a_revision_is_sixteen_digits_and_nothing_else() {
    assert_eq!(revision(255), "00000000000000ff");
    assert_eq!(revision_number("00000000000000ff"), Some(255));
    for text in ["", "ff", "00000000000000FF", "+0000000000000ff", "00000000000000fg", "000000000000000ff"] {
        assert_eq!(revision_number(text), None, "{text}");
    }
}

/// The same on the other engine, whose planner is told by the session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_by_declared_properties_never_scans_on_postgresql() {
    let collections = Collections::new().with("managed/user", ["userName"], ["mail", "sn"]);
    let db = Db::open(&crate::testing::Postgres::shared().store_named("plans"), collections).await.unwrap();
    fill(&db, 2000).await;
    db.write(|connection| connection.run("ANALYZE").map_err(Unavailable::from)).await.unwrap();
    let declared = db.declared();
    for (filter, sort) in [
        ("userName eq 'u1'", ""),
        ("userName eq 'u1' or mail eq 'u1@example.com'", "userName"),
        ("mail eq 'u1@example.com' and sn eq 'Smith'", ""),
        ("userName in '[\"u1\",\"u2\"]'", "-sn,mail"),
        ("userName sw 'u19'", ""),
        ("true", "userName"),
        ("true", "-userName"),
    ] {
        let (query, declared) = (query(filter, sort), Arc::clone(&declared));
        let plan = db.look::<_, ObjectsError, _>(move |connection| {
            let search = Search { connection, collection: "managed/user", query: &query, declared: &declared, limit: None };
            let statement = search.statement(None, 0, 20).unwrap();
            let rows = statement.values.query(connection, format!("EXPLAIN {}", statement.text));
            rows.all(|row| row.get::<_, String>(0))
        });
        let plan = plan.await.unwrap();
        assert!(!plan.iter().any(|step| step.contains("Seq Scan")), "{filter} by {sort}: {plan:#?}");
        assert!(plan.iter().any(|step| step.contains("lookup_key_pkey")), "{filter} by {sort}: {plan:#?}");
        if filter == "true" {
            assert!(!plan.iter().any(|step| step.trim_start().starts_with("->  Sort")), "it walks: {sort}: {plan:#?}");
        }
    }
}

/// A filter that nothing is found by, and that takes long on a few thousand objects: longer than any that a client may write.
fn endless() -> Query {
    let nobody = |number: u32| Filter::Compare {
        pointer: Pointer::from_tokens(["description"]),
        comparison: Comparison::Contains,
        value: format!("nobody {number}").into(),
    };
    Query::first(Filter::Or((0..900).map(nobody).collect()), 20)
}

/// What is said of searches from now on.
fn told(db: &Db) -> tokio::sync::mpsc::UnboundedReceiver<&'static str> {
    let (teller, told) = tokio::sync::mpsc::unbounded_channel();
    db.tell_of_searches(move |outcome| teller.send(outcome).unwrap_or_default());
    told
}

#[tokio::test]
async fn a_search_that_looks_at_everybody_ends_when_its_time_is_over_and_others_do_not() {
    let (db, _kept) = open().await;
    fill(&db, 3000).await;
    let mut told = told(&db);
    db.limit_searches(Duration::ZERO);
    assert_eq!(db.query("managed/user", &endless()).await, Err(ObjectsError::TooLong));
    assert_eq!(told.recv().await, Some("ended"));
    // In memory, batch by batch: no statement of it is long.
    let in_memory = Query { page_size: None, ..query("nobody/0 eq 1", "") };
    assert_eq!(db.query("managed/user", &in_memory).await, Err(ObjectsError::TooLong));
    assert_eq!(told.recv().await, Some("ended"));
    for filter in ["userName eq 'u1'", "sn eq 'Smith'"] {
        assert!(!db.query("managed/user", &query(filter, "")).await.unwrap().result.is_empty(), "{filter}");
    }
    db.limit_searches(Duration::from_mins(10));
    let found = db.query("managed/user", &query("userName co '999'", "")).await.unwrap();
    assert_eq!(found.result.len(), 3);
}

#[tokio::test]
async fn a_search_that_looks_at_everybody_ends_with_whoever_asked() {
    let (db, _kept) = open().await;
    fill(&db, 3000).await;
    let mut told = told(&db);
    let asking = db.clone();
    let asked = tokio::spawn(async move { asking.query("managed/user", &endless()).await });
    // On this thread: the search has begun on its own when this comes back.
    tokio::task::yield_now().await;
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    assert_eq!(told.recv().await, Some("left"));
}
