//! Sessions as rows.

use async_trait::async_trait;
use identity::{ObjectsError, Session, Sessions};
use process::NewSession;
use serde_json::Value;
use sqlx::Row as _;

use crate::Db;
use crate::db::roll_back;
use crate::objects::unavailable;
use crate::sqlite::{self, Connection, Row};

fn session(row: &Row) -> Result<Session, sqlx::Error> {
    let claims: &str = row.try_get("claims")?;
    Ok(Session {
        key: row.try_get("session_key")?,
        id: row.try_get("public_id")?,
        component: row.try_get("component")?,
        owner: row.try_get("owner")?,
        authentication_id: row.try_get("authentication_id")?,
        claims: serde_json::from_str(claims).map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        created: row.try_get("created")?,
        last_used: row.try_get("last_used")?,
        expires: row.try_get("expires")?,
    })
}

/// A session that begins now.
pub(crate) fn begun(session: NewSession, now: i64) -> Session {
    let NewSession { key, id, component, owner, authentication_id, claims, expires } = session;
    Session { key, id, component, owner, authentication_id, claims, created: now, last_used: now, expires }
}

/// Keeps a new session.
pub(crate) async fn insert(connection: &mut Connection, session: &Session) -> Result<(), sqlx::Error> {
    let query = sqlx::query(
        "INSERT INTO session (session_key, public_id, component, owner, authentication_id, claims, created, last_used, expires) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    );
    let query = query.bind(&session.key).bind(&session.id).bind(&session.component).bind(&session.owner);
    let query = query.bind(&session.authentication_id).bind(session.claims.to_string());
    query.bind(session.created).bind(session.last_used).bind(session.expires).execute(connection).await.map(drop)
}

/// Ends the sessions of an owner but one, which is named by its key or its public id.
pub(crate) async fn end_all(connection: &mut Connection, component: &str, owner: &str, except: Option<&str>) -> Result<u64, sqlx::Error> {
    let query =
        sqlx::query("DELETE FROM session WHERE component = $1 AND owner = $2 AND ($3 IS NULL OR (session_key <> $3 AND public_id <> $3))");
    Ok(query.bind(component).bind(owner).bind(except).execute(connection).await?.rows_affected())
}

/// Adds to what is settled on a session. A session that is gone is no fault.
pub(crate) async fn settle(connection: &mut Connection, key: &str, what: &str) -> Result<(), sqlx::Error> {
    let Some(mut claims) = claims_of(connection, key).await? else { return Ok(()) };
    add_settled(&mut claims, [Value::from(what)]);
    write_claims(connection, key, &claims).await
}

/// Replaces the claims; what was settled meanwhile stays settled.
async fn replace_claims(connection: &mut Connection, key: &str, claims: &Value) -> Result<(), sqlx::Error> {
    let Some(before) = claims_of(connection, key).await? else { return Ok(()) };
    let mut claims = claims.clone();
    let settled = before.get(Session::SETTLED).and_then(Value::as_array).cloned().unwrap_or_default();
    add_settled(&mut claims, settled);
    write_claims(connection, key, &claims).await
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

async fn claims_of(connection: &mut Connection, key: &str) -> Result<Option<Value>, sqlx::Error> {
    let text = format!("SELECT claims FROM session WHERE session_key = $1{}", sqlite::FOR_UPDATE);
    let row = sqlx::query(sqlx::AssertSqlSafe(text)).bind(key).fetch_optional(connection).await?;
    let read = |row: Row| serde_json::from_str(row.try_get("claims")?).map_err(|error| sqlx::Error::Decode(Box::new(error)));
    row.map(read).transpose()
}

async fn write_claims(connection: &mut Connection, key: &str, claims: &Value) -> Result<(), sqlx::Error> {
    let query = sqlx::query("UPDATE session SET claims = $2 WHERE session_key = $1").bind(key).bind(claims.to_string());
    query.execute(connection).await.map(drop)
}

#[async_trait]
impl Sessions for Db {
    async fn begin(&self, session: &Session) -> Result<(), ObjectsError> {
        let mut connection = self.writer().acquire().await.map_err(unavailable)?;
        insert(&mut connection, session).await.map_err(unavailable)
    }

    async fn find(&self, key: &str) -> Result<Option<Session>, ObjectsError> {
        let row = sqlx::query("SELECT * FROM session WHERE session_key = $1").bind(key).fetch_optional(self.readers()).await;
        row.and_then(|row| row.as_ref().map(session).transpose()).map_err(unavailable)
    }

    async fn touch(&self, key: &str, now: i64) -> Result<(), ObjectsError> {
        let query = sqlx::query("UPDATE session SET last_used = $2 WHERE session_key = $1 AND last_used < $2");
        query.bind(key).bind(now).execute(self.writer()).await.map(drop).map_err(unavailable)
    }

    async fn set_claims(&self, key: &str, claims: &Value) -> Result<(), ObjectsError> {
        let mut transaction = self.write().await.map_err(unavailable)?;
        match replace_claims(&mut transaction, key, claims).await {
            Ok(()) => transaction.commit().await.map_err(unavailable),
            Err(error) => {
                roll_back(transaction).await;
                Err(unavailable(error))
            }
        }
    }

    async fn end(&self, key: &str) -> Result<bool, ObjectsError> {
        let done = sqlx::query("DELETE FROM session WHERE session_key = $1").bind(key).execute(self.writer()).await;
        Ok(done.map_err(unavailable)?.rows_affected() > 0)
    }

    async fn end_one(&self, component: &str, owner: &str, id: &str) -> Result<bool, ObjectsError> {
        let query = sqlx::query("DELETE FROM session WHERE component = $1 AND owner = $2 AND public_id = $3");
        let done = query.bind(component).bind(owner).bind(id).execute(self.writer()).await;
        Ok(done.map_err(unavailable)?.rows_affected() > 0)
    }

    async fn end_all(&self, component: &str, owner: &str, except_key: Option<&str>) -> Result<u64, ObjectsError> {
        let mut connection = self.writer().acquire().await.map_err(unavailable)?;
        end_all(&mut connection, component, owner, except_key).await.map_err(unavailable)
    }

    async fn of(&self, component: &str, owner: &str, now: i64) -> Result<Vec<Session>, ObjectsError> {
        let query =
            sqlx::query("SELECT * FROM session WHERE component = $1 AND owner = $2 AND expires >= $3 ORDER BY created DESC, public_id");
        let rows = query.bind(component).bind(owner).bind(now).fetch_all(self.readers()).await;
        rows.and_then(|rows| rows.iter().map(session).collect()).map_err(unavailable)
    }

    async fn sweep(&self, now: i64, idle_before: i64) -> Result<u64, ObjectsError> {
        let query = sqlx::query("DELETE FROM session WHERE expires < $1 OR last_used < $2");
        Ok(query.bind(now).bind(idle_before).execute(self.writer()).await.map_err(unavailable)?.rows_affected())
    }
}
