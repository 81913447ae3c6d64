//! A store of every released version is taken over by this one, with everything that was sealed in it (`tests/stores`).

use std::process::{Command, Stdio};

use crate::support::Server;
use crate::support::mailbox::repository;
use crate::support::server::binary;

const PASSPHRASE: &str = "a passphrase of the stores";

#[test]
fn a_store_of_every_released_version_is_taken_over() {
    let mut tried = 0;
    for entry in std::fs::read_dir(repository().join("tests/stores")).unwrap() {
        let packed = entry.unwrap().path();
        let name = packed.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(version) = name.strip_suffix(".backup.gz") else { continue };
        let mut server = Server::default_project().own_keys().start();
        server.stop();
        std::fs::remove_dir_all(server.data()).unwrap();
        let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let backup = work.path().join("backup");
        let unpacked = Command::new("gzip").args(["-d", "-c"]).arg(&packed).output().unwrap();
        assert!(unpacked.status.success());
        std::fs::write(&backup, unpacked.stdout).unwrap();
        let mut restore = Command::new(binary());
        restore.arg("restore").arg(&backup).arg("--data").arg(server.data()).env_clear().env("VESTIBULE_BACKUP_PASSPHRASE", PASSPHRASE);
        let restored = restore.stdin(Stdio::null()).output().unwrap();
        assert!(restored.status.success(), "{version}: {}", String::from_utf8_lossy(&restored.stderr));
        server.start();
        for (person, password) in [("bjensen", "Kept-through-2-versions"), ("scarter", "Kept-through-3-versions")] {
            assert!(server.signs_in(person, password) && !server.signs_in(person, "another"), "{version}: {person}");
        }
        let mails = server.admin().get("outbox?_queryFilter=true").ok();
        assert_eq!(mails["result"][0]["subject"], "Choose a new password", "{version}: what was sealed is opened");
        let answers = server.admin().get("managed/user?_queryFilter=userName+eq+\"bjensen\"&_fields=userName,mail").ok();
        assert_eq!(answers["result"][0]["mail"], "bjensen@example.test", "{version}");
        tried += 1;
    }
    assert!(tried > 0, "there is a store of a released version");
}
