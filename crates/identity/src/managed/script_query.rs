//! What `openidm.query` of a script asks for (IDM scripting guide, "openidm.query").
//!
//! Easiest to break: nothing that a script says is passed over. What is not offered, and more than may be given, is thrown; a script that
//! counts or takes the first would go wrong otherwise, and nobody would see it.

use crest::{Comparison, Fields, Filter, Paging, Pointer, Query, SortKey, TotalPolicy};
use serde_json::{Value, json};

use crate::loose;

/// Parameters that a query is made of.
const OFFERED: [&str; 8] = [
    "_queryFilter",
    "_queryId",
    "_sortKeys",
    "_pageSize",
    "_pagedResultsOffset",
    "_pagedResultsCookie",
    "_totalPagedResultsPolicy",
    "_fields",
];

/// A query of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptQuery {
    /// Which objects, in which order, which page: one more than may be given.
    pub query: Query,
    /// What is wanted of each.
    pub fields: Fields,
    limit: u64,
    paged: bool,
}

impl ScriptQuery {
    /// Reads the parameters. At most `limit` objects are given.
    ///
    /// # Errors
    /// What is wrong with them, or not offered.
    pub fn read(params: &Value, limit: u64) -> Result<Self, String> {
        let text = |key: &str| loose::text(params, key).filter(|text| !text.trim().is_empty());
        for (name, value) in params.as_object().into_iter().flatten() {
            let is_nothing = value.is_null() || value.as_str().is_some_and(|text| text.is_empty() || text.eq_ignore_ascii_case("none"));
            if name.starts_with('_') && !OFFERED.contains(&name.as_str()) && !is_nothing {
                return Err(format!("'{name}' is not offered in a query of a script"));
            }
        }
        let filter = match (text("_queryFilter"), text("_queryId")) {
            (Some(filter), _) => Filter::parse(&filter).map_err(|error| error.to_string())?,
            (None, Some(id)) => predefined(&id, params)?,
            (None, None) => return Err("a query needs '_queryFilter'".to_owned()),
        };
        let listed = |key: &str| params.get(key).map(loose::texts).unwrap_or_default();
        let mut sort = Vec::new();
        for keys in listed("_sortKeys").iter().filter(|keys| !keys.trim().is_empty()) {
            sort.extend(SortKey::parse_list(keys).map_err(|error| error.message)?);
        }
        let count = |key: &str| match params.get(key).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) if value.as_i64().is_some_and(|number| number < 0) => Ok(None),
            Some(value) => loose::as_count(value).map(Some).ok_or_else(|| format!("'{key}' is no number")),
        };
        let size = count("_pageSize")?.filter(|size| *size > 0);
        let offset = count("_pagedResultsOffset")?.filter(|offset| *offset > 0);
        let fields = if text("_queryId").as_deref() == Some("query-all-ids") { vec!["_id".to_owned()] } else { listed("_fields") };
        let fields = Fields::parse_many(fields.iter().map(String::as_str)).map_err(|error| error.message)?;
        let most = limit.saturating_add(1);
        let paging = match (text("_pagedResultsCookie"), offset) {
            (Some(_), Some(_)) => return Err("'_pagedResultsCookie' and '_pagedResultsOffset' exclude each other".to_owned()),
            (Some(cookie), None) => Paging::Cookie(cookie),
            (None, offset) => offset.map_or(Paging::Start, Paging::Offset),
        };
        let totals = match text("_totalPagedResultsPolicy").map(|policy| policy.to_uppercase()).as_deref() {
            None | Some("NONE") => TotalPolicy::None,
            Some("ESTIMATE") => TotalPolicy::Estimate,
            Some("EXACT") => TotalPolicy::Exact,
            Some(_) => return Err("'_totalPagedResultsPolicy' is NONE, ESTIMATE or EXACT".to_owned()),
        };
        let query = Query { sort, paging, totals, ..Query::first(filter, size.map_or(most, |size| size.min(most))) };
        Ok(Self { query, fields, limit, paged: size.is_some() })
    }

    /// Whether the script asks for pages.
    #[must_use]
    pub fn is_paged(&self) -> bool {
        self.paged
    }

    /// What the script is given: of each of these what it wants, where the next page begins, and how many there are in all, where it asks for that.
    #[must_use]
    pub fn answer(&self, found: &[Value], cookie: Option<String>, total: Option<u64>) -> Value {
        let result: Vec<Value> = found.iter().map(|one| self.fields.select(one)).collect();
        let (policy, total) = match (self.query.totals, total) {
            (TotalPolicy::Exact, Some(total)) => ("EXACT", json!(total)),
            (TotalPolicy::Estimate, Some(total)) => ("ESTIMATE", json!(total)),
            _ => ("NONE", json!(-1)),
        };
        json!({
            "result": result,
            "resultCount": result.len(),
            "pagedResultsCookie": cookie.filter(|_| self.paged),
            "totalPagedResultsPolicy": policy,
            "totalPagedResults": total,
            "remainingPagedResults": -1,
        })
    }

    /// What was found, unless it is more than may be given.
    ///
    /// # Errors
    /// It is.
    pub fn within<T>(&self, found: Vec<T>) -> Result<Vec<T>, String> {
        if u64::try_from(found.len()).unwrap_or(u64::MAX) > self.limit {
            return Err(format!("more than {} are found, and no more are given to a script: say '_pageSize'", self.limit));
        }
        Ok(found)
    }
}

/// The queries that the product's own repository predefines for managed objects.
fn predefined(id: &str, params: &Value) -> Result<Filter, String> {
    let given = |name: &str| loose::text(params, name).ok_or_else(|| format!("the query '{id}' needs '{name}'"));
    Ok(match id {
        "query-all" | "query-all-ids" => Filter::True,
        "for-userName" => Filter::equals("userName", given("uid")?),
        "credential-query" => Filter::And(vec![Filter::equals("userName", given("username")?), Filter::equals("accountStatus", "active")]),
        "get-by-field-value" => {
            let pointer = Pointer::parse(&given("field")?).map_err(|error| error.to_string())?;
            Filter::Compare { pointer, comparison: Comparison::Equals, value: given("value")?.into() }
        }
        _ => return Err(format!("there is no query '{id}' for scripts")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_script_says_is_in_force_or_thrown() {
        let read = |params: Value| ScriptQuery::read(&params, 3);
        let asked = read(
            json!({"_queryFilter": "number pr", "_sortKeys": "-number,sn", "_pageSize": 1, "_pagedResultsOffset": "2", "_fields": ["sn", "a,b"]}),
        );
        let asked = asked.unwrap();
        assert_eq!((asked.query.page_size, asked.query.paging, asked.query.sort.len()), (Some(1), Paging::Offset(2), 2));
        assert_eq!(asked.fields.select(&json!({"sn": 1, "b": 2, "c": 3})), json!({"sn": 1, "b": 2}));
        assert_eq!(read(json!({"_queryId": "query-all-ids"})).unwrap().query.page_size, Some(4));
        for (params, words) in [
            (json!({}), "needs '_queryFilter'"),
            (json!({"_queryId": "own"}), "no query 'own'"),
            (json!({"_queryId": "for-userName"}), "needs 'uid'"),
            (json!({"_queryFilter": "true", "_pagedResultsCookie": "x", "_pagedResultsOffset": 1}), "exclude each other"),
            (json!({"_queryFilter": "true", "_totalPagedResultsPolicy": "ABOUT"}), "NONE, ESTIMATE or EXACT"),
            (json!({"_queryFilter": "true", "_queryExpression": "select"}), "'_queryExpression' is not offered"),
            (json!({"_queryFilter": "true", "_countOnly": true}), "'_countOnly' is not offered"),
            (json!({"_queryFilter": "true", "_sortKeys": ","}), "sort key"),
            (json!({"_queryFilter": "true", "_pageSize": "many"}), "'_pageSize' is no number"),
        ] {
            let refused = read(params.clone()).unwrap_err();
            assert!(refused.contains(words), "{params}: {refused}");
        }
        assert!(read(json!({"_queryFilter": "true", "_pagedResultsCookie": null, "_totalPagedResultsPolicy": "NONE"})).is_ok());
        let counted =
            read(json!({"_queryFilter": "true", "_pageSize": 1, "_totalPagedResultsPolicy": "EXACT", "_pagedResultsCookie": "x"})).unwrap();
        assert_eq!((counted.query.totals, &counted.query.paging), (TotalPolicy::Exact, &Paging::Cookie("x".to_owned())));
        let answer = counted.answer(&[json!({"sn": 1})], Some("y".to_owned()), Some(7));
        assert_eq!(
            (&answer["totalPagedResults"], &answer["pagedResultsCookie"], &answer["resultCount"]),
            (&json!(7), &json!("y"), &json!(1))
        );
        let all = read(json!({"_queryFilter": "true", "_fields": [" , ", ""]})).unwrap();
        assert_eq!(all.answer(&[], Some("y".to_owned()), None)["pagedResultsCookie"], Value::Null, "nobody asked for pages");
        assert!(all.fields.is_all());
        assert!(all.within(vec![(); 3]).is_ok() && all.within(vec![(); 4]).unwrap_err().contains("more than 3"));
    }
}
