//! How bad a finding in a configuration is.

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Hint,
    /// Works, but probably not as meant, or weaker than it should be; or has no effect here.
    Warning,
    /// What it is about cannot be used, and what depends on it is refused.
    Error,
}
