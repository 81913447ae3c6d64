//! Which objects of a far end have come here: whoever was removed here since is not brought again.
//!
//! Easiest to break: an object is known when it is in the store, and no moment sooner, or somebody whom a failing round has read never comes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{FollowError, Followed};
use crate::private_file;

/// Twelve bytes of a hash of a collection and an id.
type Mark = [u8; 12];

/// What following a far end knows of earlier rounds.
#[derive(Debug)]
pub struct Known {
    /// The data directory.
    pub(super) data: PathBuf,
    /// How files begin that hold what a round has read.
    pub(super) prefix: String,
    path: PathBuf,
    came: BTreeSet<Mark>,
    is_saved: bool,
    /// What this process has read, and when it was changed last there.
    read: BTreeMap<Mark, Option<String>>,
    /// What is there, as far as this round has listed it.
    listed: BTreeSet<Mark>,
    /// The collections that something was listed of.
    collections: BTreeSet<String>,
    /// What came and is neither there nor here any more.
    settled: BTreeSet<Mark>,
    /// The next round looks at everybody who is here.
    looks: bool,
    /// What was listed may lack somebody.
    doubts: bool,
}

impl Known {
    /// What is kept below `data` of this far end. What a round had read that was killed is removed.
    ///
    /// # Errors
    /// [`FollowError::Io`], also where the file is damaged: without it, whoever was removed here would come again.
    pub fn open(data: &Path, far: &Followed) -> Result<Self, FollowError> {
        let (path, prefix) = (data.join(format!("follow-{}.ids", far.name())), format!(".import-{}-", far.name()));
        let failed = |error| FollowError::Io { path: data.to_owned(), error };
        for entry in std::fs::read_dir(data).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)) {
                std::fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        let came = match std::fs::read_to_string(&path) {
            Ok(text) => text.lines().map(unwritten).collect::<Option<BTreeSet<Mark>>>(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(BTreeSet::new()),
            Err(error) => return Err(FollowError::Io { path, error }),
        };
        let Some(came) = came else {
            let error = io::Error::new(io::ErrorKind::InvalidData, "damaged; without it, whoever was removed here comes again");
            return Err(FollowError::Io { path, error });
        };
        let (read, listed, collections, settled) = Default::default();
        let data = data.to_owned();
        Ok(Self { data, prefix, path, came, is_saved: true, read, listed, collections, settled, looks: true, doubts: false })
    }

    /// Begins a round.
    pub(super) fn begin(&mut self) {
        self.listed.clear();
        self.collections.clear();
        self.doubts = false;
    }

    /// Keeps that an object is there.
    pub(super) fn is_there(&mut self, collection: &str, id: &str) {
        self.listed.insert(mark(collection, id));
        if !self.collections.contains(collection) {
            self.collections.insert(collection.to_owned());
        }
    }

    /// Whether this round has listed an object.
    pub(super) fn is_listed(&self, collection: &str, id: &str) -> bool {
        self.listed.contains(&mark(collection, id))
    }

    /// Whether this round has listed anything of a collection.
    pub(super) fn has_listed(&self, collection: &str) -> bool {
        self.collections.contains(collection)
    }

    /// Somebody who is there may not have been listed.
    pub(super) fn doubt(&mut self) {
        self.doubts = true;
    }

    /// Whether somebody who came may be gone there: everybody is looked at once, and then whenever one more is not listed.
    pub(super) fn may_lack(&self) -> bool {
        !self.doubts && (self.looks || self.came.iter().any(|mark| !self.listed.contains(mark) && !self.settled.contains(mark)))
    }

    /// Everybody was looked at, and of those who are not listed these are still here.
    pub(super) fn settle(&mut self, left: &[(String, String)]) {
        self.settled = self.came.difference(&self.listed).copied().collect();
        for (collection, id) in left {
            self.settled.remove(&mark(collection, id));
        }
        // Whoever came with a dump is in no list of those who came.
        self.looks = !left.is_empty();
    }

    /// Forgets an object that was removed here because it was removed there: where it is made there again, it comes.
    pub(super) fn is_forgotten(&mut self, collection: &str, id: &str) {
        let mark = mark(collection, id);
        self.is_saved &= !self.came.remove(&mark);
        self.read.remove(&mark);
    }

    /// Keeps that an object is here.
    pub(super) fn is_here(&mut self, collection: &str, id: &str) {
        self.is_saved &= !self.came.insert(mark(collection, id));
    }

    /// Whether an object was here once.
    pub(super) fn was_here(&self, collection: &str, id: &str) -> bool {
        self.came.contains(&mark(collection, id))
    }

    /// Remembers that an object was read, and imported or left out.
    pub(super) fn is_read(&mut self, collection: &str, id: &str, changed: Option<String>) {
        self.read.insert(mark(collection, id), changed);
    }

    /// Whether an object was read since it was changed there.
    pub(super) fn was_read(&self, collection: &str, id: &str, changed: Option<&str>) -> bool {
        self.read.get(&mark(collection, id)).is_some_and(|read| read.as_deref() == changed)
    }

    /// Writes what is not written yet.
    ///
    /// # Errors
    /// [`FollowError::Io`].
    pub(super) fn save(&mut self) -> Result<(), FollowError> {
        if self.is_saved {
            return Ok(());
        }
        let text = self.came.iter().fold(String::new(), |mut text, mark| {
            URL_SAFE_NO_PAD.encode_string(mark, &mut text);
            text.push('\n');
            text
        });
        private_file::write(&self.path, text.as_bytes()).map_err(|error| FollowError::Io { path: self.path.clone(), error })?;
        self.is_saved = true;
        Ok(())
    }
}

fn mark(collection: &str, id: &str) -> Mark {
    let hash = digest(&SHA256, format!("{}:{collection}/{id}", collection.len()).as_bytes());
    let mut mark = Mark::default();
    mark.iter_mut().zip(hash.as_ref()).for_each(|(byte, hashed)| *byte = *hashed);
    mark
}

fn unwritten(line: &str) -> Option<Mark> {
    URL_SAFE_NO_PAD.decode(line).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::far_end::FarEnd;

    #[test]
    fn who_has_come_is_known_to_the_next_process_and_what_a_killed_round_read_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let far = |user: &str| {
            Followed::Rest(FarEnd {
                address: "https://idm.example.com/openidm".into(),
                user: user.into(),
                password: "p".into(),
                collections: vec!["managed/user".into()],
                by_default: false,
                page: 1,
                pages_per_second: 1.0,
            })
        };
        let mut known = Known::open(directory.path(), &far("a")).unwrap();
        known.is_here("managed/user", "ann");
        known.is_read("managed/user", "ben", Some("1".into()));
        known.save().unwrap();
        assert!(known.was_read("managed/user", "ben", Some("1")) && !known.was_read("managed/user", "ben", Some("2")));
        let (ours, others) = (directory.path().join(format!("{}x.jsonl", known.prefix)), directory.path().join(".import-other-x.jsonl"));
        for file in [&ours, &others] {
            std::fs::write(file, "{}").unwrap();
        }
        let again = Known::open(directory.path(), &far("a")).unwrap();
        assert!(again.was_here("managed/user", "ann") && !again.was_here("managed/user", "ben") && !again.was_here("managed/role", "ann"));
        assert!(!again.was_read("managed/user", "ben", Some("1")), "whoever was left out is tried again by the next process");
        assert!(!ours.exists() && others.exists());
        assert_eq!(std::fs::metadata(&again.path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!Known::open(directory.path(), &far("b")).unwrap().was_here("managed/user", "ann"), "another far end");
        std::fs::write(&again.path, "AAAA\n").unwrap();
        assert!(Known::open(directory.path(), &far("a")).unwrap_err().to_string().contains("damaged"));
    }
}
