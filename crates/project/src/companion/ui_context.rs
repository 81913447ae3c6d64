//! `ui.context-enduser.json` and `ui.context-selfservice.json`: where the product mounts the end-user pages.
//!
//! The rule easiest to break: nothing but the pages depends on these files, so one that cannot be read is worth a warning and never stops
//! a server (docs/protocol/project-files.md, case 16).

use crate::diagnostic::{Severity, Sink};
use crate::loose::Document;

/// The files, without directory: of 6.5 and later, and of 4.5 to 6.0.
pub(crate) const FILES: [&str; 2] = ["ui.context-enduser.json", "ui.context-selfservice.json"];

/// First parts of paths that are the server's own.
const TAKEN: [&str; 4] = ["openidm", "metrics", "mail", "vestibule"];

/// The path of a context: `/enduser`, without a slash at its end. Nothing for the root, and for a context that is switched off.
pub(crate) fn read(document: &Document, sink: &Sink) -> Option<String> {
    let root = document.root(sink);
    let context = root.get("urlContextRoot");
    let path = context.filled_text().filter(|_| root.get("enabled").boolean() != Some(false))?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let plain = |part: &&str| !part.starts_with('.') && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !parts.iter().all(plain) || parts.first().is_some_and(|first| TAKEN.contains(first)) {
        let help = "the pages are at / all the same".to_owned();
        context.report(Severity::Warning, "context-root", format!("the pages cannot be mounted at '{path}'"), Some(help));
        return None;
    }
    (!parts.is_empty()).then(|| format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn path(text: &str) -> (Option<String>, usize) {
        let sink = Sink::default();
        let document = Document::read(SourceFile::new("conf/ui.context-enduser.json", text), &|_: &str| None, &sink).unwrap();
        (read(&document, &sink), sink.into_sorted().len())
    }

    #[test]
    fn the_pages_are_mounted_where_a_file_says_unless_the_server_needs_the_place() {
        assert_eq!(
            path(r#"{"enabled": true, "urlContextRoot": "/enduser", "defaultDir": "&{idm.install.dir}/ui"}"#),
            (Some("/enduser".into()), 0)
        );
        assert_eq!(path(r#"{"urlContextRoot": "self/service/"}"#), (Some("/self/service".into()), 0));
        for nothing in [r#"{"urlContextRoot": "/"}"#, r#"{"enabled": "false", "urlContextRoot": "/x"}"#, "{}", r#"{"urlContextRoot": ""}"#]
        {
            assert_eq!(path(nothing), (None, 0), "{nothing}");
        }
        for refused in [r#"{"urlContextRoot": "/openidm"}"#, r#"{"urlContextRoot": "/a/../b"}"#, r#"{"urlContextRoot": "/a?b"}"#] {
            assert_eq!(path(refused), (None, 1), "{refused}");
        }
    }
}
