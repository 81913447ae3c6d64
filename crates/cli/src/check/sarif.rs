//! Findings in SARIF 2.1.0 (OASIS), which code hosts and editors read.

use std::fmt::Write as _;
use std::path::Path;

use project::{Diagnostic, Explanation, Location, Severity, explain};
use serde_json::{Value, json};

use super::place;

/// One run of the checker.
pub(super) fn log<'d>(root: Option<&Path>, diagnostics: impl Iterator<Item = &'d Diagnostic>) -> Value {
    let mut codes: Vec<&'static str> = Vec::new();
    let results: Vec<Value> = diagnostics.map(|one| result(root, one, index_of(&mut codes, one.rule))).collect();
    let rules: Vec<Value> = codes.iter().filter_map(|code| explain(code)).map(rule).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "vestibule", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn index_of(codes: &mut Vec<&'static str>, code: &'static str) -> usize {
    codes.iter().position(|known| *known == code).unwrap_or_else(|| {
        codes.push(code);
        codes.len() - 1
    })
}

fn rule(explanation: Explanation) -> Value {
    let help = explanation.fix().unwrap_or_default();
    json!({
        "id": explanation.code,
        "shortDescription": { "text": explanation.summary() },
        "help": { "text": help, "markdown": explanation.text },
    })
}

fn result(root: Option<&Path>, diagnostic: &Diagnostic, index: usize) -> Value {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    };
    let text = match &diagnostic.help {
        Some(help) => format!("{} ({help})", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let related: Vec<Value> = diagnostic.also.iter().map(|at| location(root, at)).collect();
    let mut result = json!({
        "ruleId": diagnostic.rule,
        "ruleIndex": index,
        "level": level,
        "message": { "text": text },
        "locations": [location(root, &diagnostic.location)],
    });
    if let Some(members) = result.as_object_mut().filter(|_| !related.is_empty()) {
        members.insert("relatedLocations".to_owned(), related.into());
    }
    result
}

fn location(root: Option<&Path>, at: &Location) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": reference(&place(root, at)) } });
    if let Some((position, members)) = at.position.zip(physical.as_object_mut()) {
        members.insert("region".to_owned(), json!({ "startLine": position.line, "startColumn": position.column }));
    }
    let mut location = json!({ "physicalLocation": physical });
    if let Some(members) = location.as_object_mut().filter(|_| !at.pointer.is_empty()) {
        members.insert("logicalLocations".to_owned(), json!([{ "fullyQualifiedName": at.pointer, "kind": "member" }]));
    }
    location
}

/// A path as a reference (RFC 3986, sections 3.3 and 4.2). An absolute one is one of the scheme `file`.
pub(crate) fn reference(path: &str) -> String {
    let mut written = String::with_capacity(path.len());
    if path.starts_with('/') {
        written.push_str("file://");
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            written.push(char::from(byte));
        } else {
            let _ = write!(written, "%{byte:02X}");
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_reference() {
        assert_eq!(reference("idm/conf/selfservice-reset.json"), "idm/conf/selfservice-reset.json");
        assert_eq!(reference("my project/conf/ü:1.json"), "my%20project/conf/%C3%BC%3A1.json");
        assert_eq!(reference("/opt/idm/conf/a.json"), "file:///opt/idm/conf/a.json");
    }
}
