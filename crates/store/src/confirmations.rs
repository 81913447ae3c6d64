//! Whose addresses are confirmed. A shared address is its confirmed owner's ([`identity::find`]).

use identity::find::{Confirmation, address_form};

use crate::engine::{self, Connection};

/// Writes down what is known of an address from now on. Nothing is written where it is known.
pub(crate) fn note(connection: &Connection, collection: &str, id: &str, address: &str, confirmed: bool) -> Result<(), engine::Error> {
    let Some(address) = address_form(address) else { return Ok(()) };
    let query = connection.query(
        "INSERT INTO confirmation (collection, object, address, confirmed) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (collection, object) DO UPDATE SET address = excluded.address, confirmed = excluded.confirmed \
         WHERE confirmation.address <> excluded.address OR confirmation.confirmed <> excluded.confirmed",
    );
    query.bind(collection).bind(id).bind(address).bind(confirmed).send()
}

pub(crate) fn of(connection: &Connection, collection: &str, id: &str) -> Result<Option<Confirmation>, engine::Error> {
    let query = connection.query("SELECT address, confirmed FROM confirmation WHERE collection = $1 AND object = $2");
    query.bind(collection).bind(id).first(|row| Ok(Confirmation { address: row.get("address")?, confirmed: row.get("confirmed")? }))
}

pub(crate) fn forget(connection: &Connection, collection: &str, id: &str) -> Result<(), engine::Error> {
    connection.query("DELETE FROM confirmation WHERE collection = $1 AND object = $2").bind(collection).bind(id).send()
}
