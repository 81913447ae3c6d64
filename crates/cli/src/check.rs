//! `vestibule check`.

mod annotations;
pub(crate) mod sarif;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use project::{Diagnostic, Location, Severity, explain, explanations};
use serde_json::json;
use server::Owing;

use crate::output::{Output, complain, meant, refuse};
use crate::{DataArgs, ProjectArgs};

/// Reads a project and says everything there is to say about it, one finding a line: `FILE:LINE:COLUMN severity[rule] POINTER: message`.
/// Exits with 0 when none of them is an error, with 1 when one is, and with 2 when nothing could be checked.
#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    data: DataArgs,
    /// Look into the store too: the one at this address, or the project's own. Say names that several people have, and how many people would owe which
    /// process if they signed in now. Nothing is written to it.
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
    store: Option<String>,
    /// Treat warnings as errors.
    #[arg(long)]
    strict: bool,
    /// Mend what has one right answer, a misspelt key for example, and show what was changed. Comments and order stay.
    #[arg(long, requires = "project")]
    fix: bool,
    /// With --fix: show what would be changed, and change nothing.
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// Say what the code of a finding means: why it is said, an example, and how it is mended. Nothing is checked.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["store", "fix", "pages", "policies"])]
    explain: Option<String>,
    /// Print errors only, and the count.
    #[arg(short, long)]
    quiet: bool,
    /// Output format.
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
    /// One object: `diagnostics`, `errors`, `warnings`, `hints`; with --store `owed`, where processes may be due.
    Json,
    /// SARIF 2.1.0, for code hosts and editors.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
}

impl Check {
    pub(crate) fn run(self) -> ExitCode {
        if let Some(code) = &self.explain {
            return explained(code);
        }
        let project = self.project.project.as_deref();
        if let Some(root) = project.filter(|root| !root.is_dir()) {
            return refuse(&format!("'{}' is no directory", root.display()));
        }
        let mut output = Output::new();
        if let Some(root) = project.filter(|_| self.fix) {
            match server::fix(root, !self.dry_run) {
                Ok(mended) => self.tell_mended(&mut output, &mended),
                Err(error) => return refuse(&error),
            }
        }
        let mut diagnostics = server::check(project);
        let mut owing = None;
        if let Some(url) = &self.store {
            let url = Some(url.as_str()).filter(|url| !url.is_empty());
            match server::check_store(project, url, &self.data.data) {
                Ok(in_store) => {
                    diagnostics.extend(in_store.found);
                    owing = in_store.owing;
                }
                Err(error) => return refuse(&error),
            }
        }
        if let Some(directory) = &self.pages
            && let Err(error) = write(directory, &server::pages_of(project))
        {
            return refuse(&format!("the pages cannot be written to '{}': {error}", directory.display()));
        }
        if self.strict {
            for warning in diagnostics.iter_mut().filter(|diagnostic| diagnostic.severity == Severity::Warning) {
                warning.severity = Severity::Error;
            }
        }
        let unread = diagnostics.iter().any(|diagnostic| diagnostic.rule == "no-project");
        let shown = diagnostics.iter().filter(|diagnostic| !self.quiet || diagnostic.is_error());
        let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        let (errors, warnings, hints) = (count(Severity::Error), count(Severity::Warning), count(Severity::Hint));
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
                for line in owing.iter().flat_map(owed).filter(|_| !self.quiet) {
                    output.line(line);
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
                if let Some((members, owing)) = all.as_object_mut().zip(owing) {
                    let processes: serde_json::Map<_, _> = owing.processes.into_iter().map(|(path, count)| (path, json!(count))).collect();
                    let Owing { people, refused, failed, .. } = owing;
                    members.insert(
                        "owed".to_owned(),
                        json!({ "people": people, "refused": refused, "failed": failed, "processes": processes }),
                    );
                }
                output.line(format_args!("{all:#}"));
            }
            Format::Sarif => output.line(format_args!("{:#}", sarif::log(project, shown))),
            Format::Github => shown.for_each(|diagnostic| output.line(annotations::annotation(project, diagnostic))),
        }
        output.finish(match errors {
            _ if unread => ExitCode::from(2),
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }

    /// What was mended, as a difference; on standard error where the findings are for programs.
    fn tell_mended(&self, output: &mut Output, mended: &[server::Mended]) {
        for file in mended {
            let difference = project::unified_difference(&file.file, &file.before, &file.after);
            if self.format == Format::Text { output.line(difference.trim_end()) } else { complain(&difference.trim_end()) }
        }
    }
}

/// What a code means, or which is near.
fn explained(code: &str) -> ExitCode {
    let Some(explanation) = explain(code) else {
        let like = meant(code, explanations().map(|known| known.code));
        return refuse(&format!("no finding has the code '{code}'{like}"));
    };
    let mut output = Output::new();
    output.line(format_args!("{}\n\n{}", explanation.code, explanation.text));
    output.finish(ExitCode::SUCCESS)
}

/// The file of a finding as somebody in the working directory names it.
fn place(root: Option<&Path>, at: &Location) -> String {
    let Some(root) = root else { return at.file.clone() };
    let path = root.join(&at.file);
    let here = std::env::current_dir().ok();
    let below = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    let path = below.unwrap_or(&path);
    let path = path.strip_prefix(".").unwrap_or(path);
    path.to_string_lossy().into_owned()
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

/// Who owes what, a line for each process.
fn owed(owing: &Owing) -> Vec<String> {
    let Owing { people, refused, processes, failed } = owing;
    let mut lines: Vec<String> =
        processes.iter().map(|(path, count)| format!("owed: {path} by {count} of {people} people who can sign in")).collect();
    if *refused > 0 {
        lines.push(format!("owed: people who are not counted, because they cannot sign in: {refused}"));
    }
    if *failed > 0 {
        lines.push(format!("owed: people of whom a condition that is a script failed, and selects nothing: {failed}"));
    }
    lines
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
