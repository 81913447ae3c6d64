//! Nodes that share a store and have different keys for a while, as they do when keys are made anew.

use std::sync::Arc;

use crest::{Change, Patch, Query};
use identity::{Objects as _, ObjectsError};
use process::{CommitError, Effect, Ledger as _, Mail, Outbox as _, OutboxState, Unit};
use serde_json::json;

use crate::testing::{Postgres, store_at};
use crate::{Collections, Db, OpenedValue, TextSeal, ValueSeal};

const USER: &str = "managed/user";

/// Keys that are no more than their name.
struct Key(&'static str);

impl TextSeal for Key {
    fn seal(&self, text: &str) -> Result<Vec<u8>, String> {
        Ok(format!("{}{text}", self.0).into_bytes())
    }

    fn open(&self, sealed: &[u8]) -> Option<String> {
        Some(std::str::from_utf8(sealed).ok()?.strip_prefix(self.0)?.to_owned())
    }
}

impl ValueSeal for Key {
    fn seal(&self, _: &str, text: &str) -> Result<String, String> {
        Ok(format!("{}{text}", self.0))
    }

    fn open(&self, _: &str, sealed: &str) -> Option<OpenedValue> {
        Some(OpenedValue { text: sealed.strip_prefix(self.0)?.to_owned(), is_current: true })
    }

    fn has_mark(&self, mark: &str) -> bool {
        mark == self.0
    }
}

/// A node with these keys.
async fn node(url: &str, key: &'static str) -> Db {
    let mut collections = Collections::new().with(USER, ["userName"], []);
    collections.seal(USER, ["ssn".to_owned()]);
    let db = Db::open(url, collections).await.unwrap();
    db.seal_mails(Arc::new(Key(key)));
    db.seal_values(Arc::new(Key(key))).await.unwrap();
    db
}

fn unit(effect: Effect) -> Unit {
    Unit { now: 100, spend: None, effects: vec![effect] }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_a_node_cannot_read_is_left_to_one_that_can() {
    let url = store_at(&[Postgres::shared().port()], "otherskeys");
    let (new, old) = (node(&url, "new").await, node(&url, "old").await);
    let mail = Mail {
        to: "a@example.com".into(),
        from: None,
        subject: "s".into(),
        mime_type: "text/plain".into(),
        body: "text".into(),
        wait: false,
        withheld: false,
        client: None,
    };
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.extend(new.commit(unit(Effect::Mail(mail.clone()))).await.unwrap().mails);
    }
    assert!(old.claim(100, 400, 10).await.unwrap().is_empty());
    for id in &ids {
        let left = new.mail(*id).await.unwrap().unwrap();
        assert_eq!((left.state, left.attempts, left.unfinished, left.last_error), (OutboxState::Pending, 0, 0, None));
    }
    let claimed = new.claim(120, 400, 10).await.unwrap();
    let claimed: Vec<_> = claimed.iter().map(|entry| (entry.id, entry.mail.body.as_str(), entry.attempts)).collect();
    assert_eq!(claimed, [(ids[0], "text", 1), (ids[1], "text", 1)]);
    // One that nobody could read for a day is given up.
    let lost = new.commit(unit(Effect::Mail(mail))).await.unwrap().mails[0];
    assert!(old.claim(100 + 86_400, 90_000, 10).await.unwrap().is_empty());
    assert_eq!(new.mail(lost).await.unwrap().unwrap().state, OutboxState::Dead);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_keys_are_behind_gives_out_nothing_that_it_cannot_open() {
    let url = store_at(&[Postgres::shared().port()], "behindkeys");
    let (new, old) = (node(&url, "new").await, node(&url, "old").await);
    new.seal_by("new".to_owned()).await.unwrap();
    for (id, content) in [("sealed", json!({ "userName": "a", "ssn": "1" })), ("other", json!({ "userName": "b" }))] {
        new.commit(unit(Effect::Change(Change::Create { collection: USER.into(), id: id.into(), content }))).await.unwrap();
    }
    assert_eq!(new.read(USER, "sealed").await.unwrap().unwrap().content["ssn"], "1");
    assert!(matches!(old.read(USER, "sealed").await, Err(ObjectsError::Unavailable(_))));
    let everybody = Query::first(crest::Filter::True, 10);
    assert!(matches!(old.query(USER, &everybody).await, Err(ObjectsError::Unavailable(_))));
    assert!(matches!(old.nearest(USER, "", 2).await, Err(ObjectsError::Unavailable(_))));
    let patch = || {
        let patch = Patch::parse(&json!([{ "operation": "replace", "field": "/sn", "value": "x" }])).unwrap();
        unit(Effect::Change(Change::Patch { collection: USER.into(), id: "sealed".into(), patch, expected: None, guard: None }))
    };
    assert!(matches!(old.commit(patch()).await, Err(CommitError::Unavailable(_))));
    let delete = |id: &str| unit(Effect::Change(Change::Delete { collection: USER.into(), id: id.into(), expected: None }));
    // What follows from a deletion is in the content that nobody here can read.
    assert!(matches!(old.commit(delete("sealed")).await, Err(CommitError::Unavailable(_))));
    assert!(new.read(USER, "sealed").await.unwrap().is_some());
    assert!(old.read(USER, "other").await.unwrap().is_some(), "what needs no keys is there");
    new.commit(patch()).await.unwrap();
    // Where no node has the keys any more, the rest of the object is still somebody's.
    new.seal_by("old".to_owned()).await.unwrap();
    assert!(old.read(USER, "sealed").await.unwrap().unwrap().content["ssn"]["$crypto"].is_object());
}
