//! Filters of a project's own in front of its resources: those that are run, and those that are not, whose requests are refused until the
//! project waives them (IDM scripting guide, "Router configuration").
//!
//! Easiest to break: a filter that cannot be read guards more, never less.

use crest::ResourceError;

use crate::policy::Pattern;
use crate::scripting::Script;

/// What one filter guards.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Where it stands, for the log: `conf/router.json/filters/1`.
    pub place: String,
    /// The resources; all where there is no pattern, and where it cannot be read.
    pattern: Option<Pattern>,
    /// What is done with them, as `create` or `read`; anything where there is none.
    methods: Vec<String>,
}

impl Guard {
    /// Of a pattern and methods as a file has them.
    #[must_use]
    pub fn new(place: impl Into<String>, pattern: Option<&str>, methods: &[String]) -> Self {
        let pattern = pattern.and_then(|pattern| Pattern::compile(pattern, "").ok());
        Self { place: place.into(), pattern, methods: methods.iter().map(|method| method.trim().to_ascii_lowercase()).collect() }
    }

    /// Whether all of it could be read, so that what it guards is what it says.
    #[must_use]
    pub fn is_readable(pattern: Option<&str>) -> bool {
        pattern.is_none_or(|pattern| Pattern::compile(pattern, "").is_ok())
    }

    /// A path with something behind it is looked at without it, too: a new object is made at the path of its collection.
    fn is_asked(&self, path: &str, method: &str) -> bool {
        let collection = path.trim_matches('/').rsplit_once('/').filter(|_| method == "create").map(|(collection, _)| collection);
        self.covers(path, method) || collection.is_some_and(|collection| self.covers(collection, method))
    }

    fn covers(&self, path: &str, method: &str) -> bool {
        let is_named = self.methods.is_empty() || self.methods.iter().any(|known| known == method);
        is_named && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(path.trim_matches('/')))
    }
}

/// A filter of the project's own that is run.
#[derive(Clone, Debug)]
pub struct OwnFilter {
    /// What it stands in front of.
    pub guard: Guard,
    /// The script that says whether the other one is run; it always is where there is none.
    pub condition: Option<Script>,
    /// The script that is run on the request.
    pub script: Script,
}

impl OwnFilter {
    /// Where it stands, for the log.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.guard.place
    }
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    refusing: Vec<Guard>,
    running: Vec<OwnFilter>,
}

impl Guards {
    /// Those that are not run, in the order of their file.
    #[must_use]
    pub fn new(guards: Vec<Guard>) -> Self {
        Self { refusing: guards, running: Vec::new() }
    }

    /// The same with those that are run, in the order of their file.
    #[must_use]
    pub fn with_running(mut self, filters: Vec<OwnFilter>) -> Self {
        self.running = filters;
        self
    }

    /// Whether any is run.
    #[must_use]
    pub fn runs(&self) -> bool {
        !self.running.is_empty()
    }

    /// Those that are run for this, in their order.
    pub fn run_for<'g>(&'g self, path: &'g str, method: &'g str) -> impl Iterator<Item = &'g OwnFilter> {
        self.running.iter().filter(move |filter| filter.guard.is_asked(path, method))
    }

    /// Whether one is run for this.
    #[must_use]
    pub fn runs_for(&self, path: &str, method: &str) -> bool {
        self.run_for(path, method).next().is_some()
    }

    /// The filter that would have been asked for this and is not run; `None` where there is none.
    #[must_use]
    pub fn asked(&self, path: &str, method: &str) -> Option<&Guard> {
        self.refusing.iter().find(|guard| guard.is_asked(path, method))
    }

    /// Refuses what a filter would have been asked for.
    ///
    /// # Errors
    /// 403, with the filter in the log.
    pub fn check(&self, path: &str, method: &str) -> Result<(), ResourceError> {
        let Some(guard) = self.asked(path, method) else { return Ok(()) };
        tracing::error!(
            filter = guard.place,
            resource = path,
            method,
            "a filter of the project's own is not run; what it guards is refused"
        );
        Err(ResourceError::forbidden("Access denied"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guards(pattern: Option<&str>, methods: &[&str]) -> Guards {
        let methods: Vec<String> = methods.iter().map(|method| (*method).to_owned()).collect();
        Guards::new(vec![Guard::new("conf/router.json/filters/0", pattern, &methods)])
    }

    #[test]
    fn a_filter_guards_what_it_would_have_been_run_for() {
        let of_users = guards(Some("^managed/user($|(/.+))"), &["create", "UPDATE"]);
        for (path, method, guarded) in [
            ("managed/user", "create", true),
            ("managed/user/x", "create", true),
            ("managed/user/x", "update", true),
            ("/managed/user/x/", "update", true),
            ("managed/user/x", "patch", false),
            ("managed/user/x", "read", false),
            ("managed/users/x", "update", false),
            ("managed/role/x", "update", false),
        ] {
            assert_eq!(of_users.check(path, method).is_err(), guarded, "{path} {method}");
        }
        // An old pattern, and one that ends with the collection.
        assert!(guards(Some("managed/user.*"), &[]).check("managed/user/x", "delete").is_err());
        assert!(guards(Some("^managed/user$"), &["create"]).check("managed/user/x", "create").is_err());
    }

    #[test]
    fn a_filter_that_cannot_be_read_guards_everything() {
        for (path, method) in [("info/login", "read"), ("managed/user", "query"), ("", "read")] {
            assert!(guards(None, &[]).check(path, method).is_err(), "{path}");
            assert!(guards(Some("managed/("), &[]).check(path, method).is_err(), "{path}");
        }
        assert!(Guards::default().check("managed/user", "create").is_ok());
    }
}
