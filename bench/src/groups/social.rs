//! Signing in with an identity provider: the way there, the answer (code, ID token, profile), and the sign-in with what it proved. The provider is
//! a stand-in outside of the server, so that its work is nobody's cost here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::client::{Connection, VISITOR, drive};
use crate::figure::{Figure, Group, Unit};
use crate::groups::{Bench, Cost, each};
use crate::provider::Provider;
use crate::server::Server;
use crate::{Failure, project, walk};

const CONNECTIONS: usize = 8;
/// People, who register with their accounts there, and the sign-ins of a round: one each.
const PEOPLE: u64 = 1000;
/// The provider's name.
const NAME: &str = "acme";

/// What somebody has at a point of their way.
type Held = Rc<RefCell<BTreeMap<u64, (String, String)>>>;

/// What one round cost.
struct Round {
    there: Cost,
    back: Cost,
    sign_in: Cost,
}

impl Round {
    /// Milliseconds of CPU time of all three.
    fn total(&self) -> f64 {
        self.there.total() + self.back.total() + self.sign_in.total()
    }
}

/// Those who go to the provider and come back.
struct Way {
    provider: Rc<Provider>,
    held: Held,
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let provider = Rc::new(Provider::start().await?);
    let root = bench.work.path().join("projectWithProvider");
    project::write_with_provider(&root, bench.mailbox.port(), &provider.file(NAME))?;
    let server = bench.launch.start(Some(&root), &bench.data())?;
    let way = Way { provider, held: Held::default() };
    way.goes(&server).await?;
    way.comes_back(&server).await?;
    let registrations = way.registers(&server).await?;
    let mut rounds = Vec::new();
    for _ in 0..bench.extent.rounds {
        let (there, back) = (way.goes(&server).await?, way.comes_back(&server).await?);
        rounds.push(Round { there, back, sign_in: way.signs_in(&server).await? });
    }
    server.stop()?;
    let part = |name: &str, of: fn(&Round) -> f64| Figure::new(name, Unit::CpuMilliseconds, each(&rounds, of));
    Ok(Group {
        title: "Identity provider (1 000 linked people, 8 at a time; the provider stands outside of the server)",
        figures: vec![
            part("sign-in: CPU", Round::total),
            part("the way there: CPU", |round| round.there.total()),
            part("the answer (code, ID token, profile): CPU", |round| round.back.total()),
            part("the sign-in with its token: CPU", |round| round.sign_in.total()),
            Figure::new("sign-ins per second of CPU time", Unit::PerSecond, each(&rounds, |round| 1e3 / round.total())),
            Figure::new(
                "sign-in: hashes",
                Unit::Count,
                each(&rounds, |round| round.there.hashes + round.back.hashes + round.sign_in.hashes),
            ),
            Figure::new("registration with the profile, without mail: CPU", Unit::CpuMilliseconds, vec![registrations.total()]),
        ],
    })
}

fn subject(number: u64) -> String {
    format!("subject{number:05}")
}

fn text(answer: &Value, name: &str) -> Result<String, Failure> {
    Ok(answer.get(name).and_then(Value::as_str).ok_or_else(|| format!("no {name} in {answer}"))?.to_owned())
}

impl Way {
    /// Everybody begins: each holds an address and what their browser keeps.
    async fn goes(&self, server: &Server) -> Result<Cost, Failure> {
        let held = Rc::clone(&self.held);
        let work = async move |connection: &mut Connection, number: u64| {
            let asked = json!({ "provider": NAME, "landingPage": "http://localhost/#/login" });
            let sent = connection.post("/openidm/identityProviders?_action=getAuthRedirect", &asked).await?;
            let way = (text(&sent, "redirect")?, text(&sent, "token")?);
            held.borrow_mut().insert(number, way);
            Ok(())
        };
        Cost::of(server, PEOPLE, drive(server.address(), CONNECTIONS, 0..PEOPLE, work)).await
    }

    /// Everybody is back: each holds a client token.
    async fn comes_back(&self, server: &Server) -> Result<Cost, Failure> {
        let (held, provider) = (Rc::clone(&self.held), Rc::clone(&self.provider));
        let work = async move |connection: &mut Connection, number: u64| {
            let (url, kept) = held.borrow().get(&number).cloned().ok_or("somebody did not begin")?;
            let answer = provider.answer(&url, &subject(number))?;
            let headers = format!("{VISITOR}X-OpenIDM-DataStoreToken: {kept}\r\n");
            let target = "/openidm/identityProviders?_action=handlePostAuth";
            let proven = connection.ask("POST", target, &headers, Some(&answer.to_string())).await?.json()?;
            held.borrow_mut().insert(number, (String::new(), text(&proven, "token")?));
            Ok(())
        };
        Cost::of(server, PEOPLE, drive(server.address(), CONNECTIONS, 0..PEOPLE, work)).await
    }

    /// Everybody registers with what they hold.
    async fn registers(&self, server: &Server) -> Result<Cost, Failure> {
        let held = Rc::clone(&self.held);
        let work = async move |connection: &mut Connection, number: u64| {
            let (_, token) = held.borrow().get(&number).cloned().ok_or("somebody did not come back")?;
            let input = json!({ "clientToken": token, "oauthRegister": "true" });
            walk::ends(&walk::submit(connection, project::WITH_PROVIDER, None, &input).await?)
        };
        Cost::of(server, PEOPLE, drive(server.address(), CONNECTIONS, 0..PEOPLE, work)).await
    }

    /// Everybody signs in with what they hold, and has a session.
    async fn signs_in(&self, server: &Server) -> Result<Cost, Failure> {
        let held = Rc::clone(&self.held);
        let work = async move |connection: &mut Connection, number: u64| {
            let (_, token) = held.borrow().get(&number).cloned().ok_or("somebody did not come back")?;
            let headers = format!("X-OpenIDM-OAuth-Login: true\r\nX-OpenIDM-NoSession: false\r\nX-OpenIDM-DataStoreToken: {token}\r\n");
            let body = connection.ask("POST", "/openidm/authentication?_action=login", &headers, Some("")).await?.json()?;
            if body.pointer("/authorization/id").is_some_and(Value::is_string) {
                Ok(())
            } else {
                Err(format!("not signed in: {body}").into())
            }
        };
        Cost::of(server, PEOPLE, drive(server.address(), CONNECTIONS, 0..PEOPLE, work)).await
    }
}
