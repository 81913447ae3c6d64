//! The command line of Vestibule. The binary is [`run`] and nothing else.

mod backup;
mod check;
mod compare;
mod doctor;
mod explain;
mod export;
mod funnel;
mod import;
mod keys;
mod map;
mod migrate;
mod output;
mod passwords;
mod prove;
mod reference;
mod restore;
mod serve;
mod simulate;
mod specifications;
mod store;
mod token;
mod user;
mod version;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use output::fail;

/// Staged user self-service: password reset, forgotten user name, registration and any process an operator composes from stages,
/// configured by an IDM project.
#[derive(Parser)]
#[command(name = "vestibule", version, long_version = version::text(), about, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a project.
    Serve(serve::Serve),
    /// Check a project and report every problem. Exits with 1 when there are errors.
    Check(check::Check),
    /// Draw processes as they run. Exits with 1 when one cannot be drawn.
    Map(map::Map),
    /// Try everything that an attacker can submit to a process. Exits with 1 when there is a way that the policy forbids.
    Prove(prove::Prove),
    /// Walk somebody through a process in memory, and print what happens.
    Simulate(simulate::Simulate),
    /// Run specifications of processes in memory. Exits with 1 when something is not as it was to be.
    Test(specifications::Test),
    /// Manage people in the store, also while a server is running.
    User(user::User),
    Import(Box<import::Import>),
    Compare(compare::Compare),
    Export(export::Export),
    Explain(explain::Explain),
    Funnel(funnel::Funnel),
    /// Manage the server's own keys.
    Keys(keys::Keys),
    /// Look at snapshot tokens.
    Token(token::Token),
    /// Look at what a server will need, and say what is good, doubtful or bad.
    Doctor(doctor::Doctor),
    /// Manage the store itself.
    Store(store::Store),
    /// Make the tables of the store, or bring them up to date.
    Migrate(migrate::Migrate),
    /// Write a consistent copy of what a server keeps into one file, also while it is running.
    Backup(backup::Backup),
    /// Make a data directory of a backup.
    Restore(restore::Restore),
    /// Write the generated part of the documentation: commands, stages, schemas, REST interface.
    Reference(reference::Reference),
}

/// Which project.
#[derive(Args)]
struct ProjectArgs {
    /// The IDM project directory (the one that holds `conf`); without it, the embedded default project.
    #[arg(long, value_name = "DIR", env = "VESTIBULE_PROJECT")]
    project: Option<PathBuf>,
}

/// Which data.
#[derive(Args)]
struct DataArgs {
    /// Where the store, the keys and the audit trail are kept.
    #[arg(long, value_name = "DIR", default_value = "./vestibule-data", env = "VESTIBULE_DATA")]
    data: PathBuf,
}

/// Which store: that of a project, with its data.
#[derive(Args)]
struct Where {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    data: DataArgs,
}

/// What the command line takes, for whoever makes manual pages of it.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    // Before there are threads.
    let inherited = match &cli.command {
        Command::Serve(_) => server::Inherited::take(),
        _ => Ok(server::Inherited::default()),
    };
    let inherited = match inherited {
        Ok(inherited) => inherited,
        Err(error) => return fail(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime cannot be started: {error}")),
    };
    match cli.command {
        Command::Serve(serve) => runtime.block_on(serve.run(inherited)),
        Command::Check(check) => check.run(),
        Command::Map(map) => map.run(),
        Command::Prove(prove) => prove.run(),
        Command::Simulate(simulate) => simulate.run(),
        Command::Test(test) => test.run(),
        Command::User(user) => runtime.block_on(user.run()),
        Command::Import(import) => runtime.block_on(import.run()),
        Command::Compare(compare) => runtime.block_on(compare.run()),
        Command::Export(export) => runtime.block_on(export.run()),
        Command::Explain(explain) => runtime.block_on(explain.run()),
        Command::Funnel(funnel) => runtime.block_on(funnel.run()),
        Command::Keys(keys) => keys.run(),
        Command::Doctor(doctor) => doctor.run(&runtime),
        Command::Token(token) => token.run(),
        Command::Store(store) => runtime.block_on(store.run()),
        Command::Migrate(migrate) => migrate.run(),
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Reference(reference) => reference.run(),
    }
}
