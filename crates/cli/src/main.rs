//! The command line of Vestibule.

mod check;
mod reference;
mod serve;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Staged user self-service: password reset, forgotten user name, registration and any process an operator composes from stages,
/// configured by an IDM project.
#[derive(Parser)]
#[command(name = "vestibule", version, about, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a project.
    Serve(serve::Serve),
    /// Read a project and say everything that is wrong with it. Exits with 1 when there are errors.
    Check(check::Check),
    /// Manage people in the store, also while a server is running.
    User(user::User),
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

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("vestibule: the runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match cli.command {
        Command::Serve(serve) => runtime.block_on(serve.run()),
        Command::Check(check) => check.run(),
        Command::User(user) => runtime.block_on(user.run()),
        Command::Reference(reference) => reference.run(),
    }
}

/// Says why a command failed.
fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("vestibule: {error}");
    ExitCode::FAILURE
}
