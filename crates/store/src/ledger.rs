//! Transactions, single use, counters, challenges, contexts and definitions.
//!
//! Easiest to break: single use (SEC-07, SEC-38). Spending is one conditional write whose row count decides, inside the transaction
//! of what it pays for; nothing is read first and decided later.

use async_trait::async_trait;
use process::{CommitError, Effect, InstanceId, Ledger, LedgerError, Receipt, Spend, StoredContext, StoredDefinition, Unit, Version};

use crate::change::{self, unavailable as lost};
use crate::sqlite::{self, Connection, Row};
use crate::writer::Kept;
use crate::{Collections, Db, audit, identifiers, outbox, sessions};

#[async_trait]
impl Ledger for Db {
    async fn commit(&self, unit: Unit) -> Result<Receipt, CommitError> {
        let unit = self.sealed(unit)?;
        let collections = self.collections();
        self.write(move |connection| perform(connection, &collections, unit)).await
    }

    async fn spent_below(&self, instance: &InstanceId) -> Result<u32, LedgerError> {
        self.look(|connection| {
            let query = connection.query("SELECT below AS value FROM spent WHERE instance = $1");
            Ok(query.bind(instance.as_str()).first(number)?.unwrap_or(0))
        })
    }

    async fn count(&self, counter: &str, now: i64, expires: i64) -> Result<u32, LedgerError> {
        let counter = counter.to_owned();
        self.run(Kept::ByProcess, move |connection| {
            let query = connection.query(
                "INSERT INTO counter (name, value, expires) VALUES ($1, 1, $3) ON CONFLICT (name) DO UPDATE SET \
                 value = CASE WHEN counter.expires < $2 THEN 1 ELSE counter.value + 1 END, \
                 expires = CASE WHEN counter.expires < $2 THEN excluded.expires ELSE counter.expires END \
                 RETURNING value",
            );
            query.bind(counter).bind(now).bind(expires).one(number)
        })
        .await
    }

    async fn counted(&self, counter: &str, now: i64) -> Result<u32, LedgerError> {
        self.look(|connection| {
            let query = connection.query("SELECT value FROM counter WHERE name = $1 AND expires >= $2");
            Ok(query.bind(counter).bind(now).first(number)?.unwrap_or(0))
        })
    }

    async fn challenge(&self, purpose: &str) -> Result<Option<String>, LedgerError> {
        self.look(|connection| {
            let query = connection.query("SELECT instance FROM challenge WHERE purpose = $1");
            query.bind(purpose).first(|row| row.get("instance"))
        })
    }

    async fn context(&self, token: &str) -> Result<Option<StoredContext>, LedgerError> {
        self.look(|connection| {
            let query = connection.query("SELECT sealed, expires FROM jsonstorage WHERE token = $1");
            query.bind(token).first(|row| Ok(StoredContext { sealed: row.get("sealed")?, expires: row.get("expires")? }))
        })
    }

    async fn remember_definition(&self, definition: StoredDefinition) -> Result<(), LedgerError> {
        let StoredDefinition { process, version, sealed, revoked } = definition;
        self.run(Kept::Always, move |connection| {
            let query = connection.query(
                "INSERT INTO definition (process, version, sealed, revoked) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (process, version) DO NOTHING",
            );
            query.bind(process).bind(version.0).bind(sealed).bind(revoked).execute().map(drop)
        })
        .await
    }

    async fn definitions(&self, process: &str) -> Result<Vec<StoredDefinition>, LedgerError> {
        self.look(|connection| {
            let query =
                connection.query("SELECT process, version, sealed, revoked FROM definition WHERE process = $1 ORDER BY number DESC");
            query.bind(process).all(|row| {
                Ok(StoredDefinition {
                    process: row.get("process")?,
                    version: Version(row.get("version")?),
                    sealed: row.get("sealed")?,
                    revoked: row.get("revoked")?,
                })
            })
        })
    }

    async fn sweep(&self, now: i64) -> Result<u64, LedgerError> {
        self.readers().rest();
        let statements = [
            "DELETE FROM jsonstorage WHERE expires < $1",
            "DELETE FROM spent WHERE expires < $1",
            "DELETE FROM counter WHERE expires < $1",
            "DELETE FROM challenge WHERE expires < $1",
        ];
        self.run(Kept::ByProcess, move |connection| {
            statements.iter().map(|statement| connection.query(*statement).bind(now).execute()).sum()
        })
        .await
    }
}

fn number(row: &Row<'_>) -> Result<u32, sqlite::Error> {
    Ok(u32::try_from(row.get::<_, i64>("value")?.max(0)).unwrap_or(u32::MAX))
}

fn perform(connection: &Connection, collections: &Collections, unit: Unit) -> Result<Receipt, CommitError> {
    let mut receipt = Receipt::default();
    if let Some(spend) = &unit.spend {
        self::spend(connection, spend)?;
    }
    for effect in unit.effects {
        match effect {
            Effect::Change(change) => receipt.changed.push(change::apply(connection, collections, unit.now, change)?),
            Effect::Distinct { collection, id, property } => identifiers::distinct(connection, &collection, &property, &id)?,
            Effect::Mail(mail) => receipt.mails.push(outbox::insert(connection, unit.now, mail).map_err(lost)?),
            Effect::BeginSession(session) => sessions::insert(connection, unit.now, session).map_err(lost)?,
            Effect::EndSessions { collection, id, except } => {
                sessions::end_all(connection, &collection, &id, except.as_deref()).map_err(lost)?;
            }
            Effect::Settle { session, what } => sessions::settle(connection, &session, &what).map_err(lost)?,
            Effect::StoreContext { token, sealed, expires } => store_context(connection, &token, sealed, expires).map_err(lost)?,
            Effect::ResetCounter(counter) => reset_counter(connection, &counter).map_err(lost)?,
            Effect::Challenge { purpose, instance, expires } => challenge(connection, &purpose, &instance, expires).map_err(lost)?,
            Effect::Audit(event) => audit::insert(connection, &event).map_err(lost)?,
        }
    }
    Ok(receipt)
}

fn spend(connection: &Connection, spend: &Spend) -> Result<(), CommitError> {
    let query = connection.query(
        "INSERT INTO spent (instance, below, expires) VALUES ($1, $2, $3) ON CONFLICT (instance) DO UPDATE SET \
         below = excluded.below, \
         expires = CASE WHEN spent.expires > excluded.expires THEN spent.expires ELSE excluded.expires END \
         WHERE excluded.below > spent.below",
    );
    let query = query.bind(spend.instance.as_str()).bind(i64::from(spend.below)).bind(spend.expires);
    if query.execute().map_err(lost)? == 1 { Ok(()) } else { Err(CommitError::Spent) }
}

fn store_context(connection: &Connection, token: &str, sealed: String, expires: i64) -> Result<(), sqlite::Error> {
    let query = connection.query(
        "INSERT INTO jsonstorage (token, sealed, expires) VALUES ($1, $2, $3) \
         ON CONFLICT (token) DO UPDATE SET sealed = excluded.sealed, expires = excluded.expires",
    );
    query.bind(token).bind(sealed).bind(expires).execute().map(drop)
}

fn reset_counter(connection: &Connection, counter: &str) -> Result<(), sqlite::Error> {
    connection.query("DELETE FROM counter WHERE name = $1").bind(counter).execute().map(drop)
}

fn challenge(connection: &Connection, purpose: &str, instance: &str, expires: i64) -> Result<(), sqlite::Error> {
    let query = connection.query(
        "INSERT INTO challenge (purpose, instance, expires) VALUES ($1, $2, $3) \
         ON CONFLICT (purpose) DO UPDATE SET instance = excluded.instance, expires = excluded.expires",
    );
    query.bind(purpose).bind(instance).bind(expires).execute().map(drop)
}
