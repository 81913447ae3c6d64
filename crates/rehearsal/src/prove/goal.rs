//! What an attacker may be after, and what the policy asks before somebody has it.

use std::fmt;

use project::{Proofs, Prove};
use serde::Serialize;

/// What must not be reached without proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Goal {
    /// The account's credential is replaced, its security questions are, a session of it begins, or an account at an identity provider is
    /// linked to it.
    Credential,
    /// Its mail address is replaced.
    Address,
    /// Something else of it is changed.
    Profile,
    /// Its user name is told.
    Name,
    /// An account is made with an address that nobody has shown to be theirs.
    Account,
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credential => "a new credential",
            Self::Address => "another mail address",
            Self::Profile => "a changed account",
            Self::Name => "the user name",
            Self::Account => "an account with somebody else's address",
        })
    }
}

impl Goal {
    /// Every goal.
    const ALL: [Self; 5] = [Self::Credential, Self::Address, Self::Profile, Self::Name, Self::Account];

    /// Whether the policy lets somebody with these proofs have it.
    fn is_permitted(self, policy: &Prove, reveals: bool, has: Proofs) -> bool {
        match self {
            Self::Credential => Prove::permits(&policy.credential, has),
            Self::Address => Prove::permits(&policy.address, has),
            Self::Profile => Prove::permits(&policy.profile, has),
            Self::Account => Prove::permits(&policy.account, has),
            Self::Name => match &policy.name {
                Some(asked) => Prove::permits(asked, has),
                // By default a process that says it tells may tell; others need what a changed account needs.
                None => reveals || Prove::permits(&policy.profile, has),
            },
        }
    }
}

/// The sets of proofs with the goals that the policy does not let them have. Whoever has less can do less, so of these sets the largest are
/// enough: of those with a session, and of those without, because a session is another way in, not only more of the same. `sessions` says whether the process looks at a session; where it does not, having one makes no difference.
pub(crate) fn forbidden(policy: &Prove, reveals: bool, sessions: bool) -> Vec<(Proofs, Vec<Goal>)> {
    let mut sets: Vec<(Proofs, Vec<Goal>)> = Vec::new();
    for goal in Goal::ALL {
        let short: Vec<Proofs> = Proofs::all().into_iter().filter(|has| !goal.is_permitted(policy, reveals, *has)).collect();
        for has in &short {
            let is_inside = |set: &Proofs| set.contains(Proofs::SESSION);
            if short.iter().any(|other| other != has && other.contains(*has) && is_inside(other) == is_inside(has)) {
                continue;
            }
            let has = if sessions { *has } else { has.without_session() };
            match sets.iter_mut().find(|(known, _)| *known == has) {
                Some((_, goals)) if goals.contains(&goal) => {}
                Some((_, goals)) => goals.push(goal),
                None => sets.push((has, vec![goal])),
            }
        }
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_sets_are_tried_with_a_session_and_without() {
        let policy = Prove { credential: vec![Proofs::MAIL], ..Prove::default() };
        let of = |sessions: bool| {
            let sets = forbidden(&policy, true, sessions).into_iter();
            sets.filter(|(_, goals)| goals.contains(&Goal::Credential)).map(|(has, _)| has.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(of(true), ["the answers", "the answers and the password"]);
        assert_eq!(of(false), ["the answers"]);
    }
}
