//! `vestibule doctor`.

use std::process::ExitCode;

use clap::Args;
use store::Health;

use crate::output::{Output, fail};
use crate::{DataArgs, ProjectArgs};

/// Look at what a server will need, and say what is good, doubtful or bad, a line each. Nothing is written. Exits with 1 when something is
/// bad.
#[derive(Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    data: DataArgs,
}

impl Doctor {
    pub(crate) fn run(self) -> ExitCode {
        let findings = match server::examine_store(self.project.project.as_deref(), &self.data.data) {
            Ok(findings) => findings,
            Err(error) => return fail(&error),
        };
        let mut output = Output::new();
        for finding in &findings {
            let word = match finding.health {
                Health::Good => "good",
                Health::Doubtful => "doubtful",
                Health::Bad => "bad",
            };
            output.line(format_args!("{word}: {}", finding.message));
        }
        let bad = findings.iter().any(|finding| finding.health == Health::Bad);
        output.finish(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
