//! Looking at a store without serving it: nothing is made, migrated or written, so that it can be done beside a running server of any
//! version.

use std::collections::BTreeSet;
use std::path::Path;

use crest::Pointer;
use identity::find::{Confirmation, address_form, first_of};
use serde_json::Value;

use crate::config::{ALL_CONFIG, kept_file};
use crate::engine::{self, Connection};
use crate::lookups::{Declared, shared_terms};
use crate::{OpenError, confirmations, in_flight, postgres, sqlite};

/// A store that is looked at.
pub struct Inspection {
    name: String,
    connection: Connection,
    declared: Declared,
}

/// A name that several objects have, in one spelling or in several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedName {
    /// The ids of the objects; the first ones, where they are many.
    pub objects: Vec<String>,
    /// One of them is meant because it alone has confirmed the address, or alone was not given one by somebody who confirmed nothing.
    pub owner: Option<String>,
}

/// Mails of the outbox that are not delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UndeliveredMails {
    /// Those that will be tried, again or for the first time.
    pub waiting: i64,
    /// When the oldest of them was acknowledged, in seconds since 1970.
    pub oldest: Option<i64>,
    /// Those that were given up.
    pub dead: i64,
}

/// Objects of one name that are listed.
const LISTED: u32 = 16;

impl Inspection {
    /// Opens a store that exists. Waits for the network where it is on a server, so it is not for a task.
    ///
    /// # Errors
    /// As the variants of [`OpenError`] say; [`OpenError::Older`] for one that no server of this version has opened yet.
    pub fn open(location: &str) -> Result<Self, OpenError> {
        let (name, connection) = if let Some(opened) = postgres::open_to_look(location) {
            opened?
        } else {
            let file = sqlite::file(location)?;
            let name = file.display().to_string();
            if !file.exists() {
                return Err(OpenError::Unreachable { file: name, cause: "there is no such file".to_owned() });
            }
            let connection = sqlite::onlooker(&file).map_err(|error| sqlite::open_error(&file, &error))?;
            sqlite::check_version(&file, &connection)?;
            (name, Connection::Sqlite(connection))
        };
        let declared = Declared::load(&connection).map_err(|error| failed(&name, error))?;
        Ok(Self { name, connection, declared })
    }

    /// The names at a place that several objects have, up to `limit`; `None` where the store does not know the place.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn shared_names(&self, collection: &str, place: &Pointer, limit: u32) -> Result<Option<Vec<SharedName>>, OpenError> {
        let Some(lookup) = self.declared.find(collection, place) else { return Ok(None) };
        let found = shared_terms(&self.connection, lookup, limit, LISTED)
            .and_then(|all| all.into_iter().map(|objects| self.shared(collection, place, objects)).collect::<Result<Vec<_>, _>>());
        found.map(Some).map_err(|error| failed(&self.name, error))
    }

    /// The files of the project that were changed over REST, and when, in seconds since 1970.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn changed_files(&self) -> Result<Vec<(String, i64)>, OpenError> {
        if self.connection.dialect() == engine::Dialect::Sqlite {
            return Ok(Vec::new());
        }
        let found = self.connection.query(ALL_CONFIG).bind(0_i64).all(kept_file).map_err(|error| failed(&self.name, error))?;
        Ok(found.into_iter().map(|file| (file.path, file.changed)).collect())
    }

    /// Definitions that are kept and refused, as processes and versions.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn revoked(&self) -> Result<Vec<(String, String)>, OpenError> {
        in_flight::revoked(&self.connection).map_err(|error| failed(&self.name, error))
    }

    /// The instances of a version that nodes noted ([`Db::note_in_flight`](crate::Db::note_in_flight)): those in flight at `now`, in seconds
    /// since 1970, and those that ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn in_flight(&self, version: &str, now: i64) -> Result<(BTreeSet<String>, BTreeSet<String>), OpenError> {
        in_flight::noted(&self.connection, version, now).map_err(|error| failed(&self.name, error))
    }

    /// What the keys say of themselves that the store was sealed with; none before the first start.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn sealed_by(&self) -> Result<Option<String>, OpenError> {
        let found = self.connection.query("SELECT mark FROM sealing").first(|row| row.get("mark"));
        found.map_err(|error| failed(&self.name, error))
    }

    /// Reads something, and says of which store it was where that fails.
    pub(crate) fn read_of<T>(&self, read: impl FnOnce(&Connection) -> Result<T, engine::Error>) -> Result<T, OpenError> {
        read(&self.connection).map_err(|error| failed(&self.name, error))
    }

    /// The mails that are not delivered.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn mails(&self) -> Result<UndeliveredMails, OpenError> {
        let text = "SELECT (SELECT count(*) FROM outbox WHERE state = 2 AND NOT withheld) AS waiting, \
             (SELECT min(created) FROM outbox WHERE state = 2 AND NOT withheld) AS oldest, \
             (SELECT count(*) FROM outbox WHERE state = 4) AS dead";
        let found = self
            .connection
            .query(text)
            .first(|row| Ok(UndeliveredMails { waiting: row.get("waiting")?, oldest: row.get("oldest")?, dead: row.get("dead")? }));
        found.map(Option::unwrap_or_default).map_err(|error| failed(&self.name, error))
    }

    /// Whether several nodes may share the store.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.connection.dialect() == engine::Dialect::Postgres
    }

    fn shared(&self, collection: &str, place: &Pointer, objects: Vec<String>) -> Result<SharedName, engine::Error> {
        let mut ranks = Vec::new();
        for id in &objects {
            let query = self.connection.query("SELECT doc FROM managed_object WHERE collection = $1 AND id = $2");
            let content: Option<Value> = query.bind(collection).bind(id).first(|row| engine::json(row, "doc"))?;
            let address = content.as_ref().and_then(|content| place.get(content)).and_then(Value::as_str).and_then(address_form);
            ranks.push(Confirmation::rank(confirmations::of(&self.connection, collection, id)?.as_ref(), address.as_deref()));
        }
        let owner = first_of(&ranks).and_then(|place| objects.get(place)).cloned();
        Ok(SharedName { objects, owner })
    }
}

fn failed(name: &str, error: engine::Error) -> OpenError {
    match error {
        engine::Error::Sqlite(error) => sqlite::open_error(Path::new(name), &error),
        error => OpenError::Server { store: name.to_owned(), cause: error.to_string() },
    }
}
