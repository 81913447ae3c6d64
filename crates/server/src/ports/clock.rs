//! The clock.

use std::time::SystemTime;

use crest::Clock;

/// The machine's clock. Built with the feature `virtual-clock`, as the black-box tests are, it adds the seconds that the file named
/// by `VESTIBULE_CLOCK_OFFSET` holds, so that a test moves time without waiting; `=SECONDS` there is a clock that stands at that many
/// seconds since 1970, for a test whose outcome must not depend on how busy the machine is. A released binary has no such switch.
#[derive(Debug, Default)]
pub struct SystemClock {
    #[cfg(feature = "virtual-clock")]
    offset: Option<std::path::PathBuf>,
}

impl SystemClock {
    /// The clock of this process.
    #[must_use]
    pub fn new() -> Self {
        Self {
            #[cfg(feature = "virtual-clock")]
            offset: std::env::var_os("VESTIBULE_CLOCK_OFFSET").map(Into::into),
        }
    }

    #[cfg(feature = "virtual-clock")]
    fn shifted(&self, real: SystemTime) -> SystemTime {
        let text = self.offset.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let (begin, seconds) = text.trim().strip_prefix('=').map_or((real, text.trim()), |at| (SystemTime::UNIX_EPOCH, at));
        begin + std::time::Duration::from_secs(seconds.parse().unwrap_or(0))
    }

    #[cfg(not(feature = "virtual-clock"))]
    #[expect(clippy::unused_self, reason = "the other build reads its offset from here")]
    fn shifted(&self, real: SystemTime) -> SystemTime {
        real
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where time comes from")]
    fn now(&self) -> SystemTime {
        self.shifted(SystemTime::now())
    }
}
