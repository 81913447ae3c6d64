//! Single use, counters, challenges, contexts, definitions.

use process::{CommitError, Effect, Spend, StoredContext, StoredDefinition, Unit, Version};
use serde_json::json;
use tokio::task::JoinSet;

use super::{Store, commit, create, instance, spend};

/// SEC-07.
pub async fn one_of_a_hundred_parallel_completions_succeeds<S: Store>(store: S) {
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

pub async fn an_instance_is_spent_in_strictly_growing_steps<S: Store>(store: S) {
    assert_eq!(store.spent_below(&instance("run")).await.unwrap(), 0);
    for (below, fits) in [(1, true), (1, false), (3, true), (2, false), (3, false), (Spend::WHOLE, true), (Spend::WHOLE, false)] {
        let done = store.commit(Unit { now: 100, spend: Some(spend("run", below)), effects: Vec::new() }).await;
        assert_eq!(done.is_ok(), fits, "{below}");
    }
    assert_eq!(store.spent_below(&instance("other")).await.unwrap(), 0);
}

/// SEC-11, SEC-47.
pub async fn two_hundred_parallel_counts_are_two_hundred<S: Store>(store: S) {
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

pub async fn a_counter_starts_anew_when_its_time_has_passed<S: Store>(store: S) {
    assert_eq!(store.count("code", 100, 200).await.unwrap(), 1);
    assert_eq!(store.count("code", 200, 300).await.unwrap(), 2, "the first count's time holds, through its last second");
    assert_eq!(store.counted("code", 200).await.unwrap(), 2);
    assert_eq!(store.counted("code", 201).await.unwrap(), 0);
    assert_eq!(store.count("code", 201, 300).await.unwrap(), 1);
    assert_eq!(store.count("code", 300, 400).await.unwrap(), 2);
    commit(&store, vec![Effect::ResetCounter("code".into())]).await.unwrap();
    assert_eq!(store.counted("code", 300).await.unwrap(), 0);
}

/// SEC-09.
pub async fn the_last_challenge_of_a_purpose_counts<S: Store>(store: S) {
    let challenge = |purpose: &str, instance: &str| Effect::Challenge { purpose: purpose.into(), instance: instance.into(), expires: 500 };
    assert_eq!(store.challenge("mail").await.unwrap(), None);
    commit(&store, vec![challenge("mail", "one"), challenge("other", "one"), challenge("mail", "two")]).await.unwrap();
    assert_eq!(store.challenge("mail").await.unwrap().as_deref(), Some("two"));
    assert_eq!(store.challenge("other").await.unwrap().as_deref(), Some("one"));
}

pub async fn a_context_is_kept_under_its_token<S: Store>(store: S) {
    let keep = |sealed: &str| Effect::StoreContext { token: "token".into(), sealed: sealed.into(), expires: 300 };
    assert_eq!(store.context("token").await.unwrap(), None);
    commit(&store, vec![keep("one")]).await.unwrap();
    commit(&store, vec![keep("two")]).await.unwrap();
    assert_eq!(store.context("token").await.unwrap(), Some(StoredContext { sealed: "two".into(), expires: 300 }));
}

pub async fn definitions_are_kept_newest_first_and_never_changed<S: Store>(store: S) {
    let definition = |process: &str, version: &str, sealed: &str| StoredDefinition {
        process: process.into(),
        version: Version(version.into()),
        sealed: sealed.into(),
        revoked: false,
    };
    for (process, version, sealed) in [("reset", "a", "1"), ("reset", "b", "2"), ("username", "a", "3"), ("reset", "a", "4")] {
        store.remember_definition(definition(process, version, sealed)).await.unwrap();
    }
    assert_eq!(store.definitions("reset").await.unwrap(), [definition("reset", "b", "2"), definition("reset", "a", "1")]);
    assert_eq!(store.definitions("nosuch").await.unwrap(), []);
}

pub async fn the_sweep_frees_what_has_expired_and_nothing_else<S: Store>(store: S) {
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
