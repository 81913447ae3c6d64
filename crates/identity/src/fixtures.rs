//! A small world for the tests of this crate: the default user object, a store in memory, a clock that stands still.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crest::{Clock, Random};
use serde_json::{Value, json};

use crate::kba::KbaConfig;
use crate::secret::hasher_tests::hasher;
use crate::{Companions, Managed, MemoryObjects, Policies, Schemas, Writer};

pub(crate) use crate::secret::hasher_tests::now;

pub(crate) const USER: &str = "managed/user";
pub(crate) const NOW: i64 = 1_700_000_000;

struct Still;

impl Clock for Still {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs())
    }
}

struct Sevens;

impl Random for Sevens {
    fn fill(&self, target: &mut [u8]) {
        target.fill(7);
    }
}

pub(crate) struct World {
    pub(crate) managed: Managed,
    pub(crate) objects: Arc<MemoryObjects>,
}

pub(crate) fn world() -> World {
    of(Schemas::builtin(), None)
}

/// A world whose user has these properties and nothing else.
pub(crate) fn with_properties(properties: &Value) -> World {
    let managed = json!({"objects": [{"name": "user", "schema": {"properties": properties}}]});
    of(Schemas::read(&managed).0, None)
}

pub(crate) fn of(schemas: Schemas, policy: Option<&Value>) -> World {
    made(schemas, policy, Companions::default())
}

/// A world with the script files of a project.
pub(crate) fn of_files(managed: &Value, policy: Option<&Value>, scripts: crate::ScriptFiles) -> World {
    made(Schemas::read(managed).0, policy, Companions { scripts, ..Companions::default() })
}

fn made(schemas: Schemas, policy: Option<&Value>, companions: Companions) -> World {
    let (policies, _) = Policies::read(policy, &schemas, companions);
    let objects = Arc::new(MemoryObjects::new());
    let managed = Managed {
        schemas: Arc::new(schemas),
        policies: Arc::new(policies),
        kba: Arc::new(KbaConfig::default()),
        objects: objects.clone(),
        hasher: Arc::new(hasher()),
        random: Arc::new(Sevens),
        clock: Arc::new(Still),
        opens: None,
        context: None,
        for_scripts: crate::ScriptPorts::default(),
    };
    World { managed, objects }
}

pub(crate) fn ann() -> Value {
    json!({"userName": "ann", "givenName": "Ann", "sn": "Other", "mail": "ann@example.test", "password": "Str0ngEnough!"})
}

impl World {
    /// The default world with one user, whose id is `ann`.
    pub(crate) fn with_ann() -> Self {
        let world = world();
        let created = now(world.managed.create(USER, Some("ann".into()), ann(), Writer::Administrator)).unwrap();
        world.objects.commit(&created.change.unwrap()).unwrap();
        world
    }
}
