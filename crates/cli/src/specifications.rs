//! `vestibule test`.

mod coverage;
mod recordings;
mod reports;

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use moving::Recording;
use server::{Plan, Tested, Transcript, in_parallel, recorded};

use crate::ProjectArgs;
use crate::output::{Output, meant, refuse};

/// Run the specifications of a directory against a project, in parallel and in memory: files `*.toml` that say who somebody is, what they do
/// and what is to come of it. No store, mail server or network is opened. Exits with 0 when everything is as it was to be, with 1 when
/// something is not, and with 2 when nothing could be run.
#[derive(Args)]
pub(crate) struct Test {
    #[command(flatten)]
    project: ProjectArgs,
    /// How to report.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
    /// Also say what was never reached: stages, tags and branches of every process.
    #[arg(long)]
    coverage: bool,
    /// Write a specification of a transcript (`vestibule simulate --format json`), without its secrets, or of a recording of a real server (a HAR file, or
    /// JSON lines, as `vestibule compare` reads them), without anything that somebody typed, and run nothing.
    #[arg(long, value_name = "TRANSCRIPT", conflicts_with_all = ["coverage", "replay", "directory"])]
    record: Option<PathBuf>,
    /// The directory holds transcripts and recordings, `*.json`, `*.jsonl`, `*.har`: say who would see something else now.
    #[arg(long)]
    replay: bool,
    /// Where the specifications are; those in directories below it count, too.
    #[arg(value_name = "DIR", default_value = "specifications")]
    directory: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For CI servers.
    Junit,
    /// SARIF 2.1.0: what failed.
    Sarif,
}

/// One specification, and what became of it.
pub(crate) struct Ran {
    pub(crate) file: PathBuf,
    pub(crate) process: String,
    pub(crate) description: Option<String>,
    pub(crate) tested: Result<Tested, String>,
}

impl Ran {
    /// What is wrong; empty where everything is right.
    fn failures(&self) -> Vec<String> {
        match &self.tested {
            Ok(tested) => tested.failures.clone(),
            Err(error) => vec![error.clone()],
        }
    }
}

impl Test {
    pub(crate) fn run(self) -> ExitCode {
        let project = self.project.project.as_deref();
        if let Some(root) = project.filter(|root| !root.is_dir()) {
            return refuse(&format!("'{}' is no directory", root.display()));
        }
        if let Some(path) = &self.record {
            return record(path);
        }
        let extensions: &[&str] = if self.replay { &["json", "jsonl", "har"] } else { &["toml"] };
        let mut files = Vec::new();
        if let Err(error) = collect(&self.directory, extensions, &mut HashSet::new(), &mut files) {
            return refuse(&format!("'{}' cannot be read: {error}", self.directory.display()));
        }
        if files.is_empty() {
            return refuse(&format!("there is no *.{} in '{}'", extensions.join(" or *."), self.directory.display()));
        }
        files.sort();
        let mut plans = Vec::new();
        for file in files {
            match read(&file, self.replay) {
                Ok(read) => plans.extend(read.into_iter().map(|plan| (file.clone(), plan))),
                Err(error) => return refuse(&format!("'{}': {error}", file.display())),
            }
        }
        let rehearsal = server::rehearsal(project);
        if let Some((file, name)) = plans.iter().find_map(|(file, plan)| {
            let name = plan.process.as_deref().filter(|name| !rehearsal.processes().any(|known| known == *name))?;
            Some((file, name))
        }) {
            let like = meant(name, rehearsal.processes());
            let why = rehearsal.why_not(name).map(|why| format!(": {why}")).unwrap_or_default();
            return refuse(&format!("'{}': the project serves no process '{name}'{like}{why}", file.display()));
        }
        let tested = in_parallel(&plans, |(_, plan)| {
            rehearsal.test(plan.process.as_deref().unwrap_or_default(), plan).map_err(|error| error.to_string())
        });
        let one = |((file, plan), tested): ((PathBuf, Plan), _)| Ran {
            file,
            process: plan.process.unwrap_or_default(),
            description: plan.description,
            tested,
        };
        let ran: Vec<Ran> = plans.into_iter().zip(tested).map(one).collect();
        let failed = ran.iter().filter(|one| !one.failures().is_empty()).count();
        let coverage = if self.coverage { coverage::lines(&rehearsal.maps(), &ran) } else { Vec::new() };
        let mut output = Output::new();
        match self.format {
            Format::Text => {
                for one in &ran {
                    reports::text(one, self.replay, &mut output);
                }
                for line in coverage {
                    output.line(line);
                }
                output.line(format_args!("{} as expected, {failed} not", ran.len() - failed));
            }
            Format::Junit => output.line(reports::junit(&ran, &coverage)),
            Format::Sarif => output.line(format_args!("{:#}", reports::sarif(&ran, &coverage))),
        }
        output.finish(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn record(path: &Path) -> ExitCode {
    match runs(path) {
        Ok(texts) => match texts.as_slice() {
            [text] => {
                let mut output = Output::new();
                output.line(text.trim_end());
                output.finish(ExitCode::SUCCESS)
            }
            several => refuse(&format!(
                "'{}': there are {} runs of processes in it, and a specification is of one; '--replay' takes them all",
                path.display(),
                several.len()
            )),
        },
        Err(error) => refuse(&format!("'{}': {error}", path.display())),
    }
}

/// Longest transcript or recording that is read, in bytes.
const LONGEST: u64 = 256 << 20;

fn text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    let read = file.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if u64::try_from(read).is_ok_and(|read| read <= LONGEST) { Ok(text) } else { Err("it is larger than 256 MiB".to_owned()) }
}

/// The specifications that a transcript makes, or what a real server was asked and answered.
fn runs(path: &Path) -> Result<Vec<String>, String> {
    let text = text(path)?;
    match serde_json::from_str::<Transcript>(&text) {
        Ok(transcript) => Ok(vec![recorded(&transcript)]),
        Err(error) => {
            let recording = Recording::read(path).map_err(|other| format!("this is no transcript: {error}; and no recording: {other}"))?;
            let runs = recordings::of(&recording);
            // What holds no run must not pass for runs that went as they should.
            if runs.is_empty() {
                Err(format!("this is no transcript: {error}; and no run of a process was recorded in it"))
            } else {
                Ok(runs)
            }
        }
    }
}

fn read(file: &Path, recorded: bool) -> Result<Vec<Plan>, String> {
    // Whoever opens a pipe waits.
    if file.exists() && !file.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let texts = if recorded { runs(file)? } else { vec![text(file)?] };
    let plans: Result<Vec<Plan>, String> = texts.iter().map(|text| Plan::read(text).map_err(|error| error.to_string())).collect();
    let plans = plans?;
    if plans.iter().any(|plan| plan.process.is_none()) {
        return Err("which process? say 'process = \"reset\"'".to_owned());
    }
    Ok(plans)
}

/// The files of a directory and those below it. A directory that a link leads back to is one.
fn collect(directory: &Path, extensions: &[&str], known: &mut HashSet<PathBuf>, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !known.insert(directory.canonicalize()?) {
        return Ok(());
    }
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, extensions, known, files)?;
        } else if path.extension().and_then(|known| known.to_str()).is_some_and(|known| extensions.contains(&known)) {
            files.push(path);
        }
    }
    Ok(())
}
