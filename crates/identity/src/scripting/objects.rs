//! The store as a script sees it in the middle of a write: with what the write, and the script itself, have done so far.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use crest::{Change, Page, Paging, Pointer, Query, Resource, SortKey};
use serde_json::Value;

use crate::names::{self, Canonical};
use crate::ports::{Confirmation, Objects, ObjectsError, Referring};

/// Objects with changes over them that are not committed yet.
pub(crate) struct Overlay {
    below: Arc<dyn Objects>,
    changes: Mutex<Vec<Change>>,
}

impl Overlay {
    pub(crate) fn over(below: Arc<dyn Objects>) -> Self {
        Self { below, changes: Mutex::default() }
    }

    /// One more change.
    pub(crate) fn push(&self, change: Change) {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }

    /// Whether objects of a collection are changed.
    pub(crate) fn is_touched(&self, collection: &str) -> bool {
        !self.of_collection(collection).is_empty()
    }

    fn of_collection(&self, wanted: &str) -> Vec<Change> {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.iter().filter(|change| change.object().0 == wanted).cloned().collect()
    }
}

#[async_trait]
impl Objects for Overlay {
    async fn read(&self, collection: &str, id: &str) -> Result<Option<Resource>, ObjectsError> {
        let stored = self.below.read(collection, id).await?;
        let changes = self.of_collection(collection);
        Ok(changes.iter().filter(|change| change.object().1 == id).fold(stored, |stored, change| change.preview(stored)))
    }

    async fn query(&self, collection: &str, query: &Query) -> Result<Page, ObjectsError> {
        let touched = touched(&self.of_collection(collection));
        if touched.is_empty() {
            return self.below.query(collection, query).await;
        }
        let offset = if let Paging::Offset(offset) = query.paging { offset } else { 0 };
        // As many more as may fall out, and those before the page: what is changed may stand before it or in it.
        let more = u64::try_from(touched.len()).unwrap_or(u64::MAX).saturating_add(offset);
        let paging = if offset > 0 { Paging::Start } else { query.paging.clone() };
        let wider = Query { page_size: query.page_size.map(|size| size.saturating_add(more)), paging, ..query.clone() };
        let mut page = self.below.query(collection, &wider).await?;
        for id in touched {
            page.result.retain(|found| found.id != id);
            if let Some(total) = &mut page.total {
                let stored = self.below.read(collection, &id).await?;
                *total = total.saturating_sub(u64::from(stored.is_some_and(|stored| query.filter.matches(&stored.to_value()))));
            }
            if let Some(object) = self.read(collection, &id).await?
                && query.filter.matches(&object.to_value())
            {
                page.total = page.total.map(|total| total + 1);
                page.result.push(object);
            }
        }
        let mut in_order: Vec<(Value, Resource)> = page.result.into_iter().map(|object| (object.to_value(), object)).collect();
        in_order.sort_by(|(value, one), (other_value, other)| {
            SortKey::compare(&query.sort, value, other_value).then_with(|| one.id.cmp(&other.id))
        });
        page.result = in_order.into_iter().map(|(_, object)| object).collect();
        let first = usize::try_from(offset).unwrap_or(usize::MAX).min(page.result.len());
        page.result.drain(..first);
        page.result.truncate(query.page_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX));
        Ok(page)
    }

    async fn named(&self, collection: &str, property: &str, name: &Canonical) -> Result<Vec<String>, ObjectsError> {
        let mut holders = self.below.named(collection, property, name).await?;
        for id in touched(&self.of_collection(collection)) {
            holders.retain(|holder| *holder != id);
            let object = self.read(collection, &id).await?;
            let own = object.and_then(|object| names::check_name::<&str>(object.content.get(property)?.as_str()?, &[]).ok());
            if own.is_some_and(|own| own.collides_with(name)) {
                holders.push(id);
            }
        }
        Ok(holders)
    }

    async fn spelled(&self, collection: &str, place: &Pointer, name: &Canonical, limit: u32) -> Result<Vec<String>, ObjectsError> {
        let mut holders = self.below.spelled(collection, place, name, limit).await?;
        for id in touched(&self.of_collection(collection)) {
            holders.retain(|holder| *holder != id);
            let object = self.read(collection, &id).await?;
            let own = object.and_then(|object| names::form(place.get(&object.content)?.as_str()?));
            if own.is_some_and(|own| own.as_str() == name.as_str()) {
                holders.push(id);
            }
        }
        Ok(holders)
    }

    async fn nearest(&self, collection: &str, id: &str, limit: u32) -> Result<Vec<Resource>, ObjectsError> {
        self.below.nearest(collection, id, limit).await
    }

    async fn referring(
        &self,
        collection: &str,
        property: &str,
        wanted: Referring<'_>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, ObjectsError> {
        let touched = touched(&self.of_collection(collection));
        // As many more as may fall out: the end of a page is then never one that was added behind it.
        let more = u32::try_from(touched.len()).unwrap_or(u32::MAX);
        let mut found = self.below.referring(collection, property, wanted, after, limit.saturating_add(more)).await?;
        for id in touched {
            found.retain(|known| *known != id);
            if id.as_str() <= after {
                continue;
            }
            let object = self.read(collection, &id).await?;
            if object.is_some_and(|object| wanted.is_among(collection, &id, property, &object.content)) {
                found.push(id);
            }
        }
        found.sort_unstable();
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn referrers(&self, collection: &str, property: &str, target: &str) -> Result<u64, ObjectsError> {
        self.below.referrers(collection, property, target).await
    }

    async fn confirmation(&self, collection: &str, id: &str) -> Result<Option<Confirmation>, ObjectsError> {
        self.below.confirmation(collection, id).await
    }
}

fn touched(changes: &[Change]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for change in changes {
        let id = change.object().1;
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    ids
}
