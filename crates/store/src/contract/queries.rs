//! Queries: what they find, in what order, on which page.

use crest::{Change, Filter, Page, Paging, Query, SortKey, TotalPolicy};
use identity::ObjectsError;
use serde_json::json;

use super::{Store, USERS, changed, found, ids, put};

/// The objects of the recorded answers `managed-query-*.json`.
async fn recorded<S: Store>(store: &S) {
    let objects = [
        ("alfa", json!({ "city": "Bonn", "age": 5 })),
        ("bravo", json!({ "city": "bonn", "age": 15 })),
        ("charlie", json!({ "city": "Köln", "age": 25 })),
        ("delta", json!({ "city": "Ulm", "age": 35 })),
        ("echo", json!({ "city": "" })),
    ];
    for (id, mut content) in objects {
        content["userName"] = id.into();
        content["sn"] = "Query".into();
        put(store, id, content).await;
    }
}

fn sorted(filter: &str, sort: &str) -> Query {
    Query { sort: SortKey::parse_list(sort).unwrap(), ..Query::all(Filter::parse(filter).unwrap()) }
}

pub async fn comparisons_find_what_the_recorded_answers_found<S: Store>(store: S) {
    recorded(&store).await;
    let all = ["alfa", "bravo", "charlie", "delta", "echo"];
    let cases: &[(&str, &[&str])] = &[
        ("userName eq 'alfa'", &["alfa"]),
        ("userName EQ 'alfa'", &["alfa"]),
        ("userName eq 'ALFA'", &[]),
        ("sn sw 'Q'", &all),
        ("userName co 'rav'", &["bravo"]),
        ("sn eq 'Query' and city eq 'Bonn'", &["alfa"]),
        ("sn eq 'Query' and city pr", &all),
        ("sn eq 'Query' and age pr", &["alfa", "bravo", "charlie", "delta"]),
        ("sn eq 'Query' and !(age pr)", &["echo"]),
        ("age gt 15", &["charlie", "delta"]),
        ("age ge 15", &["bravo", "charlie", "delta"]),
        ("age lt 15", &["alfa"]),
        ("age le 15", &["alfa", "bravo"]),
        ("age eq 15", &["bravo"]),
        ("age eq 15.0", &["bravo"]),
        ("age eq '15'", &[]),
        ("!(age gt 15)", &["alfa", "bravo", "echo"]),
        ("city eq 'Ulm' or city eq 'Köln'", &["charlie", "delta"]),
        ("userName eq 'alfa' or userName eq 'echo' and city eq 'Ulm'", &["alfa"]),
        ("userName eq 'alfa' or sn eq 'x' or _id eq 'echo'", &["alfa", "echo"]),
        ("sn eq 'Query' and true", &all),
        ("sn eq 'Query' and false", &[]),
        ("false", &[]),
        ("nosuch eq 'x'", &[]),
        ("userName gt 'charlie'", &["delta", "echo"]),
        ("_id in '[\"alfa\",\"delta\",\"x\"]'", &["alfa", "delta"]),
        ("userName in '[\"alfa\",\"delta\",7]'", &["alfa", "delta"]),
        ("_id sw 'a' or _id co 'elt'", &["alfa", "delta"]),
    ];
    for (filter, expected) in cases {
        assert_eq!(found(&store, filter).await, *expected, "{filter}");
    }
    let revision = store.read(USERS, "alfa").await.unwrap().unwrap().revision;
    assert_eq!(found(&store, &format!("_rev eq '{revision}'")).await, all, "all are in their first revision");
    assert_eq!(found(&store, "_rev gt '0' and _id eq 'echo'").await, ["echo"]);
}

/// Whole numbers compare exactly; a fraction on either side makes both floats.
pub async fn numbers_compare_as_in_memory_beyond_what_a_float_holds<S: Store>(store: S) {
    let edge = 1_u64 << 53;
    for (id, number) in
        [("a", json!(edge)), ("b", json!(edge + 1)), ("c", json!(u64::MAX)), ("d", json!(9_007_199_254_740_992.0_f64)), ("e", json!(1))]
    {
        put(&store, id, json!({ "age": number, "n": [number] })).await;
    }
    for field in ["age", "n"] {
        for (condition, expected) in [
            ("eq 9007199254740992", &["a", "d"][..]),
            ("eq 9007199254740993", &["b", "d"]),
            ("eq 9007199254740992.0", &["a", "b", "d"]),
            ("gt 9007199254740992", &["b", "c"]),
            ("ge 18446744073709551615", &["c"]),
            ("lt 18446744073709551615", &["a", "b", "d", "e"]),
            ("in '[9007199254740993,1]'", &["b", "d", "e"]),
        ] {
            assert_eq!(found(&store, &format!("{field} {condition}")).await, expected, "{field} {condition}");
        }
    }
}

pub async fn values_are_text_and_no_patterns<S: Store>(store: S) {
    for (id, city) in [("a", "100%"), ("b", "100 percent"), ("c", "1_0"), ("d", "[\"x\"]"), ("e", "' OR ''='"), ("f", "\u{10ffff}!")] {
        put(&store, id, json!({ "city": city, "sn": city })).await;
    }
    put(&store, "g", json!({ "city": ["x"], "sn": ["x"] })).await;
    for field in ["city", "sn"] {
        for (condition, expected) in [
            ("sw '100%'", "a"),
            ("co '_'", "c"),
            ("sw '1_'", "c"),
            ("eq '[\"x\"]'", "d"),
            ("eq \"' OR ''='\"", "e"),
            ("sw '\u{10ffff}'", "f"),
            ("eq 'x'", "g"),
        ] {
            assert_eq!(found(&store, &format!("{field} {condition}")).await, [expected], "{field} {condition}");
        }
        assert_eq!(found(&store, &format!("{field} sw '%' or {field} co '%%'")).await, Vec::<String>::new());
    }
}

pub async fn missing_values_come_first_or_last_where_reversed<S: Store>(store: S) {
    recorded(&store).await;
    for (sort, expected) in [
        ("age", ["echo", "alfa", "bravo", "charlie", "delta"]),
        ("-age", ["delta", "charlie", "bravo", "alfa", "echo"]),
        ("city,-userName", ["echo", "alfa", "charlie", "delta", "bravo"]),
        ("sn,-city", ["bravo", "delta", "charlie", "alfa", "echo"]),
        ("nosuch,-userName", ["echo", "delta", "charlie", "bravo", "alfa"]),
        ("-sn", ["alfa", "bravo", "charlie", "delta", "echo"]),
        ("-_id", ["echo", "delta", "charlie", "bravo", "alfa"]),
    ] {
        assert_eq!(ids(&store, &sorted("sn eq 'Query'", sort)).await, expected, "{sort}");
        assert_eq!(ids(&store, &sorted("true", sort)).await, expected, "{sort}");
    }
}

async fn next<S: Store>(store: &S, query: &mut Query) -> (Vec<String>, Option<String>) {
    let Page { result, cookie, .. } = store.query(USERS, query).await.unwrap();
    if let Some(cookie) = &cookie {
        query.paging = Paging::Cookie(cookie.clone());
    }
    (result.into_iter().map(|resource| resource.id).collect(), cookie)
}

pub async fn pages_by_cookie_hold_every_object_once<S: Store>(store: S) {
    recorded(&store).await;
    for (filter, sort) in
        [("true", ""), ("true", "userName"), ("sn eq 'Query'", "-age"), ("city/0 pr or true", "city"), ("true", "-sn,age")]
    {
        let mut query = Query::first(Filter::parse(filter).unwrap(), 2);
        if !sort.is_empty() {
            query.sort = SortKey::parse_list(sort).unwrap();
        }
        let whole = ids(&store, &Query { page_size: None, ..query.clone() }).await;
        assert_eq!(whole.len(), 5);
        let mut seen = Vec::new();
        for size in [2, 2, 1] {
            let (page, cookie) = next(&store, &mut query).await;
            assert_eq!(page.len(), size, "{filter} {sort}");
            assert_eq!(cookie.is_some(), size == 2, "{filter} {sort}");
            seen.extend(page);
        }
        assert_eq!(seen, whole, "{filter} {sort}");
    }
    let exactly = Query { page_size: Some(5), ..Query::all(Filter::True) };
    assert_eq!(store.query(USERS, &exactly).await.unwrap().cookie, None);
}

pub async fn a_page_survives_the_deletion_of_its_last_object<S: Store>(store: S) {
    recorded(&store).await;
    let mut query = Query { page_size: Some(2), ..sorted("true", "-age") };
    let (page, _) = next(&store, &mut query).await;
    assert_eq!(page, ["delta", "charlie"]);
    for id in page {
        changed(&store, Change::Delete { collection: USERS.into(), id, expected: None }).await.unwrap();
    }
    assert_eq!(next(&store, &mut query).await.0, ["bravo", "alfa"]);
}

pub async fn pages_by_offset_continue_by_cookie<S: Store>(store: S) {
    recorded(&store).await;
    for filter in ["true", "city/0 pr or true"] {
        let mut query = Query { page_size: Some(2), paging: Paging::Offset(1), ..sorted(filter, "userName") };
        assert_eq!(next(&store, &mut query).await.0, ["bravo", "charlie"]);
        assert_eq!(next(&store, &mut query).await.0, ["delta", "echo"]);
        query.paging = Paging::Offset(99);
        assert_eq!(next(&store, &mut query).await, (Vec::new(), None));
    }
}

pub async fn totals_are_counted_when_asked<S: Store>(store: S) {
    recorded(&store).await;
    for (filter, total) in [("age pr", 4), ("userName eq 'alfa'", 1), ("city/0 pr or age pr", 4), ("false", 0)] {
        let query = Query { page_size: Some(1), totals: TotalPolicy::Exact, ..sorted(filter, "userName") };
        assert_eq!(store.query(USERS, &query).await.unwrap().total, Some(total), "{filter}");
        assert_eq!(store.query(USERS, &Query { totals: TotalPolicy::None, ..query }).await.unwrap().total, None);
    }
    let mut second = Query { page_size: Some(3), totals: TotalPolicy::Exact, ..sorted("true", "userName") };
    next(&store, &mut second).await;
    assert_eq!(store.query(USERS, &second).await.unwrap().total, Some(5), "of the query, not of the rest");
}

pub async fn a_foreign_cookie_is_refused<S: Store>(store: S) {
    recorded(&store).await;
    let mut query = Query { page_size: Some(2), ..sorted("true", "userName") };
    next(&store, &mut query).await;
    let other = Query { filter: Filter::parse("age pr").unwrap(), ..query.clone() };
    assert_eq!(store.query(USERS, &other).await, Err(ObjectsError::InvalidCookie));
    for cookie in ["", "2", "e30", "💥"] {
        query.paging = Paging::Cookie(cookie.into());
        assert_eq!(store.query(USERS, &query).await, Err(ObjectsError::InvalidCookie), "{cookie}");
    }
}

pub async fn a_sort_key_that_cannot_be_expressed_is_refused<S: Store>(store: S) {
    let query = sorted("true", "a%22b");
    assert!(matches!(store.query(USERS, &query).await, Err(ObjectsError::UnsupportedFilter(_))));
}

pub async fn collections_do_not_see_each_other<S: Store>(store: S) {
    recorded(&store).await;
    let mine =
        Change::Create { collection: "managed/other".into(), id: "alfa".into(), content: json!({ "userName": "alfa", "sn": "Query" }) };
    changed(&store, mine).await.unwrap();
    for filter in [Filter::True, Filter::equals("userName", "alfa"), Filter::equals("_id", "alfa"), Filter::equals("sn", "Query")] {
        let other = store.query("managed/other", &Query::all(filter.clone())).await.unwrap().result;
        assert_eq!(other.len(), 1, "{filter}");
        assert_eq!(other[0].content["city"], json!(null));
        assert!(store.query("managed/none", &Query::all(filter)).await.unwrap().result.is_empty());
    }
    assert_eq!(found(&store, "userName eq 'alfa'").await.len(), 1);
    assert_eq!(store.read("managed/none", "alfa").await.unwrap(), None);
}
