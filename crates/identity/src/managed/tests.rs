//! Golden `managed-*`, `registration-forbidden`, `registration-extra-property`, decisions 11 to 13 and 18.

#![expect(clippy::needless_pass_by_value, reason = "helpers take what json! makes, so that a case reads as one line")]

mod properties;

use crest::{Change, Fields, Filter, Patch, SortKey};
use serde_json::{Value, json};

use super::*;
use crate::fixtures::{USER, World, ann, now, of, with_properties, world};
use crate::kba::{DefinitionRules, check_definition, hash_answers};
use crate::secret::{Secret, Verdict};

const ADMINISTRATOR: Writer<'_> = Writer::Administrator;
const OWNER: Writer<'_> = Writer::Owner;
const PROCESS: Writer<'_> = Writer::Process { owned: &[] };

fn create(world: &World, content: Value, by: Writer<'_>) -> Result<Prepared, ResourceError> {
    now(world.managed.create(USER, None, content, by))
}

fn patch(world: &World, operations: Value, by: Writer<'_>) -> Result<Prepared, ResourceError> {
    let patch = Patch::parse(&operations).unwrap();
    now(world.managed.patch(USER, "ann", &patch, by, &Expect::any()))
}

/// Prepares, commits and gives back what is stored.
fn patched(world: &World, operations: Value, by: Writer<'_>) -> Value {
    let prepared = patch(world, operations, by).unwrap();
    world.objects.commit(&prepared.change.unwrap()).unwrap();
    let stored = world.objects.stored(USER, "ann").unwrap().content;
    assert_eq!(stored, prepared.content, "what was announced is what is stored");
    stored
}

fn set(field: &str, value: Value) -> Value {
    json!([{"operation": "replace", "field": field, "value": value}])
}

fn with(key: &str, value: Value) -> Value {
    let mut object = ann();
    object[key] = value;
    object
}

fn verify(world: &World, secret: Secret, stored: &Value) -> Verdict {
    now(world.managed.hasher.verify(secret, Some(stored.clone()))).unwrap()
}

fn is_password(world: &World, typed: &str, stored: &Value) -> bool {
    verify(world, Secret::password(typed).unwrap(), stored).matches()
}

fn idm_hash() -> Value {
    let data = "+Pdner8RFwoEejZogE9D4qgMmfvokvFHmz1Xp1jV4loAAQIDBAUGBwgJCgsMDQ4P";
    json!({"$crypto": {"value": {"algorithm": "SHA-256", "data": data}, "type": "salted-hash"}})
}

#[test]
fn a_new_user_is_active_hashed_and_dated() {
    let world = world();
    let prepared = create(&world, ann(), ADMINISTRATOR).unwrap();
    assert_eq!(prepared.id, "07070707-0707-4707-8707-070707070707");
    assert_eq!(prepared.content["accountStatus"], json!("active"));
    assert_eq!(prepared.content["authzRoles"], json!([{"_ref": "internal/role/openidm-authorized"}]));
    assert_eq!(
        prepared.content["_meta"],
        json!({"createDate": "2023-11-14T22:13:20.000Z", "lastChanged": {"date": "2023-11-14T22:13:20.000Z"}})
    );
    assert!(is_password(&world, "Str0ngEnough!", &prepared.content["password"]));
    assert!(matches!(prepared.change, Some(Change::Create { ref content, .. }) if *content == prepared.content));
    assert!(!prepared.changed.contains(&"_meta".to_owned()));
}

#[test]
fn an_id_is_given_or_chosen_by_an_administrator_and_fits_a_path() {
    let world = world();
    assert_eq!(create(&world, with("_id", json!("own")), ADMINISTRATOR).unwrap().id, "own");
    let given = now(world.managed.create(USER, Some("given".into()), with("_id", json!("own")), ADMINISTRATOR)).unwrap();
    assert_eq!((given.id.as_str(), given.content.get("_id")), ("given", None));
    for bad in ["a/b", "", "a\nb", &"x".repeat(256), ".."] {
        assert_eq!(now(world.managed.create(USER, Some(bad.into()), ann(), ADMINISTRATOR)).unwrap_err().code, 400, "{bad:?}");
    }
}

#[test]
fn failed_policies_refuse_a_create_with_their_list() {
    let error = create(&world(), with("mail", json!(null)), ADMINISTRATOR).unwrap_err();
    assert_eq!(
        error.to_value(),
        json!({
            "code": 403, "reason": "Forbidden", "message": "Policy validation failed",
            "detail": {"result": false, "failedPolicyRequirements": [
                {"policyRequirements": [{"policyRequirement": "VALID_TYPE", "params": {"invalidType": "null", "validTypes": ["string"]}}], "property": "mail"}
            ]}
        })
    );
    assert_eq!(create(&world(), json!([]), ADMINISTRATOR).unwrap_err().code, 400);
    assert_eq!(now(world().managed.create("managed/nosuch", None, ann(), ADMINISTRATOR)).unwrap_err().code, 404);
}

#[test]
fn an_administrator_may_store_what_the_schema_does_not_know() {
    let prepared = create(&world(), with("nosuch", json!({"a": [1]})), ADMINISTRATOR).unwrap();
    assert_eq!(prepared.content["nosuch"], json!({"a": [1]}));
}

#[test]
fn a_person_and_a_process_set_only_what_the_schema_lets_them() {
    for (name, value) in [
        ("_id", json!("chosen")),
        ("_rev", json!("1")),
        ("accountStatus", json!("inactive")),
        ("roles", json!([])),
        ("manager", json!(null)),
        ("authzRoles", json!([{"_ref": "internal/role/openidm-admin"}])),
        ("effectiveRoles", json!([])),
        ("lastSync", json!({})),
        ("passwordLastChanged", json!("x")),
        ("shoeSize", json!(44)),
        ("_meta", json!({})),
        ("preferences", json!({"colour": true})),
    ] {
        for by in [OWNER, PROCESS] {
            let error = create(&world(), with(name, value.clone()), by).unwrap_err();
            assert_eq!((error.code, error.message.as_str()), (403, "Access denied"), "{name}");
            assert!(error.detail.unwrap()["property"].as_str().unwrap().starts_with(name), "{name}");
        }
    }
    assert!(create(&world(), with("preferences", json!({"updates": true})), PROCESS).is_ok());
    let owned = Writer::Process { owned: &["accountStatus", "KBA_lockout"] };
    let mut content = with("accountStatus", json!("pending"));
    content["KBA_lockout"] = json!(0);
    assert_eq!(create(&world(), content, owned).unwrap().content["accountStatus"], json!("pending"));
}

#[test]
fn only_an_administrator_brings_hashes_and_only_such_as_can_be_verified() {
    let world = world();
    let prepared = create(&world, with("password", idm_hash()), ADMINISTRATOR).unwrap();
    assert_eq!(prepared.content["password"], idm_hash());
    let answers = json!([{"questionId": "9", "answer": idm_hash()}, {"customQuestion": "Tea?", "answer": "Oolong", "extra": 1}]);
    let prepared = create(&world, with("kbaInfo", answers), ADMINISTRATOR).unwrap();
    assert_eq!(prepared.content["kbaInfo"][0], json!({"questionId": "9", "answer": idm_hash()}));
    assert!(prepared.content["kbaInfo"][1].get("extra").is_none());
    assert!(verify(&world, crate::kba::answer_secret("OOLONG ").unwrap(), &prepared.content["kbaInfo"][1]["answer"]).matches());

    let encrypted = json!({"$crypto": {"type": "x-simple-encryption", "value": {"key": "openidm-sym-default", "data": "x"}}});
    assert_eq!(create(&world, with("password", encrypted), ADMINISTRATOR).unwrap_err().code, 400);
    assert_eq!(create(&world, with("city", idm_hash()), ADMINISTRATOR).unwrap_err().code, 400);
    assert_eq!(create(&world, with("password", sealed(json!("x"))), ADMINISTRATOR).unwrap_err().code, 400);
    for content in [
        with("password", idm_hash()),
        with("kbaInfo", json!([{"questionId": "1", "answer": idm_hash()}])),
        with("city", idm_hash()),
        with("password", sealed(json!("x"))),
    ] {
        for by in [OWNER, PROCESS, Writer::Process { owned: &["mail"] }] {
            assert_eq!(create(&world, content.clone(), by).unwrap_err().code, 403);
        }
    }
}

#[test]
fn a_text_that_looks_like_a_hash_is_hashed() {
    let world = world();
    let tempting = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let prepared = create(&world, with("password", json!(tempting)), PROCESS).unwrap();
    assert_ne!(prepared.content["password"], json!(tempting));
    assert!(is_password(&world, tempting, &prepared.content["password"]));
}

#[test]
fn secrets_sealed_in_a_process_are_stored_as_they_are() {
    let world = world();
    let rules = DefinitionRules { minimum: 1, ..DefinitionRules::default() };
    let answers = check_definition(&json!([{"questionId": "1", "answer": "Blue"}]), &world.managed.kba, rules).unwrap();
    let answers = now(hash_answers(world.managed.hasher.as_ref(), answers)).unwrap();
    let user = now(world.managed.seal(USER, with("kbaInfo", sealed(answers.clone())))).unwrap();
    assert!(!user.to_string().contains("Str0ngEnough!"));
    let owned = Writer::Process { owned: &["password", "kbaInfo"] };
    assert_eq!(now(world.managed.check(USER, &user, Which::All, owned, &[])).unwrap(), []);
    let prepared = create(&world, user, owned).unwrap();
    assert_eq!(prepared.content["kbaInfo"], answers);
    assert!(is_password(&world, "Str0ngEnough!", &prepared.content["password"]));
    assert!(!prepared.content.to_string().contains("$crypto"));
}

#[test]
fn odd_shapes_are_told_and_never_a_fault_of_ours() {
    let deep = (0..40).fold(json!(1), |inner, _| json!({"a": inner}));
    for (content, by) in [
        (with("nosuch", deep), ADMINISTRATOR),
        (with("city", json!("x".repeat(70_000))), OWNER),
        (with("city", json!("x".repeat(1_100_000))), ADMINISTRATOR),
        (with("sn", json!("a\r\nBcc: b")), OWNER),
        (with("city", json!("a\u{0}b")), ADMINISTRATOR),
        (with("userName", json!("ann\u{200b}")), PROCESS),
        (with("a\nb", json!(1)), ADMINISTRATOR),
        (with("password", json!(format!("A1{}", "x".repeat(2000)))), OWNER),
        (with("kbaInfo", json!([{"answer": "x"}])), ADMINISTRATOR),
        (with("kbaInfo", json!([{"questionId": "1"}])), OWNER),
        (with("kbaInfo", json!([{"questionId": "1", "answer": 17}])), OWNER),
        (with("preferences", (0..2000).map(|n| (n.to_string(), json!(true))).collect::<Map<_, _>>().into()), OWNER),
    ] {
        let error = create(&world(), content, by).unwrap_err();
        assert!(matches!(error.code, 400 | 403), "{error}");
    }
    assert_eq!(create(&world(), with("city", json!("a\nb")), ADMINISTRATOR).unwrap().content["city"], json!("a\nb"));
}

#[test]
fn a_patch_commits_its_own_operations_and_notes_the_change() {
    let world = World::with_ann();
    let prepared = patch(&world, set("/city", json!("Bonn")), OWNER).unwrap();
    assert_eq!(prepared.changed, ["city"]);
    let Some(Change::Patch { patch, expected, .. }) = &prepared.change else { panic!("{prepared:?}") };
    assert_eq!(
        patch.to_value(),
        json!([
            {"operation": "replace", "field": "/city", "value": "Bonn"},
            {"operation": "replace", "field": "/_meta/lastChanged", "value": {"date": "2023-11-14T22:13:20.000Z"}},
        ])
    );
    assert_eq!(*expected, None);
    assert_eq!(patched(&world, set("/preferences/updates", json!(true)), OWNER)["preferences"], json!({"updates": true}));
}

#[test]
fn a_patch_that_changes_nothing_says_so() {
    let world = World::with_ann();
    for operations in [
        json!([]),
        set("/sn", json!("Other")),
        json!([{"operation": "remove", "field": "/city"}]),
        set("/_id", json!("other")),
        set("/_rev", json!("9")),
    ] {
        let prepared = patch(&world, operations, ADMINISTRATOR).unwrap();
        assert_eq!((prepared.change, prepared.changed), (None, Vec::new()));
    }
}

#[test]
fn a_patch_that_fails_policies_tells_those_of_what_it_touches() {
    let world = World::with_ann();
    let failed = |operations: Value| {
        let error = patch(&world, operations, ADMINISTRATOR).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (403, "Failed policy validation"));
        let entries = error.detail.unwrap()["failedPolicyRequirements"].clone();
        entries
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["policyRequirements"][0]["policyRequirement"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(failed(set("/mail", json!("bad"))), ["VALID_EMAIL_ADDRESS_FORMAT"]);
    assert_eq!(failed(set("/password", json!("bad"))), ["MIN_LENGTH", "AT_LEAST_X_CAPITAL_LETTERS", "AT_LEAST_X_NUMBERS"]);
    assert_eq!(failed(set("/password", json!("xOtherX1234"))), ["CANNOT_CONTAIN_OTHERS"]);
    assert_eq!(failed(set("/userName", json!("openidm-admin"))), ["UNIQUE"]);
    assert_eq!(failed(json!([{"operation": "remove", "field": "/sn"}])), ["REQUIRED"]);
    assert_eq!(failed(set("/preferences/updates", json!("yes"))), ["VALID_TYPE"]);
}

#[test]
fn a_person_patches_only_what_the_schema_lets_its_owner_edit() {
    let world = World::with_ann();
    for operations in [
        set("/accountStatus", json!("inactive")),
        set("/authzRoles", json!([])),
        set("/nosuch", json!("x")),
        set("/_id", json!("x")),
        set("/_meta/loginCount", json!(0)),
        set("/preferences/colour", json!(true)),
        set("/password", idm_hash()),
        set("/effectiveRoles", json!([])),
        json!([{"operation": "add", "field": "/kbaInfo/-", "value": {"questionId": "1", "answer": idm_hash()}}]),
        json!([{"operation": "copy", "from": "/password", "field": "/city"}]),
        json!([{"operation": "move", "from": "/accountStatus", "field": "/city"}]),
        json!([{"operation": "copy", "from": "/sn", "field": "/password"}]),
        json!([{"operation": "copy", "from": "/_meta/createDate", "field": "/city"}]),
        json!([{"operation": "add", "field": "/consentedMappings/-", "value": {"mapping": "m", "consentDate": "d", "more": 1}}]),
    ] {
        let error = patch(&world, operations.clone(), OWNER).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (403, "Access denied"), "{operations}");
    }
    let consent = json!({"mapping": "m", "consentDate": "2024-01-01T00:00:00Z"});
    let add = json!([{"operation": "add", "field": "/consentedMappings/-", "value": consent}]);
    assert_eq!(patched(&world, add, OWNER)["consentedMappings"], json!([consent]));
    let remove = json!([{"operation": "remove", "field": "/consentedMappings", "value": consent}]);
    assert_eq!(patched(&world, remove, OWNER)["consentedMappings"], json!([]));
}

#[test]
fn secrets_are_patched_as_a_whole_and_stored_hashed() {
    let world = World::with_ann();
    assert!(is_password(&world, "N3wPassword!", &patched(&world, set("/password", json!("N3wPassword!")), OWNER)["password"]));
    let answers = json!([{"questionId": "1", "answer": "red"}, {"customQuestion": "Tea?", "answer": "Oolong"}]);
    let stored = patched(&world, json!([{"operation": "add", "field": "/kbaInfo", "value": answers}]), OWNER);
    assert!(!stored.to_string().contains("Oolong"));
    let stored =
        patched(&world, json!([{"operation": "add", "field": "/kbaInfo/-", "value": {"questionId": "2", "answer": "Rex"}}]), OWNER);
    assert_eq!(stored["kbaInfo"].as_array().unwrap().len(), 3);
    assert!(verify(&world, crate::kba::answer_secret("rex").unwrap(), &stored["kbaInfo"][2]["answer"]).matches());
    for operations in [
        set("/kbaInfo/0/answer", json!("x")),
        set("/password/x", json!("Xx123456")),
        json!([{"operation": "increment", "field": "/password", "value": 1}]),
        json!([{"operation": "remove", "field": "/password", "value": "x"}]),
    ] {
        assert_eq!(patch(&world, operations, ADMINISTRATOR).unwrap_err().code, 400);
    }
}

#[test]
fn a_counter_needs_no_declaration_and_is_no_change_of_the_person() {
    let mut world = World::with_ann();
    let mut kba = (*world.managed.kba).clone();
    kba.attempts_property = Some("KBA_lockout".into());
    world.managed.kba = Arc::new(kba);
    let owned = Writer::Process { owned: &["KBA_lockout"] };
    let guard = Guard::new(crest::Pointer::parse("/KBA_lockout").unwrap(), None);
    let operations = Patch::parse(&set("/KBA_lockout", json!(1))).unwrap();
    let expect = Expect { guard: Some(guard.clone()), ..Expect::any() };
    let prepared = now(world.managed.patch(USER, "ann", &operations, owned, &expect)).unwrap();
    let Some(Change::Patch { patch, guard: Some(kept), .. }) = prepared.change else { panic!("no patch") };
    assert_eq!((patch, kept), (operations, guard));
}

#[test]
fn a_stale_revision_and_a_missing_object_are_told() {
    let world = World::with_ann();
    let patch = Patch::parse(&set("/city", json!("x"))).unwrap();
    let stale = Expect::revision("9");
    assert_eq!(now(world.managed.patch(USER, "ann", &patch, OWNER, &stale)).unwrap_err().code, 412);
    assert_eq!(now(world.managed.replace(USER, "ann", ann(), ADMINISTRATOR, &stale)).unwrap_err().code, 412);
    assert_eq!(now(world.managed.delete(USER, "ann", &stale)).unwrap_err().code, 412);
    let error = now(world.managed.patch(USER, "nobody", &patch, OWNER, &Expect::any())).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (404, "Object nobody not found in managed/user"));
    let deleted = now(world.managed.delete(USER, "ann", &Expect::revision("0"))).unwrap();
    assert!(matches!(deleted.change, Some(Change::Delete { expected: Some(ref revision), .. }) if revision == "0"));
}

#[test]
fn what_is_kept_of_a_persons_accounts_elsewhere_goes_with_them() {
    let link = |reverse: &str, path: &str| {
        json!({
            "type": "relationship", "reverseRelationship": true, "reversePropertyName": reverse, "resourceCollection": [{ "path": path }],
        })
    };
    let (idps, user) = (json!({"type": "array", "items": link("user", "managed/acme")}), link("idps", "managed/user"));
    let declared = json!({"objects": [
        {"name": "user", "schema": {"properties": {"userName": {"type": "string"}, "idps": idps}}},
        {"name": "acme", "schema": {"properties": {"user": user}}},
    ]});
    let world = world();
    let managed = Managed { schemas: Arc::new(Schemas::read(&declared).0), ..world.managed.clone() };
    for name in ["ann", "bob"] {
        world.objects.put(USER, name, json!({ "userName": name }));
        world.objects.put("managed/acme", &format!("of-{name}"), json!({"sub": name, "user": {"_ref": format!("managed/user/{name}")}}));
    }
    let prepared = now(managed.delete(USER, "ann", &Expect::any())).unwrap();
    let gone = Change::Delete { collection: "managed/acme".into(), id: "of-ann".into(), expected: None };
    assert_eq!(prepared.after, [Step::Attempt(vec![Step::Change(gone)])]);
    assert_eq!(now(managed.delete("managed/acme", "of-ann", &Expect::any())).unwrap().after, [], "and not the other way round");
}

#[test]
fn a_replacement_keeps_what_no_client_can_know() {
    let world = World::with_ann();
    let before = world.objects.stored(USER, "ann").unwrap().content;
    let mut whole = ann();
    whole.as_object_mut().unwrap().remove("password");
    whole["city"] = json!("Bonn");
    let prepared = now(world.managed.replace(USER, "ann", whole, ADMINISTRATOR, &Expect::any())).unwrap();
    assert_eq!(prepared.content["password"], before["password"]);
    assert_eq!(prepared.content["authzRoles"], before["authzRoles"]);
    assert_eq!(prepared.content["_meta"]["createDate"], before["_meta"]["createDate"]);
    assert_eq!(prepared.content.get("accountStatus"), None, "as measured: what was shown and is not sent is gone");
    assert_eq!(prepared.changed, ["accountStatus", "city"]);
    let same = world.managed.view(USER, &world.objects.stored(USER, "ann").unwrap(), Audience::Administrator, &Fields::all());
    assert_eq!(now(world.managed.replace(USER, "ann", same, ADMINISTRATOR, &Expect::any())).unwrap().change, None);
}

#[test]
fn an_owner_replaces_the_object_without_touching_what_is_not_theirs() {
    let world = World::with_ann();
    let mut seen = world.managed.view(USER, &world.objects.stored(USER, "ann").unwrap(), Audience::Owner, &Fields::all());
    seen["city"] = json!("Bonn");
    let prepared = now(world.managed.replace(USER, "ann", seen.clone(), OWNER, &Expect::any())).unwrap();
    assert_eq!(prepared.changed, ["city"]);
    seen.as_object_mut().unwrap().remove("accountStatus");
    assert_eq!(
        now(world.managed.replace(USER, "ann", seen.clone(), OWNER, &Expect::any())).unwrap().content["accountStatus"],
        json!("active")
    );
    seen["accountStatus"] = json!("inactive");
    assert_eq!(now(world.managed.replace(USER, "ann", seen, OWNER, &Expect::any())).unwrap_err().code, 403);
    let without_mail = json!({"userName": "ann", "givenName": "Ann", "sn": "Other"});
    assert_eq!(
        now(world.managed.replace(USER, "ann", without_mail, OWNER, &Expect::any())).unwrap_err().message,
        "Policy validation failed"
    );
}

#[test]
fn a_view_shows_neither_secrets_nor_private_properties_whatever_is_asked() {
    let world = World::with_ann();
    patched(&world, set("/kbaInfo", json!([{"questionId": "1", "answer": "red"}])), ADMINISTRATOR);
    patched(&world, set("/lastSync", json!({"timestamp": "x"})), ADMINISTRATOR);
    let stored = world.objects.stored(USER, "ann").unwrap();
    for audience in [Audience::Administrator, Audience::Owner, Audience::Other] {
        let fields = Fields::parse("*,password,kbaInfo,lastSync,_meta/*,*_ref,fieldHistory").unwrap();
        let shown = world.managed.show(USER, &stored, audience, &fields);
        for hidden in ["password", "kbaInfo", "lastSync"] {
            assert_eq!(shown.get(hidden), None, "{hidden} {audience:?}");
        }
        assert!(!shown.to_string().contains("argon2"));
        assert_eq!(shown.get("_meta").is_some(), audience != Audience::Other);
    }
    let plain = world.managed.show(USER, &stored, Audience::Administrator, &Fields::all());
    assert_eq!(
        plain,
        json!({
            "_id": "ann", "_rev": stored.revision, "userName": "ann", "givenName": "Ann", "sn": "Other", "mail": "ann@example.test",
            "accountStatus": "active", "effectiveRoles": [], "effectiveAssignments": []
        })
    );
    let asked = world.managed.show(USER, &stored, Audience::Owner, &Fields::parse("authzRoles,_meta/createDate").unwrap());
    assert_eq!(asked["authzRoles"][0]["_refResourceId"], json!("openidm-authorized"));
    assert_eq!(asked["_meta"]["createDate"], json!("2023-11-14T22:13:20.000Z"));
}

#[test]
fn relationships_that_nobody_set_are_there_when_all_are_asked_for() {
    let world = World::with_ann();
    let shown =
        world.managed.show(USER, &world.objects.stored(USER, "ann").unwrap(), Audience::Administrator, &Fields::parse("*_ref").unwrap());
    assert_eq!((&shown["roles"], &shown["reports"], &shown["manager"]), (&json!([]), &json!([]), &json!(null)));
}

#[test]
fn hidden_properties_can_be_neither_searched_nor_sorted_by() {
    let managed = world().managed;
    let check = |filter: &str, audience| managed.check_query(USER, &Filter::parse(filter).unwrap(), &[], audience).is_ok();
    assert!(check(r#"userName sw "a" and (city pr or _id eq "x")"#, Audience::Other));
    for hidden in [r#"password sw "$argon""#, "!(kbaInfo pr)", "_meta/loginCount gt 3", "lastSync pr"] {
        assert!(!check(hidden, Audience::Administrator), "{hidden}");
    }
    assert!(check("nosuch pr", Audience::Administrator));
    assert!(!check("nosuch pr", Audience::Other));
    let sort = SortKey::parse_list("-password").unwrap();
    assert_eq!(managed.check_query(USER, &Filter::True, &sort, Audience::Administrator).unwrap_err().code, 403);
}

#[test]
fn completeness_is_single_precision_of_what_is_viewable_and_editable() {
    let property = json!({"type": "string", "viewable": true, "userEditable": true});
    let declared: Map<String, Value> = (0..14).map(|n| (format!("p{n}"), property.clone())).collect();
    let world = with_properties(&Value::Object(declared));
    let mut content: Map<String, Value> = (0..6).map(|n| (format!("p{n}"), json!("x"))).collect();
    content.extend([
        ("p6".into(), json!("")),
        ("p7".into(), json!([])),
        ("p8".into(), json!({})),
        ("p9".into(), json!(null)),
        ("other".into(), json!(1)),
    ]);
    let resource = Resource { id: "1".into(), revision: "0".into(), content: Value::Object(content) };
    let percent = world.managed.completeness(USER, &resource).unwrap();
    assert_eq!(percent.to_string(), "42.857143");
    assert_eq!(percentage(percent).to_string(), "42.857143");
}

#[test]
fn defaults_hold_for_new_objects_only() {
    let schemas = Schemas::read(&json!({"objects": [{"name": "user", "schema": {"properties": {"level": {"type": "number", "default": "0"}, "x": {"type": "string"}}}}]})).0;
    let world = of(schemas, None);
    let prepared = create(&world, json!({"x": "y"}), ADMINISTRATOR).unwrap();
    assert_eq!(prepared.content, json!({"x": "y", "level": 0}));
    world.objects.put(USER, "ann", json!({"x": "y"}));
    assert_eq!(patched(&world, set("/x", json!("z")), ADMINISTRATOR), json!({"x": "z"}));
}

#[test]
fn a_new_password_is_checked_beside_the_stored_names() {
    let world = World::with_ann();
    let stored = world.objects.stored(USER, "ann").unwrap();
    let check = |typed: &str| {
        let failures = now(world.managed.validate_password(USER, "password", typed, &stored)).unwrap();
        failures.into_iter().map(|failure| failure.requirement).collect::<Vec<_>>()
    };
    assert_eq!(check("N3wPassword!"), Vec::<String>::new());
    assert_eq!(check("xOtherX1234"), ["CANNOT_CONTAIN_OTHERS"]);
    assert_eq!(check(" "), ["MIN_LENGTH", "AT_LEAST_X_CAPITAL_LETTERS", "AT_LEAST_X_NUMBERS"]);
    assert_eq!(check(""), ["REQUIRED", "MIN_LENGTH", "AT_LEAST_X_CAPITAL_LETTERS", "AT_LEAST_X_NUMBERS"]);
}

#[test]
fn a_person_cannot_be_left_without_a_credential_by_an_own_patch() {
    let world = World::with_ann();
    let remove = json!([{"operation": "remove", "field": "/password"}]);
    for by in [OWNER, PROCESS, Writer::Process { owned: &["password"] }] {
        assert_eq!(patch(&world, remove.clone(), by).unwrap_err().code, 403);
    }
    assert_eq!(patched(&world, remove, ADMINISTRATOR).get("password"), None);
}

/// IDM stores any text. Names, addresses and numbers are one line here, as they stand in the heads of mails.
#[test]
fn sec_22_a_text_may_have_lines_and_a_name_may_not() {
    let world = World::with_ann();
    for name in ["description", "postalAddress", "city", "notDeclared"] {
        let pointer = format!("/{name}");
        if name != "notDeclared" {
            assert_eq!(patched(&world, set(&pointer, json!("one\r\n\ttwo")), OWNER)[name], json!("one\r\n\ttwo"));
            assert_eq!(patch(&world, set(&pointer, json!("one\u{7}two")), OWNER).unwrap_err().code, 400, "{name}");
        }
        assert_eq!(patched(&world, set(&pointer, json!("one\n\ttwo")), ADMINISTRATOR)[name], json!("one\n\ttwo"));
    }
    for name in ["userName", "givenName", "sn", "mail", "telephoneNumber", "password"] {
        for text in ["one\ntwo@example.test", "one\rtwo", "one\ttwo"] {
            let refused = patch(&world, set(&format!("/{name}"), json!(text)), OWNER).unwrap_err();
            assert_eq!((refused.code, refused.kind), (400, Some(UNUSABLE_CHARACTERS)), "{name}: {refused:?}");
        }
    }
}

#[test]
fn appending_does_not_get_past_the_limits() {
    let world = World::with_ann();
    patched(&world, set("/aliasList", (0..10_000).map(|n| json!(n.to_string())).collect()), OWNER);
    let more = json!([{"operation": "add", "field": "/aliasList/-", "value": "more"}]);
    assert_eq!(patch(&world, more, OWNER).unwrap_err().code, 400);
}

#[test]
fn the_property_that_a_reset_changes_is_a_credential_whatever_its_schema_says() {
    let schemas = Schemas::read(
        &json!({"objects": [{"name": "user", "schema": {"properties": {"secretWord": {"type": "string", "userEditable": true}}}}]}),
    )
    .0;
    let companions = crate::Companions { password_property: "secretWord".into(), ..crate::Companions::default() };
    let mut world = of(schemas.clone(), None);
    world.managed.policies = Arc::new(Policies::read(None, &schemas, companions).0);
    let prepared = create(&world, json!({"secretWord": "open sesame"}), OWNER).unwrap();
    assert!(is_password(&world, "open sesame", &prepared.content["secretWord"]));
    let resource = Resource { id: "1".into(), revision: "0".into(), content: prepared.content };
    assert_eq!(world.managed.view(USER, &resource, Audience::Administrator, &Fields::all()), json!({"_id": "1", "_rev": "0"}));
}

#[test]
fn the_products_last_changed_is_dated_natively_where_the_type_has_it() {
    let event = |function: &str| json!({ "type": "text/javascript", "source": function });
    let (schemas, problems) = Schemas::read(&json!({ "objects": [{
        "name": "user",
        "onCreate": event("require('ui/onCreateUser').setDefaultFields(object);require('ui/lastChanged').updateLastChanged(object);"),
        "onUpdate": event("require('ui/lastChanged').updateLastChanged(object);"),
        "schema": { "properties": { "userName": { "type": "string" }, "lastChanged": { "type": "object", "properties": { "date": { "type": "string" } } } } },
    }] }));
    assert!(problems.is_empty(), "{problems:?}");
    let world = crate::fixtures::of(schemas, None);
    let created = now(world.managed.create(USER, Some("a".into()), json!({ "userName": "a" }), Writer::Administrator)).unwrap();
    assert_eq!(created.content["lastChanged"], json!({ "date": "2023-11-14T22:13:20.000Z" }));
    world.objects.put(USER, "b", json!({ "userName": "b" }));
    let patch = Patch::parse(&json!([{ "operation": "replace", "field": "/userName", "value": "c" }])).unwrap();
    let patched = now(world.managed.patch(USER, "b", &patch, Writer::Administrator, &Expect::any())).unwrap();
    assert_eq!(patched.content["lastChanged"]["date"], "2023-11-14T22:13:20.000Z");
    let replaced = now(world.managed.replace(USER, "b", json!({ "userName": "d" }), Writer::Administrator, &Expect::any())).unwrap();
    assert_eq!(replaced.content["lastChanged"]["date"], "2023-11-14T22:13:20.000Z");
}
