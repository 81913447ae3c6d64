//! Findings as workflow commands of GitHub Actions, which shows them at their lines.

use std::path::Path;

use project::{Diagnostic, Severity};

use super::place;

/// `::error file=conf/selfservice-reset.json,line=12,col=9,title=unknown-stage::there is no stage …`
pub(super) fn annotation(root: Option<&Path>, diagnostic: &Diagnostic) -> String {
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "notice",
    };
    let mut properties = vec![format!("file={}", property(&place(root, &diagnostic.location)))];
    if let Some(at) = diagnostic.location.position {
        properties.push(format!("line={},col={}", at.line, at.column));
    }
    properties.push(format!("title={}", property(diagnostic.rule)));
    let mut message = String::new();
    if !diagnostic.location.pointer.is_empty() {
        message = format!("{}: ", diagnostic.location.pointer);
    }
    message.push_str(&diagnostic.message);
    if let Some(help) = &diagnostic.help {
        message.push_str("\nhelp: ");
        message.push_str(help);
    }
    format!("::{command} {}::{}", properties.join(","), data(&message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use project::Location;

    #[test]
    fn nothing_in_a_finding_ends_its_command() {
        let location = Location { pointer: "/a".into(), ..Location::file("conf/a,b:c.json") };
        let found = Diagnostic::new(Severity::Hint, "unknown-key", location, "100%\r\n::set-env name=x::y").with_help("none");
        assert_eq!(
            annotation(None, &found),
            "::notice file=conf/a%2Cb%3Ac.json,title=unknown-key::/a: 100%25%0D%0A::set-env name=x::y%0Ahelp: none"
        );
    }
}
