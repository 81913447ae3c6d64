//! `vestibule restore`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use server::KeysIn;

use crate::output::{Output, fail};
use crate::{DataArgs, ProjectArgs, backup};

#[derive(Args)]
pub(crate) struct Restore {
    /// The backup to read.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    data: DataArgs,
}

impl Restore {
    pub(crate) fn run(self) -> ExitCode {
        let data = &self.data.data;
        match server::restore(self.project.project.as_deref(), data, &self.file, backup::passphrase().as_deref()) {
            Ok(keys) => {
                let mut output = Output::new();
                output.line(format_args!("restored {} into {}", self.file.display(), data.display()));
                if keys == KeysIn::Missing {
                    let where_to = data.display();
                    output
                        .line(format_args!("the keys are not in this backup: put the server's keys.json into {where_to} before it starts"));
                }
                output.finish(ExitCode::SUCCESS)
            }
            Err(error) => fail(&error),
        }
    }
}
