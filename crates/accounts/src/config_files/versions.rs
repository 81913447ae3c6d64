//! Former versions of the project's files: what became of a file from one to another, and going back to one.
//!
//! Easiest to get wrong: no secret leaves. Two versions are compared as they are shown, every secret withheld, and of a secret that differs only
//! its place is told. And whoever goes back has seen what they replace: a change that came in between is not lost.

use crest::ResourceError;
use project::{SourceFile, unified_difference};
use serde_json::{Value, json};

use super::secrets::{mask, withheld};
use super::{change, id_of, is_known, revision};
use crate::attempt::Actor;
use crate::ports::{FileVersion, FileVersions, FormerText, ProjectFiles, Wanted};
use crate::runtime::Runtime;

/// What stands for a text that cannot be shown.
const NOT_SHOWN: &str = "This is no JSON. It is not shown, because nobody can tell which parts of it are secret.\n";

/// A version in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The version.
    pub version: FileVersion,
    /// The id of its configuration, `selfservice/reset`.
    pub id: String,
    /// The file says this now.
    pub is_current: bool,
}

impl Listed {
    /// Whether the file was gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.version.mark.is_empty()
    }
}

/// The versions of a file, or of all, newest first.
///
/// # Errors
/// 404 for a file that never was and that nobody may make, 503 when the store does not answer.
pub async fn list(runtime: &Runtime, versions: &dyn FileVersions, file: Option<&str>) -> Result<Vec<Listed>, ResourceError> {
    let mut listed: Vec<Listed> = Vec::new();
    let mut found: Vec<String> = Vec::new();
    for version in versions.list(file).await? {
        let Some(id) = id_of(&version.file) else { continue };
        let says = || runtime.project.sources.get(&version.file).map(|source| versions.marks(source.text()));
        let is_current = !found.contains(&version.file) && says().map_or(version.mark.is_empty(), |marks| marks.contains(&version.mark));
        if is_current {
            found.push(version.file.clone());
        }
        listed.push(Listed { version, id, is_current });
    }
    if let Some(file) = file.filter(|file| listed.is_empty() && !is_known(&runtime.project, file)) {
        return Err(ResourceError::not_found(format!("There is no {file}")));
    }
    Ok(listed)
}

/// What a version is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// The version before it of the same file: the difference is what it changed.
    Before,
    /// What the file says now: the difference is what going back changes.
    Current,
    /// Another version of the same file.
    Version(i64),
}

/// A version beside another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The version.
    pub version: Listed,
    /// What it said, secrets withheld; nothing where the file was gone or it cannot be shown.
    pub content: Option<Value>,
    /// The other version, where it is one.
    pub against: Option<i64>,
    /// From the other one to this.
    pub difference: Difference,
}

/// How two texts of a file differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What can be shown, as a unified difference of the indented JSON; empty where nothing of it differs.
    pub unified: String,
    /// The places of secrets that both have and that differ, as JSON pointers.
    pub secrets: Vec<String>,
    /// Nothing differs but comments and layout.
    pub only_layout: bool,
}

impl Difference {
    /// Between two texts; none stands for a file that is not there.
    #[must_use]
    pub fn between(file: &str, before: Option<&str>, after: Option<&str>) -> Self {
        let read = |text: Option<&str>| text.map(|text| SourceFile::new(file, text).parse().ok().map(|parsed| parsed.value));
        let (old, new) = (read(before), read(after));
        let unified = unified_difference(file, &indented(old.as_ref()), &indented(new.as_ref()));
        let mut secrets = Vec::new();
        if let (Some(Some(old)), Some(Some(new))) = (&old, &new) {
            let former = withheld(old);
            let differs = |(pointer, value): &(String, &Value)| former.iter().any(|(at, before)| at == pointer && before != value);
            secrets = withheld(new).into_iter().filter(differs).map(|(pointer, _)| pointer).collect();
        }
        let only_layout = before != after && unified.is_empty() && secrets.is_empty();
        Self { unified, secrets, only_layout }
    }

    /// Whether there is no difference at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.unified.is_empty() && self.secrets.is_empty() && !self.only_layout
    }
}

fn indented(content: Option<&Option<Value>>) -> String {
    match content {
        None => String::new(),
        Some(None) => NOT_SHOWN.to_owned(),
        Some(Some(content)) => format!("{:#}\n", mask(content)),
    }
}

fn missing(number: i64) -> ResourceError {
    ResourceError::not_found(format!("There is no version {number}"))
}

fn sealed(number: i64) -> ResourceError {
    ResourceError::conflict(format!("Version {number} was sealed with keys that this server has no more"))
}

/// The text of a version; none where the file was gone.
async fn text(versions: &dyn FileVersions, number: i64) -> Result<(FileVersion, Option<String>), ResourceError> {
    match versions.one(number).await?.ok_or_else(|| missing(number))? {
        (version, FormerText::Text(text)) => Ok((version, Some(text))),
        (version, FormerText::Gone) => Ok((version, None)),
        (_, FormerText::Sealed) => Err(sealed(number)),
    }
}

/// A version beside another one.
///
/// # Errors
/// 404 where there is no such version, 400 for two versions of different files, 409 for one that cannot be opened any more, 503 when the store
/// does not answer.
pub async fn compare(runtime: &Runtime, versions: &dyn FileVersions, number: i64, against: Against) -> Result<Compared, ResourceError> {
    let (version, after) = text(versions, number).await?;
    let all = list(runtime, versions, Some(&version.file)).await?;
    let listed = all.iter().find(|listed| listed.version.number == number).cloned().ok_or_else(|| missing(number))?;
    let other = match against {
        Against::Before => all.iter().map(|listed| listed.version.number).filter(|other| *other < number).max(),
        Against::Current => None,
        Against::Version(other) => Some(other),
    };
    let before = match (against, other) {
        (Against::Current, _) => runtime.project.sources.get(&version.file).map(|source| source.text().to_owned()),
        (_, None) => None,
        (_, Some(other)) => {
            let (found, text) = text(versions, other).await?;
            if found.file != version.file {
                return Err(ResourceError::bad_request(format!(
                    "Version {other} is one of {}, and {number} of {}",
                    found.file, version.file
                )));
            }
            text
        }
    };
    let content = after.as_deref().and_then(|text| SourceFile::new(&*version.file, text).parse().ok()).map(|parsed| mask(&parsed.value));
    let difference = Difference::between(&version.file, before.as_deref(), after.as_deref());
    Ok(Compared { version: listed, content, against: other, difference })
}

/// Goes back to a version: the file says again what it said then, to the letter and with the secrets of then, if it would load. `seen` is the
/// revision that it is to replace, [`revision`]. Says which configuration that was.
///
/// # Errors
/// 404 where there is no such version, 409 for what the file says already and for a version that cannot be opened any more, 412 where `seen` is
/// another revision than that of now, and what [`ProjectFiles::change`] says.
pub async fn restore(
    actor: Actor<'_>,
    files: &dyn ProjectFiles,
    versions: &dyn FileVersions,
    number: i64,
    seen: Option<&str>,
) -> Result<String, ResourceError> {
    let (version, text) = text(versions, number).await?;
    let id = id_of(&version.file).ok_or_else(|| missing(number))?;
    let make = |present: Option<(Value, String)>| {
        let now = present.map(|(_, revision)| revision);
        if seen.is_some_and(|seen| seen != now.as_deref().unwrap_or_default()) {
            return Err(ResourceError::precondition_failed("The configuration has changed since it was read"));
        }
        if now == text.as_deref().map(revision) {
            return Err(ResourceError::conflict(format!("{id} says already what it said in version {number}")));
        }
        Ok(text.clone().map_or(Wanted::Nothing, Wanted::Text))
    };
    change(actor, files, &version.file, ("restore", json!({ "version": number })), Box::new(make)).await?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(before: Option<&str>, after: Option<&str>) -> Difference {
        Difference::between("conf/external.email.json", before, after)
    }

    #[test]
    fn a_difference_never_shows_a_secret_and_says_where_one_changed() {
        let before =
            r#"{"host": "a", "auth": {"username": "u", "password": "hunter2"}, "x": {"$crypto": {"type": "t", "value": "cipher1"}}}"#;
        let after =
            r#"{"host": "b", "auth": {"username": "u", "password": "hunter3"}, "x": {"$crypto": {"type": "t", "value": "cipher2"}}}"#;
        let found = between(Some(before), Some(after));
        assert!(found.unified.contains("-  \"host\": \"a\"") && found.unified.contains("+  \"host\": \"b\""), "{}", found.unified);
        assert_eq!(found.secrets, ["/auth/password", "/x"]);
        for (before, after) in
            [(None, Some(after)), (Some(before), None), (Some(before), Some("{")), (Some("{\"password\": \"hunter2"), None)]
        {
            let found = between(before, after);
            assert!(!found.unified.is_empty() && found.secrets.is_empty());
            assert!(!["hunter", "cipher"].iter().any(|secret| found.unified.contains(secret)), "{}", found.unified);
        }
    }

    #[test]
    fn what_says_the_same_in_other_words_is_told_from_what_is_the_same() {
        let text = "{\"a\": 1}";
        assert!(between(Some(text), Some(text)).is_empty() && between(None, None).is_empty());
        let layout = between(Some(text), Some("{ // the first\n \"a\": 1 }"));
        assert!(layout.only_layout && layout.unified.is_empty() && !layout.is_empty());
        let secret = between(Some("{\"password\": \"1\"}"), Some("{\"password\": \"2\"}"));
        assert_eq!(
            (secret.unified.as_str(), secret.only_layout, secret.secrets.as_slice()),
            ("", false, ["/password".to_owned()].as_slice())
        );
    }
}
