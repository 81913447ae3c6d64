//! Objects in memory: for rehearsals of a project, and for tests of this crate and of those that build on it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use crest::{Change, Page, Paging, Pointer, Query, Resource, ResourceError, reference};
use serde_json::Value;

use super::{Confirmation, Objects, ObjectsError, Referring};
use crate::names::{Canonical, form};

type Collections = BTreeMap<String, BTreeMap<String, Arc<Resource>>>;

/// What a store in memory held at some time, by collection and id. Taking it and going back to it copies nothing: what changes later is copied then.
pub type Everything = Arc<Collections>;

/// A store in memory. [`MemoryObjects::commit`] does to it what a real store does inside its transaction, unique values excepted.
#[derive(Debug, Default)]
pub struct MemoryObjects {
    collections: Mutex<Everything>,
}

impl MemoryObjects {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an object there as it is.
    pub fn put(&self, collection: &str, id: &str, content: Value) {
        self.change(|collections| {
            let objects = collections.entry(collection.to_owned()).or_default();
            let revision = objects.get(id).map_or_else(|| "0".into(), |old| next(&old.revision));
            objects.insert(id.to_owned(), Arc::new(Resource { id: id.to_owned(), revision, content }));
        });
    }

    /// Makes the object what it was, gone included: undoes a change of a unit that fails.
    pub fn restore(&self, collection: &str, id: &str, former: Option<Resource>) {
        self.change(|collections| {
            let objects = collections.entry(collection.to_owned()).or_default();
            match former {
                Some(resource) => objects.insert(id.to_owned(), Arc::new(resource)),
                None => objects.remove(id),
            };
        });
    }

    /// Everything, by collection and id.
    pub fn everything(&self) -> Everything {
        Arc::clone(&self.lock())
    }

    /// Takes everything there is to be what it was, [`MemoryObjects::everything`].
    pub fn become_all(&self, everything: Everything) {
        *self.lock() = everything;
    }

    /// The object as it is stored.
    pub fn stored(&self, collection: &str, id: &str) -> Option<Resource> {
        self.with(|collections| collections.get(collection)?.get(id).map(|stored| stored.as_ref().clone()))
    }

    /// Applies a change.
    ///
    /// # Errors
    /// 404 for an object that is not there, 412 for a taken id, a stale revision or a guard that does not hold, and what a patch that
    /// cannot be applied answers.
    pub fn commit(&self, change: &Change) -> Result<(), ResourceError> {
        self.change(|collections| {
            let objects = collections.entry(change.object().0.to_owned()).or_default();
            match change {
                Change::Create { id, content, .. } => {
                    if objects.contains_key(id) {
                        return Err(ResourceError::precondition_failed("Create rejected as Object with same ID already exists"));
                    }
                    objects.insert(id.clone(), Arc::new(Resource { id: id.clone(), revision: "0".into(), content: content.clone() }));
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
                Change::Link { id, property, many, reference, replaces, .. } => {
                    let current = current(objects, id, None)?;
                    if reference::link(&mut current.content, id, property, *many, reference, *replaces)? {
                        current.revision = next(&current.revision);
                    }
                }
                Change::Unlink { id, property, reference, .. } => {
                    if let Ok(current) = current(objects, id, None)
                        && reference::unlink(&mut current.content, property, reference)
                    {
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

    fn by_name(&self, collection: &str, property: &Pointer, matches: impl Fn(&Canonical) -> bool) -> Vec<String> {
        let matches = |resource: &&Arc<Resource>| {
            let name = property.get(&resource.content).and_then(Value::as_str).and_then(form);
            name.is_some_and(|name| matches(&name))
        };
        self.with(|collections| {
            let objects = collections.get(collection).into_iter().flat_map(BTreeMap::values);
            objects.filter(matches).map(|resource| resource.id.clone()).collect()
        })
    }

    fn lock(&self) -> MutexGuard<'_, Everything> {
        self.collections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, work: impl FnOnce(&Collections) -> T) -> T {
        work(&self.lock())
    }

    fn change<T>(&self, work: impl FnOnce(&mut Collections) -> T) -> T {
        work(Arc::make_mut(&mut self.lock()))
    }
}

fn current<'a>(
    objects: &'a mut BTreeMap<String, Arc<Resource>>,
    id: &str,
    expected: Option<&str>,
) -> Result<&'a mut Resource, ResourceError> {
    let current = objects.get_mut(id).map(Arc::make_mut).ok_or_else(|| ResourceError::not_found(format!("Object {id} not found")))?;
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
            objects.filter(|resource| query.filter.matches(&resource.to_value())).map(|found| found.as_ref().clone()).collect()
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
        Ok(self.by_name(collection, &Pointer::from_tokens([property]), |other| other.collides_with(name)))
    }

    async fn spelled(&self, collection: &str, property: &Pointer, name: &Canonical, limit: u32) -> Result<Vec<String>, ObjectsError> {
        let mut ids = self.by_name(collection, property, |other| other.as_str() == name.as_str());
        ids.truncate(limit as usize);
        Ok(ids)
    }

    async fn nearest(&self, collection: &str, id: &str, limit: u32) -> Result<Vec<Resource>, ObjectsError> {
        Ok(self.with(|collections| {
            let Some(objects) = collections.get(collection) else { return Vec::new() };
            let later = objects.range(id.to_owned()..).chain(objects.range(..id.to_owned()));
            later.take(limit as usize).map(|(_, resource)| resource.as_ref().clone()).collect()
        }))
    }

    async fn referring(
        &self,
        collection: &str,
        property: &str,
        wanted: Referring<'_>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, ObjectsError> {
        let is_one =
            |object: &&Arc<Resource>| object.id.as_str() > after && wanted.is_among(collection, &object.id, property, &object.content);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(self.with(|collections| {
            let objects = collections.get(collection).into_iter().flat_map(BTreeMap::values);
            objects.filter(is_one).take(limit).map(|object| object.id.clone()).collect()
        }))
    }

    async fn referrers(&self, collection: &str, property: &str, target: &str) -> Result<u64, ObjectsError> {
        Ok(self.referring(collection, property, Referring::To(target), "", u32::MAX).await?.len() as u64)
    }

    async fn confirmation(&self, _: &str, _: &str) -> Result<Option<Confirmation>, ObjectsError> {
        Ok(None)
    }
}
