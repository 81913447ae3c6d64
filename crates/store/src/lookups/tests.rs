use crest::{Change, Patch, PatchOperation};
use process::{Effect, Ledger as _, Unit};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::job::Kept;
use crate::{Collections, Db};

async fn open() -> (Db, TempDir, rusqlite::Connection) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.db");
    let collections = Collections::new().with("managed/user", ["userName"], ["mail", "sn", "givenName"]);
    let db = Db::open(file.to_str().unwrap(), collections).await.unwrap();
    let other = rusqlite::Connection::open(file).unwrap();
    (db, directory, other)
}

/// Ids and values are scattered, as they are in life.
fn scattered(number: u32) -> String {
    format!("{:08x}", number.wrapping_mul(2_654_435_761))
}

fn person(number: u32) -> Effect {
    let name = scattered(number);
    let content = json!({
        "userName": format!("u{name}"), "mail": format!("m{name}@example.com"), "sn": format!("Smith{name}"),
        "givenName": format!("G{name}"), "password": format!("{number:0>200}"),
    });
    Effect::Change(Change::Create { collection: "managed/user".into(), id: format!("{name}-0000-4000-8000-000000000000"), content })
}

fn change(number: u32, property: &str, value: &str) -> Effect {
    let patch = Patch::new(vec![PatchOperation::replace(Pointer::from_tokens([property]), value)]);
    let id = format!("{}-0000-4000-8000-000000000000", scattered(number));
    Effect::Change(Change::Patch { collection: "managed/user".into(), id, patch, expected: None, guard: None })
}

/// Frames of the log that units write, one unit a transaction.
async fn frames(db: &Db, other: &rusqlite::Connection, units: impl Iterator<Item = Effect>) -> f64 {
    let log = |mode: &str| other.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get::<_, u32>(1)).unwrap();
    log("TRUNCATE");
    let mut count = 0;
    for effect in units {
        db.commit(Unit { now: 2, spend: None, effects: vec![effect] }).await.unwrap();
        count += 1;
    }
    f64::from(log("PASSIVE")) / f64::from(count)
}

/// The terms that there are, by the first space that has any.
fn terms_of(other: &rusqlite::Connection) -> Vec<(i64, String, String)> {
    let text = "SELECT space - (SELECT min(space) FROM lookup_key), term, object FROM lookup_key ORDER BY 1, 2, 3";
    let mut found = other.prepare(text).unwrap();
    found.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap().map(Result::unwrap).collect()
}

/// Objects are made, changed and removed on either side of where the filling is. Nothing is found by half of the terms, and afterwards they are those
/// that one go makes.
#[tokio::test]
async fn objects_are_written_while_a_property_is_filled() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.db");
    let db = Db::open(file.to_str().unwrap(), Collections::new()).await.unwrap();
    let other = rusqlite::Connection::open(file).unwrap();
    db.commit(Unit { now: 1, spend: None, effects: (0..700).map(person).collect() }).await.unwrap();
    let wanted = Collections::new().with("managed/user", ["userName"], ["mail"]);
    let declaration = wanted.clone();
    let begin = move |connection: &Connection| super::begin(connection, &declaration, Others::Forgotten);
    let mut begun = db.run::<_, process::LedgerError, _>(Kept::Always, begin).await.unwrap();
    let mut filling = begun.filling.remove("managed/user").unwrap();
    let id = |number: u32| format!("{}-0000-4000-8000-000000000000", scattered(number));
    let (before, behind): (Vec<u32>, Vec<u32>) = (0..700).partition(|number| id(*number) <= filling.after);
    assert!(before.len() < behind.len() && behind.len() < 700, "{} are done", before.len());
    for side in [&before, &behind] {
        let gone = Change::Delete { collection: "managed/user".into(), id: id(side[0]), expected: None };
        let effects =
            vec![Effect::Change(gone), change(side[1], "mail", "moved@example.com"), change(side[2], "userName", &format!("n{}", side[2]))];
        db.commit(Unit { now: 2, spend: None, effects }).await.unwrap();
        let name = crest::Query::all(crest::Filter::equals("mail", "moved@example.com"));
        assert!(!identity::Objects::query(&db, "managed/user", &name).await.unwrap().result.is_empty());
    }
    db.commit(Unit { now: 2, spend: None, effects: (700..720).map(person).collect() }).await.unwrap();
    loop {
        let so_far = filling.clone();
        let slice = move |connection: &Connection| super::fill(connection, "managed/user", &so_far);
        match db.run::<_, process::LedgerError, _>(Kept::Always, slice).await.unwrap() {
            super::Slice::More(last) => filling.after = last,
            super::Slice::Done => break,
            super::Slice::Superseded => panic!("nobody else is here"),
        }
    }
    let found = terms_of(&other);
    let twin = Effect::Change(Change::Create {
        collection: "managed/user".into(),
        id: "twin".into(),
        content: json!({ "userName": format!("u{}", scattered(before[3])) }),
    });
    assert!(matches!(db.commit(Unit { now: 3, spend: None, effects: vec![twin] }).await, Err(CommitError::Taken { .. })));
    // What is declared no longer goes in slices, the last ones with the sweep.
    db.declare(&Collections::new()).await.unwrap();
    assert!(!terms_of(&other).is_empty());
    db.sweep(3).await.unwrap();
    assert!(terms_of(&other).is_empty());
    db.declare(&wanted).await.unwrap();
    assert_eq!(found, terms_of(&other));
}

/// A new password touches the page of its object and no other: what the person is found by did not change.
#[tokio::test]
async fn a_new_password_touches_no_term() {
    let (db, _kept, other) = open().await;
    db.commit(Unit { now: 1, spend: None, effects: (0..5000).map(person).collect() }).await.unwrap();
    let terms = || other.query_row("SELECT count(*), sum(length(term)) FROM lookup_key", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let before: (i64, i64) = terms();
    let password = frames(&db, &other, (0..100).map(|number| change(number * 37, "password", &format!("{number:1>200}")))).await;
    assert_eq!(before, terms());
    let address = frames(&db, &other, (0..100).map(|number| change(number * 37, "mail", &format!("n{number}@example.com")))).await;
    let created = frames(&db, &other, (5000..5100).map(person)).await;
    println!("frames of the log: a password {password}, an address {address}, a creation {created}");
    assert!(password < 1.5, "{password} frames");
    assert!(address < 5.5, "{address} frames");
}

/// Any name that JSON allows.
#[tokio::test]
async fn a_property_of_any_name_is_unique_and_found() {
    let directory = tempfile::tempdir().unwrap();
    let names = [
        "Mail",
        "mail",
        "e-mail",
        "a.b",
        "a/b",
        "a b",
        "straße",
        "x'; DROP TABLE spent; --",
        "q\"uote",
        "back\\slash",
        "0",
        "",
        "$",
        "[0]",
        "%",
        &"n".repeat(200),
    ];
    for collection in ["managed/user", "managed/büro & co", &format!("managed/{}", "o".repeat(200))] {
        let file = directory.path().join(format!("{}.db", collection.len()));
        let db = Db::open(file.to_str().unwrap(), Collections::new().with(collection, names, [])).await.unwrap();
        for (number, name) in names.iter().enumerate() {
            let create =
                |id: String| Effect::Change(Change::Create { collection: collection.into(), id, content: json!({ (*name): "taken" }) });
            db.commit(Unit { now: 1, spend: None, effects: vec![create(format!("first{number}"))] }).await.unwrap();
            let second = db.commit(Unit { now: 1, spend: None, effects: vec![create(format!("second{number}"))] }).await;
            assert!(matches!(second, Err(CommitError::Taken { ref property, .. }) if property == name), "{name}: {second:?}");
            let filter = crest::Filter::Compare {
                pointer: Pointer::from_tokens([*name]),
                comparison: crest::Comparison::Equals,
                value: "taken".into(),
            };
            let sort = vec![crest::SortKey { pointer: Pointer::from_tokens([*name]), ascending: true }];
            let found = identity::Objects::query(&db, collection, &crest::Query { sort, ..crest::Query::all(crest::Filter::True) }).await;
            assert_eq!(found.unwrap().result.len(), number + 1, "{name}");
            let found = identity::Objects::query(&db, collection, &crest::Query::all(filter)).await.unwrap().result;
            assert_eq!(found.len(), 1, "{name}");
        }
    }
}

/// Whoever declared it may end between the last slice and the look for what is there twice.
#[tokio::test]
async fn what_is_there_twice_is_told_by_whoever_comes_next() {
    let directory = tempfile::tempdir().unwrap();
    let db = Db::open(directory.path().join("store.db").to_str().unwrap(), Collections::new()).await.unwrap();
    let twin = |id: &str| {
        let content = json!({ "userName": "same" });
        Effect::Change(Change::Create { collection: "managed/user".into(), id: id.into(), content })
    };
    db.commit(Unit { now: 1, spend: None, effects: vec![twin("a"), twin("b")] }).await.unwrap();
    let wanted = Collections::new().with("managed/user", ["userName"], []);
    let declaration = wanted.clone();
    let begin = move |connection: &Connection| super::begin(connection, &declaration, Others::Forgotten);
    let begun = db.run::<_, process::LedgerError, _>(Kept::Always, begin).await.unwrap();
    assert!(begun.filling.is_empty() && begun.suspected.len() == 1);
    for _ in 0..2 {
        let doubled = db.declare(&wanted).await.unwrap();
        assert_eq!(doubled.iter().map(|doubled| (doubled.first.as_str(), doubled.second.as_str())).collect::<Vec<_>>(), [("a", "b")]);
    }
    db.commit(Unit {
        now: 2,
        spend: None,
        effects: vec![Effect::Change(Change::Delete { collection: "managed/user".into(), id: "b".into(), expected: None })],
    })
    .await
    .unwrap();
    assert!(db.declare(&wanted).await.unwrap().is_empty());
}
