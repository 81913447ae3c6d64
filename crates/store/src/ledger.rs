//! Transactions, single use, counters, challenges, contexts and definitions.
//!
//! Easiest to break: single use (SEC-07, SEC-38). Spending is one conditional write whose row count decides, inside the transaction
//! of what it pays for; nothing is read first and decided later.

use async_trait::async_trait;
use process::{CommitError, Effect, InstanceId, Ledger, LedgerError, Receipt, Spend, StoredContext, StoredDefinition, Unit, Version};
use sqlx::Row as _;

use crate::change::{self, unavailable as lost};
use crate::db::{roll_back, unavailable};
use crate::sqlite::{Connection, Row};
use crate::{Db, audit, outbox, sessions};

#[async_trait]
impl Ledger for Db {
    async fn commit(&self, unit: Unit) -> Result<Receipt, CommitError> {
        let unit = self.sealed(unit)?;
        let mut transaction = self.write().await.map_err(lost)?;
        match perform(&mut transaction, unit).await {
            Ok(receipt) => {
                transaction.commit().await.map_err(lost)?;
                Ok(receipt)
            }
            Err(error) => {
                roll_back(transaction).await;
                Err(error)
            }
        }
    }

    async fn spent_below(&self, instance: &InstanceId) -> Result<u32, LedgerError> {
        let query = sqlx::query("SELECT below AS value FROM spent WHERE instance = $1").bind(instance.as_str());
        number(query.fetch_optional(self.readers()).await)
    }

    async fn count(&self, counter: &str, now: i64, expires: i64) -> Result<u32, LedgerError> {
        let query = sqlx::query(
            "INSERT INTO counter (name, value, expires) VALUES ($1, 1, $3) ON CONFLICT (name) DO UPDATE SET \
             value = CASE WHEN counter.expires < $2 THEN 1 ELSE counter.value + 1 END, \
             expires = CASE WHEN counter.expires < $2 THEN excluded.expires ELSE counter.expires END \
             RETURNING value",
        );
        // All rows are fetched, here and wherever a statement is its own transaction: the commit comes after the last row, and a
        // count that was not written down must not be reported.
        let rows = query.bind(counter).bind(now).bind(expires).fetch_all(self.writer()).await;
        number(rows.map(|rows| rows.into_iter().next()))
    }

    async fn counted(&self, counter: &str, now: i64) -> Result<u32, LedgerError> {
        let query = sqlx::query("SELECT value FROM counter WHERE name = $1 AND expires >= $2").bind(counter).bind(now);
        number(query.fetch_optional(self.readers()).await)
    }

    async fn challenge(&self, purpose: &str) -> Result<Option<String>, LedgerError> {
        let query = sqlx::query("SELECT instance FROM challenge WHERE purpose = $1").bind(purpose);
        let row = query.fetch_optional(self.readers()).await.map_err(unavailable)?;
        row.map(|row| row.try_get("instance")).transpose().map_err(unavailable)
    }

    async fn context(&self, token: &str) -> Result<Option<StoredContext>, LedgerError> {
        let query = sqlx::query("SELECT sealed, expires FROM jsonstorage WHERE token = $1").bind(token);
        let row = query.fetch_optional(self.readers()).await.map_err(unavailable)?;
        let context = |row: Row| Ok(StoredContext { sealed: row.try_get("sealed")?, expires: row.try_get("expires")? });
        row.map(context).transpose().map_err(|error: sqlx::Error| unavailable(error))
    }

    async fn remember_definition(&self, definition: StoredDefinition) -> Result<(), LedgerError> {
        let query = sqlx::query(
            "INSERT INTO definition (process, version, sealed, revoked) VALUES ($1, $2, $3, $4) ON CONFLICT (process, version) DO NOTHING",
        );
        let query = query.bind(definition.process).bind(definition.version.0).bind(definition.sealed).bind(definition.revoked);
        query.execute(self.writer()).await.map(drop).map_err(unavailable)
    }

    async fn definitions(&self, process: &str) -> Result<Vec<StoredDefinition>, LedgerError> {
        let query = sqlx::query("SELECT process, version, sealed, revoked FROM definition WHERE process = $1 ORDER BY number DESC");
        let rows = query.bind(process).fetch_all(self.readers()).await.map_err(unavailable)?;
        let definition = |row: &Row| {
            Ok(StoredDefinition {
                process: row.try_get("process")?,
                version: Version(row.try_get("version")?),
                sealed: row.try_get("sealed")?,
                revoked: row.try_get("revoked")?,
            })
        };
        rows.iter().map(definition).collect::<Result<_, sqlx::Error>>().map_err(unavailable)
    }

    async fn sweep(&self, now: i64) -> Result<u64, LedgerError> {
        let statements = [
            "DELETE FROM jsonstorage WHERE expires < $1",
            "DELETE FROM spent WHERE expires < $1",
            "DELETE FROM counter WHERE expires < $1",
            "DELETE FROM challenge WHERE expires < $1",
        ];
        let mut freed = 0;
        for statement in statements {
            freed += sqlx::query(statement).bind(now).execute(self.writer()).await.map_err(unavailable)?.rows_affected();
        }
        Ok(freed)
    }
}

fn number(row: Result<Option<Row>, sqlx::Error>) -> Result<u32, LedgerError> {
    let value = row.and_then(|row| row.map_or(Ok(0), |row| row.try_get::<i64, _>("value"))).map_err(unavailable)?;
    Ok(u32::try_from(value.max(0)).unwrap_or(u32::MAX))
}

async fn perform(connection: &mut Connection, unit: Unit) -> Result<Receipt, CommitError> {
    let mut receipt = Receipt::default();
    if let Some(spend) = &unit.spend {
        self::spend(connection, spend).await?;
    }
    for effect in unit.effects {
        match effect {
            Effect::Change(change) => receipt.changed.push(change::apply(connection, unit.now, change).await?),
            Effect::Mail(mail) => receipt.mails.push(outbox::insert(connection, unit.now, mail).await.map_err(lost)?),
            Effect::BeginSession(session) => sessions::insert(connection, &sessions::begun(session, unit.now)).await.map_err(lost)?,
            Effect::EndSessions { collection, id, except } => {
                sessions::end_all(connection, &collection, &id, except.as_deref()).await.map_err(lost)?;
            }
            Effect::Settle { session, what } => sessions::settle(connection, &session, &what).await.map_err(lost)?,
            Effect::StoreContext { token, sealed, expires } => store_context(connection, &token, &sealed, expires).await.map_err(lost)?,
            Effect::ResetCounter(counter) => reset_counter(connection, &counter).await.map_err(lost)?,
            Effect::Challenge { purpose, instance, expires } => challenge(connection, &purpose, &instance, expires).await.map_err(lost)?,
            Effect::Audit(event) => audit::insert(connection, &event).await.map_err(lost)?,
        }
    }
    Ok(receipt)
}

async fn spend(connection: &mut Connection, spend: &Spend) -> Result<(), CommitError> {
    let query = sqlx::query(
        "INSERT INTO spent (instance, below, expires) VALUES ($1, $2, $3) ON CONFLICT (instance) DO UPDATE SET \
         below = excluded.below, \
         expires = CASE WHEN spent.expires > excluded.expires THEN spent.expires ELSE excluded.expires END \
         WHERE excluded.below > spent.below",
    );
    let query = query.bind(spend.instance.as_str()).bind(i64::from(spend.below)).bind(spend.expires);
    let done = query.execute(connection).await.map_err(lost)?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(CommitError::Spent) }
}

async fn store_context(connection: &mut Connection, token: &str, sealed: &str, expires: i64) -> Result<(), sqlx::Error> {
    let query = sqlx::query(
        "INSERT INTO jsonstorage (token, sealed, expires) VALUES ($1, $2, $3) \
         ON CONFLICT (token) DO UPDATE SET sealed = excluded.sealed, expires = excluded.expires",
    );
    query.bind(token).bind(sealed).bind(expires).execute(connection).await.map(drop)
}

async fn reset_counter(connection: &mut Connection, counter: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM counter WHERE name = $1").bind(counter).execute(connection).await.map(drop)
}

async fn challenge(connection: &mut Connection, purpose: &str, instance: &str, expires: i64) -> Result<(), sqlx::Error> {
    let query = sqlx::query(
        "INSERT INTO challenge (purpose, instance, expires) VALUES ($1, $2, $3) \
         ON CONFLICT (purpose) DO UPDATE SET instance = excluded.instance, expires = excluded.expires",
    );
    query.bind(purpose).bind(instance).bind(expires).execute(connection).await.map(drop)
}
