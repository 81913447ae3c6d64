//! Whoever came and was removed at the far end: found by comparing who is here with who is there, and removed here where that is asked for and an
//! earlier round has seen them there.
//!
//! Easiest to break: a listing that lacks somebody who is there. Over REST pages are of different moments, so the far end is asked for each who
//! lacks; and a listing without anybody, or with somebody in it who could not be read, says nothing.

use crest::{Filter, Paging, Query, Resource, TotalPolicy};
use identity::{Expect, Objects as _};

use super::{FollowError, Known, Round, Ways, changed_at, list, lost, moment};
use crate::far_end::{FarEnd, Reach};
use crate::moving_in::MovingIn;

/// Objects that are looked at together.
const PAGE: u64 = 500;
/// Whoever is made here is dated less than so many seconds before they are stored.
const AT_ONCE: i64 = 300;

impl MovingIn {
    /// Finds whoever came from a far end that was just listed, and is gone there. `reach` is how it is asked for one, where it is not one moment that
    /// was listed.
    pub(super) async fn removals(
        &self,
        collections: &[String],
        known: &mut Known,
        mut reach: Option<(&FarEnd, &mut Reach)>,
        (round, ways): (&mut Round, Ways),
    ) -> Result<(), FollowError> {
        if !known.may_lack() {
            return Ok(());
        }
        let mut left = Vec::new();
        for collection in collections.iter().filter(|collection| known.has_listed(collection)).cloned().collect::<Vec<_>>() {
            let mut gone = Vec::new();
            let mut paging = Paging::Start;
            loop {
                let query = Query { filter: Filter::True, sort: Vec::new(), page_size: Some(PAGE), paging, totals: TotalPolicy::None };
                let page = self.offline.db.query(&collection, &query).await.map_err(|error| lost(&error))?;
                for here in page.result {
                    if !known.is_listed(&collection, &here.id) && self.has_come(&collection, &here, known).await? {
                        gone.push((here.id, here.revision));
                    }
                }
                let Some(cookie) = page.cookie else { break };
                paging = Paging::Cookie(cookie);
            }
            for (id, revision) in gone {
                if let Some((far, reach)) = &mut reach
                    && far.object(reach, &collection, &id).await?.is_some()
                {
                    continue;
                }
                // A date is no proof that somebody came from there.
                if ways.remove && known.was_here(&collection, &id) && self.is_as_it_came(&collection, &id).await? {
                    let object = || format!("{collection}/{id}");
                    let removed = self.offline.remove(&collection, &id, &Expect::revision(revision)).await;
                    removed.map_err(|error| FollowError::Remove { object: object(), error: Box::new(error) })?;
                    known.is_forgotten(&collection, &id);
                    round.ended += 1;
                    continue;
                }
                left.push((collection.clone(), id.clone()));
                round.gone += 1;
                list(&mut round.first_gone, &collection, &id);
            }
        }
        known.settle(&left);
        known.save()
    }

    /// Whether an object has come from the far end: an earlier round has seen it there, or it was changed before it was made here, by an import.
    async fn has_come(&self, collection: &str, here: &Resource, known: &Known) -> Result<bool, FollowError> {
        if known.was_here(collection, &here.id) {
            return Ok(true);
        }
        let schema = self.offline.managed.schemas.get(collection);
        let Some(changed) = changed_at(&here.content, schema.map_or("_meta", identity::ObjectSchema::meta_property)) else {
            return Ok(false);
        };
        let times = self.offline.db.times(collection, &here.id).await.map_err(|error| lost(&error))?;
        Ok(times.is_some_and(|(came, _)| changed < moment(came.saturating_sub(AT_ONCE)).as_str()))
    }

    /// Whether nobody has written an object here since it came.
    async fn is_as_it_came(&self, collection: &str, id: &str) -> Result<bool, FollowError> {
        let times = self.offline.db.times(collection, id).await.map_err(|error| lost(&error))?;
        Ok(times.is_some_and(|(came, written)| written <= came))
    }
}
