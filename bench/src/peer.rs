//! Another product beside ours, in the same run: Ory Kratos with our hash parameters and our mail server.
//!
//! Easiest to get wrong: only what both do is compared. Its people are filled in through its own administration, its mails are part of
//! the cost, and it is held on the same core.

mod walk;

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use identity::secret::{HashParameters, Secret};
use serde_json::{Value, json};

pub(crate) use self::walk::{register, reset, sign_in};
use crate::client::Connection;
use crate::postgres::{Store, free};
use crate::server::Launch;
use crate::{Failure, account, people};

/// How long it may take until it answers.
const PATIENCE: Duration = Duration::from_mins(1);
/// People of one request to its administration.
const BATCH: u64 = 200;
/// The name of our schema of a person.
const SCHEMA: &str = "person";

/// A running peer.
pub(crate) struct Peer {
    child: Child,
    store: Store,
    public: SocketAddr,
    admin: SocketAddr,
}

impl Peer {
    /// Makes its store below `place`, starts it and waits until it is ready. It sends mails to the port `mailbox`.
    ///
    /// # Errors
    /// When it makes no store, ends or is not ready within a minute; what it said is in `place`.
    pub(crate) async fn start(binary: &Path, launch: &Launch, place: &Path, mailbox: u16) -> Result<Self, Failure> {
        std::fs::create_dir_all(place)?;
        let (store, public, admin) = (Store::start()?, free()?, free()?);
        let config = place.join("peer.json");
        std::fs::write(&config, configuration(place, &dsn(&store), public, admin, mailbox)?.to_string())?;
        let log = place.join("peer.log");
        let mut making = command(binary, launch, place);
        making.args(["migrate", "sql", "--read-from-env", "--yes", "--config"]).arg(&config).env("DSN", dsn(&store));
        if !making.stdout(Stdio::null()).stderr(File::create(&log)?).status()?.success() {
            return Err(format!("the peer makes no store: {}", std::fs::read_to_string(&log)?).into());
        }
        let mut serving = command(binary, launch, place);
        serving.args(["serve", "--watch-courier", "--sqa-opt-out", "--config"]).arg(&config);
        let child = serving.stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?;
        let mut peer = Self { child, store, public, admin };
        match tokio::time::timeout(PATIENCE, peer.ready()).await {
            Ok(Ok(())) => Ok(peer),
            Ok(Err(failure)) => Err(format!("{failure}: {}", std::fs::read_to_string(&log)?).into()),
            Err(_) => Err(format!("the peer is not ready: {}", std::fs::read_to_string(&log)?).into()),
        }
    }

    async fn ready(&mut self) -> Result<(), Failure> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the peer ended with {status}").into());
            }
            if let Ok(mut connection) = Connection::open(self.admin).await
                && connection.ask("GET", "/admin/health/ready", "", None).await.is_ok()
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Puts `population` people into it, with the names and the password of ours.
    ///
    /// # Errors
    /// When it refuses.
    pub(crate) async fn fill(&self, population: u64) -> Result<(), Failure> {
        let hashed = identity::secret::hash(&Secret::password(people::PASSWORD)?, [7; 16], &HashParameters::default())?;
        let mut connection = Connection::open(self.admin).await?;
        let mut from = 0;
        while from < population {
            let until = population.min(from + BATCH);
            let created = (from..until).map(|number| json!({ "create": person(number, &hashed) })).collect::<Vec<_>>();
            let body = json!({ "identities": created }).to_string();
            let answer = connection.ask("PATCH", "/admin/identities", "", Some(&body)).await?.json()?;
            let refused =
                answer.pointer("/identities").and_then(Value::as_array).is_none_or(|all| all.iter().any(|one| one["action"] != "create"));
            if refused {
                return Err(format!("the peer did not take people {from} to {until}: {answer}").into());
            }
            from = until;
        }
        Ok(())
    }

    /// Where people go.
    pub(crate) fn address(&self) -> SocketAddr {
        self.public
    }

    /// Its CPU time so far, and its store's: ours is in our process.
    ///
    /// # Errors
    /// When one of them has ended.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        Ok(account::cpu(self.child.id())? + self.store.cpu()?)
    }

    /// What it costs while nobody asks anything, per second: it looks for mails and cleans up all the time.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) async fn at_rest(&self) -> Result<f64, Failure> {
        const WHILE: Duration = Duration::from_secs(3);
        let before = self.cpu()?;
        tokio::time::sleep(WHILE).await;
        Ok(self.cpu()?.saturating_sub(before).as_secs_f64() / WHILE.as_secs_f64())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // There is nobody to tell about a failure, and what it leaves is below the run's own directory.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Its store, as it names one.
fn dsn(store: &Store) -> String {
    format!("{}&max_conns=20&max_idle_conns=20", store.url())
}

fn command(binary: &Path, launch: &Launch, place: &Path) -> Command {
    let mut command = launch.command(binary);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", place);
    command.current_dir(place).stdin(Stdio::null());
    command
}

/// A person of its schema; they have proven their address, as ours have.
fn person(number: u64, hashed: &str) -> Value {
    let mail = people::mail(number);
    json!({
        "schema_id": SCHEMA,
        "traits": { "name": people::name(number), "mail": mail },
        "credentials": { "password": { "config": { "hashed_password": hashed } } },
        "verifiable_addresses": [{ "value": mail, "verified": true, "via": "email", "status": "completed" }],
    })
}

fn configuration(place: &Path, dsn: &str, public: SocketAddr, admin: SocketAddr, mailbox: u16) -> Result<Value, Failure> {
    let schema = place.join("person.schema.json");
    std::fs::write(&schema, person_schema().to_string())?;
    let page = |name: &str| format!("http://{public}/{name}");
    let parameters = HashParameters::default();
    Ok(json!({
        "dsn": dsn,
        "serve": {
            "public": { "base_url": page(""), "host": public.ip().to_string(), "port": public.port() },
            "admin": { "base_url": format!("http://{admin}/"), "host": admin.ip().to_string(), "port": admin.port() },
        },
        "selfservice": {
            "default_browser_return_url": page(""),
            "methods": {
                "password": { "enabled": true, "config": { "haveibeenpwned_enabled": false } },
                "code": { "enabled": true },
                "link": { "enabled": false },
            },
            "flows": {
                "error": { "ui_url": page("error") },
                "login": { "ui_url": page("login") },
                "registration": { "ui_url": page("registration"), "after": { "password": { "hooks": [{ "hook": "session" }] } } },
                "recovery": { "enabled": true, "use": "code", "ui_url": page("recovery") },
                "verification": { "enabled": true, "use": "code", "ui_url": page("verification") },
                "settings": { "ui_url": page("settings") },
            },
        },
        "hashers": {
            "algorithm": "argon2",
            "argon2": {
                "memory": format!("{}KB", parameters.memory_kib()),
                "iterations": parameters.passes(),
                "parallelism": parameters.lanes(),
                "salt_length": 16,
                "key_length": 32,
            },
        },
        "identity": { "default_schema_id": SCHEMA, "schemas": [{ "id": SCHEMA, "url": format!("file://{}", schema.display()) }] },
        "courier": {
            "smtp": { "connection_uri": format!("smtp://127.0.0.1:{mailbox}/?disable_starttls=true"), "from_address": "peer@bench.example" },
            "worker": { "pull_count": 100, "pull_wait": "100ms" },
        },
        "secrets": { "cookie": ["measured-beside-ours-0001"], "cipher": ["measured-beside-ours-00000000001"] },
        "feature_flags": { "use_continue_with_transitions": true },
        "log": { "level": "error" },
    }))
}

/// A person as ours: a user name, and a mail address that is proven and recovers the account.
fn person_schema() -> Value {
    let mail = json!({
        "type": "string",
        "format": "email",
        "ory.sh/kratos": {
            "credentials": { "password": { "identifier": true } },
            "verification": { "via": "email" },
            "recovery": { "via": "email" },
        },
    });
    let name = json!({ "type": "string", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } });
    json!({
        "$id": "https://bench.example/person.schema.json",
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "traits": { "type": "object", "properties": { "name": name, "mail": mail }, "required": ["name", "mail"], "additionalProperties": false },
        },
    })
}
