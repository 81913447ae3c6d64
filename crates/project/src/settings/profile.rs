//! `[profile]`: what is safer here than in IDM, and how to switch each of it back.

use crate::diagnostic::Severity;
use crate::loose::Node;

/// The person's own profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// A changed mail address counts only when it was confirmed, and the old one is told (SEC-21).
    pub confirm_mail: bool,
    /// People are told by mail of a changed password and of changed questions (SEC-14, SEC-20).
    pub notify_changes: bool,
    /// People are told by mail of a sign-in from a browser they never used (SEC-14).
    pub notify_new_device: bool,
    /// `add` of a whole list to a list replaces it in a person's own patch, as the stock edit form means it; otherwise the lists are
    /// merged.
    pub add_replaces_lists: bool,
    /// Seconds for which security questions that a session alone has changed are no proof by themselves (SEC-20).
    pub questions_settle: i64,
}

/// Seconds.
const DAY: i64 = 86_400;

impl Default for Profile {
    fn default() -> Self {
        Self { confirm_mail: true, notify_changes: true, notify_new_device: true, add_replaces_lists: true, questions_settle: DAY }
    }
}

/// Keys of the section.
pub(super) const KEYS: [&str; 5] = ["confirm_mail", "notify_changes", "notify_new_device", "add_lists", "questions_settle_hours"];

impl Profile {
    pub(super) fn read(node: &Node<'_>) -> Self {
        let default = Self::default();
        let flag = |key: &str, default: bool| node.get(key).boolean().unwrap_or(default);
        let add = node.get("add_lists");
        let add_replaces_lists = match add.filled_text().as_deref() {
            None => default.add_replaces_lists,
            Some("replace") => true,
            Some("merge") => false,
            Some(other) => {
                add.report(Severity::Error, "wrong-value", format!("'{other}' is neither 'replace' nor 'merge'"), None);
                default.add_replaces_lists
            }
        };
        Self {
            confirm_mail: flag("confirm_mail", default.confirm_mail),
            notify_changes: flag("notify_changes", default.notify_changes),
            notify_new_device: flag("notify_new_device", default.notify_new_device),
            add_replaces_lists,
            questions_settle: node
                .get("questions_settle_hours")
                .integer_in(0..=8_760)
                .map_or(default.questions_settle, |hours| hours.saturating_mul(3_600)),
        }
    }
}
