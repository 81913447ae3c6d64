//! One page of a relationship, in the order of the store.
//!
//! Easiest to get wrong: what a page costs. A cookie names the reference that came last, so that the next page begins there however many come
//! before it; an offset is counted by the store. Only a search with an offset, and a total of what it finds, look at those in between.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::{Filter, Paging, ResourceError, TotalPolicy};
use identity::{Mark, Walk};
use serde_json::{Value, json};
use wire::request::QueryRequest;

use super::Relationship;
use crate::context::Context;
use crate::listing;
use crate::related;
use crate::reply::Reply;

/// References that are looked at together.
pub(super) const BATCH: u32 = 500;
/// Longest cookie that is read, in bytes: a path, the id of a reference, and what binds them to a query.
const MAX_LENGTH: usize = 4096;

impl Relationship {
    /// Answers a query without an order.
    pub(super) async fn page(&self, cx: &Context<'_>, object: &crest::Resource, request: &QueryRequest) -> Result<Reply, ResourceError> {
        let managed = &cx.runtime.managed;
        let mut walk = managed.references_walk(&self.collection, object, &self.property)?;
        let (filter, fingerprint) = (&request.query.filter, self.fingerprint(&request.query.filter));
        let every = *filter == Filter::True;
        let mut passed = match &request.query.paging {
            Paging::Start => 0,
            Paging::Offset(offset) if every => {
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
        let size = request.query.page_size.filter(|size| *size > 0).unwrap_or(u64::MAX);
        let (mut result, mut last) = (Vec::new(), None);
        let more = 'found: loop {
            // One more than the page holds, to know whether there is another.
            let wanted = size.saturating_sub(result.len() as u64).saturating_add(1);
            let batch = walk.next(u32::try_from(wanted).unwrap_or(u32::MAX).min(BATCH)).await?;
            if batch.is_empty() {
                break false;
            }
            for held in &batch {
                let entry = related::listed(cx, held).await?;
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
        let total = match request.totals {
            TotalPolicy::None => None,
            TotalPolicy::Estimate if !every => None,
            _ if every => Some(managed.references_count(&self.collection, object, &self.property).await?),
            _ => Some(found(cx, managed.references_walk(&self.collection, object, &self.property)?, filter).await?),
        };
        let cookie = last.filter(|_| more).map(|mark| write(&mark, &fingerprint));
        listing::page(&result, cookie, total, request, &cx.presentation.fields)
    }

    /// What a cookie belongs to: this relationship and this search.
    fn fingerprint(&self, filter: &Filter) -> String {
        let whole = digest(&SHA256, format!("{}\n{}\n{filter}", self.owner(), self.property).as_bytes());
        URL_SAFE_NO_PAD.encode(whole.as_ref().get(..12).unwrap_or_default())
    }
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
            total += u64::from(filter.matches(&related::listed(cx, held).await?));
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
