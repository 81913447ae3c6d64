//! `vestibule migrate`.

use std::process::ExitCode;

use clap::Args;

use crate::output::{Output, fail};
use crate::{DataArgs, ProjectArgs};

/// Make the tables of the store, or bring them up to date, as a start of the server does.
#[derive(Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    data: DataArgs,
    /// Change nothing: exit with 0 when there is nothing to do, and with 1 otherwise.
    #[arg(long)]
    check: bool,
}

impl Migrate {
    pub(crate) fn run(self) -> ExitCode {
        let project = self.project.project.as_deref();
        let mut output = Output::new();
        match server::migrate(project, &self.data.data, self.check) {
            Ok(0) => {
                output.line("there is nothing to do");
                output.finish(ExitCode::SUCCESS)
            }
            Ok(steps) => {
                let steps = if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") };
                let (what, status) = if self.check { ("to be made", ExitCode::FAILURE) } else { ("made", ExitCode::SUCCESS) };
                output.line(format_args!("{steps} {what}"));
                output.finish(status)
            }
            Err(error) => fail(&error),
        }
    }
}
