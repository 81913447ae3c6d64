//! Reading managed objects.
//!
//! Easiest to break: what a query costs. A search by an indexed property goes through its index whatever the size of the store; the
//! statement says which, and tests ask the engine for its plan.
//!
//! Order: what is missing or null, then numbers and booleans (false as 0, true as 1), then text by code points; arrays and objects
//! stand as their JSON text. Ties are ordered by id.

use async_trait::async_trait;
use crest::{Page, Paging, Query, Resource, TotalPolicy};
use identity::names::Canonical;
use identity::{Objects, ObjectsError};

use crate::error::Unavailable;
use crate::order::{Order, Position, walk};
use crate::sql::{Bound, Values};
use crate::sql_filter::{condition, probes};
use crate::sqlite::{self, Connection, Row};
use crate::{Collections, Db, cookie, identifiers};

/// Objects that are checked in memory at a time, where SQL could not express the whole filter.
const BATCH: i64 = 256;

/// A revision as it is shown: 16 hexadecimal digits, as IDM 7 does.
pub(crate) fn revision(number: i64) -> String {
    format!("{number:016x}")
}

/// The number behind a revision; `None` for text that is none.
pub(crate) fn revision_number(text: &str) -> Option<i64> {
    let canonical = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    canonical.then(|| i64::from_str_radix(text, 16).ok()).flatten()
}

/// Reads an object from columns `id`, `rev` and `doc`.
pub(crate) fn resource(row: &Row<'_>) -> Result<Resource, sqlite::Error> {
    Ok(Resource { id: row.get("id")?, revision: revision(row.get("rev")?), content: sqlite::json(row, "doc")? })
}

#[async_trait]
impl Objects for Db {
    async fn read(&self, collection: &str, id: &str) -> Result<Option<Resource>, ObjectsError> {
        self.look(|connection| {
            let query = connection.query("SELECT id, rev, doc FROM managed_object WHERE collection = $1 AND id = $2");
            query.bind(collection).bind(id).first(resource)
        })
    }

    async fn query(&self, collection: &str, query: &Query) -> Result<Page, ObjectsError> {
        let indexes = self.collections();
        let soon = self.readers().look(|connection| match connection.briefly(|| page(connection, collection, query, &indexes)) {
            Err(Failure::Store(error)) if sqlite::is_interrupted(&error) => Ok(None),
            done => done.map(Some).map_err(ObjectsError::from),
        })?;
        if let Some(page) = soon {
            return Ok(page);
        }
        let (collection, query) = (collection.to_owned(), query.clone());
        let found = self.readers().walk(move |connection| page(connection, &collection, &query, &indexes).map_err(ObjectsError::from));
        found.await
    }

    async fn named(&self, collection: &str, property: &str, name: &Canonical) -> Result<Vec<String>, ObjectsError> {
        self.look(|connection| identifiers::holders(connection, collection, property, name))
    }
}

fn page(connection: &Connection, collection: &str, query: &Query, indexes: &Collections) -> Result<Page, Failure> {
    let search = Search { connection, collection, query, indexes };
    match search.run() {
        // The indexes changed between the look at them and the statement. Without them the answer is the same.
        Err(Failure::Store(error)) if sqlite::lacks_index(&error) => {
            tracing::warn!(collection, "an index is missing, the collection is searched without");
            Search { indexes: &Collections::new(), ..search }.run()
        }
        done => done,
    }
}

enum Failure {
    Store(sqlite::Error),
    Query(ObjectsError),
}

impl From<sqlite::Error> for Failure {
    fn from(error: sqlite::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for ObjectsError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => Unavailable::from(error).into(),
            Failure::Query(error) => error,
        }
    }
}

/// One query on the way.
struct Search<'a> {
    connection: &'a Connection,
    collection: &'a str,
    query: &'a Query,
    indexes: &'a Collections,
}

/// FROM and WHERE of a search.
struct Scope {
    sql: String,
    exact: bool,
}

impl Search<'_> {
    fn run(&self) -> Result<Page, Failure> {
        let keys = self.query.sort.len();
        let (mut position, mut skip) = match &self.query.paging {
            Paging::Start => (None, 0),
            Paging::Offset(offset) => (None, *offset),
            Paging::Cookie(cookie) => {
                let position = cookie::read(cookie, self.collection, self.query, keys);
                (Some(position.ok_or(Failure::Query(ObjectsError::InvalidCookie))?), 0)
            }
        };
        let size = self.query.page_size.filter(|size| *size > 0).unwrap_or(u64::MAX);
        let mut page = Page::default();
        let mut last = None;
        let more = 'found: loop {
            let batch = self.batch(position.as_ref(), skip, size)?;
            if batch.exact {
                skip = 0;
            }
            let full = batch.full;
            for (resource, at) in batch.rows {
                position = Some(at);
                if !batch.exact && !self.query.filter.matches(&resource.to_value()) {
                    continue;
                }
                if skip > 0 {
                    skip -= 1;
                } else if page.result.len() as u64 == size {
                    break 'found true;
                } else {
                    page.result.push(resource);
                    last.clone_from(&position);
                }
            }
            if !full {
                break false;
            }
        };
        page.cookie = last.filter(|_| more).map(|last| cookie::write(self.collection, self.query, &last));
        page.total = self.total()?;
        Ok(page)
    }

    /// The next rows behind a position. One statement gives the whole page where SQL expresses the whole filter.
    fn batch(&self, position: Option<&Position>, skip: u64, size: u64) -> Result<Batch, Failure> {
        let Statement { text, values, order, limit, exact } = self.statement(position, skip, size).map_err(Failure::Query)?;
        let rows = values.query(self.connection, text).all(|row| {
            let resource = resource(row)?;
            let at = order.position(row, 3, &resource.id)?;
            Ok((resource, at))
        })?;
        let full = i64::try_from(rows.len()).is_ok_and(|found| found >= limit);
        Ok(Batch { rows, full, exact })
    }

    fn statement(&self, position: Option<&Position>, skip: u64, size: u64) -> Result<Statement, ObjectsError> {
        let mut values = Values::default();
        let order = Order::new(&self.query.sort, &mut values);
        let order = order.map_err(|key| ObjectsError::UnsupportedFilter(format!("the sort key {key}")))?;
        let Scope { sql, exact } = self.scope(&mut values, true);
        let behind = position.map(|position| format!(" AND {}", order.behind(position, &mut values))).unwrap_or_default();
        // One more than the page holds, to know whether there is another.
        let limit = if exact { i64::try_from(size).map_or(i64::MAX, |size| size.saturating_add(1)) } else { BATCH };
        let offset = if exact { i64::try_from(skip).unwrap_or(i64::MAX) } else { 0 };
        let (columns, by) = (order.columns(), order.sql());
        let (limit_at, offset_at) = (values.bind(Bound::Integer(limit)), values.bind(Bound::Integer(offset)));
        let text = format!("SELECT id, rev, doc{columns}{sql}{behind} ORDER BY {by} LIMIT {limit_at} OFFSET {offset_at}");
        Ok(Statement { text, values, order, limit, exact })
    }

    /// ` FROM … WHERE …`
    fn scope(&self, values: &mut Values, in_order: bool) -> Scope {
        let filter = condition(&self.query.filter, values);
        let probes = probes(&self.query.filter, self.collection, self.indexes, values);
        let walk = walk(&self.query.sort, self.collection, self.indexes).filter(|_| in_order);
        let sql = match (probes, walk) {
            (Some(probes), _) => {
                format!(" FROM managed_object{} WHERE {} IN ({}) AND {}", sqlite::BY_ROW, sqlite::ROW, probes.sql(), filter.sql)
            }
            (None, Some((index, within))) => format!(" FROM managed_object{index} WHERE {within} AND {}", filter.sql),
            (None, None) => {
                let collection = values.text(self.collection);
                format!(" FROM managed_object{} WHERE collection = {collection} AND {}", sqlite::BY_ID, filter.sql)
            }
        };
        Scope { sql, exact: filter.exact }
    }

    fn total(&self) -> Result<Option<u64>, Failure> {
        if self.query.totals == TotalPolicy::None {
            return Ok(None);
        }
        let mut values = Values::default();
        let scope = self.scope(&mut values, false);
        if scope.exact || self.query.totals == TotalPolicy::Estimate {
            let total = values.query(self.connection, format!("SELECT count(*){}", scope.sql)).one(|row| row.get::<_, i64>(0))?;
            return Ok(u64::try_from(total).ok());
        }
        let unsorted = Query { sort: Vec::new(), ..self.query.clone() };
        let search = Search { query: &unsorted, ..*self };
        let (mut total, mut position) = (0, None);
        loop {
            let batch = search.batch(position.as_ref(), 0, u64::MAX)?;
            total += batch.rows.iter().filter(|(resource, _)| self.query.filter.matches(&resource.to_value())).count() as u64;
            position = batch.rows.into_iter().next_back().map(|(_, at)| at);
            if !batch.full {
                return Ok(Some(total));
            }
        }
    }
}

/// A statement for one batch.
struct Statement {
    text: String,
    values: Values,
    order: Order,
    limit: i64,
    exact: bool,
}

/// What it found.
struct Batch {
    rows: Vec<(Resource, Position)>,
    /// Whether there may be more.
    full: bool,
    exact: bool,
}

#[cfg(test)]
mod tests;
