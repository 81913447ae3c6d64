//! The way out: everything that is kept of objects, as JSON lines, in the form in which `vestibule import` reads them.
//!
//! Easiest to break: nothing is left in. Hashes, private properties and metadata are in it, so that whoever leaves takes all of it along; what is
//! sealed at rest comes in clear. The file is for its owner alone.

use std::io::Write;

use crest::{Filter, Paging, Query, TotalPolicy};
use identity::{Objects as _, ObjectsError};
use serde_json::{Map, Value, json};
use store::Db;

use crate::record::COLLECTION;

/// Objects that are read at once.
const PAGE: u64 = 500;

/// Why an export is not whole.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store does not do what it is asked.
    #[error("the store: {0}")]
    Store(#[from] ObjectsError),
    /// Nothing of this name is kept.
    #[error("there is no collection '{0}'; there are {1}")]
    Collection(String, String),
    /// The file cannot be written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Writes every object of these collections, one on each line, and says how many. References stand with the object that keeps them.
///
/// # Errors
/// [`ExportError`].
pub async fn export(db: &Db, collections: &[String], to: &mut (impl Write + Send)) -> Result<u64, ExportError> {
    let mut written = 0;
    for collection in collections {
        let mut paging = Paging::Start;
        loop {
            let query = Query { filter: Filter::True, sort: Vec::new(), page_size: Some(PAGE), paging, totals: TotalPolicy::None };
            let page = db.query(collection, &query).await?;
            for object in page.result {
                let mut line = Map::from_iter([
                    (COLLECTION.to_owned(), json!(collection)),
                    ("_id".to_owned(), json!(object.id)),
                    ("_rev".to_owned(), json!(object.revision)),
                ]);
                if let Value::Object(content) = object.content {
                    line.extend(content);
                }
                serde_json::to_writer(&mut *to, &line).map_err(std::io::Error::from)?;
                to.write_all(b"\n")?;
                written += 1;
            }
            match page.cookie {
                Some(cookie) => paging = Paging::Cookie(cookie),
                None => break,
            }
        }
    }
    Ok(written)
}
