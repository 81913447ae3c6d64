//! How much mail goes out: to one recipient, to one domain, for one client, from one process, altogether. Asking for resets never locks an
//! account (SEC-04); it only stops writing to it for a while, and the caller cannot tell (SEC-01).
//!
//! Easiest to break: what a client sees of a budget must not depend on who exists. A mail to an account that does not exist uses up its recipient's and its
//! client's budgets like any other. It uses up no other one: a thousand requests for unknown accounts must not keep mails from people.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use identity::names;
use stages::{MailBudget, MailRequest};

use crate::network::network;
use crate::steady::Steady;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Mails of one kind that a recipient is owed, in an hour.
const OWED: u32 = 10;
const OWED_HOUR: &str = "owed_hour";
/// Keys of one kind that are remembered; beyond them, who has used nothing lately is forgotten at once (SEC-52).
const REMEMBERED: usize = 64 * 1024;

/// So many in a time.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    name: &'static str,
    most: u32,
    seconds: i64,
    /// What is owed by it; empty for what is not.
    kind: &'static str,
}

impl Allowance {
    fn key(self, whose: u64) -> Key {
        (self.name, self.kind, whose)
    }
}

/// What was used in this window of time and in the one before it.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    window: i64,
    now: u32,
    before: u32,
}

impl Used {
    /// What counts at a moment: this window's, and of the last one's the part that is not yet a whole time ago.
    fn at(mut self, now: i64, seconds: i64) -> (Self, f64) {
        let window = now.div_euclid(seconds);
        if window != self.window {
            self = Self { window, now: 0, before: if window == self.window.saturating_add(1) { self.now } else { 0 } };
        }
        #[expect(clippy::cast_precision_loss, reason = "seconds of a day")]
        let left = 1.0 - now.rem_euclid(seconds) as f64 / seconds as f64;
        (self, f64::from(self.now) + f64::from(self.before) * left)
    }
}

/// Budgets of mails, over windows of an hour and a day.
pub struct MailBudgets {
    keys: RandomState,
    over: fn(&'static str),
    steady: Steady,
    state: Mutex<State>,
}

/// Which allowance, the kind of what is owed by it (empty for what is not), and whose.
type Key = (&'static str, &'static str, u64);

struct State {
    limits: project::Limits,
    used: HashMap<Key, Used>,
}

impl MailBudgets {
    /// Budgets as the operator set them; switched-off limits count nothing. `over` is told which one a mail was withheld for.
    #[must_use]
    pub fn new(limits: &project::Limits, over: fn(&'static str)) -> Self {
        Self {
            keys: RandomState::new(),
            over,
            steady: Steady::default(),
            state: Mutex::new(State { limits: limits.clone(), used: HashMap::new() }),
        }
    }

    /// Takes changed limits; what was used stays used.
    pub fn set(&self, limits: &project::Limits) {
        self.state().limits = limits.clone();
    }

    /// Forgets who has used nothing lately.
    pub fn sweep(&self, now: i64) {
        let now = self.steady.at(now);
        self.state().forget(now);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, of: &(impl Hash + ?Sized)) -> u64 {
        self.keys.hash_one(of)
    }
}

impl State {
    fn forget(&mut self, now: i64) {
        self.used.retain(|(name, ..), used| {
            let seconds = if name.ends_with("day") { DAY } else { HOUR };
            used.at(now, seconds).1 > 0.0
        });
    }
}

/// The recipient as budgets see it: without a sub-address, in the form in which names are compared, the domain in A-labels. Whoever invents
/// `me+1@`, `me+2@`, `ME@` and, in wide letters, `ｍｅ@` is one recipient.
fn folded(recipient: &str) -> (String, String) {
    let form = names::form(recipient).map_or_else(|| recipient.to_lowercase(), |form| form.as_str().to_owned());
    let Some((local, domain)) = form.split_once('@') else { return (form, String::new()) };
    let plain = local.split_once('+').map(|(plain, _)| plain).filter(|plain| !plain.is_empty()).unwrap_or(local);
    (plain.to_owned(), domain.to_owned())
}

fn network_of(client: &str) -> Option<u128> {
    client.parse().ok().map(network)
}

impl MailBudget for MailBudgets {
    fn allow(&self, request: &MailRequest<'_>, now: i64) -> Result<(), &'static str> {
        let now = self.steady.at(now);
        let (local, domain) = folded(request.recipient);
        let mut state = self.state();
        let limits = &state.limits;
        if !limits.enabled {
            return Ok(());
        }
        let allowance = |name, most, seconds| Allowance { name, most, seconds, kind: "" };
        let recipient = self.key(&(&local, &domain));
        let mut asked = vec![
            (allowance("recipient_hour", limits.mails_per_recipient_hour, HOUR), recipient),
            (allowance("recipient_day", limits.mails_per_recipient_day, DAY), recipient),
        ];
        if let Some(network) = network_of(request.client) {
            asked.push((allowance("client_hour", limits.mails_per_client_hour, HOUR), self.key(&network)));
        }
        if !request.nobody {
            asked.push((allowance("domain_hour", limits.mails_per_domain_hour, HOUR), self.key(&domain)));
            if !request.process.is_empty() {
                asked.push((allowance("process_hour", limits.mails_per_process_hour, HOUR), self.key(request.process)));
            }
            asked.push((allowance("all_hour", limits.mails_per_hour, HOUR), 0));
        }
        if state.used.len() >= REMEMBERED {
            state.forget(now);
        }
        // What is owed uses up the budgets of others, and has one that it is held to.
        let held_to = match request.owed {
            None => asked.clone(),
            Some(kind) => vec![(Allowance { kind, ..allowance(OWED_HOUR, OWED, HOUR) }, recipient)],
        };
        if request.owed.is_some() {
            asked.extend(&held_to);
        }
        let over = held_to.iter().find(|(allowance, key)| {
            let used = state.used.get(&allowance.key(*key)).copied().unwrap_or_default();
            used.at(now, allowance.seconds).1 + 1.0 > f64::from(allowance.most)
        });
        if let Some((allowance, _)) = over {
            (self.over)(allowance.name);
            return Err(allowance.name);
        }
        for (allowance, key) in asked {
            let used = state.used.entry(allowance.key(key)).or_default();
            *used = used.at(now, allowance.seconds).0;
            used.now = used.now.saturating_add(1);
        }
        Ok(())
    }

    fn client(&self, address: &str) -> Option<i64> {
        Some(self.key(&network_of(address)?).cast_signed())
    }

    fn clear_recipient(&self, recipient: &str) {
        let (local, domain) = folded(recipient);
        let key = self.key(&(&local, &domain));
        let theirs = ["recipient_hour", "recipient_day", OWED_HOUR];
        self.state().used.retain(|(name, _, of), _| *of != key || !theirs.contains(name));
    }

    fn clear_client(&self, client: IpAddr) {
        let key = self.key(&network(client));
        self.state().used.remove(&("client_hour", "", key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(recipient: &str) -> MailRequest<'_> {
        MailRequest { recipient, client: "192.0.2.1", process: "reset", nobody: false, owed: None }
    }

    fn budgets(limits: &project::Limits) -> MailBudgets {
        MailBudgets::new(limits, |_| {})
    }

    #[test]
    fn the_hour_and_the_day_are_counted_per_recipient() {
        let budget = budgets(&project::Limits { mails_per_recipient_hour: 2, mails_per_recipient_day: 3, ..Default::default() });
        let allow = |recipient: &str, now| budget.allow(&request(recipient), now).is_ok();
        assert!(allow("a@example.org", 0) && allow("A@example.org", 1));
        assert!(!allow("a@example.org", 2));
        assert!(allow("b@example.org", 2));
        assert!(allow("a@example.org", 2 * HOUR));
        assert!(!allow("a@example.org", 5 * HOUR), "the day is used up");
        assert!(allow("a@example.org", 3 * DAY));
    }

    #[test]
    fn spellings_of_one_mailbox_share_its_budget() {
        let budget = budgets(&project::Limits { mails_per_recipient_hour: 4, ..Default::default() });
        for spelling in ["bomb+1@example.org", "BOMB+2@Example.ORG", "bomb@example.org", "bomb+3+4@example.org"] {
            assert!(budget.allow(&request(spelling), 0).is_ok(), "{spelling}");
        }
        for number in 5..105 {
            assert!(budget.allow(&request(&format!("bomb+{number}@example.org")), 0).is_err());
        }
        assert!(budget.allow(&request("bomber@example.org"), 0).is_ok() && budget.allow(&request("+bomb@example.org"), 0).is_ok());
        assert!(budget.allow(&request("x@bücher.example"), 0).is_ok());
    }

    #[test]
    fn domain_client_process_and_all_have_budgets_of_their_own() {
        let one = |change: &dyn Fn(&mut project::Limits)| {
            let mut limits = project::Limits::default();
            change(&mut limits);
            budgets(&limits)
        };
        let twice = |budget: &MailBudgets, second: &MailRequest<'_>| {
            (budget.allow(&request("a@x.example"), 0).is_ok(), budget.allow(second, 0).is_ok())
        };
        let (same, other) =
            (request("b@x.example"), MailRequest { client: "192.0.2.2", process: "registration", ..request("b@y.example") });
        let domain = one(&|limits| limits.mails_per_domain_hour = 1);
        assert_eq!((twice(&domain, &same), domain.allow(&other, 0).is_ok()), ((true, false), true));
        let client = one(&|limits| limits.mails_per_client_hour = 1);
        assert_eq!((twice(&client, &same), client.allow(&other, 0).is_ok()), ((true, false), true));
        let process = one(&|limits| limits.mails_per_process_hour = 1);
        assert_eq!((twice(&process, &same), process.allow(&other, 0).is_ok()), ((true, false), true));
        let all = one(&|limits| limits.mails_per_hour = 1);
        assert_eq!(twice(&all, &other), (true, false));
        assert!(all.allow(&other, 3 * HOUR).is_ok());
    }

    #[test]
    fn sec_01_nobodys_mails_use_up_the_clients_budget_and_nobody_elses() {
        let limits = project::Limits { mails_per_client_hour: 3, mails_per_hour: 4, mails_per_domain_hour: 4, ..Default::default() };
        let budget = budgets(&limits);
        for number in 0..100 {
            let recipient = format!("{number}@x.example");
            assert_eq!(budget.allow(&MailRequest { nobody: true, ..request(&recipient) }, 0).is_ok(), number < 3);
        }
        assert!(budget.allow(&request("real@x.example"), 0).is_err(), "as after three real ones");
        assert!(budget.allow(&MailRequest { client: "192.0.2.2", ..request("real@x.example") }, 0).is_ok());
    }

    #[test]
    fn a_disabled_budget_never_refuses_and_a_changed_one_counts_at_once() {
        let budget = budgets(&project::Limits { enabled: false, mails_per_recipient_hour: 1, ..Default::default() });
        assert!((0..100).all(|_| budget.allow(&request("a@example.org"), 0).is_ok()));
        budget.set(&project::Limits { mails_per_recipient_hour: 1, ..Default::default() });
        assert!(budget.allow(&request("a@example.org"), 0).is_ok() && budget.allow(&request("a@example.org"), 0).is_err());
    }

    #[test]
    fn sec_04_a_mailbox_is_one_recipient_in_every_form_of_its_letters() {
        let budget = budgets(&project::Limits { mails_per_recipient_hour: 1, ..Default::default() });
        let allow = |recipient: &str| budget.allow(&request(recipient), 0).is_ok();
        assert!(allow("zoe\u{308}@b\u{fc}cher.example"));
        for spelling in [
            "zo\u{eb}@xn--bcher-kva.example",
            "ZO\u{cb}+1@B\u{dc}CHER.example",
            "\u{ff5a}o\u{eb}@b\u{fc}cher.example",
            "zo\u{eb}\u{ff0b}1@bu\u{308}cher.example",
        ] {
            assert!(!allow(spelling), "{spelling}");
        }
        assert!(allow("zoe@b\u{fc}cher.example"), "somebody else's");
    }

    #[test]
    fn what_is_owed_passes_the_usual_budgets_ten_times_an_hour_of_each_kind() {
        let budget = budgets(&project::Limits { mails_per_recipient_hour: 3, ..Default::default() });
        let owed = |kind| budget.allow(&MailRequest { owed: Some(kind), ..request("a@example.org") }, 0).is_ok();
        assert_eq!((0..20).filter(|_| owed("questions")).count(), 10);
        assert!(owed("password") && budget.allow(&request("a@example.org"), 0).is_err());
        assert!(budget.allow(&request("b@example.org"), 0).is_ok());
    }

    #[test]
    fn a_clock_that_is_set_back_gives_nobody_another_budget() {
        let budget = budgets(&project::Limits { mails_per_recipient_hour: 2, ..Default::default() });
        let allow = |now| budget.allow(&request("a@example.org"), now).is_ok();
        assert!(allow(10 * HOUR) && allow(10 * HOUR));
        assert!(!allow(9 * HOUR) && !allow(9 * HOUR + 60));
        assert!(allow(11 * HOUR), "two hours later");
    }

    #[test]
    fn an_administrator_gives_a_recipient_or_a_network_its_budget_back() {
        let limits = project::Limits { mails_per_recipient_hour: 1, mails_per_client_hour: 2, ..Default::default() };
        let budget = budgets(&limits);
        let allow = |recipient: &str| budget.allow(&request(recipient), 0).is_ok();
        assert!(allow("a@example.org") && !allow("a@example.org"));
        budget.clear_recipient("A+x@example.org");
        assert!(allow("a@example.org") && !allow("b@example.org"), "the client's is used up");
        budget.clear_client("192.0.2.1".parse().unwrap());
        assert!(allow("b@example.org") && !allow("a@example.org"));
    }

    #[test]
    fn what_is_owed_to_a_recipient_is_given_back_with_the_rest() {
        let budget = budgets(&project::Limits::default());
        let owed = |recipient: &str, kind| budget.allow(&MailRequest { owed: Some(kind), ..request(recipient) }, 0).is_ok();
        let spend =
            || (0..20).filter(|_| owed("a@example.org", "password")).count() + (0..20).filter(|_| owed("a@example.org", "device")).count();
        assert_eq!((spend(), (0..20).filter(|_| owed("b@example.org", "password")).count()), (20, 10));
        budget.clear_recipient("A@example.org");
        assert_eq!((spend(), owed("b@example.org", "password")), (20, false), "theirs alone");
    }

    #[test]
    fn a_client_is_its_network_and_its_number_says_nothing() {
        let budget = budgets(&project::Limits::default());
        assert_eq!(budget.client("2001:db8::1"), budget.client("2001:db8::2"));
        assert_ne!(budget.client("192.0.2.1"), budget.client("192.0.2.2"));
        assert_eq!(
            (budget.client(""), budget.client("192.0.2.1") == budgets(&project::Limits::default()).client("192.0.2.1")),
            (None, false)
        );
    }

    #[test]
    fn sec_52_who_used_nothing_lately_is_forgotten() {
        let budget = budgets(&project::Limits::default());
        for number in 0..100 {
            let _ = budget.allow(&request(&format!("{number}@x.example")), 0);
        }
        budget.sweep(3 * DAY);
        assert_eq!(budget.state().used.len(), 0);
    }
}
