//! Objects in memory, for tests of this crate and of those that build on it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use crest::{Change, Page, Paging, Query, Resource, ResourceError};
use serde_json::Value;

use super::{Objects, ObjectsError};
use crate::names::{Canonical, check_name};

type Collections = BTreeMap<String, BTreeMap<String, Resource>>;

/// A store in memory. [`MemoryObjects::commit`] does to it what a real store does inside its transaction, unique values excepted.
#[derive(Debug, Default)]
pub struct MemoryObjects {
    collections: Mutex<Collections>,
}

impl MemoryObjects {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an object there as it is.
    pub fn put(&self, collection: &str, id: &str, content: Value) {
        self.with(|collections| {
            let objects = collections.entry(collection.to_owned()).or_default();
            let revision = objects.get(id).map_or_else(|| "0".into(), |old| next(&old.revision));
            objects.insert(id.to_owned(), Resource { id: id.to_owned(), revision, content });
        });
    }

    /// The object as it is stored.
    pub fn stored(&self, collection: &str, id: &str) -> Option<Resource> {
        self.with(|collections| collections.get(collection)?.get(id).cloned())
    }

    /// Applies a change.
    ///
    /// # Errors
    /// 404 for an object that is not there, 412 for a taken id, a stale revision or a guard that does not hold, and what a patch that
    /// cannot be applied answers.
    pub fn commit(&self, change: &Change) -> Result<(), ResourceError> {
        self.with(|collections| {
            let (Change::Create { collection, .. }
            | Change::Replace { collection, .. }
            | Change::Patch { collection, .. }
            | Change::Delete { collection, .. }) = change;
            let objects = collections.entry(collection.clone()).or_default();
            match change {
                Change::Create { id, content, .. } => {
                    if objects.contains_key(id) {
                        return Err(ResourceError::precondition_failed("Create rejected as Object with same ID already exists"));
                    }
                    objects.insert(id.clone(), Resource { id: id.clone(), revision: "0".into(), content: content.clone() });
                }
                Change::Replace { id, content, expected, .. } => {
                    let current = current(objects, id, expected.as_deref())?;
                    let revision = next(&current.revision);
                    *current = Resource { id: id.clone(), revision, content: content.clone() };
                }
                Change::Patch { id, patch, expected, guard, .. } => {
                    let current = current(objects, id, expected.as_deref())?;
                    if guard.as_ref().is_some_and(|guard| !guard.holds(&current.content)) {
                        return Err(ResourceError::precondition_failed("The object has changed"));
                    }
                    if patch.apply(&mut current.content)? {
                        current.revision = next(&current.revision);
                    }
                }
                Change::Delete { id, expected, .. } => {
                    current(objects, id, expected.as_deref())?;
                    objects.remove(id);
                }
            }
            Ok(())
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Collections) -> T) -> T {
        work(&mut self.collections.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

fn current<'a>(objects: &'a mut BTreeMap<String, Resource>, id: &str, expected: Option<&str>) -> Result<&'a mut Resource, ResourceError> {
    let current = objects.get_mut(id).ok_or_else(|| ResourceError::not_found(format!("Object {id} not found")))?;
    match expected {
        Some(expected) if expected != current.revision => Err(ResourceError::precondition_failed("The object has changed")),
        _ => Ok(current),
    }
}

fn next(revision: &str) -> String {
    (revision.parse::<u64>().unwrap_or(0) + 1).to_string()
}

#[async_trait]
impl Objects for MemoryObjects {
    async fn read(&self, collection: &str, id: &str) -> Result<Option<Resource>, ObjectsError> {
        Ok(self.stored(collection, id))
    }

    async fn query(&self, collection: &str, query: &Query) -> Result<Page, ObjectsError> {
        let mut found: Vec<Resource> = self.with(|collections| {
            let objects = collections.get(collection).into_iter().flat_map(BTreeMap::values);
            objects.filter(|resource| query.filter.matches(&resource.to_value())).cloned().collect()
        });
        let total = found.len() as u64;
        let start = match &query.paging {
            Paging::Start => 0,
            Paging::Offset(offset) => *offset,
            Paging::Cookie(cookie) => cookie.parse().map_err(|_| ObjectsError::InvalidCookie)?,
        };
        found.drain(..usize::try_from(start).unwrap_or(usize::MAX).min(found.len()));
        let size = query.page_size.filter(|size| *size > 0).and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
        let more = found.len() > size;
        found.truncate(size);
        let cookie = more.then(|| (start + found.len() as u64).to_string());
        Ok(Page { result: found, cookie, total: Some(total) })
    }

    async fn named(&self, collection: &str, property: &str, name: &Canonical) -> Result<Vec<String>, ObjectsError> {
        let collides = |resource: &&Resource| {
            let text = resource.content.get(property).and_then(Value::as_str);
            text.and_then(|text| check_name::<&str>(text, &[]).ok()).is_some_and(|other| other.collides_with(name))
        };
        Ok(self.with(|collections| {
            let objects = collections.get(collection).into_iter().flat_map(BTreeMap::values);
            objects.filter(collides).map(|resource| resource.id.clone()).collect()
        }))
    }
}
