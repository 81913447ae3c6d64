//! `vestibule check`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use project::{Diagnostic, Severity};
use serde_json::json;

use crate::output::{Output, fail};
use crate::{DataArgs, ProjectArgs};

/// Reads a project and says everything there is to say about it, one finding a line: `FILE:LINE:COLUMN severity[rule] POINTER: message`.
/// Exits with 1 when one of them is an error.
#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    data: DataArgs,
    /// Look into the store too: the one at this address, or the project's own. Nothing is written to it.
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
    store: Option<String>,
    /// Say errors only, and the count.
    #[arg(short, long)]
    quiet: bool,
    /// How to say it.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
    /// Also list, for each property, the policies that its values must satisfy.
    #[arg(long)]
    policies: bool,
    /// Also write every page, in every state and language, into this directory, to be opened in a browser.
    #[arg(long, value_name = "DIRECTORY")]
    pages: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for people and editors.
    Text,
    /// One object: `diagnostics`, `errors`, `warnings`, `hints`.
    Json,
}

impl Check {
    pub(crate) fn run(self) -> ExitCode {
        let project = self.project.project.as_deref();
        if let Some(root) = project.filter(|root| !root.is_dir()) {
            return fail(&format!("'{}' is no directory", root.display()));
        }
        let mut diagnostics = server::check(project);
        if let Some(url) = &self.store {
            let url = Some(url.as_str()).filter(|url| !url.is_empty());
            match server::check_store(project, url, &self.data.data) {
                Ok(found) => diagnostics.extend(found),
                Err(error) => return fail(&error),
            }
        }
        if let Some(directory) = &self.pages
            && let Err(error) = write(directory, &server::pages_of(project))
        {
            return fail(&format!("the pages cannot be written to '{}': {error}", directory.display()));
        }
        let shown = diagnostics.iter().filter(|diagnostic| !self.quiet || diagnostic.is_error());
        let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        let (errors, warnings, hints) = (count(Severity::Error), count(Severity::Warning), count(Severity::Hint));
        let mut output = Output::new();
        match self.format {
            Format::Text => {
                for diagnostic in shown {
                    output.line(diagnostic);
                }
                if self.policies {
                    for line in server::asked(project) {
                        output.line(line);
                    }
                }
                let counts = [counted(errors, "error"), counted(warnings, "warning"), counted(hints, "hint")];
                output.line(counts.join(", "));
            }
            Format::Json => {
                let diagnostics: Vec<_> = shown.map(Diagnostic::to_value).collect();
                let mut all = json!({ "diagnostics": diagnostics, "errors": errors, "warnings": warnings, "hints": hints });
                if let Some(members) = all.as_object_mut().filter(|_| self.policies) {
                    members.insert("policies".to_owned(), server::asked(project).into());
                }
                output.line(format_args!("{all:#}"));
            }
        }
        output.finish(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Writes files below a directory, which is made where it is missing.
fn write(directory: &Path, files: &[(String, Vec<u8>)]) -> std::io::Result<()> {
    for (name, content) in files {
        let path = directory.join(name);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, content)?;
    }
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
