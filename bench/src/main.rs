//! `vestibule-bench`: measures a built server and prints one table. Costs are CPU time as the kernel accounts it, divided by a counted
//! number of operations; nothing here fails because a machine is slow.
//!
//! Easiest to get wrong: the load is made on another core than the one the server is held on, or both are measured.

mod account;
mod attack;
mod client;
mod counter;
mod figure;
mod groups;
mod machine;
mod mailbox;
mod newcomer;
mod peer;
mod people;
mod postgres;
mod project;
mod provider;
mod reader;
mod server;
mod visit;
mod walk;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use clap::Parser;

use figure::Report;
use groups::{Bench, Extent, Others, PEER, SUBJECTS};
use machine::Machine;
use server::Launch;

/// Whatever ends a run early.
type Failure = Box<dyn std::error::Error>;

/// Measures a Vestibule server and prints one table of figures and targets.
#[derive(Parser)]
#[command(name = "vestibule-bench", max_term_width = 110)]
struct Arguments {
    /// The server's binary.
    #[arg(long, value_name = "FILE", default_value = "target/release/vestibule")]
    server: PathBuf,
    /// Write all samples as JSON, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure these subjects only: start, initial, submissions, alone, together, registration, arrivals, profile, conditions, pages, browsers,
    /// social, population, lists, searching, processes, memory, enumeration, mail, secrets, tokens, hostile, writes, postgresql, rolling, import, peer
    /// (with --peer).
    #[arg(long, value_name = "SUBJECT", value_delimiter = ',')]
    only: Vec<String>,
    /// The program of Ory Kratos, to be measured in turns with ours as the subject 'peer'.
    #[arg(long, value_name = "FILE")]
    peer: Option<PathBuf>,
    /// A Python that has the C reference of Argon2, to be measured in turns with our hash in the subject 'secrets'.
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// Rounds; a figure is their median.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Sizes of the stores a reset is measured on; lists are measured on the largest.
    #[arg(long, value_name = "PEOPLE", value_delimiter = ',', default_values_t = [1000, 100_000, 1_000_000])]
    populations: Vec<u64>,
    /// People in flight.
    #[arg(long, value_name = "PEOPLE", default_value_t = 100_000)]
    in_flight: u64,
    /// People who register at once.
    #[arg(long, value_name = "PEOPLE", default_value_t = 1000)]
    arrivals: u64,
    /// Connections of each hostile network.
    #[arg(long, value_name = "CONNECTIONS", default_value_t = 10_000)]
    hostile: u64,
    /// Reports of one manager, whose relationship is measured.
    #[arg(long, value_name = "PEOPLE", default_value_t = 100_000)]
    reports: u64,
    /// Attack instead of measuring: SHAPE,ADDRESS,CONNECTIONS.
    #[arg(long, hide = true)]
    attack: Option<attack::Attack>,
    /// Hold the server on this core [default: the first one, where there are others for the load]
    #[arg(long, value_name = "CORE")]
    core: Option<usize>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("vestibule-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(attack) = arguments.attack {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        return tokio::task::LocalSet::new().block_on(&runtime, attack.run());
    }
    if let Some(unknown) = arguments.only.iter().find(|name| !SUBJECTS.iter().any(|subject| subject.name == name.as_str())) {
        let known: Vec<_> = SUBJECTS.iter().map(|subject| subject.name).collect();
        return Err(format!("there is no subject '{unknown}'; there are {}", known.join(", ")).into());
    }
    if arguments.peer.is_none() && arguments.only.iter().any(|name| name == PEER) {
        return Err("the subject 'peer' needs its program: --peer FILE".into());
    }
    let peer =
        arguments.peer.as_ref().map(|file| file.canonicalize().map_err(|error| format!("{}: {error}", file.display()))).transpose()?;
    let machine = Machine::here();
    let core = arguments.core.or_else(|| (machine.cores() > 1 && has_taskset()).then_some(0));
    let binary = arguments.server.canonicalize().map_err(|error| format!("{}: {error}", arguments.server.display()))?;
    let launch = Launch { binary, cores: core.into_iter().collect() };
    let next = core.map(|core| (core + 1) % machine.cores());
    let wide = Launch { cores: launch.cores.iter().copied().chain(next).collect(), ..launch.clone() };
    let extent = Extent {
        rounds: arguments.rounds,
        populations: arguments.populations.clone(),
        in_flight: arguments.in_flight,
        arrivals: arguments.arrivals,
        hostile: arguments.hostile,
        reports: arguments.reports,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    let (report, failed) = local.block_on(&runtime, async {
        let bench = Bench::new(launch, wide, Others { peer, reference: arguments.reference.clone() }, extent).await?;
        Ok::<_, Failure>(measure(machine, &bench, &arguments.only).await)
    })?;
    print!("{}", report.table());
    if let Some(file) = &arguments.json {
        std::fs::write(file, format!("{:#}\n", report.json()))?;
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("not measured: {}", failed.join(", ")).into()) }
}

/// Measures the subjects, and gives those that could not be measured: what is wrong with one does not cost the others their figures.
async fn measure(machine: Machine, bench: &Bench, only: &[String]) -> (Report, Vec<&'static str>) {
    let (mut groups, mut failed) = (Vec::new(), Vec::new());
    let wanted =
        |name: &str| if only.is_empty() { name != PEER || bench.others.peer.is_some() } else { only.iter().any(|asked| asked == name) };
    for subject in SUBJECTS.iter().filter(|subject| wanted(subject.name)) {
        eprintln!("measuring: {}", subject.name);
        match (subject.measure)(bench).await {
            Ok(group) => groups.push(group),
            Err(failure) => {
                eprintln!("{}: {failure}", subject.name);
                failed.push(subject.name);
            }
        }
    }
    (Report { machine, groups }, failed)
}

fn has_taskset() -> bool {
    Command::new("taskset").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
