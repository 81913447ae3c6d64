use crest::{Change, Filter, Query};
use identity::Objects as _;
use process::{AuditEvent, CommitError, Effect, Ledger as _, Spend, Topic, Unit};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::AuditQuery;
use crate::sql::Bound;

fn users() -> Collections {
    Collections::new().with("managed/user", ["userName"], ["mail"])
}

fn location(directory: &TempDir) -> String {
    directory.path().join("store.db").to_str().unwrap().to_owned()
}

async fn open(directory: &TempDir) -> Db {
    Db::open(&location(directory), users()).await.unwrap()
}

fn create(id: &str, content: serde_json::Value) -> Unit {
    let change = Change::Create { collection: "managed/user".into(), id: id.into(), content };
    Unit { now: 1, spend: None, effects: vec![Effect::Change(change)] }
}

/// The declared places, as the store has them, and how many terms there are.
async fn declared(db: &Db) -> (Vec<String>, i64) {
    let found: Result<_, LedgerError> = db
        .walk(|connection| {
            let places = connection.query("SELECT collection, pointer FROM lookup_property ORDER BY collection, pointer");
            let places = places.all(|row| Ok(format!("{} {}", row.get::<_, String>("collection")?, row.get::<_, String>("pointer")?)))?;
            let terms = connection.query("SELECT count(*) FROM lookup_key").one(|row| row.get(0))?;
            Ok((places, terms))
        })
        .await;
    found.unwrap()
}

#[tokio::test]
async fn what_was_committed_is_there_after_the_next_opening() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory).await;
    db.commit(create("a", json!({ "userName": "x" }))).await.unwrap();
    db.close().await.unwrap();
    assert!(db.ping().await.is_err());
    assert!(!directory.path().join("store.db-wal").exists(), "the log is written back");
    let db = open(&directory).await;
    db.ping().await.unwrap();
    assert!(db.read("managed/user", "a").await.unwrap().is_some());
    assert!(matches!(db.commit(create("b", json!({ "userName": "x" }))).await, Err(CommitError::Taken { .. })));
}

/// What was acknowledged is on the disk.
#[tokio::test]
async fn the_writer_writes_through_and_waits_for_locks() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory).await;
    for (pragma, expected) in
        [("synchronous", "2"), ("journal_mode", "wal"), ("busy_timeout", "5000"), ("foreign_keys", "1"), ("mmap_size", "0")]
    {
        let found = ask(&db, format!("PRAGMA {pragma}")).await;
        assert_eq!(found, expected, "{pragma}");
    }
    let written = db.look::<_, LedgerError, _>(|connection| connection.run("DELETE FROM spent")).await;
    assert!(written.is_err(), "readers do not write");
}

/// The one value that the writer's connection answers.
async fn ask(db: &Db, statement: String) -> String {
    let answer =
        db.write(move |connection| connection.query(statement.clone()).one(|row| engine::bound(row, 0)).map_err(Unavailable::from));
    match answer.await.unwrap().unwrap() {
        Bound::Text(text) => text,
        Bound::Integer(integer) => integer.to_string(),
        Bound::Real(real) => real.to_string(),
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory).await;
    db.commit(create("a", json!({}))).await.unwrap();
    for file in ["store.db", "store.db-wal", "store.db-shm"] {
        let mode = std::fs::metadata(directory.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_with_its_name() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(
        location(&directory),
        "this is a text file, long enough to be looked at as a header of a hundred bytes, which is what counts ".repeat(9),
    )
    .unwrap();
    let error = Db::open(&location(&directory), users()).await.unwrap_err();
    assert!(matches!(&error, OpenError::Corrupt { file, .. } if file.ends_with("store.db")), "{error}");
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory).await;
    db.close().await.unwrap();
    let mut bytes = std::fs::read(location(&directory)).unwrap();
    bytes[100..4096].fill(0x55);
    std::fs::write(location(&directory), bytes).unwrap();
    let error = Db::open(&location(&directory), users()).await.unwrap_err();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory).await;
    db.write(|connection| connection.run("PRAGMA user_version = 99").map_err(Unavailable::from)).await.unwrap();
    db.close().await.unwrap();
    let error = Db::open(&location(&directory), users()).await.unwrap_err();
    assert!(matches!(error, OpenError::Newer { step: 99, .. }), "{error}");
}

#[tokio::test]
async fn an_unreachable_directory_and_an_unknown_backend_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = directory.path().join("none/store.db");
    assert!(matches!(Db::open(nowhere.to_str().unwrap(), users()).await, Err(OpenError::Unreachable { .. })));
    for mistyped in [
        "mysql://u:secret@localhost/x",
        "mysql:u:secret@localhost/x",
        "postgres:/u:secret@localhost/x",
        "postgres:u:secret@localhost/x",
        "postgres//u:secret@localhost/x",
        "PostgreSQL:u:secret@localhost/x",
        "jdbc:postgresql://localhost/x?password=secret",
    ] {
        let error = Db::open(mistyped, users()).await.unwrap_err();
        assert!(matches!(error, OpenError::UnknownBackend(_) | OpenError::Address(_)), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret") && Db::file(mistyped).is_none(), "{error}");
    }
    for path in ["sqlite:a:b.db", "./a:b.db", "/a:b/c@d.db", "sqlite:///a/b.db", "store.db"] {
        assert!(Db::file(path).is_some(), "{path}");
    }
}

#[tokio::test]
async fn a_full_store_refuses_and_does_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory).await;
    ask(&db, "PRAGMA max_page_count = 1".into()).await;
    let large = json!({ "text": "x".repeat(100_000) });
    assert!(matches!(db.commit(create("a", large)).await, Err(CommitError::Unavailable(_))));
    assert_eq!(db.read("managed/user", "a").await.unwrap(), None);
    ask(&db, "PRAGMA max_page_count = 1000000".into()).await;
    db.commit(create("a", json!({}))).await.unwrap();
}

#[tokio::test]
async fn terms_follow_the_declaration() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory).await;
    db.commit(create("a", json!({ "userName": "Ann", "mail": ["x", "y", "x"] }))).await.unwrap();
    let before = ["managed/user [\"mail\"]", "managed/user [\"userName\"]"].map(str::to_owned).to_vec();
    assert_eq!(declared(&db).await, (before, 6), "a name, its form and its look; a list and its elements");
    assert!(
        db.declare(&Collections::new().with("managed/user", ["mail"], []).with("managed/role", [], ["name"])).await.unwrap().is_empty()
    );
    let after = ["managed/role [\"name\"]", "managed/user [\"mail\"]"].map(str::to_owned).to_vec();
    assert_eq!(declared(&db).await, (after.clone(), 3));
    let offline = Db::open(&location(&directory), users()).await.unwrap();
    assert_eq!(declared(&offline).await.0.len(), 3, "who opens a store takes nothing away");
    db.declare(&Collections::new()).await.unwrap();
    assert_eq!(declared(&db).await, (Vec::new(), 0));
}

/// What is stored already cannot be refused any more; what comes next is.
#[tokio::test]
async fn a_uniqueness_that_stored_objects_contradict_is_reported_and_in_force() {
    let directory = tempfile::tempdir().unwrap();
    let db = Db::open(&location(&directory), Collections::new()).await.unwrap();
    for (id, user_name) in [("a", "one"), ("b", "two"), ("c", "three")] {
        db.commit(create(id, json!({ "userName": user_name, "mail": if id == "b" { "other" } else { "same" } }))).await.unwrap();
    }
    let both = Collections::new().with("managed/user", ["mail", "userName"], []);
    let expected =
        crate::Doubled { collection: "managed/user".into(), property: "mail".into(), values: 1, first: "a".into(), second: "c".into() };
    for _ in 0..2 {
        assert_eq!(db.declare(&both).await.unwrap(), vec![expected.clone()]);
    }
    assert_eq!(db.query("managed/user", &Query::all(Filter::equals("mail", "same"))).await.unwrap().result.len(), 2);
    for taken in [json!({ "userName": "one" }), json!({ "mail": "same" }), json!({ "mail": "other" })] {
        let refused = db.commit(create("d", taken.clone())).await;
        assert!(matches!(refused, Err(CommitError::Taken { .. })), "{taken}");
    }
    let repair = Change::Delete { collection: "managed/user".into(), id: "c".into(), expected: None };
    db.commit(Unit { now: 1, spend: None, effects: vec![Effect::Change(repair)] }).await.unwrap();
    assert_eq!(db.declare(&both).await.unwrap(), []);
    assert_eq!(db.declare(&both).await.unwrap(), []);
}

/// A store that an earlier version made, with its indexes over expressions, whatever their properties were called.
#[tokio::test]
async fn a_store_of_an_earlier_version_is_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(location(&directory)).unwrap();
    for step in [
        include_str!("../../migrations/sqlite/0001_store.sql"),
        include_str!("../../migrations/sqlite/0002_unfinished.sql"),
        include_str!("../../migrations/sqlite/0003_identifier.sql"),
        include_str!("../../migrations/sqlite/0004_audit_indexes.sql"),
        "CREATE UNIQUE INDEX \"unique managed/user userName\" ON managed_object (doc ->> 'userName') WHERE collection = 'managed/user'",
        "CREATE INDEX \"a \"\"quoted\"\" name\" ON managed_object (doc ->> 'mail')",
        "INSERT INTO managed_object VALUES ('managed/user', 'a', 1, '{\"userName\":\"Ann\"}', 1, 1)",
        "INSERT INTO identifier VALUES ('managed/user', 'userName', 'a', 'ann', 'ann')",
        "PRAGMA user_version = 4",
    ] {
        old.execute_batch(step).unwrap();
    }
    drop(old);
    let db = open(&directory).await;
    let left = "SELECT count(*) FROM sqlite_schema WHERE tbl_name = 'managed_object' AND type = 'index' AND sql IS NOT NULL";
    assert_eq!(ask(&db, left.into()).await, "0");
    assert!(matches!(db.commit(create("b", json!({ "userName": "Ann" }))).await, Err(CommitError::Taken { .. })));
    assert_eq!(db.query("managed/user", &Query::all(Filter::equals("userName", "Ann"))).await.unwrap().result.len(), 1);
}

#[tokio::test]
async fn the_audit_trail_is_read_newest_first_by_page_and_topic() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory).await;
    let event = |topic: Topic, time: i64| {
        Effect::Audit(AuditEvent {
            topic,
            event: "PATCH".into(),
            time,
            transaction: format!("t{time}"),
            user: "admin".into(),
            object: "managed/user/a".into(),
            successful: time % 2 == 0,
            detail: json!({ "stage": 3 }),
        })
    };
    let effects = vec![event(Topic::Activity, 1), event(Topic::Access, 2), event(Topic::Activity, 3), event(Topic::Activity, 4)];
    db.commit(Unit { now: 5, spend: None, effects }).await.unwrap();
    let times = |records: Vec<crate::AuditRecord>| records.into_iter().map(|record| record.event.time).collect::<Vec<_>>();
    let first = db.audit(&AuditQuery { topic: Some(Topic::Activity), limit: 2, ..AuditQuery::default() }).await.unwrap();
    assert_eq!((first[0].event.detail.clone(), first[0].event.successful, first[1].event.successful), (json!({ "stage": 3 }), true, false));
    let before = Some(first[1].number);
    assert_eq!(times(first), [4, 3]);
    assert_eq!(
        times(db.audit(&AuditQuery { topic: Some(Topic::Activity), before, limit: 9, ..AuditQuery::default() }).await.unwrap()),
        [1]
    );
    let narrow = AuditQuery {
        transaction: Some("t2".into()),
        user: Some("admin".into()),
        object: Some("managed/user/a".into()),
        ..AuditQuery::default()
    };
    assert_eq!(times(db.audit(&AuditQuery { limit: 9, ..narrow }).await.unwrap()), [2]);
    assert_eq!(db.forget_audit(3).await.unwrap(), 2);
    assert_eq!(times(db.audit(&AuditQuery { limit: 9, ..AuditQuery::default() }).await.unwrap()), [4, 3]);
}

/// A client that goes away in the middle leaves the writer free and nothing half done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_that_is_abandoned_is_done_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory).await;
    for number in 0..60_u32 {
        let (id, other) = (format!("a{number}"), format!("b{number}"));
        let mut unit = create(&id, json!({}));
        unit.effects.extend(create(&other, json!({})).effects);
        unit.spend = Some(Spend { instance: process::InstanceId::from_stored(id.clone()), below: 1, expires: 9 });
        let store = db.clone();
        let task = tokio::spawn(async move { store.commit(unit).await });
        for _ in 0..number {
            tokio::task::yield_now().await;
        }
        task.abort();
        drop(task.await);
        // The writer is free again when whatever was under way has ended.
        db.write(|_| Ok::<_, Unavailable>(())).await.unwrap();
        let spent = db.spent_below(&process::InstanceId::from_stored(id.clone())).await.unwrap() == 1;
        for id in [id, other] {
            assert_eq!(db.read("managed/user", &id).await.unwrap().is_some(), spent);
        }
    }
    db.commit(create("free", json!({}))).await.unwrap();
}

/// The command line works on the store of a running server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_a_store() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (open(&directory).await, open(&directory).await);
    one.commit(create("a", json!({ "loginCount": 0 }))).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let db = if number % 2 == 0 { one.clone() } else { other.clone() };
        tasks.spawn(async move {
            let patch = crest::Patch::new(vec![crest::PatchOperation::increment(crest::Pointer::parse("loginCount").unwrap(), 1)]);
            let change = Change::Patch { collection: "managed/user".into(), id: "a".into(), patch, expected: None, guard: None };
            db.commit(Unit { now: 1, spend: None, effects: vec![Effect::Change(change)] }).await.map(drop)
        });
    }
    assert!(tasks.join_all().await.into_iter().all(|done| done.is_ok()));
    assert_eq!(other.read("managed/user", "a").await.unwrap().unwrap().content, json!({ "loginCount": 40 }));
}

/// What waits together is committed together; a refusal or a fault in the middle does not touch the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_fails_is_undone_alone() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory).await;
    let (held, release) = std::sync::mpsc::channel::<()>();
    let store = db.clone();
    let first = tokio::spawn(async move { store.write(move |_| release.recv().map_err(|_| Unavailable::closed())).await });
    let mut others = tokio::task::JoinSet::new();
    for number in 0..60_u32 {
        let store = db.clone();
        others.spawn(async move {
            let user_name = if number % 3 == 0 { "taken".to_owned() } else { format!("u{number}") };
            let done = store.commit(create(&format!("a{number}"), json!({ "userName": user_name }))).await;
            (number, done.is_ok())
        });
    }
    let store = db.clone();
    let faulty = tokio::spawn(async move {
        let write = store.write(|connection| {
            connection.run("DELETE FROM managed_object").map_err(Unavailable::from)?;
            assert!(!connection.in_transaction(), "a fault in the middle of a transaction");
            Ok::<_, Unavailable>(())
        });
        write.await
    });
    tokio::task::yield_now().await;
    held.send(()).unwrap();
    first.await.unwrap().unwrap();
    assert!(faulty.await.unwrap().is_err());
    let done = others.join_all().await;
    assert_eq!(done.iter().filter(|(number, done)| number % 3 == 0 && *done).count(), 1);
    for (number, done) in done {
        assert!(done || number % 3 == 0, "{number}");
        let stored = db.read("managed/user", &format!("a{number}")).await.unwrap();
        assert_eq!(stored.is_some(), done, "{number}");
    }
}

#[tokio::test]
async fn a_long_search_is_finished_on_another_thread() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory).await;
    let people = (0..3000).map(|number| create(&format!("id{number}"), json!({ "city": format!("c{number}") })).effects.remove(0));
    db.commit(Unit { now: 1, spend: None, effects: people.collect() }).await.unwrap();
    let all = Query::all(Filter::equals("city", "c2999"));
    let brief = db.look::<_, LedgerError, _>(|connection| {
        connection
            .briefly(|| connection.query("SELECT count(*) FROM managed_object WHERE doc ->> 'city' = 'x'").one(|row| row.get::<_, i64>(0)))
    });
    assert!(brief.await.is_err(), "longer than what is done at once");
    assert_eq!(db.query("managed/user", &all).await.unwrap().result.len(), 1);
}

/// Objects that were there before their property became unique are found like others.
#[tokio::test]
async fn the_forms_of_names_follow_the_declaration() {
    let directory = tempfile::tempdir().unwrap();
    let db = Db::open(&location(&directory), Collections::new()).await.unwrap();
    let people = (0..2500).map(|number| create(&format!("id{number}"), json!({ "userName": format!("Name{number}") })).effects.remove(0));
    db.commit(Unit { now: 1, spend: None, effects: people.collect() }).await.unwrap();
    let form = identity::names::check_name::<&str>("nAME2499", &[]).unwrap();
    assert!(db.named("managed/user", "userName", &form).await.unwrap().is_empty());
    for _ in 0..2 {
        db.declare(&users()).await.unwrap();
        assert_eq!(db.named("managed/user", "userName", &form).await.unwrap(), ["id2499"]);
    }
    db.declare(&Collections::new()).await.unwrap();
    assert!(db.named("managed/user", "userName", &form).await.unwrap().is_empty());
}

/// What may be lost with the power is left to the system; whatever is acknowledged as kept is written through, with all before it.
#[tokio::test]
async fn only_what_may_be_forgotten_is_not_written_through() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(&directory).await;
    let synchronous = async |kept: Kept| -> i64 {
        let answer: Result<i64, LedgerError> =
            db.run(kept, |connection| connection.query("PRAGMA synchronous").one(|row| row.get(0))).await;
        answer.unwrap()
    };
    // A setting cannot change inside a transaction: each answer is how that transaction itself is kept.
    for (kept, expected) in [(Kept::Always, 2), (Kept::ByProcess, 1), (Kept::ByProcess, 1), (Kept::Always, 2)] {
        assert_eq!(synchronous(kept).await, expected, "{kept:?}");
    }
}

/// Opens nothing and counts what it was asked.
struct Counts(std::sync::atomic::AtomicU64);

impl crate::ValueSeal for Counts {
    fn seal(&self, _: &str, text: &str) -> Result<String, String> {
        Ok(text.to_owned())
    }

    fn open(&self, _: &str, sealed: &str) -> Option<crate::OpenedValue> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Some(crate::OpenedValue { text: sealed.to_owned(), is_current: true })
    }
}

/// A reload declares each time; what it costs must not grow with the people.
#[tokio::test]
async fn a_declaration_that_seals_nothing_new_looks_at_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let sealing = |properties: &[&str]| {
        let mut collections = users();
        collections.seal("managed/user", properties.iter().map(|name| (*name).to_owned()));
        collections
    };
    let db = Db::open(&location(&directory), sealing(&["ssn"])).await.unwrap();
    let seal = Arc::new(Counts(std::sync::atomic::AtomicU64::new(0)));
    db.seal_values(Arc::clone(&seal) as Arc<dyn ValueSeal>).await.unwrap();
    db.commit(create("a", json!({ "userName": "a", "ssn": "1", "pin": "2" }))).await.unwrap();
    let opened = || seal.0.swap(0, Ordering::SeqCst);
    opened();
    db.declare(&sealing(&["ssn"])).await.unwrap();
    assert_eq!(opened(), 0);
    db.declare(&sealing(&["ssn", "pin"])).await.unwrap();
    assert_eq!(opened(), 1, "what is newly declared is sealed");
    db.declare(&sealing(&["ssn", "pin"])).await.unwrap();
    assert_eq!(opened(), 0);
}
