//! What objects are found by, as it is declared while the store is served.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use process::LedgerError;

use super::Db;
use crate::engine::Connection;
use crate::job::Kept;
use crate::lookups::{self, Begun, Lookup, Others, Slice};
use crate::{Collections, Doubled};

/// How often something is declared while others declare something else.
const DECLARED: u32 = 5;

impl Db {
    /// Declares exactly this: what is new can be looked up, sorted by and is unique from now on, what is missing no longer, and what is
    /// sealed is sealed. Objects are read and written meanwhile, and found as before. Gives the unique properties that stored objects contradict.
    ///
    /// # Errors
    /// When the store does not answer, or others declare something else all the time; objects are found by what was declared before.
    pub async fn declare(&self, collections: &Collections) -> Result<Vec<Doubled>, LedgerError> {
        let doubled = Box::pin(self.bring(collections, Others::Forgotten)).await?;
        let before =
            std::mem::replace(&mut *self.shared.collections.write().unwrap_or_else(PoisonError::into_inner), Arc::new(collections.clone()));
        // Everything that is sealed is looked at, which costs as much as there are people.
        if !before.sealed().eq(collections.sealed()) {
            self.shared.to_be_sealed.store(true, Ordering::Relaxed);
        }
        self.seal_again().await?;
        Ok(doubled)
    }

    pub(super) async fn bring(&self, collections: &Collections, others: Others) -> Result<Vec<Doubled>, LedgerError> {
        for _ in 0..DECLARED {
            let wanted = collections.clone();
            let begun = self.run::<_, LedgerError, _>(Kept::Always, move |connection| lookups::begin(connection, &wanted, others)).await?;
            let Some(suspected) = self.fill(begun).await? else { continue };
            let mut doubled = Vec::new();
            for (collection, lookup) in suspected {
                let note = move |connection: &Connection| lookups::note_doubled(connection, &collection, &lookup);
                doubled.extend(self.run::<_, LedgerError, _>(Kept::Always, note).await?);
            }
            // The rest is a matter of the sweep.
            self.run::<_, LedgerError, _>(Kept::ByProcess, lookups::remove_forgotten).await?;
            self.reload_declared().await?;
            return Ok(doubled);
        }
        Err(LedgerError("others declare something else at the same time".to_owned()))
    }

    /// Makes the terms of a declaration that was begun; its unique properties of which values may be there twice, or nothing where somebody has declared
    /// something else meanwhile.
    async fn fill(&self, mut begun: Begun) -> Result<Option<Vec<(String, Lookup)>>, LedgerError> {
        for (collection, mut filling) in std::mem::take(&mut begun.filling) {
            loop {
                let (of, so_far) = (collection.clone(), filling.clone());
                let slice = move |connection: &Connection| lookups::fill(connection, &of, &so_far);
                match self.run::<_, LedgerError, _>(Kept::Always, slice).await? {
                    Slice::More(last) => filling.after = last,
                    Slice::Done => break,
                    Slice::Superseded => return Ok(None),
                }
            }
            begun.suspect(&collection, filling.lookups);
        }
        Ok(Some(begun.suspected))
    }

    /// Removes what is left of properties that are declared no longer.
    pub(crate) async fn remove_forgotten(&self) -> Result<(), LedgerError> {
        while self.run::<_, LedgerError, _>(Kept::ByProcess, lookups::remove_forgotten).await? {}
        Ok(())
    }
}
