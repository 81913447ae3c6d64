//! A canary counts instances of its two definitions once, and ends once.

use process::{AuditEvent, CanaryOutcome, CanaryPair, Effect, KeptCanary, Ledger, Passage, Tally, Topic, Unit, Version};
use serde_json::json;

use super::instance;
use crate::{AuditQuery, Db};

fn pair(next: &str) -> CanaryPair {
    CanaryPair { process: "reset".into(), present: Version("present".into()), next: Version(next.into()) }
}

fn passage(name: &str, version: &str, began: i64, mails: u32) -> Passage {
    Passage {
        instance: instance(name),
        process: "reset".into(),
        version: Version(version.into()),
        path: "one,two".into(),
        language: "de",
        began,
        expires: 2000,
        reached: 1,
        ended: true,
        took: None,
        failed: None,
        mails,
    }
}

fn event(outcome: CanaryOutcome) -> AuditEvent {
    AuditEvent {
        topic: Topic::Config,
        event: "canary".into(),
        time: 3000,
        transaction: "t".into(),
        user: "system".into(),
        object: "config/selfservice/reset".into(),
        successful: true,
        detail: json!({ "outcome": outcome.as_str() }),
    }
}

async fn note(store: &Db, passages: Vec<Passage>) {
    let effects = passages.into_iter().map(|passage| Effect::Passage(Box::new(passage))).collect();
    store.commit(Unit { now: 100, spend: None, effects }).await.unwrap();
}

async fn only(store: &Db, next: &str) -> KeptCanary {
    store.canaries().await.unwrap().into_iter().find(|canary| canary.pair == pair(next)).unwrap()
}

pub async fn both_definitions_of_a_canary_are_counted_once(store: Db) {
    // Somebody who began before it, and somebody of another process.
    note(&store, vec![passage("early", "next", 999, 1), Passage { process: "other".into(), ..passage("other", "next", 1500, 1) }]).await;
    store.begin_canary(&pair("next"), 1000).await.unwrap();
    store.begin_canary(&pair("next"), 1100).await.unwrap();
    assert_eq!(only(&store, "next").await.began, 1000, "it is there already");
    let left = |name: &str, version: &str| Passage { ended: false, ..passage(name, version, 1200, 3) };
    note(&store, vec![passage("a", "present", 1000, 1), passage("b", "present", 1001, 40), left("c", "present"), left("d", "next")]).await;
    // Two mails in two units, and a refusal: one instance.
    note(&store, vec![passage("e", "next", 1300, 1), Passage { failed: Some((1, "code-wrong")), ..passage("e", "next", 1300, 1) }]).await;
    note(&store, vec![passage("f", "older", 1300, 1)]).await;
    store.fold_passages(2100).await.unwrap();
    assert_eq!(only(&store, "next").await.next, Tally::default(), "their time is not over");
    store.fold_passages(2181).await.unwrap();
    store.fold_passages(2181).await.unwrap();
    let seen = only(&store, "next").await;
    assert_eq!(seen.present, Tally { instances: 3, completed: 2, failed: 0, mails: 6 }, "of one person five mails count");
    assert_eq!(seen.next, Tally { instances: 2, completed: 1, failed: 1, mails: 2 });
}

pub async fn a_canary_ends_once_with_one_event_and_keeps_its_numbers(store: Db) {
    store.begin_canary(&pair("next"), 1000).await.unwrap();
    store.keep_audit(true);
    let ends = |outcome| {
        let store = &store;
        async move { store.end_canary(&pair("next"), outcome, event(outcome)).await.unwrap() }
    };
    assert!(ends(CanaryOutcome::RolledBack).await);
    assert!(!ends(CanaryOutcome::Promoted).await);
    note(&store, vec![passage("late", "next", 1300, 1)]).await;
    store.fold_passages(9000).await.unwrap();
    store.begin_canary(&pair("next"), 9000).await.unwrap();
    let seen = only(&store, "next").await;
    assert_eq!((seen.outcome, seen.ended, seen.began), (Some(CanaryOutcome::RolledBack), Some(3000), 1000), "a decision stays");
    assert_eq!(seen.next, Tally::default());
    let told = store.audit(&AuditQuery { topic: Some(Topic::Config), limit: 9, ..AuditQuery::default() }).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].event.detail["outcome"], "rolled-back");
}

pub async fn a_canary_of_edited_files_takes_the_place_of_the_one_before(store: Db) {
    store.begin_canary(&pair("next"), 1000).await.unwrap();
    store.begin_canary(&pair("edited"), 1100).await.unwrap();
    assert_eq!(only(&store, "next").await.outcome, Some(CanaryOutcome::Withdrawn));
    note(&store, vec![passage("a", "next", 1200, 1), passage("b", "edited", 1200, 1), passage("c", "present", 1200, 1)]).await;
    store.fold_passages(9000).await.unwrap();
    let (old, new) = (only(&store, "next").await, only(&store, "edited").await);
    assert_eq!((old.next.instances, old.present.instances, new.next.instances, new.present.instances), (0, 0, 1, 1));
    // Edited back: it begins anew, and counts from there.
    store.begin_canary(&pair("next"), 10_000).await.unwrap();
    let seen = only(&store, "next").await;
    assert_eq!((seen.outcome, seen.began, seen.present.instances), (None, 10_000, 0));
    store.withdraw_canaries("reset", 10_001).await.unwrap();
    assert!(store.canaries().await.unwrap().iter().all(|canary| canary.outcome == Some(CanaryOutcome::Withdrawn)));
}
