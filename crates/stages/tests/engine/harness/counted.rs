//! Stores and hashes that are counted, and the clock and the randomness that do not differ from run to run.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use crest::{Clock, Page, Pointer, Query, Random, Resource, ResourceError};
use identity::names::Canonical;
use identity::secret::{Hasher, InlineHasher, Secret, Verdict};
use identity::{MemoryObjects, Objects, ObjectsError};
use serde_json::Value;

pub(crate) struct VirtualClock(pub(super) AtomicI64);

impl VirtualClock {
    pub(crate) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst).unsigned_abs())
    }
}

/// SplitMix64.
pub(crate) struct Seeded(pub(crate) AtomicU64);

impl Random for Seeded {
    fn fill(&self, target: &mut [u8]) {
        for chunk in target.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}
/// What one submission cost.
#[derive(Default)]
pub(crate) struct Work {
    pub(super) reads: AtomicU32,
    pub(super) hashes: AtomicU32,
    /// Objects that came out of the store.
    pub(super) rows: AtomicU32,
}

impl Work {
    fn read(&self, rows: usize) {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.rows.fetch_add(u32::try_from(rows).unwrap_or(u32::MAX), Ordering::SeqCst);
    }
}

pub(super) struct CountedObjects(pub(super) Arc<MemoryObjects>, pub(super) Arc<Work>);

#[async_trait]
impl Objects for CountedObjects {
    async fn read(&self, collection: &str, id: &str) -> Result<Option<Resource>, ObjectsError> {
        let found = self.0.read(collection, id).await?;
        self.1.read(usize::from(found.is_some()));
        Ok(found)
    }

    async fn query(&self, collection: &str, query: &Query) -> Result<Page, ObjectsError> {
        let page = self.0.query(collection, query).await?;
        self.1.read(page.result.len());
        Ok(page)
    }

    async fn nearest(&self, collection: &str, id: &str, limit: u32) -> Result<Vec<Resource>, ObjectsError> {
        let found = self.0.nearest(collection, id, limit).await?;
        self.1.read(found.len());
        Ok(found)
    }

    async fn named(&self, collection: &str, property: &str, name: &Canonical) -> Result<Vec<String>, ObjectsError> {
        self.1.reads.fetch_add(1, Ordering::SeqCst);
        self.0.named(collection, property, name).await
    }

    async fn spelled(&self, collection: &str, property: &Pointer, name: &Canonical, limit: u32) -> Result<Vec<String>, ObjectsError> {
        self.1.reads.fetch_add(1, Ordering::SeqCst);
        self.0.spelled(collection, property, name, limit).await
    }

    async fn referring(
        &self,
        collection: &str,
        property: &str,
        wanted: identity::Referring<'_>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, ObjectsError> {
        self.1.reads.fetch_add(1, Ordering::SeqCst);
        self.0.referring(collection, property, wanted, after, limit).await
    }

    async fn referrers(&self, collection: &str, property: &str, target: &str) -> Result<u64, ObjectsError> {
        self.1.reads.fetch_add(1, Ordering::SeqCst);
        self.0.referrers(collection, property, target).await
    }

    async fn confirmation(&self, collection: &str, id: &str) -> Result<Option<identity::find::Confirmation>, ObjectsError> {
        self.0.confirmation(collection, id).await
    }
}

pub(super) struct CountedHasher(pub(super) InlineHasher, pub(super) Arc<Work>);

#[async_trait]
impl Hasher for CountedHasher {
    async fn hash(&self, secret: Secret) -> Result<Value, ResourceError> {
        self.1.hashes.fetch_add(1, Ordering::SeqCst);
        self.0.hash(secret).await
    }

    async fn verify(&self, secret: Secret, stored: Option<Value>) -> Result<Verdict, ResourceError> {
        self.1.hashes.fetch_add(1, Ordering::SeqCst);
        self.0.verify(secret, stored).await
    }
}
