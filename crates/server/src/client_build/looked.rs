//! What pages of a build say about themselves, looked up once for each file: their policy needs it with every answer, whether the page found room
//! to be held or is read while it is sent.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::mark::Mark;
use super::policy::Page;

/// Pages that are remembered. One remembers at most [`super::policy::MOST`] hashes and origins.
const PAGES: usize = 1024;
/// Bytes of a page that are looked into. What stands behind them is not allowed to run.
const LOOKED_INTO: u64 = 8 * 1024 * 1024;

/// All pages that were looked into.
#[derive(Default)]
pub(super) struct Looked {
    pages: Mutex<HashMap<PathBuf, (Mark, Arc<Page>)>>,
    /// One is read at a time, so that no more than one is in memory.
    reading: Mutex<()>,
}

impl Looked {
    /// What a page says. Reads it where that is necessary, so it may block.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn page(&self, path: &Path) -> io::Result<Arc<Page>> {
        let mark = Mark::of(&fs::metadata(path)?);
        let known = || {
            let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
            pages.get(path).filter(|(of, _)| *of == mark).map(|(_, page)| Arc::clone(page))
        };
        if let Some(page) = known() {
            return Ok(page);
        }
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = known() {
            return Ok(page);
        }
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(LOOKED_INTO).read_to_end(&mut bytes)?;
        let page = Arc::new(Page::of(&String::from_utf8_lossy(&bytes)));
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.len() >= PAGES {
            pages.clear();
        }
        pages.insert(path.to_owned(), (mark, Arc::clone(&page)));
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_looked_into_again_when_it_was_changed() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("index.html");
        fs::write(&path, "<!DOCTYPE html><script>let one</script>").unwrap();
        let looked = Looked::default();
        let first = looked.page(&path).unwrap();
        assert!(Arc::ptr_eq(&first, &looked.page(&path).unwrap()) && !first.is_piece());
        fs::write(root.path().join("beside"), "<div>two</div>").unwrap();
        fs::rename(root.path().join("beside"), &path).unwrap();
        assert!(looked.page(&path).unwrap().is_piece());
    }
}
