//! Instances are counted once.

use process::{AuditEvent, Effect, Ledger, Passage, StoredDefinition, Topic, Unit, Version};
use serde_json::json;

use super::instance;
use crate::{AuditQuery, Db};

fn passage(name: &str, reached: usize) -> Passage {
    Passage {
        instance: instance(name),
        process: "reset".into(),
        version: Version("v".into()),
        path: "one,two".into(),
        language: "de",
        began: 10 * 86_400 + 5,
        expires: 1_000_000,
        reached,
        ended: false,
        took: None,
        failed: None,
        mails: 0,
    }
}

async fn note(store: &Db, passages: Vec<Passage>) {
    let effects = passages.into_iter().map(|passage| Effect::Passage(Box::new(passage))).collect();
    store.commit(Unit { now: 100, spend: None, effects }).await.unwrap();
}

/// What is counted, a line each.
async fn counted(store: &Db, now: i64) -> Vec<String> {
    let counts = store.funnel(0, now).await.unwrap();
    counts.iter().map(|(counted, number)| format!("{} {} {} {number}", counted.day, counted.stage, counted.what)).collect()
}

pub async fn an_instance_is_counted_once_whatever_is_noted_of_it_in_whatever_order(store: Db) {
    let ended = || Passage { ended: true, took: Some((1, 4)), ..passage("a", 2) };
    note(&store, vec![passage("a", 0), ended(), ended()]).await;
    // From the memory of a node, later: it takes nothing back.
    note(&store, vec![Passage { took: Some((0, 70)), failed: Some((1, "x")), ..passage("a", 1) }; 3]).await;
    note(&store, vec![passage("b", 1), passage("b", 0)]).await;
    let open = ["10 one completed 2", "10 one entered 2", "10 one within:120 1", "10 two completed 1", "10 two entered 2"];
    let more = ["10 two failed:x 1", "10 two open 1", "10 two within:5 1"];
    let mut all = [open.as_slice(), more.as_slice()].concat();
    all.sort_unstable();
    assert_eq!(counted(&store, 100).await, all);
    // While a token may live nothing goes; then everything does, and is what it was.
    assert!(store.fold_passages(1_000_100).await.unwrap().is_empty());
    let folded = store.fold_passages(1_000_181).await.unwrap();
    assert_eq!(folded.len(), all.len());
    assert!(store.fold_passages(1_000_181).await.unwrap().is_empty());
    let mut left: Vec<&str> = all.into_iter().map(|line| if line == "10 two open 1" { "10 two abandoned 1" } else { line }).collect();
    left.sort_unstable();
    assert_eq!(counted(&store, 1_000_181).await, left);
    note(&store, vec![Passage { expires: 2_000_000, ..passage("c", 0) }]).await;
    store.fold_passages(3_000_000).await.unwrap();
    assert!(counted(&store, 3_000_000).await.contains(&"10 one abandoned 1".to_owned()));
    // A stage that refused what came to it in a submission of which nothing was kept: nobody was there.
    note(&store, vec![Passage { failed: Some((1, "fault")), expires: 4_000_000, ..passage("d", 0) }]).await;
    let of_second: Vec<String> = counted(&store, 3_000_000).await.into_iter().filter(|line| line.starts_with("10 two ")).collect();
    assert!(of_second.contains(&"10 two failed:fault 1".to_owned()) && of_second.contains(&"10 two entered 2".to_owned()), "{of_second:?}");
    store.fold_passages(5_000_000).await.unwrap();
    store.forget_funnel(11).await.unwrap();
    assert!(counted(&store, 3_000_000).await.is_empty());
}

pub async fn a_definition_is_forgotten_when_nobody_was_on_it_for_long_enough(store: Db) {
    let remember = async |process: &str, version: &str| {
        let definition = StoredDefinition { process: process.into(), version: Version(version.into()), sealed: "s".into(), revoked: false };
        store.remember_definition(definition).await.unwrap();
    };
    let left =
        async || -> Vec<String> { store.definitions("reset").await.unwrap().into_iter().map(|definition| definition.version.0).collect() };
    for version in ["used", "unused", "last"] {
        remember("reset", version).await;
    }
    remember("other", "used").await;
    let on = |name: &str, expires: i64| Passage { version: Version("used".into()), expires, ..passage(name, 0) };
    note(&store, vec![on("a", 1000)]).await;
    for (now, gone) in [(1000, 0), (1100, 0), (1101, 1)] {
        assert_eq!(store.forget_definitions(now, 100).await.unwrap(), gone, "{now}");
    }
    assert_eq!(left().await, ["last", "used"]);
    // Nobody is on it, and then somebody is again.
    store.fold_passages(2000).await.unwrap();
    assert_eq!(store.forget_definitions(2000, 100).await.unwrap(), 0);
    note(&store, vec![on("b", 2100)]).await;
    assert_eq!(store.forget_definitions(2099, 100).await.unwrap(), 0);
    store.fold_passages(3000).await.unwrap();
    for (now, gone) in [(3000, 0), (3100, 0), (3101, 1), (9000, 0)] {
        assert_eq!(store.forget_definitions(now, 100).await.unwrap(), gone, "{now}");
    }
    // What keeps serving where a file breaks stays, however long.
    remember("reset", "refuted").await;
    store.revoke_definition("reset", &Version("refuted".into())).await.unwrap();
    for now in [10_000, 20_000] {
        assert_eq!(store.forget_definitions(now, 100).await.unwrap(), 0);
    }
    assert_eq!(left().await, ["refuted", "last"]);
    assert_eq!(store.definitions("other").await.unwrap().len(), 1);
}

pub async fn what_steps_tell_is_forgotten_and_nothing_else_is(store: Db) {
    let event = |topic: Topic, event: &str, time: i64| AuditEvent {
        topic,
        event: event.to_owned(),
        time,
        transaction: "t".into(),
        user: "anonymous".into(),
        object: String::new(),
        successful: true,
        detail: json!({}),
    };
    let events = [
        event(Topic::Process, "completed", 100),
        event(Topic::Process, "step", 101),
        event(Topic::Activity, "step", 102),
        event(Topic::Process, "step", 103),
        event(Topic::Process, "step", 200),
        event(Topic::Process, "completed", 201),
    ];
    store.commit(Unit { now: 201, spend: None, effects: events.map(Effect::Audit).into() }).await.unwrap();
    let left = async || -> Vec<i64> {
        let records = store.audit(&AuditQuery { limit: 10, ..AuditQuery::default() }).await.unwrap();
        records.iter().map(|record| record.event.time).collect()
    };
    let behind = store.forget_steps(0, 200).await.unwrap();
    assert_eq!(left().await, [201, 200, 102, 100]);
    assert_eq!(store.forget_steps(behind, 200).await.unwrap(), behind, "it goes on where it was");
    store.forget_steps(behind, 300).await.unwrap();
    assert_eq!(left().await, [201, 102, 100]);
}
