//! `vestibule doctor`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use server::{Checked, Patient};
use store::Health;
use tokio::runtime::Runtime;

use crate::output::{Output, refuse};
use crate::{DataArgs, ProjectArgs};

/// Look at what a server needs, and say what is good, doubtful or bad: project, choices that weaken, data, disk, clock, keys, store, mail, proxies,
/// TLS. Nothing is written, and no mail is sent. Exits with 0 when all is good, with 1 when something is doubtful, with 2 when something is bad.
#[derive(Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    data: DataArgs,
    /// The store, where it is not the project's own.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Whom the mail server is asked about [default: the sender]
    #[arg(long, value_name = "ADDRESS")]
    mail_to: Option<String>,
    /// Print JSON, for machines: an array of checks.
    #[arg(long)]
    json: bool,
}

/// Something is doubtful.
const DOUBTFUL: u8 = 1;
/// Something is bad. Where nothing could be looked at, the status is the same.
const BAD: u8 = 2;

impl Doctor {
    /// Mail servers are spoken to on `runtime`.
    pub(crate) fn run(self, runtime: &Runtime) -> ExitCode {
        let patient = Patient { project: self.project.project, data: self.data.data, store: self.store, mail_to: self.mail_to };
        let checked = match server::examine(&patient, runtime.handle()) {
            Ok(checked) => checked,
            Err(error) => return refuse(&error),
        };
        let status = match checked.iter().map(|row| row.health).max() {
            Some(Health::Bad) => ExitCode::from(BAD),
            Some(Health::Doubtful) => ExitCode::from(DOUBTFUL),
            Some(Health::Good) | None => ExitCode::SUCCESS,
        };
        let mut output = Output::new();
        if self.json {
            let rows: Vec<_> = checked.iter().map(row).collect();
            output.line(format_args!("{:#}", json!(rows)));
        } else {
            print(&mut output, &checked);
        }
        output.finish(status)
    }
}

fn word(health: Health) -> &'static str {
    match health {
        Health::Good => "good",
        Health::Doubtful => "doubtful",
        Health::Bad => "bad",
    }
}

fn row(checked: &Checked) -> serde_json::Value {
    let Checked { name, health, found, advice, why, page } = checked;
    json!({ "check": name, "health": word(*health), "found": found, "why": why, "advice": advice, "page": page })
}

/// A line each; below one that is not good, what to do, why, and where more stands.
fn print(output: &mut Output, checked: &[Checked]) {
    for Checked { name, health, found, advice, why, page } in checked {
        output.line(format_args!("{}: {name}: {found}", word(*health)));
        if let Some(advice) = advice {
            output.line(format_args!("    do:   {advice}"));
            output.line(format_args!("    why:  {why}"));
            output.line(format_args!("    more: docs/{page}"));
        }
    }
}
