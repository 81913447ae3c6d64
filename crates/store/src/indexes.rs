//! Makes and drops the declared indexes.

use std::collections::BTreeMap;

use crate::collections::Index;
use crate::sqlite::{self, Connection};
use crate::{Collections, IndexError, identifiers};

fn unavailable(error: impl std::fmt::Display) -> IndexError {
    IndexError::Unavailable(error.to_string())
}

/// What became of a declaration.
pub(crate) struct Made {
    /// The indexes in force.
    pub(crate) collections: Collections,
    /// The first one that could not be made.
    pub(crate) refused: Option<IndexError>,
}

/// Brings the indexes in line with the declaration. What can be made is made, whatever else is refused.
pub(crate) fn ensure(connection: &Connection, declared: &Collections) -> Result<Made, IndexError> {
    let present = connection.query(sqlite::DECLARED_INDEXES).all(|row| Ok((row.get("name")?, row.get("sql")?)));
    let mut present: BTreeMap<String, String> = present.map_err(unavailable)?.into_iter().collect();
    let mut collections = declared.clone();
    let (indexes, mut refused) = declared.indexes();
    for index in indexes {
        if let Err(error) = make(connection, &mut present, index) {
            let IndexError::Duplicate { .. } = error else { return Err(error) };
            make(connection, &mut present, Index { unique: false, ..index })?;
            collections.relax(index.collection, index.label);
            refused.get_or_insert(error);
        }
    }
    for name in present.keys() {
        drop_index(connection, name)?;
    }
    identifiers::ensure(connection, declared).map_err(unavailable)?;
    Ok(Made { collections, refused })
}

/// Makes what an index needs and is not there, and strikes out of `present` what is.
fn make(connection: &Connection, present: &mut BTreeMap<String, String>, index: Index<'_>) -> Result<(), IndexError> {
    for (name, definition) in sqlite::definitions(index) {
        match present.remove(&name) {
            Some(same) if same == definition => continue,
            Some(_) => drop_index(connection, &name)?,
            None => {}
        }
        if let Err(error) = connection.query(definition).once().execute() {
            return Err(match sqlite::violation(&error) {
                Some(_) => duplicate(connection, index)?,
                None => unavailable(error),
            });
        }
    }
    Ok(())
}

/// Drops an index of ours. The names are made of checked labels; one with a quote is not ours.
fn drop_index(connection: &Connection, name: &str) -> Result<(), IndexError> {
    if name.contains('"') {
        return Ok(());
    }
    connection.query(format!("DROP INDEX \"{name}\"")).once().execute().map(drop).map_err(unavailable)
}

/// Finds two objects that share a value.
fn duplicate(connection: &Connection, index: Index<'_>) -> Result<IndexError, IndexError> {
    let (value, within) = (sqlite::value(index.label), sqlite::within(index));
    let text = format!(
        "SELECT min(id) AS first, max(id) AS second FROM managed_object WHERE {within} AND {value} IS NOT NULL \
         GROUP BY {value} HAVING count(*) > 1 LIMIT 1"
    );
    let pair = connection.query(text).once().one(|row| Ok((row.get("first")?, row.get("second")?)));
    let (first, second) = pair.map_err(unavailable)?;
    Ok(IndexError::Duplicate { collection: index.collection.to_owned(), property: index.label.to_owned(), first, second })
}
