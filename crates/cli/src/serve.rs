//! `vestibule serve`.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use project::Severity;
use server::{Options, Started};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use crate::{DataArgs, ProjectArgs, fail};

#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    project: ProjectArgs,
    /// Address and port to listen on [default: what vestibule.toml says, else 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    data: DataArgs,
    /// How the log is written: text for people, json for machines.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    log: String,
}

impl Serve {
    pub(crate) async fn run(self) -> ExitCode {
        start_log(&self.log);
        let stop = match stop_signal() {
            Ok(stop) => stop,
            Err(error) => return fail(&format!("signals cannot be caught: {error}")),
        };
        let options = Options { project: self.project.project, listen: self.listen, data: self.data.data };
        match server::serve(options, announce, stop).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error),
        }
    }
}

fn start_log(format: &str) {
    let filter = EnvFilter::try_from_env("VESTIBULE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    if format == "json" {
        builder.json().init();
    } else {
        builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init();
    }
}

/// Becomes true on SIGTERM and SIGINT.
fn stop_signal() -> std::io::Result<watch::Receiver<bool>> {
    let (sender, stop) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: finishing what is running");
        // Nobody listening any more means that the server has already stopped.
        let _ = sender.send(true);
    });
    Ok(stop)
}

/// The first line is for scripts, the rest for people.
fn announce(started: Started) {
    for diagnostic in &started.diagnostics {
        match diagnostic.severity {
            Severity::Error => tracing::error!("{diagnostic}"),
            Severity::Warning => tracing::warn!("{diagnostic}"),
            Severity::Hint => tracing::debug!("{diagnostic}"),
        }
    }
    let Started { address, administrator, password, keeps_mail, .. } = started;
    println!("listening on http://{address}");
    if let Some(password) = password {
        println!("administrator: {administrator}, password: {password}   (made just now and not shown again)");
    }
    if keeps_mail {
        println!("mails are not sent but shown at http://{address}/mail, on this machine only");
    }
    println!("try: curl -H 'X-OpenIDM-Username: anonymous' -H 'X-OpenIDM-Password: anonymous' http://{address}/openidm/selfservice/reset");
}
