//! Rates and budgets at moments of a test's choosing.

use super::*;

const NOW: i64 = 1_000_000;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_client_gets_its_share_at_once_and_then_one_at_a_time() {
    let limits = Limits::new(&project::Limits { submissions_per_client_minute: 6, ..Default::default() });
    let client = address("192.0.2.1");
    for _ in 0..6 {
        limits.submission(client, NOW).unwrap();
    }
    assert_eq!(limits.submission(client, NOW), Err(Limited { limit: "submissions", retry_after: 10 }));
    limits.submission(address("192.0.2.2"), NOW).unwrap();
    limits.submission(client, NOW + 10).unwrap();
    assert!(limits.submission(client, NOW + 10).is_err());
    for _ in 0..6 {
        limits.submission(client, NOW + 3600).unwrap();
    }
}

#[test]
fn an_office_signs_in_a_hundred_times_with_the_defaults() {
    let limits = Limits::new(&project::Limits::default());
    for person in 0..100 {
        limits.sign_in(address("192.0.2.1"), NOW).unwrap();
        limits.guess(address("192.0.2.1"), &person.to_string(), None, NOW).unwrap().right_and_known();
    }
}

#[test]
fn an_ipv6_subscriber_is_one_client() {
    let limits = Limits::new(&project::Limits { submissions_per_client_minute: 1, ..Default::default() });
    limits.submission(address("2001:db8::1"), NOW).unwrap();
    assert!(limits.submission(address("2001:db8::ffff:2"), NOW).is_err());
    limits.submission(address("2001:db8:0:1::1"), NOW).unwrap();
    limits.submission(address("192.0.2.1"), NOW).unwrap();
    assert!(limits.submission(address("::ffff:192.0.2.1"), NOW).is_err());
}

fn limits(of_account: u32, of_network: u32) -> Limits {
    let settings =
        project::Limits { signin_failures_per_account_hour: of_account, signin_failures_per_client_hour: of_network, ..Default::default() };
    Limits::new(&settings)
}

/// A wrong guess: whether it was compared.
fn wrong(limits: &Limits, client: &str, account: &str, now: i64) -> bool {
    limits.guess(address(client), account, None, now).is_ok()
}

#[test]
fn sec_47_a_hundred_an_hour_are_a_hundred_and_right_guesses_cost_nothing() {
    let limits = limits(2, 100);
    for _ in 0..50 {
        limits.guess(address("192.0.2.1"), "a", None, NOW).unwrap().right();
    }
    assert!(wrong(&limits, "192.0.2.1", "a", NOW) && wrong(&limits, "192.0.2.1", "a", NOW + 600));
    let refused = limits.guess(address("192.0.2.1"), "a", None, NOW + 1800).err();
    assert_eq!(refused, Some(Limited { limit: "signin_failures", retry_after: 1800 }));
    assert!(wrong(&limits, "192.0.2.1", "b", NOW + 1800));
    assert!(wrong(&limits, "192.0.2.1", "a", NOW + 3600) && !wrong(&limits, "192.0.2.1", "a", NOW + 3600));
}

#[test]
fn sec_47_guesses_that_are_being_judged_count() {
    let limits = limits(3, 100);
    let judged: Vec<_> = (0..3).map(|_| limits.guess(address("192.0.2.1"), "a", None, NOW).unwrap()).collect();
    assert!(!wrong(&limits, "192.0.2.1", "a", NOW));
    judged.into_iter().for_each(Guess::right);
    assert!(wrong(&limits, "192.0.2.1", "a", NOW));
}

#[test]
fn sec_47_a_guess_that_was_wrong_somewhere_counts_unless_it_is_right_elsewhere() {
    let limits = limits(2, 100);
    let guess = || limits.guess(address("192.0.2.1"), "a", None, NOW);
    let wrong_first = || {
        let mut guess = guess().unwrap();
        guess.was_wrong();
        guess
    };
    (0..10).for_each(|_| guess().unwrap().not_judged());
    (0..10).for_each(|_| wrong_first().right());
    wrong_first().not_judged();
    wrong_first().not_judged();
    assert!(guess().is_err());
}

#[test]
fn sec_47_no_spelling_and_no_mix_of_names_and_addresses_has_a_budget_of_its_own() {
    let limits = limits(3, 5);
    assert!(wrong(&limits, "192.0.2.1", "victim", NOW) && wrong(&limits, "192.0.2.2", "VICTIM", NOW));
    assert!(wrong(&limits, "192.0.2.3", " Victim ", NOW) && !wrong(&limits, "192.0.2.4", "victim", NOW));
    for name in 0..5 {
        assert!(wrong(&limits, &format!("2001:db8::{name}"), &format!("n{name}"), NOW));
    }
    assert!(!wrong(&limits, "2001:db8::ffff", "n9", NOW), "a /64 is one network");
    assert!(wrong(&limits, "2001:db8:0:1::1", "n9", NOW));
}

#[test]
fn sec_47_the_names_of_one_person_are_one_budget() {
    let limits = limits(4, 100);
    let wrong = |client: &str, name: &str, object: &str| {
        let mut guess = limits.guess(address(client), name, None, NOW).unwrap();
        let compared = guess.is_at(object).is_ok();
        if !compared {
            guess.not_judged();
        }
        compared
    };
    let person = "managed/user/1";
    assert!(wrong("192.0.2.1", "jane", person) && wrong("192.0.2.2", "jane@example.com", person));
    assert!(wrong("192.0.2.3", "jane", person) && wrong("192.0.2.4", "jane@example.com", person));
    assert!(!wrong("192.0.2.5", "jane", person) && !wrong("192.0.2.6", "jane@example.com", person));
    assert!(wrong("192.0.2.5", "joe", "managed/user/2"));
    limits.clear(&"object managed/user/1".parse().unwrap());
    assert!(wrong("192.0.2.6", "jane@example.com", person));
}

#[test]
fn sec_47_answers_and_codes_have_a_budget_of_a_networks_own() {
    let limits = limits(100, 3);
    let client = address("192.0.2.1");
    for _ in 0..10 {
        limits.answer(client, NOW).unwrap();
        limits.answered(client);
    }
    for _ in 0..3 {
        limits.answer(client, NOW).unwrap();
    }
    assert_eq!(limits.answer(client, NOW + 600), Err(Limited { limit: "answers", retry_after: 3000 }));
    assert!(wrong(&limits, "192.0.2.1", "a", NOW), "and sign-ins theirs");
    limits.answer(address("192.0.2.2"), NOW).unwrap();
    limits.answer(client, NOW + 3600).unwrap();
    limits.clear(&Cleared::Network(client));
    limits.answer(client, NOW).unwrap();
}

#[test]
fn failures_of_others_in_the_same_network_do_not_keep_the_owner_out_of_their_device() {
    let limits = limits(2, 4);
    let own = |id| OwnDevice { id, owner: "managed/user/1".to_owned() };
    let there = |name: &str, device: Option<&'static str>| limits.guess(address("192.0.2.1"), name, device.map(own).as_ref(), NOW).is_ok();
    for name in ["a", "a", "b", "b"] {
        assert!(there(name, None));
    }
    assert!(!there("a", None) && !there("c", None));
    assert!(there("a", Some("d")) && there("a", Some("d")));
    assert!(!there("a", Some("d")), "its failures count too");
    assert!(there("a", Some("e")));
    limits.clear(&Cleared::Account("a".to_owned()));
    assert!(there("a", Some("d")));
    let mut guess = limits.guess(address("192.0.2.1"), "a", Some(&own("f")), NOW).unwrap();
    guess.is_at("managed/user/1").unwrap();
    assert!(guess.is_at("managed/user/2").is_err(), "somebody else of the same name is guessed at as by anybody");
}

#[test]
fn failures_elsewhere_do_not_keep_the_owner_out_of_their_usual_network() {
    let limits = limits(2, 100);
    let (home, elsewhere, stranger) = ("192.0.2.1", "192.0.2.2", "203.0.113.1");
    limits.guess(address(home), "a", None, NOW).unwrap().right_and_known();
    assert!(wrong(&limits, stranger, "a", NOW) && wrong(&limits, stranger, "a", NOW));
    assert!(!wrong(&limits, elsewhere, "a", NOW) && !wrong(&limits, stranger, "a", NOW));
    assert!(wrong(&limits, home, "a", NOW) && wrong(&limits, home, "a", NOW));
    assert!(!wrong(&limits, home, "a", NOW), "the owner's failures count too");
    assert!(wrong(&limits, home, "b", NOW));
    let later = NOW + KNOWN_FOR;
    assert!(wrong(&limits, stranger, "a", later) && wrong(&limits, stranger, "a", later));
    assert!(!wrong(&limits, home, "a", later), "a network without a sign-in for a month is unknown again");
}

#[test]
fn an_administrator_ends_an_exhausted_budget() {
    let limits = limits(1, 2);
    assert!(wrong(&limits, "192.0.2.1", "a", NOW) && !wrong(&limits, "192.0.2.2", "a", NOW));
    limits.clear(&Cleared::Account("A".to_owned()));
    assert!(wrong(&limits, "192.0.2.2", "a", NOW));
    assert!(wrong(&limits, "192.0.2.1", "b", NOW) && !wrong(&limits, "192.0.2.1", "c", NOW));
    limits.clear(&"network 192.0.2.1".parse().unwrap());
    assert!(wrong(&limits, "192.0.2.1", "c", NOW));
}

#[test]
fn a_clock_that_is_set_back_lets_nobody_wait_longer() {
    let limits = limits(1, 100);
    assert!(wrong(&limits, "192.0.2.1", "a", NOW));
    let waits = |now: i64| limits.guess(address("192.0.2.1"), "a", None, now).err().map(|limited| limited.retry_after);
    assert_eq!(waits(NOW - 3600), Some(3600));
    assert_eq!(waits(NOW - 3600 + 60), Some(3540));
}

#[test]
fn only_accounts_that_were_made_count_and_none_more_are_made_at_once() {
    let limits = Limits::new(&project::Limits { registrations_per_client_day: 2, ..Default::default() });
    let client = address("192.0.2.1");
    for _ in 0..1000 {
        limits.registration(client, NOW).unwrap();
        limits.not_registered(client);
    }
    limits.registration(client, NOW).unwrap();
    limits.registration(client, NOW).unwrap();
    assert_eq!(limits.registration(client, NOW), Err(Limited { limit: "registrations", retry_after: 12 * 3600 }));
    limits.registration(address("192.0.2.2"), NOW).unwrap();
    limits.not_registered(client);
    limits.registration(client, NOW).unwrap();
    limits.registration(client, NOW + 12 * 3600).unwrap();
    assert!(limits.registration(client, NOW + 12 * 3600).is_err());
}

#[test]
fn switched_off_means_off_until_it_is_switched_on() {
    let limits = Limits::new(&project::Limits { enabled: false, submissions_per_client_minute: 1, ..Default::default() });
    let client = address("192.0.2.1");
    for _ in 0..1000 {
        limits.submission(client, NOW).unwrap();
        limits.sign_in(client, NOW).unwrap();
        let _ = limits.guess(client, "a", None, NOW).unwrap();
    }
    limits.set(&project::Limits { submissions_per_client_minute: 1, ..Default::default() });
    limits.submission(client, NOW).unwrap();
    assert!(limits.submission(client, NOW).is_err());
}

#[test]
fn sec_52_paid_debts_are_forgotten() {
    let debts = Debts::default();
    let rate = Rate::new("test", 10, 1000);
    for key in 0..SWEEP_AT as u64 {
        debts.count(rate, key, 0).unwrap();
    }
    debts.count(rate, u64::MAX, 10).unwrap();
    assert_eq!(debts.0.lock().unwrap().len(), 1);
}
