//! The project's files, and what they make weaker.

use project::Severity;

use super::{Case, Found, bad, doubtful, good};
use crate::offline;
use crate::runtime::Source;
use wire::host::{host_of, is_here};

/// Findings that are repeated here; `vestibule check` has all.
const REPEATED: usize = 5;

pub(super) fn files(case: &Case) -> Vec<Found> {
    let root = match &case.source {
        Source::Embedded => {
            return vec![doubtful(
                "the embedded default project is served: its mails are shown and not sent",
                "name your own with --project",
            )];
        }
        Source::Directory(root) => root,
    };
    let found = offline::check(Some(root));
    let count = |severity| found.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let all = format!("'vestibule check --project {}' says all of it", root.display());
    let mut rows = Vec::new();
    for diagnostic in found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).take(REPEATED) {
        rows.push(bad(diagnostic.to_string(), all.clone()));
    }
    for diagnostic in found.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning).take(REPEATED) {
        rows.push(doubtful(diagnostic.to_string(), all.clone()));
    }
    if rows.is_empty() {
        rows.push(good(format!("{}: no errors and no warnings", root.display())));
    } else if errors > REPEATED || warnings > REPEATED {
        rows.push(doubtful(format!("there are {errors} errors and {warnings} warnings in all"), all));
    }
    rows
}

pub(super) fn choices(case: &Case) -> Vec<Found> {
    let settings = &case.project.settings;
    let mut rows = Vec::new();
    let mut weak = |weak: bool, text: &str, advice: &str| {
        if weak {
            rows.push(doubtful(text, advice));
        }
    };
    weak(
        !settings.limits.enabled,
        "[limits] enabled = false: no rate holds, whoever asks",
        "remove the key, and raise single limits where they are too low",
    );
    weak(
        !settings.audit.enabled,
        "[audit] enabled = false: nothing says later who did what",
        "remove the key; retain_days bounds what is kept",
    );
    weak(
        settings.tls.as_ref().is_some_and(|tls| tls.hsts_seconds == 0),
        "[tls] hsts_seconds = 0: browsers may come without TLS",
        "remove the key once nothing else answers under this name without TLS",
    );
    weak(
        settings.metrics.listen.is_some_and(|address| !address.ip().to_canonical().is_loopback()),
        "[metrics] listen is reached from other machines, without credentials",
        "listen on a loopback address or on a network that only your monitoring reaches, or use [metrics] token",
    );
    weak(
        settings.public_url.as_deref().is_some_and(|url| url.starts_with("http://") && !is_here(host_of(url))),
        "[server] public_url is http: links in mails lead to it in the clear",
        "name the https address, of a proxy or of [tls]",
    );
    if rows.is_empty() {
        rows.push(good("nothing was made weaker in vestibule.toml"));
    }
    rows
}
