//! A next definition of a process, beside the present one.
//!
//! Easiest to get wrong: it is there while it is tried and no longer. Whoever has begun on it finds it in the store.

use std::sync::Arc;

use process::{CanaryOptions, CanaryPair, Process};
use stages::Services;

/// The next definition of a process, as a project that is served has it.
pub struct Trial {
    /// What the process file says of it.
    pub options: CanaryOptions,
    /// The two that are compared; nothing where the next one cannot be tried.
    pub pair: Option<CanaryPair>,
    /// The next one; nothing where it cannot be tried, or is the one that is served already.
    pub next: Option<Arc<Process<Services>>>,
}
