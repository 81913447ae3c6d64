//! What `SECURITY.md` and the standards behind it demand, each requirement under its number (`sec_NN_…`).

mod accounts;
mod attacks;
mod boundary;
mod guesses;
mod lifetimes;
mod orders;
mod proofs;
mod questions;
mod recovery;
mod secrets;

use serde_json::{Value, json};

use crate::support::{Client, Link, Person, mailbox};

/// Names a person in the plain reset and hands out the answer's token and the mailed link.
#[track_caller]
fn asks(client: &Client, process: &str, person: &Person) -> (String, Link) {
    let mark = mailbox().mark();
    let (body, token) = client.goes_on(process, None, &person.query());
    assert_eq!(body["type"], "emailValidation");
    let link = Link::in_text(&mailbox().with(mark, &person.mail, &token).body);
    (token, link)
}

/// Goes on to the last stage of the plain reset.
#[track_caller]
fn up_to_the_password(client: &Client, process: &str, person: &Person) -> String {
    let (token, link) = asks(client, process, person);
    let (body, token) = client.goes_on(process, Some(&token), &link.input());
    assert_eq!(body["type"], "resetStage");
    token
}

fn password(password: &str) -> Value {
    json!({ "password": password })
}
