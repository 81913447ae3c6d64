//! `vestibule simulate`.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::Value;
use server::{Outcome, Plan};

use crate::ProjectArgs;
use crate::output::{Output, complain, meant, refuse};

/// Walk somebody through a process in memory and print what happens: requests and answers, stages, what tokens carry, mails, decisions and why.
/// No store, mail server or network is opened. The same seed and the same files give the same transcript. Exits with 0 when the process was
/// completed or the plan ended, with 1 when it could not be completed, and with 2 when nothing could be tried or a stage could not be played.
#[derive(Args)]
pub(crate) struct Simulate {
    #[command(flatten)]
    project: ProjectArgs,
    /// What the person does and is, as a TOML file; what it does not say they answer by themselves.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Seed of everything that is drawn at random.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// When it begins, as 2026-12-01T09:00:00Z.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Ask for each answer at the terminal: a JSON object, or nothing for what the person would answer. `quit` ends it.
    #[arg(long)]
    interactive: bool,
    /// How to print.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
    /// Which process; may also stand in the file.
    #[arg(value_name = "PROCESS", required_unless_present = "answers")]
    process: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One object.
    Json,
}

impl Simulate {
    pub(crate) fn run(self) -> ExitCode {
        let project = self.project.project.as_deref();
        if let Some(root) = project.filter(|root| !root.is_dir()) {
            return refuse(&format!("'{}' is no directory", root.display()));
        }
        let mut plan = match self.answers.as_deref().map(std::fs::read_to_string).transpose() {
            Ok(text) => match Plan::read(text.as_deref().unwrap_or_default()) {
                Ok(plan) => plan,
                Err(error) => return refuse(&format!("'{}': {error}", self.answers.unwrap_or_default().display())),
            },
            Err(error) => return refuse(&format!("'{}' cannot be read: {error}", self.answers.unwrap_or_default().display())),
        };
        plan.seed = self.seed.or(plan.seed);
        plan.at = self.at.or(plan.at);
        let Some(name) = self.process.or_else(|| plan.process.clone()) else {
            return refuse(&"which process? name it, or say 'process = \"reset\"' in the file");
        };
        let rehearsal = server::rehearsal(project);
        if !rehearsal.processes().any(|known| known == name) {
            if let Some(why) = rehearsal.why_not(&name) {
                return refuse(&format!("the project does not serve '{name}': {why}"));
            }
            let like = meant(&name, rehearsal.processes());
            return refuse(&format!(
                "the project serves no process '{name}'{like}; 'vestibule check' says what keeps one from being served"
            ));
        }
        let mut terminal = |asked: &Value, own: &Value| ask(asked, own);
        let asks: Option<server::Asks<'_>> = if self.interactive { Some(&mut terminal) } else { None };
        let transcript = match rehearsal.run(&name, &plan, asks) {
            Ok(transcript) => transcript,
            Err(error) => return refuse(&error),
        };
        let mut output = Output::new();
        match self.format {
            Format::Text => output.line(transcript.text().trim_end()),
            Format::Json => output.line(serde_json::to_string_pretty(&transcript).unwrap_or_default()),
        }
        if transcript.outcome == Outcome::Broken {
            let why = transcript.fault.as_deref().unwrap_or_default();
            complain(&format!("'{}' cannot be walked to its end: {why}", transcript.process));
        }
        output.finish(match transcript.outcome {
            Outcome::Completed | Outcome::Stopped => ExitCode::SUCCESS,
            Outcome::Refused | Outcome::Stuck => ExitCode::FAILURE,
            Outcome::Broken => ExitCode::from(2),
        })
    }
}

/// One answer from the terminal; nothing when it ends there.
fn ask(asked: &Value, own: &Value) -> Option<Value> {
    let mut said = io::stderr();
    let shown = ["type", "tag", "requirements"].map(|key| asked.get(key).cloned().unwrap_or_default());
    let [kind, tag, requirements] = shown;
    let (kind, tag) = (kind.as_str().unwrap_or_default(), tag.as_str().unwrap_or_default());
    let _ = writeln!(said, "{kind} asks ({tag}):\n{requirements:#}\nby itself: {own}");
    loop {
        if io::stdin().is_terminal() {
            let _ = write!(said, "input> ");
            let _ = said.flush();
        }
        let mut line = String::new();
        match io::stdin().lock().read_line(&mut line) {
            Ok(read) if read > 0 => {}
            _ => return None,
        }
        match line.trim() {
            "" => return Some(own.clone()),
            "quit" => return None,
            text => match serde_json::from_str::<Value>(text) {
                Ok(input) if input.is_object() => return Some(input),
                Ok(_) => {
                    let _ = writeln!(said, "an input is a JSON object");
                }
                Err(error) => {
                    let _ = writeln!(said, "that is no JSON: {error}");
                }
            },
        }
    }
}
