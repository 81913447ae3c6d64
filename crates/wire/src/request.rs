//! A request of the REST dialect, taken apart: which operation, under which conditions, shown how.
//!
//! Easiest to get wrong: the order of the refusals. A caller without valid credentials gets 401 before anything else; then the headers
//! and parameters are judged, then the body, and only then the access rules (docs/protocol/rest.md, "Order of checks").

use crest::{Comparison, Fields, Filter, Paging, Pointer, Query, ResourceError, SortKey, TotalPolicy};
use http::{HeaderMap, Method};

use crate::body::Wanted;
use crate::conditions::{Conditions, Expected, Put};
use crate::parameters::Parameters;
use crate::version::Protocol;

/// What is asked for, its body aside.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Reads one resource; the client has this revision already.
    Read {
        /// `If-None-Match`.
        known: Option<String>,
    },
    /// Queries a collection.
    Query(Box<QueryRequest>),
    /// Runs an action.
    Action(String),
    /// Creates a resource with an id of the server's, or of the body's, choice.
    Create,
    /// Creates or replaces a resource whose id the client chose.
    Put(Put),
    /// Patches a resource.
    Patch(Expected),
    /// Deletes a resource.
    Delete(Expected),
}

/// What a query asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryRequest {
    /// Which objects, in which order, which page.
    pub query: Query,
    /// `_queryId=query-all-ids`: only `_id` and `_rev` are wanted.
    pub ids_only: bool,
    /// `_queryExpression` was used, which the access rules refuse.
    pub by_expression: bool,
    /// The policy as the client asked for it, to be repeated in the answer.
    pub totals: TotalPolicy,
}

impl Operation {
    /// Finds the operation of a request.
    ///
    /// # Errors
    /// 400, 409, 412 or 501 as docs/protocol/rest.md, "Parameters" and "Conditional headers" say.
    pub fn of(method: &Method, headers: &HeaderMap, parameters: &Parameters) -> Result<Self, ResourceError> {
        let overridden = headers.get("x-http-method-override").filter(|_| method == Method::POST);
        let method = match overridden {
            None => method.as_str(),
            Some(value) => value.to_str().map_err(|_| ResourceError::not_implemented("Method not supported"))?.trim(),
        };
        let protocol = Protocol::of(headers)?;
        let conditions = Conditions::of(headers)?;
        match method {
            "GET" if parameters.has("_action") => Err(ResourceError::bad_request("The parameter _action is for POST, and not for GET")),
            "GET" if is_query(parameters) => {
                conditions.for_query()?;
                Ok(Self::Query(Box::new(QueryRequest::read(parameters)?)))
            }
            "GET" => Ok(Self::Read { known: conditions.for_read()? }),
            "POST" => {
                conditions.for_post()?;
                match parameters.single("_action")? {
                    Some(action) if action.eq_ignore_ascii_case("create") => Ok(Self::Create),
                    Some(action) => Ok(Self::Action(action.to_owned())),
                    None if protocol.post_creates() => Ok(Self::Create),
                    None => Err(ResourceError::bad_request("No values provided for the request parameter '_action'")),
                }
            }
            "PUT" => Ok(Self::Put(conditions.for_put(protocol.put_creates())?)),
            "PATCH" => Ok(Self::Patch(conditions.for_patch()?)),
            "DELETE" => Ok(Self::Delete(conditions.for_delete()?)),
            other => Err(ResourceError::not_implemented(format!("Method {other} not supported"))),
        }
    }

    /// What body the operation needs; `None` when it has none.
    pub fn wanted(&self) -> Option<Wanted> {
        match self {
            Self::Read { .. } | Self::Query(_) | Self::Delete(_) => None,
            Self::Action(_) => Some(Wanted::Anything),
            Self::Create | Self::Put(_) => Some(Wanted::Object),
            Self::Patch(_) => Some(Wanted::Document),
        }
    }

    /// Its name in access rules, audit events and metrics. A PUT that may create is judged as an update by the access rules, and as a
    /// create where nothing is there yet.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Read { .. } => "read",
            Self::Query(_) => "query",
            Self::Action(_) => "action",
            Self::Create | Self::Put(Put::Create) => "create",
            Self::Put(_) => "update",
            Self::Patch(_) => "patch",
            Self::Delete(_) => "delete",
        }
    }

    /// The action's name.
    pub fn action(&self) -> Option<&str> {
        match self {
            Self::Action(name) => Some(name),
            _ => None,
        }
    }

    /// Whether it changes nothing, so that another site may cause it (decision 16).
    pub fn is_safe(&self) -> bool {
        matches!(self, Self::Read { .. } | Self::Query(_))
    }
}

fn is_query(parameters: &Parameters) -> bool {
    ["_queryFilter", "_queryId", "_queryExpression"].iter().any(|name| parameters.has(name))
}

impl QueryRequest {
    /// The query that an action names its object by; `None` where it has none.
    ///
    /// # Errors
    /// 400 for one that cannot be read.
    pub fn of_action(parameters: &Parameters) -> Result<Option<Self>, ResourceError> {
        if is_query(parameters) { Self::read(parameters).map(Some) } else { Ok(None) }
    }

    fn read(parameters: &Parameters) -> Result<Self, ResourceError> {
        let filter = parameters.single("_queryFilter")?;
        let id = parameters.single("_queryId")?;
        let expression = parameters.single("_queryExpression")?;
        let exclusive =
            |one: &str, other: &str| Err(ResourceError::bad_request(format!("The parameters {one} and {other} are mutually exclusive")));
        match (id.is_some(), expression.is_some(), filter.is_some()) {
            (true, _, true) => return exclusive("_queryId", "_queryFilter"),
            (true, true, _) => return exclusive("_queryId", "_queryExpression"),
            (_, true, true) => return exclusive("_queryFilter", "_queryExpression"),
            _ => {}
        }
        let ids_only = id == Some("query-all-ids");
        let filter = match filter {
            None => id.map_or(Ok(Filter::True), |id| predefined(id, parameters))?,
            Some(text) => Filter::parse(text).map_err(|_| {
                ResourceError::bad_request(format!(
                    "The value '{text}' for parameter '_queryFilter' could not be parsed as a valid query filter"
                ))
            })?,
        };
        let totals = total_policy(parameters)?;
        let query =
            Query { filter, sort: sort_keys(parameters)?, page_size: parameters.count("_pageSize")?, paging: paging(parameters)?, totals };
        Ok(Self { query, ids_only, by_expression: expression.is_some(), totals })
    }
}

/// The queries that the product's own `repo.jdbc.json` predefines for managed objects, as filters.
fn predefined(id: &str, parameters: &Parameters) -> Result<Filter, ResourceError> {
    let given = |name: &str| {
        let value = parameters.single(name)?;
        value.ok_or_else(|| ResourceError::bad_request(format!("The query {id} needs the parameter '{name}'")))
    };
    Ok(match id {
        "query-all" | "query-all-ids" => Filter::True,
        "for-userName" => Filter::equals("userName", given("uid")?),
        "credential-query" => Filter::And(vec![Filter::equals("userName", given("username")?), Filter::equals("accountStatus", "active")]),
        "for-internalcredentials" | "credential-internaluser-query" => {
            Filter::equals("_id", given(if id.starts_with("for") { "uid" } else { "username" })?)
        }
        "get-by-field-value" => {
            let field = given("field")?;
            let pointer = Pointer::parse(field).ok().filter(|pointer| !pointer.is_root());
            let pointer = pointer.ok_or_else(|| ResourceError::bad_request(format!("'{field}' is no field")))?;
            Filter::Compare { pointer, comparison: Comparison::Equals, value: given("value")?.into() }
        }
        _ => return Err(ResourceError::bad_request(format!("The passed identifier {id} does not match any configured queries"))),
    })
}

/// Most keys to sort by; more say nothing that these have not said.
const MAX_SORT_KEYS: usize = 64;

fn sort_keys(parameters: &Parameters) -> Result<Vec<SortKey>, ResourceError> {
    let mut keys = Vec::new();
    for text in parameters.all("_sortKeys").filter(|text| !text.is_empty()) {
        let refused = || {
            let message =
                format!("The value '{text}' for parameter '_sortKeys' could not be parsed as a comma separated list of sort keys");
            ResourceError::bad_request(message)
        };
        // A bare `+` has become a space on its way; whoever means a sign writes %2B.
        if text.split(',').any(|key| key.starts_with(' ')) {
            return Err(refused());
        }
        keys.extend(SortKey::parse_list(text).map_err(|_| refused())?);
        if keys.len() > MAX_SORT_KEYS {
            return Err(ResourceError::bad_request(format!("The parameter '_sortKeys' names more than {MAX_SORT_KEYS} keys")));
        }
    }
    Ok(keys)
}

fn paging(parameters: &Parameters) -> Result<Paging, ResourceError> {
    let offset = parameters.count("_pagedResultsOffset")?.filter(|offset| *offset > 0);
    let cookie = parameters.single("_pagedResultsCookie")?.filter(|cookie| !cookie.is_empty());
    match (offset, cookie) {
        (Some(_), Some(_)) => {
            Err(ResourceError::bad_request("The parameters _pagedResultsOffset and _pagedResultsCookie are mutually exclusive"))
        }
        (Some(offset), None) => Ok(Paging::Offset(offset)),
        (None, Some(cookie)) => Ok(Paging::Cookie(cookie.to_owned())),
        (None, None) => Ok(Paging::Start),
    }
}

fn total_policy(parameters: &Parameters) -> Result<TotalPolicy, ResourceError> {
    match parameters.single("_totalPagedResultsPolicy")? {
        None => Ok(TotalPolicy::None),
        Some(text) if text.eq_ignore_ascii_case("none") => Ok(TotalPolicy::None),
        Some(text) if text.eq_ignore_ascii_case("estimate") => Ok(TotalPolicy::Estimate),
        Some(text) if text.eq_ignore_ascii_case("exact") => Ok(TotalPolicy::Exact),
        Some(text) => Err(ResourceError::bad_request(format!(
            "The value '{text}' for parameter '_totalPagedResultsPolicy' must be one of [NONE, ESTIMATE, EXACT]"
        ))),
    }
}

/// How an answer is to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presentation {
    /// `_fields`.
    pub fields: Fields,
    /// `_prettyPrint`.
    pub pretty: bool,
    /// `_mimeType`, on reads.
    pub mime: Option<String>,
}

impl Presentation {
    /// Reads the parameters of presentation.
    ///
    /// # Errors
    /// 400 when one cannot be used.
    pub fn of(operation: &Operation, parameters: &Parameters) -> Result<Self, ResourceError> {
        let fields = Fields::parse_many(parameters.all("_fields"))?;
        let mime = match parameters.all("_mimeType").collect::<Vec<_>>().as_slice() {
            [] => None,
            _ if !matches!(operation, Operation::Read { .. }) => None,
            [mime] => Some((*mime).to_owned()),
            _ => return Err(ResourceError::bad_request("Only one mime type value allowed")),
        };
        if let Some(mime) = &mime {
            // One parameter: a list in it is let through, and its first field shown (measured).
            if parameters.all("_fields").filter(|list| !list.trim().is_empty()).count() != 1 {
                return Err(ResourceError::bad_request("The mime type parameter requires only 1 field to be specified"));
            }
            let token =
                |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte));
            if !mime.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype)) {
                return Err(ResourceError::bad_request(format!("The mime type '{mime}' cannot be parsed")));
            }
        }
        Ok(Self { fields, pretty: parameters.flag("_prettyPrint")?, mime })
    }

    /// Whether a prepared text may be sent as it is.
    pub fn is_plain(&self) -> bool {
        !self.pretty && self.mime.is_none() && self.fields.is_all()
    }
}

#[cfg(test)]
mod tests;
