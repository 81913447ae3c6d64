//! What one answer gives and a later request sends back: each server is sent its own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::recording::Exchange;

/// Texts of an answer that are carried on are not shorter: words are not, and tokens and ids are.
const SHORTEST: usize = 16;
/// The member of a request, and of an answer, that is the snapshot token.
const TOKEN: &str = "token";

/// Recorded values, and what stands for them at one server.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    values: BTreeMap<String, String>,
    /// Names of questions as they were recorded, and as this server gives them: each draws its own order.
    questions: BTreeMap<String, String>,
    /// Tokens of recorded answers to requests that were not sent here, or were refused.
    lost: BTreeSet<String>,
    /// Tokens of recorded answers that asked other questions than this server did.
    drawn: BTreeSet<String>,
    /// The last token of each process.
    last: BTreeMap<String, String>,
}

/// What a request needs that no answer of this run gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// Nothing: it can be sent.
    Nothing,
    /// The code of a mail.
    Code,
    /// The answer to a request that was not sent, or was refused.
    Earlier,
    /// Answers to security questions that were not asked when the recording was made: each server draws its own.
    Answers,
}

impl Carried {
    /// Whether a request can be made of what is known.
    #[must_use]
    pub fn needs(&self, exchange: &Exchange) -> Needed {
        let token = exchange.body.get(TOKEN).and_then(Value::as_str).unwrap_or_default();
        if self.lost.contains(token) {
            return Needed::Earlier;
        }
        if self.drawn.contains(token) {
            return Needed::Answers;
        }
        match code_of(&exchange.body) {
            Some(code) if !self.values.contains_key(code) => Needed::Code,
            _ => Needed::Nothing,
        }
    }

    /// The path and the body of a request as this server is sent them; `code` stands for the code of a mail, where it needs one.
    #[must_use]
    pub fn request(&self, exchange: &Exchange, code: Option<&str>) -> (String, Value) {
        let mut body = self.filled(&exchange.body);
        if let (Some(code), Some(input)) = (code, body.get_mut("input").and_then(Value::as_object_mut)) {
            input.insert("code".to_owned(), json!(code));
        }
        // A token out of a mail, at the top or among what was typed, means what the last answer's token means.
        for place in ["/token", "/input/token"] {
            let of_mail = exchange.body.pointer(place).and_then(Value::as_str).is_some_and(|token| !self.values.contains_key(token));
            if let (true, Some(last), Some(own)) = (of_mail, self.last.get(process(&exchange.path)), body.pointer_mut(place)) {
                *own = json!(last);
            }
        }
        let path = self.values.iter().fold(exchange.path.clone(), |path, (recorded, own)| path.replace(recorded, own));
        (path, body)
    }

    /// Takes what this server answered in the place of what was recorded.
    pub fn learn(&mut self, exchange: &Exchange, own: &Value) {
        if let Some(token) = own.get(TOKEN).and_then(Value::as_str) {
            self.last.insert(process(&exchange.path).to_owned(), token.to_owned());
        } else {
            // What was refused here, or ended, does not go on as it was recorded.
            self.passes(exchange);
        }
        let questions = |answer: &Value| -> Vec<Value> {
            let asked = answer.pointer("/requirements/properties").and_then(Value::as_object);
            asked.into_iter().flat_map(Map::values).filter(|asked| is_question(asked)).cloned().collect()
        };
        let known = questions(&exchange.answer);
        if questions(own).iter().any(|asked| !known.iter().any(|known| is_same_question(known, asked))) {
            self.drawn.extend(exchange.answer.get(TOKEN).and_then(Value::as_str).map(str::to_owned));
        }
        self.pair(&exchange.answer, own);
    }

    /// Notes that a request was not sent here.
    pub fn passes(&mut self, exchange: &Exchange) {
        self.lost.extend(exchange.answer.get(TOKEN).and_then(Value::as_str).map(str::to_owned));
    }

    fn pair(&mut self, recorded: &Value, own: &Value) {
        match (recorded, own) {
            (Value::Object(recorded), Value::Object(own)) => {
                for (name, value) in recorded {
                    let named = own.get(name).filter(|there| is_same_question(value, there) || !is_question(value));
                    let asked = || own.iter().find(|(_, there)| is_question(value) && is_same_question(value, there));
                    match (named, asked()) {
                        (Some(there), _) => self.pair(value, there),
                        (None, Some((other, _))) => drop(self.questions.insert(name.clone(), other.clone())),
                        _ => {}
                    }
                }
            }
            (Value::Array(recorded), Value::Array(own)) => recorded.iter().zip(own).for_each(|(recorded, own)| self.pair(recorded, own)),
            (Value::String(recorded), Value::String(own)) if recorded.len() >= SHORTEST && !recorded.contains(' ') => {
                self.values.insert(recorded.clone(), own.clone());
            }
            _ => {}
        }
    }

    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => json!(self.values.get(text).unwrap_or(text)),
            Value::Array(elements) => elements.iter().map(|element| self.filled(element)).collect(),
            Value::Object(members) => {
                let filled = members.iter().map(|(name, value)| (self.questions.get(name).unwrap_or(name).clone(), self.filled(value)));
                Value::Object(filled.collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }
}

/// A security question of requirements: the words differ, the names are given in the order in which they are drawn.
fn is_question(value: &Value) -> bool {
    value.get("systemQuestion").is_some() || value.get("userQuestion").is_some()
}

fn is_same_question(left: &Value, right: &Value) -> bool {
    ["systemQuestion", "userQuestion"].iter().all(|kind| left.get(kind) == right.get(kind))
}

/// The code of a mail in a request.
fn code_of(body: &Value) -> Option<&str> {
    body.pointer("/input/code").and_then(Value::as_str)
}

/// The process of a path: `selfservice/reset?_action=…` is one of `selfservice/reset`.
fn process(path: &str) -> &str {
    path.split('?').next().unwrap_or_default().trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(body: Value, answer: Value) -> Exchange {
        let (method, path) = ("POST".to_owned(), "selfservice/reset?_action=submitRequirements".to_owned());
        Exchange { number: 1, method, path, headers: Vec::new(), body, answer }
    }

    #[test]
    fn each_request_has_the_token_of_this_servers_own_answer() {
        let (recorded, own) = ("recorded-token-0123456789", "own-token-0123456789");
        let first = exchange(json!({ "input": {} }), json!({ "token": recorded, "type": "userQuery" }));
        let mut carried = Carried::default();
        carried.learn(&first, &json!({ "token": own, "type": "userQuery" }));
        let next = exchange(json!({ "token": recorded, "input": { "queryFilter": "mail eq \"a\"" } }), Value::Null);
        assert_eq!(carried.needs(&next), Needed::Nothing);
        assert_eq!(carried.request(&next, None).1, json!({ "token": own, "input": { "queryFilter": "mail eq \"a\"" } }));
    }

    #[test]
    fn a_code_comes_from_a_mail_and_what_follows_an_exchange_that_was_not_made_is_not_made() {
        let (recorded, own) = ("recorded-token-0123456789", "own-token-0123456789");
        let mut carried = Carried::default();
        carried.learn(&exchange(json!({}), json!({ "token": recorded })), &json!({ "token": own }));
        let coded = exchange(
            json!({ "token": "token-of-the-mail-0123", "input": { "token": "token-of-the-mail-0123", "code": "123456" } }),
            json!({ "token": "later-token-0123456789" }),
        );
        assert_eq!(carried.needs(&coded), Needed::Code);
        assert_eq!(carried.request(&coded, Some("999")).1, json!({ "token": own, "input": { "token": own, "code": "999" } }));
        carried.passes(&coded);
        let next = exchange(json!({ "token": "later-token-0123456789", "input": {} }), Value::Null);
        assert_eq!(carried.needs(&next), Needed::Earlier);
    }

    #[test]
    fn questions_are_answered_under_the_names_that_this_server_gives_them() {
        let asked = |names: [&str; 2]| {
            let question = |text: &str| json!({ "systemQuestion": { "en": text } });
            json!({ "requirements": { "properties": { names[0]: question("colour?"), names[1]: question("pet?") } } })
        };
        let mut carried = Carried::default();
        carried.learn(&exchange(json!({}), asked(["answer1", "answer2"])), &asked(["answer2", "answer1"]));
        let answers = exchange(json!({ "input": { "answer1": "blue", "answer2": "cat" } }), Value::Null);
        assert_eq!(carried.request(&answers, None).1, json!({ "input": { "answer2": "blue", "answer1": "cat" } }));
        let (mut recorded, mut own) = (asked(["answer1", "answer2"]), asked(["answer1", "answer2"]));
        recorded["token"] = json!("recorded-token-0123456789");
        own["token"] = json!("own-token-0123456789");
        own["requirements"]["properties"]["answer2"] = json!({ "systemQuestion": { "en": "street?" } });
        carried.learn(&exchange(json!({}), recorded), &own);
        let answers = exchange(json!({ "token": "recorded-token-0123456789", "input": {} }), Value::Null);
        assert_eq!(carried.needs(&answers), Needed::Answers);
    }
}
