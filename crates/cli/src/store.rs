//! `vestibule store`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use server::Offline;

use crate::Where;
use crate::output::{Output, fail};

#[derive(Args)]
pub(crate) struct Store {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say that the store was put back from a copy: sessions and tokens from before end. `vestibule restore` says it by itself.
    Restored(Where),
}

impl Store {
    pub(crate) async fn run(self) -> ExitCode {
        let Command::Restored(at) = self.command;
        let store = match Offline::open(at.project.project.as_deref(), &at.data.data).await {
            Ok(store) => store,
            Err(error) => return fail(&error),
        };
        let noted = store.was_put_back().await;
        store.close().await;
        match noted {
            Ok(()) => {
                let mut output = Output::new();
                output.line("sessions and tokens from before this moment have ended");
                output.finish(ExitCode::SUCCESS)
            }
            Err(error) => fail(&error),
        }
    }
}
