//! Notifications in the person's own pages (idm-docs §5.8): off unless the boot properties switch them on.

use crate::substitution::{ProjectNames, expand};

/// Which events leave a notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notifications {
    /// Is there any at all (`openidm.notifications`)?
    pub enabled: bool,
    /// A changed password (`openidm.notifications.passwordUpdate`).
    pub password_update: bool,
    /// A changed profile (`openidm.notifications.profileUpdate`).
    pub profile_update: bool,
}

impl Notifications {
    pub(crate) fn read(names: &ProjectNames<'_>) -> Self {
        let on = |name: &str| expand(&format!("&{{{name}|false}}"), names).text.trim().eq_ignore_ascii_case("true");
        let enabled = on("openidm.notifications");
        Self {
            enabled,
            password_update: enabled && on("openidm.notifications.passwordUpdate"),
            profile_update: enabled && on("openidm.notifications.profileUpdate"),
        }
    }
}
