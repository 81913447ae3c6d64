//! The next definition of a process (`"vestibule": {"canary": …}`), read from its file beside the present one.
//!
//! The rule easiest to break: whoever begins has been asked the first question already, of the present definition, before there is an instance
//! that could be drawn. So both must ask the same first, of the same people.

use process::{CanaryOptions, Catalogue, Joined};
use serde_json::{Map, Value};
use stages::Services;

use super::loader::{Loader, Presence};
use crate::diagnostic::{Diagnostic, Severity, Sink, suggestion};
use crate::process_file::{Canary, ProcessFile};
use crate::source::Location;

const PLACE: &str = "/vestibule/canary";
/// A stage that keeps what a link brings along, and asks nothing.
const PARAMETERS: &str = "parameters";

/// Reads the next definitions of all processes.
pub(super) fn read(loader: &Loader<'_>, conf: &[String], processes: &mut [ProcessFile], sink: &Sink) {
    for process in processes.iter_mut() {
        let Some(value) = process.value.pointer(PLACE).filter(|value| !value.is_null()) else { continue };
        match CanaryOptions::read(PLACE, value) {
            Ok(options) => process.canary = Some(canary(loader, conf, process, options, sink)),
            Err(issue) => process.diagnostics([issue]).into_iter().for_each(|found| sink.push(found)),
        }
    }
    unnamed(loader, conf, processes, sink);
}

fn canary(loader: &Loader<'_>, conf: &[String], process: &ProcessFile, options: CanaryOptions, sink: &Sink) -> Canary {
    let next = next(loader, conf, process, &options.file, sink);
    Canary { next: next.filter(|next| fits(process, next, sink)).map(Box::new), options }
}

/// `reset` of `selfservice-reset.next.json`: the process, of which it is another definition.
fn process_of(file: &str) -> Option<&str> {
    let (process, word) = file.strip_prefix("selfservice-")?.strip_suffix(".json")?.split_once('.')?;
    let plain = |text: &str| !text.is_empty() && !text.contains(['.', '/', '\\']);
    (plain(process) && plain(word)).then_some(process)
}

fn next(loader: &Loader<'_>, conf: &[String], process: &ProcessFile, file: &str, sink: &Sink) -> Option<ProcessFile> {
    let at = || process.file.locate(&format!("{PLACE}/file"));
    let named = format!("selfservice-{}.next.json", process.name);
    if process_of(file) != Some(process.name.as_str()) {
        let message = format!("'{file}' is not the name of another definition of '{}'", process.name);
        let help = format!("put it beside this file and call it '{named}', or with another word for 'next'");
        sink.push(Diagnostic::new(Severity::Error, "canary-of-another", at(), message).with_help(help));
        return None;
    }
    let document = match loader.companion(file) {
        Presence::Present(document) => document,
        // What is wrong with it was said.
        Presence::Broken => return None,
        Presence::Absent => {
            let beside = conf.iter().map(String::as_str).filter(|other| process_of(other) == Some(process.name.as_str()));
            let help = suggestion(file, beside).unwrap_or_else(|| format!("write conf/{file}, or take 'canary' out"));
            let message = format!("there is no conf/{file}, so nobody begins on it");
            sink.push(Diagnostic::new(Severity::Error, "canary-file", at(), message).with_help(help));
            return None;
        }
    };
    let found = ProcessFile::from_document(&process.name, document, sink);
    if found.is_none() {
        let message = format!("conf/{file} has no 'stageConfigs', so it is no definition of a process");
        sink.push(Diagnostic::new(Severity::Error, "canary-file", at(), message).with_help("write its stages, or take 'canary' out"));
    }
    found
}

/// Definitions that lie beside those of the project's processes, and that nothing names: one that was promoted, or is not named yet. They can be
/// read and written over REST all the same.
fn unnamed(loader: &Loader<'_>, conf: &[String], processes: &[ProcessFile], sink: &Sink) {
    let named = |file: &str| processes.iter().filter_map(|process| process.canary.as_ref()).any(|canary| canary.options.file == file);
    let beside = |file: &str| process_of(file).is_some_and(|name| processes.iter().any(|process| process.name == name));
    for file in conf.iter().filter(|file| beside(file) && !named(file)) {
        let _ = loader.minor(file);
        let message = "nothing names this definition, so nobody begins on it";
        let help = "a process file names it with \"vestibule\": {\"canary\": {\"file\": …, \"share\": …}}";
        let location = Location::file(format!("conf/{file}"));
        sink.push(Diagnostic::new(Severity::Hint, "canary-unnamed", location, message).with_help(help));
    }
}

/// Whether the next definition can stand beside the present one.
fn fits(process: &ProcessFile, next: &ProcessFile, sink: &Sink) -> bool {
    if next.value.pointer(PLACE).is_some_and(|value| !value.is_null()) {
        let message = "the next definition has a canary itself: there are two definitions at a time, the present one and the next";
        sink.push(Diagnostic::new(Severity::Error, "canary-in-canary", next.file.locate(PLACE), message).with_help("take it out here"));
        return false;
    }
    let catalogue = stages::catalogue();
    let differs = |pointer: &str, message: &str, help: &str| {
        sink.push(Diagnostic::new(Severity::Error, "canary-differs", next.file.locate(pointer), message).with_help(help));
    };
    let mut same = true;
    if options(&process.value) != options(&next.value) {
        let message =
            "'vestibule' says something else than in the present definition, and who may use a process is asked before anybody is drawn";
        differs("/vestibule", message, "say the same in both, 'canary' aside");
        same = false;
    }
    if opening(&process.value, &catalogue) != opening(&next.value, &catalogue) {
        let message = "the first question is not that of the present definition, and a client asks it before anybody is drawn";
        differs("/stageConfigs/0", message, "begin both with the same stage and the same configuration, and change what follows");
        same = false;
    }
    same
}

/// What `vestibule` says, the canary aside.
fn options(file: &Value) -> Map<String, Value> {
    let mut options = file.get("vestibule").and_then(Value::as_object).cloned().unwrap_or_default();
    options.remove("canary");
    options.retain(|_, value| !value.is_null());
    options
}

/// The stages up to the first that asks something; and those that are one form with it.
fn opening<'v>(file: &'v Value, catalogue: &Catalogue<Services>) -> (bool, Vec<&'v Value>) {
    let stages = file.get("stageConfigs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let asks = |stage: &&Value| catalogue.of(stage).is_none_or(|declared| declared.name() != PARAMETERS);
    let first = stages.iter().position(|stage| asks(&stage)).map_or(stages.len(), |place| place + 1);
    let is_one = file
        .get("allInOneRegistration")
        .is_some_and(|flag| flag == true || flag.as_str().is_some_and(|text| text.trim().eq_ignore_ascii_case("true")));
    let joined = |stage: &&Value| is_one && catalogue.of(stage).is_some_and(|declared| declared.joined() != Joined::Never);
    let later = stages.iter().skip(first).filter(joined);
    (is_one, stages.iter().take(first).chain(later).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_next_file_says_its_process() {
        assert_eq!(process_of("selfservice-reset.next.json"), Some("reset"));
        assert_eq!(process_of("selfservice-my-own.2.json"), Some("my-own"));
        for name in ["selfservice-reset.json", "selfservice-.next.json", "selfservice-reset..json", "selfservice-a.b.c.json", "x.next.json"]
        {
            assert_eq!(process_of(name), None, "{name}");
        }
        assert_eq!(process_of("selfservice-reset.../x.json"), None);
    }
}
