//! Crashes. The server is killed in the middle of submissions and started again: what was acknowledged is there, nothing is half done.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use serde_json::{Value, json};

use crate::support::people::{PASSWORD, query};
use crate::support::stages::{definition, kba, reset_stage, user_query};
use crate::support::{Client, Person, Project, Server};

/// Submissions in all.
const SUBMISSIONS: usize = 200;
/// People they are for.
const PEOPLE: usize = 8;
/// Seed of the moments of the crashes; change it here to try others.
const SEED: u64 = 0x5eed_0001;

/// What a submission of a new password was told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    /// 200: it counts.
    Done,
    /// The connection broke: it may count or not.
    Nothing,
}

/// A small generator, so that a run can be repeated.
pub(crate) struct Moments(pub(crate) u64);

impl Moments {
    pub(crate) fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

fn project() -> Project {
    let stages = [user_query(), kba(), reset_stage()];
    Project::new().process("plain", &stages).definition("local", &definition(&stages, &json!({ "type": "uuid" }), "local")).json(
        "conf/selfservice.kba.json",
        &json!({ "kbaPropertyName": "kbaInfo", "minimumAnswersToVerify": 1, "questions": { "1": { "en": "Which street?" } } }),
    )
}

/// Walks to the password of a process; nothing when the connection breaks on the way.
fn reset(client: &Client, server: std::net::SocketAddr, process: &str, person: &Person, new: &str) -> Option<(String, Told)> {
    let submit = |token: Option<&str>, input: Value| {
        let body = token.map_or_else(|| json!({ "input": input }), |token| json!({ "token": token, "input": input }));
        let request = client.request("POST", &format!("selfservice/{process}?_action=submitRequirements")).json(&body);
        request.try_send(server).ok().filter(|answer| answer.status == 200).map(|answer| answer.json())
    };
    let token = |body: &Value| body["token"].as_str().map(str::to_owned);
    let asked = submit(None, person.query())?;
    let proven = submit(token(&asked).as_deref(), json!({ "answer1": "elm street" }))?;
    let last = token(&proven)?;
    let told = submit(Some(&last), json!({ "password": new })).map_or(Told::Nothing, |end| {
        assert_eq!(end["tag"], "end", "{end}");
        Told::Done
    });
    Some((last, told))
}

#[test]
fn kill_9_at_random_moments_of_200_submissions_loses_nothing_acknowledged() {
    let mut server = Server::on(project()).start();
    let answers = json!([{ "questionId": "1", "answer": "Elm Street" }]);
    let people: Vec<Person> = (0..PEOPLE).map(|_| Person::with(&server, "crash", &json!({ "kbaInfo": answers }))).collect();
    let mut moments = Moments(SEED);
    let mut passwords: Vec<Vec<String>> = vec![vec![PASSWORD.to_owned()]; PEOPLE];
    let mut spent: Vec<(&str, String)> = Vec::new();
    let (mut done, mut broken, mut submitted) = (0, 0, 0);
    while submitted < SUBMISSIONS {
        let crash_after = 1 + usize::try_from(moments.next(24)).unwrap();
        let answered = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let (enough, reached) = mpsc::channel();
        let address = server.address();
        let client = server.anonymous();
        let round = submitted;
        // One thread per person, so that the order of their passwords is known.
        let results = std::thread::scope(|scope| {
            let threads: Vec<_> = people
                .iter()
                .enumerate()
                .map(|(index, person)| {
                    let (client, enough, answered, stop) = (client.clone(), enough.clone(), &answered, &stop);
                    scope.spawn(move || {
                        let mut results = Vec::new();
                        for attempt in 0.. {
                            if stop.load(Ordering::SeqCst) {
                                break;
                            }
                            let process = if (index + attempt) % 2 == 0 { "plain" } else { "local" };
                            let new = format!("Fault{round}x{attempt}Pw{index}");
                            let Some((token, told)) = reset(&client, address, process, person, &new) else { break };
                            let broke = told == Told::Nothing;
                            results.push((index, process, token, new, told));
                            if answered.fetch_add(1, Ordering::SeqCst) + 1 == crash_after {
                                let _ = enough.send(());
                            }
                            if broke {
                                break;
                            }
                        }
                        results
                    })
                })
                .collect();
            // The moment: so many submissions were answered, others are on their way.
            let _ = reached.recv_timeout(crate::support::lines::PATIENCE);
            server.kill();
            stop.store(true, Ordering::SeqCst);
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        server.start();
        submitted += results.len();
        for (index, process, token, new, told) in results {
            match told {
                Told::Done => {
                    done += 1;
                    passwords[index] = vec![new];
                    spent.push((process, token));
                }
                Told::Nothing => {
                    broken += 1;
                    passwords[index].push(new);
                }
            }
        }
        // Who was told everything keeps for the end: a password that was lost would not come back.
        let last = submitted >= SUBMISSIONS;
        for (person, possible) in people.iter().zip(&mut passwords).filter(|(_, possible)| last || possible.len() > 1) {
            let works: Vec<String> = possible.iter().filter(|password| server.signs_in(&person.name, password)).cloned().collect();
            assert_eq!(works.len(), 1, "exactly one of the last acknowledged password and the ones in flight: {works:?} of {possible:?}");
            *possible = works;
        }
    }
    assert!(done > 0 && broken > 0, "{done} acknowledged, {broken} broken off: the crashes must hit something");
    for (process, token) in &spent {
        let again = server.anonymous().submit(process, Some(token), &json!({ "password": "Replayed1Password" }));
        assert_eq!(again.refused(400), "Invalid snapshot token", "what was acknowledged is spent");
    }
    let outbox = server.admin().get("outbox?_queryFilter=subject+eq+%22Your+password+was+changed%22").ok();
    let notices = outbox["resultCount"].as_u64().unwrap();
    assert!(
        notices >= done && notices <= done + broken,
        "{notices} notices for {done} to {} changes: a change and its notice are one",
        done + broken
    );
}

#[test]
fn a_store_that_was_killed_while_written_opens_and_serves() {
    let mut server = Server::on(project()).start();
    let person = Person::create(&server, "torn");
    for _ in 0..5 {
        let address = server.address();
        let admin = server.admin();
        let address_of_person = format!("managed/user/{}", person.id);
        let writing = std::thread::spawn(move || {
            let mut last = 0;
            for number in 1..10_000 {
                let patch = json!([{ "operation": "replace", "field": "/city", "value": format!("city-{number}") }]);
                match admin.request("PATCH", &address_of_person).json(&patch).try_send(address) {
                    Ok(answer) if answer.status == 200 => last = number,
                    _ => return (last, number),
                }
            }
            (last, 10_000)
        });
        // Some writes later, whatever they were doing. A write is no slower than a read, so this many are a limit and not a guess.
        let written = |_: &usize| person.read(&server)["city"].as_str().is_some_and(|city| city != "city-0");
        assert!((0..10_000).find(written).is_some(), "nothing was written");
        server.kill();
        let (acknowledged, in_flight) = writing.join().unwrap();
        server.start();
        let city = person.read(&server)["city"].as_str().unwrap().to_owned();
        assert!(
            city == format!("city-{acknowledged}") || city == format!("city-{in_flight}"),
            "{city}: acknowledged {acknowledged}, in flight {in_flight}"
        );
        server
            .admin()
            .patch(&format!("managed/user/{}", person.id), &json!([{ "operation": "replace", "field": "/city", "value": "city-0" }]))
            .expect(200);
    }
    server.anonymous().goes_on("plain", None, &query("userName", "nobody"));
}
