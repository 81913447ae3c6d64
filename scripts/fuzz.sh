#!/bin/sh
# Fuzzes every target for VESTIBULE_FUZZ_SECONDS each (default 60), two at a time. Instrumentation and sanitizers need the compiler's unstable flags,
# which RUSTC_BOOTSTRAP unlocks on a stable toolchain; the fuzzed build has a target directory of its own. With VESTIBULE_FUZZ_QUICK=1 it takes a
# fourth of the time: dependencies are not followed, nothing is optimised much, no sanitizer looks. VESTIBULE_FUZZ_SEED makes runs alike (0: none is).
# A target that finds something does not keep the others from running; the exit status says that one did, and tests/fuzz/artifacts holds its input.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
export VESTIBULE_FUZZ_SECONDS="${VESTIBULE_FUZZ_SECONDS:-60}" VESTIBULE_FUZZ_SEED="${VESTIBULE_FUZZ_SEED:-0}"
scripts/packages.sh g++:c++
host=$("$cargo" -vV | sed -n 's/^host: //p')
# What libFuzzer follows: every edge, and what is compared with what. The target is named so that nothing which runs at build time has it.
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags="$flags -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg=fuzzing"
export RUSTC_BOOTSTRAP=1 ASAN_OPTIONS=detect_odr_violation=0
if [ -n "${VESTIBULE_FUZZ_QUICK:-}" ]; then
    kind=quick
    export RUSTC_WRAPPER="$PWD/scripts/fuzz-rustc.sh" VESTIBULE_FUZZ_OWN="$PWD" VESTIBULE_FUZZ_FLAGS="$flags" CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        CARGO_PROFILE_RELEASE_DEBUG=false
else
    kind=whole
    export RUSTFLAGS="$flags -Zsanitizer=address"
fi
"$cargo" build --quiet --manifest-path tests/fuzz/Cargo.toml --target-dir "tests/fuzz/target/$kind" --target "$host" --release --bins
export VESTIBULE_FUZZ_BUILT="tests/fuzz/target/$kind/$host/release"
for file in tests/fuzz/targets/*.rs; do
    basename "$file" .rs
done | xargs -P 2 -n 1 scripts/fuzz-one.sh
