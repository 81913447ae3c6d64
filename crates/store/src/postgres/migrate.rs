//! The tables on a server, and which versions of this program may work with them. Several nodes share them while one after the other is
//! replaced, so a step only adds what the version before it can leave alone; what takes something away comes a version later.
//!
//! Easiest to break: two nodes that start together. Who makes the tables holds a lock; everything is one transaction, so whatever dies in the
//! middle leaves the tables as they were.

use std::time::Duration;

use tokio_postgres::Row;

use super::address::Address;
use super::connect::{for_transaction, quoted};
use super::connection::Connection;
use super::faults::Failure;
use super::locks::Lock;
use crate::OpenError;
use crate::bind::Parameter;

/// The steps that made the tables what they are, first to last, each with the first step whose program can work with its tables.
const STEPS: [(&str, i64); 7] = [
    (include_str!("../../migrations/postgres/0001_store.sql"), 1),
    (include_str!("../../migrations/postgres/0002_references.sql"), 2),
    (include_str!("../../migrations/postgres/0003_put_back.sql"), 2),
    (include_str!("../../migrations/postgres/0004_moving.sql"), 2),
    (include_str!("../../migrations/postgres/0005_funnel.sql"), 2),
    (include_str!("../../migrations/postgres/0006_config_version.sql"), 2),
    (include_str!("../../migrations/postgres/0007_canary.sql"), 2),
];
/// The step whose tables this program needs.
pub(crate) const NEEDED: i64 = 7;
const _: () = assert!(STEPS.len() == 7, "the last step is what is needed");

/// How long a step may take.
const STEP: Duration = Duration::from_hours(1);

/// What is there.
pub(super) struct Found {
    schema: bool,
    /// Tables that are not this program's.
    foreign: bool,
    /// The last step that was made; 0 for none.
    step: i64,
    /// The first step whose program can work with these tables.
    serves_from: i64,
}

impl Found {
    /// Whether there are tables at all.
    pub(super) fn is_made(&self) -> bool {
        self.step > 0
    }

    /// Steps that are still to be made.
    pub(super) fn missing(&self) -> i64 {
        (NEEDED - self.step).max(0)
    }
}

/// Looks what is there.
pub(super) fn look(connection: &Connection, address: &Address) -> Result<Found, OpenError> {
    let failed = |failure: Failure| refused(address, &failure.to_string());
    let text = "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1) AS schema, \
                to_regclass(quote_ident($1) || '.schema_version') IS NOT NULL AS ours, \
                EXISTS (SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1) AS filled";
    let rows = connection.rows(text, vec![Parameter::from(address.schema.as_str())], false).map_err(failed)?;
    let flag = |name: &str| rows.first().and_then(|row| row.try_get(name).ok()).unwrap_or(false);
    let (schema, ours, filled) = (flag("schema"), flag("ours"), flag("filled"));
    let mut found = Found { schema, foreign: filled && !ours, step: 0, serves_from: 0 };
    if ours {
        let text = format!("SELECT step, serves_from FROM {}.schema_version", quoted(&address.schema));
        let rows = connection.rows(&text, Vec::new(), false).map_err(failed)?;
        let number = |row: &Row, name: &str| row.try_get::<_, i64>(name).unwrap_or_default();
        if let Some(row) = rows.first() {
            found.step = number(row, "step");
            found.serves_from = number(row, "serves_from");
        }
    }
    Ok(found)
}

/// Makes the tables, or brings them up to date.
pub(super) fn ensure(connection: &Connection, address: &Address) -> Result<(), OpenError> {
    let failed = |failure: Failure| refused(address, &failure.to_string());
    check(&look(connection, address)?, address)?;
    connection.run("BEGIN ISOLATION LEVEL READ COMMITTED").map_err(failed)?;
    let made = steps(connection, address);
    let end = if made.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = connection.run(end).map_err(failed);
    made.and(ended)
}

fn steps(connection: &Connection, address: &Address) -> Result<(), OpenError> {
    let failed = |failure: Failure| refused(address, &failure.to_string());
    connection.run(&for_transaction(address)).map_err(failed)?;
    // Another node may be at it, and a step over millions of rows takes its time.
    connection.wait_for(STEP);
    connection.run("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; SET LOCAL synchronous_commit = on").map_err(failed)?;
    // Since PostgreSQL 17 an administrator may end every transaction that takes too long for them.
    connection.run("SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'").map_err(failed)?;
    connection.lock(&Lock::Migration).map_err(failed)?;
    // Another node may have been faster.
    let found = look(connection, address)?;
    check(&found, address)?;
    if found.missing() == 0 {
        return Ok(());
    }
    let schema = quoted(&address.schema);
    if !found.schema {
        connection.run(&format!("CREATE SCHEMA {schema}")).map_err(|failure| {
            let user = quoted(&address.user);
            refused(
                address,
                &format!("there is no schema {schema} and it cannot be made: {failure}; an administrator makes it with CREATE SCHEMA {schema} AUTHORIZATION {user}"),
            )
        })?;
    }
    for (number, (step, serves_from)) in (1..).zip(STEPS).filter(|(number, _)| *number > found.step) {
        let made = connection.run(step).and_then(|()| {
            let text = "UPDATE schema_version SET step = $1, serves_from = $2";
            let values = vec![Parameter::Integer(Some(number)), Parameter::Integer(Some(serves_from))];
            connection.execute(text, values, false).map(drop)
        });
        made.map_err(|failure| OpenError::Migration { file: address.to_string(), cause: failure.to_string() })?;
    }
    Ok(())
}

/// Whether this program may work with what is there.
pub(super) fn check(found: &Found, address: &Address) -> Result<(), OpenError> {
    if found.foreign {
        return Err(refused(address, "the schema holds tables of something else; name another one with schema=…"));
    }
    if found.serves_from > NEEDED {
        return Err(OpenError::Newer { file: address.to_string(), step: found.step });
    }
    Ok(())
}

/// Whether everything this program needs is there.
pub(super) fn is_current(connection: &Connection, address: &Address) -> Result<(), OpenError> {
    let found = look(connection, address)?;
    check(&found, address)?;
    match (found.step, found.missing()) {
        (_, 0) => Ok(()),
        (0, _) => Err(refused(address, "nothing is in it yet; start the server once to make its tables")),
        _ => Err(OpenError::Older { file: address.to_string() }),
    }
}

pub(super) fn refused(address: &Address, cause: &str) -> OpenError {
    OpenError::Server { store: address.to_string(), cause: cause.to_owned() }
}
