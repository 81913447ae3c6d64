//! `vestibule check`.

use std::process::ExitCode;

use clap::Args;
use project::Severity;

use crate::{ProjectArgs, fail};

#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    project: ProjectArgs,
}

impl Check {
    pub(crate) fn run(self) -> ExitCode {
        let project = self.project.project.as_deref();
        if let Some(root) = project.filter(|root| !root.is_dir()) {
            return fail(&format!("{} is no directory", root.display()));
        }
        let diagnostics = server::check(project);
        for diagnostic in &diagnostics {
            println!("{diagnostic}");
        }
        let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        let errors = count(Severity::Error);
        println!("{errors} errors, {} warnings, {} hints", count(Severity::Warning), count(Severity::Hint));
        if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
