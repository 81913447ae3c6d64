use crest::{Change, Filter, Query, SortKey};
use process::{Effect, Ledger as _, Unit};
use serde_json::json;
use tempfile::TempDir;

use super::*;

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
    let indexes = db.collections();
    let keys = query.sort.iter().map(|_| Some(Bound::Text("m".into()))).collect();
    let mut steps = Vec::new();
    for position in [None, Some(Position { keys, id: "id5".into() })] {
        let found = db.readers().look(|connection| {
            let search = Search { connection, collection: "managed/user", query, indexes: &indexes };
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

/// The steps that touch objects. Walking the index of those whose property is an array is free: hardly any is.
fn on_objects(steps: &[String]) -> Vec<&String> {
    steps.iter().filter(|step| step.contains("managed_object") && !step.contains("INDEX arrays ")).collect()
}

#[tokio::test]
async fn a_search_by_indexed_properties_never_scans() {
    let (db, _kept) = open().await;
    for filter in [
        "userName eq 'u1'",
        "userName eq 'u1' or mail eq 'u1@example.com'",
        "mail eq 'u1@example.com' and sn eq 'Smith'",
        "(userName eq 'u1' or mail eq 'x') and !(accountStatus eq 'inactive')",
        "userName sw 'u1'",
        "userName in '[\"u1\",\"u2\"]'",
        "_id eq 'id1' or userName eq 'u1'",
    ] {
        for sort in ["", "userName", "-sn,mail"] {
            let empty = plan(&db, &query(filter, sort));
            let steps = on_objects(&empty);
            assert!(steps.len() >= 2 && steps.iter().all(|step| step.starts_with("SEARCH ")), "{filter} by {sort}: {empty:#?}");
            assert!(steps.iter().all(|step| !step.contains("(collection=?)")), "{filter} by {sort}: {empty:#?}");
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

/// A stranger may write a long filter (SEC-52); it costs what its values cost.
#[tokio::test]
async fn a_long_filter_of_indexed_properties_never_scans() {
    let (db, _kept) = open().await;
    fill(&db, 20).await;
    let terms =
        |count: u32| (0..count).map(|number| format!("userName eq 'u{number}' or mail eq 'x{number}'")).collect::<Vec<_>>().join(" or ");
    let steps = plan(&db, &query(&terms(200), ""));
    assert!(on_objects(&steps).iter().all(|step| step.starts_with("SEARCH ") && !step.contains("(collection=?)")), "{steps:#?}");
    for count in [200, 330] {
        let found = db.query("managed/user", &Query { page_size: None, ..query(&terms(count), "") }).await.unwrap();
        assert_eq!(found.result.len(), 20, "{count}");
    }
    let beyond = Filter::Or((0..2000).map(|number| Filter::equals("userName", format!("u{number}"))).collect());
    let found = db.query("managed/user", &Query::all(beyond)).await.unwrap();
    assert_eq!(found.result.len(), 20);
}

/// The index gives the order; only objects with equal values are sorted, by id.
#[tokio::test]
async fn a_sorted_page_walks_the_index_of_its_first_key() {
    let (db, _kept) = open().await;
    for (sort, index) in
        [("userName", "unique managed/user userName"), ("-userName", "unique managed/user userName"), ("sn", "lookup managed/user sn")]
    {
        let steps = plan(&db, &query("true", sort));
        assert!(on_objects(&steps).iter().all(|step| step.contains(index)), "{sort}: {steps:#?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY")), "{sort}: {steps:#?}");
    }
    let steps = plan(&db, &query("accountStatus eq 'x'", ""));
    assert!(steps.iter().all(|step| !step.contains("TEMP B-TREE")), "the order by id is that of the key: {steps:#?}");
}

#[tokio::test]
async fn a_query_answers_without_an_index_that_has_just_gone() {
    let (db, _kept) = open().await;
    fill(&db, 3).await;
    for index in ["lookup managed/user mail", "arrays managed/user userName"] {
        let drop = format!("DROP INDEX \"{index}\"");
        db.write(move |connection| connection.run(&drop).map_err(Unavailable::from)).await.unwrap();
    }
    for filter in ["mail eq 'u1@example.com'", "userName eq 'u1'"] {
        assert_eq!(db.query("managed/user", &query(filter, "mail")).await.unwrap().result.len(), 1, "{filter}");
    }
}

#[test]
fn a_revision_is_sixteen_digits_and_nothing_else() {
    assert_eq!(revision(255), "00000000000000ff");
    assert_eq!(revision_number("00000000000000ff"), Some(255));
    for text in ["", "ff", "00000000000000FF", "+0000000000000ff", "00000000000000fg", "000000000000000ff"] {
        assert_eq!(revision_number(text), None, "{text}");
    }
}
