//! What can be said and done about a store by its address, before it is opened. All of it waits for a disk or the network, so it is not for
//! a task.

use crate::{Finding, Health, OpenError, postgres, sqlite};

/// What a store is called in messages: its address without a password.
#[must_use]
pub fn name_of(location: &str) -> String {
    match postgres::Address::of(location) {
        Some(Ok(address)) => address.to_string(),
        Some(Err(_)) => "postgres://…".to_owned(),
        None if sqlite::file(location).is_ok() => location.to_owned(),
        None => sqlite::beginning(location),
    }
}

/// Whether the store at `location` holds anything that was sealed with a server's keys. A store that is not there holds nothing.
///
/// # Errors
/// When it cannot be read.
pub fn is_sealed(location: &str) -> Result<bool, OpenError> {
    postgres::is_sealed(location).unwrap_or_else(|| sqlite::is_sealed(location))
}

/// The last steps of the tables that this version makes and needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaSteps {
    /// In a file.
    pub file: i64,
    /// On a PostgreSQL server.
    pub server: i64,
}

/// See [`SchemaSteps`].
#[must_use]
pub fn schema_steps() -> SchemaSteps {
    SchemaSteps { file: sqlite::STEPS, server: postgres::NEEDED }
}

/// How many steps make the tables of a store that has none.
#[must_use]
pub fn all_steps(location: &str) -> i64 {
    if postgres::Address::of(location).is_some() { postgres::NEEDED } else { sqlite::STEPS }
}

/// How many steps are still to be made until the tables of the store are those of this version; all of them where there is no store.
///
/// # Errors
/// When it cannot be read, or a later version has changed it so that this one cannot work with it.
pub fn missing_steps(location: &str) -> Result<i64, OpenError> {
    postgres::missing_steps(location).unwrap_or_else(|| sqlite::missing_steps(location))
}

/// Makes the tables of the store, or brings them up to date.
///
/// # Errors
/// As the variants of [`OpenError`] say; the tables are as they were then.
pub fn migrate(location: &str) -> Result<(), OpenError> {
    postgres::migrate(location).unwrap_or_else(|| sqlite::migrate_at(location))
}

/// What an operator should know of a store; `now` is this machine's clock, in seconds since 1970.
///
/// # Errors
/// When it cannot be reached or read at all.
pub fn examine(location: &str, now: i64) -> Result<Vec<Finding>, OpenError> {
    postgres::examine(location, now).unwrap_or_else(|| {
        let path = sqlite::file(location)?;
        let name = path.display();
        if !path.exists() {
            return Ok(vec![Finding { health: Health::Doubtful, message: format!("there is no {name} yet") }]);
        }
        let missing = sqlite::missing_steps(location)?;
        let (health, message) = match missing {
            0 => (Health::Good, format!("{name} has the tables of this version")),
            _ => (Health::Doubtful, format!("{missing} steps are to be made in {name}: 'vestibule migrate', or a start, makes them")),
        };
        Ok(vec![Finding { health, message }])
    })
}
