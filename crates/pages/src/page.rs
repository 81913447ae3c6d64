//! What a page is: a context of one type, shown by one template. The table of pages alone says which are ([`crate::table`]).

use serde::Serialize;

/// A context that a page shows. Only the table of pages implements it.
pub(crate) trait Page: Serialize + Samples {
    /// The template, `sign-in.html`.
    const TEMPLATE: &'static str;
}

/// A context that can show what it looks like, from which checks, screenshots and documentation are made. Nothing in a sample depends on when it
/// is made.
pub(crate) trait Samples: Sized {
    /// Every state worth looking at, each with its name.
    fn samples() -> Vec<(&'static str, Self)>;
}
