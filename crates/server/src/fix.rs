//! `vestibule check --fix`: what has one right answer is mended in the project's files.
//!
//! The rule easiest to break: an answer that is not right. So each is tried before anything is written: the project is read again as it
//! would be, and the answer counts only if its finding is gone and no error has come.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use project::{Diagnostic, DirectoryFiles, SourceFile};

use crate::config_files::Overlay;
use crate::project_writes;
use crate::runtime::{Material, Source};

/// A file that can be mended.
#[derive(Clone, Debug)]
pub struct Mended {
    /// Path relative to the project.
    pub file: String,
    /// Its text as it stands, without byte order mark.
    pub before: String,
    /// Its text without the faults.
    pub after: String,
    /// What is gone.
    pub findings: Vec<Diagnostic>,
}

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Mends a project's files, or says what it would do unless `write`.
///
/// # Errors
/// When a file cannot be read or written; those before it are written.
pub fn fix(root: &Path, write: bool) -> io::Result<Vec<Mended>> {
    let source = Source::Directory(root.to_owned());
    let files = source.files();
    let found = Material::compile(&source, Source::read_from(files.as_ref(), None)).diagnostics;
    let names: BTreeSet<String> = found.iter().map(|one| one.location.file.clone()).collect();
    let mut mended = Vec::new();
    for file in names {
        // What is no UTF-8 would be written in another encoding than it has.
        let Some(Ok(text)) = files.read(&file).ok().flatten().map(String::from_utf8) else { continue };
        let Some(result) = mend(&source, root, &file, &text) else { continue };
        if write {
            let mark = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK } else { "" };
            let name = |error: io::Error| io::Error::new(error.kind(), format!("'{file}' cannot be written: {error}"));
            // A file that is a link to another one stays one.
            let place = root.join(&file).canonicalize().map_err(name)?;
            project_writes::write(&place, &format!("{mark}{}", result.after)).map_err(name)?;
        }
        mended.push(result);
    }
    Ok(mended)
}

fn mend(source: &Source, root: &Path, file: &str, text: &str) -> Option<Mended> {
    let before = SourceFile::new(file, text).text().to_owned();
    let checked = |text: &str| {
        let overlay = Overlay { base: DirectoryFiles::new(root), path: file.to_owned(), text: Some(text.to_owned()) };
        Material::compile(source, Source::read_from(&overlay, None)).diagnostics
    };
    let same = |left: &Diagnostic, right: &Diagnostic| {
        (left.rule, &left.location.file, &left.location.pointer, &left.message)
            == (right.rule, &right.location.file, &right.location.pointer, &right.message)
    };
    let (mut after, mut found) = (before.clone(), checked(&before));
    let (mut findings, mut tried): (Vec<Diagnostic>, Vec<Diagnostic>) = (Vec::new(), Vec::new());
    loop {
        let fresh = |one: &&Diagnostic| one.location.file == file && !tried.iter().any(|known| same(known, one));
        let candidate = found.iter().filter(fresh).find_map(|one| Some((one.clone(), one.mended(&SourceFile::new(file, &after))?)));
        let Some((finding, text)) = candidate else { break };
        let then = checked(&text);
        let errors = |found: &[Diagnostic]| found.iter().filter(|one| one.is_error()).count();
        let times = |found: &[Diagnostic]| found.iter().filter(|one| same(one, &finding)).count();
        if times(&then) < times(&found) && errors(&then) <= errors(&found) {
            (after, found) = (text, then);
            findings.push(finding);
        } else {
            tried.push(finding);
        }
    }
    (!findings.is_empty()).then(|| Mended { file: file.to_owned(), before, after, findings })
}
