use process::{CanaryPair, Tolerance, Version};

use super::*;

/// Sebastiano Vigna's `SplitMix64`: a seed, and a number for each draw.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    fn is(&mut self, chance: f64) -> bool {
        ((self.next() >> 11) as f64) / ((1_u64 << 53) as f64) < chance
    }
}

fn options(share: f64, tolerance: f64) -> CanaryOptions {
    let tolerance = Tolerance { completion: tolerance, errors: 2.0 * tolerance, mails: tolerance * f64::from(MOST_MAILS) };
    CanaryOptions { file: String::new(), share, tolerance, instances: 100, hours: 0, days: 14 }
}

fn begun() -> KeptCanary {
    let pair = CanaryPair { process: "reset".into(), present: Version("a".into()), next: Version("b".into()) };
    KeptCanary { pair, began: 0, present: Tally::default(), next: Tally::default(), outcome: None, ended: None }
}

/// How people fare: the chances to complete, to be refused something, and to need a second mail.
#[derive(Clone, Copy)]
struct Fares(f64, f64, f64);

/// People come one after the other, and somebody looks after every few of them; what it ends with, and after how many people.
fn course(seed: u64, options: &CanaryOptions, most: u32, fares: impl Fn(u32) -> [Fares; 2]) -> (Option<CanaryOutcome>, u32) {
    let mut draws = Draws(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let mut kept = begun();
    for person in 1..=most {
        let [present, next] = fares(person);
        let is_next = draws.is(options.share);
        let Fares(completes, fails, again) = if is_next { next } else { present };
        let tally = if is_next { &mut kept.next } else { &mut kept.present };
        tally.instances += 1;
        tally.failed += u64::from(draws.is(fails));
        if draws.is(completes) {
            tally.completed += 1;
            tally.mails += 1 + u64::from(draws.is(again));
        }
        // Often at the beginning, where few people decide.
        if person % 5 == 0 && person <= 60 || person % 50 == 0 {
            let outcome = look(options, &kept, 0).outcome;
            if outcome.is_some() {
                return (outcome, person);
            }
        }
    }
    (None, most)
}

const SEEDS: u64 = 10_000;

fn ended(outcome: CanaryOutcome, seeds: u64, run: impl Fn(u64) -> (Option<CanaryOutcome>, u32)) -> u64 {
    (0..seeds).filter(|seed| run(*seed).0 == Some(outcome)).count() as u64
}

/// Both are the same and nothing is tolerated, which is the hardest case: a hundred of ten thousand may be rolled back.
#[test]
fn of_ten_thousand_that_are_the_same_at_most_one_percent_are_rolled_back() {
    for share in [0.05, 0.5] {
        let options = CanaryOptions { instances: u32::MAX, ..options(share, 0.0) };
        let same = [Fares(0.7, 0.3, 0.2); 2];
        let false_alarms = ended(CanaryOutcome::RolledBack, SEEDS, |seed| course(seed, &options, 1000, |_| same));
        println!("share {share}: {false_alarms} false alarms of {SEEDS}");
        assert!(false_alarms <= SEEDS / 100, "{false_alarms}");
    }
}

/// The same, while days and nights differ for everybody.
#[test]
fn of_ten_thousand_whose_days_and_nights_differ_at_most_one_percent_are_rolled_back() {
    let options = CanaryOptions { instances: u32::MAX, ..options(0.5, 0.0) };
    let fares = |person: u32| [if (person / 100).is_multiple_of(2) { Fares(0.9, 0.1, 0.1) } else { Fares(0.4, 0.5, 0.5) }; 2];
    let false_alarms = ended(CanaryOutcome::RolledBack, SEEDS, |seed| course(seed, &options, 1000, fares));
    println!("{false_alarms} false alarms of {SEEDS}");
    assert!(false_alarms <= SEEDS / 100, "{false_alarms}");
}

/// The next one is worse by just what is tolerated: either end is one of a hundred.
#[test]
fn at_the_tolerance_itself_neither_end_comes_more_often_than_one_percent() {
    let options = options(0.5, 0.05);
    let fares = [Fares(0.7, 0.3, 0.2), Fares(0.65, 0.4, 0.45)];
    let run = |seed| course(seed, &options, 1000, |_| fares);
    for outcome in [CanaryOutcome::RolledBack, CanaryOutcome::Promoted] {
        let wrong = ended(outcome, SEEDS, run);
        println!("{wrong} {} of {SEEDS}", outcome.as_str());
        assert!(wrong <= SEEDS / 100, "{outcome:?}: {wrong}");
    }
}

fn power(of: CanaryOutcome, options: &CanaryOptions, most: u32, fares: [Fares; 2]) -> (u64, u32) {
    let ends: Vec<_> = (0..200).map(|seed| course(seed, options, most, |_| fares)).collect();
    let mut after: Vec<u32> = ends.iter().filter(|(outcome, _)| *outcome == Some(of)).map(|(_, after)| *after).collect();
    after.sort_unstable();
    (after.len() as u64, after.get(after.len() / 2).copied().unwrap_or_default())
}

#[test]
fn what_is_worse_is_rolled_back_and_what_is_not_is_promoted() {
    let good = Fares(0.9, 0.2, 0.1);
    let cases = [
        ("nobody completes, share 0.05", CanaryOutcome::RolledBack, 0.05, 2000, Fares(0.0, 0.2, 0.1)),
        ("a fifth fewer complete, share 0.05", CanaryOutcome::RolledBack, 0.05, 20_000, Fares(0.7, 0.2, 0.1)),
        ("a fifth fewer complete, share 0.5", CanaryOutcome::RolledBack, 0.5, 2000, Fares(0.7, 0.2, 0.1)),
        ("half are refused something, share 0.5", CanaryOutcome::RolledBack, 0.5, 4000, Fares(0.9, 0.5, 0.1)),
        ("twice as many mails, share 0.5", CanaryOutcome::RolledBack, 0.5, 8000, Fares(0.9, 0.2, 1.0)),
        ("the same, share 0.5", CanaryOutcome::Promoted, 0.5, 8000, good),
        ("the same, share 0.2", CanaryOutcome::Promoted, 0.2, 16_000, good),
    ];
    for (what, outcome, share, most, next) in cases {
        let options = CanaryOptions { tolerance: Tolerance::default(), ..options(share, 0.0) };
        let (found, after) = power(outcome, &options, most, [good, next]);
        println!("{what}: {found} of 200, half of them within {after} people");
        assert!(found >= 190, "{what}: {found}");
    }
}

#[test]
fn few_people_show_nothing_and_nobody_shows_nothing() {
    let (options, mut kept) = (options(0.5, 0.05), begun());
    let nobody = look(&options, &kept, 0);
    assert_eq!(nobody.outcome, None);
    assert!(nobody.compared.iter().all(|compared| compared.present.is_none() && compared.within.min(compared.worse) >= 1.0));
    kept.present = Tally { instances: 3, completed: 3, failed: 0, mails: 3 };
    kept.next = Tally { instances: 3, completed: 0, failed: 3, mails: 0 };
    assert_eq!(look(&options, &kept, 0).outcome, None);
}

#[test]
fn it_is_promoted_after_its_least_time_and_people_and_ends_undecided_after_its_days() {
    let options = CanaryOptions { instances: 2000, hours: 24, ..options(0.5, 0.05) };
    let mut kept = begun();
    let same = Tally { instances: 3000, completed: 2700, failed: 600, mails: 2900 };
    (kept.present, kept.next) = (same, same);
    assert_eq!(look(&options, &kept, 24 * HOUR - 1).outcome, None);
    assert_eq!(look(&options, &kept, 24 * HOUR).outcome, Some(CanaryOutcome::Promoted));
    let fewer = CanaryOptions { instances: 3001, ..options.clone() };
    assert_eq!(look(&fewer, &kept, 24 * HOUR).outcome, None);
    assert_eq!(look(&fewer, &kept, 14 * 24 * HOUR).outcome, Some(CanaryOutcome::NotDecided));
    assert!(look(&fewer, &kept, 14 * 24 * HOUR).because.contains("not decided"));
}

#[test]
fn the_evidence_is_that_of_the_formula() {
    assert!((ln_gamma(1.0)).abs() < 1e-9 && (ln_gamma(5.0) - 24_f64.ln()).abs() < 1e-9);
    assert!((ln_gamma(1.5) - (std::f64::consts::PI.sqrt() / 2.0).ln()).abs() < 1e-9);
    // Ten of ten against none of ten, with a tolerance of 0.05: by symmetry the likeliest of that side is 0.525 and 0.475.
    let (all, none) = (Sample { number: 10.0, sum: 10.0 }, Sample { number: 10.0, sum: 0.0 });
    let expected = -2.0 * 11_f64.ln() - 20.0 * 0.525_f64.ln();
    assert!((against(Side::Within, all, none, 0.05) - expected).abs() < 1e-6);
    assert!(against(Side::Worse, all, none, 0.05) < 0.0);
}
