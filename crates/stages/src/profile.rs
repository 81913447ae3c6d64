//! Progressive profile: which processes are due at a sign-in (docs/protocol/progressive-profile.md, docs/protocol/clients.md,
//! "Progressive profile in the client").
//!
//! The definitions decide: a process is due when its conditions select at least one stage that asks, for this person, now. Easiest to
//! break: a sign-in judges everything anew and remembers what begins with it; afterwards fewer can be due in a session, never more, or a
//! client that asks again after each process would never arrive.

pub(crate) mod judge;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crest::{Resource, random_bytes};
use identity::conditions::Condition;
use identity::metadata::Metadatum;
use process::{Placed, Process};

use crate::Services;
use crate::stage::ConditionalUser;
use judge::{Moment, Person};

/// The processes that may be due, in order.
#[derive(Default)]
pub struct Profile {
    processes: Vec<Listed>,
}

/// A process that `auth.profile.json` lists.
struct Listed {
    /// As the answer to a sign-in spells it, `selfservice/profile`.
    path: String,
    process: Arc<Process<Services>>,
}

/// What is due for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueProcesses {
    /// Paths of processes, in order.
    pub processes: Vec<String>,
    /// Forms that are due from this sign-in on, to be remembered with it.
    pub begins: Vec<String>,
    /// Forms that were due before, under the name of their place, and the name they have now.
    pub renamed: Vec<(String, String)>,
    /// Scripts that failed: the place of the form, and why. For the audit trail.
    pub faults: Vec<(String, String)>,
}

/// For whom it is asked.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// What stages share.
    pub services: &'a Services,
    /// The person's collection.
    pub collection: &'a str,
    /// The person, in stored form.
    pub person: &'a Resource,
    /// Seconds since 1970.
    pub now: i64,
}

/// What one stage has to say.
#[derive(Default)]
struct Due {
    conditional: bool,
    asks: bool,
}

impl Profile {
    /// The processes that a project lists, with their paths. One that does not work on the signed-in person is left out: nobody could
    /// ever complete it.
    #[must_use]
    pub fn new(listed: impl IntoIterator<Item = (String, Arc<Process<Services>>)>) -> Self {
        let processes = listed.into_iter().map(|(path, process)| Listed { path, process });
        Self { processes: processes.filter(|listed| listed.process.binds_session()).collect() }
    }

    /// Whether nothing can be due.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// The names of the processes.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.processes.iter().map(|listed| listed.process.name.clone()).collect()
    }

    /// Their paths, as a sign-in spells them, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.processes.iter().map(|listed| listed.path.as_str())
    }

    /// What the conditions need to be kept about people.
    #[must_use]
    pub fn needs(&self) -> Vec<Metadatum> {
        let mut needs = Vec::new();
        let stages = self.processes.iter().flat_map(|listed| &listed.process.stages);
        stages.for_each(|placed| collect_needs(placed, &mut needs));
        needs
    }

    /// What is due for a person who is signing in now, judged before the sign-in is counted.
    pub async fn at_sign_in(&self, asking: Asking<'_>) -> DueProcesses {
        let person = Person::stored(asking.services, asking.collection, Some(asking.person));
        let sign_in = Some(person.metadata().login_count().saturating_add(1));
        self.due_now(asking, &person, sign_in, &[]).await
    }

    /// What is still due in a session where `settled` was completed or skipped.
    pub async fn later(&self, asking: Asking<'_>, settled: &[String]) -> DueProcesses {
        let person = Person::stored(asking.services, asking.collection, Some(asking.person));
        self.due_now(asking, &person, None, settled).await
    }

    async fn due_now(&self, asking: Asking<'_>, person: &Person<'_>, sign_in: Option<u64>, settled: &[String]) -> DueProcesses {
        let mut all = DueProcesses::default();
        let seed = random_bytes(asking.services.managed.random.as_ref());
        let moment = Moment { now: asking.now, seed, sign_in };
        for Listed { path, process } in &self.processes {
            if settled.contains(&process.name) {
                continue;
            }
            let scope = Scope { asking, person, settled, moment, process: &process.name };
            let (mut conditional, mut selected, mut plain) = (false, false, false);
            for placed in &process.stages {
                let due = scope.due(placed, &mut all).await;
                conditional |= due.conditional;
                selected |= due.conditional && due.asks;
                plain |= !due.conditional && due.asks;
            }
            // Without any condition it is due for everybody, once in every session.
            if selected || (!conditional && plain) {
                all.processes.push(path.clone());
            }
        }
        all
    }
}

struct Scope<'a> {
    asking: Asking<'a>,
    person: &'a Person<'a>,
    settled: &'a [String],
    moment: Moment,
    process: &'a str,
}

impl Scope<'_> {
    /// Conditions nest, so this does too.
    fn due<'f>(&'f self, placed: &'f Placed<Services>, all: &'f mut DueProcesses) -> Pin<Box<dyn Future<Output = Due> + Send + 'f>> {
        Box::pin(async move {
            let Some(stage) = placed.stage.as_any().downcast_ref::<ConditionalUser>() else {
                return Due { conditional: false, asks: placed.stage.asks() };
            };
            let mut due = Due { conditional: true, asks: false };
            if stage.rule.collection != self.asking.collection {
                return due;
            }
            let moment = (self.moment, true);
            let choice = stage.rule.choose(self.asking.services, self.process, self.person, self.settled, moment).await;
            if let Some(fault) = choice.fault {
                all.faults.push((stage.rule.place(self.process), fault));
            }
            all.renamed.extend(choice.renamed);
            let begun = choice.begins.as_ref().map(|(branch, _)| *branch);
            for branch in choice.branch.into_iter().chain(begun.filter(|begun| Some(*begun) != choice.branch)) {
                let Some(nested) = stage.branch(branch) else { continue };
                let asks = self.due(nested, all).await.asks;
                due.asks |= asks;
                if let Some((_, form)) = choice.begins.as_ref().filter(|(begun, _)| *begun == branch && asks) {
                    all.begins.push(form.clone());
                }
            }
            due
        })
    }
}

fn collect_needs(placed: &Placed<Services>, needs: &mut Vec<Metadatum>) {
    let Some(stage) = placed.stage.as_any().downcast_ref::<ConditionalUser>() else { return };
    needs.extend(Condition::needs(&stage.rule.condition).filter(|need| !needs.contains(need)));
    for branch in [judge::Branch::True, judge::Branch::False] {
        if let Some(nested) = stage.branch(branch) {
            collect_needs(nested, needs);
        }
    }
}
