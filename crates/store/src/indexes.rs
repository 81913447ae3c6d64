//! Makes and drops the declared indexes.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Row as _};

use crate::collections::Index;
use crate::sqlite::{self, Connection};
use crate::{Collections, IndexError};

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
pub(crate) async fn ensure(connection: &mut Connection, declared: &Collections) -> Result<Made, IndexError> {
    let rows = sqlx::query(sqlite::DECLARED_INDEXES).fetch_all(&mut *connection).await.map_err(unavailable)?;
    let present = rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("sql")?)));
    let mut present: BTreeMap<String, String> = present.collect::<Result<_, sqlx::Error>>().map_err(unavailable)?;
    let mut collections = declared.clone();
    let (indexes, mut refused) = declared.indexes();
    for index in indexes {
        if let Err(error) = make(connection, &mut present, index).await {
            let IndexError::Duplicate { .. } = error else { return Err(error) };
            make(connection, &mut present, Index { unique: false, ..index }).await?;
            collections.relax(index.collection, index.label);
            refused.get_or_insert(error);
        }
    }
    for name in present.keys() {
        drop_index(connection, name).await?;
    }
    Ok(Made { collections, refused })
}

/// Makes what an index needs and is not there, and strikes out of `present` what is.
async fn make(connection: &mut Connection, present: &mut BTreeMap<String, String>, index: Index<'_>) -> Result<(), IndexError> {
    for (name, definition) in sqlite::definitions(index) {
        match present.remove(&name) {
            Some(same) if same == definition => continue,
            Some(_) => drop_index(connection, &name).await?,
            None => {}
        }
        if let Err(error) = sqlx::query(AssertSqlSafe(definition)).execute(&mut *connection).await {
            return Err(match sqlite::violation(&error) {
                Some(_) => duplicate(connection, index).await?,
                None => unavailable(error),
            });
        }
    }
    Ok(())
}

/// Drops an index of ours. The names are made of checked labels; one with a quote is not ours.
async fn drop_index(connection: &mut Connection, name: &str) -> Result<(), IndexError> {
    if name.contains('"') {
        return Ok(());
    }
    let statement = AssertSqlSafe(format!("DROP INDEX \"{name}\""));
    sqlx::query(statement).execute(connection).await.map(drop).map_err(unavailable)
}

/// Finds two objects that share a value.
async fn duplicate(connection: &mut Connection, index: Index<'_>) -> Result<IndexError, IndexError> {
    let (value, within) = (sqlite::value(index.label), sqlite::within(index));
    let text = format!(
        "SELECT min(id) AS first, max(id) AS second FROM managed_object WHERE {within} AND {value} IS NOT NULL \
         GROUP BY {value} HAVING count(*) > 1 LIMIT 1"
    );
    let row = sqlx::query(AssertSqlSafe(text)).fetch_one(connection).await.map_err(unavailable)?;
    Ok(IndexError::Duplicate {
        collection: index.collection.to_owned(),
        property: index.label.to_owned(),
        first: row.try_get("first").map_err(unavailable)?,
        second: row.try_get("second").map_err(unavailable)?,
    })
}
