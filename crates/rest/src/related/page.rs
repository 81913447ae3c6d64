//! One page of references, as a relationship or the members of a role list them.
//!
//! Easiest to get wrong: what a page costs. A cookie names the reference that came last, so that the next page begins there however many come
//! before it; an offset is counted by the store, and an order is the store's too. Only a search with an offset, and a total of what it finds, look
//! at those in between; and what the store cannot sort for whoever asks is sorted here as long as it is not much.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::{Comparison, Filter, Paging, Pointer, Query, ResourceError, TotalPolicy, reference};
use identity::{Held, Mark, Side, Walk};
use serde_json::{Value, json};
use wire::request::QueryRequest;

use super::listed;
use crate::context::Context;
use crate::listing;
use crate::reply::Reply;

/// References that are looked at together.
pub(crate) const BATCH: u32 = 500;
/// References that are held together for an order that the store does not know.
const MOST: usize = 10_000;
/// Longest cookie that is read, in bytes: a path, the id of a reference, and what binds them to a query.
const MAX_LENGTH: usize = 4096;

/// Answers a query over the references of a walk that has not begun. `of` is the path of what lists them.
///
/// # Errors
/// 400 for a cookie that is none of ours, or more references than can be sorted, 503 when the store does not answer.
pub(crate) async fn answer(cx: &Context<'_>, of: &str, walk: Walk<'_>, request: &QueryRequest) -> Result<Reply, ResourceError> {
    if request.query.sort.is_empty() {
        return in_turn(cx, of, walk, request).await;
    }
    if let Some(sides) = sorted_by_the_store(cx, &walk, request) {
        return in_order(cx, &sides, &walk, request).await;
    }
    let (mut entries, mut rest) = (Vec::new(), walk);
    loop {
        let batch = rest.next(BATCH).await?;
        if batch.is_empty() {
            return listing::answer(entries, request, &cx.presentation.fields);
        }
        for held in &batch {
            entries.push(listed(cx, held).await?);
        }
        bounded(entries.len())?;
    }
}

/// Whether so many are few enough to be held together.
///
/// # Errors
/// 400 where they are not.
pub(crate) fn bounded(number: usize) -> Result<(), ResourceError> {
    if number <= MOST {
        return Ok(());
    }
    let message = format!("There are more than {MOST}, which is too many for one list; ask for pages, without an order");
    Err(ResourceError::bad_request(message))
}

/// Answers a query without an order.
async fn in_turn(cx: &Context<'_>, of: &str, walk: Walk<'_>, request: &QueryRequest) -> Result<Reply, ResourceError> {
    let whole = walk.clone();
    let mut walk = walk;
    let (filter, fingerprint) = (&request.query.filter, fingerprint(of, &request.query.filter));
    let mut passed = match &request.query.paging {
        Paging::Start => 0,
        Paging::Offset(offset) if *filter == Filter::True => {
            walk.skip(*offset).await?;
            0
        }
        Paging::Offset(offset) => *offset,
        Paging::Cookie(cookie) => {
            let invalid = || ResourceError::bad_request("Invalid paged results cookie");
            let mark = read(cookie, &fingerprint).ok_or_else(invalid)?;
            if !walk.resume(&mark).await? {
                return Err(invalid());
            }
            0
        }
    };
    let size = size_of(request);
    let (mut result, mut last) = (Vec::new(), None);
    let more = 'found: loop {
        // One more than the page holds, to know whether there is another.
        let wanted = size.saturating_sub(result.len() as u64).saturating_add(1);
        let batch = walk.next(u32::try_from(wanted).unwrap_or(u32::MAX).min(BATCH)).await?;
        if batch.is_empty() {
            break false;
        }
        for held in &batch {
            let entry = listed(cx, held).await?;
            if !filter.matches(&entry) {
                continue;
            }
            if passed > 0 {
                passed -= 1;
            } else if result.len() as u64 == size {
                break 'found true;
            } else {
                result.push(entry);
                last = Some(held.mark());
            }
        }
    };
    let cookie = last.filter(|_| more).map(|mark| write(&mark, &fingerprint));
    listing::page(&result, cookie, total(cx, whole, request).await?, request, &cx.presentation.fields)
}

/// The sides of a walk, where the store can sort their objects for whoever asks: all are in one collection, and administrators may read all that
/// they are sorted by. Others are shown some of it, and an order would tell them the rest.
fn sorted_by_the_store(cx: &Context<'_>, walk: &Walk<'_>, request: &QueryRequest) -> Option<Vec<Side>> {
    let sides: Vec<Side> = walk.only_found().filter(|_| cx.principal.is_administrator())?.into_iter().cloned().collect();
    let first = sides.first()?;
    let schema = cx.runtime.schemas.get(&first.collection)?;
    let is_plain = |pointer: &Pointer| {
        // `_id` and `_rev` are the reference's, whatever a schema says of its objects.
        let property = pointer.top().filter(|name| !name.starts_with('_')).and_then(|name| schema.property(name));
        property.is_some_and(|property| {
            property.relationship.is_none() && !property.is_virtual && !property.is_credential() && !property.is_sealed()
        })
    };
    let alike = sides.iter().all(|side| (&side.collection, &side.property) == (&first.collection, &first.property));
    (alike && request.query.sort.iter().all(|key| is_plain(&key.pointer))).then_some(sides)
}

/// Answers a query whose order the store knows. An object that refers several times stays on one page.
async fn in_order(cx: &Context<'_>, sides: &[Side], walk: &Walk<'_>, request: &QueryRequest) -> Result<Reply, ResourceError> {
    let Some(Side { collection, property, .. }) = sides.first() else { return Err(ResourceError::internal("There is nothing to sort")) };
    let filter = &request.query.filter;
    // A list that is no relationship may hold names as they are.
    let schema = cx.runtime.schemas.get(collection).and_then(|schema| schema.property(property));
    let bare = schema.is_none_or(|property| property.relationship.is_none()).then(|| Pointer::from_tokens([property.as_str()]));
    let places: Vec<Pointer> = [Pointer::from_tokens([property.as_str(), reference::REF])].into_iter().chain(bare).collect();
    let leads = |side: &Side| {
        let target = json!(side.target);
        let compared =
            |pointer: &Pointer| Filter::Compare { pointer: pointer.clone(), comparison: Comparison::Equals, value: target.clone() };
        places.iter().map(compared).collect::<Vec<_>>()
    };
    let (mut passed, paging) = match &request.query.paging {
        Paging::Offset(offset) if *filter != Filter::True => (*offset, Paging::Start),
        paging => (0, paging.clone()),
    };
    let mut query = Query { sort: request.query.sort.clone(), paging, ..Query::all(Filter::Or(sides.iter().flat_map(leads).collect())) };
    let (size, mut result) = (size_of(request), Vec::new());
    let cookie = loop {
        query.page_size = Some(size.saturating_sub(result.len() as u64).clamp(1, u64::from(BATCH)));
        let page = cx.runtime.managed.objects.query(collection, &query).await?;
        let all: Vec<Held> = page.result.iter().flat_map(|object| sides.iter().flat_map(|side| side.of(object))).collect();
        for held in all {
            let entry = listed(cx, &held).await?;
            if !filter.matches(&entry) {
                continue;
            }
            if passed > 0 {
                passed -= 1;
            } else {
                result.push(entry);
            }
        }
        match page.cookie {
            Some(cookie) if (result.len() as u64) < size => query.paging = Paging::Cookie(cookie),
            end => break end,
        }
    };
    listing::page(&result, cookie, total(cx, walk.clone(), request).await?, request, &cx.presentation.fields)
}

fn size_of(request: &QueryRequest) -> u64 {
    request.query.page_size.filter(|size| *size > 0).unwrap_or(u64::MAX)
}

/// How many there are, where it is asked: of all the store counts, of a search every one is looked at.
async fn total(cx: &Context<'_>, walk: Walk<'_>, request: &QueryRequest) -> Result<Option<u64>, ResourceError> {
    let filter = &request.query.filter;
    Ok(match request.totals {
        TotalPolicy::None => None,
        _ if *filter == Filter::True => Some(walk.count().await?),
        TotalPolicy::Estimate => None,
        TotalPolicy::Exact => Some(found(cx, walk, filter).await?),
    })
}

/// What a cookie belongs to: this relationship and this search.
fn fingerprint(of: &str, filter: &Filter) -> String {
    let whole = digest(&SHA256, format!("{of}\n{filter}").as_bytes());
    URL_SAFE_NO_PAD.encode(whole.as_ref().get(..12).unwrap_or_default())
}

/// How many references a search finds.
async fn found(cx: &Context<'_>, mut walk: Walk<'_>, filter: &Filter) -> Result<u64, ResourceError> {
    let mut total = 0;
    loop {
        let batch = walk.next(BATCH).await?;
        if batch.is_empty() {
            return Ok(total);
        }
        for held in &batch {
            total += u64::from(filter.matches(&listed(cx, held).await?));
        }
    }
}

fn write(mark: &Mark, fingerprint: &str) -> String {
    let at = match &mark.at {
        Ok(path) => json!(path),
        Err(place) => json!(place),
    };
    URL_SAFE_NO_PAD.encode(json!([fingerprint, mark.reference, at]).to_string())
}

/// What a cookie says; nothing for one that is none of ours, or belongs to another query.
fn read(cookie: &str, fingerprint: &str) -> Option<Mark> {
    if cookie.len() > MAX_LENGTH {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
    let (of, reference, at): (String, String, Value) = serde_json::from_slice(&bytes).ok()?;
    let at = match at {
        Value::String(path) if !path.contains('\0') => Ok(path),
        Value::Number(place) => Err(usize::try_from(place.as_u64()?).ok()?),
        _ => return None,
    };
    (of == fingerprint).then_some(Mark { reference, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_comes_back_as_it_went_and_belongs_to_one_query() {
        for at in [Ok("managed/user/a b".to_owned()), Err(7)] {
            let mark = Mark { reference: "id".into(), at };
            let cookie = write(&mark, "f");
            assert_eq!((read(&cookie, "f"), read(&cookie, "g")), (Some(mark), None));
        }
        let long = "a".repeat(MAX_LENGTH + 1);
        let wrong = [json!(["f", "id", -1]), json!(["f", "id", "a/\0"]), json!(["f", "id", null]), json!(["f", 1, 1]), json!([]), json!(7)];
        let wrong = wrong.map(|value| URL_SAFE_NO_PAD.encode(value.to_string()));
        for cookie in ["", "50", "§", &long].into_iter().chain(wrong.iter().map(String::as_str)) {
            assert_eq!(read(cookie, "f"), None, "{cookie}");
        }
    }
}
