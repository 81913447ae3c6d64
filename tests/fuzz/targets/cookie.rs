//! Any text is a paging cookie of a query or none: what is read is written and read again as the same place, and no other query takes it.
#![no_main]

use crest::{Filter, Query, SortKey};
use libfuzzer_sys::fuzz_target;
use store::contract::reread_cookie;

const PEOPLE: &str = "managed/user";

fn query(sort: &str) -> Query {
    Query { sort: SortKey::parse_list(sort).expect("sort keys"), ..Query::first(Filter::True, 10) }
}

fuzz_target!(|text: &str| {
    let (own, other) = (query("sn,-age"), query("sn,age"));
    let Some(written) = reread_cookie(text, PEOPLE, &own) else { return };
    assert_eq!(reread_cookie(&written, PEOPLE, &own).as_deref(), Some(written.as_str()));
    assert!(reread_cookie(text, PEOPLE, &other).is_none() && reread_cookie(text, "managed/role", &own).is_none());
});
