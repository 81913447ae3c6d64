use std::time::{Duration, SystemTime};

use crest::{Change, Fields};
use serde_json::{Value, json};

use super::{Keeper, Metadata, Metadatum, Tracked};
use crate::fixtures::{USER, World, ann, now, world};
use crate::terms::acceptance;
use crate::{Audience, ObjectSchema, Schemas, Writer};

const STAGE: &str = "profile/0";

fn stock() -> ObjectSchema {
    let file = json!({"objects": [{"name": "user", "schema": {"properties": {"userName": {"type": "string"}}},
        "meta": {"property": "_meta", "resourceCollection": "internal/usermeta", "trackedProperties": ["createDate", "lastChanged"]}}]});
    Schemas::read(&file).0.get(USER).unwrap().clone()
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn stored(world: &World) -> crest::Resource {
    now(crate::Objects::read(world.objects.as_ref(), USER, "ann")).unwrap().unwrap()
}

fn meta(world: &World) -> Value {
    stored(world).content["_meta"].clone()
}

#[test]
fn nobody_tracks_sign_ins_until_a_condition_needs_them() {
    let schema = stock();
    let tracked = Tracked::of(&schema, []);
    assert!(tracked.keeps(Metadatum::CreateDate) && tracked.keeps(Metadatum::TermsAccepted));
    for not_kept in [Metadatum::LoginCount, Metadatum::LastLogin, Metadatum::StagesCompleted] {
        assert!(!tracked.keeps(not_kept));
    }
    let user = crest::Resource { id: "ann".into(), revision: "0".into(), content: json!({}) };
    assert_eq!(Keeper { schema: &schema, tracked: &tracked }.sign_in(&user, at(0), &[], &[]), None);
    let tracked = Tracked::of(&schema, [Metadatum::LoginCount]);
    assert!(tracked.keeps(Metadatum::LoginCount) && !tracked.keeps(Metadatum::LastLogin));
}

#[test]
fn every_sign_in_is_counted_once_and_dated() {
    let world = World::with_ann();
    let schema = world.managed.schema(USER).unwrap();
    let tracked = Tracked::of(schema, [Metadatum::LoginCount, Metadatum::LastLogin]);
    let keeper = Keeper { schema, tracked: &tracked };
    for count in 1..=3_u64 {
        let change = keeper.sign_in(&stored(&world), at(count), &[], &[]).unwrap();
        world.objects.commit(&change).unwrap();
        let user = stored(&world);
        let metadata = Metadata::of(schema, &user.content);
        assert_eq!(metadata.login_count(), count);
        assert_eq!(metadata.last_login().unwrap().unix_timestamp(), i64::try_from(count).unwrap());
    }
    assert_eq!(meta(&world)["lastLogin"], "1970-01-01T00:00:03.000Z");
}

#[test]
fn two_sign_ins_that_read_the_same_number_are_both_counted_or_one_tries_again() {
    let world = World::with_ann();
    let schema = world.managed.schema(USER).unwrap();
    let loosely = Tracked::of(schema, []);
    let keeper = Keeper { schema, tracked: &loosely };
    let read = stored(&world);
    let first = keeper.sign_in(&read, at(1), &[], &[]).unwrap();
    world.objects.commit(&first).unwrap();
    assert!(world.objects.commit(&first).is_err(), "the first sign-in of all cannot be counted twice as number one");
    let read = stored(&world);
    for _ in 0..2 {
        world.objects.commit(&keeper.sign_in(&read, at(1), &[], &[]).unwrap()).unwrap();
    }
    assert_eq!(meta(&world)["loginCount"], 3, "without a condition the increment alone is enough");

    let exactly = Tracked::of(schema, [Metadatum::LoginCount]);
    let keeper = Keeper { schema, tracked: &exactly };
    let read = stored(&world);
    let change = keeper.sign_in(&read, at(1), &[], &[]).unwrap();
    world.objects.commit(&change).unwrap();
    assert!(world.objects.commit(&change).is_err(), "with a condition the number that was read must still be true");
    assert_eq!(meta(&world)["loginCount"], 4);
}

#[test]
fn an_imported_count_of_a_wrong_type_goes_on_from_there() {
    let schema = stock();
    let tracked = Tracked::of(&schema, [Metadatum::LoginCount]);
    let keeper = Keeper { schema: &schema, tracked: &tracked };
    for (count, next) in [(json!("24"), 25), (json!(24.0), 25), (json!(null), 1), (json!("many"), 1), (json!({}), 1)] {
        let mut user = crest::Resource { id: "ann".into(), revision: "0".into(), content: json!({"_meta": {"loginCount": count}}) };
        let Some(Change::Patch { patch, guard: Some(guard), .. }) = keeper.sign_in(&user, at(0), &[], &[]) else {
            panic!("no guarded patch")
        };
        assert!(guard.holds(&user.content));
        patch.apply(&mut user.content).unwrap();
        assert_eq!(Metadata::of(&schema, &user.content).login_count(), next, "{count}");
    }
}

#[test]
fn a_form_stays_due_until_it_is_completed_or_skipped() {
    let world = World::with_ann();
    let schema = world.managed.schema(USER).unwrap();
    let tracked = Tracked::of(schema, [Metadatum::LoginCount, Metadatum::StagesCompleted]);
    let keeper = Keeper { schema, tracked: &tracked };
    let due = || Metadata::of(schema, &stored(&world).content).stages_due();
    for forms in [vec![STAGE.to_owned(), "profile/1".to_owned()], vec![], vec![STAGE.to_owned()]] {
        world.objects.commit(&keeper.sign_in(&stored(&world), at(1), &forms, &[]).unwrap()).unwrap();
        assert_eq!(due(), [STAGE, "profile/1"]);
    }
    world.objects.commit(&keeper.complete("ann", &[STAGE.to_owned()])).unwrap();
    assert_eq!(due(), ["profile/1"]);
    world.objects.commit(&keeper.skip("ann", &["profile/1".to_owned()])).unwrap();
    assert!(due().is_empty());
    for _ in 0..2 {
        world.objects.commit(&keeper.complete("ann", &[STAGE.to_owned()])).unwrap();
    }
    assert_eq!(Metadata::of(schema, &stored(&world).content).stages_completed(), [STAGE], "once, and skipped is not completed");
}

#[test]
fn a_form_due_under_the_name_of_its_place_is_due_under_its_own_and_done_under_either() {
    let world = World::with_ann();
    let schema = world.managed.schema(USER).unwrap();
    let tracked = Tracked::of(schema, [Metadatum::LoginCount, Metadatum::StagesCompleted]);
    let keeper = Keeper { schema, tracked: &tracked };
    let due = || Metadata::of(schema, &stored(&world).content).stages_due();
    let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    let sign_in = |due: &[String], renamed: &[(String, String)]| {
        world.objects.commit(&keeper.sign_in(&stored(&world), at(1), due, renamed).unwrap()).unwrap();
    };
    sign_in(&names(["profile/0", "profile/1"]), &[]);
    sign_in(&["profile/new".to_owned()], &[("profile/0".to_owned(), "profile/telephone".to_owned())]);
    assert_eq!(due(), ["profile/1", "profile/new", "profile/telephone"]);
    world.objects.commit(&keeper.complete("ann", &names(["profile/city", "profile/1"]))).unwrap();
    world.objects.commit(&keeper.skip("ann", &names(["profile/new", "profile/3"]))).unwrap();
    assert_eq!(due(), ["profile/telephone"]);
    assert_eq!(Metadata::of(schema, &stored(&world).content).stages_completed(), ["profile/city"], "under its own name only");
}

#[test]
fn a_form_that_is_not_tracked_is_settled_without_a_record() {
    let schema = stock();
    let tracked = Tracked::of(&schema, []);
    let mut content = json!({"_meta": {"stagesOwed": [STAGE]}});
    let Change::Patch { patch, .. } = (Keeper { schema: &schema, tracked: &tracked }).complete("ann", &[STAGE.to_owned()]) else {
        panic!("no patch")
    };
    patch.apply(&mut content).unwrap();
    assert_eq!(content, json!({"_meta": {"stagesOwed": []}}));
}

#[test]
fn terms_accepted_at_registration_are_created_with_the_person_and_renewed_later() {
    let world = world();
    let schema = world.managed.schema(USER).unwrap();
    let tracked = Tracked::of(schema, []);
    let keeper = Keeper { schema, tracked: &tracked };
    let mut content = ann();
    let (member, value) = keeper.of_new(&acceptance(at(0), Some("1.0")));
    content[&member] = value;
    let by = Writer::Process { owned: &[&member] };
    let created = now(world.managed.create(USER, Some("ann".into()), content, by)).unwrap();
    world.objects.commit(&created.change.unwrap()).unwrap();
    assert_eq!(meta(&world)["termsAccepted"], json!({"acceptDate": "1970-01-01T00:00:00.000Z", "termsVersion": "1.0"}));
    assert!(meta(&world)["createDate"].is_string());
    world.objects.commit(&keeper.accept_terms("ann", &acceptance(at(60), Some("2.0")))).unwrap();
    assert_eq!(meta(&world)["termsAccepted"]["termsVersion"], "2.0");
    assert!(meta(&world)["createDate"].is_string(), "the rest stays");
}

#[test]
fn owner_and_administrator_see_metadata_when_they_ask_and_nobody_else_does() {
    let world = World::with_ann();
    let schema = world.managed.schema(USER).unwrap();
    let tracked = Tracked::of(schema, [Metadatum::LoginCount]);
    world.objects.commit(&Keeper { schema, tracked: &tracked }.sign_in(&stored(&world), at(1), &[], &[]).unwrap()).unwrap();
    let user = stored(&world);
    let asked = Fields::parse("*,_meta/*").unwrap();
    for (audience, fields, seen) in [
        (Audience::Owner, &asked, true),
        (Audience::Administrator, &asked, true),
        (Audience::Other, &asked, false),
        (Audience::Owner, &Fields::all(), false),
    ] {
        let shown = world.managed.show(USER, &user, audience, fields);
        assert_eq!(shown["_meta"]["loginCount"] == json!(1), seen, "{audience:?} {shown}");
        assert_eq!(shown["_meta"]["_ref"] == json!("internal/usermeta/ann"), seen);
    }
}

#[test]
fn metadata_of_a_wrong_shape_reads_as_absent() {
    let schema = stock();
    for meta in [json!(null), json!("x"), json!([]), json!({"loginCount": -1, "lastLogin": 7, "stagesCompleted": {}, "stagesOwed": null})] {
        let content = json!({"_meta": meta});
        let metadata = Metadata::of(&schema, &content);
        assert_eq!((metadata.login_count(), metadata.last_login()), (0, None));
        assert!(metadata.stages_completed().is_empty() && metadata.stages_due().is_empty());
        let tracked = Tracked::of(&schema, [Metadatum::LoginCount]);
        let mut user = crest::Resource { id: "ann".into(), revision: "0".into(), content };
        let change = Keeper { schema: &schema, tracked: &tracked }.sign_in(&user, at(0), &[], &[]);
        let Some(Change::Patch { patch, guard, .. }) = change else { panic!("no patch") };
        assert!(guard.is_some_and(|guard| guard.holds(&user.content)));
        patch.apply(&mut user.content).unwrap();
        assert_eq!(Metadata::of(&schema, &user.content).login_count(), 1, "{meta}");
    }
}
