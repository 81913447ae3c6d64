//! The machine: directories, space, the clock, keys, and the store.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use rustix::fs::{Access, access, statvfs};

use super::{Case, Found, bad, doubtful, good, nearest};
use crate::keys as key_files;

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
    let Ok(metadata) = fs::metadata(path) else {
        let above = nearest(path);
        let writable = access(above, Access::WRITE_OK).is_ok();
        return vec![if writable {
            doubtful(format!("there is no {name} yet"), "the first start makes it; name that of a running server with --data")
        } else {
            bad(
                format!("there is no {name}, and {} cannot be written to", above.display()),
                "make it, and give it to the user of the server",
            )
        }];
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
    if rows.is_empty() {
        rows.push(good(format!("{name} is the server's own, and nobody else's")));
    }
    rows
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
    let files = ["vestibule.db", "vestibule.db-wal", "keys.json", "audit"].map(|name| case.data.join(name));
    let written = files.iter().filter_map(|file| {
        let written = fs::metadata(file).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some((i64::try_from(written.as_secs()).ok()?.saturating_sub(case.now), file))
    });
    vec![match written.max() {
        Some((ahead, file)) if ahead > AHEAD => bad(
            format!("{} was written {ahead} s after what this machine takes for now: its clock was set back", file.display()),
            "set the clock right and have it kept (timedatectl, chronyc), then start the server again",
        ),
        Some(_) => good("the clock has not gone back behind what the server wrote"),
        None => good("no file of a server is ahead of the clock"),
    }]
}

pub(super) fn keys(case: &Case) -> Vec<Found> {
    let settings = &case.project.settings.keys;
    let document = key_files::document(&case.data, settings, case.source.root());
    let name = document.display();
    if !document.exists() {
        return vec![match store::is_sealed(&case.store) {
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
        }];
    }
    // What is there is opened as a start would, with the keystore that is named; nothing is made or written.
    let ring = match key_files::look(&case.data, settings, case.source.root()) {
        Ok(ring) => ring,
        Err(error) => {
            return vec![bad(
                error.to_string(),
                "put the copy of the key file back, or correct its mode; the server's user reads it, and the keystore of [keys]",
            )];
        }
    };
    let marks = key_files::marks(&ring);
    vec![match store::Inspection::open(&case.store).and_then(|store| store.sealed_by()) {
        Ok(Some(mark)) if !marks.contains(&mark) => bad(
            format!("the store was sealed with other keys than those in {name}: the server does not start"),
            "every node needs the same key file: copy that of the node that made the store",
        ),
        Ok(_) => good(format!("{name} has {} generations of keys, and opens the store", marks.len())),
        Err(error) => {
            doubtful(format!("{name} can be used; whether it opens the store cannot be told: {error}"), "look at the check 'store' first")
        }
    }]
}

pub(super) fn store(case: &Case) -> Vec<Found> {
    match store::examine(&case.store, case.now) {
        Ok(found) => found
            .into_iter()
            .map(|finding| Found {
                health: finding.health,
                advice: (finding.health != store::Health::Good)
                    .then(|| "see the section on PostgreSQL for what each of these needs".to_owned()),
                text: finding.message,
            })
            .collect(),
        Err(error) => vec![bad(error.to_string(), "correct [store] url, or start what it names")],
    }
}
