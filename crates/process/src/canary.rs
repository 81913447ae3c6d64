//! A canary: the next definition of a process, tried by a share of those who begin it, beside the present one. What an operator says of it,
//! and what is counted.
//!
//! Easiest to break: a decision belongs to a pair of definitions. Whoever edits either file begins anew.

use jose::KeyRing;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::config::{self, Issue};
use crate::{InstanceId, Version, loose};

/// What draws who is on the next definition.
const LABEL: &str = "canary";
/// The mails that somebody who completes is counted with, at most: a mean of what has no bound cannot be told from few people.
pub const MOST_MAILS: u32 = 5;

/// How much worse the next definition may be and still take the place of the present one.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Tolerance {
    /// Of the share that completes. Default 0.05: five of a hundred fewer.
    #[serde(deserialize_with = "fraction")]
    pub completion: f64,
    /// Of the share that is refused something on the way. Default 0.1: ten of a hundred more.
    #[serde(deserialize_with = "fraction")]
    pub errors: f64,
    /// Of the mails for each completion. Default 0.5: one more for every second.
    #[serde(deserialize_with = "fraction")]
    pub mails: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { completion: 0.05, errors: 0.1, mails: 0.5 }
    }
}

/// The member `canary` of the key `vestibule` of a process file.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CanaryOptions {
    /// The file of the next definition, beside this one: `selfservice-reset.next.json`.
    pub file: String,
    /// The share of new instances that begin on it, above 0 and up to 0.5.
    #[serde(deserialize_with = "fraction")]
    pub share: f64,
    /// How much worse it may be. Default: 0.05 of the completion rate, 0.1 of the rate of errors, 0.5 mails for each completion.
    #[serde(default)]
    pub tolerance: Tolerance,
    /// It is promoted only when so many of its instances were counted. Default 200.
    #[serde(default = "instances", deserialize_with = "loose::number")]
    #[schemars(with = "u32")]
    pub instances: u32,
    /// It is promoted only so many hours after it began. Default 24.
    #[serde(default = "hours", deserialize_with = "loose::number")]
    #[schemars(with = "u32")]
    pub hours: u32,
    /// It ends after so many days, rolled back where nothing was shown. Default 14.
    #[serde(default = "days", deserialize_with = "loose::number")]
    #[schemars(with = "u32")]
    pub days: u32,
}

fn instances() -> u32 {
    200
}

fn hours() -> u32 {
    24
}

fn days() -> u32 {
    14
}

/// A number, or a text that holds one.
fn fraction<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    number.filter(|number| number.is_finite()).ok_or_else(|| D::Error::custom(format!("expected a number, found {value}")))
}

impl CanaryOptions {
    /// Reads the value at `pointer`.
    ///
    /// # Errors
    /// What is wrong with it, with its place.
    pub fn read(pointer: &str, value: &Value) -> Result<Self, Issue> {
        let mut options: Self = config::read(pointer, value).map_err(|issue| Issue { rule: "canary-value", ..issue })?;
        let wrong = |name: &str, message: &str| Err(Issue::error(format!("{pointer}/{name}"), "canary-value", message));
        if !(options.share > 0.0 && options.share <= 0.5) {
            return wrong("share", "'share' is above 0 and at most 0.5: the share of people who begin on the next definition");
        }
        let Tolerance { completion, errors, mails } = options.tolerance;
        for (name, value) in [("completion", completion), ("errors", errors)] {
            if !(0.0..=0.99).contains(&value) {
                return wrong(&format!("tolerance/{name}"), &format!("'{name}' is a difference of two shares, from 0 to 0.99"));
            }
        }
        if !(0.0..=f64::from(MOST_MAILS - 1)).contains(&mails) {
            return wrong("tolerance/mails", &format!("'mails' is a number of mails, from 0 to {}", MOST_MAILS - 1));
        }
        if !(1..=366).contains(&options.days) {
            return wrong("days", "'days' is from 1 to 366");
        }
        if u64::from(options.hours) >= u64::from(options.days) * 24 {
            return wrong("hours", "'hours' is shorter than 'days': otherwise nothing is ever promoted");
        }
        options.file = options.file.trim().to_owned();
        Ok(options)
    }
}

/// Two definitions of a process that are compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CanaryPair {
    /// The process.
    pub process: String,
    /// What everybody else is on.
    pub present: Version,
    /// What is tried.
    pub next: Version,
}

impl CanaryPair {
    /// Whether an instance begins on the next definition: a function of the keys, the pair and the instance, so that all nodes draw alike.
    #[must_use]
    pub fn draws(&self, keys: &KeyRing, instance: &InstanceId, share: f64) -> bool {
        let parts = [&self.process, &self.present.0, &self.next.0].map(String::as_bytes);
        let drawn = keys.keyed(LABEL, &[parts[0], parts[1], parts[2], instance.as_str().as_bytes()]);
        let first = drawn.first_chunk::<4>().copied().unwrap_or([0xff; 4]);
        // Exact in both: 32 bits fit into the 53 of the number.
        f64::from(u32::from_be_bytes(first)) < share * (f64::from(u32::MAX) + 1.0)
    }
}

/// The instances of a definition whose time is over, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub instances: u64,
    /// Those that were completed.
    pub completed: u64,
    /// Those that were refused something on the way.
    pub failed: u64,
    /// The mails of those that were completed, at most [`MOST_MAILS`] of each.
    pub mails: u64,
}

/// How a canary ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CanaryOutcome {
    /// The next definition is the one that is served.
    Promoted,
    /// The next definition was worse.
    RolledBack,
    /// Its days were over, and nothing was shown: the present definition is served.
    NotDecided,
    /// Somebody changed one of the files.
    Withdrawn,
}

impl CanaryOutcome {
    const ALL: [Self; 4] = [Self::Promoted, Self::RolledBack, Self::NotDecided, Self::Withdrawn];

    /// Its word, as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::RolledBack => "rolled-back",
            Self::NotDecided => "not-decided",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The outcome of a word.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// A canary as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCanary {
    /// What is compared.
    pub pair: CanaryPair,
    /// Seconds since 1970. Who began earlier is not counted.
    pub began: i64,
    /// Those on the present definition.
    pub present: Tally,
    /// Those on the next one.
    pub next: Tally,
    /// How it ended; nothing while it goes on.
    pub outcome: Option<CanaryOutcome>,
    /// Seconds since 1970.
    pub ended: Option<i64>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<CanaryOptions, (String, String)> {
        CanaryOptions::read("/vestibule/canary", value).map_err(|issue| (issue.pointer, issue.message))
    }

    #[test]
    fn a_canary_is_read_with_its_defaults_and_its_bounds() {
        let least = json!({ "file": "selfservice-reset.next.json", "share": "0.05" });
        let options = read(&least).unwrap();
        assert_eq!((options.share, options.instances, options.hours, options.days), (0.05, 200, 24, 14));
        assert_eq!(options.tolerance, Tolerance::default());
        let with = |pointer: &str, value: Value| {
            let mut all = json!({ "file": "f", "share": 0.5, "tolerance": {}, "instances": 1, "hours": 1, "days": 1 });
            if let Some(place) = all.pointer_mut(pointer) {
                *place = value;
            } else {
                all["tolerance"][pointer.rsplit('/').next().unwrap()] = value;
            }
            read(&all)
        };
        assert!(with("/share", json!(0.5)).is_ok());
        for (pointer, value) in [
            ("/share", json!(0)),
            ("/share", json!(0.51)),
            ("/share", json!(-0.1)),
            ("/share", json!("many")),
            ("/tolerance/completion", json!(1)),
            ("/tolerance/errors", json!(-0.1)),
            ("/tolerance/mails", json!(5)),
            ("/instances", json!(1.5)),
            ("/hours", json!(24)),
            ("/days", json!(0)),
        ] {
            let (place, message) = with(pointer, value.clone()).unwrap_err();
            assert_eq!(place, format!("/vestibule/canary{pointer}"), "{value}: {message}");
        }
        assert!(read(&json!({ "file": "f" })).is_err());
        assert!(read(&json!({ "file": "f", "share": 0.1, "shares": 1 })).is_err());
    }

    #[test]
    fn the_share_is_drawn_alike_wherever_the_keys_are_the_same() {
        let keys = KeyRing::generate().unwrap();
        let again = KeyRing::from_json(&keys.to_json()).unwrap();
        let of = |next: &str| CanaryPair { process: "reset".into(), present: Version("a".into()), next: Version(next.into()) };
        let (pair, other) = (of("b"), of("c"));
        let mut drawn = [0_u32; 3];
        let mut differ = 0;
        for number in 0..20_000 {
            let instance = InstanceId::from_stored(number.to_string());
            for (count, share) in drawn.iter_mut().zip([0.05, 0.25, 0.5]) {
                let one = pair.draws(&keys, &instance, share);
                assert_eq!(one, pair.draws(&again, &instance, share));
                *count += u32::from(one);
            }
            differ += u32::from(pair.draws(&keys, &instance, 0.5) != other.draws(&keys, &instance, 0.5));
        }
        // Five standard deviations of a binomial: 154, 306 and 354.
        for (drawn, (expected, off)) in drawn.into_iter().zip([(1000, 154), (5000, 306), (10_000, 354)]) {
            assert!(u32::abs_diff(drawn, expected) <= off, "{drawn} of 20000, not {expected}");
        }
        assert!(u32::abs_diff(differ, 10_000) <= 354, "another pair draws others: {differ}");
    }
}
