//! The proof at load: every stage's needs are met by stages before it, on every path. A process that cannot be proved is not served.

use std::collections::BTreeSet;

use crate::{Catalogue, FactKind, Issue, Need, Options, Placed, Process, Severity};

/// What each path through a stage gives.
type Paths<'a> = &'a [Vec<FactKind>];

impl<S: Send + Sync + 'static> Process<S> {
    /// Why the process would not be served if its file had these options, as when `allowUnproven` was taken back: `None` if it would.
    #[must_use]
    pub fn refused_under(&self, options: &Options, catalogue: &Catalogue<S>) -> Option<Issue> {
        check(&self.stages, options, catalogue).into_iter().find(|issue| issue.severity == Severity::Error)
    }

    /// Whether a stage takes the present password for the proof that it needs, because no stage before it may earn one: the process works on the
    /// signed-in person, and a session alone proves nothing (SEC-20).
    #[must_use]
    pub fn wants_present_password(&self) -> bool {
        let mut known = Before::any_of(&self.stages);
        for placed in &self.stages {
            if placed.facts.needs.iter().any(|need| known.is_by_password(need) && !known.may_be_met(need)) {
                return !self.options.allow_unproven;
            }
            known.pass(placed);
        }
        false
    }
}

/// What is known and proved before a stage.
struct Before<'a> {
    known: BTreeSet<FactKind>,
    proven: BTreeSet<FactKind>,
    /// Earned on some paths only, since the subject was named.
    perhaps: BTreeSet<FactKind>,
    /// Stages before with several paths: a need is met by one whose every path meets it.
    forks: Vec<Paths<'a>>,
    proven_forks: Vec<Paths<'a>>,
}

/// A session is not given by a stage but brought along; an instance has it when a stage insists on one.
fn is_session(need: &Need) -> bool {
    need.any_of == [FactKind::SignedIn]
}

impl<'a> Before<'a> {
    /// Before the first stage.
    fn any_of<S>(stages: &[Placed<S>]) -> Self {
        let bound = stages.iter().flat_map(|placed| &placed.facts.needs).any(is_session);
        let known: BTreeSet<FactKind> = bound.then_some(FactKind::SignedIn).into_iter().collect();
        // Proof is proof of a subject: what was proved before the subject was named says nothing about it.
        Self { proven: known.clone(), known, perhaps: BTreeSet::new(), forks: Vec::new(), proven_forks: Vec::new() }
    }

    fn meets(&self, need: &Need) -> bool {
        let met = if need.proof { &self.proven } else { &self.known };
        let by_path = |paths: &Paths<'_>| paths.iter().all(|path| path.iter().any(|kind| need.any_of.contains(kind)));
        let forks = if need.proof { &self.proven_forks } else { &self.forks };
        is_session(need) || need.any_of.iter().any(|kind| met.contains(kind)) || forks.iter().any(by_path)
    }

    /// Whoever is signed in proves themselves by the present password, where nothing else does (SEC-20).
    fn is_by_password(&self, need: &Need) -> bool {
        need.proof && self.proven.contains(&FactKind::SignedIn) && !self.meets(need)
    }

    fn may_be_met(&self, need: &Need) -> bool {
        need.any_of.iter().any(|kind| self.perhaps.contains(kind))
    }

    fn knows_answers_alone(&self) -> bool {
        let only_answers = |path: &Vec<FactKind>| path.contains(&FactKind::KnowsAnswers) && !path.contains(&FactKind::ControlsMail);
        let by_answers = self.known.contains(&FactKind::KnowsAnswers) || self.forks.iter().any(|paths| paths.iter().any(only_answers));
        by_answers && !self.known.contains(&FactKind::ControlsMail)
    }

    /// From here on as if the need were met: what lacks the same again says nothing new.
    fn assume(&mut self, need: &Need) {
        self.known.extend(need.any_of);
        if need.proof {
            self.proven.extend(need.any_of);
        }
    }

    /// After the stage.
    fn pass<S>(&mut self, placed: &'a Placed<S>) {
        if placed.facts.gives.contains(&FactKind::Named) || placed.facts.may_give.contains(&FactKind::Named) {
            self.proven.clear();
            self.perhaps.clear();
            self.proven_forks.clear();
        }
        if placed.facts.paths.len() > 1 {
            self.forks.push(&placed.facts.paths);
            self.proven_forks.push(&placed.facts.paths);
        }
        self.known.extend(&placed.facts.gives);
        self.proven.extend(&placed.facts.gives);
        self.perhaps.extend(&placed.facts.may_give);
    }
}

/// Checks the flow of facts through the stages.
pub(crate) fn check<S: Send + Sync + 'static>(stages: &[Placed<S>], options: &Options, catalogue: &Catalogue<S>) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut known = Before::any_of(stages);
    for placed in stages {
        for need in &placed.facts.needs {
            if known.meets(need) {
                continue;
            }
            let name = placed.stage.name();
            if known.is_by_password(need) {
                issues.push(if options.allow_unproven {
                    let message =
                        format!("'{name}' runs on a session alone, because \"allowUnproven\" is true: whoever finds one open may take the account");
                    Issue::warning(&placed.pointer, "unproven-credential-change", message)
                } else {
                    let message = format!(
                        "'{name}' works on the signed-in person and needs the present password in X-OpenIDM-Reauth-Password, which the stock page does not send"
                    );
                    with_usual(Issue::hint(&placed.pointer, "needs-present-password", message), catalogue, need.any_of)
                });
                continue;
            }
            let phrase = need.phrase();
            if need.proof && options.allow_unproven {
                issues.push(Issue::warning(
                    &placed.pointer,
                    "unproven-credential-change",
                    format!("'{name}' runs without {phrase}, because \"allowUnproven\" is true: whoever names an account may take it"),
                ));
            } else if need.proof {
                let message = format!("'{name}' needs {phrase}, and no stage before it proves one");
                // The way out is named only where no stage proves anything that would do.
                let help = usual(catalogue, need.any_of)
                    .map_or_else(|| "say \"vestibule\": {\"allowUnproven\": true}".to_owned(), |stages| format!("put {stages} before it"));
                issues.push(Issue::error(&placed.pointer, "unproven-credential-change", message).with_help(help));
                known.assume(need);
            } else {
                let issue =
                    Issue::error(&placed.pointer, "unmet-need", format!("'{name}' needs {phrase}, and no stage before it gives one"));
                let first = need.any_of.iter().find(|kind| catalogue.usual_for(**kind).is_some());
                issues.push(with_usual(issue, catalogue, first.map(std::slice::from_ref).unwrap_or_default()));
                known.assume(need);
            }
        }
        if placed.facts.changes_credential && known.knows_answers_alone() {
            let message = format!(
                "security questions are the only proof before '{}': answers can be guessed or looked up (SEC-28)",
                placed.stage.name()
            );
            let issue = Issue::warning(&placed.pointer, "kba-sole-factor", message);
            issues.push(with_usual(issue, catalogue, &[FactKind::ControlsMail]));
        }
        if placed.facts.gives.contains(&FactKind::Created) && !known.known.contains(&FactKind::ControlsMail) {
            let message =
                format!("'{}' makes an account that can sign in although nobody confirmed its mail address (SEC-23)", placed.stage.name());
            let issue = Issue::warning(&placed.pointer, "unconfirmed-mail", message);
            issues.push(with_usual(issue, catalogue, &[FactKind::ControlsMail]));
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
        known.pass(placed);
    }
    issues
}

/// Adds which stages are usually put in front for one of these facts.
fn with_usual<S: Send + Sync + 'static>(issue: Issue, catalogue: &Catalogue<S>, any_of: &[FactKind]) -> Issue {
    match usual(catalogue, any_of) {
        Some(stages) => issue.with_help(format!("put {stages} before it")),
        None => issue,
    }
}

/// `'emailValidation' or 'captcha'`.
fn usual<S: Send + Sync + 'static>(catalogue: &Catalogue<S>, any_of: &[FactKind]) -> Option<String> {
    let stages: Vec<String> =
        any_of.iter().filter_map(|kind| catalogue.usual_for(*kind)).map(|declared| format!("'{}'", declared.name())).collect();
    (!stages.is_empty()).then(|| stages.join(" or "))
}
