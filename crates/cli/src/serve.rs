//! `vestibule serve`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use clap::Args;
use project::Severity;
use server::{Inherited, Options, ProcessState, ProcessStatus, Signals, Started};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::output::{Output, fail};
use crate::{DataArgs, ProjectArgs};

#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    project: ProjectArgs,
    /// Address and port to listen on [default: what vestibule.toml says, else 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    data: DataArgs,
    /// Begin with the keys that are there, or new ones, although the store was sealed with others that are lost.
    #[arg(long)]
    new_keys: bool,
    /// How the log is written: text for people, json for machines.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    log: String,
}

impl Serve {
    /// Serves, also on the sockets that were handed over.
    pub(crate) async fn run(self, inherited: Inherited) -> ExitCode {
        start_log(&self.log);
        let signals = match stop_signal().and_then(|stop| Ok(Signals { stop, reread: hangup_signal()? })) {
            Ok(signals) => signals,
            Err(error) => return fail(&format!("signals cannot be caught: {error}")),
        };
        let Self { project, listen, data, new_keys, .. } = self;
        let options = Options { project: project.project, listen, inherited, data: data.data, new_keys };
        match Box::pin(server::serve(options, announce, signals)).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error),
        }
    }
}

fn start_log(format: &str) {
    let wanted = std::env::var("VESTIBULE_LOG").ok().filter(|wanted| !wanted.is_empty());
    let filter = wanted.as_deref().map(EnvFilter::try_new);
    let misread = filter.as_ref().and_then(|filter| filter.as_ref().err()).map(ToString::to_string);
    let filter = filter.and_then(Result::ok).unwrap_or_else(|| EnvFilter::new("info"));
    // A log that nobody reads any more must not stop the server; its own complaint about that would.
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).log_internal_errors(false);
    // Spans are for a collector.
    let filter = match format!("{}=off", server::SPANS).parse() {
        Ok(spans) => filter.add_directive(spans),
        Err(_) => filter,
    };
    let registry = tracing_subscriber::registry().with(server::spans());
    if format == "json" {
        registry.with(log.json().with_filter(filter)).init();
    } else {
        registry.with(log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).with_filter(filter)).init();
    }
    if let Some(error) = misread {
        tracing::warn!("VESTIBULE_LOG is not understood, so 'info' is logged: {error}");
    }
}

/// Becomes true on SIGTERM and SIGINT, and says so again at each further one.
pub(crate) fn stop_signal() -> std::io::Result<watch::Receiver<bool>> {
    let (sender, stop) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping: finishing what is running");
            // Nobody listening any more means that the server has already stopped.
            let _ = sender.send(true);
        }
    });
    Ok(stop)
}

/// Waits until it is told to stop.
pub(crate) async fn told(mut stop: watch::Receiver<bool>) {
    // Whoever would say so lives as long as the process.
    let _ = stop.wait_for(|stopped| *stopped).await;
}

/// Says so at each SIGHUP, with which a service manager has a project read again. At a terminal it stays what it is there: the end.
fn hangup_signal() -> std::io::Result<mpsc::Receiver<()>> {
    let (sender, reread) = mpsc::channel(1);
    if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        return Ok(reread);
    }
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::info!("the project is read again, as was asked for");
            // A full queue means that it is about to be read anyway.
            let _ = sender.try_send(());
        }
    });
    Ok(reread)
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
    let Started { address, https, local, pages, administrator, password, mail_page, processes, .. } = started;
    let here = if local { format!("localhost:{}", address.port()) } else { reachable(address).to_string() };
    let scheme = if https { "https" } else { "http" };
    let mut output = Output::new();
    output.line(format_args!("listening on {scheme}://{address}"));
    if pages {
        output.line(format_args!("open in a browser: {scheme}://{here}"));
    }
    if let Some(password) = password {
        output.line(format_args!("administrator: {administrator}, password: {password}   (made just now and not shown again)"));
    } else {
        output.line(format_args!("administrator: {administrator}"));
    }
    if pages {
        output.line(format_args!("the administrator signs in at {scheme}://{here}/sign-in"));
    }
    if let Some(page) = mail_page {
        output.line(format_args!("mails are not sent but shown, on this machine only, at {scheme}://{here}{page}"));
    }
    for (what, state) in [
        ("processes served", ProcessState::Served),
        ("processes switched off in ui-configuration.json", ProcessState::SwitchedOff),
        ("processes not served because of errors", ProcessState::Broken),
    ] {
        let names: Vec<&str> = processes.iter().filter(|process| process.state == state).map(|process| process.name.as_str()).collect();
        if state == ProcessState::Served || !names.is_empty() {
            output.line(format_args!("{what}: {}", if names.is_empty() { "none".to_owned() } else { names.join(", ") }));
        }
    }
    if let Some(name) = to_try(&processes) {
        let anonymous = "-H 'X-OpenIDM-Username: anonymous' -H 'X-OpenIDM-Password: anonymous'";
        output.line(format_args!("try: curl {anonymous} {scheme}://{here}/openidm/selfservice/{name}"));
    }
    // Whoever started the server may have read the first line and gone.
    let _ = output.finish(ExitCode::SUCCESS);
}

/// Where somebody on this machine reaches a server that listens at `address`.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// A process that an anonymous caller can begin, the usual ones first.
fn to_try(processes: &[ProcessStatus]) -> Option<&str> {
    let open = || processes.iter().filter(|process| process.state == ProcessState::Served && process.for_anonymous);
    let usual = ["reset", "username", "registration"];
    let found = usual.iter().find_map(|name| open().find(|process| process.name == *name)).or_else(|| open().next());
    found.map(|process| process.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_to_try_is_served_and_open_to_everybody() {
        let status = |name: &str, state, for_anonymous| ProcessStatus { name: name.to_owned(), state, for_anonymous };
        let (served, off, broken) = (ProcessState::Served, ProcessState::SwitchedOff, ProcessState::Broken);
        assert_eq!(to_try(&[status("about", served, true), status("reset", served, true)]), Some("reset"));
        assert_eq!(to_try(&[status("about", served, true), status("reset", off, true), status("username", broken, false)]), Some("about"));
        assert_eq!(to_try(&[status("profile", served, false), status("reset", off, true)]), None);
    }

    #[test]
    fn an_address_that_stands_for_all_is_reached_on_this_machine() {
        for (listens, reached) in [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("192.0.2.1:80", "192.0.2.1:80")] {
            assert_eq!(reachable(listens.parse().unwrap()), reached.parse().unwrap());
        }
    }
}
