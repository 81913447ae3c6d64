//! The engine as a state model: two clients, two nodes on one store, one crash, replays of every token, and a definition that changes on each node by
//! itself; every interleaving of reading and committing, breadth first, as far as a bound allows.
//!
//! What a submission comes to is the real engine's answer, not a model of it: it is run once for each different store, definition, token and
//! input (`moves.rs`), its unit is held back, and committed later to whatever store there is by then. A state is made of numbers that stand for
//! stores, tokens and units, so that a million of them fit in memory; the clients' tokens are sets, and which node is which makes no
//! difference, so that states that are the same but for the order in which they came about, or for the names of the nodes, are one.
//!
//! Easiest to break: an invariant that cannot fail. Below are ledgers with a fault each, which the same search must find.

mod moves;

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use moves::{Client, Committed, Fault, Moves, Prepared, Rule};

/// Instances that each client may begin.
const BEGINS: u8 = 2;
/// Changes of the definition.
const CHANGES: u8 = 2;

/// A submission that a node has read for and not yet committed.
type Pending = Option<(Client, u32)>;

/// One state of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct State {
    store: u32,
    /// The tokens of each client, by the number of the set that they are.
    held: [u32; 2],
    /// What each client has begun.
    begun: [u8; 2],
    /// The definition of each node, and what it is about to commit.
    nodes: [(u8, Pending); 2],
    changes: u8,
    crashed: bool,
}

impl State {
    /// The same with the nodes in order.
    fn merged(mut self) -> Self {
        self.nodes.sort_unstable();
        self
    }
}

/// What came of a search.
#[derive(Debug)]
struct Searched {
    states: usize,
    /// Submissions that the engine was really asked.
    asked: usize,
    /// There is nothing more.
    whole: bool,
    broken: Option<Rule>,
}

fn search(fault: Fault, bound: usize) -> Searched {
    let mut moves = Moves::new(fault);
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    // A state is known by a hash of it: with 10^7 states two of them share one of 2^64 with a chance of less than one in 10^5.
    let mut seen: HashSet<u64> = HashSet::with_capacity(bound.min(1_000_000));
    let mut queue: VecDeque<State> = VecDeque::new();
    let first = State { store: 0, held: [0; 2], begun: [0; 2], nodes: [(0, None); 2], changes: 0, crashed: false };
    seen.insert(hasher.hash_one(first));
    queue.push_back(first);
    let mut next = Vec::new();
    while let Some(state) = queue.pop_front() {
        next.clear();
        if let Err(rule) = follow(&mut moves, state, &mut next) {
            return Searched { states: seen.len(), asked: moves.asked(), whole: false, broken: Some(rule) };
        }
        for state in &next {
            let state = state.merged();
            if seen.len() >= bound {
                return Searched { states: seen.len(), asked: moves.asked(), whole: false, broken: None };
            }
            if seen.insert(hasher.hash_one(state)) {
                queue.push_back(state);
            }
        }
    }
    Searched { states: seen.len(), asked: moves.asked(), whole: true, broken: None }
}

/// Everything that can happen next.
fn follow(moves: &mut Moves, state: State, next: &mut Vec<State>) -> Result<(), Rule> {
    for node in 0..2 {
        let (text, pending) = state.nodes[node];
        let with = |pending: Pending| {
            let mut then = state;
            then.nodes[node].1 = pending;
            then
        };
        if let Some((client, unit)) = pending {
            let committed = moves.commit(state.store, unit)?;
            let then = State { store: committed.store(state.store), ..with(None) };
            next.push(told(moves, then, client, unit, committed)?);
            if !state.crashed {
                // Before the commit, and after it before the client is told.
                next.push(State { crashed: true, ..with(None) });
                next.push(State { crashed: true, ..then });
            }
            continue;
        }
        if state.changes < CHANGES {
            let mut then = state;
            (then.nodes[node].0, then.changes) = (1 - text, state.changes + 1);
            next.push(then);
        }
        for client in Client::ALL {
            let who = client as usize;
            if state.begun[who] < BEGINS {
                let begins = moves.begin(state.store, text, client, state.begun[who]);
                for mut then in prepared(state, node, client, begins) {
                    then.begun[who] += 1;
                    next.push(then);
                }
            }
            for token in moves.held(state.held[who]).iter().copied() {
                for input in moves.inputs(client, token) {
                    let came = moves.submit(state.store, text, token, input);
                    next.extend(prepared(state, node, client, came));
                }
            }
        }
    }
    Ok(())
}

/// The states behind a submission that was read for: it is about to be committed; or refused, which may have been counted.
fn prepared(state: State, node: usize, client: Client, came: Prepared) -> impl Iterator<Item = State> {
    let mut then = state;
    match came {
        Prepared::Unit { store, unit } => {
            then.store = store;
            then.nodes[node].1 = Some((client, unit));
        }
        Prepared::Refused { store } => then.store = store,
    }
    (then != state).then_some(then).into_iter()
}

/// The client is told: a token, or that the process has ended.
fn told(moves: &mut Moves, mut then: State, client: Client, unit: u32, committed: Committed) -> Result<State, Rule> {
    if let Committed::Done(_) = committed {
        let answer = moves.answer(unit);
        moves.acknowledged(then.store, unit)?;
        if let Some(token) = answer.token {
            let mut holds = |who: Client| then.held[who as usize] = moves.holding(then.held[who as usize], token);
            holds(client);
            // Until something is proved, whoever looks over a shoulder has the token as well.
            if client == Client::Owner && !answer.proved {
                holds(Client::Stranger);
            }
        }
    }
    Ok(then)
}

fn bound() -> usize {
    let text = std::env::var("VESTIBULE_MODEL_STATES").ok();
    text.map_or(1_000_000, |text| text.parse().expect("VESTIBULE_MODEL_STATES is a number"))
}

#[test]
fn no_interleaving_of_two_clients_on_two_nodes_breaks_a_promise() {
    let (bound, searched) = (bound(), search(Fault::None, bound()));
    assert_eq!(searched.broken, None, "{searched:?}");
    assert!(searched.states >= bound || searched.whole, "{searched:?}");
    assert!(searched.states >= bound.min(1_000_000), "the model is smaller than it was: {searched:?}");
    println!("{} states with {} submissions to the engine", searched.states, searched.asked);
}

/// Each of these is wrong in one way, and the same search says in which.
#[test]
fn every_rule_of_the_model_can_be_broken() {
    for (fault, rule) in [
        (Fault::ForgetsSpent, Rule::CompletesOnce),
        (Fault::ChecksSpentTooEarly, Rule::CompletesOnce),
        (Fault::LosesCommits, Rule::NothingIsLost),
        (Fault::ForgetsOthers, Rule::NothingIsLost),
        (Fault::TakesAnyCode, Rule::NothingWithoutProof),
    ] {
        let searched = search(fault, 300_000);
        assert_eq!(searched.broken, Some(rule), "{fault:?}: {searched:?}");
    }
}
