//! Deterministic simulation: sequences of up to six submissions of two clients to one process, with replays, crashes before and after the commit,
//! and reloads between, each drawn from a seed, and what must hold after every one of them (SECURITY.md).
//!
//! `make test` runs ten thousand seeds, `make simulate` a million (`VESTIBULE_SIMULATE_SEEDS`). A seed that fails is printed as a transcript,
//! and run alone with `VESTIBULE_SIMULATE_FROM=<seed> VESTIBULE_SIMULATE_SEEDS=1`.
//!
//! Easiest to break: an invariant that cannot fail. Below are ledgers and processes with a fault each, which the same seeds must find.

mod arena;
mod plan;
mod twins;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arena::{Arena, Fault, Kind};
use plan::{Act, Plan};

/// One of so many seeds is played about somebody and about nobody as well.
const TWINS: u64 = 4;

/// A seed that broke a rule.
#[derive(Debug)]
struct Broken {
    seed: u64,
    rule: &'static str,
    transcript: String,
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Runs the schedule of one seed, and what a stranger sees of somebody and of nobody.
fn run(arenas: &[Arena], seed: u64) -> Result<(), Broken> {
    let plan = Plan::of(seed, arenas.len());
    let arena = &arenas[plan.process];
    // Twins are two more runs; every fourth seed has them.
    let alike = || if seed.is_multiple_of(TWINS) { twins::alike(arena, &plan) } else { Ok(()) };
    arena.play(&plan).and_then(|()| alike()).map_err(|(rule, lines)| {
        let lines: Vec<String> = lines.into_iter().map(|line| format!("  {line}")).collect();
        Broken { seed, rule, transcript: format!("process {:?}\n{}", arena.kind, lines.join("\n")) }
    })
}

/// The first seed that breaks a rule, if any does.
fn search(first: u64, count: u64, make: impl Fn() -> Vec<Arena> + Sync) -> Option<Broken> {
    let next = AtomicU64::new(first);
    let found = AtomicBool::new(false);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let arenas = make();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= first.saturating_add(count) || found.load(Ordering::Relaxed) {
                            return None;
                        }
                        if let Err(broken) = run(&arenas, seed) {
                            found.store(true, Ordering::Relaxed);
                            return Some(broken);
                        }
                    }
                })
            })
            .collect();
        workers.into_iter().filter_map(|worker| worker.join().unwrap()).min_by_key(|broken| broken.seed)
    })
}

fn sound() -> Vec<Arena> {
    Kind::ALL.map(|kind| Arena::new(kind, Fault::None)).into()
}

#[test]
fn no_sequence_of_submissions_crashes_and_reloads_breaks_a_promise() {
    let (first, count) = (number("VESTIBULE_SIMULATE_FROM", 1), number("VESTIBULE_SIMULATE_SEEDS", 10_000));
    if let Some(Broken { seed, rule, transcript }) = search(first, count, sound) {
        panic!("seed {seed} breaks the rule that {rule}:\n{transcript}\nagain: VESTIBULE_SIMULATE_FROM={seed} VESTIBULE_SIMULATE_SEEDS=1");
    }
}

/// Each of these is wrong in one way, and a few thousand seeds say in which.
#[test]
fn every_rule_of_the_simulation_can_be_broken() {
    for (kind, fault, rule) in [
        (Kind::Mail, Fault::ForgetsSpent, "no token of a completed instance is good"),
        (Kind::Both, Fault::ForgetsSpent, "no token of a completed instance is good"),
        (Kind::Mail, Fault::LosesCommits, "what was acknowledged is there"),
        (Kind::Questions, Fault::CommitsHalf, "a credential changes with its completion and not otherwise"),
        (Kind::Mail, Fault::CountsNothing, "five wrong codes end an instance"),
        (Kind::Unproven, Fault::None, "nothing is changed without its proof"),
        (Kind::Revealing, Fault::None, "somebody and nobody look alike"),
    ] {
        let broken = search(1, 4_000, || vec![Arena::new(kind, fault)]);
        let broken = broken.unwrap_or_else(|| panic!("{kind:?} with {fault:?} is found sound"));
        assert_eq!(broken.rule, rule, "{kind:?} with {fault:?}: {}", broken.transcript);
    }
}

/// A schedule is its seed, and seeds differ.
#[test]
fn a_seed_is_one_schedule_and_reaches_every_act() {
    let text = |seed| format!("{:?}", Plan::of(seed, 3));
    assert_eq!(text(7), text(7));
    assert_ne!(text(7), text(8));
    let acts: Vec<Act> = (0..500).flat_map(|seed| Plan::of(seed, 1).steps).map(|step| step.act).collect();
    for act in Act::ALL {
        assert!(acts.contains(&act), "{act:?}");
    }
}
