//! What follows from a first error is not said beside it: whoever mends the cause would find the rest gone.
//!
//! The rule easiest to break: an error never disappears from a project that has one. What is left out always has a cause that is an error.

use crate::diagnostic::{Diagnostic, Severity};

/// A file that cannot be read, and the findings elsewhere that are made from its absence.
const MADE_OF: [(&str, &[&str]); 5] = [
    (
        "conf/managed.json",
        &[
            "unknown-property",
            "unknown-collection",
            "unknown-attribute",
            "unknown-path",
            "unknown-preference",
            "unfit-property",
            "not-editable",
            "required-not-asked",
            "profile-process-unanswerable",
        ],
    ),
    ("conf/selfservice.kba.json", &["default-questions"]),
    ("conf/selfservice.terms.json", &["no-terms"]),
    ("conf/external.email.json", &["no-mail-service", "profile-process-without-mail"]),
    // It declares stages of the project's own.
    ("vestibule.toml", &["unknown-stage", "script-file"]),
];

/// Findings without those that follow from others. The first cause says how many were left out.
#[must_use]
pub fn first_causes(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut kept = of_misspelt_keys(found);
    for (file, rules) in MADE_OF {
        let is_cause = |one: &Diagnostic| one.is_error() && one.rule == "not-readable" && one.location.file == file;
        if !kept.iter().any(is_cause) {
            continue;
        }
        let before = kept.len();
        // What is near to a name of the product is misspelt, whatever the file would have said.
        kept.retain(|one| one.location.file == file || one.meant().is_some() || !rules.contains(&one.rule));
        let left_out = before - kept.len();
        if let Some(cause) = kept.iter_mut().find(|one| is_cause(one)).filter(|_| left_out > 0) {
            let more = if left_out == 1 { "one finding that may follow" } else { "findings that may follow" };
            cause.help = Some(format!("mend it first: {more} from it {} left out here", if left_out == 1 { "is" } else { "are" }));
        }
    }
    kept
}

/// A key that is missing because it is misspelt is one fault: the misspelt key, which is an error then.
fn of_misspelt_keys(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let place = |one: &Diagnostic| (one.location.file.clone(), one.location.pointer.clone());
    let missing: Vec<(String, String, String)> = found
        .iter()
        .filter(|one| one.rule == "missing-key" && one.is_error())
        .filter_map(|one| Some((place(one), one.message.strip_prefix("missing key '")?.split('\'').next()?.to_owned())))
        .map(|((file, pointer), key)| (file, pointer, key))
        .collect();
    for (file, parent, key) in missing {
        let is_cause = |one: &&mut Diagnostic| {
            let above = one.location.pointer.rsplit_once('/').map(|(above, _)| above);
            one.rule == "unknown-key" && one.location.file == file && above == Some(&parent) && one.meant() == Some(&key)
        };
        let Some(cause) = found.iter_mut().find(is_cause) else { continue };
        cause.severity = Severity::Error;
        let start = format!("missing key '{key}'");
        found.retain(|one| {
            !(one.rule == "missing-key" && one.location.file == file && one.location.pointer == parent && one.message.starts_with(&start))
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Location;

    fn found(severity: Severity, rule: &'static str, file: &str, pointer: &str, message: &str) -> Diagnostic {
        Diagnostic::new(severity, rule, Location { pointer: pointer.to_owned(), ..Location::file(file) }, message)
    }

    #[test]
    fn what_follows_from_a_file_that_cannot_be_read_is_left_out_and_counted() {
        let property = found(Severity::Error, "unknown-property", "conf/selfservice-reset.json", "/stageConfigs/0", "no 'badge'");
        let other = found(Severity::Warning, "plain-http", "conf/selfservice-reset.json", "/stageConfigs/1", "http");
        let torn = found(Severity::Error, "not-readable", "conf/managed.json", "", "torn");
        let said = first_causes(vec![torn.clone(), property.clone(), other.clone()]);
        assert_eq!(said.iter().map(|one| one.rule).collect::<Vec<_>>(), ["not-readable", "plain-http"]);
        assert_eq!(said[0].help.as_deref(), Some("mend it first: one finding that may follow from it is left out here"));
        assert_eq!(first_causes(vec![property.clone(), other.clone()]), [property, other], "without the cause everything is said");
    }

    #[test]
    fn a_misspelt_key_that_is_required_is_one_error() {
        let file = "conf/selfservice-reset.json";
        let misspelt = found(Severity::Warning, "unknown-key", file, "/stageConfig", "unknown").with_help("did you mean 'stageConfigs'?");
        let missing = found(Severity::Error, "missing-key", file, "", "missing key 'stageConfigs'");
        let said = first_causes(vec![misspelt.clone(), missing.clone()]);
        assert_eq!(said, [Diagnostic { severity: Severity::Error, ..misspelt.clone() }]);
        let elsewhere = found(Severity::Error, "missing-key", "conf/other.json", "", "missing key 'stageConfigs'");
        assert_eq!(first_causes(vec![misspelt.clone(), elsewhere.clone()]), [misspelt, elsewhere]);
    }
}
