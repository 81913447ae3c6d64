//! People on revoked definitions, as nodes note them.

use process::{Ledger, StoredDefinition, Version};

use crate::{Db, InFlight};

pub async fn who_ended_at_one_node_has_ended_whichever_node_says_so_first(store: Db) {
    for (version, revoked) in [("v1", true), ("v2", false)] {
        let definition = StoredDefinition { process: "reset".into(), version: Version(version.into()), sealed: "s".into(), revoked };
        store.remember_definition(definition).await.unwrap();
    }
    assert_eq!(store.revoked().await.unwrap(), [("reset".to_owned(), "v1".to_owned())]);
    let one = |version: &str, instance: &str, ended: bool| InFlight { version: version.into(), instance: instance.into(), ended };
    let here = [one("v1", "a", false), one("v1", "b", true), one("v1", "c", false), one("V1", "other", false), one("v_", "other", false)];
    store.note_in_flight(&here, 200).await.unwrap();
    store.note_in_flight(&[one("v1", "b", false), one("v1", "c", true), one("v1", "d", false)], 200).await.unwrap();
    store.note_in_flight(&here, 200).await.unwrap();
    store.note_in_flight(&[one("v1", "old", false)], 99).await.unwrap();
    let (open, ended) = store.noted_in_flight("v1", 100).await.unwrap();
    assert_eq!((Vec::from_iter(open), Vec::from_iter(ended)), (vec!["a".to_owned(), "d".to_owned()], vec!["b".to_owned(), "c".to_owned()]));
}
