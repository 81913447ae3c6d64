//! How long the files of the audit trail keep an event (`[audit] retain_days`).
//!
//! Easiest to get wrong: a quiet server never fills a file, so that what is old lies in the very file that is being written. Events stand
//! in the order of their time, so the old ones are its beginning.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::private_file;

/// A file is written anew when its first event is by so much too old, in seconds: not once for every event.
const SLACK: i64 = 3600;

/// Takes the events before `before` (seconds since 1970) out of a file; one that holds nothing else is removed. Says whether something was
/// taken out.
///
/// # Errors
/// When the file cannot be read or written.
pub(super) fn forget(path: &Path, before: i64) -> io::Result<bool> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    let mut first = true;
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            if !first {
                fs::remove_file(path)?;
            }
            return Ok(!first);
        }
        // What has no time has none that could be kept.
        let time = time_of(&line).unwrap_or(i64::MIN);
        if time >= before || (first && time != i64::MIN && time >= before.saturating_sub(SLACK)) {
            break;
        }
        first = false;
    }
    if first {
        return Ok(false);
    }
    let mut kept = private_file::begin(path)?;
    kept.write_all(&line)?;
    io::copy(&mut reader.by_ref(), &mut kept)?;
    private_file::finish(kept, path)?;
    Ok(true)
}

/// The time of an event, in seconds since 1970.
fn time_of(line: &[u8]) -> Option<i64> {
    const NAME: &str = "\"timestamp\":\"";
    let text = std::str::from_utf8(line).ok()?;
    let (_, rest) = text.split_once(NAME)?;
    let (time, _) = rest.split_once('"')?;
    OffsetDateTime::parse(time, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_old_goes_from_the_file_that_is_being_written_too() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access.audit.json");
        let line = |seconds: i64| {
            let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap().format(&Rfc3339).unwrap();
            format!("{{\"timestamp\":\"{time}\",\"topic\":\"access\"}}\n")
        };
        let events = |path: &Path| fs::read_to_string(path).unwrap().lines().count();
        fs::write(&path, ["torn\n".to_owned(), line(1_000_000), line(1_100_000), line(1_200_000)].concat()).unwrap();
        assert!(!forget(&path, 900_000).unwrap() || events(&path) == 3, "only what has no time");
        assert!(forget(&path, 1_150_000).unwrap());
        assert_eq!(events(&path), 1);
        assert!(!forget(&path, 1_200_000 + SLACK).unwrap(), "not for every event");
        assert!(forget(&path, 2_000_000).unwrap());
        assert!(!path.exists());
    }
}
