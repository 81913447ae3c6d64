//! Fail-over under load: people are in the middle of resets and registrations at two nodes, the primary dies at a random byte, its standby is
//! promoted. What every one of them was told is held against a sequential model: a step that was acknowledged is there, none was done twice,
//! and nobody saw an error.
//!
//! `VESTIBULE_FAILOVER_SEEDS`, `_FROM` and `_PEOPLE` say how many rounds there are, with which seed they begin, and how many people are in
//! each; `make failover` runs many.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::json;
use store::testing::{Postgres, Proxy, store_at};

use crate::faults::Moments;
use crate::postgres::{keys_are_made, person, project};
use crate::support::lines::PATIENCE;
use crate::support::mailbox::mailbox;
use crate::support::newcomer::{Newcomer, SECRET};
use crate::support::{Person, Server};

const SCHEMA: &str = "failover";
/// Requests at a time that nothing happens to.
const AT_A_TIME: usize = 4;

fn asked(name: &str, default: u64) -> u64 {
    let name = format!("VESTIBULE_FAILOVER_{name}");
    std::env::var(&name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// A node whose hashes cost next to nothing: what is looked at is what is kept of them, and people are more often at the store.
fn node(url: &str) -> Server {
    keys_are_made();
    let project = project(url);
    let settings = format!("{}[hashing]\nmemory = 8\npasses = 1\nwaive = [\"minimum\"]\n", project.text("vestibule.toml"));
    Server::on(project.file("vestibule.toml", settings)).start()
}

/// A primary and its standby, each behind a way that the nodes know.
struct Cluster {
    primary: Arc<Postgres>,
    standby: Option<Postgres>,
    /// The next one, which is made while people go on.
    comes: Option<JoinHandle<Postgres>>,
    /// To the primary, and to the standby.
    ways: [Arc<Proxy>; 2],
}

/// Commits are not waited for by who administers; units ask for it themselves.
const SETTINGS: [&str; 1] = ["synchronous_commit=local"];

impl Cluster {
    fn start() -> Self {
        let primary = Postgres::start(&SETTINGS);
        let standby = primary.standby(&SETTINGS);
        primary.waits_for_standby();
        let ways = [&primary, &standby].map(|server| Arc::new(Proxy::before(server.port())));
        Self { primary: Arc::new(primary), standby: Some(standby), comes: None, ways }
    }

    /// Waits until a standby has everything again.
    fn is_whole(&mut self) {
        if let Some(comes) = self.comes.take() {
            self.standby = Some(comes.join().unwrap());
        }
    }

    /// The primary dies and the standby takes its place. A new one begins to come to where the old primary was.
    fn lose_primary(&mut self) {
        let standby = self.standby.take().unwrap();
        Arc::get_mut(&mut self.primary).unwrap().kill();
        standby.promote();
        self.primary = Arc::new(standby);
        self.ways.swap(0, 1);
        let (primary, way) = (Arc::clone(&self.primary), Arc::clone(&self.ways[1]));
        self.comes = Some(std::thread::spawn(move || {
            let standby = primary.standby(&SETTINGS);
            way.lead_to(standby.port());
            primary.waits_for_standby();
            standby
        }));
    }

    fn ask(&self, text: &str) -> Vec<Vec<String>> {
        let found = self.primary.ask("vestibule", &text.replace("FROM ", &format!("FROM {SCHEMA}.")));
        found.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
    }
}

/// One of the people of a round.
enum Who {
    /// Has an account, and resets its password by a question.
    Owner(Person),
    /// Registers, with the code of a mail.
    Newcomer(Newcomer),
}

/// What somebody was told: of every submission what it was, and the answer's status.
struct Told {
    who: Who,
    history: Vec<(&'static str, u16)>,
    /// The password that counts, of the ones that were sent.
    counts: Option<String>,
    /// The last token and what was sent with it.
    last: Option<(String, serde_json::Value)>,
}

impl Told {
    fn process(&self) -> &'static str {
        if matches!(self.who, Who::Owner(_)) { "questions" } else { "registration" }
    }

    /// One submission; the next token, and whether it was the end.
    fn submits(&mut self, node: &Server, step: &'static str, token: Option<&str>, input: &serde_json::Value) -> Option<String> {
        let answer = node.anonymous().submit(self.process(), token, input);
        self.history.push((step, answer.status));
        if answer.status == 200 { answer.json()["token"].as_str().map(str::to_owned) } else { None }
    }

    /// The last submission, at both nodes at once, as a double click and a proxy that repeats make it.
    fn ends(&mut self, nodes: [&Server; 2], token: String, inputs: [serde_json::Value; 2], passwords: [String; 2]) {
        let process = self.process();
        let statuses = std::thread::scope(|scope| {
            let sent: [_; 2] = std::array::from_fn(|one| {
                let (node, token, input) = (nodes[one], &token, &inputs[one]);
                scope.spawn(move || node.anonymous().submit(process, Some(token), input).status)
            });
            sent.map(|one| one.join().unwrap())
        });
        for (status, password) in statuses.into_iter().zip(passwords) {
            self.history.push(("the end", status));
            if status == 200 {
                self.counts = Some(password);
            }
        }
        let [input, _] = inputs;
        self.last = Some((token, input));
    }

    fn walk(mut self, nodes: [&Server; 2], number: usize) -> Self {
        match &self.who {
            Who::Owner(person) => {
                let query = person.query();
                let Some(token) = self.submits(nodes[0], "a name", None, &query) else { return self };
                let Some(token) = self.submits(nodes[1], "an answer", Some(&token), &json!({ "answer1": "elm street" })) else {
                    return self;
                };
                let passwords = [format!("First{number}Of-Two!"), format!("Second{number}Of-Two!")];
                let inputs = passwords.clone().map(|password| json!({ "password": password }));
                self.ends(nodes, token, inputs, passwords);
            }
            Who::Newcomer(newcomer) => {
                let newcomer = newcomer.clone();
                let details = json!({ "user": newcomer.user() });
                let Some(token) = self.submits(nodes[1], "a form", None, &details) else { return self };
                let link = newcomer.link(mailbox(), &token);
                self.ends(nodes, link.token.clone(), [link.input(), link.input()], [SECRET.to_owned(), SECRET.to_owned()]);
            }
        }
        self
    }

    /// What a person may have been told when everything is done once and one after the other.
    fn is_sequential(&self) -> bool {
        let begun = |steps: &[&str]| {
            self.history.iter().take(steps.len()).map(|(step, status)| (*step, *status)).eq(steps.iter().map(|step| (*step, 200)))
        };
        let steps: &[&str] = if matches!(self.who, Who::Owner(_)) { &["a name", "an answer"] } else { &["a form"] };
        let mut end: Vec<u16> = self.history.iter().skip(steps.len()).map(|(_, status)| *status).collect();
        end.sort_unstable();
        begun(steps) && end == [200, 400]
    }
}

/// What a walk leaves in the store, without what differs from one person to the next.
fn left(cluster: &Cluster, told: &[Told], nodes: [&Server; 2]) -> Vec<String> {
    let mut by_id = BTreeMap::<String, Vec<String>>::new();
    for row in cluster
        .ask("SELECT object, event, count(*) FROM audit WHERE object LIKE 'managed/user/%' AND event <> 'step' GROUP BY 1, 2 ORDER BY 1, 2")
    {
        by_id.entry(row[0].trim_start_matches("managed/user/").to_owned()).or_default().push(row[1..].join(" "));
    }
    let revisions = cluster.ask("SELECT id, rev, doc::json ->> 'mail' FROM managed_object WHERE collection = 'managed/user'");
    let mails: BTreeMap<String, String> =
        cluster.ask("SELECT recipient, count(*) FROM outbox GROUP BY 1").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let mut found = Vec::new();
    for told in told {
        let mail = match &told.who {
            Who::Owner(person) => &person.mail,
            Who::Newcomer(newcomer) => &newcomer.mail,
        };
        let rows: Vec<_> = revisions.iter().filter(|row| row[2] == *mail).collect();
        let [row] = rows.as_slice() else { panic!("{mail} has {} accounts: {:?}\n{}", rows.len(), told.history, nodes[0].log()) };
        found.push(format!("revision {}, {:?}, {} mails", row[1], by_id.get(&row[0]), mails.get(mail).map_or("0", String::as_str)));
    }
    found
}

/// Does something for each of them, some at a time; what came of it, in the same order.
fn each<T: Send, R: Send>(all: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let waiting = Mutex::new(all.into_iter().enumerate());
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap().next();
                    let Some((number, one)) = next else { return };
                    let result = work(one);
                    done.lock().unwrap().insert(number, result);
                }
            });
        }
    });
    done.into_inner().unwrap().into_values().collect()
}

/// A round: everybody walks, and the primary dies when so many bytes went to and fro.
fn round(cluster: &mut Cluster, nodes: [&Server; 2], people: usize, seed: u64, bytes: Option<u64>) -> Vec<Told> {
    let who = |number: usize| {
        if number.is_multiple_of(2) { Who::Owner(person(nodes[0], "failover")) } else { Who::Newcomer(Newcomer::new("failovernew")) }
    };
    let all = each((0..people).collect(), |number| Told { who: who(number), history: Vec::new(), counts: None, last: None });
    cluster.is_whole();
    let way = Arc::clone(&cluster.ways[0]);
    let ended = bytes.map(|bytes| way.end_after(bytes));
    let busy = AtomicUsize::new(people);
    let told: Vec<Told> = std::thread::scope(|scope| {
        let (busy, way) = (&busy, &way);
        let walk = |(number, one): (usize, Told)| {
            scope.spawn(move || {
                let told = one.walk(if number % 4 < 2 { nodes } else { [nodes[1], nodes[0]] }, number);
                // Whoever is last ends it, where the byte has not come.
                if busy.fetch_sub(1, Ordering::SeqCst) == 1 && bytes.is_some() {
                    way.end();
                }
                told
            })
        };
        let walking: Vec<_> = all.into_iter().enumerate().map(walk).collect();
        if let Some(ended) = ended {
            ended.recv_timeout(PATIENCE).unwrap();
            cluster.lose_primary();
        }
        walking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for one in &told {
        assert!(one.is_sequential(), "seed {seed}: {:?}\n{}\n{}", one.history, nodes[0].log(), nodes[1].log());
    }
    told
}

/// SEC-07 across a promotion: a hundred completions of one instance at two nodes, while the primary dies at some byte of them.
#[test]
fn one_of_a_hundred_completions_succeeds_wherever_the_primary_dies() {
    let mut cluster = Cluster::start();
    let url = store_at(&[cluster.ways[0].port(), cluster.ways[1].port()], "hundred");
    let (first, second) = (node(&url), node(&url));
    let nodes = [&first, &second];
    let mut bytes = 0;
    for part in [0, 1, 3] {
        cluster.is_whole();
        let somebody = person(&first, "hundred");
        let (_, token) = first.anonymous().goes_on("questions", None, &somebody.query());
        let token = second.anonymous().goes_on("questions", Some(&token), &json!({ "answer1": "elm street" })).1;
        let way = Arc::clone(&cluster.ways[0]);
        let before = way.bytes();
        // The first round is undisturbed, and says how many bytes there are.
        let ended = (part > 0).then(|| way.end_after(bytes * part / 4));
        let busy = AtomicUsize::new(100);
        let answers: Vec<(u16, String)> = std::thread::scope(|scope| {
            let (busy, way, token) = (&busy, &way, &token);
            let submit = |number: usize| {
                scope.spawn(move || {
                    let password = format!("Hundred{number}Pw!x");
                    let answer = nodes[number % 2].anonymous().submit("questions", Some(token), &json!({ "password": password }));
                    if busy.fetch_sub(1, Ordering::SeqCst) == 1 {
                        way.end();
                    }
                    (answer.status, password)
                })
            };
            let sent: Vec<_> = (0..100).map(submit).collect();
            if let Some(ended) = ended {
                ended.recv_timeout(PATIENCE).unwrap();
                cluster.lose_primary();
            }
            sent.into_iter().map(|one| one.join().unwrap()).collect()
        });
        bytes = bytes.max(way.bytes() - before);
        let done: Vec<_> = answers.iter().filter(|(status, _)| *status == 200).collect();
        assert!(done.len() == 1 && answers.iter().all(|(status, _)| [200, 400].contains(status)), "{answers:?}\n{}", first.log());
        assert!(nodes.iter().all(|node| node.signs_in(&somebody.name, &done[0].1)));
    }
}

#[test]
fn a_primary_that_dies_at_any_byte_is_nothing_that_anybody_notices() {
    let (seeds, from) = (asked("SEEDS", 20), asked("FROM", 1));
    let people = usize::try_from(asked("PEOPLE", 40)).unwrap();
    let mut cluster = Cluster::start();
    let url = store_at(&[cluster.ways[0].port(), cluster.ways[1].port()], SCHEMA);
    let (first, second) = (node(&url), node(&url));
    let nodes = [&first, &second];
    // Undisturbed: what a walk leaves, and how many bytes it takes.
    let before = cluster.ways[0].bytes();
    let told = round(&mut cluster, nodes, people, 0, None);
    let bytes = cluster.ways[0].bytes() - before;
    let model = left(&cluster, &told, nodes);
    assert!(model.iter().skip(2).enumerate().all(|(number, one)| *one == model[number % 2]), "{model:?}");
    for seed in from..from + seeds {
        let at = Moments(0x9e37_79b9_7f4a_7c15 ^ seed.wrapping_mul(0x2545_f491_4f6c_dd1d)).next(bytes);
        let told = round(&mut cluster, nodes, people, seed, Some(at));
        assert_eq!(left(&cluster, &told, nodes), model, "seed {seed}, byte {at}\n{}\n{}", first.log(), second.log());
        each(told.iter().enumerate().collect(), |(number, one)| {
            let (node, other) = if number.is_multiple_of(2) { (&first, &second) } else { (&second, &first) };
            let (name, password) = match &one.who {
                Who::Owner(person) => (&person.name, one.counts.as_deref()),
                Who::Newcomer(newcomer) => (&newcomer.name, one.counts.as_deref()),
            };
            assert!(node.signs_in(name, password.unwrap()), "seed {seed}: what was acknowledged counts");
            let (token, input) = one.last.as_ref().unwrap();
            assert_eq!(other.anonymous().submit(one.process(), Some(token), input).refused(400), "Invalid snapshot token", "seed {seed}");
        });
        assert!(nodes.iter().all(|node| node.nobody().get("/health/ready").status == 200), "seed {seed}");
    }
    println!("{seeds} fail-overs with {people} people each, about {bytes} bytes a round: nobody noticed");
}
