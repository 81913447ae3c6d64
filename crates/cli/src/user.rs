//! `vestibule user`.

use std::io::Read as _;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use server::{Offline, OfflineError};

use crate::Where;
use crate::import::Import;
use crate::output::{Output, fail};

#[derive(Args)]
pub(crate) struct User {
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
#[group(multiple = false)]
struct PasswordArgs {
    /// The password. Visible to others on this machine while the command runs; prefer --password-stdin.
    #[arg(long, value_name = "PASSWORD")]
    password: Option<String>,
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Add a person.
    Add {
        /// The user name.
        name: String,
        /// The mail address.
        #[arg(long, value_name = "ADDRESS")]
        mail: Option<String>,
        /// The given name.
        #[arg(long, value_name = "NAME")]
        given_name: Option<String>,
        /// The surname.
        #[arg(long, value_name = "NAME")]
        surname: Option<String>,
        /// Any other property; a value that is JSON is taken as such.
        #[arg(long = "set", value_name = "PROPERTY=VALUE", value_parser = property)]
        properties: Vec<(String, Value)>,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        at: Where,
    },
    /// List all people.
    List {
        #[command(flatten)]
        at: Where,
    },
    /// Set the password of a person and end their sessions.
    SetPassword {
        /// The user name.
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        at: Where,
    },
    /// Show what is kept of a person, as JSON, without anything secret.
    Show(Named),
    /// Keep a person from signing in, and end their sessions.
    Disable(Named),
    /// Let a person sign in again.
    Enable(Named),
    /// List the sessions of a person: id, begin, last use, end.
    Sessions(Named),
    /// End every session of a person.
    EndSessions(Named),
    /// Import the people of another server: the same as `vestibule import`.
    Import(Box<Import>),
    /// Remove a person.
    Delete {
        /// The user name.
        name: String,
        #[command(flatten)]
        at: Where,
    },
}

/// Somebody.
#[derive(Args)]
struct Named {
    /// The user name.
    name: String,
    #[command(flatten)]
    at: Where,
}

fn property(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("expected PROPERTY=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

impl User {
    pub(crate) async fn run(self) -> ExitCode {
        let outcome = match self.command {
            Command::Add { name, mail, given_name, surname, properties, password, at } => {
                let mut person: Map<String, Value> = [("userName", Some(name)), ("mail", mail), ("givenName", given_name), ("sn", surname)]
                    .into_iter()
                    .filter_map(|(key, value)| Some((key.to_owned(), Value::String(value?))))
                    .collect();
                match password.read() {
                    Ok(Some(password)) => person.insert("password".to_owned(), Value::String(password)),
                    Ok(None) => None,
                    Err(error) => return fail(&error),
                };
                person.extend(properties);
                add(&at, person).await
            }
            Command::List { at } => list(&at).await,
            Command::SetPassword { name, password, at } => match password.read() {
                Ok(Some(password)) => set_password(&at, &name, &password).await,
                Ok(None) => return fail(&"which password? Use --password-stdin or --password"),
                Err(error) => return fail(&error),
            },
            Command::Show(Named { name, at }) => show(&at, &name).await,
            Command::Disable(Named { name, at }) => set_active(&at, &name, false).await,
            Command::Enable(Named { name, at }) => set_active(&at, &name, true).await,
            Command::Sessions(Named { name, at }) => sessions(&at, &name).await,
            Command::EndSessions(Named { name, at }) => end_sessions(&at, &name).await,
            Command::Import(import) => return Box::pin(import.run()).await,
            Command::Delete { name, at } => delete(&at, &name).await,
        };
        outcome.unwrap_or_else(|error| fail(&error))
    }
}

impl PasswordArgs {
    fn read(self) -> std::io::Result<Option<String>> {
        if !self.password_stdin {
            return Ok(self.password);
        }
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

impl Where {
    pub(crate) async fn open(&self) -> Result<Offline, OfflineError> {
        Offline::open(self.project.project.as_deref(), &self.data.data).await
    }
}

async fn add(at: &Where, person: Map<String, Value>) -> Result<ExitCode, OfflineError> {
    let store = Offline::open_or_make(at.project.project.as_deref(), &at.data.data).await?;
    let added = store.add(person).await;
    store.close().await;
    let mut output = Output::new();
    output.line(added?);
    Ok(output.finish(ExitCode::SUCCESS))
}

async fn list(at: &Where) -> Result<ExitCode, OfflineError> {
    let store = at.open().await?;
    let listed = store.list().await;
    store.close().await;
    let mut output = Output::new();
    for person in listed? {
        output.line(format_args!("{}\t{}\t{}\t{}", person.name, person.mail, person.status, person.id));
    }
    Ok(output.finish(ExitCode::SUCCESS))
}

async fn set_password(at: &Where, name: &str, password: &str) -> Result<ExitCode, OfflineError> {
    let store = at.open().await?;
    let set = store.set_password(name, password).await;
    store.close().await;
    set.map(|()| ExitCode::SUCCESS)
}

async fn delete(at: &Where, name: &str) -> Result<ExitCode, OfflineError> {
    let store = at.open().await?;
    let deleted = store.delete(name).await;
    store.close().await;
    deleted.map(|()| ExitCode::SUCCESS)
}

async fn show(at: &Where, name: &str) -> Result<ExitCode, OfflineError> {
    let store = at.open().await?;
    let shown = store.show(name).await;
    store.close().await;
    let mut output = Output::new();
    output.line(format_args!("{:#}", shown?));
    Ok(output.finish(ExitCode::SUCCESS))
}

async fn set_active(at: &Where, name: &str, active: bool) -> Result<ExitCode, OfflineError> {
    let store = at.open().await?;
    let set = store.set_active(name, active).await;
    store.close().await;
    set.map(|()| ExitCode::SUCCESS)
}

async fn sessions(at: &Where, name: &str) -> Result<ExitCode, OfflineError> {
    let store = at.open().await?;
    let sessions = store.sessions(name).await;
    store.close().await;
    let mut output = Output::new();
    for session in sessions? {
        output.line(format_args!("{}\t{}\t{}\t{}", session.id, session.began, session.used, session.ends));
    }
    Ok(output.finish(ExitCode::SUCCESS))
}

async fn end_sessions(at: &Where, name: &str) -> Result<ExitCode, OfflineError> {
    let store = at.open().await?;
    let ended = store.end_sessions(name).await;
    store.close().await;
    let ended = ended?;
    let mut output = Output::new();
    output.line(format_args!("{ended} ended"));
    Ok(output.finish(ExitCode::SUCCESS))
}
