//! The contract suite of the stores on the ledger in memory: what the engine's tests show holds for what they run on.

use std::sync::Arc;

use async_trait::async_trait;
use crest::{Page, Pointer, Query, Resource};
use identity::find::Confirmation;
use identity::names::Canonical;
use identity::{MemoryObjects, Objects, ObjectsError};
use process::{CommitError, LedgerError, Receipt, Unit};

use crate::harness::ledger_around;
use rehearsal::MemoryLedger;

/// The ledger and its objects as one store.
#[derive(Clone)]
struct Memory {
    objects: Arc<MemoryObjects>,
    ledger: Arc<MemoryLedger>,
}

async fn memory() -> (Memory, ()) {
    let objects = Arc::new(MemoryObjects::new());
    let ledger = Arc::new(MemoryLedger::new(Arc::clone(&objects)));
    // As `store::contract::collections` has it.
    ledger.keep_unique("userName");
    ledger.keep_unique_in("managed/role", "name");
    (Memory { objects, ledger }, ())
}

store::contract_tests!(memory, units);

#[async_trait]
impl Objects for Memory {
    async fn read(&self, collection: &str, id: &str) -> Result<Option<Resource>, ObjectsError> {
        self.objects.read(collection, id).await
    }

    async fn query(&self, collection: &str, query: &Query) -> Result<Page, ObjectsError> {
        self.objects.query(collection, query).await
    }

    async fn named(&self, collection: &str, property: &str, name: &Canonical) -> Result<Vec<String>, ObjectsError> {
        self.objects.named(collection, property, name).await
    }

    async fn spelled(&self, collection: &str, property: &Pointer, name: &Canonical, limit: u32) -> Result<Vec<String>, ObjectsError> {
        self.objects.spelled(collection, property, name, limit).await
    }

    async fn nearest(&self, collection: &str, id: &str, limit: u32) -> Result<Vec<Resource>, ObjectsError> {
        self.objects.nearest(collection, id, limit).await
    }

    async fn referring(
        &self,
        collection: &str,
        property: &str,
        wanted: identity::Referring<'_>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, ObjectsError> {
        self.objects.referring(collection, property, wanted, after, limit).await
    }

    async fn referrers(&self, collection: &str, property: &str, target: &str) -> Result<u64, ObjectsError> {
        self.objects.referrers(collection, property, target).await
    }

    async fn confirmation(&self, collection: &str, id: &str) -> Result<Option<Confirmation>, ObjectsError> {
        self.objects.confirmation(collection, id).await
    }
}

ledger_around!(Memory, ledger, {
    async fn commit(&self, unit: Unit) -> Result<Receipt, CommitError> {
        self.ledger.commit(unit).await
    }

    async fn count(&self, counter: &str, now: i64, expires: i64) -> Result<u32, LedgerError> {
        self.ledger.count(counter, now, expires).await
    }
});
