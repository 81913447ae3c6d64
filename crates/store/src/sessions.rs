//! Sessions as rows.

use async_trait::async_trait;
use process::{LedgerError, Session, Sessions};
use serde_json::Value;

use crate::Db;
use crate::engine::{self, Connection, Row};
use crate::job::Kept;
use crate::sweep::SLICE;

fn session(row: &Row<'_>) -> Result<Session, engine::Error> {
    Ok(Session {
        key: row.get("session_key")?,
        id: row.get("public_id")?,
        component: row.get("component")?,
        owner: row.get("owner")?,
        authentication_id: row.get("authentication_id")?,
        claims: engine::json(row, "claims")?,
        created: row.get("created")?,
        last_used: row.get("last_used")?,
        expires: row.get("expires")?,
    })
}

/// Begins a session.
pub(crate) fn insert(connection: &Connection, session: Session) -> Result<(), engine::Error> {
    let query = connection.query(
        "INSERT INTO session (session_key, public_id, component, owner, authentication_id, claims, created, last_used, expires) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    );
    let query = query.bind(session.key).bind(session.id).bind(session.component).bind(session.owner);
    let query = query.bind(session.authentication_id).bind(session.claims.to_string());
    query.bind(session.created).bind(session.last_used).bind(session.expires).send()
}

/// Ends the sessions of an owner but one, which is named by its key or its public id.
pub(crate) fn end_all(connection: &Connection, component: &str, owner: &str, except: Option<&str>) -> Result<u64, engine::Error> {
    let query = connection
        .query("DELETE FROM session WHERE component = $1 AND owner = $2 AND ($3 IS NULL OR (session_key <> $3 AND public_id <> $3))");
    query.bind(component).bind(owner).bind(except).execute()
}

/// Adds to what is settled on a session. A session that is gone is no fault.
pub(crate) fn settle(connection: &Connection, key: &str, what: &str) -> Result<(), engine::Error> {
    let Some(mut claims) = claims_of(connection, key)? else { return Ok(()) };
    add_settled(&mut claims, [Value::from(what)]);
    write_claims(connection, key, &claims)
}

/// Replaces the claims; what was settled meanwhile stays settled.
fn replace_claims(connection: &Connection, key: &str, claims: &Value) -> Result<(), engine::Error> {
    let Some(before) = claims_of(connection, key)? else { return Ok(()) };
    let mut claims = claims.clone();
    let settled = before.get(Session::SETTLED).and_then(Value::as_array).cloned().unwrap_or_default();
    add_settled(&mut claims, settled);
    write_claims(connection, key, &claims)
}

fn add_settled(claims: &mut Value, more: impl IntoIterator<Item = Value>) {
    let Value::Object(members) = claims else { return };
    for what in more {
        if let Value::Array(settled) = members.entry(Session::SETTLED).or_insert_with(|| Value::Array(Vec::new()))
            && !settled.contains(&what)
        {
            settled.push(what);
        }
    }
}

fn claims_of(connection: &Connection, key: &str) -> Result<Option<Value>, engine::Error> {
    let text = format!("SELECT claims FROM session WHERE session_key = $1{}", connection.dialect().for_update());
    connection.query(text).bind(key).first(|row| engine::json(row, "claims"))
}

fn write_claims(connection: &Connection, key: &str, claims: &Value) -> Result<(), engine::Error> {
    let query = connection.query("UPDATE session SET claims = $2 WHERE session_key = $1").bind(key).bind(claims.to_string());
    query.send()
}

#[async_trait]
impl Sessions for Db {
    async fn find(&self, key: &str) -> Result<Option<Session>, LedgerError> {
        let key = key.to_owned();
        self.look(move |connection| connection.query("SELECT * FROM session WHERE session_key = $1").bind(&key).first(session)).await
    }

    async fn touch(&self, key: &str, now: i64) -> Result<(), LedgerError> {
        let key = key.to_owned();
        self.run(Kept::ByProcess, move |connection| {
            let query = connection.query("UPDATE session SET last_used = $2 WHERE session_key = $1 AND last_used < $2");
            query.bind(&key).bind(now).execute().map(drop)
        })
        .await
    }

    async fn set_claims(&self, key: &str, claims: &Value) -> Result<(), LedgerError> {
        let (key, claims) = (key.to_owned(), claims.clone());
        self.run(Kept::Always, move |connection| replace_claims(connection, &key, &claims)).await
    }

    async fn end(&self, key: &str) -> Result<bool, LedgerError> {
        let key = key.to_owned();
        self.run(Kept::Always, move |connection| {
            Ok(connection.query("DELETE FROM session WHERE session_key = $1").bind(&key).execute()? > 0)
        })
        .await
    }

    async fn end_one(&self, component: &str, owner: &str, id: &str) -> Result<bool, LedgerError> {
        let (component, owner, id) = (component.to_owned(), owner.to_owned(), id.to_owned());
        self.run(Kept::Always, move |connection| {
            let query = connection.query("DELETE FROM session WHERE component = $1 AND owner = $2 AND public_id = $3");
            Ok(query.bind(&component).bind(&owner).bind(&id).execute()? > 0)
        })
        .await
    }

    async fn end_all(&self, component: &str, owner: &str, except_key: Option<&str>) -> Result<u64, LedgerError> {
        let (component, owner, except) = (component.to_owned(), owner.to_owned(), except_key.map(str::to_owned));
        self.run(Kept::Always, move |connection| end_all(connection, &component, &owner, except.as_deref())).await
    }

    async fn of(&self, component: &str, owner: &str, now: i64) -> Result<Vec<Session>, LedgerError> {
        let (component, owner) = (component.to_owned(), owner.to_owned());
        self.look(move |connection| {
            let query = connection
                .query("SELECT * FROM session WHERE component = $1 AND owner = $2 AND expires >= $3 ORDER BY created DESC, public_id");
            query.bind(&component).bind(&owner).bind(now).all(session)
        })
        .await
    }

    async fn sweep(&self, now: i64, idle_before: i64) -> Result<u64, LedgerError> {
        self.sweep_slices("session", move |connection| {
            let text = "DELETE FROM session WHERE session_key IN (SELECT session_key FROM session WHERE expires < $1 \
                 UNION SELECT session_key FROM session WHERE last_used < $2 LIMIT $3)";
            connection.query(text).bind(now).bind(idle_before).bind(SLICE).execute()
        })
        .await
    }
}
