//! What servers keep for themselves: texts by name, and turns.

use tokio::task::JoinSet;

use crate::Db;

pub async fn a_text_is_kept_by_its_name_until_its_time_and_found_by_no_token(store: Db) {
    use process::Ledger as _;
    assert_eq!(store.kept_text("certificate").await.unwrap(), None);
    store.keep_text("certificate", "first".into(), 200).await.unwrap();
    store.keep_text("certificate", "second".into(), 200).await.unwrap();
    store.keep_text("account", "other".into(), 100).await.unwrap();
    assert_eq!(store.kept_text("certificate").await.unwrap().as_deref(), Some("second"));
    assert!(store.context("certificate").await.unwrap().is_none());
    store.sweep(150).await.unwrap();
    assert_eq!(store.kept_text("account").await.unwrap(), None);
    assert_eq!(store.kept_text("certificate").await.unwrap().as_deref(), Some("second"));
    store.forget_text("certificate").await.unwrap();
    assert_eq!(store.kept_text("certificate").await.unwrap(), None);
}

pub async fn a_turn_is_one_holders_until_they_give_it_back_or_its_time_is_over(store: Db) {
    let mut asking = JoinSet::new();
    for holder in 1..=20 {
        let store = store.clone();
        asking.spawn(async move { store.take_turn("order", holder, 100, 160).await.unwrap().then_some(holder) });
    }
    let held: Vec<i64> = asking.join_all().await.into_iter().flatten().collect();
    assert_eq!(held.len(), 1, "{held:?}");
    let holder = held[0];
    assert!(store.take_turn("order", holder, 110, 170).await.unwrap(), "it goes on with it");
    assert!(!store.take_turn("order", 99, 169, 230).await.unwrap());
    assert!(store.take_turn("other", 99, 169, 230).await.unwrap());
    store.end_turn("order", 99).await.unwrap();
    assert!(!store.take_turn("order", 99, 169, 230).await.unwrap(), "it is not theirs to give back");
    assert!(store.take_turn("order", 99, 170, 230).await.unwrap(), "its time is over");
    store.end_turn("order", 99).await.unwrap();
    assert!(store.take_turn("order", 7, 171, 230).await.unwrap());
}
