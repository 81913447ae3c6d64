//! Objects that come from another server, with the ids and the revisions they had there, many in one transaction.
//!
//! Easiest to break: twice is once. An object that is there already is left as it is, whoever has written it since; a run that died comes again
//! and goes on with the first that is missing.

use std::sync::Arc;

use process::CommitError;
use serde_json::Value;

use crate::engine::Connection;
use crate::error::unavailable;
use crate::lookups::{self, Declared};
use crate::object::{Kinds, Object, storable};
use crate::rows::{self, revision_number};
use crate::{Db, change, references};

/// An object of another server.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// Its collection here.
    pub collection: String,
    /// Its id there, and here.
    pub id: String,
    /// Its revision there. One that is a number, as IDM writes them, is kept; whatever else it is, the object gets a new one.
    pub revision: Option<String>,
    /// Its content as it is stored.
    pub content: Value,
}

/// The largest revision that is kept: as many writes again would fit behind it.
const LARGEST: i64 = i64::MAX / 2;

/// The number of a revision of IDM: 16 hexadecimal digits since version 7, a decimal number before.
fn kept_revision(text: &str) -> Option<i64> {
    let decimal = || (text.len() <= 18 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?;
    revision_number(text).or_else(decimal).filter(|number| (0..=LARGEST).contains(number))
}

/// An object that came before, and has changed at the other server since.
#[derive(Clone, Debug, PartialEq)]
pub struct Renewal {
    /// As it is there now.
    pub object: Incoming,
    /// The revision that it had here when it was looked at.
    pub seen: String,
    /// Properties that stay as they are here where the object has none of them: those that the other server does not tell.
    pub keeps: Vec<String>,
}

/// What became of an object of another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenIn {
    /// It was stored.
    Stored,
    /// One of this id is there already, and was left as it is; for a renewal, it was written here meanwhile.
    There,
    /// Another object has its name, which must be unique: it was not stored.
    Doubled {
        /// The property with the name.
        property: String,
    },
}

impl Incoming {
    /// Whether the object has the revision that it had there.
    #[must_use]
    pub fn keeps_revision(&self) -> bool {
        self.revision.as_deref().and_then(kept_revision).is_some()
    }
}

impl Db {
    /// Stores objects in one transaction, and says what became of each. A name that must be unique is one in every spelling, and to the eye.
    ///
    /// # Errors
    /// When the store does not answer, or cannot hold an object; nothing of these objects is stored then.
    pub async fn take_in(&self, now: i64, objects: Vec<Incoming>) -> Result<Vec<TakenIn>, CommitError> {
        self.each_of(objects, move |connection, kinds, object| take_in(connection, kinds, now, object)).await
    }

    /// Replaces objects that came before and are still as they were then, in one transaction, and says what became of each. Properties that
    /// [`Renewal::keeps`] names stay where the new content has none of them.
    ///
    /// # Errors
    /// As [`Db::take_in`].
    pub async fn take_anew(&self, now: i64, objects: Vec<Renewal>) -> Result<Vec<TakenIn>, CommitError> {
        self.each_of(objects, move |connection, kinds, object| renew(connection, kinds, now, object)).await
    }

    /// Does something with each of many objects, in one transaction.
    async fn each_of<O: Send + Sync + 'static>(
        &self,
        objects: Vec<O>,
        work: impl Fn(&Connection, Kinds<'_>, &O) -> Result<TakenIn, CommitError> + Send + 'static,
    ) -> Result<Vec<TakenIn>, CommitError> {
        let (known, collections, values, objects) = (self.declared(), self.collections(), self.values(), Arc::new(objects));
        let all = move |connection: &Connection| {
            let epoch = lookups::hold_epoch(connection).map_err(unavailable)?.get(connection).map_err(unavailable)?;
            let newer = if known.has(epoch) { None } else { Some(Declared::load(connection).map_err(unavailable)?) };
            let kinds = Kinds { declared: newer.as_ref().unwrap_or(&known), collections: &collections, values: &values };
            objects.iter().map(|object| work(connection, kinds, object)).collect::<Result<Vec<TakenIn>, CommitError>>()
        };
        self.write(all).await
    }

    /// When an object was made here, or renewed last, and when it was written last, in seconds since 1970.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn times(&self, collection: &str, id: &str) -> Result<Option<(i64, i64)>, process::LedgerError> {
        let (collection, id) = (collection.to_owned(), id.to_owned());
        self.look(move |connection| {
            let query = connection.query("SELECT created, changed FROM managed_object WHERE collection = $1 AND id = $2");
            query.bind(&collection).bind(&id).first(|row| Ok((row.get("created")?, row.get("changed")?)))
        })
        .await
    }

    /// Which of these objects are there: of each, by its collection and id.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn are_there(&self, objects: Vec<(String, String)>) -> Result<Vec<bool>, process::LedgerError> {
        let objects = Arc::new(objects);
        self.look(move |connection| {
            let there = |(collection, id): &(String, String)| Ok(!id.contains('\0') && rows::exists(connection, collection, id)?);
            objects.iter().map(there).collect()
        })
        .await
    }

    /// Whether a collection has no object.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn is_empty(&self, collection: &str) -> Result<bool, process::LedgerError> {
        let collection = collection.to_owned();
        self.look(move |connection| {
            let query = connection.query("SELECT rev FROM managed_object WHERE collection = $1 LIMIT 1");
            query.bind(&collection).first(|row| row.get::<_, i64>("rev")).map(|found| found.is_none())
        })
        .await
    }
}

fn take_in(connection: &Connection, kinds: Kinds<'_>, now: i64, object: &Incoming) -> Result<TakenIn, CommitError> {
    let Incoming { collection, id, content, .. } = object;
    references::settle(connection, kinds, now, collection, id)?;
    let given = object.revision.as_deref().and_then(kept_revision).unwrap_or(0);
    if change::insert(connection, kinds, now, (collection, id), content, given)?.is_none() {
        return Ok(TakenIn::There);
    }
    if let Some(property) = lookups::doubled(connection, kinds.declared, collection, id, content)? {
        // Nobody has seen it: the row was made a moment ago, in this transaction.
        let query = connection.query("DELETE FROM managed_object WHERE collection = $1 AND id = $2");
        query.bind(collection).bind(id).send().map_err(unavailable)?;
        return Ok(TakenIn::Doubled { property });
    }
    lookups::keep(connection, kinds.declared, collection, id, None, Some(content))?;
    Ok(TakenIn::Stored)
}

fn renew(connection: &Connection, kinds: Kinds<'_>, now: i64, renewal: &Renewal) -> Result<TakenIn, CommitError> {
    let Renewal { object: Incoming { collection, id, content, revision }, seen, keeps } = renewal;
    let before = match (Object { collection, id, kinds }).current(connection, Some(seen)) {
        Ok(before) => before,
        Err(CommitError::Stale | CommitError::Missing { .. }) => return Ok(TakenIn::There),
        Err(error) => return Err(error),
    };
    let mut content = content.clone();
    if let (Some(members), Some(kept)) = (content.as_object_mut(), before.content.as_object()) {
        for (name, value) in kept.iter().filter(|(name, _)| keeps.contains(name)) {
            members.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    if let Some(property) = lookups::doubled(connection, kinds.declared, collection, id, &content)? {
        return Ok(TakenIn::Doubled { property });
    }
    let closed = kinds.values.close(kinds.collections, collection, id, content.clone())?;
    let given = revision.as_deref().and_then(kept_revision).unwrap_or(0);
    let query = connection.query(
        "UPDATE managed_object SET doc = $1, rev = CASE WHEN rev >= $5 THEN rev + 1 ELSE $5 END, created = $2, changed = $2 \
         WHERE collection = $3 AND id = $4",
    );
    query.bind(storable(&closed)?).bind(now).bind(collection).bind(id).bind(given).send().map_err(unavailable)?;
    lookups::keep(connection, kinds.declared, collection, id, Some(&before.content), Some(&content))?;
    Ok(TakenIn::Stored)
}

#[cfg(test)]
mod tests {
    use crest::{Change, Filter};
    use identity::Objects as _;
    use process::{Effect, Ledger as _, Unit};
    use serde_json::json;

    use super::*;
    use crate::contract;
    use crate::testing::Postgres;

    const USERS: &str = "managed/user";

    fn incoming(id: &str, revision: Option<&str>, content: Value) -> Incoming {
        Incoming { collection: USERS.into(), id: id.into(), revision: revision.map(str::to_owned), content }
    }

    async fn found(db: &Db, name: &str) -> Vec<String> {
        let query = crest::Query {
            filter: Filter::equals("userName", name),
            sort: Vec::new(),
            page_size: None,
            paging: crest::Paging::Start,
            totals: crest::TotalPolicy::None,
        };
        db.query(USERS, &query).await.unwrap().result.into_iter().map(|object| object.id).collect()
    }

    async fn ids_and_revisions_are_kept_and_twice_is_once(db: Db) {
        let revisions = [
            ("a", Some("12"), 12),
            ("b", Some("00000000000000ff"), 255),
            ("c", Some("0-x"), 1),
            ("d", None, 1),
            ("e", Some("9223372036854775807"), 1),
        ];
        let objects: Vec<Incoming> =
            revisions.iter().map(|(id, revision, _)| incoming(id, *revision, json!({ "userName": format!("name-{id}") }))).collect();
        assert_eq!(objects.iter().map(Incoming::keeps_revision).collect::<Vec<_>>(), [true, true, false, false, false]);
        assert!(db.is_empty(USERS).await.unwrap());
        assert_eq!(db.take_in(5, objects.clone()).await.unwrap(), [const { TakenIn::Stored }; 5]);
        for (id, _, number) in revisions {
            assert_eq!(db.read(USERS, id).await.unwrap().unwrap().revision, format!("{number:016x}"), "{id}");
            assert_eq!(found(&db, &format!("name-{id}")).await, [id]);
        }
        // What was written since stays.
        let change = Change::Replace { collection: USERS.into(), id: "a".into(), content: json!({ "userName": "newer" }), expected: None };
        db.commit(Unit { now: 6, spend: None, effects: vec![Effect::Change(change)] }).await.unwrap();
        assert_eq!(db.take_in(7, objects).await.unwrap(), [const { TakenIn::There }; 5]);
        assert_eq!((found(&db, "newer").await, found(&db, "name-a").await.len()), (vec!["a".to_owned()], 0));
        let there = [("a", true), ("x", false), ("\0", false)];
        let asked = there.iter().map(|(id, _)| (USERS.to_owned(), (*id).to_owned())).collect();
        assert_eq!(db.are_there(asked).await.unwrap(), there.map(|(_, there)| there));
        // A name that is another's, in its own spelling or in another one: whoever comes second stays away, and the others come.
        let doubled = || TakenIn::Doubled { property: "userName".to_owned() };
        let twins = [("f", "f"), ("g", "name-b"), ("h", "NAME-B"), ("i", "F"), ("k", "k")];
        let twins = twins.map(|(id, name)| incoming(id, None, json!({ "userName": name }))).to_vec();
        let became = db.take_in(8, twins).await.unwrap();
        assert_eq!(became, [TakenIn::Stored, doubled(), doubled(), doubled(), TakenIn::Stored]);
        for (id, is_there) in [("f", true), ("g", false), ("h", false), ("i", false), ("k", true)] {
            assert_eq!(db.read(USERS, id).await.unwrap().is_some(), is_there, "{id}");
        }
        // What has not been written here since is renewed, and nothing else; what the other server does not tell stays.
        let seen = db.read(USERS, "k").await.unwrap().unwrap().revision;
        let renewal = |id: &str, seen: &str, content: Value| Renewal {
            object: incoming(id, Some("90"), content),
            seen: seen.to_owned(),
            keeps: vec!["password".to_owned()],
        };
        let now = db.take_anew(8, vec![renewal("k", &seen, json!({ "userName": "k2", "password": "hash" }))]).await.unwrap();
        assert_eq!((now, db.times(USERS, "k").await.unwrap()), (vec![TakenIn::Stored], Some((8, 8))));
        let read = db.read(USERS, "k").await.unwrap().unwrap();
        assert_eq!(
            (read.revision.as_str(), found(&db, "k2").await, found(&db, "k").await.len()),
            ("000000000000005a", vec!["k".to_owned()], 0)
        );
        let again = vec![
            renewal("k", &read.revision, json!({ "userName": "k3" })),
            renewal("d", "stale", json!({})),
            renewal("nobody", "1", json!({})),
            renewal("f", &db.read(USERS, "f").await.unwrap().unwrap().revision, json!({ "userName": "K3" })),
        ];
        assert_eq!(db.take_anew(8, again).await.unwrap(), [TakenIn::Stored, TakenIn::There, TakenIn::There, doubled()]);
        let read = db.read(USERS, "k").await.unwrap().unwrap();
        assert_eq!((read.revision.as_str(), read.content), ("000000000000005b", json!({ "userName": "k3", "password": "hash" })));
        // An id that was used before never has a revision again that it had.
        let delete = Change::Delete { collection: USERS.into(), id: "b".into(), expected: None };
        db.commit(Unit { now: 9, spend: None, effects: vec![Effect::Change(delete)] }).await.unwrap();
        assert_eq!(db.take_in(10, vec![incoming("b", Some("3"), json!({}))]).await.unwrap(), [TakenIn::Stored]);
        assert_eq!(db.read(USERS, "b").await.unwrap().unwrap().revision, format!("{:016x}", 256));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn objects_are_taken_in_once_on_sqlite() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("store.db");
        ids_and_revisions_are_kept_and_twice_is_once(Db::open(file.to_str().unwrap(), contract::collections()).await.unwrap()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn objects_are_taken_in_once_on_postgres() {
        let store = format!("{}&connections=4", Postgres::shared().store());
        ids_and_revisions_are_kept_and_twice_is_once(Db::open(&store, contract::collections()).await.unwrap()).await;
    }
}
