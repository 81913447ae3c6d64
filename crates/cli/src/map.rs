//! `vestibule map`.

use std::cell::LazyCell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use server::ProcessMap;

use crate::ProjectArgs;
use crate::output::{Output, complain, meant, refuse};

/// Draw processes as they run: stages, what each asks, needs and gives, branches, mails, and where it ends. Read from what would be served;
/// nothing is opened but the project's files. Exits with 1 when a process cannot be drawn, and with 2 when nothing was.
#[derive(Args)]
pub(crate) struct Map {
    #[command(flatten)]
    project: ProjectArgs,
    /// How to draw.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Mermaid)]
    format: Format,
    /// Mark what changed since this other project.
    #[arg(long, value_name = "DIR")]
    diff: Option<PathBuf>,
    /// Write a file for each process into this directory, `reset.svg`, instead of printing.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Which processes; all of them where none is named.
    #[arg(value_name = "PROCESS")]
    processes: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A flowchart for Markdown and wikis.
    Mermaid,
    /// A picture, light and dark, whose text can be selected and read aloud.
    Svg,
    /// One object for each process.
    Json,
}

impl Format {
    fn draw(self, map: &ProcessMap) -> String {
        match self {
            Self::Mermaid => format!("%% {} {}\n{}", map.process, map.version, map.mermaid()),
            Self::Svg => map.svg(),
            Self::Json => serde_json::to_string_pretty(map).unwrap_or_default() + "\n",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Mermaid => "mmd",
            Self::Svg => "svg",
            Self::Json => "json",
        }
    }
}

impl Map {
    pub(crate) fn run(self) -> ExitCode {
        let project = self.project.project.as_deref();
        for root in [project, self.diff.as_deref()].into_iter().flatten() {
            if !root.is_dir() {
                return refuse(&format!("'{}' is no directory", root.display()));
            }
        }
        let known = server::maps(project);
        let before = self.diff.as_deref().map(|other| server::maps(Some(other))).unwrap_or_default();
        for name in &self.processes {
            if !known.iter().chain(&before).any(|(process, _)| process == name) {
                let like = meant(name, known.iter().map(|(process, _)| process.as_str()));
                return refuse(&format!("the project has no process '{name}'{like}"));
            }
        }
        let is_wanted = |process: &String| self.processes.is_empty() || self.processes.contains(process);
        let wanted = known.iter().filter(|(process, _)| is_wanted(process));
        let mut whole = true;
        let mut maps: Vec<ProcessMap> = Vec::new();
        let rehearsal = LazyCell::new(|| server::rehearsal(project));
        for (process, map) in wanted {
            if map.is_none() {
                whole = false;
                let why = rehearsal.why_not(process);
                let why = why.map_or_else(|| "; 'vestibule check' says why".to_owned(), |why| format!(": {why}"));
                complain(&format!("'{process}' is not served, so there is nothing to draw{why}"));
            }
            maps.extend(map.clone());
        }
        if self.diff.is_some() {
            let earlier = |name: &str| before.iter().find(|(process, _)| process == name).and_then(|(_, map)| map.as_ref());
            maps = maps
                .into_iter()
                .map(|map| earlier(&map.process).cloned().map_or_else(|| map.clone().as_added(), |old| map.clone().since(&old)))
                .collect();
            let went = before.iter().filter(|(process, _)| is_wanted(process) && !known.iter().any(|(name, _)| name == process));
            maps.extend(went.filter_map(|(_, map)| map.clone()).map(ProcessMap::as_removed));
        }
        if maps.is_empty() {
            return refuse(&"there is no process to draw");
        }
        let done = match &self.output {
            Some(directory) => write(directory, &maps, self.format),
            None if maps.len() > 1 && self.format == Format::Svg => {
                return refuse(&"a picture holds one process: name one, or say with --output where each goes");
            }
            None => {
                let mut output = Output::new();
                let drawn: Vec<String> = maps.iter().map(|map| self.format.draw(map)).collect();
                output.line(drawn.join("\n").trim_end());
                return output.finish(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
        };
        match done {
            Ok(()) if whole => ExitCode::SUCCESS,
            Ok(()) => ExitCode::FAILURE,
            Err(error) => refuse(&error),
        }
    }
}

fn write(directory: &Path, maps: &[ProcessMap], format: Format) -> Result<(), String> {
    let failed = |path: &Path, error: std::io::Error| format!("'{}' cannot be written: {error}", path.display());
    std::fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    for map in maps {
        let path = directory.join(format!("{}.{}", map.process, format.extension()));
        std::fs::write(&path, format.draw(map)).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}
