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
mod diagnostic;
mod files;
mod loose;
mod process_file;
mod project;
mod properties;
mod secret;
mod settings;
mod source;
mod substitution;

pub use access::{AccessRule, AccessRules, Condition};
pub use check::listed::{Unfit, check as check_listed};
pub use companion::admin::{Admin, AdminSource};
pub use companion::auth_profile::AuthProfile;
pub use companion::authentication::{Authentication, Module, ModuleKind, PropertyMapping, Session};
pub use companion::cross_origin::CrossOrigin;
pub use companion::email::{Mailer, Security};
pub use companion::mapping::Mapping;
pub use companion::notifications::Notifications;
pub use companion::roles::{InternalRole, Permission, Privilege};
pub use companion::small::{Consent, JsonStore};
pub use companion::ui::{Feature, UiConfiguration};
pub use diagnostic::{Diagnostic, Severity, Sink};
pub use files::{DirectoryFiles, EmbeddedFiles, Files};
pub use loose::{Document, Node};
pub use process_file::ProcessFile;
pub use project::Project;
pub use properties::parse as parse_properties;
pub use secret::{Secret, SecretText};
pub use settings::{Audit, KeySource, Keys, Limits, Network, Pages, Profile, Settings, StageDeclaration, StageKind};
pub use source::{Location, ParseFault, Parsed, Position, SourceFile};
pub use substitution::{Environment, Expanded, Flaw, Names, ProjectNames, Substituted, expand, substitute};
