//! Any files make a project, any process file a process or an error; every finding points into a file, prints, and no place lies past the file's end.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use process::Catalogue;
use project::{EmbeddedFiles, Project, Severity};
use stages::Services;

/// The files a project may hold; an input is their texts, each behind a byte that chooses one and up to a zero byte.
const FILES: [&str; 20] = [
    "vestibule.toml",
    "conf/selfservice-reset.json",
    "conf/selfservice-profile.json",
    "conf/authentication.json",
    "conf/access.json",
    "conf/external.email.json",
    "conf/ui-configuration.json",
    "conf/managed.json",
    "conf/policy.json",
    "conf/selfservice.kba.json",
    "conf/selfservice.terms.json",
    "conf/auth.profile.json",
    "conf/jsonstore.json",
    "conf/consent.json",
    "conf/sync.json",
    "conf/identityProviders.json",
    "conf/emailTemplate-welcome.json",
    "conf/boot/boot.properties",
    "resolver/boot.properties",
    "script/access.js",
];

static CATALOGUE: LazyLock<Catalogue<Services>> = LazyLock::new(stages::catalogue);

fuzz_target!(|bytes: &[u8]| {
    let files: Vec<(&str, &[u8])> = bytes
        .split(|byte| *byte == 0)
        .filter_map(|part| part.split_first())
        .map(|(choice, text)| (FILES[usize::from(*choice) % FILES.len()], text))
        .collect();
    let project = Project::open(&EmbeddedFiles::new(files.clone()), &|name: &str| (name == "A").then(|| "&{b|x}".to_owned()));
    let companions = project.companions();
    let mut diagnostics = project.diagnostics.clone();
    for file in &project.processes {
        let (process, found) = file.compile(&companions, &CATALOGUE);
        let refused = found.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        // What stages name that is not there was said when all files were read together.
        let said = project.diagnostics.iter().any(|diagnostic| diagnostic.is_error() && diagnostic.location.file == file.file.path());
        assert!(said || !file.refused, "a process is refused for a reason that is said");
        assert!(file.broken || process.is_none() == (refused || file.refused), "{found:?}");
        diagnostics.extend(found);
    }
    for diagnostic in &diagnostics {
        let at = &diagnostic.location;
        assert!(diagnostic.to_string().starts_with(&at.file));
        let text = files.iter().rev().find(|(path, _)| *path == at.file).map(|(_, text)| *text);
        if let (Some(position), Some(text)) = (at.position, text) {
            assert!(position.line <= text.iter().filter(|byte| **byte == b'\n').count() + 1, "{diagnostic}");
        }
    }
});
