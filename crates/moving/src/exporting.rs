//! The way out: everything that is kept of objects as JSON lines or a table, in forms that `vestibule import` reads, and people as entries for a
//! directory.
//!
//! Easiest to break: nothing is left in. Hashes, private properties and metadata are in it, so that whoever leaves takes all of it along; what is
//! sealed at rest comes in clear. The file is for its owner alone. What a form cannot hold is counted.

mod directory;
mod table;

use std::collections::BTreeMap;
use std::io::{self, Write};

use crest::{Filter, Paging, Query, Resource, TotalPolicy};
use identity::{Objects as _, ObjectsError};
use serde_json::{Map, Value, json};
use store::Db;

use crate::record::COLLECTION;

/// Objects that are read at once.
const PAGE: u64 = 500;

/// The form of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportForm {
    /// One object on each line, of any collections.
    JsonLines,
    /// One collection as comma-separated values (RFC 4180), with what brings each column back ([`Exported::mapping`]).
    Csv {
        /// What stands between the values ([`crate::separator`]).
        separator: char,
    },
    /// People as `inetOrgPerson` entries below this name (RFC 2849), for any directory.
    Ldif {
        /// The name that the entries are below.
        base: String,
    },
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Objects.
    pub objects: u64,
    /// What the form has no place for, by property and reason, and of how many objects.
    pub left_out: BTreeMap<String, u64>,
    /// The mapping with which a table is imported again.
    pub mapping: Option<Value>,
}

/// Why an export is not whole.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store does not do what it is asked.
    #[error("the store: {0}")]
    Store(#[from] ObjectsError),
    /// Nothing of this name is kept.
    #[error("there is no collection '{0}'; there are {1}")]
    Collection(String, String),
    /// A form for one collection, and several.
    #[error("a table holds one collection; name it with --collection")]
    Several,
    /// An object came meanwhile that the columns of the table have no place for.
    #[error("the store has changed while it was read; repeat the export")]
    Changed,
    /// No name of an entry.
    #[error("'{0}' is no name of an entry, such as ou=people,dc=example,dc=com")]
    Base(String),
    /// The file cannot be written.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Writes every object of these collections. References stand with the object that keeps them.
///
/// # Errors
/// [`ExportError`].
pub async fn export(db: &Db, collections: &[String], form: &ExportForm, to: &mut (impl Write + Send)) -> Result<Exported, ExportError> {
    match (form, collections) {
        (ExportForm::JsonLines, collections) => {
            let mut objects = 0;
            for collection in collections {
                objects += each(db, collection, |object| json_line(collection, object, to)).await?;
            }
            Ok(Exported { objects, ..Exported::default() })
        }
        (ExportForm::Csv { separator }, [collection]) => table::export(db, collection, *separator, to).await,
        (ExportForm::Ldif { base }, [collection]) => directory::export(db, collection, base, to).await,
        _ => Err(ExportError::Several),
    }
}

/// Hands every object of a collection on, and says how many there are.
async fn each(db: &Db, collection: &str, mut take: impl FnMut(Resource) -> Result<(), ExportError> + Send) -> Result<u64, ExportError> {
    let (mut objects, mut paging) = (0, Paging::Start);
    loop {
        let query = Query { filter: Filter::True, sort: Vec::new(), page_size: Some(PAGE), paging, totals: TotalPolicy::None };
        let page = db.query(collection, &query).await?;
        for object in page.result {
            take(object)?;
            objects += 1;
        }
        match page.cookie {
            Some(cookie) => paging = Paging::Cookie(cookie),
            None => return Ok(objects),
        }
    }
}

/// The members of an object, its id and revision first.
fn members(object: Resource) -> Map<String, Value> {
    let mut members = Map::from_iter([("_id".to_owned(), json!(object.id)), ("_rev".to_owned(), json!(object.revision))]);
    if let Value::Object(content) = object.content {
        members.extend(content);
    }
    members
}

fn json_line(collection: &str, object: Resource, to: &mut impl Write) -> Result<(), ExportError> {
    let mut line = Map::from_iter([(COLLECTION.to_owned(), json!(collection))]);
    line.extend(members(object));
    serde_json::to_writer(&mut *to, &line).map_err(io::Error::from)?;
    Ok(to.write_all(b"\n")?)
}
