//! `ui-configuration.json`: the switches of the stock processes and what the client shows (docs/protocol/companions.md, "Switches").

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::diagnostic::Sink;
use crate::loose::Document;

/// A process that has a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// `selfRegistration`.
    Registration,
    /// `passwordReset`.
    PasswordReset,
    /// `forgotUsername`.
    RetrieveUsername,
}

impl Feature {
    /// Every feature.
    pub const ALL: [Self; 3] = [Self::Registration, Self::PasswordReset, Self::RetrieveUsername];

    /// The key in `configuration`.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::Registration => "selfRegistration",
            Self::PasswordReset => "passwordReset",
            Self::RetrieveUsername => "forgotUsername",
        }
    }

    /// The name in `info/features` and in `checkIfAnyFeatureEnabled`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::PasswordReset => "passwordReset",
            Self::RetrieveUsername => "retrieveUsername",
        }
    }

    /// The processes it switches, the one it is named after first.
    #[must_use]
    pub fn processes(self) -> &'static [&'static str] {
        match self {
            Self::Registration => &["registration", "socialUserClaim"],
            Self::PasswordReset => &["reset"],
            Self::RetrieveUsername => &["username"],
        }
    }

    /// The feature that switches a process, if one does.
    #[must_use]
    pub fn of_process(process: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.processes().contains(&process))
    }
}

/// `ui-configuration.json`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UiConfiguration {
    flags: BTreeMap<Feature, bool>,
    /// `kbaEnabled` of 5.x, where given.
    pub kba_enabled: Option<bool>,
    /// Language of the pages, `en`.
    pub language: Option<String>,
    /// An external reset system shown instead of the own one; empty texts count as absent.
    pub password_reset_link: Option<String>,
    /// The `configuration` object for `info/uiconfig`; flags given as texts are booleans in it.
    pub configuration: Map<String, Value>,
}

impl UiConfiguration {
    /// The switch of a feature; nothing where the file has none, and then the process file alone decides (decision 24).
    #[must_use]
    pub fn flag(&self, feature: Feature) -> Option<bool> {
        self.flags.get(&feature).copied()
    }

    pub(crate) fn read(document: &Document, sink: &Sink) -> Self {
        let root = document.root(sink);
        root.expect(&crate::keys::UI_CONFIGURATION);
        let node = root.get("configuration");
        let mut configuration = node.object().cloned().unwrap_or_default();
        let mut flags = BTreeMap::new();
        for feature in Feature::ALL {
            if let Some(on) = node.get(feature.flag()).boolean() {
                flags.insert(feature, on);
                configuration.insert(feature.flag().to_owned(), Value::Bool(on));
            }
        }
        Self {
            flags,
            kba_enabled: node.get("kbaEnabled").boolean(),
            language: node.get("lang").filled_text(),
            password_reset_link: node.get("passwordResetLink").filled_text(),
            configuration,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    #[test]
    fn flags_may_be_texts_or_absent_and_other_keys_are_left_alone() {
        let text = r#"{"configuration": {"selfRegistration": "true", "passwordReset": false, "passwordResetLink": "", "lang": "en",
            "amDataEndpoints": {}, "dashboard": {}, "kbaDefinitionEnabled": true}}"#;
        let document = Document::read(SourceFile::new("conf/ui-configuration.json", text), &|_: &str| None, &Sink::default()).unwrap();
        let sink = Sink::default();
        let ui = UiConfiguration::read(&document, &sink);
        assert_eq!(Feature::ALL.map(|feature| ui.flag(feature)), [Some(true), Some(false), None]);
        assert_eq!(ui.configuration["selfRegistration"], Value::Bool(true));
        assert_eq!((ui.password_reset_link, ui.language.as_deref()), (None, Some("en")));
        assert!(sink.into_sorted().is_empty());
    }

    #[test]
    fn a_process_finds_its_switch() {
        assert_eq!(Feature::of_process("socialUserClaim"), Some(Feature::Registration));
        assert_eq!(Feature::of_process("reset"), Some(Feature::PasswordReset));
        assert_eq!(Feature::of_process("kbaUpdate"), None);
    }
}
