//! `[limits]`: how often anybody may do anything.
//!
//! The defaults leave room for an office of a hundred people behind one address; `enabled = false` lifts the rates, never the counters
//! of wrong codes and answers (SEC-11, SEC-47).

use crate::loose::Node;

/// Rates and sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Are rates kept at all? Sizes always are.
    pub enabled: bool,
    /// Submissions to processes, per client address and minute.
    pub submissions_per_client_minute: u32,
    /// Sign-ins, per client address and minute.
    pub signins_per_client_minute: u32,
    /// Failed sign-ins, per account and hour, after which further ones wait.
    pub signin_failures_per_account_hour: u32,
    /// Mails to one recipient, per hour.
    pub mails_per_recipient_hour: u32,
    /// Mails to one recipient, per day.
    pub mails_per_recipient_day: u32,
    /// Accounts made, per client address and day.
    pub registrations_per_client_day: u32,
    /// Largest request body, in bytes.
    pub max_body_bytes: u32,
    /// Passwords waiting to be hashed; beyond it, 503.
    pub hash_queue: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            enabled: true,
            submissions_per_client_minute: 600,
            signins_per_client_minute: 300,
            signin_failures_per_account_hour: 100,
            mails_per_recipient_hour: 30,
            mails_per_recipient_day: 100,
            registrations_per_client_day: 500,
            max_body_bytes: 1024 * 1024,
            hash_queue: 256,
        }
    }
}

/// Keys of the section.
pub(super) const KEYS: [&str; 9] = [
    "enabled",
    "submissions_per_client_minute",
    "signins_per_client_minute",
    "signin_failures_per_account_hour",
    "mails_per_recipient_hour",
    "mails_per_recipient_day",
    "registrations_per_client_day",
    "max_body_bytes",
    "hash_queue",
];

impl Limits {
    pub(super) fn read(node: &Node<'_>) -> Self {
        let default = Self::default();
        let number = |key: &str, default: u32| {
            let value = node.get(key).integer_in(1..=i64::from(u32::MAX)).and_then(|value| u32::try_from(value).ok());
            value.unwrap_or(default)
        };
        Self {
            enabled: node.get("enabled").boolean().unwrap_or(default.enabled),
            submissions_per_client_minute: number("submissions_per_client_minute", default.submissions_per_client_minute),
            signins_per_client_minute: number("signins_per_client_minute", default.signins_per_client_minute),
            signin_failures_per_account_hour: number("signin_failures_per_account_hour", default.signin_failures_per_account_hour),
            mails_per_recipient_hour: number("mails_per_recipient_hour", default.mails_per_recipient_hour),
            mails_per_recipient_day: number("mails_per_recipient_day", default.mails_per_recipient_day),
            registrations_per_client_day: number("registrations_per_client_day", default.registrations_per_client_day),
            max_body_bytes: number("max_body_bytes", default.max_body_bytes),
            hash_queue: number("hash_queue", default.hash_queue),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_let_an_office_behind_one_address_work() {
        let limits = Limits::default();
        assert!(limits.signins_per_client_minute >= 100);
        // A reset takes up to six submissions, and one person may need fifteen of them.
        assert!(limits.submissions_per_client_minute >= 100 * 6 && limits.mails_per_recipient_hour >= 15);
        assert!(limits.registrations_per_client_day >= 100);
    }
}
