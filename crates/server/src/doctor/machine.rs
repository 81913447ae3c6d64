//! The machine: directories, space, the clock, keys, and the store.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use rustix::fs::{Access, AtFlags, CWD, accessat, statvfs};

use super::{Case, Found, bad, doubtful, good, nearest};
use crate::keys as key_files;
use crate::sealed;

/// Group and others.
const NOT_OWNER: u32 = 0o077;
/// Space that is too little, and space that is soon too little, in bytes and in hundredths of the file system.
const FULL: (u64, u64) = (256 << 20, 2);
const TIGHT: (u64, u64) = (2 << 30, 10);
/// Files may be so many seconds ahead: clocks of file servers differ.
const AHEAD: i64 = 5;

pub(super) fn data(case: &Case) -> Vec<Found> {
    let path = &case.data;
    let name = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = nearest(path);
            return vec![match writable(above) {
                Ok(()) => {
                    doubtful(format!("there is no {name} yet"), "the first start makes it; name that of a running server with --data")
                }
                Err(error) => bad(
                    format!("there is no {name}, and {} cannot be written to: {error}", above.display()),
                    "make it, and give it to the user of the server",
                ),
            }];
        }
        Err(error) => return vec![bad(format!("{name} cannot be looked at: {error}"), "run this as the user of the server")],
    };
    if !metadata.is_dir() {
        return vec![bad(format!("{name} is no directory"), "name a directory with --data")];
    }
    let mut rows = Vec::new();
    let mode = metadata.mode() & 0o777;
    if mode & NOT_OWNER != 0 {
        rows.push(doubtful(format!("others may look into {name} (mode {mode:o})"), format!("chmod 700 {name}")));
    }
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() != own && own != 0 {
        rows.push(bad(format!("{name} belongs to user {}, and this is user {own}", metadata.uid()), "run this as the user of the server"));
    }
    if let Err(error) = writable(path) {
        rows.push(bad(
            format!("{name} cannot be written to: {error}"),
            format!("give it to the user of the server (chown, chmod 700 {name}), and mount it for writing"),
        ));
    }
    if rows.is_empty() {
        rows.push(good(format!("{name} is the server's own, nobody else's, and can be written to")));
    }
    rows
}

/// Whether this process may make files in a directory: by its rights, and by how the file system is mounted. Nothing is made.
fn writable(directory: &Path) -> Result<(), io::Error> {
    accessat(CWD, directory, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).map_err(io::Error::from)
}

pub(super) fn disk(case: &Case) -> Vec<Found> {
    let mut places = vec![nearest(&case.data).to_owned()];
    places.extend(store::Db::file(&case.store).and_then(|file| file.parent().map(|parent| nearest(parent).to_owned())));
    places.dedup();
    places.iter().map(|place| space(place)).collect()
}

fn space(place: &Path) -> Found {
    let name = place.display();
    let space = match statvfs(place) {
        Ok(space) => space,
        Err(error) => return doubtful(format!("how much space {name} has cannot be told: {error}"), "look with df"),
    };
    let (free, all) = (space.f_bavail.saturating_mul(space.f_frsize), space.f_blocks.saturating_mul(space.f_frsize));
    let inodes = space.f_files > 0 && space.f_favail.saturating_mul(100) < space.f_files;
    let text = format!("{} MiB of {} MiB are free at {name}", free >> 20, all >> 20);
    // Little in hundredths is much on a large disk.
    let below =
        |(bytes, hundredths): (u64, u64)| free < bytes || (free < 10 * bytes && free.saturating_mul(100) < all.saturating_mul(hundredths));
    if below(FULL) {
        bad(text, "make room, or move the data: a full store answers 503 to everything that changes something")
    } else if below(TIGHT) {
        doubtful(text, "make room in time; [audit] retain_days bounds the audit trail")
    } else if inodes {
        doubtful(format!("{name} has hardly any inodes left"), "remove files: new ones cannot be made soon")
    } else {
        good(text)
    }
}

pub(super) fn clock(case: &Case) -> Vec<Found> {
    let mut files: Vec<_> = ["vestibule.db", "vestibule.db-wal", "keys.json", "audit"].map(|name| case.data.join(name)).into();
    files.extend(case.source.root().into_iter().flat_map(|root| [root.join("conf"), root.join("vestibule.toml")]));
    let written = files.iter().filter_map(|file| {
        let written = fs::metadata(file).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some((i64::try_from(written.as_secs()).ok()?.saturating_sub(case.now), file))
    });
    vec![match written.max() {
        Some((ahead, file)) if ahead > AHEAD => bad(
            format!("{} was written {ahead} s after what this machine takes for now: its clock was set back", file.display()),
            "set the clock right and have it kept (timedatectl, chronyc), then start the server again",
        ),
        Some(_) => good("no file of the server or its project is ahead of the clock; whether anything keeps it right is not looked at"),
        None => good("not looked at: there is no file of a server or a project to hold the clock against"),
    }]
}

pub(super) fn keys(case: &Case) -> Vec<Found> {
    let settings = &case.project.settings.keys;
    let document = key_files::document(&case.data, settings, case.source.root());
    let name = document.display();
    let there = document.exists();
    let mut rows = Vec::new();
    if !there {
        rows.push(match store::is_sealed(&case.store) {
            Ok(true) => bad(
                format!("{name} is missing, and the store was sealed with it: the server does not start"),
                "put the copy of the key file back; 'vestibule serve --new-keys' begins without what was sealed",
            ),
            Ok(false) => doubtful(
                format!("there is no {name} yet"),
                "the first start makes it; then keep a copy elsewhere, and give it to every node",
            ),
            Err(error) => doubtful(
                format!("there is no {name}, and whether the store was sealed cannot be told: {error}"),
                "look at the check 'store' first",
            ),
        });
        if settings.source == project::KeySource::Store {
            return rows;
        }
    }
    let looked = match key_files::look(&case.data, settings, case.source.root()) {
        Ok(looked) => looked,
        Err(error) => {
            rows.push(bad(error.to_string(), "put the copy of the key file back, or correct its mode, or what [keys] names"));
            return rows;
        }
    };
    if let Some(path) = looked.comes_from {
        rows.push(good(format!("the keys in {} can be used; the next start takes them up", path.display())));
    }
    if there {
        rows.push(opens(case, &document, &sealed::marks(&looked.ring)));
    }
    rows
}

/// Whether the keys of a document, which say this of themselves, are those of the store.
fn opens(case: &Case, document: &Path, marks: &[String]) -> Found {
    let name = document.display();
    match store::Inspection::open(&case.store).and_then(|store| store.sealed_by()) {
        Ok(Some(mark)) if marks.contains(&mark) => good(format!("{name} has {} generations of keys, and opens the store", marks.len())),
        Ok(Some(_)) => bad(
            format!("the store was sealed with other keys than those in {name}: the server does not start"),
            "every node needs the same key file: copy that of the node that made the store",
        ),
        Ok(None) => good(format!("{name} has {} generations of keys; there is nothing in the store yet that they would open", marks.len())),
        Err(error) => {
            doubtful(format!("{name} can be used; whether it opens the store cannot be told: {error}"), "look at the check 'store' first")
        }
    }
}

pub(super) fn store(case: &Case) -> Vec<Found> {
    let is_file = store::Db::file(&case.store).is_some();
    match store::examine(&case.store, case.now) {
        Ok(found) => found
            .into_iter()
            .map(|store::Finding { health, message: text }| {
                let advice = if is_file {
                    "the first start makes it, and a start brings it up to date; of a running server, name its --data or its --store"
                } else {
                    "see the section on PostgreSQL for what each of these needs"
                };
                Found { health, text, advice: (health != store::Health::Good).then(|| advice.to_owned()) }
            })
            .collect(),
        Err(error) if is_file => {
            vec![bad(error.to_string(), "name the right file in [store] url, or put a backup back with 'vestibule restore'")]
        }
        Err(error) => vec![bad(error.to_string(), "correct [store] url, or start what it names")],
    }
}
