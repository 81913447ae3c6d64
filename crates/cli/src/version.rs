//! What `vestibule --version` says; `-V` says the version alone.

use std::sync::LazyLock;

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let steps = store::schema_steps();
    let (version, commit) = (env!("CARGO_PKG_VERSION"), env!("VESTIBULE_COMMIT"));
    format!("{version} (commit {commit}, tables: step {} in a file, step {} on PostgreSQL)", steps.file, steps.server)
});

/// The version, the commit it was built from, and the last steps of the tables that it makes and needs.
pub(crate) fn text() -> &'static str {
    &TEXT
}
