//! How the pages of a project look and speak: its templates, messages, assets and brand over ours. Made by the first request that finds the
//! project or one of these files changed, and swapped in whole.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use accounts::Runtime;
use project::Project;
use serde_json::{Value, json};

use crate::asset::{Assets, media};
use crate::brand::Brand;
use crate::button_style;
use crate::colour;
use crate::language::{Catalogue, Languages};
use crate::page::Page;
use crate::template::{Fault, Templates};

/// Where a project keeps its own pages.
const DIRECTORY: &str = "pages";
/// Largest file of it, in bytes.
const MAX_FILE: u64 = 2 * 1024 * 1024;
/// Most files of it.
const MAX_FILES: usize = 500;

/// The look of a project.
pub(crate) struct Look {
    /// What it says.
    pub languages: Arc<Languages>,
    pub(crate) templates: Templates,
    pub(crate) assets: Assets,
    /// The project's own messages.
    pub(crate) catalogues: Vec<Catalogue>,
    /// Whose it is.
    pub brand: Brand,
    /// What is wrong with the project's files.
    pub faults: Vec<Fault>,
    /// Name, size and time of each of its files: they are read again when this changes.
    pub(crate) stamp: Stamp,
}

/// What a project's own files looked like.
pub(crate) type Stamp = Vec<(String, u64, Option<SystemTime>)>;

impl Look {
    /// The look of what is served.
    #[must_use]
    pub(crate) fn of(root: Option<&Path>, project: &Project) -> Self {
        let directory = root.map(|root| root.join(DIRECTORY));
        let own = directory.as_deref().map(own_files).unwrap_or_default();
        let (mut templates, mut catalogues, mut assets, mut faults) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (name, bytes) in own.files {
            let text = || String::from_utf8(bytes.clone());
            let no_text = || Fault { file: format!("{DIRECTORY}/{name}"), line: None, message: "the file is no UTF-8 text".to_owned() };
            match name.split_once('/') {
                Some(("templates", template)) => match text() {
                    Ok(text) => templates.push((template.to_owned(), text)),
                    Err(_) => faults.push(no_text()),
                },
                Some(("messages", catalogue)) => match (catalogue.split_once('/'), text()) {
                    (Some((language, file)), Ok(source)) => {
                        catalogues.push(Catalogue { language: language.to_owned(), name: file.to_owned(), source });
                    }
                    (_, Err(_)) => faults.push(no_text()),
                    (None, _) => {}
                },
                Some(("assets", asset)) => assets.push((asset.to_owned(), bytes)),
                _ => {}
            }
        }
        let (languages, of_catalogues) = Languages::with(&catalogues);
        faults.extend(of_catalogues.into_iter().map(|fault| Fault {
            file: format!("{DIRECTORY}/messages/{}", fault.file),
            line: Some(fault.line),
            message: fault.message,
        }));
        let languages = Arc::new(languages);
        let (templates, of_templates) = Templates::with(&languages, &templates);
        faults.extend(of_templates);
        let brand = Brand::of(project);
        let colours =
            colour::style(&brand.colour, &brand.colour_dark) + &button_style::style(project.providers.iter().map(|file| &file.value));
        let assets = Assets::with(assets, &colours);
        Self { languages, templates, assets, catalogues, brand, faults, stamp: own.stamp }
    }

    /// The path of the logo; empty where there is none.
    pub(crate) fn logo(&self) -> &str {
        self.picture(&self.brand.logo)
    }

    /// The path of a picture that a project names; empty where there is none.
    pub(crate) fn picture(&self, name: &str) -> &str {
        let name = name.trim_start_matches("./").trim_start_matches('/');
        self.assets.path(name.strip_prefix("pages/assets/").unwrap_or(name))
    }

    /// What the project's own files look like now.
    pub(crate) fn stamp_of(runtime: &Runtime) -> Stamp {
        runtime.root.as_deref().map(|root| stamps(&root.join(DIRECTORY))).unwrap_or_default()
    }

    /// A page of this context.
    ///
    /// # Errors
    /// When the built-in template fails, which is our fault.
    pub(crate) fn render<P: Page>(&self, surroundings: Value, page: &P, template: &str) -> Result<String, Fault> {
        self.templates.render(template, &context(surroundings, page))
    }
}

/// The whole context of a page.
pub(crate) fn context<P: Page>(mut surroundings: Value, page: &P) -> Value {
    if let Value::Object(members) = &mut surroundings {
        members.insert("page".to_owned(), serde_json::to_value(page).unwrap_or_else(|_| json!({})));
    }
    surroundings
}

/// The texts of a project's own templates.
pub(crate) fn own_templates(root: Option<&Path>) -> Vec<String> {
    let directory = root.map(|root| root.join(DIRECTORY));
    let files = directory.as_deref().map(own_files).unwrap_or_default().files;
    let templates = files.into_iter().filter(|(name, _)| name.starts_with("templates/"));
    templates.filter_map(|(_, bytes)| String::from_utf8(bytes).ok()).collect()
}

/// What a project's own messages looked like.
pub(crate) fn catalogue_stamp(root: Option<&Path>) -> Stamp {
    let mut stamp = Stamp::new();
    if let Some(root) = root {
        walk(&root.join(DIRECTORY), "messages", 0, &mut stamp);
    }
    stamp.sort();
    stamp
}

/// What a project's pages say, and nothing else of them. What is wrong with its messages is reported by [`Look::of`].
pub(crate) fn languages(root: Option<&Path>) -> Languages {
    let own = |root: &Path| {
        let catalogue = |(name, ..): (String, u64, Option<SystemTime>)| {
            let (language, file) = name.strip_prefix("messages/")?.split_once('/')?;
            let source = std::fs::read_to_string(root.join(DIRECTORY).join(&name)).ok()?;
            Some(Catalogue { language: language.to_owned(), name: file.to_owned(), source })
        };
        catalogue_stamp(Some(root)).into_iter().filter_map(catalogue).collect()
    };
    let own: Vec<Catalogue> = root.map(own).unwrap_or_default();
    Languages::with(&own).0
}

#[derive(Default)]
struct OwnFiles {
    files: Vec<(String, Vec<u8>)>,
    stamp: Stamp,
}

fn own_files(directory: &Path) -> OwnFiles {
    let stamp = stamps(directory);
    let read = |(name, ..): &(String, u64, Option<SystemTime>)| Some((name.clone(), std::fs::read(directory.join(name)).ok()?));
    OwnFiles { files: stamp.iter().filter_map(read).collect(), stamp }
}

fn stamps(directory: &Path) -> Stamp {
    let mut stamp = Stamp::new();
    for part in ["templates", "messages", "assets"] {
        walk(directory, part, 0, &mut stamp);
    }
    stamp.sort();
    stamp
}

/// Files of a project's pages that nobody reads. What is written for people is none.
pub(crate) fn unread(root: Option<&Path>) -> Vec<Fault> {
    let Some(directory) = root.map(|root| root.join(DIRECTORY)) else { return Vec::new() };
    let read: BTreeSet<String> = stamps(&directory).into_iter().map(|(name, ..)| name).collect();
    let mut found = Vec::new();
    everything(&directory, "", 0, &mut found);
    found.sort();
    let fault = |(name, size): (String, u64)| {
        let message = match name.split('/').next().unwrap_or_default() {
            _ if size > MAX_FILE => format!("the file is larger than {MAX_FILE} bytes, so it is not read"),
            "templates" if !is_ours(&name) => "templates are files whose name ends in '.html': this one is not read".to_owned(),
            "messages" if !is_ours(&name) => "catalogues of messages are files whose name ends in '.ftl': this one is not read".to_owned(),
            "messages" if name.split('/').count() == 2 => {
                "catalogues lie in a directory of their language, 'messages/de': this one is not read".to_owned()
            }
            "assets" if !is_ours(&name) => "files of this kind are not served".to_owned(),
            "templates" | "messages" | "assets" => "there are too many files, or it lies too deep: it is not read".to_owned(),
            _ => "files of the pages lie in 'templates', 'messages' and 'assets': this one is not read".to_owned(),
        };
        Fault { file: format!("{DIRECTORY}/{name}"), line: None, message }
    };
    let is_misplaced = |name: &str| name.starts_with("messages/") && name.split('/').count() == 2;
    found.into_iter().filter(|(name, _)| !read.contains(name) || is_misplaced(name)).map(fault).collect()
}

/// Every file below a directory with its size, but for those of editors and those for people.
fn everything(directory: &Path, below: &str, depth: usize, found: &mut Vec<(String, u64)>) {
    let Ok(entries) = std::fs::read_dir(directory.join(below)) else { return };
    for entry in entries.flatten() {
        let file_name = entry.file_name().to_string_lossy().into_owned();
        let name = if below.is_empty() { file_name.clone() } else { format!("{below}/{file_name}") };
        let Ok(facts) = std::fs::metadata(directory.join(&name)) else { continue };
        let extension = file_name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let for_people = ["md", "txt"].contains(&extension) || ["README", "LICENSE", "LICENCE"].contains(&file_name.as_str());
        if file_name.starts_with('.') || file_name.ends_with('~') || for_people {
            continue;
        }
        if facts.is_dir() && depth < 5 {
            everything(directory, &name, depth + 1, found);
        } else if facts.is_file() && found.len() < 2 * MAX_FILES {
            found.push((name, facts.len()));
        }
    }
}

fn walk(directory: &Path, below: &str, depth: usize, stamp: &mut Stamp) {
    let Ok(entries) = std::fs::read_dir(directory.join(below)) else { return };
    for entry in entries.flatten() {
        let Ok(file_name) = entry.file_name().into_string() else { continue };
        let name = format!("{below}/{file_name}");
        let Ok(facts) = std::fs::metadata(directory.join(&name)) else { continue };
        if file_name.starts_with('.') || file_name.ends_with('~') {
            continue;
        }
        if facts.is_dir() && depth < 3 {
            walk(directory, &name, depth + 1, stamp);
        } else if facts.is_file() && facts.len() <= MAX_FILE && stamp.len() < MAX_FILES && is_ours(&name) {
            stamp.push((name, facts.len(), facts.modified().ok()));
        }
    }
}

/// Whether a file of this name is read at all.
fn is_ours(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension).unwrap_or_default();
    match name.split('/').next() {
        Some("templates") => extension == "html",
        Some("messages") => extension == "ftl",
        _ => media(extension).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_that_nobody_reads_are_named_and_those_for_people_are_not() {
        let root = tempfile::tempdir().unwrap();
        let pages = root.path().join(DIRECTORY);
        for file in [
            "templates/sign-in.htm",
            "templates/landing.html",
            "templates/README.md",
            "templates/.landing.html.swp",
            "templates/landing.html~",
            "messages/de/own.ftl",
            "messages/de/own.txt",
            "messages/own.ftl",
            "messages/de/own.json",
            "assets/logo.svg",
            "assets/logo.psd",
            "sign-in.html",
            "template/landing.html",
        ] {
            let file = pages.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "x").unwrap();
        }
        let found: Vec<String> = unread(Some(root.path())).into_iter().map(|fault| fault.file).collect();
        let named = [
            "assets/logo.psd",
            "messages/de/own.json",
            "messages/own.ftl",
            "sign-in.html",
            "template/landing.html",
            "templates/sign-in.htm",
        ];
        assert_eq!(found, named.map(|name| format!("pages/{name}")));
        assert!(unread(None).is_empty());
    }
}
