//! Makes and drops the declared indexes.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Row as _};

use crate::collections::Index;
use crate::sqlite::{self, Connection};
use crate::{Collections, IndexError};

fn unavailable(error: impl std::fmt::Display) -> IndexError {
    IndexError::Unavailable(error.to_string())
}

/// Brings the indexes in line with the declaration.
pub(crate) async fn ensure(connection: &mut Connection, collections: &Collections) -> Result<(), IndexError> {
    let rows = sqlx::query(sqlite::DECLARED_INDEXES).fetch_all(&mut *connection).await.map_err(unavailable)?;
    let present = rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("sql")?)));
    let mut present: BTreeMap<String, String> = present.collect::<Result<_, sqlx::Error>>().map_err(unavailable)?;
    let mut missing = Vec::new();
    for index in collections.indexes()? {
        for (name, definition) in sqlite::definitions(index) {
            if present.get(&name) == Some(&definition) {
                present.remove(&name);
            } else {
                missing.push((index, definition));
            }
        }
    }
    for name in present.keys() {
        // The name was made by `definitions`, from checked labels; a quote in it is a foreign index and not ours to drop.
        if !name.contains('"') {
            let statement = AssertSqlSafe(format!("DROP INDEX \"{name}\""));
            sqlx::query(statement).execute(&mut *connection).await.map_err(unavailable)?;
        }
    }
    for (index, definition) in missing {
        if let Err(error) = sqlx::query(AssertSqlSafe(definition)).execute(&mut *connection).await {
            return Err(match sqlite::violation(&error) {
                Some(_) => duplicate(connection, index).await?,
                None => unavailable(error),
            });
        }
    }
    Ok(())
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
