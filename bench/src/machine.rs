//! Where a run happened: cores, processor, kernel. Never a name or a path.

use std::fmt;
use std::fs;

use serde_json::{Value, json};

/// The machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    cores: usize,
    model: String,
    kernel: String,
}

impl Machine {
    /// The one this runs on.
    pub(crate) fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        let field = |name: &str| info.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name);
        let model = field("model name").map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, value)| value.trim().to_owned());
        let cores = info.lines().filter(|line| line.starts_with("processor")).count().max(1);
        // Major and minor alone: what follows is often the name of somebody's build.
        let release = read("/proc/sys/kernel/osrelease");
        let kernel = release.trim().split('.').take(2).collect::<Vec<_>>().join(".");
        Self { cores, model, kernel }
    }

    /// How many cores there are.
    pub(crate) fn cores(&self) -> usize {
        self.cores
    }

    /// The same for machines.
    pub(crate) fn json(&self) -> Value {
        json!({ "cores": self.cores, "model": self.model, "kernel": self.kernel })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.cores == 1 { "" } else { "s" };
        write!(f, "{} core{plural}, {}, Linux {}", self.cores, self.model, self.kernel)
    }
}
