//! What a unit that fails leaves behind, everywhere in a store; and what a database makes of revisions and text.

use std::collections::BTreeSet;

use crest::PatchOperation;
use process::{AuditEvent, CommitError, Effect, Mail, Spend, Topic, Unit};
use serde_json::{Value, json};

use super::changes::{delete, patch, pointer, replace};
use super::{Store, USERS, changed, commit, create, found, instance, put, spend};

fn mail() -> Mail {
    Mail {
        to: "a@example.com".into(),
        from: None,
        subject: "s".into(),
        mime_type: "text/plain".into(),
        body: "b".into(),
        wait: false,
        withheld: false,
        client: None,
    }
}

pub async fn nothing_of_a_unit_with_a_failing_effect_is_done<S: Store>(store: S) {
    put(&store, "present", json!({ "userName": "taken", "sn": "before" })).await;
    store.count("code", 100, 200).await.unwrap();
    let audit = AuditEvent {
        topic: Topic::Activity,
        event: "CREATE".into(),
        time: 100,
        transaction: "t".into(),
        user: String::new(),
        object: String::new(),
        successful: true,
        detail: Value::Null,
    };
    let effects = vec![
        create("new", json!({ "userName": "free" })),
        Effect::Change(patch("present", vec![PatchOperation::replace(pointer("sn"), "after")], None, None)),
        Effect::Mail(mail()),
        Effect::StoreContext { token: "token".into(), sealed: "x".into(), expires: 200 },
        Effect::Challenge { purpose: "p".into(), instance: "i".into(), expires: 200 },
        Effect::ResetCounter("code".into()),
        Effect::Audit(audit),
        create("other", json!({ "userName": "taken" })),
    ];
    let done = store.commit(Unit { now: 100, spend: Some(spend("run", Spend::WHOLE)), effects }).await;
    assert!(matches!(done, Err(CommitError::Taken { .. })), "{done:?}");
    assert_eq!(store.read(USERS, "new").await.unwrap(), None);
    assert_eq!(store.read(USERS, "present").await.unwrap().unwrap().content["sn"], "before");
    assert_eq!(store.list(None, 10).await.unwrap(), []);
    assert_eq!(store.context("token").await.unwrap(), None);
    assert_eq!(store.challenge("p").await.unwrap(), None);
    assert_eq!(store.counted("code", 100).await.unwrap(), 1);
    assert_eq!(store.spent_below(&instance("run")).await.unwrap(), 0);
}

pub async fn a_unit_without_its_spend_does_nothing<S: Store>(store: S) {
    store.commit(Unit { now: 100, spend: Some(spend("run", 1)), effects: Vec::new() }).await.unwrap();
    let unit = Unit { now: 100, spend: Some(spend("run", 1)), effects: vec![Effect::Mail(mail()), create("a", json!({}))] };
    assert!(matches!(store.commit(unit).await, Err(CommitError::Spent)));
    assert_eq!(store.list(None, 10).await.unwrap(), []);
    assert_eq!(store.read(USERS, "a").await.unwrap(), None);
}

pub async fn a_revision_never_comes_back<S: Store>(store: S) {
    let mut seen = BTreeSet::new();
    for round in 0..4 {
        assert!(seen.insert(put(&store, "a", json!({ "round": round })).await.revision));
        for write in 0..=round {
            let change = replace("a", json!({ "round": round, "write": write }), None);
            assert!(seen.insert(changed(&store, change).await.unwrap().revision));
        }
        changed(&store, delete("a", None)).await.unwrap();
    }
    assert!(seen.iter().all(|revision| revision.len() == 16));
}

pub async fn text_with_nul_is_refused<S: Store>(store: S) {
    for content in [json!({ "userName": "a\0b" }), json!({ "a": [{ "b\0": 1 }] })] {
        let done = commit(&store, vec![create("a", content)]).await;
        assert!(matches!(done, Err(CommitError::Patch(ref error)) if error.code == 400), "{done:?}");
    }
    assert_eq!(found(&store, "userName eq 'a\0b' or userName sw '\0' or userName in '[\"a\\\\u0000b\"]'").await, Vec::<String>::new());
}
