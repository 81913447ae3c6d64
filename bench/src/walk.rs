//! How a person walks through a process, request by request, as the stock pages send them.

use std::rc::Rc;

use serde_json::{Value, json};

use crate::client::Connection;
use crate::mailbox::{Mailbox, between};
use crate::reader::Reader;
use crate::{Failure, people};

/// The password a reset sets.
pub(crate) const NEW_PASSWORD: &str = "N3wPassword!";

/// Resets a password: the form, four submissions, the mail with the code and the one that tells of the change.
///
/// # Errors
/// When an answer or the mail is not what a person would need.
pub(crate) async fn reset(connection: &mut Connection, mailbox: &Rc<Mailbox>, number: u64) -> Result<(), Failure> {
    connection.get("/openidm/selfservice/reset").await?;
    let first = submit(connection, "reset", None, &json!({})).await?;
    let address = people::mail(number);
    mailbox.discard(&address);
    let named = submit(connection, "reset", Some(&first), &json!({ "queryFilter": format!("mail eq \"{address}\"") })).await?;
    let mail = mailbox.take(&address).await?;
    let code = between(&mail, "<strong>", "</strong>").ok_or("the mail has no code")?;
    let proven = submit(connection, "reset", Some(&named), &json!({ "code": code })).await?;
    ends(&submit(connection, "reset", Some(&proven), &json!({ "password": NEW_PASSWORD })).await?)?;
    mailbox.take(&address).await.map(drop)
}

/// The same on the server's own pages: seven requests, of which three send a form.
///
/// # Errors
/// When a page or the mail is not what a person would need.
pub(crate) async fn reset_in_browser(connection: &mut Connection, mailbox: &Rc<Mailbox>, number: u64) -> Result<(), Failure> {
    let mut reader = Reader::default();
    let asks = reader.open(connection, "/reset").await?;
    let address = people::mail(number);
    mailbox.discard(&address);
    let waits = reader.send(connection, &asks, &[("who", &address)]).await?;
    let mail = mailbox.take(&address).await?;
    let code = between(&mail, "<strong>", "</strong>").ok_or("the mail has no code")?;
    let proven = reader.send(connection, &waits, &[("code", &code)]).await?;
    let done = reader.send(connection, &proven, &[("password", NEW_PASSWORD)]).await?;
    if !done.says("Your password is changed") {
        return Err("the reset does not end".into());
    }
    mailbox.take(&address).await.map(drop)
}

/// Asks for a forgotten user name: the form, one submission, one mail.
///
/// # Errors
/// When an answer or the mail is not what a person would need.
pub(crate) async fn username(connection: &mut Connection, mailbox: &Rc<Mailbox>, number: u64) -> Result<(), Failure> {
    connection.get("/openidm/selfservice/username").await?;
    let address = people::mail(number);
    mailbox.discard(&address);
    ends(&submit(connection, "username", None, &json!({ "queryFilter": format!("mail eq \"{address}\"") })).await?)?;
    let mail = mailbox.take(&address).await?;
    if mail.contains(&people::name(number)) { Ok(()) } else { Err("the mail does not name the user".into()) }
}

/// Signs in and keeps no session.
///
/// # Errors
/// When the password is refused.
pub(crate) async fn sign_in(connection: &mut Connection, number: u64) -> Result<(), Failure> {
    let (name, password) = (people::name(number), people::PASSWORD);
    let headers = format!("X-OpenIDM-Username: {name}\r\nX-OpenIDM-Password: {password}\r\nX-OpenIDM-NoSession: true\r\n");
    let body = connection.ask("POST", "/openidm/authentication?_action=login", &headers, Some("")).await?.json()?;
    if body.pointer("/authorization/id").is_some_and(Value::is_string) { Ok(()) } else { Err(format!("not signed in: {body}").into()) }
}

/// Begins a process that asks a security question, and leaves.
///
/// # Errors
/// When nothing is asked.
pub(crate) async fn begin(connection: &mut Connection, process: &str, number: u64) -> Result<(), Failure> {
    let name = people::name(number);
    let waiting = submit(connection, process, None, &json!({ "queryFilter": format!("userName eq \"{name}\"") })).await?;
    if waiting.get("token").is_some_and(Value::is_string) { Ok(()) } else { Err(format!("{process} asks nothing: {waiting}").into()) }
}

/// Submits to a process, with the token of the answer before.
///
/// # Errors
/// When the answer is no 200.
pub(crate) async fn submit(connection: &mut Connection, process: &str, before: Option<&Value>, input: &Value) -> Result<Value, Failure> {
    let token = before.and_then(|answer| answer.get("token"));
    let body = match token {
        None => json!({ "input": input }),
        Some(token) => json!({ "token": token, "input": input }),
    };
    connection.post(&format!("/openidm/selfservice/{process}?_action=submitRequirements"), &body).await
}

/// # Errors
/// When the process goes on.
pub(crate) fn ends(answer: &Value) -> Result<(), Failure> {
    if answer.get("tag").is_some_and(|tag| tag == "end") { Ok(()) } else { Err(format!("not the end: {answer}").into()) }
}
