use std::collections::BTreeSet;

use crest::{Change, Pointer};
use identity::Objects as _;
use process::{AuditEvent, CommitError, Effect, InstanceId, Ledger as _, Mail, Outbox as _, Session, Sessions as _, Spend, Topic, Unit};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::testing::{Cut, PASSWORD, Postgres, Proxy, store_at};
use crate::{AuditQuery, Collections, Db};

fn users() -> Collections {
    let mut collections = Collections::new().with("managed/user", ["userName"], ["sn"]);
    collections.declare_spelled("managed/user", Pointer::from_tokens(["mail"]));
    collections
}

fn file(directory: &TempDir, name: &str) -> String {
    format!("sqlite:{}", directory.path().join(name).display())
}

/// The end of a registration: a person, a session, a spent instance, a mail, an event; a NUL where somebody else's words may have one.
fn unit(name: &str) -> Unit {
    let content = json!({ "userName": name, "sn": "x", "mail": format!("{name}@example.com"), "n": 1e300 });
    let mail = Mail {
        to: format!("{name}@example.com"),
        from: None,
        subject: name.into(),
        mime_type: "text/html".into(),
        body: "Grüße".into(),
        wait: false,
        withheld: false,
        client: Some(7),
    };
    let event = AuditEvent {
        topic: Topic::Activity,
        event: "CREATE".into(),
        time: 100,
        transaction: name.into(),
        user: "a\0b".into(),
        object: format!("managed/user/{name}"),
        successful: true,
        detail: json!({ "x": [1, null] }),
    };
    let session = Session {
        key: format!("key-{name}"),
        id: format!("public-{name}"),
        component: "managed/user".into(),
        owner: name.into(),
        authentication_id: name.into(),
        claims: json!({ "roles": [] }),
        created: 100,
        last_used: 100,
        expires: 100_000,
    };
    let address =
        Effect::Address { collection: "managed/user".into(), id: name.into(), address: format!("{name}@example.com"), confirmed: true };
    Unit {
        now: 100,
        spend: Some(Spend { instance: InstanceId::from_stored(name), below: Spend::WHOLE, expires: 100_000 }),
        effects: vec![
            Effect::Change(Change::Create { collection: "managed/user".into(), id: name.into(), content }),
            address,
            Effect::BeginSession(session),
            Effect::Mail(mail),
            Effect::Audit(event),
        ],
    }
}

async fn remove(db: &Db, name: &str) {
    let change = Change::Delete { collection: "managed/user".into(), id: name.into(), expected: None };
    db.commit(Unit { now: 100, spend: None, effects: vec![Effect::Change(change)] }).await.unwrap();
}

/// Everything of a unit, as the ports show it.
async fn told(db: &Db, name: &str) -> Value {
    let object = db.read("managed/user", name).await.unwrap().map(|found| (found.revision, found.content));
    let session = db.find(&format!("key-{name}")).await.unwrap().map(|session| (session.id, session.claims, session.last_used));
    let mails = db.list(None, 1000).await.unwrap();
    let mails: Vec<_> =
        mails.iter().filter(|entry| entry.mail.subject == name).map(|entry| (entry.id.0, entry.mail.body.clone())).collect();
    let asked = AuditQuery { transaction: Some(name.to_owned()), limit: 10, ..AuditQuery::default() };
    let events: Vec<_> = db.audit(&asked).await.unwrap().into_iter().map(|record| (record.number, record.event.detail)).collect();
    json!({ "object": object, "session": session, "mails": mails, "events": events })
}

async fn moved(from: &str, to: &str, alone: bool) -> Result<Moved, MoveError> {
    let (from, to) = (from.to_owned(), to.to_owned());
    tokio::task::spawn_blocking(move || move_store(&from, &to, alone, 100)).await.unwrap()
}

fn figures(moved: &Moved) -> (u64, u64) {
    (moved.tables.iter().map(|table| table.written).sum(), moved.tables.iter().map(|table| table.removed).sum())
}

/// A column that a later step adds must not be left behind.
#[tokio::test]
async fn every_table_and_column_of_both_engines_is_copied() {
    let directory = tempfile::tempdir().unwrap();
    let sqlite = Db::open(&file(&directory, "a.db"), users()).await.unwrap();
    let server = Db::open(&Postgres::shared().store_named("movecolumns"), users()).await.unwrap();
    let of_sqlite = "SELECT t.name || '.' || c.name AS found FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
    let of_server = "SELECT table_name || '.' || column_name AS found FROM information_schema.columns WHERE table_schema = 'movecolumns'";
    for (db, text, dialect) in [(&sqlite, of_sqlite, Dialect::Sqlite), (&server, of_server, Dialect::Postgres)] {
        let found: Vec<String> =
            db.walk::<_, process::LedgerError, _>(move |connection| connection.query(text).all(|row| row.get("found"))).await.unwrap();
        let found: BTreeSet<String> =
            found.into_iter().filter(|name| !tables::LEFT.contains(&name.split('.').next().unwrap_or_default())).collect();
        let listed: BTreeSet<String> =
            here(dialect).flat_map(|table| table.columns().map(|(column, _)| format!("{}.{column}", table.name))).collect();
        assert_eq!(found, listed, "{dialect:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_moves_to_the_other_engine_and_back_while_it_is_written_to() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (file(&directory, "a.db"), Postgres::shared().store_named("moveback"));
    let db = Db::open(&first, users()).await.unwrap();
    for name in ["a", "b", "c"] {
        db.commit(unit(name)).await.unwrap();
    }
    let run = moved(&first, &second, false).await.unwrap();
    assert!(!run.ended && run.tables.iter().any(|table| table.name == "managed_object" && table.rows == 3), "{run:?}");
    // It is served meanwhile, and the other one is not.
    db.commit(unit("d")).await.unwrap();
    remove(&db, "b").await;
    db.end("key-a").await.unwrap();
    let refused = Db::open(&second, users()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Unfinished { .. }), "{refused}");
    let again = moved(&first, &second, false).await.unwrap();
    let (written, removed) = figures(&again);
    assert!(!again.ended && (5..40).contains(&written) && removed >= 5, "{written} written, {removed} removed: only what has changed");
    assert_eq!(figures(&moved(&first, &second, false).await.unwrap()), (0, 0));
    let mut all = Vec::new();
    for name in ["a", "b", "c", "d"] {
        all.push(told(&db, name).await);
    }
    db.close().await.unwrap();
    let last = moved(&first, &second, true).await.unwrap();
    assert!(last.ended);
    // One is left, and the other one served.
    let refused = Db::open(&first, users()).await.unwrap_err();
    assert!(matches!(&refused, OpenError::Moved { target, .. } if !target.contains(PASSWORD)), "{refused}");
    assert!(matches!(moved(&first, &second, true).await, Err(MoveError::NoSource { .. })));
    let db = Db::open(&second, users()).await.unwrap();
    for (name, before) in ["a", "b", "c", "d"].into_iter().zip(&all) {
        let now = told(&db, name).await.to_string();
        assert_eq!(now, before.to_string(), "{name}");
        assert!(matches!(db.commit(unit(name)).await, Err(CommitError::Spent)), "{name}");
    }
    // Numbers go on, names stay taken, and what is written is found.
    db.commit(unit("e")).await.unwrap();
    let taken = Unit { spend: None, ..unit("f") };
    let taken = Unit {
        effects: vec![Effect::Change(Change::Create {
            collection: "managed/user".into(),
            id: "f".into(),
            content: json!({ "userName": "e" }),
        })],
        ..taken
    };
    assert!(matches!(db.commit(taken).await, Err(CommitError::Taken { .. })));
    let told_of = told(&db, "e").await;
    assert!(told_of["mails"][0][0].as_i64() > all[3]["mails"][0][0].as_i64(), "{told_of}");
    assert!(told_of["events"][0][0].as_i64() > all[3]["events"][0][0].as_i64(), "{told_of}");
    // Back, while this one is served: nobody else has to say that it is in use.
    assert!(!moved(&second, &first, false).await.unwrap().ended);
    assert!(matches!(moved(&first, &second, true).await, Err(MoveError::NoSource { .. })));
    db.close().await.unwrap();
    assert!(moved(&second, &first, false).await.unwrap().ended);
    assert!(matches!(Db::open(&second, users()).await.unwrap_err(), OpenError::Moved { .. }));
    let db = Db::open(&first, users()).await.unwrap();
    assert_eq!(told(&db, "e").await.to_string(), told_of.to_string());
    db.commit(unit("g")).await.unwrap();
    assert!(told(&db, "g").await["events"][0][0].as_i64() > told_of["events"][0][0].as_i64());
}

/// Runs that break at one place after the other, until one does not; how many did.
async fn broken_runs(from: &str, proxy: &Proxy, to: &str, alone: bool, each: impl AsyncFn()) -> (usize, Result<Moved, MoveError>) {
    let mut broken = 0;
    for place in (4..).step_by(3) {
        proxy.cut(if place % 2 == 0 { Cut::Before(place) } else { Cut::After(place) });
        let run = moved(from, to, alone).await;
        proxy.leave();
        match run {
            Err(MoveError::Failed { .. } | MoveError::Store(OpenError::Server { .. } | OpenError::Migration { .. })) => broken += 1,
            other => return (broken, other),
        }
        each().await;
    }
    unreachable!("a run that is not broken ends")
}

/// The connection to the target breaks at one place after the other; each time the same command goes on, and the end is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_died_anywhere_is_gone_on_with() {
    let directory = tempfile::tempdir().unwrap();
    let from = file(&directory, "a.db");
    let db = Db::open(&from, users()).await.unwrap();
    for number in 0..20 {
        db.commit(unit(&format!("u{number}"))).await.unwrap();
    }
    let proxy = Proxy::before(Postgres::shared().port());
    let (to, direct) = (store_at(&[proxy.port()], "movedied"), Postgres::shared().store_named("movedied"));
    let (broken, run) = broken_runs(&from, &proxy, &to, false, async || ()).await;
    assert!(broken > 10 && !run.unwrap().ended, "{broken}");
    for number in 20..40 {
        db.commit(unit(&format!("u{number}"))).await.unwrap();
    }
    remove(&db, "u3").await;
    db.close().await.unwrap();
    let never_both = async || {
        let (old, new) = (Db::open(&from, users()).await, Db::open(&direct, users()).await);
        assert!(old.is_err() || new.is_err(), "both are served");
        for db in [old, new].into_iter().flatten() {
            db.close().await.unwrap();
        }
    };
    let (broken, run) = broken_runs(&from, &proxy, &to, true, never_both).await;
    // The very last answer may have been lost: then the copy had ended, and says so.
    assert!(broken > 10 && (run.as_ref().is_ok_and(|run| run.ended) || matches!(run, Err(MoveError::NoSource { .. }))), "{broken} {run:?}");
    let db = Db::open(&direct, users()).await.unwrap();
    for number in 0..40 {
        let name = format!("u{number}");
        assert!(matches!(db.commit(unit(&name)).await, Err(CommitError::Spent)), "{name}");
        assert_eq!(db.read("managed/user", &name).await.unwrap().is_some(), number != 3, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_holds_something_else_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| file(&directory, name);
    for name in ["a.db", "b.db", "c.db"] {
        let db = Db::open(&at(name), users()).await.unwrap();
        db.commit(unit(name)).await.unwrap();
        db.close().await.unwrap();
    }
    let refused = |outcome: Result<Moved, MoveError>| outcome.unwrap_err().to_string();
    assert!(refused(moved(&at("a.db"), &at("b.db"), true).await).contains("rows of managed_object"));
    assert!(refused(moved(&at("a.db"), &at("a.db"), true).await).contains("both"));
    assert!(refused(moved(&at("none.db"), &at("d.db"), true).await).contains("no such file"));
    assert!(!moved(&at("a.db"), &at("d.db"), false).await.unwrap().ended);
    assert!(refused(moved(&at("b.db"), &at("d.db"), true).await).contains("the unfinished copy of"));
    assert!(refused(moved(&at("d.db"), &at("e.db"), true).await).contains("cannot be copied"));
    assert!(moved(&at("a.db"), &at("d.db"), true).await.unwrap().ended);
    assert!(refused(moved(&at("b.db"), &at("a.db"), true).await).contains("what has moved"));
    assert!(refused(moved(&at("b.db"), &at("d.db"), true).await).contains("a store that is served"));
    let db = Db::open(&at("b.db"), users()).await.unwrap();
    assert!(db.read("managed/user", "a.db").await.unwrap().is_none());
    let pooled = format!("{}&pooler=transaction", Postgres::shared().store_named("movepooled"));
    assert!(refused(moved(&at("c.db"), &pooled, true).await).contains("pooler"));
}
