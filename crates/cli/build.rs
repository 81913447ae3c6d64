//! The last link of the released binary. Relative relocations are packed: nearly all are of that kind, and a bit of a map stands for
//! each. A dynamic binary then needs glibc 2.36 (Debian 12, Ubuntu 23.04). Said here and not as a flag of the compiler, it links again
//! and compiles nothing.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
