//! What files said is kept, once each time, and not without end.

use crate::{Db, MOST_VERSIONS, TakenUp};

fn file(path: &str, text: &str) -> TakenUp {
    TakenUp {
        path: path.into(),
        marks: vec![format!("mark of {text}"), format!("old mark of {text}")],
        sealed: Some(text.into()),
        who: None,
    }
}

/// Number, mark and who of each version.
async fn told(store: &Db, path: &str) -> Vec<(String, Option<String>)> {
    let all = store.config_versions(Some(path.to_owned())).await.unwrap();
    all.into_iter().map(|version| (version.mark, version.who)).collect()
}

pub async fn a_version_is_noted_when_a_file_says_something_else(store: Db) {
    let by = |file: TakenUp| TakenUp { who: Some("openidm-admin".into()), ..file };
    let gone = |path: &str| TakenUp { marks: Vec::new(), sealed: None, ..file(path, "") };
    store.note_config(vec![file("a", "1"), file("b", "1"), gone("c")], 10).await.unwrap();
    store.note_config(vec![by(file("a", "2")), file("b", "1")], 11).await.unwrap();
    store.note_config(vec![by(file("a", "2")), gone("a"), gone("a")], 12).await.unwrap();
    let mark = |text: &str| format!("mark of {text}");
    let who = || Some("openidm-admin".to_owned());
    assert_eq!(told(&store, "a").await, [(String::new(), None), (mark("2"), who()), (mark("1"), None)]);
    assert_eq!((told(&store, "b").await.len(), told(&store, "c").await.len()), (1, 0));
    let newest = store.newest_config().await.unwrap();
    assert_eq!(newest.iter().map(|version| version.path.as_str()).collect::<std::collections::BTreeSet<_>>(), ["a", "b"].into());
    let all = store.config_versions(None).await.unwrap();
    assert_eq!((all.len(), all[0].path.as_str(), all[0].noted), (4, "a", 12));
    let (second, text) = store.config_version(all[1].number).await.unwrap().unwrap();
    assert_eq!((second.path.as_str(), second.noted, text.as_deref()), ("a", 11, Some("2")));
    assert_eq!(store.config_version(all[0].number).await.unwrap().unwrap().1, None);
    assert_eq!(store.config_version(0).await.unwrap(), None);
    // A key that was changed meanwhile makes no version.
    let renewed = TakenUp { marks: vec!["new mark".into(), mark("1")], ..file("b", "1") };
    store.note_config(vec![renewed], 13).await.unwrap();
    assert_eq!(told(&store, "b").await.len(), 1);
}

pub async fn of_each_file_the_last_versions_are_kept(store: Db) {
    store.note_config(vec![file("other", "1")], 1).await.unwrap();
    for text in 0..MOST_VERSIONS + 3 {
        store.note_config(vec![file("a", &text.to_string())], text).await.unwrap();
    }
    let kept = told(&store, "a").await;
    assert_eq!(kept.len(), usize::try_from(MOST_VERSIONS).unwrap());
    assert_eq!((kept[0].0.as_str(), kept.last().unwrap().0.as_str()), ("mark of 52", "mark of 3"));
    assert_eq!(told(&store, "other").await.len(), 1);
}

pub async fn nodes_that_take_up_the_same_files_note_them_once(store: Db) {
    let note = || {
        let store = store.clone();
        tokio::spawn(async move { store.note_config(vec![file("a", "1"), file("b", "1")], 1).await })
    };
    let all: Vec<_> = (0..8).map(|_| note()).collect();
    for one in all {
        one.await.unwrap().unwrap();
    }
    assert_eq!((told(&store, "a").await.len(), told(&store, "b").await.len()), (1, 1));
}
