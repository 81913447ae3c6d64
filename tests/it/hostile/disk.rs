//! A disk that is full: a small file system in memory takes the place of the data directory. Mounting it needs the right to; without, the tests say so
//! and are passed over.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::people::{PASSWORD, unused};
use crate::support::{Person, Project, Server, skipped};

/// A file system of its own at a directory, with what was in the directory before; it goes when this does.
struct Mounted(PathBuf);

impl Mounted {
    fn over(directory: &Path, size: &str) -> Option<Self> {
        let aside = directory.with_extension("aside");
        std::fs::rename(directory, &aside).unwrap();
        std::fs::create_dir(directory).unwrap();
        let options = format!("size={size},mode=0700");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(directory).output();
        if !mount.is_ok_and(|mount| mount.status.success()) {
            skipped("a file system cannot be mounted here; a full disk is tested where it can (as root, or in a container that may)");
            return None;
        }
        let mounted = Self(directory.to_owned());
        let copied = Command::new("cp").arg("-a").arg(aside.join(".")).arg(directory).status().unwrap();
        assert!(copied.success());
        Some(mounted)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Fills what is left.
fn fill(file: &Path) {
    let mut file = std::fs::File::create(file).unwrap();
    for size in [1 << 16, 1 << 12, 1 << 8, 1] {
        let block = vec![0x55; size];
        while file.write_all(&block).is_ok() {}
    }
}

/// While the disk is full, what would be written is refused as unavailable, readiness is red, and whoever only looks is answered; with room again everything goes on,
/// and whatever was acknowledged is there.
#[test]
fn a_full_disk_refuses_writes_and_loses_nothing() {
    let mut server = Server::on(Project::new()).start();
    let person = Person::create(&server, "full");
    server.stop();
    let Some(mounted) = Mounted::over(&server.data(), "24m") else { return };
    server.start();
    let filler = server.data().join("filler");
    fill(&filler);
    let mut acknowledged = Vec::new();
    let mut create = |server: &Server| {
        let name = unused("disk");
        let answer = server.admin().post("managed/user?_action=create", &Person::object(&name));
        if answer.status == 201 {
            acknowledged.push(answer.json()["_id"].as_str().unwrap().to_owned());
        } else {
            assert_eq!(answer.status, 503, "{}", answer.text());
        }
        answer.status
    };
    // A log that is made longer ahead takes some more.
    assert!((0..2_000).any(|_| create(&server) == 503), "the disk is not full");
    assert_eq!(server.admin().get(&format!("managed/user/{}", person.id)).status, 200, "reading goes on");
    assert!((0..200).any(|_| {
        create(&server);
        server.nobody().get("/health/ready").status == 503
    }));
    assert_eq!(server.nobody().get("/health/live").status, 200);
    std::fs::remove_file(&filler).unwrap();
    assert!((0..500).any(|_| create(&server) == 201), "with room, it goes on");
    assert!((0..500).any(|_| {
        create(&server);
        server.nobody().get("/health/ready").status == 200
    }));
    server.kill();
    server.start();
    for id in &acknowledged {
        server.admin().get(&format!("managed/user/{id}")).expect(200);
    }
    assert!(server.signs_in(&person.name, PASSWORD));
    server.stop();
    drop(mounted);
}
