//! Any JSON is an object or a patch of one, or refused: nobody sets what they may not, no hash comes from a client, and none is shown.
#![no_main]

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use crest::{Clock, Fields, Patch, Random, ResourceError};
use identity::kba::{DefinitionRules, KbaConfig, check_definition, read_answers};
use identity::secret::{HashParameters, InlineHasher};
use identity::{Audience, Companions, Expect, Managed, MemoryObjects, Policies, Prepared, Schemas, Writer};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const USER: &str = "managed/user";
/// What no client may set: Ann has there what everybody new is given.
const GIVEN: [&str; 4] = ["accountStatus", "authzRoles", "roles", "effectiveRoles"];

struct Still;

impl Clock for Still {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }
}

struct Sevens;

impl Random for Sevens {
    fn fill(&self, target: &mut [u8]) {
        target.fill(7);
    }
}

/// Runs a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing waits in memory"),
    }
}

fn world() -> (Managed, Arc<MemoryObjects>) {
    let schemas = Schemas::builtin();
    let (policies, _) = Policies::read(None, &schemas, Companions::default());
    let objects = Arc::new(MemoryObjects::new());
    let managed = Managed {
        schemas: Arc::new(schemas),
        policies: Arc::new(policies),
        kba: Arc::new(KbaConfig::default()),
        objects: objects.clone(),
        hasher: Arc::new(InlineHasher::new(Arc::new(Sevens), HashParameters::cheap())),
        random: Arc::new(Sevens),
        clock: Arc::new(Still),
        opens: None,
        context: None,
        for_scripts: identity::ScriptPorts::default(),
    };
    let ann = json!({
        "userName": "ann", "givenName": "Ann", "sn": "Other", "mail": "ann@example.test", "password": "Str0ngEnough!",
        "kbaInfo": [{"questionId": "1", "answer": "blue"}, {"customQuestion": "Tea?", "answer": "green"}], "lastSync": {"secret": "private"},
    });
    let created = now(managed.create(USER, Some("ann".into()), ann, Writer::Administrator)).expect("a good object");
    objects.commit(&created.change.expect("a create")).expect("the store is empty");
    (managed, objects)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (choice, bytes) = input;
    let Ok(body) = serde_json::from_slice::<Value>(bytes) else { return };
    let (managed, objects) = world();
    answers(&managed, &body);
    let by = match choice % 3 {
        0 => Writer::Owner,
        1 => Writer::Process { owned: &["mail"] },
        _ => Writer::Administrator,
    };
    let before = objects.stored(USER, "ann").expect("Ann");
    let prepared = match choice / 3 % 3 {
        0 => Patch::parse(&body).and_then(|patch| now(managed.patch(USER, "ann", &patch, by, &Expect::any()))),
        1 => now(managed.replace(USER, "ann", body.clone(), by, &Expect::any())),
        _ => now(managed.create(USER, None, body.clone(), by)),
    };
    let prepared: Prepared = match prepared {
        Ok(prepared) => prepared,
        Err(ResourceError { code, .. }) => {
            assert!((400..500).contains(&code), "{code}");
            assert_eq!(objects.stored(USER, "ann").as_ref(), Some(&before));
            return;
        }
    };
    if let Some(change) = &prepared.change {
        objects.commit(change).expect("it was prepared for this store");
    }
    let stored = objects.stored(USER, &prepared.id).expect("it was committed");
    assert_eq!(stored.content, prepared.content);

    if by != Writer::Administrator {
        for name in GIVEN {
            assert_eq!(stored.content.get(name), before.content.get(name), "{name} was set");
        }
        assert!(!stored.content.to_string().contains("$crypto"), "a client planted a hash");
    }
    let password = stored.content.get("password");
    assert!(password.is_none_or(|hash| !hash.is_string() || hash.as_str().is_some_and(|text| text.starts_with("$argon2id$"))));

    for audience in [Audience::Administrator, Audience::Owner, Audience::Other] {
        for fields in ["*", "*,password,kbaInfo,lastSync,_meta,*_ref/*"] {
            let fields = Fields::parse(fields).expect("a selection");
            let shown = managed.show(USER, &stored, audience, &fields);
            assert_eq!((&shown["_id"], &shown["_rev"]), (&json!(stored.id), &json!(stored.revision)));
            for secret in ["password", "kbaInfo"] {
                assert!(shown.get(secret).is_none(), "{secret} is shown");
            }
            assert!(!shown.to_string().contains("\"$crypto\":"), "{shown}");
        }
    }
});

/// Whatever is taken for answers to security questions is within bounds, and a client's hash is never among them.
fn answers(managed: &Managed, value: &Value) {
    let rules = DefinitionRules::default();
    if let Ok(found) = check_definition(value, &managed.kba, rules) {
        assert!(found.len() <= identity::kba::MAX_ANSWERS);
        assert!(!value.to_string().contains("\"answer\":{"));
    }
    for answer in read_answers(value, &managed.kba) {
        assert_eq!(read_answers(&json!([answer.to_value()]), &managed.kba), [answer]);
    }
}
