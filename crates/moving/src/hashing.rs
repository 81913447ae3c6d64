//! Secrets that come in clear, or that the operator's keystore encrypted: hashed on every core, and wiped.

use std::num::NonZero;

use crest::{Pointer, Random, random_bytes};
use identity::secret::{HashParameters, Scratch, Secret, SecretError, hash_in};
use serde_json::Value;

/// One secret, and where its hash goes.
pub(crate) struct Job<'o> {
    pub(crate) content: &'o mut Value,
    pub(crate) clear: Vec<(Pointer, Secret)>,
}

/// Hashes the secrets of objects, and puts each hash at its place.
///
/// # Errors
/// Where a hash cannot be made: memory is not to be had.
pub(crate) fn hash_all(jobs: Vec<Job<'_>>, random: &dyn Random, parameters: &HashParameters) -> Result<(), SecretError> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut shares: Vec<Vec<Job<'_>>> = (0..cores).map(|_| Vec::new()).collect();
    for (share, job) in (0..cores).cycle().zip(jobs) {
        if let Some(share) = shares.get_mut(share) {
            share.push(job);
        }
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = shares.into_iter().map(|share| scope.spawn(move || hash_some(share, random, parameters))).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Err(SecretError::Parameters)))
    })
}

fn hash_some(jobs: Vec<Job<'_>>, random: &dyn Random, parameters: &HashParameters) -> Result<(), SecretError> {
    let mut scratch = Scratch::new();
    for Job { content, clear } in jobs {
        for (place, secret) in clear {
            let hashed = hash_in(&mut scratch, &secret, random_bytes(random), parameters)?;
            if let Some(value) = at(content, &place) {
                *value = Value::String(hashed);
            }
        }
    }
    Ok(())
}

fn at<'c>(content: &'c mut Value, place: &Pointer) -> Option<&'c mut Value> {
    place.tokens().iter().try_fold(content, |value, token| match value {
        Value::Object(members) => members.get_mut(token),
        Value::Array(elements) => elements.get_mut(token.parse::<usize>().ok()?),
        _ => None,
    })
}
