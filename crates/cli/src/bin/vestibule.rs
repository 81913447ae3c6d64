//! The binary.

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// Gives back what a burst has left: the C library keeps it for good (ADR 64). Its settings are compiled in, `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    vestibule::run()
}
