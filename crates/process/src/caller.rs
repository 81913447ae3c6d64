//! Who sends a submission.

use crate::Subject;

/// Who asks, as far as stages may know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Language tags in the order of preference (`Accept-Language`).
    pub locales: Vec<String>,
    /// The authentication id, `anonymous` for everybody's account.
    pub user: String,
    /// Their `authorization`, as scripts of the project see it: id, component and roles of whoever it is, everybody's account included. Null where
    /// nobody is known.
    pub authorization: serde_json::Value,
    /// The managed object of a signed-in person.
    pub subject: Option<Subject>,
    /// The session the request came on.
    pub session: Option<String>,
    /// Forms and processes that were completed or skipped on this session.
    pub settled: Vec<String>,
    /// The present password came along with the request, and was right.
    pub reauthenticated: bool,
    /// The client's address, as far as proxies are trusted.
    pub address: String,
    /// Joins the events of one request.
    pub transaction: String,
}
