//! Many at once: one account, whoever wins, and nobody loses what was typed.

use serde_json::json;

use super::server;
use crate::support::mailbox::mailbox;
use crate::support::newcomer::{Newcomer, SECRET};
use crate::support::verifier::Verifier;
use crate::support::{Response, Server};

fn at_once<T: Sync>(all: &[T], one: impl Fn(&T) -> Response + Sync) -> Vec<Response> {
    std::thread::scope(|scope| {
        let one = &one;
        let tries: Vec<_> = all.iter().map(|each| scope.spawn(move || one(each))).collect();
        tries.into_iter().map(|each| each.join().unwrap()).collect()
    })
}

/// The refusal of a name that is taken.
#[track_caller]
fn is_taken(answer: &Response) {
    answer.refused(403);
    let detail = answer.json()["detail"].clone();
    let failed = &detail["failedPolicyRequirements"][0];
    assert_eq!((&detail["result"], &failed["property"]), (&json!(false), &json!("userName")), "{detail}");
    let requirement = &failed["policyRequirements"][0];
    assert_eq!((&requirement["policyRequirement"], &requirement["params"]["property"]), (&json!("UNIQUE"), &json!("userName")), "{detail}");
}

#[test]
fn a_hundred_people_who_want_one_name_at_once_make_one_account() {
    let server = server();
    let newcomer = Newcomer::new("crowd");
    let people: Vec<Newcomer> = (0..100).map(|_| Newcomer { name: newcomer.name.clone(), ..Newcomer::new("crowdmail") }).collect();
    let answers = at_once(&people, |one| server.anonymous().submit("plain", None, &json!({ "user": one.user() })));
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    answers.iter().filter(|answer| answer.status != 200).for_each(is_taken);
    let account = newcomer.account(server);
    let winner = answers.iter().position(|answer| answer.status == 200).unwrap();
    assert_eq!(account["mail"], people[winner].mail);
}

/// SEC-48: the form may be let through for several of them; the account is made for one.
#[test]
fn people_who_want_one_name_in_many_spellings_at_once_make_one_account() {
    let server = server();
    let name = Newcomer::new("spelling").name;
    let spelled = |bits: usize| -> String {
        let one = |(at, c): (usize, char)| if bits >> (at % 5) & 1 == 1 { c.to_ascii_uppercase() } else { c };
        name.chars().enumerate().map(one).collect()
    };
    let people: Vec<Newcomer> = (0..32).map(|bits| Newcomer { name: spelled(bits), ..Newcomer::new("spelt") }).collect();
    let answers = at_once(&people, |one| server.anonymous().submit("plain", None, &json!({ "user": one.user() })));
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    answers.iter().filter(|answer| answer.status != 200).for_each(is_taken);
}

#[test]
fn a_link_that_is_opened_a_hundred_times_at_once_makes_one_account() {
    let server = server();
    let newcomer = Newcomer::new("clicks");
    let (_, token) = newcomer.until(&server.anonymous(), "registration", "emailValidation");
    let link = newcomer.link(mailbox(), &token.unwrap());
    let answers = at_once(&[(); 100], |()| server.anonymous().submit("registration", Some(&link.token), &link.input()));
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        // Attempts are counted before they are compared, so most of them are too many.
        assert!(["Invalid snapshot token", "Invalid code"].contains(&refused.refused(400).as_str()), "{}", refused.text());
    }
    newcomer.account(server);
}

#[test]
fn who_loses_the_name_between_form_and_link_chooses_another_without_beginning_again() {
    let server = server();
    let (first, second) = (Newcomer::new("late"), Newcomer::new("latemail"));
    let second = Newcomer { name: first.name.clone(), ..second };
    let client = server.anonymous();
    let (form, asked) = second.until(&client, "registration", "allInOneRegistration");
    let input = second.form(&form);
    let (_, sent) = client.goes_on("registration", asked.as_deref(), &input);
    let link = second.link(mailbox(), &sent);
    first.register(&client, "registration");

    is_taken(&client.submit("registration", Some(&link.token), &link.input()));
    is_taken(&client.submit("registration", asked.as_deref(), &input));
    assert_eq!(first.account(server)["mail"], first.mail);
    // The form's own token takes another name.
    let renamed = Newcomer { mail: second.mail.clone(), ..Newcomer::new("renamed") };
    let mut input = input;
    input["user"]["userName"] = json!(renamed.name);
    let (_, sent) = client.goes_on("registration", asked.as_deref(), &input);
    let end = client.submit("registration", Some(&sent), &renamed.link(mailbox(), &sent).input()).ok();
    assert_eq!(end["type"], "localAutoLogin");
    assert_eq!(renamed.account(server)["mail"], second.mail);
    assert!(server.signs_in(&renamed.name, SECRET));
}

#[test]
fn more_people_than_the_hash_queue_holds_are_told_to_come_back_and_lose_nothing() {
    let project = super::project(&Verifier::start()).file("vestibule.toml", "[limits]\nenabled = false\nhash_queue = 2\n");
    let server = Server::on(project).start();
    let people: Vec<Newcomer> = (0..100).map(|_| Newcomer::new("rush")).collect();
    let submit = |one: &Newcomer| server.anonymous().submit("plain", None, &json!({ "user": one.user() }));
    let answers = at_once(&people, submit);
    let busy: Vec<&Newcomer> = people.iter().zip(&answers).filter(|(_, answer)| answer.status == 503).map(|(one, _)| one).collect();
    for answer in answers.iter().filter(|answer| answer.status == 503) {
        answer.refused(503);
        assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u64>().is_ok_and(|seconds| seconds > 0)), "{answer:?}");
    }
    assert!(!busy.is_empty() && busy.len() < people.len(), "{} of {} were told to come back", busy.len(), people.len());
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), people.len() - busy.len());
    assert!(busy[0].accounts(&server).is_empty());
    assert_eq!(submit(busy[0]).status, 200);
}
