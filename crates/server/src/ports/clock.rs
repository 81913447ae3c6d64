//! The clock.

use std::time::SystemTime;

use crest::Clock;

/// The machine's clock. Built with the feature `virtual-clock`, as the black-box tests are, it adds the seconds that the file named
/// by `VESTIBULE_CLOCK_OFFSET` holds, so that a test moves time without waiting. A released binary has no such switch.
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
        let text = self.offset.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
        let seconds = text.and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0);
        real + std::time::Duration::from_secs(seconds)
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
