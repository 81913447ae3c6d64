//! What people are found by.

use crest::Pointer;
use process::{CommitError, Effect};
use serde_json::json;

use super::changes::delete;
use super::{Store, USERS, changed, commit, create, found, put};

/// Where people are found by a name, all its spellings are one; what only looks like it is another name.
pub async fn people_are_found_by_any_spelling_of_what_names_them<S: Store>(store: S) {
    let spelled = async |property: &str, name: &str| {
        store.spelled(USERS, &Pointer::from_tokens([property]), &identity::names::form(name).unwrap(), 9).await.unwrap()
    };
    put(&store, "a", json!({ "userName": "Ann", "mail": "Joshua.Stanley@Example.com" })).await;
    put(&store, "b", json!({ "userName": "coco", "mail": "b@example.com" })).await;
    assert_eq!(spelled("userName", "ANN").await, ["a"]);
    assert_eq!(spelled("mail", "joshua.stanley@example.COM").await, ["a"]);
    assert_eq!(spelled("userName", "\u{441}\u{43e}\u{441}\u{43e}").await, Vec::<String>::new());
    assert_eq!(spelled("sn", "Ann").await, Vec::<String>::new(), "not by what names nobody");
    put(&store, "c", json!({ "userName": "ann", "mail": "joshua.STANLEY@example.com" })).await;
    assert_eq!(
        (spelled("userName", "Ann").await, spelled("mail", "Joshua.Stanley@example.com").await.len()),
        (vec!["a".into(), "c".into()], 2)
    );
    changed(&store, delete("a", None)).await.unwrap();
    assert_eq!(spelled("userName", "Ann").await, ["c"]);
}

/// What an index may not hold whole is compared whole all the same.
pub async fn a_long_value_is_unique_and_found_like_others<S: Store>(store: S) {
    let long = |end: &str| format!("{}{end}", "ü".repeat(4000));
    put(&store, "a", json!({ "userName": long("a"), "sn": long("s") })).await;
    put(&store, "b", json!({ "userName": long("b"), "sn": long("s") })).await;
    let twin = commit(&store, vec![create("c", json!({ "userName": long("a") }))]).await;
    assert!(matches!(twin, Err(CommitError::Taken { .. })), "{twin:?}");
    assert_eq!(found(&store, &format!("userName eq '{}'", long("b"))).await, ["b"]);
    assert_eq!(found(&store, &format!("sn sw '{}'", long(""))).await, ["a", "b"]);
    assert_eq!(found(&store, &format!("sn sw '{}'", long("x"))).await, Vec::<String>::new());
}

/// The last word on an address counts, and goes with its object.
pub async fn what_is_known_of_an_address_is_kept_with_its_object<S: Store>(store: S) {
    put(&store, "a", json!({ "userName": "Ann", "mail": "Ann@example.com" })).await;
    assert_eq!(store.confirmation(USERS, "a").await.unwrap(), None);
    for confirmed in [false, true, true, false] {
        let known = Effect::Address { collection: USERS.into(), id: "a".into(), address: "Ann@Example.COM".into(), confirmed };
        commit(&store, vec![known]).await.unwrap();
        let known = store.confirmation(USERS, "a").await.unwrap().unwrap();
        assert_eq!((known.address.as_str(), known.confirmed), ("ann@example.com", confirmed));
    }
    changed(&store, delete("a", None)).await.unwrap();
    assert_eq!(store.confirmation(USERS, "a").await.unwrap(), None);
}

/// SEC-02: whoever found nobody reads somebody, as often as whoever found somebody.
pub async fn whoever_is_near_an_id_is_read<S: Store>(store: S) {
    for id in ["b", "d", "f"] {
        put(&store, id, json!({ "userName": id })).await;
    }
    for (id, limit, near) in [
        ("a", 0, &[][..]),
        ("a", 2, &["b", "d"]),
        ("b", 1, &["b"]),
        ("c", 2, &["d", "f"]),
        ("e", 2, &["f", "b"]),
        ("g", 2, &["b", "d"]),
        ("c", 9, &["d", "f", "b"]),
    ] {
        let found = store.nearest(USERS, id, limit).await.unwrap();
        let found: Vec<&str> = found.iter().map(|resource| resource.id.as_str()).collect();
        assert_eq!(found, near, "{limit} from {id}");
    }
    assert_eq!(store.nearest("managed/nothing", "a", 2).await.unwrap(), []);
}
