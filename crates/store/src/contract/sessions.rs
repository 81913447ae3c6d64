//! Sessions.

use crest::Change;
use process::{CommitError, Effect, Session, Sessions, Spend, Unit};
use serde_json::json;

use super::{Store, USERS, commit, instance, spend};

fn session(key: &str, owner: &str) -> Session {
    Session {
        key: key.into(),
        id: format!("public-{key}"),
        component: USERS.into(),
        owner: owner.into(),
        authentication_id: "ada".into(),
        claims: json!({ "roles": ["openidm-authorized"], "n": 1.5 }),
        created: 100,
        last_used: 100,
        expires: 1000,
    }
}

async fn begin<S: Store>(store: &S, sessions: &[(&str, &str)]) {
    for (key, owner) in sessions {
        start(store, session(key, owner)).await.unwrap();
    }
}

/// Begins a session when it was used last.
async fn start<S: Store>(store: &S, session: Session) -> Result<(), CommitError> {
    store.commit(Unit { now: session.last_used, spend: None, effects: vec![Effect::BeginSession(session)] }).await.map(drop)
}

async fn alive<S: Store>(store: &S, owner: &str) -> Vec<String> {
    store.of(USERS, owner, 100).await.unwrap().into_iter().map(|session| session.key).collect()
}

pub async fn a_session_comes_back_as_it_went<S: Store>(store: S) {
    begin(&store, &[("k", "ada")]).await;
    assert_eq!(store.find("k").await.unwrap(), Some(session("k", "ada")));
    assert_eq!(store.find("public-k").await.unwrap(), None, "the public id gives no access");
    store.touch("k", 150).await.unwrap();
    store.touch("k", 140).await.unwrap();
    store.set_claims("k", &json!({ "roles": [] })).await.unwrap();
    assert_eq!(store.find("k").await.unwrap(), Some(Session { last_used: 150, claims: json!({ "roles": [] }), ..session("k", "ada") }));
    assert!(start(&store, session("k", "bob")).await.is_err(), "a key is never taken over");
}

pub async fn a_session_is_found_until_it_is_ended<S: Store>(store: S) {
    begin(&store, &[("a", "ada"), ("b", "ada"), ("c", "bob")]).await;
    assert!(store.end("a").await.unwrap());
    assert!(!store.end("a").await.unwrap());
    assert!(!store.end_one(USERS, "ada", "public-c").await.unwrap(), "of another owner");
    assert!(store.end_one(USERS, "bob", "public-c").await.unwrap());
    assert_eq!((alive(&store, "ada").await.len(), alive(&store, "bob").await.len()), (1, 0));
}

/// Decision 14.
pub async fn a_unit_ends_the_other_sessions_of_an_owner<S: Store>(store: S) {
    begin(&store, &[("a", "ada"), ("b", "ada"), ("c", "ada"), ("d", "bob")]).await;
    let end = |except: Option<&str>| Effect::EndSessions { collection: USERS.into(), id: "ada".into(), except: except.map(Into::into) };
    commit(&store, vec![end(Some("b"))]).await.unwrap();
    assert_eq!(alive(&store, "ada").await, ["b"]);
    commit(&store, vec![end(Some("public-b"))]).await.unwrap();
    assert_eq!(alive(&store, "ada").await, ["b"]);
    commit(&store, vec![end(None)]).await.unwrap();
    assert_eq!((alive(&store, "ada").await.len(), alive(&store, "bob").await.len()), (0, 1));
    begin(&store, &[("a", "ada"), ("b", "ada")]).await;
    assert_eq!(store.end_all(USERS, "ada", Some("a")).await.unwrap(), 1);
    assert_eq!(store.end_all("internal/user", "ada", None).await.unwrap(), 0);
}

/// Decision 15: what is good once begins one session; whoever is too late, and whoever's unit fails, has begun none and spent nothing.
pub async fn a_unit_begins_a_session_and_marks_its_credential_as_used_or_does_neither<S: Store>(store: S) {
    let new_session = |key: &str| Effect::BeginSession(session(key, "ada"));
    commit(&store, vec![new_session("plain")]).await.unwrap();
    assert_eq!(store.find("plain").await.unwrap(), Some(session("plain", "ada")));

    let missing = Change::Delete { collection: USERS.into(), id: "nobody".into(), expected: None };
    let unit = |effects| Unit { now: 100, spend: Some(spend("credential", Spend::WHOLE)), effects };
    for fails in [vec![new_session("lost"), Effect::Change(missing)], vec![new_session("lost"), new_session("plain")]] {
        store.commit(unit(fails)).await.unwrap_err();
        assert_eq!(store.find("lost").await.unwrap(), None);
        assert_eq!(store.spent_below(&instance("credential")).await.unwrap(), 0, "it can be tried again");
    }

    let tries = (0..100).map(|number| {
        let (store, unit) = (store.clone(), unit(vec![new_session(&format!("try-{number}"))]));
        tokio::spawn(async move { store.commit(unit).await.is_ok() })
    });
    let mut began = 0;
    for one in tries.collect::<Vec<_>>() {
        began += usize::from(one.await.unwrap());
    }
    assert_eq!((began, alive(&store, "ada").await.len()), (1, 2));
    assert_eq!(store.find("plain").await.unwrap(), Some(session("plain", "ada")), "a key is never taken over");
}

/// docs/protocol/clients.md, point 19: what was completed or skipped on a session is remembered with it, once, and no replacing
/// of claims loses it.
pub async fn a_unit_settles_a_form_on_one_session<S: Store>(store: S) {
    begin(&store, &[("a", "ada"), ("b", "ada")]).await;
    let settle = |session: &str, what: &str| Effect::Settle { session: session.into(), what: what.into() };
    commit(&store, vec![settle("a", "profile/0"), settle("a", "profile"), settle("nobody", "profile")]).await.unwrap();
    commit(&store, vec![settle("a", "profile")]).await.unwrap();
    store.set_claims("a", &json!({ "roles": ["r"], "settled": ["other"] })).await.unwrap();
    let claims = store.find("a").await.unwrap().unwrap().claims;
    assert_eq!(claims, json!({ "roles": ["r"], "settled": ["other", "profile/0", "profile"] }));
    assert_eq!(store.find("b").await.unwrap().unwrap().claims.get("settled"), None);
}

pub async fn sessions_of_an_owner_are_those_that_live<S: Store>(store: S) {
    for (key, created, expires) in [("old", 50, 99), ("first", 60, 100), ("last", 70, 500)] {
        start(&store, Session { created, last_used: created, expires, ..session(key, "ada") }).await.unwrap();
    }
    assert_eq!(alive(&store, "ada").await, ["last", "first"]);
    assert!(store.find("old").await.unwrap().is_some(), "expiry is checked at use");
}

pub async fn the_sweep_ends_old_and_idle_sessions<S: Store>(store: S) {
    for (key, last_used, expires) in [("old", 190, 199), ("idle", 149, 500), ("used", 150, 200)] {
        start(&store, Session { last_used, expires, ..session(key, "ada") }).await.unwrap();
    }
    assert_eq!(Sessions::sweep(&store, 200, 150).await.unwrap(), 2);
    assert_eq!(alive(&store, "ada").await, ["used"]);
}
