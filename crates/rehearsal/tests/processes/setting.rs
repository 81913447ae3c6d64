//! Projects that are rehearsed: directories, and files that a test writes.

use std::path::Path;
use std::sync::Arc;

use project::{DirectoryFiles, Project};
use serde_json::Value;
use stages::HandlebarsTemplates;
use vestibule_rehearsal::Setting;

/// Mails of our own that say what they are.
struct Named;

impl stages::OwnMails for Named {
    fn mail(&self, name: &str, _: &[String], values: &[(&str, &str)]) -> (String, String) {
        (name.to_owned(), format!("{values:?}"))
    }
}

/// A project of these files; one that is a text is no JSON.
pub(crate) fn setting(files: &[(&str, Value)]) -> Setting {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content.as_str().map_or_else(|| content.to_string(), str::to_owned)).unwrap();
    }
    setting_at(directory.path())
}

/// The project in a directory.
pub(crate) fn setting_at(root: &Path) -> Setting {
    let project = Project::open(&DirectoryFiles::new(root.to_owned()), &|_: &str| None);
    let (companions, catalogue) = (project.companions(), stages::catalogue());
    let compiled = project.processes.iter().filter_map(|file| file.compile(&companions, &catalogue).0.map(Arc::new));
    Setting {
        processes: compiled.collect(),
        templates: Arc::new(HandlebarsTemplates::new(&project.email_templates, "en").0),
        own_mails: Arc::new(Named),
        mail_configured: true,
        project: Arc::new(project),
    }
}
