//! `vestibule explain`.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use server::{OfflineError, Sought};

use crate::Where;
use crate::output::{Output, fail, refuse};

/// Say what happened in a run of a process, stage by stage, with the reason of each decision, also while a server is running. Exits with 1
/// when nothing is known of it.
///
/// Steps that wrote something stand in the store; all others in the files of the node that took them, which lie in its data directory.
#[derive(Args)]
pub(crate) struct Explain {
    /// The instance, or the transaction of one of its requests.
    // An instance is 128 bits in base64url, so that one of 64 begins with '-'.
    #[arg(value_name = "INSTANCE|TRANSACTION", required_unless_present = "person", conflicts_with = "person", allow_hyphen_values = true)]
    name: Option<String>,
    /// All runs that named a person, by their user name or mail address; the newest 20.
    #[arg(long, value_name = "NAME")]
    person: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: Where,
}

impl Explain {
    pub(crate) async fn run(self) -> ExitCode {
        let store = match self.at.open().await {
            Ok(store) => store,
            Err(error) => return refuse(&error),
        };
        let found = match (&self.name, &self.person) {
            (_, Some(person)) => store.sought(person).await,
            (name, None) => Ok(Sought::Named(name.clone().unwrap_or_default())),
        };
        let found = match found {
            Ok(sought) => store.explain(&self.at.data.data, &sought).await,
            Err(error) => Err(error),
        };
        store.close().await;
        found.map_or_else(|error| fail(&error), |runs| self.print(&runs))
    }

    fn print(&self, runs: &[Value]) -> ExitCode {
        let mut output = Output::new();
        if self.json {
            output.line(format_args!("{:#}", Value::from(runs)));
        }
        for run in runs.iter().filter(|_| !self.json) {
            let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
            output.line(format_args!("{} of {}: {}", text(run, "_id"), text(run, "process"), text(run, "summary")));
            output.line(format_args!("  version {}, person {}", text(run, "version"), text(run, "person")));
            for step in run.get("steps").and_then(Value::as_array).into_iter().flatten() {
                output.line(format_args!("  {} in {}", text(step, "at"), text(step, "transaction")));
                for said in step.get("says").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
                    output.line(format_args!("    {said}"));
                }
            }
        }
        if runs.is_empty() && !self.json {
            return fail(&OfflineError::NoRun);
        }
        output.finish(if runs.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
