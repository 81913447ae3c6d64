use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use crest::{Page, Pointer, Query, Resource, reference};
use serde_json::json;

use super::{Held, Side};
use crate::find::Confirmation;
use crate::fixtures::{USER, now, of};
use crate::names::Canonical;
use crate::{Managed, MemoryObjects, Objects, ObjectsError, Referring, Schemas};

/// Counts what is asked of a store, and the objects and ids that it answers.
struct Counted {
    below: Arc<MemoryObjects>,
    asked: AtomicU64,
}

impl Counted {
    fn note(&self, more: usize) {
        self.asked.fetch_add(1 + more as u64, Ordering::SeqCst);
    }
}

#[async_trait]
impl Objects for Counted {
    async fn read(&self, collection: &str, id: &str) -> Result<Option<Resource>, ObjectsError> {
        self.note(1);
        self.below.read(collection, id).await
    }

    async fn query(&self, collection: &str, query: &Query) -> Result<Page, ObjectsError> {
        let found = self.below.query(collection, query).await?;
        self.note(found.result.len());
        Ok(found)
    }

    async fn named(&self, collection: &str, property: &str, name: &Canonical) -> Result<Vec<String>, ObjectsError> {
        self.below.named(collection, property, name).await
    }

    async fn spelled(&self, collection: &str, property: &Pointer, name: &Canonical, limit: u32) -> Result<Vec<String>, ObjectsError> {
        self.below.spelled(collection, property, name, limit).await
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
        let found = self.below.referring(collection, property, wanted, after, limit).await?;
        self.note(found.len());
        Ok(found)
    }

    async fn passed(&self, collection: &str, property: &str, target: &str, number: u64) -> Result<Option<String>, ObjectsError> {
        self.note(1);
        self.below.passed(collection, property, target, number).await
    }

    async fn referrers(&self, collection: &str, property: &str, target: &str) -> Result<u64, ObjectsError> {
        self.note(1);
        self.below.referrers(collection, property, target).await
    }

    async fn confirmation(&self, collection: &str, id: &str) -> Result<Option<Confirmation>, ObjectsError> {
        self.below.confirmation(collection, id).await
    }
}

/// People and machines who refer to `boss`, whose list finds both; and the store that counts.
fn led(people: usize, machines: usize) -> (Managed, Arc<Counted>, Resource) {
    let side = |back: &str, collections: &[&str]| {
        let collections: Vec<_> = collections.iter().map(|path| json!({ "path": path })).collect();
        json!({ "type": "relationship", "reverseRelationship": true, "reversePropertyName": back, "resourceCollection": collections })
    };
    let reports = json!({ "type": "array", "items": side("manager", &[USER, "managed/machine"]) });
    let schemas = Schemas::read(&json!({ "objects": [
        { "name": "user", "schema": { "properties": {
            "userName": { "type": "string" }, "password": { "type": "string", "scope": "private" },
            "manager": side("reports", &[USER]), "reports": reports } } },
        { "name": "machine", "schema": { "properties": { "manager": side("reports", &[USER]) } } },
    ] }));
    let world = of(schemas.0, None);
    let put = |collection: &str, id: String, content: serde_json::Value| {
        world.objects.commit(&crest::Change::Create { collection: collection.into(), id, content }).unwrap();
    };
    put(USER, "boss".into(), json!({ "userName": "boss" }));
    let boss = json!({ reference::REF: "managed/user/boss" });
    for (collection, how_many) in [(USER, people), ("managed/machine", machines)] {
        for number in 0..how_many {
            put(collection, format!("p{number:05}"), json!({ "manager": boss }));
        }
    }
    let counted = Arc::new(Counted { below: world.objects.clone(), asked: AtomicU64::new(0) });
    let managed = Managed { objects: counted.clone(), ..world.managed };
    let boss = world.objects.stored(USER, "boss").unwrap();
    (managed, counted, boss)
}

fn names(held: &[Held]) -> Vec<String> {
    held.iter().map(|one| reference::target(&one.reference).unwrap().trim_start_matches("managed/").to_owned()).collect()
}

#[test]
fn a_page_costs_the_same_wherever_it_begins() {
    let (managed, counted, boss) = led(3000, 10);
    let whole = now(managed.references_of(USER, &boss, "reports")).unwrap();
    assert_eq!(whole.len(), 3010);
    let cost = |read: &dyn Fn() -> Vec<Held>, expected: &[Held]| {
        counted.asked.store(0, Ordering::SeqCst);
        assert_eq!(names(&read()), names(expected));
        counted.asked.load(Ordering::SeqCst)
    };
    let walk = || managed.references_walk(USER, &boss, "reports").unwrap();
    let first = cost(&|| now(walk().next(50)).unwrap(), &whole[..50]);
    for before in [1, 700, 1500, 2900] {
        let page = &whole[before..before + 50];
        let by_offset = || {
            let mut walk = walk();
            now(walk.skip(before as u64)).unwrap();
            now(walk.next(50)).unwrap()
        };
        let by_mark = || {
            let mut walk = walk();
            assert!(now(walk.resume(&whole[before - 1].mark())).unwrap());
            now(walk.next(50)).unwrap()
        };
        // Beside the page itself: one that is counted, or the one where the last page ended.
        assert_eq!((cost(&by_offset, page), cost(&by_mark, page)), (first + 2, first + 2), "{before}");
    }
}

/// As the members of a role of the project are found: in both spellings of its path, whatever other roles there are.
#[test]
fn who_refers_to_one_place_costs_nothing_for_those_who_refer_elsewhere() {
    let mut costs = Vec::new();
    for others in [0, 3000] {
        let (managed, counted, _) = led(others, 0);
        for (id, spelling) in [("ann", "managed/user/desk"), ("bob", "repo/managed/user/desk"), ("cem", "managed/user/desk")] {
            counted.below.put(USER, id, json!({ "manager": { reference::REF: spelling } }));
        }
        let side = |target: &str| Side { collection: USER.into(), property: "manager".into(), target: target.into() };
        let walk = managed.sides_walk(vec![side("managed/user/desk"), side("repo/managed/user/desk")]);
        counted.asked.store(0, Ordering::SeqCst);
        let found = now(async {
            let (mut walk, mut found) = (walk.clone(), Vec::new());
            loop {
                let batch = walk.next(500).await.unwrap();
                if batch.is_empty() {
                    return found;
                }
                found.extend(batch);
            }
        });
        assert_eq!(names(&found), ["user/ann", "user/cem", "user/bob"]);
        assert_eq!(now(walk.count()).unwrap(), 3);
        assert_eq!(now(walk.by_id(&found[2].id)).unwrap().as_ref(), Some(&found[2]));
        assert_eq!(now(walk.by_id("x")).unwrap(), None);
        // Each is where the next walk goes on, in either spelling.
        for (number, held) in found.iter().enumerate() {
            let mut rest = walk.clone();
            assert!(now(rest.resume(&held.mark())).unwrap());
            let next = now(rest.next(1)).unwrap();
            assert_eq!(names(&next), names(found.get(number + 1..number + 2).unwrap_or_default()));
        }
        costs.push(counted.asked.load(Ordering::SeqCst));
    }
    assert_eq!(costs[0], costs[1]);
}

#[test]
fn a_walk_is_taken_up_among_any_of_the_types_that_refer() {
    let (managed, _, boss) = led(5, 5);
    let whole = now(managed.references_of(USER, &boss, "reports")).unwrap();
    let rest = |prepare: &dyn Fn(&mut super::Walk<'_>) -> bool| {
        let mut walk = managed.references_walk(USER, &boss, "reports").unwrap();
        let taken_up = prepare(&mut walk);
        let mut rest = Vec::new();
        loop {
            let batch = now(walk.next(2)).unwrap();
            if batch.is_empty() {
                return (taken_up, names(&rest));
            }
            rest.extend(batch);
        }
    };
    for before in 0..=whole.len() {
        let expected = (true, names(&whole[before..]));
        assert_eq!(rest(&|walk| now(walk.skip(before as u64)).is_ok()), expected, "{before}");
        if before > 0 {
            assert_eq!(rest(&|walk| now(walk.resume(&whole[before - 1].mark())).unwrap()), expected, "{before}");
        }
    }
    assert_eq!(rest(&|walk| now(walk.skip(u64::MAX)).is_ok()).1, Vec::<String>::new());
    let foreign = super::Mark { reference: "x".into(), at: Ok("managed/role/x".into()) };
    assert!(!rest(&|walk| now(walk.resume(&foreign)).unwrap()).0);
}

#[test]
fn a_walk_is_taken_up_where_the_reference_that_came_last_has_gone() {
    let roles = json!({ "type": "array", "items": { "type": "relationship", "resourceCollection": [{ "path": "managed/role" }] } });
    let world = crate::fixtures::with_properties(&json!({ "roles": roles }));
    let to = |id: &str| json!({ reference::REF: format!("managed/role/{id}") });
    let object = |ids: &[&str]| {
        let roles: Vec<_> = ids.iter().map(|id| to(id)).collect();
        Resource { id: "ann".into(), revision: "1".into(), content: json!({ "roles": roles }) }
    };
    let before = object(&["a", "b", "c", "d"]);
    let held = now(world.managed.references_of(USER, &before, "roles")).unwrap();
    let mark = held[1].mark();
    for (now_there, expected) in [(&["a", "c", "d"][..], &["c", "d"][..]), (&["b", "c", "d"], &["c", "d"]), (&["a", "b"], &[])] {
        let object = object(now_there);
        let mut walk = world.managed.references_walk(USER, &object, "roles").unwrap();
        assert!(now(walk.resume(&mark)).unwrap());
        let expected: Vec<String> = expected.iter().map(|id| format!("role/{id}")).collect();
        assert_eq!(names(&now(walk.next(9)).unwrap()), expected, "{now_there:?}");
    }
}
