//! Walking through a recorded case.

use serde_json::{Value, json};

use super::differences::{Seen, steady};
use super::rules::Rules;
use super::unify::Bindings;
use crate::support::http::{Request, Response};
use crate::support::mailbox::{Mail, Mailbox};
use crate::support::people::unused;
use crate::support::server::ADMIN_PASSWORD;
use crate::support::verifier::Verifier;
use crate::support::{Link, Server, client};

struct Replay<'a> {
    nodes: &'a [&'a Server],
    /// How many exchanges there were: each is at the node after the one before.
    turn: usize,
    mailbox: &'a Mailbox,
    verifier: &'a Verifier,
    bindings: Bindings,
    /// Mails before this line of the mail server have been looked at.
    mark: usize,
    /// Names of the people who were there before.
    given: Vec<String>,
    rules: &'a Rules,
    seen: Vec<Seen>,
}

/// Walks through a case, each exchange at the next one of the nodes, and says where we answer otherwise.
pub(super) fn replay(nodes: &[&Server], mailbox: &Mailbox, verifier: &Verifier, rules: &Rules, case: &Value) -> Vec<Seen> {
    let mut bindings = Bindings::default();
    bindings.set("origin", &nodes[0].url());
    let given = case["given"].as_array().cloned().unwrap_or_default();
    let names = given.iter().map(|person| person["userName"].as_str().unwrap().to_owned()).collect();
    let mut replay = Replay { nodes, turn: 0, mailbox, verifier, bindings, mark: mailbox.mark(), given: names, rules, seen: Vec::new() };
    replay.settled();
    for person in &given {
        replay.give(person);
    }
    let steps = case["steps"].as_array().unwrap();
    let mut index = 0;
    while index < steps.len() {
        let mut step = steps[index].clone();
        let name = index.to_string();
        index += 1;
        if replay.rules.skips_idle_round_trips() && asks_for_nothing(&step) {
            // Our answer to this request is the recorded one to the next.
            let next = steps[index..].iter().position(|step| step.get("response").is_some()).unwrap();
            step["response"] = steps[index + next]["response"].clone();
            index += next + 1;
        }
        replay.step(&name, &step);
    }
    if case["steps"].as_array().unwrap().iter().any(|step| step.get("mail").is_some()) {
        replay.no_more_mails();
    }
    replay.forget_everybody();
    replay.seen
}

impl Replay<'_> {
    /// What is no exchange of the case is asked of this one.
    fn first(&self) -> &Server {
        self.nodes[0]
    }

    /// Sends an exchange to the node whose turn it is, by the name that all of them have.
    fn send(&mut self, request: Request) -> Response {
        let node = self.nodes[self.turn % self.nodes.len()];
        self.turn += 1;
        let named = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
        let request = if named { request } else { request.header("Host", &self.first().address().to_string()) };
        request.send(node.address())
    }

    fn differs(&mut self, step: &str, theirs: Value, ours: &Value) {
        let ours = serde_json::from_str(&self.bindings.conceal(&ours.to_string())).unwrap();
        self.seen.push(Seen { step: step.to_owned(), theirs, ours });
    }

    /// Every case begins with nobody there but its own.
    fn forget_everybody(&self) {
        let found = self.first().admin().get("managed/user?_fields=_id&_queryFilter=true").ok();
        for person in found["result"].as_array().unwrap() {
            self.first().admin().delete(&format!("managed/user/{}", person["_id"].as_str().unwrap())).expect(200);
        }
    }

    /// A person who was there before.
    fn give(&mut self, person: &Value) {
        let mut person = person.clone();
        for entry in person.get_mut("kbaInfo").and_then(Value::as_array_mut).into_iter().flatten() {
            if entry["answer"].is_object() {
                entry["answer"]["$crypto"]["value"]["data"] = json!(hash_of_answer(entry));
            }
        }
        let answer = self.first().admin().put(&format!("managed/user/{}", person["_id"].as_str().unwrap()), &person);
        if answer.status != 201 {
            self.differs(&format!("given {}", person["_id"].as_str().unwrap()), Value::Null, &shown(&answer));
        }
    }

    fn step(&mut self, name: &str, step: &Value) {
        if step["note"].as_str().is_some_and(|note| note.contains("five seconds later")) {
            self.nodes.iter().for_each(|node| node.advance(5));
        }
        if let Some(mail) = step.get("mail") {
            self.mail(name, mail);
        } else if let Some(parts) = step.get("jose") {
            self.jose(name, parts);
        } else if step.get("verifier").is_some() {
            let asked: Vec<Value> = self.verifier.asked().iter().map(|asked| json!(format!("{} {}", asked.line, asked.body))).collect();
            self.differs(name, step["verifier"].clone(), &json!({ "verifier": asked }));
        } else {
            self.exchange(name, step);
        }
    }

    fn exchange(&mut self, name: &str, step: &Value) {
        let mut recorded = step["response"].clone();
        let theirs = json!({ "status": recorded["status"], "body": recorded.get("body").or_else(|| recorded.get("bodyText")) });
        if recorded["status"] == 201
            || step["request"]["method"] == "POST" && step["request"]["path"] == "/openidm/managed/user?_action=create"
        {
            self.make_room(&step["request"]);
        }
        let request = match self.request_with_code(&step["request"]) {
            Ok(request) => request,
            Err(missing) => return self.differs(name, theirs, &json!({ "unasked": format!("{missing} was never given") })),
        };
        let answer = self.send(request);
        if let Some(session) = client::cookie(&answer).filter(|_| self.bindings.get("session").is_none()) {
            self.bindings.set("session", session.trim_start_matches("session-jwt="));
        }
        if let Some(body) = recorded.get_mut("body") {
            self.rules.apply(body);
        }
        let same_body = match (recorded.get("body"), recorded.get("bodyText")) {
            (Some(body), _) => self.bindings.unify(body, &answer.json()),
            (None, Some(text)) => self.bindings.unify(text, &json!(answer.text())),
            (None, None) => answer.body.is_empty(),
        };
        if recorded["status"] != answer.status || !same_body {
            let ours = shown(&answer);
            self.differs(name, theirs, &ours);
            self.learn(recorded.get("body"), &answer.json());
        }
    }

    /// Where only other members differ, the token and the revision still are what later steps mean.
    fn learn(&mut self, recorded: Option<&Value>, real: &Value) {
        for member in ["token", "_rev", "_id"] {
            if let Some(recorded) = recorded.and_then(|body| body.get(member)) {
                self.bindings.unify(recorded, &real[member]);
            }
        }
        if let Some(recorded) = recorded {
            // Questions may be recognised although their stage says more than the old one.
            self.bindings.unify(
                &json!({ "type": recorded["type"], "requirements": recorded["requirements"] }),
                &json!({ "type": real["type"], "requirements": real["requirements"] }),
            );
        }
    }

    /// Creates were recorded one by one: whoever had the name was removed in between.
    fn make_room(&self, request: &Value) {
        let name = request.pointer("/body/userName").and_then(Value::as_str).filter(|name| !self.given.iter().any(|given| given == name));
        let Some(name) = name.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')) else { return };
        let found = self.first().admin().get(&format!("managed/user?_fields=_id&_queryFilter=userName+eq+%22{name}%22")).json();
        for person in found["result"].as_array().into_iter().flatten() {
            self.first().admin().delete(&format!("managed/user/{}", person["_id"].as_str().unwrap()));
        }
    }

    /// A request; the code it needs is taken from the next mail where no step of the case looks at the mail.
    fn request_with_code(&mut self, recorded: &Value) -> Result<Request, String> {
        let missing = match self.request(recorded) {
            Err(missing) if missing.starts_with("<code:") => missing,
            done => return done,
        };
        let mails = self.settled();
        let Some(mail) = mails.iter().rfind(|mail| mail.body.contains("&code=")) else { return Err(missing) };
        self.bindings.set(missing.trim_matches(['<', '>']), &Link::in_text(&mail.body).code);
        self.request(recorded)
    }

    fn request(&self, recorded: &Value) -> Result<Request, String> {
        // The recorded client sent some quotes as they are, which HTTP does not allow.
        let path = self.bindings.fill(recorded["path"].as_str().unwrap())?.replace('"', "%22");
        let mut request = Request::new(recorded["method"].as_str().unwrap(), &path);
        for (name, value) in recorded["headers"].as_object().into_iter().flatten() {
            for value in value.as_array().map_or_else(|| vec![value], |values| values.iter().collect()) {
                request = request.header(name, &self.header(name, value.as_str().unwrap())?);
            }
        }
        if let Some(body) = recorded.get("body") {
            request = request.body(self.bindings.fill_json(body)?.to_string());
        }
        if let Some(text) = recorded.get("bodyText").and_then(Value::as_str) {
            request = request.body(self.bindings.fill(text)?);
        }
        Ok(request)
    }

    fn header(&self, name: &str, value: &str) -> Result<String, String> {
        match (name, value) {
            ("X-OpenIDM-Username", "<admin>") => Ok("openidm-admin".to_owned()),
            (_, "<admin>") => Ok(ADMIN_PASSWORD.to_owned()),
            ("Authorization", value) if value.contains("<admin>") => {
                use base64::Engine as _;
                Ok(format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(format!("openidm-admin:{ADMIN_PASSWORD}"))))
            }
            _ => self.bindings.fill(value),
        }
    }

    fn mail(&mut self, name: &str, recorded: &Value) {
        let mut mails = self.settled();
        // Mails of one request arrive in any order.
        mails.sort_by(|one, other| one.to.cmp(&other.to));
        let ours: Vec<Value> = mails.iter().map(mail_as_recorded).collect();
        let same = match ours.as_slice() {
            [] => recorded.is_null(),
            [mail] => self.bindings.unify(&comparable(recorded), &comparable(mail)),
            _ => false,
        };
        if !same {
            if let Some(mail) = ours.first() {
                self.bindings.unify(&recorded["body"], &mail["body"]);
            }
            let ours = ours.iter().map(comparable).collect();
            self.differs(name, recorded.clone(), &json!({ "mails": Value::Array(ours) }));
        }
    }

    /// The mails that have come once the outbox is empty. A last one tells that all lines of the mail server have been read.
    fn settled(&mut self) -> Vec<Mail> {
        let pending = || self.first().admin().get("outbox?_queryFilter=state+eq+%22pending%22").ok()["resultCount"] != 0;
        assert!((0..10_000).any(|_| !pending()), "the outbox does not become empty");
        let sentinel = format!("{}@sentinel.test", unused("sentinel"));
        let mail = json!({ "from": "x@example.test", "to": sentinel, "subject": "sentinel", "type": "text/plain", "body": "x" });
        self.first().admin().post("external/email?_action=send", &mail).expect(200);
        let mut mails = Vec::new();
        while let Some(mail) = self.mailbox.next(&mut self.mark) {
            if mail.to == [sentinel.clone()] {
                break;
            }
            mails.push(mail);
        }
        mails
    }

    fn no_more_mails(&mut self) {
        if let Some(mail) = self.settled().first() {
            self.differs("end", json!({ "mail": null }), &json!({ "mail": { "to": mail.to, "subject": mail.subject() } }));
        }
    }

    /// The headers inside the token of the case.
    fn jose(&mut self, name: &str, recorded: &Value) {
        let mut ours = Vec::new();
        let mut token = self.bindings.get("token:1").unwrap_or_default().to_owned();
        for _ in 0..recorded.as_array().map_or(0, Vec::len) {
            let parts: Vec<&str> = token.split('.').collect();
            ours.push(json!({ "parts": parts.len(), "header": json_of(parts[0]) }));
            token = decoded(parts.get(1).copied().unwrap_or_default()).unwrap_or_default();
        }
        let ours = Value::Array(ours);
        if !self.bindings.unify(recorded, &ours) {
            self.differs(name, recorded.clone(), &ours);
        }
    }
}

/// The older mail stage asks for the client's query string before it mails, and takes an empty input for an answer.
fn asks_for_nothing(step: &Value) -> bool {
    let asked = step.pointer("/response/body/requirements/properties").and_then(Value::as_object);
    asked.is_some_and(|properties| properties.len() == 1 && properties.contains_key("querystringParams"))
}

fn decoded(part: &str) -> Option<String> {
    use base64::Engine as _;
    String::from_utf8(base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn json_of(part: &str) -> Value {
    decoded(part).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

fn shown(answer: &Response) -> Value {
    let body = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(body) => steady(&body),
        Err(_) => json!(answer.text()),
    };
    json!({ "status": answer.status, "body": body })
}

fn mail_as_recorded(mail: &Mail) -> Value {
    json!({ "envelope": { "mail_from": mail.from, "rcpt_tos": mail.to }, "headers": mail.headers, "body": mail.body })
}

/// Envelope, the headers a person sees, and the text.
fn comparable(mail: &Value) -> Value {
    let header = |name: &str| {
        let found = mail["headers"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|pair| pair[0].as_str().is_some_and(|have| have.eq_ignore_ascii_case(name)));
        found.map_or(Value::Null, |pair| pair[1].clone())
    };
    json!({
        "envelope": mail["envelope"],
        "from": header("From"), "to": header("To"), "subject": header("Subject"),
        "body": mail["body"].as_str().unwrap_or_default().trim_end(),
    })
}

/// `base64(sha256(answer || salt) || salt)` of the answers the recorded people gave.
fn hash_of_answer(entry: &Value) -> &'static str {
    if entry.get("customQuestion").is_some() { OOLONG } else { ELM_STREET }
}

const ELM_STREET: &str = "aMVfYRfTjFVS9knCXb4Gtdzpu2rOBIRYo8IvG3Q3R08BAgMEBQYHCAkKCwwNDg8Q";
const OOLONG: &str = "B3Po3mwHGQP+5PGauJx5GKtyV2bt2pSefh94YwetvvwBAgMEBQYHCAkKCwwNDg8Q";
