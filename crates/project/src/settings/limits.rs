//! `[limits]`: how many requests of a kind are answered in a period.
//!
//! The defaults leave room for an office of a hundred people behind one address; `enabled = false` lifts the rates, never the counters
//! of wrong codes and answers (SEC-11, SEC-47).
//!
//! A limit is one row of the table below. The settings, the keys that are known, the JSON Schema and the page of the reference come from it.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::loose::Node;

/// What `enabled` means; it is no number, so it has no row.
const ENABLED: &str = "Whether rates are kept. Sizes, queues and connections are limited all the same, and so are wrong codes and answers.";

/// A limit of `[limits]`.
struct Limit {
    key: &'static str,
    default: u32,
    unit: &'static str,
    bounds: RangeInclusive<u32>,
    meaning: &'static str,
    set: fn(&mut Limits, u32),
}

/// One row for each limit: `key = default, unit, bounds, who keeps it: meaning`.
macro_rules! limits {
    ($($key:ident = $default:expr, $unit:literal, $bounds:expr, $kept:ident, $meaning:literal;)*) => {
        /// Rates and sizes.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {
            /// Whether rates are kept; sizes always are.
            pub enabled: bool,
            $(#[doc = $meaning] pub $key: u32,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { enabled: true, $($key: $default,)* }
            }
        }

        impl Limits {
            /// What one of several nodes may let through, so that all of them together let through what is set. Each lets through something;
            /// sizes, queues and connections are each node's own.
            #[must_use]
            pub fn share_of(&self, nodes: u32) -> Self {
                Self { enabled: self.enabled, $($key: Kept::$kept.share(self.$key, nodes),)* }
            }
        }

        /// Keys of the section.
        pub(super) const KEYS: &[&str] = &["enabled", $(stringify!($key)),*];

        const ROWS: &[Limit] = &[$(Limit {
            key: stringify!($key),
            default: $default,
            unit: $unit,
            bounds: $bounds,
            meaning: $meaning,
            set: |limits, value| limits.$key = value,
        }),*];
    };
}

/// Who keeps a limit where several nodes share a store.
#[derive(Clone, Copy)]
enum Kept {
    /// All of them together: each lets its part through, rounded up.
    Together,
    /// Each by itself.
    Each,
}

impl Kept {
    fn share(self, limit: u32, nodes: u32) -> u32 {
        match self {
            Self::Together => limit.div_ceil(nodes.max(1)),
            Self::Each => limit,
        }
    }
}

/// Any number of something.
const ANY: RangeInclusive<u32> = 1..=u32::MAX;

limits! {
    submissions_per_client_minute = 600, "submissions", ANY, Together,
        "To processes, per client address and minute. As many questions may be asked of the policy service.";
    signins_per_client_minute = 300, "sign-ins", ANY, Together, "Per client address and minute.";
    signin_failures_per_account_hour = 100, "failures", ANY, Together,
        "Failed sign-ins per account and hour, by whichever of its names, after which further ones wait. A network from which the owner signed in lately, and a device of theirs, has as many of its own.";
    signin_failures_per_client_hour = 1000, "failures", ANY, Together,
        "Failed sign-ins per client network and hour, whatever the names. As many wrong answers and codes may be given besides.";
    mails_per_recipient_hour = 30, "mails", ANY, Together,
        "To one mailbox, per hour, in whatever case and with whatever sub-address. A mail that is over a budget is not sent. What the owner of an account must hear of goes out all the same, ten mails of a kind in an hour.";
    mails_per_recipient_day = 100, "mails", ANY, Together, "To one mailbox, per day.";
    mails_per_domain_hour = 10_000, "mails", ANY, Together, "To all mailboxes of one domain, per hour.";
    mails_per_client_hour = 1_000, "mails", ANY, Together, "That one client address asks for, per hour, also for accounts that do not exist.";
    mails_per_process_hour = 20_000, "mails", ANY, Together, "That one process sends, per hour.";
    mails_per_hour = 50_000, "mails", ANY, Together, "Altogether, per hour.";
    registrations_per_client_day = 500, "accounts", ANY, Together, "Made per client address and day.";
    max_body_bytes = 1024 * 1024, "bytes", ANY, Each, "The largest body of a request.";
    hash_queue = 256, "passwords", ANY, Each, "Waiting to be hashed. Beyond it the answer is 503, to the network that waits for the most.";
    connections = 4096, "connections", ANY, Each, "At a time; read at start.";
    connections_per_network = 1024, "connections", ANY, Each,
        "Of one client network (IPv4 /24, IPv6 /64) at a time; read at start. Trusted proxies have no such limit.";
    client_seconds = 30, "seconds", ANY, Each,
        "That a client may take to send a body, or to take an answer beyond the time that its bytes need; read at start.";
    drain_seconds = 0, "seconds", 0..=600, Each,
        "That a server which was told to stop still answers, while `/health/ready` already says 503, so that a balancer leads nobody to it any more.";
    finding_milliseconds = 10, "milliseconds", 0..=1000, Each,
        "That an answer takes at least which goes by whether somebody has an account, so that its time does not tell. `enabled` does not lift it.";
    search_milliseconds = 20_000, "milliseconds", 1..=600_000, Each,
        "That a search may take which names nothing that objects are found by, and so looks at all of them. Beyond it the answer is 400.";
}

impl Limits {
    pub(super) fn read(node: &Node<'_>) -> Self {
        let mut limits = Self::default();
        if let Some(enabled) = node.get("enabled").boolean() {
            limits.enabled = enabled;
        }
        for row in ROWS {
            let bounds = i64::from(*row.bounds.start())..=i64::from(*row.bounds.end());
            if let Some(value) = node.get(row.key).integer_in(bounds).and_then(|value| u32::try_from(value).ok()) {
                (row.set)(&mut limits, value);
            }
        }
        limits
    }
}

/// The limits, as a page of the book.
#[must_use]
pub fn reference() -> String {
    let mut text = format!(
        "# Limits\n\nGenerated by `vestibule reference`. The keys of `[limits]` in [vestibule.toml](../configuration.md). Who has used up a rate is\n\
         answered 429 and told when to come back.\n\n`enabled` (`true`): {ENABLED}\n\n| Key | Default | Unit | Least | Most | Meaning |\n|---|--:|---|--:|--:|---|\n",
    );
    for row in ROWS {
        let (least, most) = (row.bounds.start(), row.bounds.end());
        // Writing to a String does not fail.
        let _ = writeln!(text, "| `{}` | {} | {} | {least} | {most} | {} |", row.key, row.default, row.unit, row.meaning);
    }
    text
}

/// JSON Schema of the section.
#[must_use]
pub fn schema() -> Value {
    let mut properties = Map::new();
    properties.insert("enabled".to_owned(), json!({ "description": ENABLED, "type": "boolean", "default": true }));
    for row in ROWS {
        let schema = json!({
            "description": format!("{}: {}", row.unit, row.meaning),
            "type": "integer",
            "minimum": row.bounds.start(),
            "maximum": row.bounds.end(),
            "default": row.default,
        });
        properties.insert(row.key.to_owned(), schema);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The section [limits] of vestibule.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Sink;
    use crate::loose::Document;
    use crate::source::SourceFile;

    #[test]
    fn nodes_keep_rates_together_and_sizes_and_times_each_by_itself() {
        let set = |limits: &mut Limits, value: u32, rows: &dyn Fn(&Limit) -> bool| {
            ROWS.iter().filter(|row| rows(row)).for_each(|row| (row.set)(limits, value));
        };
        let is_rate = |row: &Limit| ["_minute", "_hour", "_day"].iter().any(|period| row.key.ends_with(period));
        let mut limits = Limits::default();
        set(&mut limits, 10, &|_| true);
        assert_eq!(limits.share_of(1), limits);
        let mut third = limits.clone();
        set(&mut third, 4, &is_rate);
        assert_eq!(limits.share_of(3), third, "rounded up");
    }

    #[test]
    fn the_defaults_let_an_office_behind_one_address_work() {
        let limits = Limits::default();
        assert!(limits.signins_per_client_minute >= 100);
        // A reset takes up to six submissions, and one person may need fifteen of them.
        assert!(limits.submissions_per_client_minute >= 100 * 6 && limits.mails_per_recipient_hour >= 15);
        assert!(limits.registrations_per_client_day >= 100 && limits.mails_per_client_hour >= 100 * 4);
    }

    fn read(text: &str) -> (Limits, usize) {
        let sink = Sink::default();
        let document = Document::read(SourceFile::new("vestibule.toml", text), &|_: &str| None, &sink).unwrap();
        (Limits::read(&document.root(&sink)), sink.into_sorted().len())
    }

    #[test]
    fn each_row_is_read_into_its_own_setting_and_within_its_bounds() {
        for row in ROWS {
            let other = if row.default > *row.bounds.start() { row.default - 1 } else { row.default + 1 };
            let mut expected = Limits::default();
            (row.set)(&mut expected, other);
            assert_ne!(expected, Limits::default(), "{}", row.key);
            assert_eq!(read(&format!("{} = {other}", row.key)), (expected, 0), "{}", row.key);
            for wrong in [i64::from(*row.bounds.start()) - 1, i64::from(*row.bounds.end()) + 1] {
                assert_eq!(read(&format!("{} = {wrong}", row.key)), (Limits::default(), 1), "{} = {wrong}", row.key);
            }
            assert!(row.bounds.contains(&row.default) && row.meaning.ends_with('.'), "{}", row.key);
        }
        assert_eq!(read("enabled = false"), (Limits { enabled: false, ..Limits::default() }, 0));
    }

    #[test]
    fn the_page_and_the_schema_have_every_key() {
        let (page, schema) = (reference(), schema());
        for key in KEYS {
            assert!(page.contains(&format!("`{key}`")) && !schema["properties"][key]["description"].is_null(), "{key}");
        }
    }
}
