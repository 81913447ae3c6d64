//! Which processes a project has and what becomes of each, for the lines a start prints.

use process::Audience;

use accounts::Runtime;

/// What becomes of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProcessState {
    /// Clients can use it, if the access rules let them.
    Served,
    /// It is switched off in `ui-configuration.json` and answers 403.
    SwitchedOff,
    /// Its file has errors; it is not served.
    Broken,
}

/// A process of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessStatus {
    /// The name in the path: `reset` of `selfservice/reset`.
    pub name: String,
    /// What becomes of it.
    pub state: ProcessState,
    /// Whether an anonymous caller may begin it.
    pub for_anonymous: bool,
}

/// Every process of the project, by name.
pub(crate) fn statuses(runtime: &Runtime) -> Vec<ProcessStatus> {
    let mut found: Vec<ProcessStatus> = runtime
        .project
        .processes
        .iter()
        .map(|file| {
            let compiled = runtime.processes.get(&file.name).filter(|_| !file.broken);
            let state = match compiled {
                None => ProcessState::Broken,
                Some(_) if file.switched_off => ProcessState::SwitchedOff,
                Some(_) => ProcessState::Served,
            };
            let for_anonymous = compiled
                .is_some_and(|process| matches!(process.options.audience, None | Some(Audience::Anonymous)) && !process.binds_session());
            ProcessStatus { name: file.name.clone(), state, for_anonymous }
        })
        .collect();
    // A file that is no JSON names a process all the same.
    for diagnostic in runtime.diagnostics.iter().filter(|found| found.is_error()) {
        let name = diagnostic.location.file.strip_prefix("conf/").and_then(project::ProcessFile::name_of);
        if let Some(name) = name.filter(|name| !found.iter().any(|known| known.name == *name)) {
            found.push(ProcessStatus { name: name.to_owned(), state: ProcessState::Broken, for_anonymous: false });
        }
    }
    found.sort_by(|left, right| left.name.cmp(&right.name));
    found
}
