//! Reads an IDM project directory, or the embedded default one, as it is.
//!
//! What comes out is typed ([`Project`]): processes as they are written, companions with IDM's defaults filled in, the settings of
//! `vestibule.toml`, and a [`Diagnostic`] with file, line, column, pointer and help for everything worth saying. Nothing here panics
//! or gives up: a file that cannot be read leaves its default and an error behind, and the rest is served.
//!
//! The rule easiest to break: a value is an error only where it is used. Real projects hold names nobody defines, keys of other
//! generations and files nobody needs (`docs/adr/0004-project-crate.md`).

mod access;
mod check;
mod companion;
mod consequences;
mod diagnostic;
mod difference;
mod explain;
mod files;
mod fix;
mod keys;
mod loose;
mod open;
mod process_file;
mod project;
mod properties;
mod secret;
mod settings;
mod source;
mod substitution;

pub use access::{AccessRule, AccessRules, Condition, Custom, Fault, Operand};
pub use check::listed::{TAKEN, Unfit, check as check_listed};
pub use companion::admin::{Admin, AdminSource};
pub use companion::auth_profile::AuthProfile;
pub use companion::authentication::{Authentication, Module, ModuleKind, Session};
pub use companion::cross_origin::CrossOrigin;
pub use companion::email::{ClientCredentials, MailLogin, MailService, Mailer, Security, SmtpServer, TlsVersions};
pub use companion::identity_providers::ProviderFile;
pub use companion::mapping::Mapping;
pub use companion::notifications::{NotificationRule, Notifications, Watched};
pub use companion::roles::{InternalRole, Permission, Privilege};
pub use companion::security::{PropertyMapping, RunAs, SecurityScript};
pub use companion::small::{Consent, JsonStore};
pub use companion::ui::{Feature, UiConfiguration};
pub use consequences::first_causes;
pub use diagnostic::{Diagnostic, Severity, Sink, once, unreadable};
pub use difference::unified_difference;
pub use explain::{Explanation, explain, explanations};
pub use files::{DirectoryFiles, EmbeddedFiles, Files};
pub use keys::{Key, Standing, TABLES, Table, reference as keys_reference};
pub use loose::{Document, Node};
pub use process_file::{Canary, ProcessFile};
pub use project::Project;
pub use properties::parse as parse_properties;
pub use secret::{Secret, SecretText};
pub use settings::{
    Acme, AtLoad, Audit, KeySource, Keys, Limits, Mail, NameRules, Network, Pages, Profile, Proofs, Prove, Settings, StageDeclaration,
    StageKind, Tls, Tracing, limits_reference, limits_schema, setting_keys,
};
pub use source::{Location, ParseFault, Parsed, Position, SourceFile};
pub use substitution::{Environment, Expanded, Flaw, Names, ProjectNames, Substituted, expand, substitute};
