//! PostgreSQL: how a server is found, its tables made, and units committed on it exactly once, also when the connection breaks at the
//! worst moment.
//!
//! Each connection belongs to a thread that takes work from one queue and waits for the network itself ([`Pool`]). A unit that is undone for
//! a reason that is not its own (a deadlock, a server that stops) is done again; [`Fault`] is the table of what is done about which answer.
//!
//! Easiest to break: the moment between COMMIT and its answer. What became of it is found out by the mark that every unit leaves, and
//! nothing is done again before it is known that it was not done.

mod address;
mod connect;
mod connection;
mod doctor;
mod faults;
mod locks;
mod migrate;
mod outcome;
mod pool;
mod tls;

use crate::OpenError;
use crate::engine::Connection as AnyConnection;

pub(crate) use address::Address;
pub(crate) use connect::quoted;
pub(crate) use connection::{Connection, bound, without_nul};
pub use doctor::{Finding, Health};
pub(crate) use faults::Failure;
pub(crate) use locks::Lock;
pub(crate) use migrate::NEEDED;
pub(crate) use pool::Pool;

/// Connects to the store at a location; `None` where it is none of a server.
fn reach(location: &str) -> Option<Result<(connect::Ways, connection::Connection), OpenError>> {
    let address = Address::of(location)?.map_err(OpenError::Address);
    Some(address.and_then(|address| {
        let store = address.to_string();
        let reached = connect::Ways::new(std::sync::Arc::new(address)).and_then(|ways| match ways.connect() {
            Ok(connection) => Ok((ways, connection)),
            Err(refusal) => Err(refusal.why),
        });
        reached.map_err(|cause| OpenError::Server { store, cause })
    }))
}

/// A connection to a store that is looked at and not served: nothing is made in it. `None` where the location is none of a server.
pub(crate) fn open_to_look(location: &str) -> Option<Result<(String, AnyConnection), OpenError>> {
    Some(reach(location)?.and_then(|(ways, connection)| {
        migrate::is_current(&connection, ways.address())?;
        Ok((ways.address().to_string(), AnyConnection::Postgres(Box::new(connection))))
    }))
}

/// A connection to a server on which nothing is to be made, whatever is there. `None` where the location is none of a server.
pub(crate) fn open_to_read(location: &str) -> Option<Result<(String, AnyConnection), OpenError>> {
    Some(reach(location)?.map(|(ways, connection)| (ways.address().to_string(), AnyConnection::Postgres(Box::new(connection)))))
}

/// A connection to a store that is moved, whose tables are there, or are `made`; nothing ends it for being idle while the other one works.
pub(crate) fn open_to_move(location: &str, made: bool) -> Option<Result<(String, AnyConnection), OpenError>> {
    Some(reach(location)?.and_then(|(ways, connection)| {
        let address = ways.address();
        if address.pooled {
            let cause = "a store is not moved through a transaction pooler, which hides who is connected: name the server itself";
            return Err(OpenError::Address(cause.to_owned()));
        }
        if made {
            migrate::ensure(&connection, address)?;
        } else {
            migrate::is_current(&connection, address)?;
        }
        let patient = connection.run("SET idle_in_transaction_session_timeout = 0");
        patient.map_err(|failure| migrate::refused(address, &failure.to_string()))?;
        Ok((address.to_string(), AnyConnection::Postgres(Box::new(connection))))
    }))
}

/// Whether the store holds anything that was sealed with a server's keys.
pub(crate) fn is_sealed(location: &str) -> Option<Result<bool, OpenError>> {
    Some(reach(location)?.and_then(|(ways, connection)| {
        let address = ways.address();
        let found = migrate::look(&connection, address)?;
        migrate::check(&found, address)?;
        if !found.is_made() {
            return Ok(false);
        }
        let schema = connect::quoted(&address.schema);
        let any = ["sealing", "definition", "jsonstorage", "outbox"].map(|table| format!("EXISTS (SELECT 1 FROM {schema}.{table})"));
        let text = format!("SELECT {} AS sealed", any.join(" OR "));
        let rows = connection.rows(&text, Vec::new(), false).map_err(|failure| migrate::refused(address, &failure.to_string()))?;
        Ok(rows.first().and_then(|row| row.try_get("sealed").ok()).unwrap_or(false))
    }))
}

/// How many steps are still to be made until the tables are those of this version.
pub(crate) fn missing_steps(location: &str) -> Option<Result<i64, OpenError>> {
    Some(reach(location)?.and_then(|(ways, connection)| {
        let found = migrate::look(&connection, ways.address())?;
        migrate::check(&found, ways.address())?;
        Ok(found.missing())
    }))
}

/// Looks at the server and the tables.
pub(crate) fn examine(location: &str, now: i64) -> Option<Result<Vec<Finding>, OpenError>> {
    Some(reach(location)?.and_then(|(ways, connection)| doctor::examine(&connection, ways.address(), now)))
}

/// Makes the tables, or brings them up to date.
pub(crate) fn migrate(location: &str) -> Option<Result<(), OpenError>> {
    Some(reach(location)?.and_then(|(ways, connection)| migrate::ensure(&connection, ways.address())))
}
