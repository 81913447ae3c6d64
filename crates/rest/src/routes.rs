//! What a row of a resource says: the path it answers, how the resource is made, and its operations with who may do them. The routes, the
//! REST reference and the tests come from it.

use crest::ResourceError;

use crate::context::Context;
use crate::resource::Resource;

/// A resource; none where the path leads to nothing of this kind, so that a later row may answer.
pub(crate) type Made = Result<Option<Box<dyn Resource>>, ResourceError>;

/// A row: the paths that reach a resource, and what is said of it.
pub(crate) struct Route {
    /// Segments: a word; `{name}` for any one segment; `{*name}` at the end for any number of them, also none.
    pub(crate) path: &'static str,
    /// The chapter of the reference that it belongs to.
    pub(crate) chapter: &'static str,
    /// Makes the resource from the segments that stand for the names.
    pub(crate) resource: fn(&Context<'_>, &[&str]) -> Made,
    /// What can be done. At least one operation.
    pub(crate) operations: &'static [Operation],
}

impl Route {
    /// Whether nobody but administrators gets there, whatever the access rules say.
    pub(crate) fn is_for_administrators_alone(&self) -> bool {
        self.operations.iter().all(|operation| operation.who == Who::AdministratorsAlone)
    }
}

/// An operation of the REST interface: one row for each method and path, and for each action of it.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The HTTP method, in small letters.
    pub method: &'static str,
    /// The path below `/openidm`, with `{name}` for a segment that varies. It lies within its route.
    pub path: &'static str,
    /// The value of `_action`. `create` may be left out of a request.
    pub action: Option<&'static str>,
    /// Who may.
    pub who: Who,
    /// One sentence.
    pub summary: &'static str,
    /// Query parameters beside `_action`.
    pub parameters: &'static [&'static str],
    /// What the request carries.
    pub body: Body,
}

/// Who may do something by the product's own access rules. The `access.json` of a project may say otherwise, except where administrators
/// are alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody, signed in or not.
    Everybody,
    /// Whoever is signed in.
    SignedIn,
    /// The person that it belongs to, administrators, and who has a privilege for it.
    Owner,
    /// Administrators, and who has a privilege for it.
    Delegates,
    /// Administrators.
    Administrators,
    /// Administrators, whatever `access.json` says.
    AdministratorsAlone,
}

impl Who {
    /// Its name in the reference.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everybody => "everybody",
            Self::SignedIn => "signed-in",
            Self::Owner => "owner",
            Self::Delegates => "delegates",
            Self::Administrators => "administrators",
            Self::AdministratorsAlone => "administrators-alone",
        }
    }
}

/// What a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    None,
    /// An object.
    Object,
    /// A list of changes.
    Patch,
    /// The answer to a stage.
    Submission,
}

/// Parameters of an operation on one object.
pub(crate) const CONDITIONAL: &[&str] = &["_fields", "_prettyPrint"];

/// Parameters of a query, and what else it takes.
macro_rules! query_and {
    ($($more:literal),*) => {
        &[
            "_queryFilter",
            "_fields",
            "_sortKeys",
            "_pageSize",
            "_pagedResultsCookie",
            "_pagedResultsOffset",
            "_totalPagedResultsPolicy",
            "_prettyPrint",
            $($more),*
        ]
    };
}
pub(crate) use query_and;

/// Parameters of a query.
pub(crate) const QUERY: &[&str] = query_and!();

/// Reading or finding.
pub(crate) const fn get(path: &'static str, who: Who, summary: &'static str) -> Operation {
    Operation { method: "get", path, action: None, who, summary, parameters: &[], body: Body::None }
}

/// Making or replacing.
pub(crate) const fn put(path: &'static str, who: Who, summary: &'static str) -> Operation {
    Operation { method: "put", parameters: CONDITIONAL, body: Body::Object, ..get(path, who, summary) }
}

/// Changing.
pub(crate) const fn patch(path: &'static str, who: Who, summary: &'static str) -> Operation {
    Operation { method: "patch", parameters: CONDITIONAL, body: Body::Patch, ..get(path, who, summary) }
}

/// Removing.
pub(crate) const fn delete(path: &'static str, who: Who, summary: &'static str) -> Operation {
    Operation { method: "delete", parameters: CONDITIONAL, ..get(path, who, summary) }
}

/// POST with this `_action`.
pub(crate) const fn action(path: &'static str, name: &'static str, who: Who, summary: &'static str) -> Operation {
    Operation { method: "post", action: Some(name), ..get(path, who, summary) }
}

impl Operation {
    /// With these query parameters.
    pub(crate) const fn with(self, parameters: &'static [&'static str]) -> Self {
        Self { parameters, ..self }
    }

    /// With this in the request.
    pub(crate) const fn carries(self, body: Body) -> Self {
        Self { body, ..self }
    }
}

/// There is a resource.
pub(crate) fn found(resource: impl Resource + 'static) -> Made {
    perhaps(Some(resource))
}

/// Whether there is a resource depends on the path.
#[expect(clippy::unnecessary_wraps, reason = "some rows refuse")]
pub(crate) fn perhaps<R: Resource + 'static>(resource: Option<R>) -> Made {
    Ok(resource.map(|resource| Box::new(resource) as Box<dyn Resource>))
}

/// A segment that stands for a name; a pattern has as many as it has names.
pub(crate) fn text(at: &[&str], index: usize) -> String {
    at.get(index).copied().unwrap_or_default().to_owned()
}
