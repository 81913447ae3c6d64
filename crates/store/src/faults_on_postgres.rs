//! What becomes of units when the connection breaks, at every place where it can, on a real server.

use std::time::Duration;

use crest::{Change, Comparison, Filter, Pointer, Query};
use identity::{Objects as _, ObjectsError};
use process::{AuditEvent, CommitError, Effect, InstanceId, Ledger as _, Mail, Outbox as _, Spend, Topic, Unit};
use serde_json::{Value, json};

use crate::testing::{Cut, Postgres, Proxy, store_at};
use crate::{AuditQuery, Collections, Db};

async fn behind_a_proxy(schema: &str) -> (Db, Proxy) {
    let proxy = Proxy::before(Postgres::shared().port());
    let url = format!("{}&connections=1", store_at(&[proxy.port()], schema));
    // Objects that hold references cost a question more: whether some of these lead to what was removed.
    let mut collections = Collections::new().with("managed/user", ["userName"], ["sn"]);
    collections.declare_spelled("managed/user", Pointer::from_tokens(["mail"]));
    (Db::open(&url, collections).await.unwrap(), proxy)
}

/// The last step of a registration: a person, a spent instance, a mail, an event.
fn unit(name: &str) -> Unit {
    let content = json!({ "userName": name, "sn": "x", "mail": format!("{name}@example.com") });
    let mail = Mail {
        to: "a@example.com".into(),
        from: None,
        subject: name.into(),
        mime_type: "text/plain".into(),
        body: "b".into(),
        wait: false,
        withheld: false,
        client: None,
    };
    let audit = AuditEvent {
        topic: Topic::Activity,
        event: "CREATE".into(),
        time: 100,
        transaction: name.into(),
        user: String::new(),
        object: String::new(),
        successful: true,
        detail: Value::Null,
    };
    Unit {
        now: 100,
        spend: Some(Spend { instance: InstanceId::from_stored(name), below: Spend::WHOLE, expires: 1000 }),
        effects: vec![
            Effect::Change(Change::Create { collection: "managed/user".into(), id: name.into(), content }),
            Effect::Mail(mail),
            Effect::Audit(audit),
        ],
    }
}

/// Everything of a unit is there, once.
async fn is_done_once(db: &Db, name: &str) {
    assert!(db.read("managed/user", name).await.unwrap().is_some(), "{name}");
    let found = db.query("managed/user", &Query::all(Filter::equals("userName", name))).await.unwrap();
    assert_eq!(found.result.len(), 1, "{name}");
    let mails = db.list(None, 1000).await.unwrap();
    assert_eq!(mails.iter().filter(|entry| entry.mail.subject == name).count(), 1, "{name}");
    let asked = AuditQuery { transaction: Some(name.to_owned()), limit: 10, ..AuditQuery::default() };
    assert_eq!(db.audit(&asked).await.unwrap().len(), 1, "{name}");
    assert!(matches!(db.commit(unit(name)).await, Err(CommitError::Spent)), "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_whose_commit_lost_its_answer_is_found_out() {
    let (db, proxy) = behind_a_proxy("lostanswer").await;
    for (number, cut) in [Cut::AfterCommit, Cut::BeforeCommit].into_iter().cycle().take(8).enumerate() {
        let name = format!("u{number}");
        proxy.cut(cut);
        let receipt = db.commit(unit(&name)).await.unwrap_or_else(|error| panic!("{cut:?}: {error}"));
        assert_eq!((receipt.mails.len(), receipt.changed.len(), proxy.cuts()), (1, 1, number + 1), "{cut:?}");
        is_done_once(&db, &name).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_anywhere_in_a_unit_does_nothing_twice_and_loses_nothing() {
    let (db, proxy) = behind_a_proxy("anywhere").await;
    for number in 1..=12 {
        for cut in [Cut::Before(number), Cut::After(number)] {
            let name = format!("{cut:?}");
            proxy.cut(cut);
            db.commit(unit(&name)).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            proxy.leave();
            is_done_once(&db, &name).await;
        }
    }
    assert!(proxy.cuts() >= 10, "{} cuts", proxy.cuts());
}

/// A unit that somebody else has spent is refused however the connection breaks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_spent_stays_spent_when_the_connection_breaks() {
    let (db, proxy) = behind_a_proxy("spentbreak").await;
    db.commit(unit("once")).await.unwrap();
    for number in 1..=6 {
        proxy.cut(Cut::After(number));
        assert!(matches!(db.commit(unit("once")).await, Err(CommitError::Spent)), "{number}");
        proxy.leave();
    }
    assert!(matches!(db.commit(unit("once")).await, Err(CommitError::Spent)));
}

/// Waits until a statement that began after this moment waits for the standby, and says whose it is.
fn waiting_for_standby(primary: &Postgres, moment: &str) -> String {
    let which = format!("FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query_start > '{moment}'");
    primary.sql(&format!(
        "DO $$ BEGIN FOR attempt IN 1..600 LOOP \
             PERFORM pg_stat_clear_snapshot(); \
             IF EXISTS (SELECT 1 {which}) THEN RETURN; END IF; \
             PERFORM pg_sleep(0.05); \
         END LOOP; RAISE 'nobody waits for the standby'; END $$"
    ));
    primary.sql(&format!("SELECT pid {which}"))
}

/// A server that ends a connection while it waits for the standby has committed, and says so to nobody; one whose wait is cancelled says in a notice that
/// the standby may have nothing of it, and reports success.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_whose_wait_for_the_standby_ended_early_is_told_when_the_standby_has_it() {
    let local = "synchronous_commit=local";
    let mut primary = Postgres::start(&[local]);
    let mut standby = primary.standby(&[local]);
    primary.waits_for_standby();
    for ends in ["terminate", "cancel"] {
        let url = format!("{}&connections=1", primary.store_named(ends));
        let db = Db::open(&url, Collections::new().with("managed/user", ["userName"], ["sn"])).await.unwrap();
        standby.kill();
        let committing = tokio::spawn({
            let db = db.clone();
            async move { db.commit(unit("alone")).await }
        });
        let first = waiting_for_standby(&primary, "-infinity");
        let moment = primary.sql("SELECT clock_timestamp()");
        primary.sql(&format!("SELECT pg_{ends}_backend({first})"));
        // It asks what became of the unit, and waits again.
        waiting_for_standby(&primary, &moment);
        assert!(!committing.is_finished(), "{ends}: no standby has it");
        // What it copies says that commits wait for a standby, and it has none.
        standby = primary.standby(&[local, "synchronous_standby_names="]);
        committing.await.unwrap().unwrap();
    }
    primary.kill();
    standby.promote();
    for ends in ["terminate", "cancel"] {
        let db = Db::open(&crate::testing::store_at(&[standby.port()], ends), Collections::new()).await.unwrap();
        is_done_once(&db, "alone").await;
    }
}

/// The table of `postgres/faults.rs` on a server that gives these answers, twice each: what was in the way is repeated, what is lost is looked for, and
/// where there is no room the caller hears it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_is_done_once_or_refused_by_what_the_server_answers() {
    let server = Postgres::shared();
    let url = format!("{}&connections=1", server.store_named("answers"));
    let db = Db::open(&url, Collections::new().with("managed/user", ["userName"], ["sn"])).await.unwrap();
    let repeated = ["25006", "57P01", "57P02", "57P03", "08006", "40001", "40P01", "55P03"];
    let no_room = ["53100", "53200", "53300"];
    for code in repeated.iter().chain(&no_room) {
        server.answers("answers", code, 2);
        let mut refusals = 0;
        let done = loop {
            match db.commit(unit(code)).await {
                Err(CommitError::Unavailable(_)) if refusals < 5 => refusals += 1,
                done => break done,
            }
        };
        done.unwrap_or_else(|error| panic!("{code}: {error}"));
        assert_eq!(refusals, if no_room.contains(code) { 2 } else { 0 }, "{code}");
        is_done_once(&db, code).await;
    }
}

/// Questions of a unit are round trips; what needs no answer is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_takes_as_many_round_trips_as_it_has_questions() {
    let (db, proxy) = behind_a_proxy("trips").await;
    // Statements are prepared once.
    for name in ["first", "second"] {
        db.commit(unit(name)).await.unwrap();
        db.read("managed/user", name).await.unwrap();
        db.count("code", 100, 200).await.unwrap();
    }
    let before = proxy.round_trips();
    db.commit(unit("third")).await.unwrap();
    let registration = proxy.round_trips() - before;
    let before = proxy.round_trips();
    db.read("managed/user", "third").await.unwrap();
    let read = proxy.round_trips() - before;
    let before = proxy.round_trips();
    db.count("code", 100, 200).await.unwrap();
    let count = proxy.round_trips() - before;
    println!("round trips: a registration {registration}, a read {read}, a count {count}");
    assert_eq!((registration, read, count), (5, 1, 2));
}

/// Puts so many people there, each with a long description.
async fn people(db: &Db, count: u32) {
    let person = |number: u32| {
        let content = json!({ "userName": format!("u{number}"), "description": "x".repeat(2000) });
        Effect::Change(Change::Create { collection: "managed/user".into(), id: format!("id{number}"), content })
    };
    db.commit(Unit { now: 1, spend: None, effects: (0..count).map(person).collect() }).await.unwrap();
}

/// A later version adds to the tables while this one serves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_outlive_a_column_that_a_later_version_adds() {
    let server = Postgres::shared();
    let url = format!("{}&connections=1", server.store_named("stale"));
    let db = Db::open(&url, Collections::new().with("managed/user", ["userName"], ["sn"])).await.unwrap();
    for (name, expands) in
        [("first", ""), ("second", "ADD COLUMN a_later_one TEXT"), ("third", "ADD COLUMN another BIGINT NOT NULL DEFAULT 7")]
    {
        if !expands.is_empty() {
            let tables = server.ask("vestibule", "SELECT tablename FROM pg_tables WHERE schemaname = 'stale'");
            for table in tables.lines() {
                server.ask("vestibule", &format!("ALTER TABLE stale.{table} {expands}"));
            }
        }
        // Both what is written in a unit and what is only read, whole rows of tables among it.
        db.commit(unit(name)).await.unwrap();
        is_done_once(&db, name).await;
        let claimed = db.claim(100, 400, 1).await.unwrap();
        assert_eq!(claimed.iter().map(|claimed| claimed.mail.subject.as_str()).collect::<Vec<_>>(), [name]);
    }
}

/// What counts the nodes is asked every minute and waits for nobody: the limits stay as they were shared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_nodes_are_not_counted_while_a_server_is_looked_for() {
    let (db, proxy) = behind_a_proxy("nodesaway").await;
    assert_eq!(db.nodes("one", 100).await.unwrap(), 1);
    let _ended = proxy.end_after(0);
    proxy.end();
    let waiting = tokio::spawn({
        let db = db.clone();
        async move { db.ping().await }
    });
    while db.has_writer().is_ok() {
        tokio::task::yield_now().await;
    }
    let told = tokio::time::timeout(Duration::from_secs(5), db.nodes("one", 100)).await.expect("whoever asks is told at once");
    assert!(told.is_err() && !waiting.is_finished(), "{told:?}");
    proxy.lead_to(Postgres::shared().port());
    waiting.await.unwrap().unwrap();
    assert_eq!(db.nodes("one", 100).await.unwrap(), 1);
}

/// A search for so many texts that nobody has, in a property that nothing is found by.
fn nobody(texts: u32) -> Query {
    let text = |number: u32| Filter::Compare {
        pointer: Pointer::from_tokens(["description"]),
        comparison: Comparison::Contains,
        value: format!("nobody {number}").into(),
    };
    Query::first(Filter::Or((0..texts).map(text).collect()), 20)
}

/// Beyond that a server would go on for nobody, and the connection would be gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_that_takes_too_long_is_cancelled_and_its_connection_goes_on() {
    let (db, proxy) = behind_a_proxy("longsearch").await;
    people(&db, 3000).await;
    let nobody = nobody(900);
    let (teller, mut told) = tokio::sync::mpsc::unbounded_channel();
    db.tell_of_searches(move |outcome| teller.send(outcome).unwrap_or_default());
    db.limit_searches(Duration::from_millis(200));
    // On a busy machine its time may be over before the statement is sent, and nothing is to be cancelled; or while the server makes it ready, and the
    // connection is given up, as what asks for the end may arrive at the next statement.
    for _ in 0..20 {
        let before = proxy.connections();
        assert_eq!(db.query("managed/user", &nobody).await, Err(ObjectsError::TooLong));
        assert_eq!(told.recv().await, Some("ended"));
        assert!(db.read("managed/user", "id7").await.unwrap().is_some());
        match proxy.connections() - before {
            0 | 2 => {}
            // The one that said that the statement is to be cancelled.
            1 => return,
            more => panic!("{more} connections for one search"),
        }
    }
    panic!("no connection outlived a search that took too long");
}

/// What asks for the end of a statement is heard by whatever the connection does then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_on_which_a_statement_may_still_be_cancelled_serves_nobody_else() {
    let (db, proxy) = behind_a_proxy("latecancel").await;
    people(&db, 200).await;
    let nobody = nobody(100);
    let before = proxy.connections();
    proxy.hold_cancels(true);
    db.limit_searches(Duration::from_millis(1));
    // Its time may be over before the statement is sent; then nothing was asked.
    let found = loop {
        match db.query("managed/user", &nobody).await {
            Err(ObjectsError::TooLong) => {}
            found => break found,
        }
    };
    assert!(found.unwrap().result.is_empty(), "it came to its end");
    assert!(db.read("managed/user", "id7").await.unwrap().is_some());
    assert_eq!(proxy.connections(), before + 2, "one asks for the end of the search, the other one reads");
    proxy.hold_cancels(false);
    assert!(db.read("managed/user", "id8").await.unwrap().is_some());
}
