//! What somebody is told whose unit another one was faster than.
//!
//! Easiest to break: only what the other one took is told so. Whatever else a store refuses stays what it is.

use crest::{Change, ResourceError, reference};

use crate::{CommitError, Effect};

/// What clients are told of units that fail because another one was faster with what is referred by ([`Effect::Refers`]).
pub struct Overtaken(Vec<Race>);

/// One such reference.
struct Race {
    collection: String,
    /// An object of the collection gives way to the new one.
    replaces: bool,
    /// What the store says of a second reference.
    occupied: ResourceError,
    told: ResourceError,
}

impl Overtaken {
    /// Those that a unit of these effects may lose.
    #[must_use]
    pub fn of(effects: &[Effect]) -> Self {
        let race = |effect: &Effect| {
            let Effect::Refers { collection, target, alone: Some(back), overtaken: Some(told), .. } = effect else { return None };
            let (_, id) = target.rsplit_once('/')?;
            let gives_way = |one: &Effect| matches!(one, Effect::Change(Change::Delete { collection: of, .. }) if of == collection);
            let (replaces, occupied) = (effects.iter().any(gives_way), reference::occupied(back, id));
            Some(Race { collection: collection.clone(), replaces, occupied, told: told.clone() })
        };
        Self(effects.iter().filter_map(race).collect())
    }

    /// The same failure, or what is told in its place.
    #[must_use]
    pub fn tell(self, error: CommitError) -> CommitError {
        let is_it = |race: &Race| match &error {
            CommitError::IdTaken { collection, .. } => *collection == race.collection,
            CommitError::Missing { collection, .. } => race.replaces && *collection == race.collection,
            CommitError::Stale => race.replaces,
            CommitError::Patch(refused) => *refused == race.occupied,
            _ => false,
        };
        match self.0.into_iter().find(is_it) {
            Some(race) => CommitError::Patch(race.told),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_overtaken_is_told_so_and_nothing_else_is_taken_for_that() {
        let told = || ResourceError::conflict("taken");
        let refers = |overtaken| Effect::Refers {
            collection: "managed/acme".into(),
            property: "user".into(),
            target: "managed/user/7".into(),
            exists: true,
            alone: Some("idps".into()),
            overtaken,
        };
        let gives_way = Effect::Change(Change::Delete { collection: "managed/acme".into(), id: "a".into(), expected: None });
        let id_taken = |of: &str| CommitError::IdTaken { collection: of.into(), id: "a".into() };
        let missing = || CommitError::Missing { collection: "managed/acme".into(), id: "a".into() };
        let said = |effects: &[Effect], error| ResourceError::from(Overtaken::of(effects).tell(error));
        let (new, again) = ([refers(Some(told()))], [gives_way, refers(Some(told()))]);
        assert_eq!(said(&new, id_taken("managed/acme")), told());
        assert_eq!(said(&new, CommitError::Patch(reference::occupied("idps", "7"))), told());
        assert_eq!((said(&again, CommitError::Stale), said(&again, missing())), (told(), told()));
        for (effects, error) in [
            (&new[..], id_taken("managed/user")),
            (&new, CommitError::Patch(reference::occupied("idps", "8"))),
            (&new, CommitError::Patch(reference::dangling("managed/user/7"))),
            (&new, CommitError::Stale),
            (&new, missing()),
            (&[refers(None)], id_taken("managed/acme")),
            (&again, CommitError::Spent),
        ] {
            assert_ne!(said(effects, error), told());
        }
    }
}
