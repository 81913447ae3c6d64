//! What a dry run says: how many come, how they sign in, what is lost and why. Somebody signs it before anything that loses something is done.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use process::sha256_hex;
use serde::{Deserialize, Serialize};

use crate::record::Fault;

/// Faults that are said one by one.
pub(crate) const LISTED: usize = 20;

/// How many people sign in how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInCount {
    /// The form of the password.
    pub how: String,
    /// How many.
    pub people: u64,
    /// Whether they sign in with the password that they have.
    pub works: bool,
}

/// Somebody who could not sign in with a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WithoutSignIn {
    /// Their id.
    #[serde(rename = "_id")]
    pub id: String,
    /// Their user name.
    #[serde(rename = "userName")]
    pub name: String,
    /// Why.
    pub why: String,
}

/// A secret of the configuration that was encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigurationSecret {
    /// The file, and the JSON pointer of the secret.
    pub place: String,
    /// The key it was encrypted with.
    pub key: String,
    /// Why it cannot be opened; nothing where it can.
    pub why: Option<String>,
}

/// How often something is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LostCount {
    /// Of objects of which collection.
    pub collection: String,
    /// Which property.
    pub property: String,
    /// Why.
    pub why: String,
    /// Of how many objects.
    pub count: u64,
}

/// Names that several objects have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Doubles {
    /// Groups of objects whose unique name is one: they must be resolved before the import.
    pub to_resolve: u64,
    /// Groups of objects that are found by one name: none of them is found by it, until one has another.
    pub not_found: u64,
}

/// What an import would do.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The files.
    pub source: Vec<String>,
    /// Objects by their collection.
    pub objects: BTreeMap<String, u64>,
    /// Objects that are in the store already, and stay as they are.
    pub there: u64,
    /// Objects that the resolution leaves out.
    pub left_out: u64,
    /// What is no object of the project, and is passed over, by what it is.
    pub passed: BTreeMap<String, u64>,
    /// People by their `accountStatus`.
    pub statuses: BTreeMap<String, u64>,
    /// How people sign in.
    pub sign_in: Vec<SignInCount>,
    /// The first people who could not sign in with a password.
    pub first_without_sign_in: Vec<WithoutSignIn>,
    /// Secrets of the configuration that were encrypted.
    pub configuration: Vec<ConfigurationSecret>,
    /// What comes with people: answers to security questions, accepted terms, and so on, by how many have it.
    pub brought: BTreeMap<String, u64>,
    /// Objects that keep their revision.
    pub revisions: u64,
    /// What is lost.
    pub lost: Vec<LostCount>,
    /// Names that several have.
    pub doubles: Doubles,
    /// How many records cannot be read or stored.
    pub faults: u64,
    /// How many files cannot be read to their end.
    pub not_read: u64,
    /// The first of them.
    #[serde(serialize_with = "as_texts")]
    pub first_faults: Vec<Fault>,
    /// Passwords and answers that have to be hashed.
    pub to_hash: u64,
    /// How long that takes here, in seconds.
    pub hashing_seconds: u64,
    /// What somebody writes who has read this.
    pub signature: String,
}

/// The kinds of losses that somebody has signed: whoever comes later loses nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedKinds {
    /// Collections, properties and reasons.
    lost: BTreeSet<(String, String, String)>,
    /// What is passed over.
    passed: BTreeSet<String>,
}

fn as_texts<S: serde::Serializer>(faults: &[Fault], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(faults.iter().map(ToString::to_string))
}

impl Report {
    /// Whether something is lost, so that somebody has to sign.
    #[must_use]
    pub fn needs_signature(&self) -> bool {
        !self.lost.is_empty() || !self.passed.is_empty() || self.faults > 0 || self.left_out > 0
    }

    /// The kinds of what is lost here.
    #[must_use]
    pub fn kinds(&self) -> SignedKinds {
        let lost = self.lost.iter().map(|LostCount { collection, property, why, .. }| (collection.clone(), property.clone(), why.clone()));
        SignedKinds { lost: lost.collect(), passed: self.passed.keys().cloned().collect() }
    }

    /// The first thing that is lost here and is of none of these kinds.
    pub(crate) fn beyond(&self, signed: &SignedKinds) -> Option<String> {
        let SignedKinds { lost, passed } = self.kinds();
        let lost = lost.difference(&signed.lost).map(|(collection, property, why)| format!("{collection}/{property}: {why}"));
        lost.chain(passed.difference(&signed.passed).cloned()).next()
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        self.faults += 1;
        self.not_read += u64::from(fault.ends);
        if self.first_faults.len() < LISTED {
            self.first_faults.push(fault);
        }
    }

    /// Signs: a mark of what is said here, but for what changes from run to run, and of `ids`, which objects these are, in their order.
    pub(crate) fn seal(&mut self, ids: u64) {
        let said = (ids, &self.objects, self.left_out, &self.passed, &self.sign_in, &self.lost, self.faults);
        self.signature = sha256_hex(&serde_json::to_string(&said).unwrap_or_default());
        self.signature.truncate(12);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (collection, count) in &self.objects {
            writeln!(f, "{collection}: {count} objects")?;
        }
        if self.there > 0 {
            writeln!(f, "in the store already, and left as they are: {}", self.there)?;
        }
        if self.left_out > 0 {
            writeln!(f, "left out by the resolution: {}", self.left_out)?;
        }
        for (what, count) in &self.passed {
            writeln!(f, "passed over: {count} times {what}")?;
        }
        let counts =
            |counts: &BTreeMap<String, u64>| counts.iter().map(|(what, count)| format!("{what} {count}")).collect::<Vec<_>>().join(", ");
        if !self.statuses.is_empty() {
            writeln!(f, "accountStatus: {}", counts(&self.statuses))?;
        }
        if !self.brought.is_empty() {
            writeln!(f, "with them: {}", counts(&self.brought))?;
        }
        writeln!(f, "revisions kept: {}", self.revisions)?;
        writeln!(f, "passwords:")?;
        for SignInCount { how, people, works } in &self.sign_in {
            writeln!(f, "  {people}: {how}{}", if *works { "" } else { " (they cannot sign in before they set a new one)" })?;
        }
        for WithoutSignIn { id, name, why } in &self.first_without_sign_in {
            writeln!(f, "    {name} ({id}): {why}")?;
        }
        for ConfigurationSecret { place, key, why } in &self.configuration {
            let how = why.as_ref().map_or_else(|| "opens".to_owned(), |why| format!("cannot be opened: {why}"));
            writeln!(f, "encrypted with the key '{key}', and {how}: {place}")?;
        }
        if !self.lost.is_empty() {
            writeln!(f, "lost:")?;
            for LostCount { collection, property, why, count } in &self.lost {
                writeln!(f, "  {count} times {collection}/{property}: {why}")?;
            }
        }
        if self.doubles.to_resolve > 0 {
            writeln!(f, "names that must be unique and are not: {}", self.doubles.to_resolve)?;
        }
        if self.doubles.not_found > 0 {
            writeln!(f, "names by which nobody is found, because several have them: {}", self.doubles.not_found)?;
        }
        if self.faults > 0 {
            writeln!(f, "faults: {}", self.faults)?;
            for fault in &self.first_faults {
                writeln!(f, "  {fault}")?;
            }
        }
        if self.to_hash > 0 {
            writeln!(f, "to be hashed: {}, in about {} here", self.to_hash, duration(self.hashing_seconds))?;
        }
        if self.needs_signature() {
            writeln!(f, "signature: {}", self.signature)?;
        }
        Ok(())
    }
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..=90 => format!("{} s", seconds.max(1)),
        91..=5400 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}
