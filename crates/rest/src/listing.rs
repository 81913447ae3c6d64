//! Queries over what is held in memory: sessions, roles, configurations, relationships. They search, sort, page and select as queries of
//! the store do.
//!
//! Easiest to get wrong: a search must see no more than the answer shows, so entries are given as they will be shown.

use crest::{Fields, Paging, Pointer, ResourceError, SortKey, TotalPolicy};
use serde_json::Value;
use wire::request::QueryRequest;

use crate::reply::Reply;

/// Members of a reference that an answer has whatever `_fields` says.
const REFERENCE: [&str; 4] = ["_ref", "_refResourceCollection", "_refResourceId", "_refProperties"];

/// Answers a query over `entries`. Without a page size there is one page.
///
/// # Errors
/// 400 for a paging cookie that is none of ours.
pub(crate) fn answer(mut entries: Vec<Value>, request: &QueryRequest, fields: &Fields) -> Result<Reply, ResourceError> {
    entries.retain(|entry| request.query.filter.matches(entry));
    entries.sort_by(|left, right| SortKey::compare(&request.query.sort, left, right));
    let mut window = Window::of(request)?;
    for entry in entries {
        window.take(entry);
    }
    window.answer(request, fields, true)
}

/// Answers a query over what grows while its pages are read, as the audit trail does by the very reading: a cookie names the last entry of
/// its page, and the next page goes on behind that one.
///
/// # Errors
/// 400 for a paging cookie that is none of ours.
pub(crate) fn answer_growing(mut entries: Vec<Value>, request: &QueryRequest, fields: &Fields) -> Result<Reply, ResourceError> {
    entries.retain(|entry| request.query.filter.matches(entry));
    entries.sort_by(|left, right| SortKey::compare(&request.query.sort, left, right));
    let from = match &request.query.paging {
        Paging::Start => 0,
        Paging::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX),
        Paging::Cookie(cookie) => {
            let last = entries.iter().position(|entry| entry.get("_id").and_then(Value::as_str) == Some(cookie));
            last.ok_or_else(|| ResourceError::bad_request("Invalid paged results cookie"))? + 1
        }
    };
    let total = (request.totals != TotalPolicy::None).then_some(entries.len() as u64);
    let size = request.query.page_size.filter(|size| *size > 0).map_or(usize::MAX, |size| usize::try_from(size).unwrap_or(usize::MAX));
    let shown: Vec<Value> = entries.iter().skip(from).take(size).cloned().collect();
    let goes_on = entries.len().saturating_sub(from) > shown.len();
    let cookie = shown.last().filter(|_| goes_on).and_then(|last| last.get("_id")?.as_str().map(str::to_owned));
    page(&shown, cookie, total, request, fields)
}

/// The entries of one page, out of those that come by in order.
pub(crate) struct Window {
    from: u64,
    end: u64,
    passed: u64,
    page: Vec<Value>,
}

impl Window {
    /// The page that is asked for.
    ///
    /// # Errors
    /// 400 for a paging cookie that is none of ours.
    pub(crate) fn of(request: &QueryRequest) -> Result<Self, ResourceError> {
        let from: u64 = match &request.query.paging {
            Paging::Start => 0,
            Paging::Offset(offset) => *offset,
            Paging::Cookie(cookie) => cookie.parse().map_err(|_| ResourceError::bad_request("Invalid paged results cookie"))?,
        };
        let size = request.query.page_size.filter(|size| *size > 0).unwrap_or(u64::MAX);
        Ok(Self { from, end: from.saturating_add(size), passed: 0, page: Vec::new() })
    }

    /// The next entry that matches.
    pub(crate) fn take(&mut self, entry: Value) {
        if (self.from..self.end).contains(&self.passed) {
            self.page.push(entry);
        }
        self.passed += 1;
    }

    /// Whether it is known that there is a page after this one.
    pub(crate) fn is_full(&self) -> bool {
        self.passed > self.end
    }

    /// The page. The total is told where `complete` says that every entry came by.
    ///
    /// # Errors
    /// None but a fault of ours.
    pub(crate) fn answer(self, request: &QueryRequest, fields: &Fields, complete: bool) -> Result<Reply, ResourceError> {
        let total = (complete && request.totals != TotalPolicy::None).then_some(self.passed);
        page(&self.page, self.is_full().then(|| self.end.to_string()), total, request, fields)
    }
}

/// A page of entries as an answer.
///
/// # Errors
/// None but a fault of ours.
pub(crate) fn page(
    entries: &[Value],
    cookie: Option<String>,
    total: Option<u64>,
    request: &QueryRequest,
    fields: &Fields,
) -> Result<Reply, ResourceError> {
    let ids = Fields::parse("_id")?;
    let fields = if request.ids_only { &ids } else { fields };
    let result = entries.iter().map(|entry| selected(entry, fields)).collect();
    Ok(Reply::Page { result, cookie, total, policy: request.totals })
}

/// `_fields`, beside what always makes a reference.
pub(crate) fn selected(entry: &Value, fields: &Fields) -> Value {
    if fields.is_all() {
        return entry.clone();
    }
    let mut chosen = fields.select(entry);
    if let Value::Object(members) = &mut chosen {
        for name in REFERENCE {
            if let Some(value) = Pointer::from_tokens([name]).get(entry) {
                members.insert(name.to_owned(), value.clone());
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use crest::{Filter, Query};
    use serde_json::json;

    use super::*;

    fn request(query: Query) -> QueryRequest {
        QueryRequest { totals: query.totals, query, ids_only: false, by_expression: false }
    }

    fn ids(reply: &Reply) -> (Vec<i64>, Option<String>, Option<u64>) {
        let Reply::Page { result, cookie, total, .. } = reply else { panic!("a query is answered with a page") };
        (result.iter().map(|entry| entry["_id"].as_i64().unwrap()).collect(), cookie.clone(), *total)
    }

    #[test]
    fn pages_follow_one_another_by_cookie_and_by_offset() {
        let entries: Vec<Value> = (0..7).map(|number| json!({ "_id": number })).collect();
        let page = |paging: Paging| {
            let query = Query { page_size: Some(3), paging, totals: TotalPolicy::Exact, ..Query::all(Filter::True) };
            ids(&answer(entries.clone(), &request(query), &Fields::all()).unwrap())
        };
        let (first, cookie, total) = page(Paging::Start);
        assert_eq!((first, total), (vec![0, 1, 2], Some(7)));
        let (second, cookie, _) = page(Paging::Cookie(cookie.unwrap()));
        assert_eq!(second, [3, 4, 5]);
        assert_eq!(page(Paging::Cookie(cookie.unwrap())), (vec![6], None, Some(7)));
        assert_eq!(page(Paging::Offset(6)).0, [6]);
        assert_eq!(page(Paging::Offset(u64::MAX)).0, Vec::<i64>::new());
        let foreign = Query { paging: Paging::Cookie("x".into()), ..Query::all(Filter::True) };
        assert_eq!(answer(entries, &request(foreign), &Fields::all()).unwrap_err().code, 400);
    }

    #[test]
    fn what_grows_at_its_beginning_is_paged_without_a_gap_and_without_telling_anything_twice() {
        let entries = |newest: i64| -> Vec<Value> { (1..=newest).rev().map(|number| json!({ "_id": number.to_string() })).collect() };
        let page = |newest: i64, paging: Paging| {
            let query = Query { page_size: Some(2), paging, ..Query::all(Filter::True) };
            let Reply::Page { result, cookie, .. } = answer_growing(entries(newest), &request(query), &Fields::all())? else { panic!() };
            Ok::<_, ResourceError>((result.iter().map(|entry| entry["_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), cookie))
        };
        let (first, cookie) = page(5, Paging::Start).unwrap();
        assert_eq!(first, ["5", "4"]);
        let (second, cookie) = page(8, Paging::Cookie(cookie.unwrap())).unwrap();
        assert_eq!(second, ["3", "2"]);
        assert_eq!(page(9, Paging::Cookie(cookie.unwrap())).unwrap(), (vec!["1".to_owned()], None));
        assert_eq!(page(5, Paging::Offset(4)).unwrap(), (vec!["1".to_owned()], None));
        assert_eq!(page(5, Paging::Cookie("x".into())).unwrap_err().code, 400);
    }

    #[test]
    fn what_is_missing_comes_first_and_numbers_before_text() {
        let entries = vec![json!({"_id": 1, "a": "x"}), json!({"_id": 2, "a": 10}), json!({"_id": 3}), json!({"_id": 4, "a": 9})];
        let sorted = |keys: &str| {
            let query = Query { sort: SortKey::parse_list(keys).unwrap(), ..Query::all(Filter::True) };
            ids(&answer(entries.clone(), &request(query), &Fields::all()).unwrap()).0
        };
        assert_eq!(sorted("a"), [3, 4, 2, 1]);
        assert_eq!(sorted("-a"), [1, 2, 4, 3]);
    }

    #[test]
    fn a_reference_stays_one_whatever_is_asked_for() {
        let entry = json!({"_id": "1", "_ref": "managed/user/1", "_refProperties": {}, "sn": "a", "mail": "m"});
        let shown = selected(&entry, &Fields::parse("sn").unwrap());
        assert_eq!(shown, json!({"_id": "1", "sn": "a", "_ref": "managed/user/1", "_refProperties": {}}));
    }
}
