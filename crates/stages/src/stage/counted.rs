//! What is counted about an account outside of its instances, so that an administrator can end it.
//!
//! Easiest to break: a stage that counts for an account counts under a name that stands here.

use process::Stage as _;

use crate::stage::email_validation::EmailValidation;
use crate::stage::social_user_claim::{self, SocialUserClaim};
use crate::stage::{kba_verification, mailed_code};

/// The counters of the answers, codes and passwords that were tried for an account at `address`, in any of `processes`. `keyed` is the keyed function
/// of the oldest keys.
#[must_use]
pub fn counters(
    (collection, id): (&str, &str),
    address: Option<&str>,
    processes: &[&str],
    keyed: impl Fn(&str, &[&[u8]]) -> [u8; 32],
) -> Vec<String> {
    let mut counters = vec![kba_verification::counter(collection, id), social_user_claim::counter(id)];
    for process in processes {
        for stage in [EmailValidation::NAME, SocialUserClaim::NAME] {
            for (collection, id) in [(collection, id), ("", "")] {
                let parts = [process, stage, collection, id, address.unwrap_or_default()].map(str::as_bytes);
                counters.push(mailed_code::counter(&mailed_code::purpose(&keyed(mailed_code::PURPOSE, &parts))));
            }
        }
    }
    counters
}
