//! A request in one piece, once it is known who sends it and that it can be read.

use http::HeaderMap;
use serde_json::Value;
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
