//! `auth.profile.json`: the processes a person may owe at sign-in (idm-docs §4.1).
//!
//! The rule easiest to break: most real files list processes the project does not have. Such a name counts as done, or no one could
//! ever finish signing in (decision 24).

use crate::diagnostic::Sink;
use crate::loose::Document;

/// `auth.profile.json`; without the file nothing is owed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthProfile {
    /// Resource paths in order, `selfservice/profile`, as the login answer lists them.
    pub processes: Vec<String>,
    /// The role withheld until nothing is owed.
    pub authorization_role: Option<String>,
}

impl AuthProfile {
    /// The process name of a listed path: its last part.
    #[must_use]
    pub fn process_name(path: &str) -> &str {
        path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
    }

    pub(crate) fn read(document: &Document, sink: &Sink) -> Self {
        let root = document.root(sink);
        // `authenticationRole` appears in shipped files and is documented nowhere.
        root.expect_keys(&["profileEnhancementProcesses", "authorizationRole"], &["authenticationRole"]);
        let processes = root.get("profileEnhancementProcesses").texts();
        Self { processes, authorization_role: root.get("authorizationRole").filled_text() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    #[test]
    fn order_is_kept_and_the_undocumented_key_is_silent() {
        let text = r#"{"profileEnhancementProcesses": ["selfservice/termsAndConditions", "selfservice/profile"],
            "authorizationRole": "internal/role/openidm-authorized", "authenticationRole": "x"}"#;
        let document = Document::read(SourceFile::new("conf/auth.profile.json", text), &|_: &str| None, &Sink::default()).unwrap();
        let sink = Sink::default();
        let profile = AuthProfile::read(&document, &sink);
        assert_eq!(
            profile.processes.iter().map(|path| AuthProfile::process_name(path)).collect::<Vec<_>>(),
            ["termsAndConditions", "profile"]
        );
        assert_eq!(profile.authorization_role.as_deref(), Some("internal/role/openidm-authorized"));
        assert!(sink.into_sorted().is_empty());
    }
}
