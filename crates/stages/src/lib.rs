//! The stages: one file each below `stage/`, one line each in [`catalogue`]. Configuration, schema, diagnostics, requirements and
//! behaviour of a stage stand together; what several of them need (accounts, decoys, locales, mail texts) stands beside them.
//!
//! The rule that is easiest to break: a stage does the same work, reads the store as often and writes a state of the same shape for an
//! account that exists and for one that does not (SEC-01, SEC-02). Whoever adds a branch on "no such account" adds an oracle.

mod account;
pub mod claim_refusal;
mod consequences;
mod decoy;
mod first_proof;
pub mod input;
mod links;
pub mod locale;
mod mail_text;
mod naming;
pub mod profile;
mod refusal;
mod sandboxed;
mod scripts;
mod services;
mod stage;
pub mod state;
mod templates;

pub use consequences::{Author, Consequences, MAIL, Written, distinct, of_scripts, tell_ambiguous};
pub use identity::MailAddress;
pub use links::{PROVIDER_TAKEN, SOCIAL_ACCOUNT, is_linked, link, owner, provider_taken};
pub use refusal::Refusal;
pub use sandboxed::{SandboxScripts, TemplateLetters};
pub use scripts::{RemoteStages, Scripts};
pub use services::{
    AutoLogin, CaptchaVerdict, CaptchaVerifier, GuessBudget, MailBudget, MailDoor, MailRefusal, MailRequest, MailTemplates, OwnMails,
    RenderedMail, Services, SignedInElsewhere,
};
pub use stage::{CREDENTIAL_PURPOSE, catalogue, counters, credential_subject};
pub use templates::{BrokenTemplate, HandlebarsTemplates, MailTemplate};
