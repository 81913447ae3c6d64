//! How a person walks through the peer's flows: its API for clients without a browser, which asks for the fewest requests.

use std::rc::Rc;

use serde_json::{Value, json};

use crate::client::Connection;
use crate::mailbox::Mailbox;
use crate::newcomer::Newcomer;
use crate::walk::NEW_PASSWORD;
use crate::{Failure, people};

/// Resets a password: the flow, the address, the code of the mail, the new password.
///
/// # Errors
/// When an answer or the mail is not what a person would need.
pub(crate) async fn reset(connection: &mut Connection, mailbox: &Rc<Mailbox>, number: u64) -> Result<(), Failure> {
    let flow = begin(connection, "recovery").await?;
    let address = people::mail(number);
    mailbox.discard(&address);
    submit(connection, "recovery", &flow, "", &json!({ "method": "code", "email": address })).await?;
    let code = code(&mailbox.take(&address).await?)?;
    let proven = submit(connection, "recovery", &flow, "", &json!({ "method": "code", "code": code })).await?;
    let next = |action: &str, member: &str| {
        let steps = proven.get("continue_with")?.as_array()?;
        let step = steps.iter().find(|step| step.get("action").is_some_and(|found| found == action))?;
        step.pointer(member)?.as_str().map(str::to_owned)
    };
    let flow = next("show_settings_ui", "/flow/id").ok_or_else(|| format!("no settings after the code: {proven}"))?;
    let token = next("set_ory_session_token", "/ory_session_token").ok_or_else(|| format!("no session after the code: {proven}"))?;
    let session = format!("X-Session-Token: {token}\r\n");
    let password = json!({ "method": "password", "password": format!("{NEW_PASSWORD}{number}") });
    let done = submit(connection, "settings", &flow, &session, &password).await?;
    if done.get("state").is_some_and(|state| state == "success") { Ok(()) } else { Err(format!("no new password: {done}").into()) }
}

/// Signs in.
///
/// # Errors
/// When the password is refused.
pub(crate) async fn sign_in(connection: &mut Connection, number: u64) -> Result<(), Failure> {
    let flow = begin(connection, "login").await?;
    let body = json!({ "method": "password", "identifier": people::mail(number), "password": people::PASSWORD });
    signed_in(&submit(connection, "login", &flow, "", &body).await?)
}

/// Registers: the form, the code of the mail that proves the address, signed in.
///
/// # Errors
/// When an answer or the mail is not what a person would need.
pub(crate) async fn register(connection: &mut Connection, mailbox: &Rc<Mailbox>, number: u64) -> Result<(), Failure> {
    let flow = begin(connection, "registration").await?;
    let Newcomer { name, mail } = Newcomer::new(number);
    // The same people register at both servers, and both write to one mailbox.
    mailbox.discard(&mail);
    let body = json!({ "method": "password", "password": people::PASSWORD, "traits": { "name": name, "mail": mail } });
    let made = submit(connection, "registration", &flow, "", &body).await?;
    signed_in(&made)?;
    let mut steps = made.get("continue_with").and_then(Value::as_array).into_iter().flatten();
    let flow = steps.find_map(|step| step.pointer("/flow/id")?.as_str()).ok_or_else(|| format!("nothing to verify: {made}"))?;
    let code = code(&mailbox.take(&mail).await?)?;
    let proven = submit(connection, "verification", flow, "", &json!({ "method": "code", "code": code })).await?;
    if proven.get("state").is_some_and(|state| state == "passed_challenge") {
        Ok(())
    } else {
        Err(format!("not verified: {proven}").into())
    }
}

async fn begin(connection: &mut Connection, flow: &str) -> Result<String, Failure> {
    let begun = connection.ask("GET", &format!("/self-service/{flow}/api"), "", None).await?.json()?;
    Ok(begun.get("id").and_then(Value::as_str).ok_or_else(|| format!("no flow: {begun}"))?.to_owned())
}

async fn submit(connection: &mut Connection, kind: &str, flow: &str, headers: &str, body: &Value) -> Result<Value, Failure> {
    let headers = format!("{headers}Accept: application/json\r\n");
    connection.ask("POST", &format!("/self-service/{kind}?flow={flow}"), &headers, Some(&body.to_string())).await?.json()
}

fn signed_in(answer: &Value) -> Result<(), Failure> {
    if answer.get("session_token").is_some_and(Value::is_string) { Ok(()) } else { Err(format!("not signed in: {answer}").into()) }
}

/// The six digits that stand on a line of their own.
fn code(mail: &str) -> Result<String, Failure> {
    let alone = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    mail.lines().map(str::trim).find(alone).map(str::to_owned).ok_or_else(|| "the peer's mail has no code".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_on_a_line_of_its_own() {
        assert_eq!(code("Date: 123456\r\n\r\nuse this code:\r\n\r\n654321\r\n").unwrap(), "654321");
        assert!(code("Date: 123456\r\n1234567\r\n").is_err());
    }
}
