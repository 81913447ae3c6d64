//! Who is hashed for next: client networks in turn, what somebody is waiting to be let in by before what is new (SEC-30, SEC-52).
//!
//! Easiest to get wrong: a full queue. It is the network that waits for the most that loses a place, and not whoever comes next; else one network
//! would keep all others out by filling it.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// What is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// What somebody says, to be compared: sign-in, an answer, a password given again.
    Check,
    /// What is to be stored: registration, a new password, new answers.
    New,
}

/// After so many checks in a row something new has its turn, where something waits: it waits longer, and not for ever.
const CHECKS_IN_A_ROW: u32 = 3;

/// Where a job waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    network: IpAddr,
    kind: Kind,
    number: u64,
}

/// Jobs of one kind.
#[derive(Debug)]
struct Line<J> {
    networks: HashMap<IpAddr, VecDeque<(u64, J)>>,
    /// Networks that have jobs here, whose turn is next first.
    turns: VecDeque<IpAddr>,
}

impl<J> Default for Line<J> {
    fn default() -> Self {
        Self { networks: HashMap::new(), turns: VecDeque::new() }
    }
}

impl<J> Line<J> {
    fn push(&mut self, network: IpAddr, number: u64, job: J) {
        let jobs = self.networks.entry(network).or_default();
        if jobs.is_empty() {
            self.turns.push_back(network);
        }
        jobs.push_back((number, job));
    }

    fn next(&mut self) -> Option<J> {
        let network = self.turns.pop_front()?;
        let jobs = self.networks.get_mut(&network)?;
        let (_, job) = jobs.pop_front()?;
        if jobs.is_empty() {
            self.networks.remove(&network);
        } else {
            self.turns.push_back(network);
        }
        Some(job)
    }

    /// Takes out one job of a network: the one of that number, or the newest.
    fn take(&mut self, network: IpAddr, number: Option<u64>) -> Option<J> {
        let jobs = self.networks.get_mut(&network)?;
        let at = match number {
            Some(number) => jobs.iter().position(|(have, _)| *have == number)?,
            None => jobs.len().checked_sub(1)?,
        };
        let (_, job) = jobs.remove(at)?;
        if jobs.is_empty() {
            self.networks.remove(&network);
            self.turns.retain(|turn| *turn != network);
        }
        Some(job)
    }

    fn of(&self, network: IpAddr) -> usize {
        self.networks.get(&network).map_or(0, VecDeque::len)
    }
}

/// Jobs that wait.
#[derive(Debug)]
pub(super) struct Queue<J> {
    checks: Line<J>,
    new: Line<J>,
    waiting: usize,
    limit: usize,
    number: u64,
    checks_in_a_row: u32,
}

impl<J> Queue<J> {
    /// A queue for `limit` jobs.
    pub(super) fn new(limit: usize) -> Self {
        Self { checks: Line::default(), new: Line::default(), waiting: 0, limit, number: 0, checks_in_a_row: 0 }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Puts a job into its line. Of a full queue, the newest job of the network that waits for the most is handed back, what is new first; that may
    /// be this one, and then there is no ticket.
    pub(super) fn push(&mut self, network: IpAddr, kind: Kind, job: J) -> (Option<Ticket>, Option<J>) {
        let mut put_out = None;
        if self.waiting >= self.limit {
            let (largest, most) = self.largest();
            if most <= self.of(network) + 1 {
                return (None, Some(job));
            }
            put_out = largest.and_then(|largest| self.new.take(largest, None).or_else(|| self.checks.take(largest, None)));
            self.waiting -= usize::from(put_out.is_some());
        }
        self.number += 1;
        let number = self.number;
        self.line(kind).push(network, number, job);
        self.waiting += 1;
        (Some(Ticket { network, kind, number }), put_out)
    }

    /// Whose turn it is.
    pub(super) fn next(&mut self) -> Option<J> {
        let new_first = self.checks_in_a_row >= CHECKS_IN_A_ROW;
        let (job, is_check) = match if new_first { self.new.next() } else { None } {
            Some(job) => (job, false),
            None => match self.checks.next() {
                Some(job) => (job, true),
                None => (self.new.next()?, false),
            },
        };
        self.checks_in_a_row = if is_check { self.checks_in_a_row.saturating_add(1) } else { 0 };
        self.waiting -= 1;
        Some(job)
    }

    /// Takes out a job whose client has gone; nothing where it was taken already.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<J> {
        let job = self.line(ticket.kind).take(ticket.network, Some(ticket.number))?;
        self.waiting -= 1;
        Some(job)
    }

    fn line(&mut self, kind: Kind) -> &mut Line<J> {
        match kind {
            Kind::Check => &mut self.checks,
            Kind::New => &mut self.new,
        }
    }

    fn of(&self, network: IpAddr) -> usize {
        self.checks.of(network) + self.new.of(network)
    }

    fn largest(&self) -> (Option<IpAddr>, usize) {
        let networks = self.checks.networks.keys().chain(self.new.networks.keys());
        let sizes = networks.map(|network| (self.of(*network), *network));
        sizes.max().map_or((None, 0), |(size, network)| (Some(network), size))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network(number: u8) -> IpAddr {
        IpAddr::from([192, 0, number, 0])
    }

    fn all<J>(queue: &mut Queue<J>) -> Vec<J> {
        std::iter::from_fn(|| queue.next()).collect()
    }

    #[test]
    fn sec_30_networks_are_served_in_turn_whatever_each_asks_for() {
        let mut queue = Queue::new(100);
        for turn in 0..6 {
            queue.push(network(1), Kind::Check, format!("a{turn}"));
        }
        for turn in 0..2 {
            queue.push(network(2), Kind::Check, format!("b{turn}"));
        }
        queue.push(network(3), Kind::Check, "c0".to_owned());
        assert_eq!(all(&mut queue), ["a0", "b0", "c0", "a1", "b1", "a2", "a3", "a4", "a5"]);
        assert_eq!(queue.waiting(), 0);
    }

    #[test]
    fn sec_30_a_sign_in_comes_before_registrations_and_these_are_not_kept_waiting_for_ever() {
        let mut queue = Queue::new(1000);
        for turn in 0..60 {
            queue.push(network(1), Kind::New, format!("n{turn}"));
        }
        queue.push(network(2), Kind::Check, "sign-in".to_owned());
        assert_eq!(queue.next().as_deref(), Some("sign-in"));
        for turn in 0..60 {
            queue.push(network(2), Kind::Check, format!("s{turn}"));
        }
        let first: Vec<String> = all(&mut queue).into_iter().take(8).collect();
        assert_eq!(first, ["s0", "s1", "n0", "s2", "s3", "s4", "n1", "s5"]);
    }

    #[test]
    fn sec_52_a_full_queue_takes_the_place_from_the_network_that_waits_for_the_most() {
        let mut queue = Queue::new(10);
        for turn in 0..10 {
            assert_eq!(queue.push(network(1), if turn < 5 { Kind::New } else { Kind::Check }, turn).1, None);
        }
        assert_eq!(queue.push(network(1), Kind::Check, 99), (None, Some(99)), "its own newest has no place");
        let (ticket, put_out) = queue.push(network(2), Kind::Check, 20);
        assert!(ticket.is_some() && put_out == Some(4), "what is new goes first");
        for turn in 21..25 {
            assert!(queue.push(network(2), Kind::New, turn).1.is_some_and(|put_out| put_out < 5));
        }
        assert_eq!(queue.push(network(2), Kind::Check, 25), (None, Some(25)), "half of it is its share");
        assert_eq!(queue.waiting(), 10);
    }

    #[test]
    fn whoever_has_gone_is_not_hashed_for() {
        let mut queue = Queue::new(10);
        let tickets: Vec<_> = (0..3).map(|turn| queue.push(network(1), Kind::Check, turn).0.unwrap()).collect();
        assert_eq!(queue.leave(tickets[1]), Some(1));
        assert_eq!(queue.leave(tickets[1]), None);
        assert_eq!(all(&mut queue), [0, 2]);
        assert_eq!(queue.leave(tickets[0]), None);
    }

    proptest! {
        #[test]
        fn every_job_comes_out_once(jobs in proptest::collection::vec((0_u8..4, any::<bool>()), 0..60), limit in 1_usize..40) {
            let mut queue = Queue::new(limit);
            let mut out = Vec::new();
            for (number, (from, check)) in jobs.iter().enumerate() {
                out.extend(queue.push(network(*from), if *check { Kind::Check } else { Kind::New }, number).1);
                prop_assert!(queue.waiting() <= limit);
            }
            out.extend(all(&mut queue));
            out.sort_unstable();
            prop_assert_eq!(out, (0..jobs.len()).collect::<Vec<_>>());
        }
    }
}
