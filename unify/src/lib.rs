//! No code: what this crate depends on is built with one set of features, whichever crate of the workspace is built. See
//! `scripts/unify.py`.
