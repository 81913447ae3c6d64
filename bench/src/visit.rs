//! A browser of somebody who signs in: its cookies, and the calls the stock client makes with them.
//!
//! Easiest to get wrong: a browser keeps the cookie by which the server knows it again. Without it every sign-in is one from a new
//! device, and a mail is sent about it.

use std::cell::RefCell;

use serde_json::Value;

use crate::client::{Answer, Connection, VISITOR};
use crate::{Failure, people};

/// Where everybody signs in.
const SIGN_IN: &str = "/openidm/authentication?_action=login";

/// A browser.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser {
    cookies: Vec<(String, String)>,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The headers of the stock client's requests: the cookies and the one that no form of another site can send.
    pub(crate) headers: String,
    /// The path of the person's own object, such as `managed/user/1`.
    pub(crate) own: String,
}

impl Browser {
    /// Signs in with a name and a password.
    ///
    /// # Errors
    /// When they are refused, or something is due.
    pub(crate) async fn sign_in(&mut self, connection: &mut Connection, name: &str, password: &str) -> Result<Session, Failure> {
        self.enter(connection, &format!("X-OpenIDM-Username: {name}\r\nX-OpenIDM-Password: {password}\r\n")).await
    }

    /// Signs in with what a registration ended with.
    ///
    /// # Errors
    /// When it is refused, or something is due.
    pub(crate) async fn redeem(&mut self, connection: &mut Connection, credential: &str) -> Result<Session, Failure> {
        self.enter(connection, &format!("X-OpenIDM-Jwt: {credential}\r\n")).await
    }

    async fn enter(&mut self, connection: &mut Connection, proof: &str) -> Result<Session, Failure> {
        self.cookies.retain(|(name, _)| name.contains("device"));
        let headers = format!("{}{proof}X-OpenIDM-NoSession: false\r\nX-Requested-With: XMLHttpRequest\r\n", self.cookie_header());
        let answer = connection.ask("POST", SIGN_IN, &headers, Some("")).await?;
        self.keep(&answer);
        let body = answer.json()?;
        let authorization = body.get("authorization").ok_or("the sign-in says nothing of its owner")?;
        if authorization.get("processesRequired").is_some() {
            return Err(format!("something is owed: {body}").into());
        }
        let text = |name: &str| authorization.get(name).and_then(Value::as_str).ok_or_else(|| format!("no {name}: {body}"));
        let own = format!("{}/{}", text("component")?, text("id")?);
        Ok(Session { headers: format!("{}X-Requested-With: XMLHttpRequest\r\n", self.cookie_header()), own })
    }

    fn keep(&mut self, answer: &Answer) {
        for (name, value) in answer.headers("set-cookie").filter_map(cookie) {
            self.cookies.retain(|(kept, _)| kept != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    fn cookie_header(&self) -> String {
        if self.cookies.is_empty() {
            return String::new();
        }
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("Cookie: {}\r\n", pairs.join("; "))
    }
}

/// People with a browser each, who sign in one after another and then again.
pub(crate) struct Guests {
    first: u64,
    population: u64,
    browsers: Vec<RefCell<Browser>>,
}

impl Guests {
    /// So many people of a population, beginning with a number, who were never there before.
    pub(crate) fn new(first: u64, count: u64, population: u64) -> Self {
        Self { first, population, browsers: (0..count).map(|_| RefCell::default()).collect() }
    }

    /// Lets the one whose turn it is sign in. Fewer may be under way at a time than there are guests.
    ///
    /// # Errors
    /// When the sign-in is refused, or something is due.
    pub(crate) async fn sign_in(&self, connection: &mut Connection, step: u64) -> Result<Session, Failure> {
        let turn = step % u64::try_from(self.browsers.len())?.max(1);
        let browser = self.browsers.get(usize::try_from(turn)?).ok_or("there are no guests")?;
        let mut mine = browser.take();
        let name = people::name(people::scattered(self.first + turn, self.population));
        let session = mine.sign_in(connection, &name, people::PASSWORD).await?;
        browser.replace(mine);
        Ok(session)
    }
}

impl Session {
    /// Gets a resource.
    ///
    /// # Errors
    /// When the answer is no 200.
    pub(crate) async fn get(&self, connection: &mut Connection, path: &str) -> Result<Answer, Failure> {
        connection.ask("GET", &format!("/openidm/{path}"), &self.headers, None).await
    }

    /// Gets a resource as the stock client does behind the page: everybody's credentials beside the cookie.
    ///
    /// # Errors
    /// When the answer is no 200.
    pub(crate) async fn get_hidden(&self, connection: &mut Connection, path: &str) -> Result<Answer, Failure> {
        connection.ask("GET", &format!("/openidm/{path}"), &format!("{}{VISITOR}", self.headers), None).await
    }

    /// Posts nothing.
    ///
    /// # Errors
    /// When the answer is no 200.
    pub(crate) async fn act(&self, connection: &mut Connection, path: &str) -> Result<Answer, Failure> {
        connection.ask("POST", &format!("/openidm/{path}"), &self.headers, Some("{}")).await
    }

    /// Changes a resource.
    ///
    /// # Errors
    /// When the answer is no 200.
    pub(crate) async fn patch(&self, connection: &mut Connection, path: &str, operations: &Value) -> Result<Answer, Failure> {
        connection.ask("PATCH", &format!("/openidm/{path}"), &self.headers, Some(&operations.to_string())).await
    }
}

/// Name and value of a cookie that is set.
fn cookie(header: &str) -> Option<(&str, &str)> {
    header.split(';').next()?.trim().split_once('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_ends_where_its_attributes_begin() {
        assert_eq!(cookie("session-jwt=a.b=; Path=/; HttpOnly"), Some(("session-jwt", "a.b=")));
        assert_eq!(cookie("nothing"), None);
    }
}
