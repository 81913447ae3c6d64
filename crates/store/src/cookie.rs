//! Paging cookies: the place where a page ended, bound to the query it belongs to.
//!
//! Easiest to break: a cookie is text from a client. It is checked against the query and its values are bound, never trusted. It
//! holds the sort values of one object in clear, so a caller sorts only by what it may read.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::Query;
use serde_json::{Value, json};

use crate::order::{KeyValue, Position};
use crate::sql::Bound;

/// Longest cookie that is read, in bytes (SEC-52).
const MAX_LENGTH: usize = 64 * 1024;

/// Writes a position.
pub(crate) fn write(way: &str, collection: &str, query: &Query, position: &Position) -> String {
    let keys: Vec<Value> = position.keys.iter().map(write_key).collect();
    URL_SAFE_NO_PAD.encode(json!([fingerprint(way, collection, query), keys, position.id]).to_string())
}

/// Reads a position with `keys` sort values; `None` for a cookie that is not ours or belongs to another query.
pub(crate) fn read(cookie: &str, way: &str, collection: &str, query: &Query, keys: usize) -> Option<Position> {
    if cookie.len() > MAX_LENGTH {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
    let (seen, found, id): (String, Vec<Value>, String) = serde_json::from_slice(&bytes).ok()?;
    if seen != fingerprint(way, collection, query) || found.len() != keys || id.contains('\0') {
        return None;
    }
    Some(Position { keys: found.iter().map(read_key).collect::<Option<_>>()?, id })
}

/// What must not change from page to page: everything but the size of the page. `way` says what the values are that stand for the sort keys.
fn fingerprint(way: &str, collection: &str, query: &Query) -> String {
    let sort: Vec<String> = query.sort.iter().map(|key| format!("{}{}", if key.ascending { '+' } else { '-' }, key.pointer)).collect();
    let sort = sort.join(",");
    let whole = digest(&SHA256, format!("{way}{collection}\n{sort}\n{}", query.filter).as_bytes());
    URL_SAFE_NO_PAD.encode(whole.as_ref().get(..12).unwrap_or_default())
}

/// A float travels as its bits: decimal text could come back as its neighbour.
fn write_key(key: &KeyValue) -> Value {
    match key {
        None => Value::Null,
        Some(Bound::Text(text)) => text.as_str().into(),
        Some(Bound::Integer(integer)) => (*integer).into(),
        Some(Bound::Real(real)) => json!([real.to_bits()]),
    }
}

fn read_key(key: &Value) -> Option<KeyValue> {
    Some(match key {
        Value::Null => None,
        Value::String(text) if !text.contains('\0') => Some(Bound::Text(text.clone())),
        Value::Number(number) => Some(Bound::Integer(number.as_i64()?)),
        Value::Array(bits) => match bits.as_slice() {
            [bits] => Some(Bound::Real(Some(f64::from_bits(bits.as_u64()?)).filter(|real| real.is_finite())?)),
            _ => return None,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crest::{Filter, SortKey};
    use proptest::prelude::*;

    use super::*;

    fn query() -> Query {
        Query { sort: SortKey::parse_list("sn,-age").unwrap(), ..Query::first(Filter::equals("sn", "x"), 2) }
    }

    fn key() -> impl Strategy<Value = KeyValue> {
        prop_oneof![
            Just(None),
            "[^\0]*".prop_map(|text| Some(Bound::Text(text))),
            any::<i64>().prop_map(|integer| Some(Bound::Integer(integer))),
            any::<f64>().prop_filter("finite", |real| real.is_finite()).prop_map(|real| Some(Bound::Real(real))),
        ]
    }

    proptest! {
        #[test]
        fn a_cookie_comes_back_as_it_went(keys in prop::collection::vec(key(), 2), id in "[^\0]*") {
            let position = Position { keys, id };
            let cookie = write("", "managed/user", &query(), &position);
            prop_assert_eq!(read(&cookie, "", "managed/user", &query(), 2), Some(position));
        }

        #[test]
        fn foreign_text_is_no_cookie(text in ".*") {
            prop_assert_eq!(read(&text, "", "managed/user", &query(), 2), None);
        }
    }

    #[test]
    fn a_cookie_belongs_to_one_query_but_any_page_size() {
        let position = Position { keys: vec![None, None], id: "a".into() };
        let cookie = write("", "managed/user", &query(), &position);
        assert!(read(&cookie, "", "managed/role", &query(), 2).is_none());
        assert!(read(&cookie, "", "managed/user", &Query { filter: Filter::True, ..query() }, 2).is_none());
        assert!(read(&cookie, "", "managed/user", &Query { sort: SortKey::parse_list("sn,age").unwrap(), ..query() }, 2).is_none());
        assert!(read(&cookie, "", "managed/user", &Query { page_size: Some(9), ..query() }, 2).is_some());
    }
}
