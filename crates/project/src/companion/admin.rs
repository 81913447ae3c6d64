//! Who the administrator is (decision 20).
//!
//! Two of three real projects declare none: before 7.0 the account was kept in the repository. So there is an order of sources, and a generated
//! password at its end. The rule easiest to break: an encrypted password counts only for a server that has the keystore.

use super::security::{RunAs, SecurityScript};
use crate::secret::{Secret, SecretText};

/// The administrator's name where the project does not say otherwise.
pub(crate) const ADMINISTRATOR: &str = "openidm-admin";
/// The variable that holds the administrator's password.
pub(crate) const PASSWORD_VARIABLE: &str = "OPENIDM_ADMIN_PASSWORD";
/// The boot property that holds it.
pub(crate) const PASSWORD_PROPERTY: &str = "openidm.admin.password";

/// Where a password of the administrator was found.
#[derive(Clone, Debug, PartialEq)]
pub enum AdminSource {
    /// The environment variable `OPENIDM_ADMIN_PASSWORD`.
    Environment(Secret),
    /// The static user of `authentication.json`.
    Static(SecretText),
    /// `openidm.admin.password` of the boot properties.
    BootProperties(Secret),
}

impl AdminSource {
    /// The password, unless it is encrypted.
    #[must_use]
    pub fn password(&self) -> Option<&Secret> {
        match self {
            Self::Environment(secret) | Self::BootProperties(secret) => Some(secret),
            Self::Static(text) => text.plain(),
        }
    }
}

/// The administrator.
#[derive(Clone, Debug, PartialEq)]
pub struct Admin {
    /// Name to sign in with.
    pub username: String,
    /// Roles the administrator gets.
    pub roles: Vec<String>,
    /// `authentication.json` switches the account off, and nobody takes its place.
    pub switched_off: bool,
    /// For whom the administrator may act.
    pub run_as: Option<RunAs>,
    /// What has a say in the administrator's sign-in.
    pub script: SecurityScript,
    /// Passwords from the strongest source to the weakest; if none is usable, the server generates one.
    pub sources: Vec<AdminSource>,
}

impl Admin {
    /// The password in the clear from the strongest source that has one.
    #[must_use]
    pub fn password(&self) -> Option<&Secret> {
        self.sources.iter().find_map(AdminSource::password)
    }
}

impl Default for Admin {
    fn default() -> Self {
        let roles = ["internal/role/openidm-authorized", "internal/role/openidm-admin"];
        Self {
            username: ADMINISTRATOR.to_owned(),
            roles: roles.map(str::to_owned).to_vec(),
            switched_off: false,
            run_as: None,
            script: SecurityScript::None,
            sources: Vec::new(),
        }
    }
}
