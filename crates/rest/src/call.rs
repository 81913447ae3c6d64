//! A request in one piece, once it is known who sends it and that it can be read.

use accounts::access::Asked;
use http::HeaderMap;
use serde_json::Value;
use wire::conditions::Put;
use wire::parameters::Parameters;
use wire::path::Path;
use wire::request::Operation;

/// A request whose sender may make it.
pub(crate) struct Call<'a> {
    /// Where.
    pub(crate) path: &'a Path,
    /// What.
    pub(crate) operation: Operation,
    /// With which parameters.
    pub(crate) parameters: &'a Parameters,
    /// With which headers.
    pub(crate) headers: &'a HeaderMap,
    /// With which body; only an action may have none.
    pub(crate) body: Option<Value>,
}

impl Call<'_> {
    /// What is asked, in the words of access rules; `method` is the call's own, or another one on the same resource.
    pub(crate) fn asked<'a>(&'a self, method: &'a str) -> Asked<'a> {
        let path = self.path.as_str();
        // What is created by its future id is created in the collection above.
        let path = match (&self.operation, method) {
            (Operation::Put(_), "create") => path.rsplit_once('/').map_or(path, |(parent, _)| parent),
            _ => path,
        };
        Asked {
            path,
            method,
            action: self.operation.action(),
            body: self.body.as_ref(),
            replaces: matches!(self.operation, Operation::Put(Put::Replace(_) | Put::CreateOrReplace)),
            target: self.parameters.single("target").ok().flatten(),
            parameters: self.parameters.as_slice(),
            by_expression: matches!(&self.operation, Operation::Query(request) if request.by_expression),
        }
    }
}
