//! The proof at load: every stage's needs are met by stages before it, on every path. A process that cannot be proved is not served.

use std::collections::BTreeSet;

use crate::definition::Placed;
use crate::{FactKind, Issue, Options};

/// Checks the flow of facts through the stages.
pub(crate) fn check<S: Send + Sync + 'static>(stages: &[Placed<S>], options: &Options) -> Vec<Issue> {
    let mut issues = Vec::new();
    // A session is not given by a stage but brought along; an instance has it when a stage insists on one.
    let is_session = |need: &crate::Need| need.any_of == [FactKind::SignedIn];
    let bound = stages.iter().flat_map(|placed| &placed.facts.needs).any(is_session);
    let mut known: BTreeSet<FactKind> = bound.then_some(FactKind::SignedIn).into_iter().collect();
    // Proof is proof of a subject: what was proved before the subject was named says nothing about it.
    let mut proven = known.clone();
    for placed in stages {
        for need in &placed.facts.needs {
            let met = if need.proof { &proven } else { &known };
            if is_session(need) || need.any_of.iter().any(|kind| met.contains(kind)) {
                continue;
            }
            let name = placed.stage.name();
            let phrase = need.phrase();
            if need.proof && options.allow_unproven {
                issues.push(Issue::warning(
                    &placed.pointer,
                    "unproven-credential-change",
                    format!("'{name}' runs without {phrase}, because \"allowUnproven\" is true: whoever names an account may take it"),
                ));
            } else if need.proof {
                issues.push(
                    Issue::error(&placed.pointer, "unproven-credential-change", format!("'{name}' needs {phrase}, and no stage before it proves one"))
                        .with_help("put 'emailValidation' or 'kbaSecurityAnswerVerificationStage' before it, or say \"vestibule\": {\"allowUnproven\": true}"),
                );
            } else {
                let issue =
                    Issue::error(&placed.pointer, "unmet-need", format!("'{name}' needs {phrase}, and no stage before it gives one"));
                issues.push(match giver(need.any_of) {
                    Some(stage) => issue.with_help(format!("put '{stage}' before it")),
                    None => issue,
                });
            }
        }
        if placed.facts.changes_credential && known.contains(&FactKind::KnowsAnswers) && !known.contains(&FactKind::ControlsMail) {
            issues.push(
                Issue::warning(
                    &placed.pointer,
                    "kba-sole-factor",
                    format!(
                        "security questions are the only proof before '{}': answers can be guessed or looked up (SEC-28)",
                        placed.stage.name()
                    ),
                )
                .with_help("add 'emailValidation' before it"),
            );
        }
        if placed.facts.gives.contains(&FactKind::Created) && !known.contains(&FactKind::ControlsMail) {
            let message =
                format!("'{}' makes an account that can sign in although nobody confirmed its mail address (SEC-23)", placed.stage.name());
            issues.push(Issue::warning(&placed.pointer, "unconfirmed-mail", message).with_help("put 'emailValidation' before it"));
        }
        if placed.facts.discloses {
            issues.push(Issue::hint(
                &placed.pointer,
                "discloses-account",
                format!(
                    "'{}' tells its caller about an account by design, so the process also tells which accounts exist",
                    placed.stage.name()
                ),
            ));
        }
        if placed.facts.gives.contains(&FactKind::Named) || placed.facts.may_give.contains(&FactKind::Named) {
            proven.clear();
        }
        known.extend(&placed.facts.gives);
        proven.extend(&placed.facts.gives);
    }
    issues
}

/// The stage usually put in front for a fact.
fn giver(any_of: &[FactKind]) -> Option<&'static str> {
    any_of.iter().find_map(|kind| match kind {
        FactKind::Named | FactKind::Username | FactKind::AccountStatus => Some("userQuery"),
        FactKind::Mail | FactKind::ControlsMail => Some("emailValidation"),
        FactKind::NewUser => Some("idmUserDetails"),
        FactKind::Parameters => Some("parameters"),
        FactKind::Accepted => Some("termsAndConditions"),
        FactKind::Human => Some("captcha"),
        FactKind::KnowsAnswers => Some("kbaSecurityAnswerVerificationStage"),
        FactKind::Created => Some("selfRegistration"),
        FactKind::SignedIn => None,
    })
}
