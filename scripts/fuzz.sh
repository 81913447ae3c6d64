#!/bin/sh
# Fuzzes every target for VESTIBULE_FUZZ_SECONDS each (default 60), two at a time. Instrumentation and sanitizers need the compiler's unstable flags,
# which RUSTC_BOOTSTRAP unlocks on a stable toolchain; the fuzzed build has a target directory of its own. With VESTIBULE_FUZZ_QUICK=1 the
# project's own crates alone are built for it: dependencies are those of the tests and not followed, little is optimised, no sanitizer looks.
# VESTIBULE_FUZZ_SEED makes runs alike (0: none is).
# A target that finds something does not keep the others from running; the exit status says that one did, and tests/fuzz/artifacts holds its input.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
export VESTIBULE_FUZZ_SECONDS="${VESTIBULE_FUZZ_SECONDS:-60}" VESTIBULE_FUZZ_SEED="${VESTIBULE_FUZZ_SEED:-0}"
scripts/packages.sh g++:c++
# What libFuzzer follows: every edge, and what is compared with what.
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags="$flags -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg=fuzzing"
export ASAN_OPTIONS=detect_odr_violation=0
if [ -n "${VESTIBULE_FUZZ_QUICK:-}" ]; then
    # Dependencies are those of the tests, built as they were: from their directory, in their profile, at their versions.
    built=${CARGO_TARGET_DIR:-target}
    mkdir -p "$built"
    sed -n '/^\[profile\.dev/,/^\[profile\.release\]/p' Cargo.toml | sed '$d' >"$built/fuzz-profile.toml"
    export RUSTC_WRAPPER="$PWD/scripts/fuzz-rustc.sh" VESTIBULE_FUZZ_OWN="$PWD" VESTIBULE_FUZZ_FLAGS="$flags" CARGO_BUILD_BUILD_DIR="$built"
    "$cargo" build --quiet --manifest-path tests/fuzz/Cargo.toml --target-dir tests/fuzz/target/quick --config "$built/fuzz-profile.toml" --bins
    export VESTIBULE_FUZZ_BUILT=tests/fuzz/target/quick/debug
else
    # The target is named so that nothing which runs at build time is followed.
    host=$("$cargo" -vV | sed -n 's/^host: //p')
    export RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags -Zsanitizer=address"
    "$cargo" build --quiet --manifest-path tests/fuzz/Cargo.toml --target-dir tests/fuzz/target/whole --target "$host" --release --bins
    export VESTIBULE_FUZZ_BUILT="tests/fuzz/target/whole/$host/release"
fi
for file in tests/fuzz/targets/*.rs; do
    basename "$file" .rs
done | xargs -P 2 -n 1 scripts/fuzz-one.sh
