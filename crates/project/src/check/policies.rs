//! Policies of `managed.json` that do not exist here (projects.md, ranked 7).
//!
//! The rule easiest to break: an unknown policy on a password weakens what the operator asked for, so it is said loudly; on any other
//! property it is a hint.

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Severity, Sink, suggestion};
use crate::loose::Document;
use crate::source::join;

/// Policies that are enforced.
const ENFORCED: [&str; 21] = [
    "required",
    "not-empty",
    "unique",
    "no-internal-user-conflict",
    "regexpMatches",
    "valid-type",
    "valid-date",
    "valid-datetime",
    "valid-email-address-format",
    "valid-name-format",
    "valid-phone-format",
    "valid-username",
    "at-least-X-capitals",
    "at-least-X-numbers",
    "minimum-length",
    "maximum-length",
    "cannot-contain-others",
    "cannot-contain-characters",
    "cannot-contain-duplicates",
    "mapping-exists",
    "is-new",
];

pub(super) fn check(managed: &Document, sink: &Sink) {
    for (index, object) in managed.value.get("objects").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let name = object.get("name").and_then(Value::as_str).unwrap_or_default();
        let properties = object.pointer("/schema/properties").and_then(Value::as_object).into_iter().flatten();
        for (property, schema) in properties {
            let pointer = join(&format!("/objects/{index}/schema/properties"), property);
            for (at, policy) in schema.get("policies").and_then(Value::as_array).into_iter().flatten().enumerate() {
                let Some(id) = policy.get("policyId").and_then(Value::as_str).filter(|id| !ENFORCED.contains(id)) else { continue };
                let (severity, outcome) = if property == "password" {
                    (Severity::Warning, "passwords it would refuse are accepted")
                } else {
                    (Severity::Hint, "it refuses nothing")
                };
                let location = managed.file.locate(&format!("{pointer}/policies/{at}/policyId"));
                let message = format!("the policy '{id}' of managed/{name} {property} is not known here: {outcome}");
                let mut diagnostic = Diagnostic::new(severity, "unknown-policy", location, message);
                diagnostic.help = suggestion(id, ENFORCED);
                sink.push(diagnostic);
            }
        }
    }
}
