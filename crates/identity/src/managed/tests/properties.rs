//! What holds of any patch and any object.

use proptest::prelude::*;

use super::*;

const FIELDS: [&str; 14] = [
    "/password",
    "/password/x",
    "/kbaInfo",
    "/kbaInfo/-",
    "/kbaInfo/0/answer",
    "/city",
    "/description",
    "/lastSync",
    "/preferences",
    "/preferences/updates",
    "/_meta",
    "/_meta/x",
    "/nosuch",
    "/aliasList/-",
];

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("Gr34tPassword!")),
        Just(json!([{"questionId": "1", "answer": "red"}])),
        Just(json!({"questionId": "1", "answer": "red"})),
        Just(json!({"updates": true})),
        Just(json!(true)),
        Just(json!(3)),
        Just(super::idm_hash()),
        Just(json!({"nested": {"$crypto": {"type": "salted-hash", "value": {"algorithm": "SHA-256", "data": "AAAA"}}}})),
        Just(sealed(json!("$argon2id$planted"))),
    ]
}

fn operation() -> impl Strategy<Value = Value> {
    let field = || prop::sample::select(&FIELDS[..]);
    prop_oneof![
        (prop::sample::select(vec!["add", "replace"]), field(), value())
            .prop_map(|(op, field, value)| json!({"operation": op, "field": field, "value": value})),
        field().prop_map(|field| json!({"operation": "remove", "field": field})),
        (prop::sample::select(vec!["copy", "move"]), field(), field())
            .prop_map(|(op, from, field)| json!({"operation": op, "from": from, "field": field})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_patched_no_hash_is_ever_shown(operations in prop::collection::vec(operation(), 1..6), who in 0_usize..3) {
        let world = World::with_ann();
        patched(&world, set("/kbaInfo", json!([{"questionId": "1", "answer": "purple"}])), ADMINISTRATOR);
        let by = [ADMINISTRATOR, OWNER, Writer::Process { owned: &["password", "_meta"] }][who];
        match patch(&world, Value::Array(operations), by) {
            Ok(prepared) => if let Some(change) = prepared.change { world.objects.commit(&change).unwrap(); },
            Err(error) => prop_assert!(matches!(error.code, 400 | 403 | 413), "{}", error),
        }
        let stored = world.objects.stored(USER, "ann").unwrap();
        prop_assert!(!stored.content["password"].as_str().is_some_and(|text| text.starts_with("Gr34t")), "stored in clear");
        let fields = Fields::parse("*,*_ref,_meta/*,password,kbaInfo,lastSync,nosuch,city").unwrap();
        for audience in [Audience::Administrator, Audience::Owner, Audience::Other] {
            let shown = world.managed.view(USER, &stored, audience, &fields).to_string();
            prop_assert!(!shown.contains("argon2") && !shown.contains("$crypto") && !shown.contains("purple"), "{}", shown);
        }
    }
}
