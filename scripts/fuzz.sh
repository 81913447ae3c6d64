#!/bin/sh
# Fuzzes every target for VESTIBULE_FUZZ_SECONDS each, two at a time. Instrumentation and sanitizers need the compiler's unstable flags, which
# RUSTC_BOOTSTRAP unlocks on a stable toolchain; the fuzzed build has a target directory of its own, and VESTIBULE_FUZZ_OPT_LEVEL (default 3) says
# how much time goes into it. VESTIBULE_FUZZ_SEED makes runs alike (0: none is). A target that finds something does not keep the others from
# running; the exit status says that one did, and tests/fuzz/artifacts holds its input.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
export VESTIBULE_FUZZ_SECONDS="${VESTIBULE_FUZZ_SECONDS:-60}" VESTIBULE_FUZZ_SEED="${VESTIBULE_FUZZ_SEED:-0}"
scripts/packages.sh g++:c++
host=$("$cargo" -vV | sed -n 's/^host: //p')
# What libFuzzer follows: every edge, and what is compared with what. The target is named so that nothing which runs at build time has it.
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags="$flags -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg=fuzzing"
flags="$flags -Zsanitizer=address -Ccodegen-units=16"
RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags" ASAN_OPTIONS=detect_odr_violation=0 \
    CARGO_PROFILE_RELEASE_OPT_LEVEL="${VESTIBULE_FUZZ_OPT_LEVEL:-3}" \
    "$cargo" build --quiet --manifest-path tests/fuzz/Cargo.toml --target-dir tests/fuzz/target --target "$host" --release --bins
export VESTIBULE_FUZZ_BUILT="tests/fuzz/target/$host/release"
for file in tests/fuzz/targets/*.rs; do
    basename "$file" .rs
done | xargs -P 2 -n 1 scripts/fuzz-one.sh
