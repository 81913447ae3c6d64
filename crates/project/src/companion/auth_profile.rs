//! `auth.profile.json`: the processes that may be due at sign-in (docs/protocol/progressive-profile.md, "Processes at sign-in").
//!
//! The rule easiest to break: most real files list processes the project does not have. Such a name counts as completed,
//! or nobody could finish signing in (decision 24).

use crate::diagnostic::{Severity, Sink};
use crate::loose::Document;

/// `auth.profile.json`; without the file nothing is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthProfile {
    /// Resource paths in order, `selfservice/profile`, as the login answer lists them.
    pub processes: Vec<String>,
    /// The role that is withheld while a process is due.
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
        root.expect(&crate::keys::AUTH_PROFILE);
        let list = root.get("profileEnhancementProcesses");
        let processes = list.texts().into_iter().map(|written| {
            let path = format!("selfservice/{}", Self::process_name(&written));
            if path != written {
                let message = format!("'{written}' is read as '{path}', which is where processes are");
                list.report(Severity::Warning, "profile-process-path", message, Some(format!("write \"{path}\"")));
            }
            path
        });
        let processes = processes.collect();
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

    #[test]
    fn a_path_that_is_none_of_a_process_is_read_as_the_one_that_was_meant() {
        let text = "{\"profileEnhancementProcesses\": [\"profile\", \"/selfservice/kbaUpdate/\"]}";
        let document = Document::read(SourceFile::new("conf/auth.profile.json", text), &|_: &str| None, &Sink::default()).unwrap();
        let sink = Sink::default();
        assert_eq!(AuthProfile::read(&document, &sink).processes, ["selfservice/profile", "selfservice/kbaUpdate"]);
        let said: Vec<_> = sink.into_sorted().into_iter().map(|found| (found.rule, found.help.unwrap())).collect();
        assert_eq!(
            said,
            [
                ("profile-process-path", "write \"selfservice/kbaUpdate\"".to_owned()),
                ("profile-process-path", "write \"selfservice/profile\"".to_owned()),
            ]
        );
    }
}
