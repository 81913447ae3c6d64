//! Reading managed objects.
//!
//! Easiest to break: what a query costs. A search by a declared property goes through its terms whatever the size of the store; the
//! statement is written so that no planner has a choice, and tests ask the engine for its plan.
//!
//! Order: what is missing or null, then numbers and booleans (false as 0, true as 1), then text by code points; arrays and objects
//! stand as their JSON text. Ties are ordered by id.

use std::sync::Arc;

use async_trait::async_trait;
use crest::{Filter, Page, Paging, Pointer, Query, Resource, TotalPolicy};
use identity::find::Confirmation;
use identity::names::Canonical;
use identity::{Objects, ObjectsError, Referring};

use crate::engine::{self, Connection, Dialect};
use crate::error::Unavailable;
use crate::limit::{self, Limit};
use crate::lookups::{self, Declared};
use crate::order::{Order, Position, walk};
use crate::rows::resource;
use crate::scans::Scan;
use crate::sql::{Bound, Values};
use crate::sql_filter::{condition, probes};
use crate::values::BEHIND;
use crate::{Db, confirmations, cookie, references};

/// Objects that are checked in memory at a time, where SQL could not express the whole filter.
const BATCH: i64 = 256;

#[async_trait]
impl Objects for Db {
    async fn read(&self, collection: &str, id: &str) -> Result<Option<Resource>, ObjectsError> {
        if id.contains('\0') {
            return Ok(None);
        }
        let (of, wanted, declared) = (collection.to_owned(), id.to_owned(), self.declared());
        let read = move |connection: &Connection| {
            let query = connection.query("SELECT id, rev, doc FROM managed_object WHERE collection = $1 AND id = $2");
            let mut found = query.bind(&of).bind(&wanted).first(resource)?;
            references::hide(connection, &declared, &of, found.iter_mut())?;
            Ok(found)
        };
        let mut found = self.look::<Option<Resource>, ObjectsError, _>(read).await?;
        self.open_all(collection, found.as_mut_slice()).await?;
        Ok(found)
    }

    async fn query(&self, collection: &str, query: &Query) -> Result<Page, ObjectsError> {
        let mut declared = self.declared();
        loop {
            let found = self.search(collection, query, &declared).await?;
            if let Some(mut page) = found {
                self.open_all(collection, &mut page.result).await?;
                return Ok(page);
            }
            // The declaration changed between the look at it and the search.
            declared = self.reload_declared().await.map_err(|error| ObjectsError::Unavailable(error.0))?;
        }
    }

    async fn named(&self, collection: &str, property: &str, name: &Canonical) -> Result<Vec<String>, ObjectsError> {
        let (collection, property, name) = (collection.to_owned(), property.to_owned(), name.clone());
        self.by_name(move |connection, declared| lookups::holders(connection, declared, &collection, &property, &name)).await
    }

    async fn spelled(&self, collection: &str, property: &Pointer, name: &Canonical, limit: u32) -> Result<Vec<String>, ObjectsError> {
        let (collection, property, name) = (collection.to_owned(), property.clone(), name.clone());
        self.by_name(move |connection, declared| lookups::spelled(connection, declared, &collection, &property, &name, limit)).await
    }

    async fn nearest(&self, collection: &str, id: &str, limit: u32) -> Result<Vec<Resource>, ObjectsError> {
        let (of, wanted, declared) = (collection.to_owned(), id.to_owned(), self.declared());
        let look = move |connection: &Connection| {
            let (collection, id) = (of.as_str(), wanted.as_str());
            let from = |id: &str, limit: usize| {
                let query =
                    connection.query("SELECT id, rev, doc FROM managed_object WHERE collection = $1 AND id >= $2 ORDER BY id LIMIT $3");
                query.bind(collection).bind(id).bind(i64::try_from(limit).unwrap_or(i64::MAX)).all(resource)
            };
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let mut found = from(id, limit)?;
            if found.len() < limit {
                // Ids are drawn evenly: as good as never in a store of some size.
                let more = from("", limit - found.len())?;
                found.extend(more.into_iter().filter(|resource| resource.id.as_str() < id));
            }
            references::hide(connection, &declared, collection, found.iter_mut())?;
            Ok(found)
        };
        let mut found = self.look::<Vec<Resource>, ObjectsError, _>(look).await?;
        self.open_all(collection, &mut found).await?;
        Ok(found)
    }

    async fn referring(
        &self,
        collection: &str,
        property: &str,
        wanted: Referring<'_>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, ObjectsError> {
        let (collection, property, after) = (collection.to_owned(), property.to_owned(), after.to_owned());
        let (text, by_id) = match wanted {
            Referring::To(target) => (target.to_owned(), false),
            Referring::By(id) => (id.to_owned(), true),
        };
        self.by_name(move |connection, declared| {
            let wanted = if by_id { Referring::By(&text) } else { Referring::To(&text) };
            references::referring(connection, declared, (&collection, &property), wanted, &after, limit)
        })
        .await
    }

    async fn passed(&self, collection: &str, property: &str, target: &str, number: u64) -> Result<Option<String>, ObjectsError> {
        let (collection, property, target) = (collection.to_owned(), property.to_owned(), target.to_owned());
        let read = move |connection: &Connection, declared: &Declared| {
            references::passed(connection, declared, (&collection, &property), &target, number)
        };
        self.by_name(read).await
    }

    async fn referrers(&self, collection: &str, property: &str, target: &str) -> Result<u64, ObjectsError> {
        let (collection, property, target) = (collection.to_owned(), property.to_owned(), target.to_owned());
        self.by_name(move |connection, declared| references::count(connection, declared, &collection, &property, &target)).await
    }

    async fn confirmation(&self, collection: &str, id: &str) -> Result<Option<Confirmation>, ObjectsError> {
        let (collection, id) = (collection.to_owned(), id.to_owned());
        self.look(move |connection| confirmations::of(connection, &collection, &id)).await
    }
}

impl Db {
    /// Opens what is sealed of objects. Fails where that needs keys that another node has, and this one does not.
    async fn open_all(&self, collection: &str, found: &mut [Resource]) -> Result<(), ObjectsError> {
        let (values, mut is_whole) = (self.values(), true);
        for resource in found {
            is_whole &= values.open(collection, &resource.id, &mut resource.content).is_whole;
        }
        if !is_whole && self.look::<_, ObjectsError, _>(move |connection| values.are_behind(connection)).await? {
            return Err(ObjectsError::Unavailable(BEHIND.to_owned()));
        }
        Ok(())
    }

    async fn by_name<T, F>(&self, read: F) -> Result<T, ObjectsError>
    where
        F: Fn(&Connection, &Declared) -> Result<T, engine::Error> + Send + Sync + 'static,
        T: Send + 'static,
    {
        let (mut declared, read) = (self.declared(), Arc::new(read));
        loop {
            let (known, read) = (Arc::clone(&declared), Arc::clone(&read));
            let look = move |connection: &Connection| {
                let found = read(connection, &known)?;
                Ok(known.is_current(connection)?.then_some(found))
            };
            if let Some(found) = self.look::<_, ObjectsError, _>(look).await? {
                return Ok(found);
            }
            declared = self.reload_declared().await.map_err(|error| ObjectsError::Unavailable(error.0))?;
        }
    }

    /// One page; `None` when the declaration is not the one that was given (any more).
    async fn search(&self, collection: &str, query: &Query, declared: &Arc<Declared>) -> Result<Option<Page>, ObjectsError> {
        if let Some(readers) = self.readers() {
            let soon = readers.look(|connection| match connection.briefly(|| page(connection, collection, query, declared, None)) {
                Err(Failure::Store(error)) if engine::is_interrupted(&error) => Ok(None),
                done => done.map(Some).map_err(ObjectsError::from),
            })?;
            if let Some(found) = soon {
                return Ok(found);
            }
        }
        let is_long = probes(&query.filter, collection, declared, &mut Values::of(Dialect::Postgres)).is_none();
        if is_long && self.is_served() {
            return self.search_long(collection, query, declared).await;
        }
        let (collection, query, declared) = (collection.to_owned(), query.clone(), Arc::clone(declared));
        let read = move |connection: &Connection| page(connection, &collection, &query, &declared, None).map_err(ObjectsError::from);
        self.browse(is_long, read).await
    }

    /// [`Self::search`] without anything that objects are found by: until its time is over or nobody waits for it.
    async fn search_long(&self, collection: &str, query: &Query, declared: &Arc<Declared>) -> Result<Option<Page>, ObjectsError> {
        let scans = Arc::clone(self.scans());
        let is_in_order = query.sort.is_empty() || walk(&query.sort, collection, declared).is_some();
        // A list of everybody in an order that is kept is walked page by page.
        let scan = (query.filter != Filter::True || !is_in_order).then(|| Scan::of(collection, query));
        let turn = if scan.is_some() { Some(scans.turn().await?) } else { None };
        let (limit, _caller) = limit::limit(Some(scans.longest()));
        let (collection, query, declared) = (collection.to_owned(), query.clone(), Arc::clone(declared));
        let read = move |connection: &Connection| {
            // It ends with the reading, and not with whoever waits for it.
            let _turn = &turn;
            let begun = limit.begin();
            let found = page(connection, &collection, &query, &declared, Some(&limit));
            let given_up = limit.is_over() && matches!(found, Err(Failure::Store(_) | Failure::GivenUp));
            if let Some(scan) = &scan {
                scans.note(scan, begun, &limit, given_up);
            }
            if given_up { Err(ObjectsError::TooLong) } else { found.map_err(ObjectsError::from) }
        };
        self.browse(true, read).await
    }
}

/// The ids of what a query finds, within a transaction. The query names no cookie.
pub(crate) fn ids(connection: &Connection, declared: &Declared, collection: &str, query: &Query) -> Result<Vec<String>, ObjectsError> {
    let page = Search { connection, collection, query, declared, limit: None }.run()?;
    Ok(page.result.into_iter().map(|found| found.id).collect())
}

fn page(
    connection: &Connection,
    collection: &str,
    query: &Query,
    declared: &Declared,
    limit: Option<&Limit>,
) -> Result<Option<Page>, Failure> {
    let search = Search { connection, collection, query, declared, limit };
    // What is asked behind a search that was given up is no part of it.
    let found = limit.map_or_else(|| search.run(), |limit| connection.within(limit, || search.run()));
    let page = found.and_then(|mut page| {
        references::hide(connection, declared, collection, page.result.iter_mut())?;
        Ok(page)
    });
    // Epochs grow: if it is still the same, it was the same all the time.
    if declared.is_current(connection)? { page.map(Some) } else { Ok(None) }
}

enum Failure {
    Store(engine::Error),
    Query(ObjectsError),
    /// Its limit is over.
    GivenUp,
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for ObjectsError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => Unavailable::from(error).into(),
            Failure::Query(error) => error,
            Failure::GivenUp => Self::TooLong,
        }
    }
}

/// One query on the way.
struct Search<'a> {
    connection: &'a Connection,
    collection: &'a str,
    query: &'a Query,
    declared: &'a Declared,
    limit: Option<&'a Limit>,
}

/// FROM and WHERE of a search.
struct Scope {
    sql: String,
    exact: bool,
}

impl Search<'_> {
    fn run(&self) -> Result<Page, Failure> {
        let keys = self.query.sort.len();
        // A position on a walk holds terms and not values, and so does every one on an engine that orders by them.
        let way = match (self.walks(), self.connection.dialect()) {
            (true, Dialect::Sqlite) => "along ",
            (false, Dialect::Sqlite) => "",
            (true, Dialect::Postgres) => "along terms ",
            (false, Dialect::Postgres) => "by terms ",
        };
        let (mut position, mut skip) = match &self.query.paging {
            Paging::Start => (None, 0),
            Paging::Offset(offset) => (None, *offset),
            Paging::Cookie(cookie) => {
                let position = cookie::read(cookie, way, self.collection, self.query, keys);
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
        page.cookie = last.filter(|_| more).map(|last| cookie::write(way, self.collection, self.query, &last));
        page.total = self.total()?;
        Ok(page)
    }

    /// Whether a page is a part of a walk along the terms of the first sort key.
    fn walks(&self) -> bool {
        walk(&self.query.sort, self.collection, self.declared).is_some()
            && probes(&self.query.filter, self.collection, self.declared, &mut Values::of(self.connection.dialect())).is_none()
    }

    /// The next rows behind a position. One statement gives the whole page where SQL expresses the whole filter.
    fn batch(&self, position: Option<&Position>, skip: u64, size: u64) -> Result<Batch, Failure> {
        // A statement that ends early does not look at the limit by itself.
        if self.limit.is_some_and(Limit::is_over) {
            return Err(Failure::GivenUp);
        }
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
        let mut values = Values::of(self.connection.dialect());
        let order = Order::new(&self.query.sort, self.walks(), &mut values);
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
        let probes = probes(&self.query.filter, self.collection, self.declared, values);
        let walk = walk(&self.query.sort, self.collection, self.declared).filter(|_| in_order);
        let (then, by_id, collection) = (Dialect::THEN, values.dialect().by_id(), values.text(self.collection));
        let from = match (probes, walk) {
            (Some(probes), _) => {
                format!("({}) AS candidate{then}managed_object{by_id} WHERE id = candidate.object", probes.sql())
            }
            (None, Some(lookup)) => format!("lookup_key{then}managed_object{by_id} WHERE space = {} AND id = object", lookup.whole()),
            (None, None) => format!("managed_object{by_id} WHERE TRUE"),
        };
        let sql = format!(" FROM {from} AND collection = {collection} AND {}", filter.sql);
        Scope { sql, exact: filter.exact }
    }

    fn total(&self) -> Result<Option<u64>, Failure> {
        if self.query.totals == TotalPolicy::None {
            return Ok(None);
        }
        let mut values = Values::of(self.connection.dialect());
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
