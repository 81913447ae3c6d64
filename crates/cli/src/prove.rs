//! `vestibule prove`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use server::in_parallel;
use server::prove::{Attack, AttackStep, Cut, Finding, Prover, Recovery};

use crate::ProjectArgs;
use crate::output::{Output, complain, meant, refuse};

/// Try everything that an attacker can submit to a process, by classes of input, on the real engine and in memory: for every kind of account, with
/// every set of proofs that `[prove]` of vestibule.toml says is not enough. Exits with 0 when no way was found, with 1 when one was, and
/// with 2 when nothing could be tried or an exploration was cut off.
#[derive(Args)]
pub(crate) struct Prove {
    #[command(flatten)]
    project: ProjectArgs,
    /// Instead, the least that somebody needs for a new credential, for each kind of account.
    #[arg(long)]
    recovery: bool,
    /// How to print.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
    /// Which processes; all of them where none is named.
    #[arg(value_name = "PROCESS")]
    processes: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One list.
    Json,
}

impl Prove {
    pub(crate) fn run(self) -> ExitCode {
        let project = self.project.project.as_deref();
        if let Some(root) = project.filter(|root| !root.is_dir()) {
            return refuse(&format!("'{}' is no directory", root.display()));
        }
        let prover = match server::prover(project) {
            Ok(prover) => prover,
            Err(error) => return refuse(&error),
        };
        let known = prover.processes();
        for name in &self.processes {
            if !known.contains(&name.as_str()) {
                let like = meant(name, known.iter().copied());
                return refuse(&format!("the project has no process '{name}'{like}"));
            }
        }
        let wanted: Vec<&str> =
            known.into_iter().filter(|name| self.processes.is_empty() || self.processes.iter().any(|process| process == name)).collect();
        if wanted.is_empty() {
            return refuse(&"there is no process to try");
        }
        if self.recovery { self.tell_recovery(&prover, &wanted) } else { self.tell_attacks(&prover, &wanted) }
    }

    fn tell_attacks(&self, prover: &Prover, wanted: &[&str]) -> ExitCode {
        let mut output = Output::new();
        let (mut attacked, mut whole, mut all) = (false, true, Vec::new());
        for (name, found) in wanted.iter().zip(in_parallel(wanted, |name| prover.prove(name))) {
            match found {
                Ok(Some(finding)) => {
                    attacked |= !finding.attacks.is_empty();
                    whole &= finding.cut_off.is_empty();
                    match self.format {
                        Format::Text => output.line(lines(prover, &finding).join("\n")),
                        Format::Json => all.push(value(prover, &finding)),
                    }
                }
                Ok(None) => {
                    whole = false;
                    complain(&untried(prover, name));
                }
                Err(error) => return refuse(&error),
            }
        }
        if self.format == Format::Json {
            output.line(format_args!("{:#}", Value::Array(all)));
        }
        output.finish(match (attacked, whole) {
            (true, _) => ExitCode::FAILURE,
            (false, true) => ExitCode::SUCCESS,
            (false, false) => ExitCode::from(2),
        })
    }

    fn tell_recovery(&self, prover: &Prover, wanted: &[&str]) -> ExitCode {
        let mut output = Output::new();
        let (mut whole, mut all) = (true, Vec::new());
        for (name, found) in wanted.iter().zip(in_parallel(wanted, |name| prover.recovery(name))) {
            match found {
                Ok(Some(found)) => {
                    whole &= found.iter().all(|recovery| recovery.cut_off.is_empty());
                    match self.format {
                        Format::Text => output.line(recovery_lines(name, &found).join("\n")),
                        Format::Json => all.push(json!({ "process": name, "recovery": found })),
                    }
                }
                Ok(None) => {
                    whole = false;
                    complain(&untried(prover, name));
                }
                Err(error) => return refuse(&error),
            }
        }
        if self.format == Format::Json {
            output.line(format_args!("{:#}", Value::Array(all)));
        }
        output.finish(if whole { ExitCode::SUCCESS } else { ExitCode::from(2) })
    }
}

/// Why there is nothing to try.
fn untried(prover: &Prover, name: &str) -> String {
    let why = prover.why_not(name).map_or_else(|| "; 'vestibule check' says why".to_owned(), |why| format!(": {why}"));
    format!("'{name}' cannot be run, so there is nothing to try{why}")
}

fn value(prover: &Prover, finding: &Finding) -> Value {
    let mut value = serde_json::to_value(finding).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.insert("why".to_owned(), finding.cut_off.iter().map(Cut::to_string).collect());
    }
    for (shown, attack) in value.get_mut("attacks").and_then(Value::as_array_mut).into_iter().flatten().zip(&finding.attacks) {
        if let Some(members) = shown.as_object_mut() {
            members.insert("script".to_owned(), prover.script(&finding.process, attack).into());
        }
    }
    value
}

fn lines(prover: &Prover, finding: &Finding) -> Vec<String> {
    let mut lines = Vec::new();
    let explored = format!(
        "{} states, {} submissions, up to {} in a row, over {} kinds of accounts and sets of proofs ({})",
        finding.states, finding.inputs, finding.depth, finding.settings, finding.bounds
    );
    let name = &finding.process;
    let unserved = if finding.served { "" } else { " It is not served; it was tried as if its proofs had been waived." };
    match (finding.attacks.is_empty(), finding.cut_off.is_empty()) {
        (true, true) => lines.push(format!("{name}: no way found in {explored}.{unserved}")),
        (true, false) => lines.push(format!(
            "{name}: nothing is proved. The exploration was cut off after {explored}: {}. Until then no way was found.{unserved}",
            why(&finding.cut_off)
        )),
        (false, _) => lines.push(format!("{name}: {} found in {explored}.{unserved}", counted(finding.attacks.len()))),
    }
    for attack in &finding.attacks {
        lines.extend(told(prover, name, attack));
    }
    lines
}

fn why(cut_off: &BTreeSet<Cut>) -> String {
    cut_off.iter().map(Cut::to_string).collect::<Vec<_>>().join("; ")
}

fn counted(ways: usize) -> String {
    if ways == 1 { "a way".to_owned() } else { format!("{ways} ways") }
}

fn told(prover: &Prover, process: &str, attack: &Attack) -> Vec<String> {
    let mut lines = vec![String::new(), format!("{process}: {} of {}, with {}", attack.goal, attack.shape, attack.has)];
    lines.extend(steps(&attack.steps));
    match &attack.fix {
        Some(edit) => lines.push(format!("  to close it: {}", edit.says)),
        None if attack.edits_left => lines.push("  none of the edits of one stage that were tried closes it; there are more".to_owned()),
        None => lines.push("  no edit of one stage closes it".to_owned()),
    }
    lines.push("  as a script:".to_owned());
    lines.extend(prover.script(process, attack).lines().map(|line| format!("    {line}")));
    lines
}

fn steps(steps: &[AttackStep]) -> Vec<String> {
    let said = |(number, step): (usize, &AttackStep)| {
        let token = match step.token {
            None => String::new(),
            Some(token) if token == number => " with the last token".to_owned(),
            Some(token) => format!(" with the token of answer {token}"),
        };
        format!("  {}. submit {}{token}: {}", number + 1, step.input, step.answer)
    };
    steps.iter().enumerate().map(said).collect()
}

fn recovery_lines(process: &str, found: &[Recovery]) -> Vec<String> {
    let mut lines = Vec::new();
    for recovery in found {
        let shape = recovery.shape;
        lines.push(match (&recovery.needs, recovery.cut_off.is_empty()) {
            (Some(needs), true) => format!("{process}: {shape} gets a new credential with {needs}"),
            (Some(needs), false) => {
                format!("{process}: {shape} gets a new credential with {needs}, or with less: {}", why(&recovery.cut_off))
            }
            (None, true) => format!("{process}: {shape} gets none"),
            (None, false) => format!("{process}: no way was found for {shape}, and nothing is proved: {}", why(&recovery.cut_off)),
        });
        lines.extend(steps(&recovery.steps));
    }
    lines
}
