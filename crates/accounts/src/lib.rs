//! What a server does for people and their accounts, behind every interface (a *face*: REST, pages): who somebody is, what they may do and still
//! have to do, their sessions, writes to their objects with everything that follows, the processes they go through.
//!
//! A face (`rest`, `pages`) reads what a client sent, calls functions of this crate with plain values, and shows typed results. Easiest to
//! break: nothing here knows HTTP, a backend of the store or a mail server; what is needed of them is a port ([`ports`], and those of
//! `process`, `identity` and `stages`). A rule that stands in a face holds in that face alone.

mod accepted;
pub mod access;
mod accounts;
mod administrator;
mod assembly;
mod attempt;
mod augment;
mod budget;
pub mod canary;
pub mod config_files;
mod confirmation;
mod consequences;
pub mod delegated;
pub mod devices;
mod editor;
mod error;
pub mod explain;
pub mod funnel;
mod identify;
mod keeping;
mod limits;
mod mail_change;
pub mod mail_confirmation;
mod network;
mod newcomer;
mod notices;
mod notifications;
mod operator;
mod owing;
mod pace;
mod passwords;
pub mod ports;
mod principal;
pub mod processes;
pub mod rights;
mod roles;
mod run_as;
mod runtime;
pub mod session;
mod sign_in;
mod social;
mod steady;
mod submission;
mod trial;
mod turns;

pub use self::social::{Elsewhere, NAME_COOKIE, NAME_KEPT, Sent, trouble};
pub use accepted::Accepted;
pub use accounts::Accounts;
pub use administrator::Administrator;
pub use assembly::{Ports, default_locale, profile_of};
pub use attempt::{Actor, Attempt, Identified};
pub use budget::MailBudgets;
pub use confirmation::{CONFIRMED_FOR, Confirmed, Proof};
pub use consequences::{Consequences, author};
pub use editor::Editor;
pub use error::AccountError;
pub use identify::{ByProvider, Evidence, Newcomer, Password};
pub use limits::{Cleared, Limited, Limits, OwnDevice};
pub use mail_change::{MailChanges, PAGE as MAIL_CHANGE_PAGE};
pub use notices::{Notice, Post};
pub use notifications::{
    COLLECTION as NOTIFICATIONS, MOST as MOST_NOTIFICATIONS, Notifications, TARGET as NOTIFICATION_TARGET, shown as shown_notification,
};
pub use owing::Owed;
pub use principal::{ANONYMOUS, Acting, INTERNAL, ModuleFacts, Pending, Principal, login_property};
pub use runtime::Runtime;
pub use trial::Trial;
pub use turns::Turns;
