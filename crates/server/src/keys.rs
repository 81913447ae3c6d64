//! The server's keys: made at first start into the data directory, readable by their owner only (decision 19). A crash leaves the old keys or the
//! new ones, never half of either ([`private_file`]).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jose::{Imported, KeyRing, KeyUse};
use project::{KeySource, Keys};

use crate::project_directory::NoProject;
use crate::{private_file, project_directory};

/// Name of the key file in the data directory.
pub(crate) const FILE: &str = "keys.json";

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// There is no project that says where they are.
    #[error(transparent)]
    Project(#[from] NoProject),
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file's content cannot be used.
    #[error("{path}: {error}")]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: jose::Error,
    },
    /// Others may read the key file.
    #[error("{path} is readable by others (mode {mode:o}); run: chmod 600 {path}")]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The store was sealed with keys that are not there.
    #[error(
        "the store {store} was sealed with keys that are not in {keys}: put the keys.json of this server there, from a copy of it or with \
         'vestibule restore', or begin anew with 'vestibule serve --new-keys'; then people in flight begin again, mails that wait are lost, and \
         values encrypted with the former keys cannot be read"
    )]
    OfAnotherStore {
        /// Where the keys are looked for.
        keys: PathBuf,
        /// Which store.
        store: String,
    },
    /// Nothing was prepared that could seal.
    #[error("no keys are prepared in {0}: run 'vestibule keys rotate --prepare' first, and bring them to every node")]
    NotPrepared(PathBuf),
    /// The keystore has a password, and no setting names it.
    #[error("the password of the keystore {0} is not set: name it in vestibule.toml, [keys] password, or in the environment")]
    NoPassword(PathBuf),
}

/// The document that keys are made into where it is missing. `project` is the directory that names in `vestibule.toml` are relative to.
pub(crate) fn document(data: &Path, settings: &Keys, project: Option<&Path>) -> PathBuf {
    let named = settings.file.as_deref().filter(|_| settings.source == KeySource::File);
    let named = named.map(|name| project.map_or_else(|| PathBuf::from(name), |root| root.join(name)));
    // A file that cannot be read is told of when it is opened.
    named.filter(|path| !is_pem(path).unwrap_or(false)).unwrap_or_else(|| data.join(FILE))
}

/// Opens the key ring of a data directory, making it at first start, and imports the operator's keys where settings name some.
/// `project` is the directory that names in `vestibule.toml` are relative to.
///
/// # Errors
/// [`KeyFileError`]; a server without its keys must not start, or every unfinished process would be lost.
pub(crate) fn open(data: &Path, settings: &Keys, project: Option<&Path>) -> Result<KeyRing, KeyFileError> {
    let path = document(data, settings, project);
    let mut ring = open_or_make(&path)?;
    if let Some((from, imported)) = bring_named(&mut ring, settings, project)?
        && imported.changed
    {
        write(&path, &ring)?;
        tracing::info!(path = %from.display(), signing = imported.signing, "imported keys; tokens made with the former ones stay good");
    }
    Ok(ring)
}

/// What a start would make of the keys, were it now. Nothing is written: what a start makes and imports is made in memory and forgotten.
///
/// # Errors
/// [`KeyFileError`], as a start would meet it.
pub(crate) fn look(data: &Path, settings: &Keys, project: Option<&Path>) -> Result<Look, KeyFileError> {
    let path = document(data, settings, project);
    let mut ring = match open_there(&path) {
        Err(KeyFileError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
            KeyRing::generate().map_err(|error| KeyFileError::Key { path: path.clone(), error })?
        }
        opened => opened?,
    };
    let brought = bring_named(&mut ring, settings, project)?;
    Ok(Look { ring, comes_from: brought.filter(|(_, imported)| imported.changed).map(|(path, _)| path) })
}

/// What [`look`] saw.
pub(crate) struct Look {
    /// The keys, with those that a start would import.
    pub(crate) ring: KeyRing,
    /// The file that a start would import some from.
    pub(crate) comes_from: Option<PathBuf>,
}

/// Imports the keys that settings name beside our own document, and says of which file.
fn bring_named(ring: &mut KeyRing, settings: &Keys, project: Option<&Path>) -> Result<Option<(PathBuf, Imported)>, KeyFileError> {
    let at = |name: &Option<String>| {
        let name = name.as_deref().unwrap_or_default();
        project.map_or_else(|| PathBuf::from(name), |root| root.join(name))
    };
    let (path, imported) = match settings.source {
        KeySource::Store => return Ok(None),
        KeySource::File => {
            let path = at(&settings.file);
            if !is_pem(&path)? {
                return Ok(None);
            }
            check_mode(&path, WORLD)?;
            let imported = ring.import_pem(&read(&path)?);
            (path, imported)
        }
        KeySource::Keystore => {
            let path = at(&settings.keystore);
            let password = settings.password.as_ref().ok_or_else(|| KeyFileError::NoPassword(path.clone()))?;
            let imported = ring.import_pkcs12(&read(&path)?, password.expose(), &settings.alias, settings.signing_alias.as_deref());
            (path, imported)
        }
    };
    let imported = imported.map_err(|error| KeyFileError::Key { path: path.clone(), error })?;
    Ok(Some((path, imported)))
}

/// The document that a server of this project and data directory keeps its keys in.
fn document_of(project: Option<&Path>, data: &Path) -> Result<PathBuf, KeyFileError> {
    let source = project_directory::open(project)?;
    Ok(document(data, &source.read(None).settings.keys, source.root()))
}

/// How keys are made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// New ones seal from the next start on.
    AtOnce,
    /// New ones open from the next start on, and do not seal yet.
    Prepare,
    /// Those that were prepared seal from the next start on.
    Seal,
}

/// Makes new keys for a project and its data directory, beside the former ones, which open what they sealed, and says in which file, and whether
/// anything changed there: keys are prepared once.
///
/// # Errors
/// [`KeyFileError`]; the keys are as they were then.
pub fn rotate(project: Option<&Path>, data: &Path, how: Rotation) -> Result<(PathBuf, bool), KeyFileError> {
    let path = document_of(project, data)?;
    let mut ring = open_or_make(&path)?;
    let failed = |error| KeyFileError::Key { path: path.clone(), error };
    let changed = match how {
        Rotation::AtOnce => ring.rotate().map(|()| true).map_err(failed)?,
        Rotation::Prepare => ring.prepare().map_err(failed)?,
        Rotation::Seal if ring.seal_with_prepared() => true,
        Rotation::Seal => return Err(KeyFileError::NotPrepared(path)),
    };
    if changed {
        write(&path, &ring)?;
    }
    Ok((path, changed))
}

/// A pair of the key ring, as the command line shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldKey {
    /// SHA-256 over the public key, in hexadecimal digits.
    pub fingerprint: String,
    /// Bits of its modulus.
    pub bits: usize,
    /// What it is for: `seals`, `prepared`, `opens`.
    pub use_of_it: &'static str,
}

/// The keys of a project and its data directory, the ones that seal first.
///
/// # Errors
/// [`KeyFileError`], also where there are none.
pub fn list(project: Option<&Path>, data: &Path) -> Result<Vec<HeldKey>, KeyFileError> {
    let ring = open_there(&document_of(project, data)?)?;
    let held = |(fingerprint, bits, of): ([u8; 32], usize, KeyUse)| {
        let fingerprint = fingerprint.iter().fold(String::new(), |mut text, byte| {
            // Writing into a text cannot fail.
            let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
            text
        });
        let use_of_it = match of {
            KeyUse::Seals => "seals",
            KeyUse::Prepared => "prepared",
            KeyUse::Opens => "opens",
        };
        HeldKey { fingerprint, bits, use_of_it }
    };
    Ok(ring.pairs().map(held).collect())
}

/// Brings the keys of an IDM into the document of a project and its data directory: the pair under `alias` of a keystore, with the secret that signs, or a pair in PEM where there
/// is no password. Says in which file they seal from now on; none where they did already. What former keys sealed can still be opened.
///
/// # Errors
/// [`KeyFileError`]; the keys are as they were then.
pub fn bring(
    (project, data): (Option<&Path>, &Path),
    file: &Path,
    password: Option<&str>,
    alias: &str,
    signing: Option<&str>,
) -> Result<Option<PathBuf>, KeyFileError> {
    let path = document_of(project, data)?;
    let mut ring = open_or_make(&path)?;
    let content = read(file)?;
    let imported = match password {
        Some(password) => ring.import_pkcs12(&content, password, alias, signing),
        None => ring.import_pem(&content),
    };
    let imported = imported.map_err(|error| KeyFileError::Key { path: file.to_owned(), error })?;
    if imported.changed {
        write(&path, &ring)?;
    }
    Ok(imported.changed.then_some(path))
}

/// Writes the keys of a project and its data directory into a file that only its owner may read, and that was not there before.
///
/// # Errors
/// [`KeyFileError`].
pub fn take_out(project: Option<&Path>, data: &Path, file: &Path) -> Result<(), KeyFileError> {
    let ring = open_there(&document_of(project, data)?)?;
    private_file::write_new(file, ring.to_json().as_bytes()).map_err(|error| KeyFileError::Io { path: file.to_owned(), error })
}

/// Opens a document that is there.
fn open_there(path: &Path) -> Result<KeyRing, KeyFileError> {
    let document = fs::read_to_string(path).map_err(|error| KeyFileError::Io { path: path.to_owned(), error })?;
    check_mode(path, EVERYBODY_ELSE)?;
    KeyRing::from_json(&document).map_err(|error| KeyFileError::Key { path: path.to_owned(), error })
}

fn open_or_make(path: &Path) -> Result<KeyRing, KeyFileError> {
    match open_there(path) {
        Err(KeyFileError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
            let ring = KeyRing::generate().map_err(|error| KeyFileError::Key { path: path.to_owned(), error })?;
            write(path, &ring)?;
            tracing::info!(path = %path.display(), "made new keys");
            Ok(ring)
        }
        opened => opened,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, KeyFileError> {
    fs::read(path).map_err(|error| KeyFileError::Io { path: path.to_owned(), error })
}

/// A file that exists and holds PEM is imported; any other is our own document.
fn is_pem(path: &Path) -> Result<bool, KeyFileError> {
    Ok(path.exists() && read(path)?.trim_ascii_start().starts_with(b"-----BEGIN"))
}

fn write(path: &Path, ring: &KeyRing) -> Result<(), KeyFileError> {
    private_file::write(path, ring.to_json().as_bytes()).map_err(|error| KeyFileError::Io { path: path.to_owned(), error })
}

/// Nobody but the owner may do anything with our own document, where the owner is us.
const EVERYBODY_ELSE: u32 = 0o077;
/// A key that comes from others, as every one in PEM does: a secret mounted by an orchestrator is often owned by root and read by our group.
const WORLD: u32 = 0o007;

fn check_mode(path: &Path, refused: u32) -> Result<(), KeyFileError> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let metadata = fs::metadata(path).map_err(|error| KeyFileError::Io { path: path.to_owned(), error })?;
    let mode = metadata.permissions().mode() & 0o777;
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    let refused = if ours { refused } else { refused & WORLD };
    if mode & refused == 0 { Ok(()) } else { Err(KeyFileError::Exposed { path: path.to_owned(), mode }) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn keys_are_made_once_with_mode_0600_and_refused_when_others_can_read_them() {
        let data = tempfile::tempdir().unwrap();
        let first = open(data.path(), &Keys::default(), None).unwrap();
        let path = data.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = open(data.path(), &Keys::default(), None).unwrap();
        assert_eq!(first.keyed("probe", &[b"x"]), again.keyed("probe", &[b"x"]));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(open(data.path(), &Keys::default(), None), Err(KeyFileError::Exposed { mode: 0o640, .. })));
    }

    #[test]
    fn a_key_file_of_somebody_else_may_be_read_by_our_group_and_by_nobody_else() {
        let data = tempfile::tempdir().unwrap();
        open(data.path(), &Keys::default(), None).unwrap();
        let path = data.path().join(FILE);
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        // Only root can give a file away.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(65_532), None).unwrap();
            mode(0o440);
            assert!(open(data.path(), &Keys::default(), None).is_ok(), "as an orchestrator mounts a secret");
            mode(0o444);
            assert!(matches!(open(data.path(), &Keys::default(), None), Err(KeyFileError::Exposed { mode: 0o444, .. })));
        } else {
            mode(0o440);
            assert!(matches!(open(data.path(), &Keys::default(), None), Err(KeyFileError::Exposed { mode: 0o440, .. })), "it is ours");
        }
    }

    #[test]
    fn a_damaged_key_file_stops_the_start() {
        let data = tempfile::tempdir().unwrap();
        drop(open(data.path(), &Keys::default(), None).unwrap());
        fs::write(data.path().join(FILE), "{\"version\":1").unwrap();
        assert!(matches!(open(data.path(), &Keys::default(), None), Err(KeyFileError::Key { .. })));
    }
}
