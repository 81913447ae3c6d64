//! Finding the server that can be written to. All hosts are asked at once, so that one that does not answer costs no time, and each is asked
//! by SQL what it is: what a server says when a connection begins may be remembered by something in between.
//!
//! Easiest to break: the plan. Joins are told to look rows up (`enable_…`): what objects are found by must cost the same on any store.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::task::JoinSet;
use tokio_postgres::config::SslMode as Encrypted;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Address, Host, SslMode};
use super::connection::Connection;
use super::faults::{Fault, describe};
use super::locks::Lock;

type Driver = tokio_postgres::Connection<Socket, <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<Socket>>::Stream>;

/// The oldest server that is served, as `server_version_num` has it.
const OLDEST: i64 = 13_00_00;
/// The youngest that was tested.
const YOUNGEST: i64 = 18;

/// What a session is told. Nobody else is on it, so it need not be taken back.
const SESSION: &str = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; SET jit = off; \
     SET max_parallel_workers_per_gather = 0; SET client_min_messages = 'warning'; SET idle_in_transaction_session_timeout = '20s'; \
     SET standard_conforming_strings = on";
/// A lock is waited for so long at most: another transaction that holds it for longer is in trouble.
const LOCK: Duration = Duration::from_secs(10);

fn session(address: &Address) -> String {
    let (statement, lock) = (address.statement.as_millis(), address.statement.min(LOCK).as_millis());
    format!("{SESSION}; SET statement_timeout = {statement}; SET lock_timeout = {lock}")
}

/// The same for one transaction, where the next one may be somebody else's.
pub(super) fn for_transaction(address: &Address) -> String {
    format!("SET LOCAL search_path = {}; {}", quoted(&address.schema), session(address).replace("SET ", "SET LOCAL "))
}

/// Who to connect to, with everything that is read from files.
pub(super) struct Ways {
    address: Arc<Address>,
    tls: ClientConfig,
}

impl Ways {
    pub(super) fn new(address: Arc<Address>) -> Result<Self, String> {
        let tls = super::tls::config(&address)?;
        Ok(Self { address, tls })
    }

    pub(super) fn address(&self) -> &Arc<Address> {
        &self.address
    }

    /// A connection to the server that can be written to; a sentence that says of each host why it is not the one.
    pub(super) fn connect(&self) -> Result<Connection, Refusal> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        let (client, driver) = runtime.block_on(self.find())?;
        Ok(Connection::new(runtime, client, driver, &self.address, MakeRustlsConnect::new(self.tls.clone())))
    }

    async fn find(&self) -> Result<(Client, Driver), Refusal> {
        let mut asked = JoinSet::new();
        for (position, host) in self.address.hosts.iter().enumerate() {
            let (address, tls, host) = (Arc::clone(&self.address), self.tls.clone(), host.clone());
            asked.spawn(async move { (position, greet(&address, tls, &host).await) });
        }
        let mut refusals = Vec::new();
        while let Some(answer) = asked.join_next().await {
            match answer {
                Ok((_, Ok(found))) => return Ok(found),
                Ok((position, Err(refusal))) => refusals.push((position, refusal)),
                Err(error) => refusals.push((usize::MAX, error.to_string().into())),
            }
        }
        refusals.sort_by_key(|(position, _)| *position);
        let is_full = refusals.iter().any(|(_, refusal)| refusal.is_full);
        Err(Refusal { why: refusals.into_iter().map(|(_, refusal)| refusal.why).collect::<Vec<_>>().join("; "), is_full })
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) why: String,
    /// A server takes no more of them; those that there are work.
    pub(super) is_full: bool,
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self { why, is_full: false }
    }
}

async fn greet(address: &Address, tls: ClientConfig, host: &Host) -> Result<(Client, Driver), Refusal> {
    let mut config = tokio_postgres::Config::new();
    if host.is_socket() {
        config.host_path(&host.name)
    } else {
        config.host(&host.name)
    };
    config.port(host.port).user(&address.user).dbname(&address.database).application_name(&address.application);
    config.connect_timeout(address.connect).keepalives_idle(Duration::from_secs(10)).keepalives_interval(Duration::from_secs(3));
    config.keepalives_retries(3).tcp_user_timeout(Duration::from_secs(10));
    let plain = address.ssl == SslMode::Disable || host.is_socket();
    config.ssl_mode(if plain { Encrypted::Disable } else { Encrypted::Require });
    if let Some(password) = address.password_for(host)? {
        config.password(password);
    }
    let connecting = tokio::time::timeout(address.connect, config.connect(MakeRustlsConnect::new(tls)));
    let connected = connecting.await.map_err(|_| format!("{host} did not answer within {} s", address.connect.as_secs()))?;
    let (client, mut driver) = connected.map_err(|error| refusal(address, host, &error))?;
    let asked = tokio::time::timeout(address.connect, beside(&mut driver, introduce(&client, address, host)));
    let asked = asked.await.map_err(|_| format!("{host} did not answer within {} s", address.connect.as_secs()))?;
    asked.ok_or_else(|| format!("{host} closed the connection"))??;
    Ok((client, driver))
}

/// Works on a connection while something on it is waited for; `None` when the connection ends before.
async fn beside<T>(driver: &mut Driver, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| {
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            match driver.poll_message(context) {
                Poll::Ready(Some(Ok(_))) => {}
                // Whatever has arrived before is an answer still.
                Poll::Ready(Some(Err(_)) | None) => {
                    return Poll::Ready(if let Poll::Ready(done) = work.as_mut().poll(context) { Some(done) } else { None });
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

/// What a server is asked before anything else.
const WHAT: &str = "SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') AS read_only, \
     current_setting('server_version_num') AS number, current_setting('server_version') AS version, version() AS engine, \
     current_setting('server_encoding') AS encoding";

async fn introduce(client: &Client, address: &Address, host: &Host) -> Result<(), Refusal> {
    let failed = |error: tokio_postgres::Error| refusal(address, host, &error);
    let told = if address.pooled {
        WHAT.to_owned()
    } else {
        let serving = Lock::Serving.number(&address.schema);
        let (schema, session) = (quoted(&address.schema), session(address));
        format!("SET search_path = {schema}; {session}; {WHAT}, pg_try_advisory_lock_shared({serving}) AS let_in")
    };
    let answer = client.simple_query(&told).await.map_err(failed)?;
    let row = answer.iter().find_map(|message| if let SimpleQueryMessage::Row(row) = message { Some(row) } else { None });
    let row = row.ok_or_else(|| format!("{host} does not say what it is"))?;
    let said = |column: &str| row.get(column).unwrap_or_default();
    let engine = said("engine");
    if !engine.starts_with("PostgreSQL ") || engine.contains("-YB-") {
        return Err(format!("{host} is no PostgreSQL but something that speaks its protocol, which is not supported").into());
    }
    let number: i64 = said("number").parse().unwrap_or_default();
    if number < OLDEST {
        return Err(format!("{host} is PostgreSQL {}, and 13 is the oldest that is supported", said("version")).into());
    }
    if number / 10_000 > YOUNGEST {
        tracing::warn!(host = %host, version = said("version"), "this version of PostgreSQL is younger than the ones that were tested");
    }
    if said("encoding") != "UTF8" {
        return Err(
            format!("the database '{}' at {host} has the encoding {}, and UTF8 is needed", address.database, said("encoding")).into()
        );
    }
    // What is empty during a switch is as good as a no.
    if said("standby") != "f" {
        return Err(format!("{host} is a standby, which cannot be written to").into());
    }
    if said("read_only") != "off" {
        return Err(format!("the database '{}' at {host} is read-only", address.database).into());
    }
    if !address.pooled && said("let_in") != "t" {
        return Err(format!("the store at {host} is being moved to another one").into());
    }
    Ok(())
}

/// A name, as SQL has it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Why a host is not the one.
fn refusal(address: &Address, host: &Host, error: &tokio_postgres::Error) -> Refusal {
    let is_full = error.code().is_some_and(|state| super::faults::fault(state) == Fault::Full);
    Refusal { why: sentence(address, host, error), is_full }
}

/// The same for the operator.
fn sentence(address: &Address, host: &Host, error: &tokio_postgres::Error) -> String {
    let (user, database) = (&address.user, &address.database);
    if let Some(state) = error.code() {
        let said = describe(error);
        return match *state {
            SqlState::INVALID_PASSWORD => format!("{host} refuses the password of '{user}'"),
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION => format!("{host} does not let '{user}' in: {said}"),
            SqlState::INVALID_CATALOG_NAME => format!("there is no database '{database}' at {host}"),
            SqlState::TOO_MANY_CONNECTIONS => format!("{host} takes no more connections: {said}"),
            SqlState::CANNOT_CONNECT_NOW => format!("{host} is not ready: {said}"),
            _ => format!("{host}: {said}"),
        };
    }
    let said = describe(error);
    if said.contains("server does not support TLS") {
        return format!("{host} offers no TLS; sslmode=disable goes without it, where nobody else is on the way");
    }
    if said.contains("password missing") {
        return format!(
            "{host} asks for a password of '{user}', and there is none in the address, in VESTIBULE_STORE_PASSWORD, in a password file or in \
             .pgpass"
        );
    }
    let said = said.strip_prefix("error connecting to server: ").unwrap_or(&said);
    match said.split_once("certificate") {
        Some(_) => format!("the certificate of {host} is not believed: {said}"),
        None => format!("{host} cannot be reached: {said}"),
    }
}
