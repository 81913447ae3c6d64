//! Single use, counters, challenges, contexts, definitions.

use crest::Change;
use process::{CommitError, Effect, InstanceId, Spend, StoredContext, StoredDefinition, Unit, Version};
use serde_json::json;
use tokio::task::JoinSet;

use super::{Units, commit, create, instance, spend};

/// SEC-07.
pub async fn one_of_a_hundred_parallel_completions_succeeds<S: Units>(store: S) {
    let mut completions = JoinSet::new();
    for number in 0..100 {
        let store = store.clone();
        completions.spawn(async move {
            let effects = vec![create(&format!("user-{number}"), json!({ "sn": "x" }))];
            store.commit(Unit { now: 100, spend: Some(spend("run", Spend::WHOLE)), effects }).await
        });
    }
    let mut succeeded = 0;
    for done in completions.join_all().await {
        match done {
            Ok(_) => succeeded += 1,
            Err(error) => assert!(matches!(error, CommitError::Spent), "{error}"),
        }
    }
    assert_eq!(succeeded, 1);
    assert_eq!(super::found(&store, "true").await.len(), 1);
    assert_eq!(store.spent_below(&instance("run")).await.unwrap(), Spend::WHOLE);
}

pub async fn an_instance_is_spent_in_strictly_growing_steps<S: Units>(store: S) {
    assert_eq!(store.spent_below(&instance("run")).await.unwrap(), 0);
    for (below, fits) in [(1, true), (1, false), (3, true), (2, false), (3, false), (Spend::WHOLE, true), (Spend::WHOLE, false)] {
        let done = store.commit(Unit { now: 100, spend: Some(spend("run", below)), effects: Vec::new() }).await;
        assert_eq!(done.is_ok(), fits, "{below}");
    }
    assert_eq!(store.spent_below(&instance("other")).await.unwrap(), 0);
}

/// SEC-07: of many runs, one gets what there is once; the others have done nothing.
pub async fn one_of_a_hundred_parallel_units_takes_a_thing<S: Units>(store: S) {
    let mut completions = JoinSet::new();
    for number in 0..100 {
        let store = store.clone();
        completions.spawn(async move {
            let taken = Effect::TakeOnce { what: "code".into(), key: "a".into() };
            let effects = vec![taken, create(&format!("user-{number}"), json!({ "sn": "x" }))];
            store.commit(Unit { now: 100, spend: Some(spend(&format!("run-{number}"), Spend::WHOLE)), effects }).await
        });
    }
    let mut succeeded = 0;
    for done in completions.join_all().await {
        match done {
            Ok(_) => succeeded += 1,
            Err(error) => assert!(matches!(&error, CommitError::Used { what } if what == "code"), "{error}"),
        }
    }
    assert_eq!((succeeded, super::found(&store, "true").await.len()), (1, 1));
    assert!(store.spent_below(&InstanceId::of_thing("code", "a")).await.unwrap() > 0);
    assert_eq!(store.spent_below(&InstanceId::of_thing("code", "b")).await.unwrap(), 0);
    process::Ledger::sweep(&store, i64::MAX - 1).await.unwrap();
    let again = commit(&store, vec![Effect::TakeOnce { what: "code".into(), key: "a".into() }]).await;
    assert!(matches!(again, Err(CommitError::Used { .. })), "it is taken for ever");
    commit(&store, vec![Effect::TakeOnce { what: "voucher".into(), key: "a".into() }]).await.unwrap();
}

pub async fn what_a_failed_unit_would_have_taken_is_free<S: Units>(store: S) {
    let take = || Effect::TakeOnce { what: "code".into(), key: "a".into() };
    let missing = Change::Delete { collection: super::USERS.into(), id: "nobody".into(), expected: None };
    commit(&store, vec![take(), Effect::Change(missing)]).await.unwrap_err();
    commit(&store, vec![take(), take()]).await.unwrap_err();
    assert_eq!(store.spent_below(&InstanceId::of_thing("code", "a")).await.unwrap(), 0);
    commit(&store, vec![take()]).await.unwrap();
}

/// SEC-11, SEC-47.
pub async fn two_hundred_parallel_counts_are_two_hundred<S: Units>(store: S) {
    let mut counts = JoinSet::new();
    for _ in 0..200 {
        let store = store.clone();
        counts.spawn(async move { store.count("code", 100, 200).await.unwrap() });
    }
    let mut seen = counts.join_all().await;
    seen.sort_unstable();
    assert_eq!(seen, (1..=200).collect::<Vec<_>>());
    assert_eq!(store.counted("code", 100).await.unwrap(), 200);
    assert_eq!(store.counted("other", 100).await.unwrap(), 0);
}

pub async fn a_counter_starts_anew_when_its_time_has_passed<S: Units>(store: S) {
    assert_eq!(store.count("code", 100, 200).await.unwrap(), 1);
    assert_eq!(store.count("code", 200, 300).await.unwrap(), 2, "the first count's time holds, through its last second");
    assert_eq!(store.counted("code", 200).await.unwrap(), 2);
    assert_eq!(store.counted("code", 201).await.unwrap(), 0);
    assert_eq!(store.count("code", 201, 300).await.unwrap(), 1);
    assert_eq!(store.count("code", 300, 400).await.unwrap(), 2);
    commit(&store, vec![Effect::ResetCounter("code".into())]).await.unwrap();
    assert_eq!(store.counted("code", 300).await.unwrap(), 0);
}

pub async fn a_clock_that_is_set_back_makes_a_counter_last_no_longer_than_one_of_now<S: Units>(store: S) {
    assert_eq!(store.count("code", 10_000, 10_100).await.unwrap(), 1);
    assert_eq!(store.count("code", 1_000, 1_100).await.unwrap(), 2, "it goes on");
    assert_eq!(store.count("code", 1_050, 1_150).await.unwrap(), 3);
    assert_eq!(store.count("code", 1_101, 1_201).await.unwrap(), 1);
}

/// SEC-09.
pub async fn the_last_challenge_of_a_purpose_counts<S: Units>(store: S) {
    let challenge = |purpose: &str, instance: &str| Effect::Challenge { purpose: purpose.into(), instance: instance.into(), expires: 500 };
    assert_eq!(store.challenge("mail").await.unwrap(), None);
    commit(&store, vec![challenge("mail", "one"), challenge("other", "one"), challenge("mail", "two")]).await.unwrap();
    assert_eq!(store.challenge("mail").await.unwrap().as_deref(), Some("two"));
    assert_eq!(store.challenge("other").await.unwrap().as_deref(), Some("one"));
}

pub async fn a_context_is_kept_under_its_token<S: Units>(store: S) {
    let keep = |sealed: &str| Effect::StoreContext { token: "token".into(), sealed: sealed.into(), expires: 300 };
    assert_eq!(store.context("token").await.unwrap(), None);
    commit(&store, vec![keep("one")]).await.unwrap();
    commit(&store, vec![keep("two")]).await.unwrap();
    assert_eq!(store.context("token").await.unwrap(), Some(StoredContext { sealed: "two".into(), expires: 300 }));
}

pub async fn definitions_are_kept_by_when_they_were_served_last_and_never_changed<S: Units>(store: S) {
    let definition = |process: &str, version: &str, sealed: &str, revoked: bool| StoredDefinition {
        process: process.into(),
        version: Version(version.into()),
        sealed: sealed.into(),
        revoked,
    };
    for (process, version, sealed) in [("reset", "a", "1"), ("reset", "b", "2"), ("username", "a", "3")] {
        store.remember_definition(definition(process, version, sealed, false)).await.unwrap();
    }
    let kept = async |process: &str| store.definitions(process).await.unwrap();
    assert_eq!(kept("reset").await, [definition("reset", "b", "2", false), definition("reset", "a", "1", false)]);
    store.remember_definition(definition("reset", "a", "4", false)).await.unwrap();
    assert_eq!(kept("reset").await, [definition("reset", "a", "1", false), definition("reset", "b", "2", false)]);
    for (process, version) in [("reset", "a"), ("reset", "nosuch"), ("nosuch", "a")] {
        store.revoke_definition(process, &Version(version.into())).await.unwrap();
    }
    assert_eq!(kept("reset").await, [definition("reset", "a", "1", true), definition("reset", "b", "2", false)]);
    assert_eq!(kept("username").await, [definition("username", "a", "3", false)]);
    store.remember_definition(definition("reset", "a", "1", false)).await.unwrap();
    assert_eq!(kept("reset").await, [definition("reset", "a", "1", false), definition("reset", "b", "2", false)]);
    assert_eq!(kept("nosuch").await, []);
}

pub async fn the_sweep_frees_what_has_expired_and_nothing_else<S: Units>(store: S) {
    for (name, expires) in [("old", 199), ("new", 200)] {
        let effects = vec![
            Effect::StoreContext { token: name.into(), sealed: "x".into(), expires },
            Effect::Challenge { purpose: name.into(), instance: "i".into(), expires },
        ];
        store.commit(Unit { now: 100, spend: Some(Spend { expires, ..spend(name, 1) }), effects }).await.unwrap();
        store.count(name, 100, expires).await.unwrap();
    }
    assert_eq!(process::Ledger::sweep(&store, 200).await.unwrap(), 4);
    assert_eq!(store.context("old").await.unwrap(), None);
    assert_eq!(store.challenge("old").await.unwrap(), None);
    assert_eq!(store.counted("old", 100).await.unwrap(), 0);
    assert_eq!(store.spent_below(&instance("old")).await.unwrap(), 0);
    assert!(store.context("new").await.unwrap().is_some());
    assert!(store.challenge("new").await.unwrap().is_some());
    assert_eq!(store.counted("new", 100).await.unwrap(), 1);
    assert_eq!(store.spent_below(&instance("new")).await.unwrap(), 1);
}
