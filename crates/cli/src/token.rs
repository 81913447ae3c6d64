//! `vestibule token`.

use std::io::Read as _;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::Where;
use crate::output::{Output, fail};

/// Look at snapshot tokens.
#[derive(Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what a snapshot token says, as JSON: process, stage, what was proved, times, and the names of what it holds, without their values. It is
    /// opened with the keys of the data directory.
    Inspect {
        /// The token, or a link with it; without it, standard input is read. Whoever sees a token may go on with it.
        #[arg(value_name = "TOKEN")]
        token: Option<String>,
        #[command(flatten)]
        at: Where,
    },
}

impl Token {
    pub(crate) fn run(self) -> ExitCode {
        let Command::Inspect { token, at } = self.command;
        let mut text = token.unwrap_or_default();
        if text.is_empty()
            && let Err(error) = std::io::stdin().read_to_string(&mut text)
        {
            return fail(&error);
        }
        match server::inspect_token(at.project.project.as_deref(), &at.data.data, text.trim()) {
            Ok(said) => {
                let mut output = Output::new();
                output.line(format_args!("{said:#}"));
                output.finish(ExitCode::SUCCESS)
            }
            Err(error) => fail(&error),
        }
    }
}
