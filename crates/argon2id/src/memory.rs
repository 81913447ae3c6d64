//! The working memory, kept from one computation to the next.
//!
//! Measured at 19 MiB: memory fresh from the system for every hash cost a third of its time (page faults, clearing, unmapping). Mapped
//! here and asked for in huge pages, it costs one address translation for 512 blocks instead of one for every four.

use std::fmt;

use argon2::Block;

use crate::Error;

/// Working memory for one computation at a time.
#[derive(Default)]
pub struct Memory {
    #[cfg(unix)]
    map: Option<memmap2::MmapMut>,
    portable: Vec<Block>,
}

impl Memory {
    /// Memory that is taken when it is first needed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How much of it is held, KiB.
    #[must_use]
    pub fn kib(&self) -> usize {
        #[cfg(unix)]
        let mapped = self.map.as_ref().map_or(0, |map| map.len()) / 1024;
        #[cfg(not(unix))]
        let mapped = 0;
        mapped + self.portable.len()
    }

    /// So many KiB, aligned to a page.
    #[cfg(all(unix, target_arch = "x86_64"))]
    pub(crate) fn bytes(&mut self, kib: usize) -> Result<&mut [u8], Error> {
        let bytes = kib.checked_mul(1024).ok_or(Error::Memory)?;
        if self.map.as_ref().is_none_or(|map| map.len() < bytes) {
            self.map = None;
            let map = memmap2::MmapOptions::new().len(bytes).map_anon().map_err(|_| Error::Memory)?;
            // A system without huge pages refuses the advice; the memory is as good without.
            #[cfg(target_os = "linux")]
            let _ = map.advise(memmap2::Advice::HugePage);
            self.map = Some(map);
        }
        self.map.as_mut().and_then(|map| map.get_mut(..bytes)).ok_or(Error::Memory)
    }

    /// Blocks for the portable kernel, as many as there were if those were more.
    pub(crate) fn blocks(&mut self, count: usize) -> Result<&mut [Block], Error> {
        if self.portable.len() < count {
            let more = count.saturating_sub(self.portable.len());
            self.portable.try_reserve_exact(more).map_err(|_| Error::Memory)?;
            self.portable.resize(count, Block::new());
        }
        Ok(&mut self.portable)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("kib", &self.kib()).finish_non_exhaustive()
    }
}
