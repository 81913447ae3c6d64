//! Projects made by tests: files in memory, written where a server is started on them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::mailbox::mailbox;

/// An IDM project. Every one sends its mail to the mail server of the tests and has no rate limits unless a test wants them.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    files: BTreeMap<String, Vec<u8>>,
}

/// The three questions of the tests' `selfservice.kba.json`, with the answers every [`super::Person`] gives.
pub(crate) const QUESTIONS: [(&str, &str, &str); 3] =
    [("1", "Which street?", "Elm Street"), ("2", "Which pet?", "Oolong"), ("3", "Which city?", "Łódź")];

impl Project {
    /// A project without processes.
    pub(crate) fn new() -> Self {
        let questions: serde_json::Map<String, Value> =
            QUESTIONS.iter().map(|(id, text, _)| ((*id).to_owned(), json!({ "en": text, "fr": format!("{text} (fr)") }))).collect();
        Self { files: BTreeMap::new() }
            .json("conf/external.email.json", &json!({ "host": "127.0.0.1", "port": mailbox().port, "from": "project@example.test", "auth": { "enable": false }, "starttls": { "enable": false } }))
            .json("conf/selfservice.kba.json", &json!({ "kbaPropertyName": "kbaInfo", "minimumAnswersToDefine": 2, "minimumAnswersToVerify": 1, "questions": questions }))
            .json("conf/ui-configuration.json", &json!({ "configuration": { "passwordReset": true, "forgotUsername": true, "selfRegistration": true, "lang": "en" } }))
            // What is tried at load costs each start its time; `prove` and the projects that are taken as they are show it.
            .file("vestibule.toml", "[limits]\nenabled = false\n[prove]\nat_load = \"off\"\n")
    }

    /// The files of a directory as they are. Its mail goes to the mail server of the tests.
    pub(crate) fn from_directory(root: &Path) -> Self {
        let mut project = Self { files: BTreeMap::new() };
        project.read(root, "");
        project
    }

    fn read(&mut self, directory: &Path, prefix: &str) {
        for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                self.read(&entry.path(), &format!("{name}/"));
            } else {
                self.files.insert(name, std::fs::read(entry.path()).unwrap());
            }
        }
    }

    /// One more file, or another content of one.
    pub(crate) fn file(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(name.into(), content.into());
        self
    }

    pub(crate) fn json(self, name: &str, content: &Value) -> Self {
        self.file(name, serde_json::to_vec_pretty(content).unwrap())
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.files.remove(name);
        self
    }

    /// A process of these stages with the default token.
    pub(crate) fn process(self, name: &str, stages: &[Value]) -> Self {
        self.definition(name, &json!({ "stageConfigs": stages }))
    }

    /// A whole process file.
    pub(crate) fn definition(self, name: &str, definition: &Value) -> Self {
        self.json(&format!("conf/selfservice-{name}.json"), definition)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// A file's content as text.
    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(self.files.get(name).unwrap_or_else(|| panic!("no file {name}"))).into_owned()
    }

    pub(crate) fn write_to(&self, root: &Path) {
        for (name, content) in &self.files {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        std::fs::create_dir_all(root.join("conf")).unwrap();
    }
}
