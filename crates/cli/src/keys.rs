//! `vestibule keys`: the server's own keys.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::DataArgs;
use crate::output::{Output, fail};

/// Manage the keys of the data directory.
#[derive(Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make new keys. What former keys sealed can still be opened; values at rest are sealed again at the next start of the server.
    Rotate(DataArgs),
}

impl Keys {
    pub(crate) fn run(self) -> ExitCode {
        let Command::Rotate(DataArgs { data }) = self.command;
        match server::rotate_keys(&data) {
            Ok(()) => {
                let mut output = Output::new();
                output.line(format_args!("new keys are in {}; start the server again to use them", data.display()));
                output.finish(ExitCode::SUCCESS)
            }
            Err(error) => fail(&error),
        }
    }
}
