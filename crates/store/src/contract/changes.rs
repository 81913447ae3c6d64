//! Writes to managed objects, and the transaction around them.

use std::collections::BTreeSet;

use crest::{Change, Guard, Operation, Patch, PatchOperation, Pointer};
use process::{CommitError, Effect};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{USERS, Units, changed, commit, create, found, put};

pub(super) fn pointer(text: &str) -> Pointer {
    Pointer::parse(text).unwrap()
}

pub(super) fn replace(id: &str, content: Value, expected: Option<&str>) -> Change {
    Change::Replace { collection: USERS.into(), id: id.into(), content, expected: expected.map(Into::into) }
}

pub(super) fn patch(id: &str, operations: Vec<PatchOperation>, expected: Option<&str>, guard: Option<Guard>) -> Change {
    Change::Patch { collection: USERS.into(), id: id.into(), patch: Patch::new(operations), expected: expected.map(Into::into), guard }
}

pub(super) fn delete(id: &str, expected: Option<&str>) -> Change {
    Change::Delete { collection: USERS.into(), id: id.into(), expected: expected.map(Into::into) }
}

pub async fn one_of_a_hundred_parallel_creates_of_a_user_name_succeeds<S: Units>(store: S) {
    let mut creates = JoinSet::new();
    for number in 0..100 {
        let store = store.clone();
        creates.spawn(async move { commit(&store, vec![create(&format!("id-{number}"), json!({ "userName": "same" }))]).await });
    }
    let mut succeeded = 0;
    for done in creates.join_all().await {
        match done {
            Ok(_) => succeeded += 1,
            Err(CommitError::Taken { collection, property, .. }) => {
                assert_eq!((collection.as_str(), property.as_str()), (USERS, "userName"));
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(succeeded, 1);
    assert_eq!(found(&store, "userName eq 'same'").await.len(), 1);
}

pub async fn a_taken_id_and_a_taken_value_are_told_apart<S: Units>(store: S) {
    put(&store, "a", json!({ "userName": "x" })).await;
    let id = commit(&store, vec![create("a", json!({ "userName": "y" }))]).await;
    assert!(matches!(id, Err(CommitError::IdTaken { ref id, .. }) if id == "a"), "{id:?}");
    put(&store, "b", json!({ "userName": "y" })).await;
    for change in
        [replace("b", json!({ "userName": "x" }), None), patch("b", vec![PatchOperation::replace(pointer("userName"), "x")], None, None)]
    {
        let value = changed(&store, change).await;
        assert!(matches!(value, Err(CommitError::Taken { ref property, .. }) if property == "userName"), "{value:?}");
    }
    put(&store, "c", json!({ "sn": "no user name" })).await;
    put(&store, "d", json!({ "userName": null })).await;
}

pub async fn a_value_is_unique_in_its_collection_only<S: Units>(store: S) {
    put(&store, "a", json!({ "userName": "x", "name": "n" })).await;
    put(&store, "b", json!({ "userName": "X", "name": "n" })).await;
    let role =
        |id: &str| Change::Create { collection: "managed/role".into(), id: id.into(), content: json!({ "userName": "x", "name": "n" }) };
    changed(&store, role("a")).await.unwrap();
    assert!(matches!(changed(&store, role("b")).await, Err(CommitError::Taken { property, .. }) if property == "name"));
}

pub async fn a_failing_effect_undoes_those_before_it<S: Units>(store: S) {
    put(&store, "present", json!({ "userName": "taken", "sn": "before" })).await;
    let before = store.read(USERS, "present").await.unwrap();
    let effects = vec![
        create("new", json!({ "userName": "free" })),
        Effect::Change(patch("present", vec![PatchOperation::replace(pointer("sn"), "after")], None, None)),
        create("other", json!({ "userName": "taken" })),
    ];
    assert!(matches!(commit(&store, effects).await, Err(CommitError::Taken { .. })));
    assert_eq!((store.read(USERS, "new").await.unwrap(), store.read(USERS, "present").await.unwrap()), (None, before));
    put(&store, "new", json!({ "userName": "free" })).await;
}

pub async fn only_the_newest_of_somebodys_objects_are_kept<S: Units>(store: S) {
    let note = |of: &str, number: usize| {
        let content = json!({ "sn": of, "made": format!("2026-01-01T00:00:{number:02}Z") });
        [
            Effect::Change(Change::Create { collection: USERS.into(), id: format!("{of}{number:02}"), content }),
            Effect::KeepNewest { collection: USERS.into(), property: "sn".into(), value: of.into(), made: "made".into(), most: 3 },
        ]
    };
    commit(&store, note("other", 0).into()).await.unwrap();
    let mut writes = JoinSet::new();
    for number in 0..20 {
        let (store, effects) = (store.clone(), note("own", number));
        writes.spawn(async move { commit(&store, effects.into()).await.unwrap() });
    }
    writes.join_all().await;
    // Whatever was left by units that did not see each other goes with the next one.
    commit(&store, [note("own", 40), note("own", 41)].concat()).await.unwrap();
    let left = found(&store, "sn eq 'own'").await;
    assert_eq!((left.len(), &left[1..]), (3, &["own40".to_owned(), "own41".to_owned()][..]));
    assert!(store.read(USERS, "other00").await.unwrap().is_some(), "another's are left alone");
}

pub async fn replacing_and_deleting_respect_the_expected_revision<S: Units>(store: S) {
    let first = put(&store, "a", json!({ "sn": "1" })).await;
    let second = changed(&store, replace("a", json!({ "sn": "2" }), Some(&first.revision))).await.unwrap();
    assert_ne!(first.revision, second.revision);
    assert_eq!(store.read(USERS, "a").await.unwrap(), Some(second.clone()));
    for stale in [first.revision.as_str(), "", "*", "7", "FFFFFFFFFFFFFFFF"] {
        assert!(matches!(changed(&store, replace("a", json!({}), Some(stale))).await, Err(CommitError::Stale)), "{stale}");
        assert!(matches!(changed(&store, delete("a", Some(stale))).await, Err(CommitError::Stale)), "{stale}");
        let operations = vec![PatchOperation::replace(pointer("sn"), "3")];
        assert!(matches!(changed(&store, patch("a", operations, Some(stale), None)).await, Err(CommitError::Stale)), "{stale}");
    }
    let third = changed(&store, replace("a", json!({ "sn": "3" }), None)).await.unwrap();
    assert_eq!(changed(&store, delete("a", Some(&third.revision))).await.unwrap(), third);
    assert_eq!(store.read(USERS, "a").await.unwrap(), None);
    for change in [replace("a", json!({}), None), delete("a", None), patch("a", Vec::new(), None, None)] {
        let missing = changed(&store, change).await;
        assert!(matches!(missing, Err(CommitError::Missing { ref id, .. }) if id == "a"), "{missing:?}");
    }
}

pub async fn a_patch_applies_to_the_object_of_its_transaction<S: Units>(store: S) {
    put(&store, "a", json!({ "loginCount": 0 })).await;
    let mut patches = JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        patches
            .spawn(async move { changed(&store, patch("a", vec![PatchOperation::increment(pointer("loginCount"), 1)], None, None)).await });
    }
    let revisions: BTreeSet<String> = patches.join_all().await.into_iter().map(|done| done.unwrap().revision).collect();
    assert_eq!(revisions.len(), 20);
    assert_eq!(store.read(USERS, "a").await.unwrap().unwrap().content, json!({ "loginCount": 20 }));
}

pub async fn a_patch_that_changes_nothing_keeps_the_revision<S: Units>(store: S) {
    let before = put(&store, "a", json!({ "sn": "1" })).await;
    let after = changed(&store, patch("a", vec![PatchOperation::replace(pointer("sn"), "1")], None, None)).await.unwrap();
    assert_eq!(after, before);
    assert_eq!(store.read(USERS, "a").await.unwrap(), Some(before));
}

pub async fn a_patch_that_cannot_be_applied_is_refused_and_changes_nothing<S: Units>(store: S) {
    let before = put(&store, "a", json!({ "sn": "1" })).await;
    let operations = vec![
        PatchOperation::replace(pointer("sn"), "2"),
        PatchOperation { operation: Operation::Transform, field: pointer("sn"), value: None, from: None },
    ];
    let done = changed(&store, patch("a", operations, None, None)).await;
    assert!(matches!(done, Err(CommitError::Patch(ref error)) if error.code == 400), "{done:?}");
    assert_eq!(store.read(USERS, "a").await.unwrap(), Some(before));
}

pub async fn one_of_many_guarded_patches_succeeds<S: Units>(store: S) {
    put(&store, "a", json!({ "password": "old" })).await;
    let mut resets = JoinSet::new();
    for number in 0..20 {
        let store = store.clone();
        resets.spawn(async move {
            let guard = Guard::new(pointer("password"), Some("old".into()));
            changed(&store, patch("a", vec![PatchOperation::replace(pointer("password"), number)], None, Some(guard))).await
        });
    }
    let done = resets.join_all().await;
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1);
    assert_eq!(done.iter().filter(|done| matches!(done, Err(CommitError::GuardFailed))).count(), 19);
}

pub async fn content_comes_back_as_it_went<S: Units>(store: S) {
    let content = json!({
        "z": 1, "a": [null, true, 1.5, -7, u64::MAX, i64::MIN, "x"], "empty": {}, "text": "\u{1}\t\"\\/ é \u{10ffff}", "": { "deep": [[[]]] },
    });
    put(&store, "a b/ü'%", content.clone()).await;
    let read = store.read(USERS, "a b/ü'%").await.unwrap().unwrap().content;
    assert_eq!(read, content);
    assert_eq!(read.to_string(), content.to_string(), "the order of members too");
}

fn distinct(id: &str) -> Effect {
    Effect::Distinct { collection: USERS.into(), id: id.into(), property: "userName".into(), requirement: process::UNIQUE }
}

async fn named<S: Units>(store: &S, name: &str) -> Vec<String> {
    let form = identity::names::check_name::<&str>(name, &[]).unwrap();
    store.named(USERS, "userName", &form).await.unwrap()
}

/// SEC-48: whatever writes an object, its name is found by its forms, and no longer when it has another or is gone.
pub async fn a_name_is_found_in_every_spelling_and_by_its_look<S: Units>(store: S) {
    put(&store, "a", json!({ "userName": "BJensen" })).await;
    put(&store, "b", json!({ "userName": "Müller" })).await;
    put(&store, "c", json!({ "sn": "none" })).await;
    for spelling in ["BJensen", "bjensen", " BJENSEN ", "\u{ff22}jensen"] {
        assert_eq!(named(&store, spelling).await, ["a"], "{spelling}");
    }
    assert_eq!(named(&store, "mu\u{308}ller").await, ["b"], "composed otherwise");
    put(&store, "d", json!({ "userName": "coco" })).await;
    assert_eq!(named(&store, "\u{441}\u{43e}\u{441}\u{43e}").await, ["d"], "the same to the eye");
    let rename = crest::Patch::new(vec![crest::PatchOperation::replace(crest::Pointer::parse("userName").unwrap(), json!("babs"))]);
    let patch = Change::Patch { collection: USERS.into(), id: "a".into(), patch: rename, expected: None, guard: None };
    changed(&store, patch).await.unwrap();
    assert_eq!((named(&store, "BJensen").await.len(), named(&store, "Babs").await), (0, vec!["a".to_owned()]));
    let replace = Change::Replace { collection: USERS.into(), id: "b".into(), content: json!({ "userName": "Meier" }), expected: None };
    changed(&store, replace).await.unwrap();
    assert_eq!((named(&store, "müller").await.len(), named(&store, "MEIER").await), (0, vec!["b".to_owned()]));
    changed(&store, Change::Delete { collection: USERS.into(), id: "b".into(), expected: None }).await.unwrap();
    assert!(named(&store, "meier").await.is_empty());
}

/// SEC-48: who asks for a distinct name gets one; objects that are brought in from elsewhere may differ in case alone.
pub async fn a_distinct_name_is_refused_in_another_spelling_and_others_are_not<S: Units>(store: S) {
    put(&store, "a", json!({ "userName": "Scarter" })).await;
    put(&store, "b", json!({ "userName": "SCARTER" })).await;
    for (id, name) in [("c", "scarter"), ("d", "sCarter")] {
        let refused = commit(&store, vec![create(id, json!({ "userName": name })), distinct(id)]).await;
        assert!(matches!(refused, Err(CommitError::Taken { property, .. }) if property == "userName"), "{name}");
        assert_eq!(store.read(USERS, id).await.unwrap(), None);
    }
    commit(&store, vec![create("e", json!({ "userName": "scarter2" })), distinct("e")]).await.unwrap();
    commit(&store, vec![create("f", json!({ "sn": "no name" })), distinct("f")]).await.unwrap();
}

/// SEC-48: two spellings that arrive together are one name.
pub async fn one_of_many_racing_spellings_succeeds<S: Units>(store: S) {
    let spellings = (0..32_u32).map(|bits| {
        let name: String =
            "racer".chars().enumerate().map(|(at, c)| if bits >> at & 1 == 1 { c.to_ascii_uppercase() } else { c }).collect();
        let (store, id) = (store.clone(), format!("r{bits}"));
        tokio::spawn(async move { commit(&store, vec![create(&id, json!({ "userName": name })), distinct(&id)]).await.is_ok() })
    });
    let mut succeeded = 0;
    for one in spellings.collect::<Vec<_>>() {
        succeeded += u32::from(one.await.unwrap());
    }
    assert_eq!((succeeded, named(&store, "racer").await.len()), (1, 1));
}
