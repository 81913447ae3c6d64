//! Backups of a data directory: the store with its last commits, the administrator's hash, and the keys where they are asked for, sealed
//! with a passphrase. A backup is one file; a restored directory is one that a server starts on.
//!
//! Easiest to break: keys never leave in clear, and nothing is written into a directory that holds anything.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crest::Clock as _;
use serde_json::{Value, json};
use store::{CopyError, Enclosed};
use zeroize::Zeroizing;

use crate::ports::{OsRandom, SystemClock};
use crate::runtime::Source;
use crate::{administrator, keys, private_file};

/// The environment variable that holds the passphrase of the keys.
pub const PASSPHRASE: &str = "VESTIBULE_BACKUP_PASSPHRASE";

/// Name under which sealed keys are enclosed.
const SEALED_KEYS: &str = "keys.json.sealed";
/// What the passphrase is stretched with: 64 MiB, three passes, as RFC 9106 recommends where memory is constrained.
const MEMORY: u32 = 64 * 1024;
const PASSES: u32 = 3;

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store cannot be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The directory holds something.
    #[error("{0} is not empty; a backup is restored into a new or empty directory")]
    NotEmpty(PathBuf),
    /// There is no passphrase.
    #[error("set {PASSPHRASE}: the keys in a backup are sealed with it")]
    NoPassphrase,
    /// The passphrase is not the one the keys were sealed with.
    #[error("the passphrase in {PASSPHRASE} does not open the keys of this backup")]
    WrongPassphrase,
    /// The keys are not in the data directory.
    #[error("the keys are in {0}, which is not a part of the data directory: copy it yourself")]
    KeysElsewhere(PathBuf),
    /// The cryptography failed.
    #[error("the keys could not be sealed")]
    Sealing,
}

/// What was done about the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysIn {
    /// They are a part of it.
    Backup,
    /// They are not, and without them what was sealed cannot be opened.
    Missing,
}

/// Writes a backup of what a server keeps in `data`, while it is running or not. With a passphrase, the keys are a part of it.
///
/// # Errors
/// [`BackupError`]; a file of this name is as it was then.
pub fn backup(project: Option<&Path>, data: &Path, file: &Path, passphrase: Option<&str>) -> Result<(), BackupError> {
    let source = project.map_or(Source::Embedded, |root| Source::Directory(root.to_owned()));
    let settings = source.read(None).settings;
    let mut enclosed = Vec::new();
    let hash = data.join(administrator::FILE);
    match fs::read(&hash) {
        Ok(content) => enclosed.push(Enclosed { name: administrator::FILE.to_owned(), content }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(BackupError::Io { path: hash, error }),
    }
    if let Some(passphrase) = passphrase {
        let path = keys::document(data, &settings.keys, project);
        if path.parent() != Some(data) {
            return Err(BackupError::KeysElsewhere(path));
        }
        let keys = fs::read(&path).map(Zeroizing::new).map_err(|error| BackupError::Io { path, error })?;
        enclosed.push(Enclosed { name: SEALED_KEYS.to_owned(), content: seal(&keys, passphrase)? });
    }
    Ok(store::backup(&crate::serve::store_url(&settings, data), file, &enclosed)?)
}

/// Makes a data directory of a backup.
///
/// # Errors
/// [`BackupError`]; the directory is empty then.
pub fn restore(project: Option<&Path>, data: &Path, file: &Path, passphrase: Option<&str>) -> Result<KeysIn, BackupError> {
    let source = project.map_or(Source::Embedded, |root| Source::Directory(root.to_owned()));
    let settings = source.read(None).settings;
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error| BackupError::Io { path, error }
    };
    match fs::read_dir(data).map(Iterator::count) {
        Ok(0) => {}
        Ok(_) => return Err(BackupError::NotEmpty(data.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(data)(error)),
    }
    let enclosed = store::read_enclosed(file)?;
    let mut files = Vec::new();
    let mut keys = KeysIn::Missing;
    for Enclosed { name, content } in enclosed {
        match (name.as_str(), passphrase) {
            (SEALED_KEYS, Some(passphrase)) => {
                files.push((keys::FILE, open(&content, passphrase)?));
                keys = KeysIn::Backup;
            }
            (SEALED_KEYS, None) => return Err(BackupError::NoPassphrase),
            (administrator::FILE, _) => files.push((administrator::FILE, Zeroizing::new(content))),
            // What a later version encloses is its own.
            _ => {}
        }
    }
    crate::serve::make_private_directory(data).map_err(io(data))?;
    for (name, content) in &files {
        let path = data.join(name);
        private_file::write(&path, content).map_err(io(&path))?;
    }
    match store::restore(file, &crate::serve::store_url(&settings, data), SystemClock::new().unix_seconds()) {
        Ok(_) => Ok(keys),
        Err(error) => {
            for (name, _) in files {
                fs::remove_file(data.join(name)).map_err(io(data))?;
            }
            Err(error.into())
        }
    }
}

fn stretched(passphrase: &str, salt: &[u8], memory: u32, passes: u32) -> Result<LessSafeKey, BackupError> {
    let parameters = Params::new(memory, passes, 1, Some(32)).map_err(|_| BackupError::Sealing)?;
    let mut key = Zeroizing::new([0_u8; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    argon2.hash_password_into(passphrase.as_bytes(), salt, key.as_mut()).map_err(|_| BackupError::Sealing)?;
    UnboundKey::new(&AES_256_GCM, key.as_ref()).map(LessSafeKey::new).map_err(|_| BackupError::Sealing)
}

/// Keys under a passphrase: argon2id and AES-256-GCM, with what is needed to open them but the passphrase.
fn seal(keys: &[u8], passphrase: &str) -> Result<Vec<u8>, BackupError> {
    let random = OsRandom::new();
    let (salt, nonce) = (crest::random_bytes::<16>(&random), crest::random_bytes::<12>(&random));
    let key = stretched(passphrase, &salt, MEMORY, PASSES)?;
    let mut sealed = keys.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(SEALED_KEYS), &mut sealed)
        .map_err(|_| BackupError::Sealing)?;
    let document = json!({
        "kdf": "argon2id", "memory": MEMORY, "passes": PASSES, "salt": STANDARD.encode(salt),
        "cipher": "A256GCM", "nonce": STANDARD.encode(nonce), "sealed": STANDARD.encode(sealed),
    });
    Ok(document.to_string().into_bytes())
}

fn open(document: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, BackupError> {
    let document: Value = serde_json::from_slice(document).map_err(|_| BackupError::WrongPassphrase)?;
    let bytes = |name: &str| document.get(name).and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
    // Bounded, because the file may be anybody's.
    let number = |name: &str, most: u32| {
        let number = document.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        number.filter(|number| *number <= most)
    };
    let parts = bytes("salt").zip(bytes("nonce")).zip(bytes("sealed")).zip(number("memory", 1024 * 1024).zip(number("passes", 16)));
    let Some((((salt, nonce), mut sealed), (memory, passes))) = parts else { return Err(BackupError::WrongPassphrase) };
    let key = stretched(passphrase, &salt, memory, passes)?;
    let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(|_| BackupError::WrongPassphrase)?;
    let length = key.open_in_place(nonce, Aad::from(SEALED_KEYS), &mut sealed).map_err(|_| BackupError::WrongPassphrase)?.len();
    sealed.truncate(length);
    Ok(Zeroizing::new(sealed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_opened_with_their_passphrase_and_no_other() {
        let sealed = seal(b"{\"keys\":1}", "correct horse").unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("keys\\"));
        assert_eq!(open(&sealed, "correct horse").unwrap().as_slice(), b"{\"keys\":1}");
        assert!(matches!(open(&sealed, "wrong"), Err(BackupError::WrongPassphrase)));
        assert!(matches!(open(b"{}", "x"), Err(BackupError::WrongPassphrase)));
    }
}
